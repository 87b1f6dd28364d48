//! Writing down what is to be said, and when: idempotent, since a message is unique by reminder, day and slot.

use super::{
    Column, Entity, Model,
    messages::{cancel, forget, move_to, waiting, write},
    rows::known_rule,
    rule,
    sessions::{follow_session, sessions},
};
use crate::{
    domain::{
        notifications::NotificationKind,
        profile::PatientState,
        record::Kind,
        recurrence::{Occurrence, Recurring, Rule, Whereabouts},
        reminders::PLANNED_DAYS,
    },
    error::Error,
    store::{Scope, Tx, notifications, patients, profiles, zones::zone_of},
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use entities::{
    notification::{Column as Message, Entity as Messages},
    patient, record, reminder,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect, sea_query::Expr,
};
use uuid::Uuid;

/// How many days of a recurring reminder one unit catches up with, after a long standstill.
const STRIDE: u64 = 14;

/// Recurring reminders that are to be carried on, a page in the order of their keys.
pub async fn behind(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    after: Option<(Uuid, Uuid)>,
    limit: u64,
) -> Result<Vec<(Uuid, Uuid)>, Error> {
    let mut rows = Entity::find()
        .select_only()
        .columns([Column::PatientId, Column::Id])
        .filter(Column::Active.eq(true))
        .filter(Column::Deleted.eq(false))
        .filter(Column::PlannedTo.lt(horizon(now)));
    if let Some((patient, id)) = after {
        let behind = Expr::tuple([Expr::col(Column::PatientId), Expr::col(Column::Id)])
            .gt(Expr::tuple([Expr::val(patient), Expr::val(id)]));
        rows = rows.filter(behind);
    }
    let rows = rows.order_by_asc(Column::PatientId).order_by_asc(Column::Id).limit(limit);
    let rows = rows.into_model::<Key>().all(db).await?;
    Ok(rows.into_iter().map(|row| (row.patient_id, row.id)).collect())
}

#[derive(FromQueryResult)]
struct Key {
    patient_id: Uuid,
    id: Uuid,
}

/// Carries one recurring reminder on to the horizon. What fell due while nothing ran is written too: as missed, once
/// it is too late to be of use.
pub async fn catch_up(tx: &Tx, patient: Uuid, id: Uuid) -> Result<(), Error> {
    let Some(person) = person(tx, patient).await? else { return Ok(()) };
    patients::lock(tx, &person.scope()).await?;
    let row = Entity::find_by_id((patient, id)).one(tx.db()).await?;
    let Some(row) = row.filter(|row| row.active && !row.deleted) else { return Ok(()) };
    let (Rule::Recurring(recurring), Some(planned_to)) = (rule(&row)?, row.planned_to) else { return Ok(()) };
    carry_on(tx, &person, &row, &recurring, planned_to, None).await
}

/// Works a changed or new reminder out anew: what it had not yet said goes, what it has to say now is written.
pub(super) async fn follow_reminder(tx: &Tx, row: &Model) -> Result<(), Error> {
    let Some(person) = person(tx, row.patient_id).await? else { return Ok(()) };
    if !row.active || row.deleted {
        return cancel(tx, waiting(row)).await;
    }
    forget(tx, row).await?;
    match rule(row)? {
        Rule::Recurring(recurring) => {
            let yesterday = local_day(tx.now(), recurring.zone(person.place.zone)) - Days::new(1);
            carry_on(tx, &person, row, &recurring, yesterday, Some(tx.now())).await
        }
        Rule::Relative(relative) => {
            for session in sessions(tx, row.patient_id).await? {
                follow_session(tx, &person, row, &relative, &session, true).await?;
            }
            Ok(())
        }
    }
}

/// Brings all that a patient's reminders have still to say in line with their zone and quiet hours, which changed, or
/// begins it when they have just joined. A message keeps its day and slot wherever the patient travels.
pub async fn follow_patient(tx: &Tx, patient: Uuid) -> Result<(), Error> {
    let Some(person) = person(tx, patient).await? else { return Ok(()) };
    for row in active(tx, patient).await? {
        match known_rule(&row) {
            None => {}
            Some(Rule::Recurring(recurring)) => {
                move_waiting(tx, &person, &row, &recurring).await?;
                if let Some(planned_to) = row.planned_to {
                    carry_on(tx, &person, &row, &recurring, planned_to, Some(tx.now())).await?;
                }
            }
            Some(Rule::Relative(relative)) => {
                for session in sessions(tx, patient).await? {
                    follow_session(tx, &person, &row, &relative, &session, true).await?;
                }
            }
        }
    }
    Ok(())
}

async fn active(tx: &Tx, patient: Uuid) -> Result<Vec<Model>, Error> {
    let active = Entity::find().filter(Column::PatientId.eq(patient)).filter(Column::Active.eq(true));
    Ok(active.filter(Column::Deleted.eq(false)).all(tx.db()).await?)
}

async fn move_waiting(tx: &Tx, person: &Person, reminder: &Model, recurring: &Recurring) -> Result<(), Error> {
    let rows = Messages::find().filter(waiting(reminder)).filter(Message::ReadAt.is_null()).all(tx.db()).await?;
    for row in rows {
        let Some(day) = row.local_date else { continue };
        let hits = recurring.occurrences(day, day, person.place);
        if let Some(hit) = hits.iter().find(|hit| Some(&hit.slot) == row.slot.as_ref()) {
            move_to(tx, &row, hit).await?;
        }
    }
    Ok(())
}

/// What a written or deleted record means for reminders: a session plans, moves or calls off; a journal entry makes
/// needless what still waits to ask for one.
pub async fn follow_record(tx: &Tx, row: &record::Model) -> Result<(), Error> {
    match Kind::from_code(row.kind) {
        Some(Kind::Sessions) => {
            let Some(person) = person(tx, row.patient_id).await? else { return Ok(()) };
            for reminder in active(tx, row.patient_id).await? {
                if let Some(Rule::Relative(relative)) = known_rule(&reminder) {
                    follow_session(tx, &person, &reminder, &relative, row, false).await?;
                }
            }
            Ok(())
        }
        Some(Kind::JournalEntries) if !row.deleted => {
            notifications::skip_done(tx, row.patient_id, NotificationKind::Journal).await
        }
        _ => Ok(()),
    }
}

/// What a recurring reminder will say in some days, worked out as the sender works it out.
pub async fn upcoming(
    db: &impl ConnectionTrait,
    scope: &Scope,
    id: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Occurrence>, Error> {
    let row = super::living(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)?;
    let person = patient::Entity::find_by_id(scope.patient).one(db).await?.ok_or(Error::NotFound)?;
    let (Rule::Recurring(recurring), true) = (rule(&row)?, row.active) else { return Ok(Vec::new()) };
    Ok(recurring.occurrences(from, to, whereabouts(&person)?))
}

/// A patient, as far as reminders ask.
pub(super) struct Person {
    pub(super) id: Uuid,
    clinic: Uuid,
    pub(super) place: Whereabouts,
    active: bool,
}

impl Person {
    fn scope(&self) -> Scope {
        Scope { clinic: self.clinic, patient: self.id, sees_private: false }
    }
}

async fn person(tx: &Tx, patient: Uuid) -> Result<Option<Person>, Error> {
    let Some(row) = patient::Entity::find_by_id(patient).one(tx.db()).await? else { return Ok(None) };
    let place = whereabouts(&row)?;
    Ok(Some(Person { id: row.id, clinic: row.clinic_id, place, active: row.state == PatientState::Active.code() }))
}

fn whereabouts(row: &patient::Model) -> Result<Whereabouts, Error> {
    let zone = zone_of(&row.time_zone)?;
    Ok(Whereabouts { zone, quiet: profiles::quiet_hours(row)? })
}

/// The last day up to which messages are written: a day that has begun nowhere yet, so that two days lie ahead
/// everywhere.
fn horizon(now: DateTime<Utc>) -> NaiveDate {
    now.date_naive() + Days::new(PLANNED_DAYS)
}

fn local_day(now: DateTime<Utc>, zone: chrono_tz::Tz) -> NaiveDate {
    now.with_timezone(&zone).date_naive()
}

/// Writes a recurring reminder's messages after `planned_to`, and how far that went; nothing about what lay before
/// `since`.
async fn carry_on(
    tx: &Tx,
    person: &Person,
    row: &Model,
    recurring: &Recurring,
    planned_to: NaiveDate,
    since: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let to = std::cmp::min(horizon(tx.now()), planned_to + Days::new(STRIDE));
    let reached = if person.active {
        for occurrence in recurring.occurrences(planned_to + Days::new(1), to, person.place) {
            if since.is_none_or(|since| occurrence.due_at > since) {
                write(tx, row, &occurrence).await?;
            }
        }
        to
    } else {
        // Looked at again at every tick, and begun on the day on which they join.
        local_day(tx.now(), recurring.zone(person.place.zone)) - Days::new(1)
    };
    let planned = reminder::ActiveModel {
        patient_id: Set(row.patient_id),
        id: Set(row.id),
        planned_to: Set(Some(reached)),
        ..Default::default()
    };
    Entity::update(planned).exec_without_returning(tx.db()).await?;
    Ok(())
}
