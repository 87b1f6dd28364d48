//! The clinical core: values in, values out. No I/O, no clock, no `async`.

pub mod accounts;
pub mod assessments;
pub mod business_hours;
pub mod care_team;
pub mod caseload;
pub mod clinic;
pub mod dosing;
pub mod faults;
pub mod home_doses;
pub mod instruments;
pub mod intentions;
pub mod journal_entries;
pub mod mood_scores;
pub mod notifications;
mod numbered;
pub mod patch;
pub mod prescriptions;
pub mod profile;
pub mod record;
pub mod recurrence;
pub mod reminders;
pub mod safety;
pub mod sessions;
pub mod sign_in;
pub mod standing;
pub mod support;
