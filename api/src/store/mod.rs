//! Reads and writes of the database, one file per aggregate. Knows nothing of HTTP.

pub mod accounts;
pub mod audit;
mod bulk;
pub mod care_team;
pub mod caseload;
pub mod clinics;
pub mod database;
pub mod demo;
pub mod flags;
pub mod idempotency;
pub mod invitations;
mod keys;
mod link;
pub mod members;
pub mod notifications;
pub mod outbox;
mod paging;
pub mod patients;
mod precondition;
pub mod profiles;
pub mod records;
pub mod reminders;
pub mod safety;
mod scope;
pub mod sign_ins;
pub mod standing;
mod writer;

pub use database::{Database, Place, lease_now};
pub use keys::Keys;
pub use link::{Driver, Link};
pub use paging::{After, Page, Window};
pub use precondition::{Change, Decision, Precondition};
pub use scope::Scope;
pub use sign_ins::SignIns;
pub use writer::Tx;
