//! The service from outside: every test speaks HTTP to it, on SQLite and on PostgreSQL.

mod arrows;
mod support;

mod caseload;
mod arrows;
mod events;
mod flags;
mod mood_scores;
mod sign_in;
mod sealing;
mod timeline;
mod unit_of_work;
