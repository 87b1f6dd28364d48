//! Afterglow: the backend of a patient companion for ketamine-assisted psychotherapy.
//!
//! It is no emergency service and no medical device: it records, reminds and shows; people decide.

pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dashboard;
pub mod demo;
pub mod domain;
pub mod error;
pub mod events;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod reminders;
pub mod security;
pub mod server;
pub mod start;
pub mod store;
