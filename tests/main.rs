//! The service from outside: every test speaks HTTP to it, on SQLite and on PostgreSQL.

mod support;

mod caseload;
mod arrows;
mod dispatch;
mod events;
mod flags;
mod mood_scores;
mod readme;
mod sealing;
mod reminders;
mod sign_in;
mod timeline;
mod unit_of_work;
