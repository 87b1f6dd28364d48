//! The service from outside: every test speaks HTTP to it, on SQLite and on PostgreSQL.

mod support;

mod mood_scores;
