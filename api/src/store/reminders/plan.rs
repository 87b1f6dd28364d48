//! Writing down what is to be said, and when: idempotent, since a message is unique by reminder, day and slot.

use super::{Column, Entity, Model, rule};
use crate::{
    domain::{
        notifications::{DeliveryState, NotificationKind, NotificationState, is_late},
        record::Kind,
        recurrence::{Event, Occurrence, Recurring, Relative, Rule, Whereabouts},
        reminders::PLANNED_DAYS,
        sessions::{SessionKind, SessionState},
    },
    error::Error,
    events::{self, Subject},
    store::{Scope, Tx, notifications, patients, profiles},
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use entities::{
    delivery,
    notification::{self, Column as Message, Entity as Messages},
    patient, record, reminder,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, TryInsertResult, sea_query::Expr,
};
use serde::Deserialize;
use uuid::Uuid;

/// How many days of a recurring reminder one unit catches up with, after a long standstill.
const STRIDE: u64 = 14;
/// Sessions up to so long ago can still be followed by a message: the longest offset.
const REACH: TimeDelta = TimeDelta::days(367);

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
    Ok(rows.into_tuple::<(Uuid, Uuid)>().all(db).await?)
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
        match rule(&row)? {
            Rule::Recurring(recurring) => {
                move_waiting(tx, &person, &row, &recurring).await?;
                if let Some(planned_to) = row.planned_to {
                    carry_on(tx, &person, &row, &recurring, planned_to, Some(tx.now())).await?;
                }
            }
            Rule::Relative(relative) => {
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
                if let Rule::Relative(relative) = rule(&reminder)? {
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

struct Person {
    id: Uuid,
    clinic: Uuid,
    place: Whereabouts,
    active: bool,
}

impl Person {
    fn scope(&self) -> Scope {
        Scope { clinic: self.clinic, patient: self.id, sees_private: false }
    }
}

/// `patient.state`: somebody who accepted the invitation and is still under care.
const ACTIVE: i16 = 1;

async fn person(tx: &Tx, patient: Uuid) -> Result<Option<Person>, Error> {
    let Some(row) = patient::Entity::find_by_id(patient).one(tx.db()).await? else { return Ok(None) };
    let place = whereabouts(&row)?;
    Ok(Some(Person { id: row.id, clinic: row.clinic_id, place, active: row.state == ACTIVE }))
}

fn whereabouts(row: &patient::Model) -> Result<Whereabouts, Error> {
    let zone = row.time_zone.parse().map_err(|_| Error::internal("a patient's zone is unknown"))?;
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

#[derive(Deserialize)]
struct Facts {
    kind: SessionKind,
    state: SessionState,
}

impl Facts {
    fn of(row: &record::Model) -> Option<Self> {
        if row.deleted { None } else { serde_json::from_str(&row.facts).ok() }
    }

    fn is(&self, event: Event) -> bool {
        match event {
            Event::DosingSession => self.kind == SessionKind::Dosing,
            Event::IntegrationSession => self.kind == SessionKind::Integration,
        }
    }
}

async fn sessions(tx: &Tx, patient: Uuid) -> Result<Vec<record::Model>, Error> {
    let since = entities::Micros::from(tx.now() - REACH);
    let rows = record::Entity::find()
        .filter(record::Column::PatientId.eq(patient))
        .filter(record::Column::Kind.eq(Kind::Sessions.code()))
        .filter(record::Column::OccurredAt.gte(since))
        .filter(Expr::col(record::Column::Deleted).not());
    Ok(rows.all(tx.db()).await?)
}

/// Brings the message of one session in line with it. `past` sessions of a new reminder are let be.
async fn follow_session(
    tx: &Tx,
    person: &Person,
    reminder: &Model,
    relative: &Relative,
    session: &record::Model,
    is_new_rule: bool,
) -> Result<(), Error> {
    let slot = session.id.to_string();
    let rows = Messages::find()
        .filter(Message::PatientId.eq(person.id))
        .filter(Message::ReminderId.eq(reminder.id))
        .filter(Message::Slot.eq(slot.as_str()))
        .all(tx.db())
        .await?;
    let unsent = rows.iter().find(|row| row.state == NotificationState::Scheduled.code());
    let stands = Facts::of(session).is_some_and(|facts| {
        facts.is(relative.to) && matches!(facts.state, SessionState::Planned | SessionState::Completed)
    });
    if !stands {
        let here = Condition::all().add(Message::ReminderId.eq(reminder.id)).add(Message::Slot.eq(slot));
        return cancel(tx, unsent_of(person.id).add(here)).await;
    }
    let occurrence = relative.occurrence(session.id, session.occurred_at.into(), person.place);
    let late = is_late(occurrence.due_at, tx.now());
    let there = rows.iter().find(|row| row.local_date == Some(occurrence.local_date));
    let revivable = |row: &&notification::Model| {
        row.state == NotificationState::Cancelled.code() || (row.state == NotificationState::Missed.code() && !late)
    };
    match (unsent, there) {
        // It waits for this day, or for another one that has no message yet.
        (Some(row), None) => move_to(tx, row, &occurrence).await,
        (Some(row), Some(there)) if row.id == there.id => move_to(tx, row, &occurrence).await,
        (Some(row), Some(_)) => cancel(tx, unsent_of(person.id).add(Message::Id.eq(row.id))).await,
        (None, Some(there)) if revivable(&there) => move_to(tx, there, &occurrence).await,
        (None, Some(_)) => Ok(()),
        // It was said once already, or a rule made afterwards has nothing to say about it.
        (None, None) if late && (is_new_rule || !rows.is_empty()) => Ok(()),
        (None, None) => write(tx, reminder, &occurrence).await,
    }
}

/// The row of one message.
pub(super) fn message(
    reminder: &Model,
    occurrence: &Occurrence,
    id: Uuid,
    state: NotificationState,
    computed_at: DateTime<Utc>,
) -> notification::Model {
    notification::Model {
        patient_id: reminder.patient_id,
        id,
        kind: reminder.kind,
        reminder_id: Some(reminder.id),
        local_date: Some(occurrence.local_date),
        slot: Some(occurrence.slot.clone()),
        flag_id: None,
        recipient_id: None,
        step: None,
        told_with: None,
        time_zone: occurrence.zone.name().to_owned(),
        due_at: occurrence.due_at.into(),
        state: state.code(),
        computed_at: computed_at.into(),
        read_at: None,
    }
}

/// Writes one message, unless it is there.
async fn write(tx: &Tx, reminder: &Model, occurrence: &Occurrence) -> Result<(), Error> {
    let (state, delivered) = fate(tx, occurrence);
    let message = message(reminder, occurrence, tx.new_id(), state, tx.now());
    let key = [Message::PatientId, Message::ReminderId, Message::LocalDate, Message::Slot];
    let inserted = Messages::insert(message.clone().into_active_model())
        .on_conflict_do_nothing_on(key)
        .exec_without_returning(tx.db())
        .await?;
    if let TryInsertResult::Inserted(1) = inserted {
        notifications::queue(tx, &message, delivered).await?;
        announce(tx, &message);
    }
    Ok(())
}

fn fate(tx: &Tx, occurrence: &Occurrence) -> (NotificationState, DeliveryState) {
    if is_late(occurrence.due_at, tx.now()) {
        (NotificationState::Missed, DeliveryState::Failed)
    } else {
        (NotificationState::Scheduled, DeliveryState::Queued)
    }
}

/// Moves a message that was not sent.
async fn move_to(tx: &Tx, row: &notification::Model, occurrence: &Occurrence) -> Result<(), Error> {
    let (state, delivered) = fate(tx, occurrence);
    let mut moved = row.clone().into_active_model();
    moved.local_date = Set(Some(occurrence.local_date));
    moved.time_zone = Set(occurrence.zone.name().to_owned());
    moved.due_at = Set(occurrence.due_at.into());
    moved.state = Set(state.code());
    moved.computed_at = Set(tx.now().into());
    Messages::update(moved).exec_without_returning(tx.db()).await?;
    notifications::requeue(tx, row.patient_id, row.id, occurrence.due_at, delivered).await?;
    announce(tx, row);
    Ok(())
}

fn announce(tx: &Tx, row: &notification::Model) {
    let event =
        events::Event { patient_id: row.patient_id, subject: Subject::Notification, id: row.id, private: false };
    tx.announce(event);
}

fn unsent_of(patient: Uuid) -> Condition {
    Condition::all().add(Message::PatientId.eq(patient)).add(Message::State.eq(NotificationState::Scheduled.code()))
}

fn waiting(row: &Model) -> Condition {
    unsent_of(row.patient_id).add(Message::ReminderId.eq(row.id))
}

/// Cancels messages that wait.
async fn cancel(tx: &Tx, which: Condition) -> Result<(), Error> {
    for row in Messages::find().filter(which).all(tx.db()).await? {
        notifications::settle(tx, &row, NotificationState::Cancelled, DeliveryState::Suppressed).await?;
        announce(tx, &row);
    }
    Ok(())
}

/// Forgets what a reminder has still to say: it is worked out anew. What the patient has put off stays.
async fn forget(tx: &Tx, row: &Model) -> Result<(), Error> {
    let unsaid = [NotificationState::Scheduled.code(), NotificationState::Cancelled.code()];
    let which = Condition::all()
        .add(Message::PatientId.eq(row.patient_id))
        .add(Message::ReminderId.eq(row.id))
        .add(Message::State.is_in(unsaid))
        .add(Message::DueAt.gt(entities::Micros::from(tx.now())))
        .add(Message::ReadAt.is_null());
    let ids: Vec<Uuid> =
        Messages::find().select_only().column(Message::Id).filter(which.clone()).into_tuple().all(tx.db()).await?;
    if ids.is_empty() {
        return Ok(());
    }
    let parts = delivery::Entity::delete_many().filter(delivery::Column::PatientId.eq(row.patient_id));
    parts.filter(delivery::Column::NotificationId.is_in(ids)).exec(tx.db()).await?;
    Messages::delete_many().filter(which).exec(tx.db()).await?;
    Ok(())
}
