//! The audit log: who did what, to whom, in commit order. Ids only; rows are appended, never changed.

use super::{Tx, bulk, database::Driver};
use crate::error::Error;
use entities::audit::ActiveModel;
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ConnectionTrait, DatabaseTransaction, DbErr,
};
use uuid::Uuid;

/// The advisory lock of whoever is appending: a number of our own.
const TURN: i64 = 0x0af7_e261;

/// One thing that was done.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The clinic.
    pub clinic: Uuid,
    /// Who did it; nobody, for what the service does by itself.
    pub account: Option<Uuid>,
    /// The operation's id.
    pub operation: &'a str,
    /// Whose data.
    pub patient: Option<Uuid>,
    /// Which of it.
    pub record: Option<Uuid>,
    /// The version that was made.
    pub version: Option<i64>,
    /// The request.
    pub request: Option<Uuid>,
}

/// A line of the log that its unit's COMMIT will write.
pub(super) type Line = ActiveModel;

/// Appends one row.
pub async fn append(tx: &Tx, entry: Entry<'_>) -> Result<(), Error> {
    append_all(tx, [entry]).await
}

/// Appends rows.
#[expect(clippy::unused_async, reason = "its callers are not to depend on when it is written")]
pub async fn append_all(tx: &Tx, entries: impl IntoIterator<Item = Entry<'_>>) -> Result<(), Error> {
    tx.audit(entries.into_iter().map(|entry| ActiveModel {
        id: NotSet,
        at: Set(tx.now().into()),
        clinic_id: Set(entry.clinic),
        account_id: Set(entry.account),
        operation: Set(entry.operation.to_owned()),
        patient_id: Set(entry.patient),
        record_id: Set(entry.record),
        version: Set(entry.version),
        request_id: Set(entry.request),
    }));
    Ok(())
}

/// Writes the lines of a group of units, as the last thing before its COMMIT. Writers take turns here until theirs is
/// over, so that a line that is committed later has a higher number, whichever process wrote it.
pub(super) async fn write(group: &DatabaseTransaction, driver: Driver, lines: Vec<Line>) -> Result<(), DbErr> {
    if lines.is_empty() {
        return Ok(());
    }
    if driver == Driver::Postgres {
        group.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({TURN})")).await?;
    }
    bulk::insert(group, lines).await
}
