//! Reads and writes of the database, one file per aggregate. Knows nothing of HTTP.

pub mod database;
mod scope;
mod writer;

pub use database::{Database, Place, lease_now};
pub use scope::Scope;
pub use writer::Tx;
