//! The records of a patient: one row for each, whatever it records; every earlier version is kept.
//!
//! What the wire calls members lies in three places: when and where it happened in columns, numbers and codes in `facts`,
//! everything that a person typed sealed in `sealed`. A reply splices the three; nothing is mapped twice.

mod document;
mod follow;
mod past;
mod read;
mod rows;
mod write;

pub use document::Document;
pub use past::Past;
pub use read::{Change, Changes, changes_since, find, page, version_of};
pub use write::{Written, create, put, remove, repeat};
