//! The service from outside: every test speaks HTTP to it, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::cast_possible_truncation, clippy::format_collect, reason = "small numbers, short texts")]

mod support;

mod arrows;
mod authorship;
mod bad_input;
mod caseload;
mod cookies;
mod corrections;
mod demo;
mod dispatch;
mod document;
mod doors;
mod doses;
mod effects;
mod events;
mod falls;
mod flags;
mod guessing;
mod instants;
mod matrix;
mod metrics;
mod mood_scores;
mod pages;
mod patience;
mod people;
mod postgres;
mod readme;
mod reminders;
mod replay;
mod rights;
mod rounds;
mod schema;
mod sealing;
mod sign_in;
mod smtp;
mod standing;
mod start;
mod support_resources;
mod sweep;
mod teams;
mod timeline;
mod unit_of_work;
mod unreached;
