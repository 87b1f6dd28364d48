//! Reminders, and the messages that follow from them. A deleted reminder stays as a tombstone; its messages stay.
//!
//! Messages are written in the unit that causes them: a reminder that is made or changed, a session that is planned or
//! moved. Those of recurring reminders are written two days ahead; a tick carries them on.

mod messages;
mod plan;
mod rows;
mod sessions;

pub use plan::{behind, catch_up, follow_patient, follow_record, upcoming};
pub(super) use rows::{rule, title};

use super::{Author, Decision, Precondition, Scope, Tx, audit, bulk, notifications, patients};
use crate::{
    domain::{
        faults::Faults,
        notifications::NotificationState,
        recurrence::Occurrence,
        reminders::{Keepable, MOST, NewReminder, Reminder, Source, templates},
    },
    error::Error,
    security::seal::OwnerKeys,
};
use chrono::{DateTime, NaiveDate, Utc};
use entities::reminder::{Column, Entity, Model};
use rows::{open, seal, stored};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
};
use serde_json::Value;
use uuid::Uuid;

/// A patient's reminders, in the order in which they were made.
pub async fn list(db: &impl ConnectionTrait, keys: &OwnerKeys, scope: &Scope) -> Result<Vec<Reminder>, Error> {
    let rows = living(scope).order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await?;
    rows.iter().map(|row| open(row, keys, scope.clinic)).collect()
}

/// One of them.
pub async fn find(db: &impl ConnectionTrait, keys: &OwnerKeys, scope: &Scope, id: Uuid) -> Result<Reminder, Error> {
    let row = living(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)?;
    open(&row, keys, scope.clinic)
}

/// Makes a reminder under an id of the server's.
pub async fn create(
    tx: &Tx,
    author: &Author,
    new: Result<Keepable, Faults>,
    source: Source,
) -> Result<Reminder, Error> {
    author.hold(tx).await?;
    let new = new?;
    insert(tx, author, tx.new_id(), &new, source).await
}

/// Makes or replaces a reminder under an id of the client's, as records are; and what that came to.
pub async fn put(
    tx: &Tx,
    author: &Author,
    id: Uuid,
    held: Precondition,
    new: Result<Keepable, Faults>,
    source: Source,
) -> Result<(Reminder, Decision), Error> {
    author.hold(tx).await?;
    let Some(row) = Entity::find_by_id((author.scope.patient, id)).one(tx.db()).await? else {
        held.make()?;
        let new = new?;
        return Ok((insert(tx, author, id, &new, source).await?, Decision::Make));
    };
    let current = existing(&row, author)?;
    let is_same = new.as_ref().is_ok_and(|new| **new == current.wish());
    let decision = held.put(row.version, is_same, || shown(&current))?;
    if decision == Decision::Keep {
        return Ok((current, decision));
    }
    let new = new?;
    let changed = stored(author, &new, row.source, Some(&row), id, tx.now())?;
    save(tx, author, changed, "reminders_replace").await.map(|reminder| (reminder, decision))
}

/// Deletes a reminder; what it had still to say is cancelled.
pub async fn remove(tx: &Tx, author: &Author, id: Uuid, held: Precondition) -> Result<(), Error> {
    author.hold(tx).await?;
    let row = Entity::find_by_id((author.scope.patient, id)).one(tx.db()).await?.ok_or(Error::NotFound)?;
    if row.deleted {
        return Ok(());
    }
    held.change(row.version, || shown(&existing(&row, author)?))?;
    let gone = Model { deleted: true, active: false, sealed: None, ..next(tx, row) };
    save(tx, author, gone, "reminders_delete").await.map(drop)
}

/// Stops a reminder by the link in its mail; repeating it changes nothing. Whether there is such a reminder.
pub async fn stop(tx: &Tx, patient: Uuid, id: Uuid, keys: &OwnerKeys) -> Result<bool, Error> {
    let Some(clinic) = patients::clinic_of(tx.db(), patient).await? else { return Ok(false) };
    let scope = Scope { clinic, patient, sees_private: false };
    patients::lock(tx, &scope).await?;
    let row = Entity::find_by_id((patient, id)).one(tx.db()).await?;
    let Some(row) = row.filter(|row| !row.deleted) else { return Ok(false) };
    if row.active {
        let words = open(&row, keys, clinic)?.title;
        let mut stopped = Model { active: false, ..next(tx, row) };
        stopped.sealed = seal(keys, clinic, id, stopped.version, words)?;
        Entity::update(stopped.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
        plan::follow_reminder(tx, &stopped).await?;
        let entry = audit::Entry::by_account(clinic, patient, None, "reminders_stop").patient(patient);
        audit::append(tx, entry.record(id).version(stopped.version)).await?;
    }
    Ok(true)
}

/// The two reminders of a new patient.
pub async fn attach_templates(tx: &Tx, author: &Author, today: NaiveDate) -> Result<(), Error> {
    for template in templates(today) {
        insert(tx, author, tx.new_id(), &template, Source::Template).await?;
    }
    Ok(())
}

/// A reminder that has been there for a while, with what it has said, for a clinic that is made with a past.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// Its id.
    pub id: Uuid,
    /// What was wanted.
    pub new: NewReminder,
    /// Who set it up.
    pub source: Source,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Up to which day its messages are there, if it recurs.
    pub planned_to: Option<NaiveDate>,
    /// What it said, and has still to say.
    pub messages: Vec<Said>,
}

/// One message of a reminder.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// Its id.
    pub id: Uuid,
    /// That of its delivery.
    pub delivery: Uuid,
    /// The occurrence.
    pub occurrence: Occurrence,
    /// When it was worked out.
    pub computed_at: DateTime<Utc>,
    /// What became of it.
    pub state: NotificationState,
}

/// Stores the reminders of a patient who has none yet.
pub async fn insert_all(tx: &Tx, author: &Author, reminders: &[Past]) -> Result<(), Error> {
    let (mut rows, mut messages) = (Vec::new(), Vec::new());
    for Past { id, new, source, made_at, planned_to, messages: said } in reminders {
        let row = Model { planned_to: *planned_to, ..stored(author, new, source.code(), None, *id, *made_at)? };
        for Said { id, delivery, occurrence, computed_at, state } in said {
            let message = messages::message(&row, occurrence, *id, *state, *computed_at);
            messages.push((notifications::past_delivery(&message, *delivery), message));
        }
        rows.push(row);
    }
    bulk::insert(tx.db(), rows).await?;
    notifications::insert_all(tx, messages).await
}

fn living(scope: &Scope) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Deleted.eq(false))
}

async fn insert(tx: &Tx, author: &Author, id: Uuid, new: &NewReminder, source: Source) -> Result<Reminder, Error> {
    if living(&author.scope).count(tx.db()).await? >= MOST {
        return Err(Error::ImpossibleStep("a patient may have 100 reminders"));
    }
    let row = stored(author, new, source.code(), None, id, tx.now())?;
    Entity::insert(row.clone().into_active_model()).exec_without_returning(tx.db()).await?;
    plan::follow_reminder(tx, &row).await?;
    note(tx, author, "reminders_create", &row).await?;
    open(&row, &author.keys, author.scope.clinic)
}

async fn save(tx: &Tx, author: &Author, row: Model, operation: &str) -> Result<Reminder, Error> {
    Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
    plan::follow_reminder(tx, &row).await?;
    note(tx, author, operation, &row).await?;
    open(&row, &author.keys, author.scope.clinic)
}

async fn note(tx: &Tx, author: &Author, operation: &str, row: &Model) -> Result<(), Error> {
    audit::append(tx, audit::Entry::by(author, operation).record(row.id).version(row.version)).await
}

fn next(tx: &Tx, row: Model) -> Model {
    Model { version: row.version + 1, updated_at: tx.now().into(), ..row }
}

fn existing(row: &Model, author: &Author) -> Result<Reminder, Error> {
    if row.deleted { Err(Error::Gone) } else { open(row, &author.keys, author.scope.clinic) }
}

/// What a caller is shown who holds another version.
fn shown(current: &Reminder) -> Result<Value, Error> {
    serde_json::to_value(current).map_err(Error::internal)
}
