//! The rows of the database.
