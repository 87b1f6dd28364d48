//! What a session means for the reminders that follow one: each has one message for it, which is planned, moved and called
//! off with it.

use super::{
    Model,
    messages::{cancel, move_to, unsent_of, write},
    plan::Person,
};
use crate::{
    domain::{
        notifications::{NotificationState, is_late},
        record::Kind,
        recurrence::{Event, Relative},
        sessions::{SessionKind, SessionState},
    },
    error::Error,
    store::Tx,
};
use chrono::TimeDelta;
use entities::{
    notification::{self, Column as Message, Entity as Messages},
    record,
};
use sea_orm::{ColumnTrait, Condition, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use serde::Deserialize;
use uuid::Uuid;

/// Sessions up to so long ago can still be followed by a message: the longest offset.
const REACH: TimeDelta = TimeDelta::days(367);

#[derive(Deserialize)]
struct Facts {
    kind: SessionKind,
    state: SessionState,
}

impl Facts {
    /// None of a session that was deleted.
    fn of(row: &record::Model) -> Result<Option<Self>, Error> {
        if row.deleted { Ok(None) } else { serde_json::from_str(&row.facts).map(Some).map_err(Error::internal) }
    }

    fn is(&self, event: Event) -> bool {
        match event {
            Event::DosingSession => self.kind == SessionKind::Dosing,
            Event::IntegrationSession => self.kind == SessionKind::Integration,
        }
    }
}

/// The sessions of a patient that a message may follow.
pub(super) async fn sessions(tx: &Tx, patient: Uuid) -> Result<Vec<record::Model>, Error> {
    let since = entities::Micros::from(tx.now() - REACH);
    let rows = record::Entity::find()
        .filter(record::Column::PatientId.eq(patient))
        .filter(record::Column::Kind.eq(Kind::Sessions.code()))
        .filter(record::Column::OccurredAt.gte(since))
        .filter(Expr::col(record::Column::Deleted).not());
    Ok(rows.all(tx.db()).await?)
}

/// Brings the message of one session in line with it. `past` sessions of a new reminder are let be.
pub(super) async fn follow_session(
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
    let stands = Facts::of(session)?.is_some_and(|facts| {
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
