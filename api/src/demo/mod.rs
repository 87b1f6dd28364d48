//! The demo: a believable clinic to look at, and the mails that it sends.
//!
//! [`DemoClinic::draw`] makes the whole clinic of a seed as values; the same seed at the same moment gives the same clinic.
//! Nothing in it is a real person but the answers to the first PHQ-9s, which stand in a public file without names.

mod calendar;
mod chance;
mod clinic;
mod course;
mod days;
mod doses;
mod draft;
mod forms;
mod history;
pub mod mail;
mod people;
mod recent;
mod reminded;
mod seed;
mod sessions;
mod staff;
mod words;

pub use clinic::{DemoClinic, Year};
pub use course::Course;
pub use draft::{By, Entry, Write};
pub use history::{History, stored};
pub use people::{MOST, Person};
pub use seed::{Ask, Found, LOGINS, drawn_password, seed};
