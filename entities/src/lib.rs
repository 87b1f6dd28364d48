//! The rows of Afterglow's database, one file per table. Columns and their units, nothing else.

pub mod account;
pub mod audit;
pub mod care_relation;
pub mod clinic;
pub mod cookie;
pub mod course;
pub mod delivery;
pub mod flag;
pub mod flag_evidence;
pub mod idempotency;
pub mod invitation;
pub mod measurement;
pub mod member;
pub mod notification;
pub mod patient;
pub mod record;
pub mod record_version;
pub mod reminder;
pub mod standing;
pub mod token;
pub mod wrapped_key;

mod micros;
pub use micros::Micros;
