//! The HTTP face: one file per resource.

pub mod assessments;
#[cfg(test)]
mod examples;
pub mod home_doses;
pub mod intentions;
pub mod journal_entries;
pub mod mood_scores;
pub mod prescriptions;
pub mod reminders;
pub mod sessions;
