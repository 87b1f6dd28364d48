//! The lines of the audit log that a group of units leaves behind.

use super::{Driver, bulk, link::Transaction};
use sea_orm::{ConnectionTrait, DbErr};

/// A line, which its unit's COMMIT will write.
pub(super) type Line = entities::audit::ActiveModel;

/// The advisory lock of whoever is appending: a number of our own.
const TURN: i64 = 0x0af7_e261;

/// Writes the lines of a group of units, as the last thing before its COMMIT. Writers take turns here until theirs is
/// over, so that a line that is committed later has a higher number, whichever process wrote it.
pub(super) async fn write(group: &Transaction, driver: Driver, lines: Vec<Line>) -> Result<(), DbErr> {
    if lines.is_empty() {
        return Ok(());
    }
    if driver == Driver::Postgres {
        group.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({TURN})")).await?;
    }
    bulk::insert(group, lines).await
}
