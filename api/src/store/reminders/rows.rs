//! The row of a reminder and what it stands for.

use super::Model;
use crate::{
    domain::{
        recurrence::{Rule, Schedule},
        reminders::{NewReminder, Reminder, ReminderKind, Source},
    },
    error::Error,
    security::seal::{Class, OwnerKeys, Spot},
    store::Author,
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What of a reminder was typed.
#[derive(Serialize, Deserialize)]
struct Typed {
    title: String,
}

/// The row of what is wanted, as the next version of what there was.
pub(super) fn stored(
    author: &Author,
    new: &NewReminder,
    source: i16,
    old: Option<&Model>,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Model, Error> {
    let version = old.map_or(1, |old| old.version + 1);
    Ok(Model {
        patient_id: author.scope.patient,
        id,
        kind: new.kind.code(),
        source,
        active: new.active,
        schedule: serde_json::to_string(&new.schedule).map_err(Error::internal)?,
        planned_to: None,
        version,
        deleted: false,
        created_at: old.map_or_else(|| now.into(), |old| old.created_at),
        updated_at: now.into(),
        created_by: old.map_or(author.account, |old| old.created_by),
        sealed: seal(&author.keys, author.scope.clinic, id, version, new.title.clone())?,
    })
}

/// What is sealed of a reminder, if it has a title of its own.
pub(super) fn seal(
    keys: &OwnerKeys,
    clinic: Uuid,
    row: Uuid,
    revision: i64,
    title: Option<String>,
) -> Result<Option<Vec<u8>>, Error> {
    let Some(title) = title else { return Ok(None) };
    let words = serde_json::to_string(&Typed { title }).map_err(Error::internal)?;
    keys.seal(&spot(clinic, row, revision), &words).map(Some)
}

fn spot(clinic: Uuid, row: Uuid, revision: i64) -> Spot<'static> {
    Spot { table: "reminder", column: "sealed", clinic, row, revision, class: Class::Shared }
}

/// The title of a row, if it has one of its own.
pub(in crate::store) fn title(row: &Model, keys: &OwnerKeys, clinic: Uuid) -> Result<Option<String>, Error> {
    let Some(sealed) = &row.sealed else { return Ok(None) };
    let words = keys.open(&spot(clinic, row.id, row.version), sealed)?;
    serde_json::from_str::<Typed>(&words).map(|typed| Some(typed.title)).map_err(Error::internal)
}

/// Opens a row.
pub(super) fn open(row: &Model, keys: &OwnerKeys, clinic: Uuid) -> Result<Reminder, Error> {
    let unknown = || Error::internal("a stored reminder is not one that this version knows");
    Ok(Reminder {
        id: row.id,
        version: row.version,
        kind: ReminderKind::from_code(row.kind).ok_or_else(unknown)?,
        title: title(row, keys, clinic)?,
        active: row.active,
        source: Source::from_code(row.source).ok_or_else(unknown)?,
        schedule: serde_json::from_str(&row.schedule).map_err(Error::internal)?,
        created_at: DateTime::<Utc>::from(row.created_at).into(),
        updated_at: DateTime::<Utc>::from(row.updated_at).into(),
        created_by: row.created_by,
    })
}

/// The rule of a row, for who goes on without it: that it cannot be read is the operator's matter, not the patient's whose
/// other write it would stop.
pub(super) fn known_rule(row: &Model) -> Option<Rule> {
    let report = |error: &Error| {
        tracing::error!(%error, patient = %row.patient_id, reminder = %row.id, "a reminder cannot be read and is passed over");
    };
    rule(row).inspect_err(report).ok()
}

/// The rule of a row.
pub(in crate::store) fn rule(row: &Model) -> Result<Rule, Error> {
    let schedule: Schedule = serde_json::from_str(&row.schedule).map_err(Error::internal)?;
    schedule.rule().ok_or_else(|| Error::internal("a stored schedule is no rule"))
}
