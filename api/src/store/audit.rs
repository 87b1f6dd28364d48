//! The audit log: who did what, to whom, in commit order. Ids only; rows are appended, never changed.

use super::Tx;
use crate::error::Error;
use entities::audit::{ActiveModel, Entity};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    EntityTrait,
};
use uuid::Uuid;

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

/// Appends one row.
pub async fn append(tx: &Tx, entry: Entry<'_>) -> Result<(), Error> {
    append_all(tx, [entry]).await
}

/// Appends rows in one statement.
pub async fn append_all(tx: &Tx, entries: impl IntoIterator<Item = Entry<'_>>) -> Result<(), Error> {
    let rows = entries.into_iter().map(|entry| ActiveModel {
        id: NotSet,
        at: Set(tx.now().into()),
        clinic_id: Set(entry.clinic),
        account_id: Set(entry.account),
        operation: Set(entry.operation.to_owned()),
        patient_id: Set(entry.patient),
        record_id: Set(entry.record),
        version: Set(entry.version),
        request_id: Set(entry.request),
    });
    Entity::insert_many(rows).exec_without_returning(tx.db()).await?;
    Ok(())
}
