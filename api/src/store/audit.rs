//! The audit log: who did what, to whom, in commit order. Ids only; rows are appended, never changed.
//!
//! A write leaves a row for each version that it makes, whatever else of the patient it changes along the way: a flag that
//! it opens or joins, a place on the care team that ends with a membership. A request that changes nothing leaves none, but
//! where it shows staff something of a patient it is a read: one row without a version. What is refused leaves none. A
//! sign-in leaves one when it begins and one when it is ended, none when it is renewed.

use super::{Author, Tx};
use crate::{error::Error, security::access::Caller};
use entities::audit::ActiveModel;
use sea_orm::ActiveValue::{NotSet, Set};
use uuid::Uuid;

/// One thing that was done: `Entry::by(&author, "reminders_replace").record(id).version(2)`.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Entry<'a> {
    clinic: Uuid,
    account: Option<Uuid>,
    operation: &'a str,
    patient: Option<Uuid>,
    record: Option<Uuid>,
    version: Option<i64>,
    request: Option<Uuid>,
}

impl<'a> Entry<'a> {
    /// What the service does by itself, or its operator from the command line.
    pub fn by_service(clinic: Uuid, operation: &'a str) -> Self {
        Self { clinic, account: None, operation, patient: None, record: None, version: None, request: None }
    }

    /// What an account does, with a request or without one.
    pub fn by_account(clinic: Uuid, account: Uuid, request: Option<Uuid>, operation: &'a str) -> Self {
        Self { account: Some(account), request, ..Self::by_service(clinic, operation) }
    }

    /// What a caller does in their clinic.
    pub fn by_caller(caller: &Caller, operation: &'a str) -> Self {
        Self::by_account(caller.clinic, caller.account, Some(caller.request), operation)
    }

    /// What the author of a unit does to the patient's data.
    pub fn by(author: &Author, operation: &'a str) -> Self {
        let Author { scope, account, request, .. } = author;
        Self::by_account(scope.clinic, *account, Some(*request), operation).patient(scope.patient)
    }

    /// Whose data.
    pub fn patient(self, patient: Uuid) -> Self {
        Self { patient: Some(patient), ..self }
    }

    /// Which of it.
    pub fn record(self, record: Uuid) -> Self {
        Self { record: Some(record), ..self }
    }

    /// The version that was made.
    pub fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }
}

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
