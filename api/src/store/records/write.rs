//! Writing records, inside a unit of work: the row, the version before, what rules read of it, the audit row.

use super::{
    document::{Document, decode},
    follow::follow,
    read::version_of,
    rows::{self, Stamp},
};
use crate::{
    domain::{
        faults::Given,
        record::{Horizon, Kind, Record, Valid, Visibility},
        support::Support,
    },
    error::Error,
    events::{Event, Subject},
    store::{Author, Decision, Precondition, Tx, audit, idempotency::Before, patients, safety},
};
use entities::{measurement, record, record_version};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use uuid::Uuid;

/// What a write came to.
#[derive(Debug, Clone)]
pub struct Written {
    /// The record as it is now.
    pub document: Document,
    /// Whether this write made it.
    pub created: bool,
    /// Whether anything was written at all.
    pub changed: bool,
    /// What the patient is shown at once, if the write is evidence of something grave.
    pub support: Option<Support>,
}

/// Makes a record under an id of the server's.
pub async fn create<R: Record>(tx: &Tx, author: &Author, new: Given<R>) -> Result<Written, Error> {
    let zone = author.hold(tx).await?;
    let horizon = Horizon { now: tx.now(), zone };
    let valid = new.check(|new| Valid::new(new, &horizon))?;
    insert(tx, author, tx.new_id(), &valid).await
}

/// Answers a repeated request from what it made the first time.
pub async fn repeat(tx: &Tx, author: &Author, before: &Before) -> Result<Written, Error> {
    let document = version_of(tx.db(), &author.keys, &author.scope, before.record, before.version).await?;
    let (id, version, at) = (document.id, document.version, document.updated_at.into());
    let support = safety::support_again(tx, author, id, version, at).await?;
    Ok(Written { document, created: true, changed: false, support })
}

/// Makes or replaces a record under an id of the client's.
///
/// Repeating the same value writes nothing. Another value needs the version that it replaces.
pub async fn put<R: Record>(
    tx: &Tx,
    author: &Author,
    id: Uuid,
    held: Precondition,
    new: Given<R>,
) -> Result<Written, Error> {
    let zone = author.hold(tx).await?;
    let horizon = Horizon { now: tx.now(), zone };
    let Some(row) = record::Entity::find_by_id((author.scope.patient, id)).one(tx.db()).await? else {
        held.make()?;
        return insert(tx, author, id, &new.check(|new| Valid::new(new, &horizon))?).await;
    };
    let current = existing::<R>(&row, author)?;
    let stored = decode::<R>(&current)?;
    let is_same = new.right().is_some_and(|new| stored == *new);
    if held.put(row.version, is_same, || current.to_value())? == Decision::Keep {
        let support = safety::support_again(tx, author, id, row.version, row.updated_at).await?;
        return Ok(Written { document: current, created: false, changed: false, support });
    }
    replace(tx, author, row, &new.check(|new| Valid::new(new, &horizon))?).await
}

/// Deletes a record; repeating it finds it gone, which is what was wanted.
pub async fn remove<R: Record>(tx: &Tx, author: &Author, id: Uuid, held: Precondition) -> Result<(), Error> {
    author.hold(tx).await?;
    let row = record::Entity::find_by_id((author.scope.patient, id)).one(tx.db()).await?.ok_or(Error::NotFound)?;
    if row.deleted && row.kind == R::KIND.code() {
        return Ok(());
    }
    if row.kind != R::KIND.code() {
        return Err(Error::NotFound);
    }
    held.change(row.version, || existing::<R>(&row, author)?.to_value())?;
    keep_version(tx, &row).await?;
    measurement_of(&row).exec(tx.db()).await?;
    let tombstone = rows::tombstone(author, &row, stamp(tx, author).await?);
    store(tx, &tombstone).await?;
    note(tx, author, R::KIND, "delete", &tombstone).await?;
    follow(tx, author, Some(&row), &tombstone).await.map(drop)
}

/// What there is under an id that a client names again.
fn existing<R: Record>(row: &record::Model, author: &Author) -> Result<Document, Error> {
    if row.kind != R::KIND.code() {
        return Err(Error::IdInUse);
    }
    if row.deleted {
        return Err(Error::Gone);
    }
    Document::open(&row.into(), &author.keys, author.scope.clinic)
}

async fn insert<R: Record>(tx: &Tx, author: &Author, id: Uuid, valid: &Valid<R>) -> Result<Written, Error> {
    let row = row(tx, author, id, valid, None).await?;
    record::Entity::insert(row.clone().into_active_model()).exec_without_returning(tx.db()).await?;
    finish(tx, author, None, &row, valid).await
}

async fn replace<R: Record>(tx: &Tx, author: &Author, old: record::Model, valid: &Valid<R>) -> Result<Written, Error> {
    keep_version(tx, &old).await?;
    measurement_of(&old).exec(tx.db()).await?;
    let row = row(tx, author, old.id, valid, Some(&old)).await?;
    store(tx, &row).await?;
    finish(tx, author, Some(&old), &row, valid).await
}

/// The row of a checked record, as the next version.
async fn row<R: Record>(
    tx: &Tx,
    author: &Author,
    id: Uuid,
    valid: &Valid<R>,
    old: Option<&record::Model>,
) -> Result<record::Model, Error> {
    rows::record(author, id, valid, old, stamp(tx, author).await?)
}

async fn stamp(tx: &Tx, author: &Author) -> Result<Stamp, Error> {
    Ok(Stamp { seq: patients::next_seq(tx, author.scope.patient).await?, at: tx.now().into() })
}

/// Puts the next version of a row in its place.
async fn store(tx: &Tx, row: &record::Model) -> Result<(), Error> {
    record::Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// What comes with a row that was written: the measurement, the audit row, what follows from it, the reply.
async fn finish<R: Record>(
    tx: &Tx,
    author: &Author,
    before: Option<&record::Model>,
    row: &record::Model,
    valid: &Valid<R>,
) -> Result<Written, Error> {
    let created = before.is_none();
    if let Some(measured) = rows::measurement(row, valid) {
        measurement::Entity::insert(measured.into_active_model()).exec_without_returning(tx.db()).await?;
    }
    note(tx, author, R::KIND, if created { "create" } else { "replace" }, row).await?;
    let support = follow(tx, author, before, row).await?;
    let document = Document::open(&row.into(), &author.keys, author.scope.clinic)?;
    Ok(Written { document, created, changed: true, support })
}

async fn keep_version(tx: &Tx, row: &record::Model) -> Result<(), Error> {
    let version = rows::version(row, tx.now().into());
    record_version::Entity::insert(version.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

fn measurement_of(row: &record::Model) -> sea_orm::DeleteMany<measurement::Entity> {
    measurement::Entity::delete_many()
        .filter(measurement::Column::PatientId.eq(row.patient_id))
        .filter(measurement::Column::OccurredAt.eq(row.occurred_at))
        .filter(measurement::Column::RecordId.eq(row.id))
}

async fn note(tx: &Tx, author: &Author, kind: Kind, verb: &str, row: &record::Model) -> Result<(), Error> {
    let private = row.visibility == Visibility::Private.code();
    tx.announce(Event { patient_id: row.patient_id, subject: Subject::Record, id: row.id, private });
    let operation = format!("{}_{verb}", kind.name().replace('-', "_"));
    audit::append(tx, audit::Entry::by(author, &operation).record(row.id).version(row.version)).await
}
