//! The messages of reminders as rows: written once, moved while they wait, cancelled or forgotten.

use super::Model;
use crate::{
    domain::{
        notifications::{DeliveryState, NotificationState, is_late},
        recurrence::Occurrence,
    },
    error::Error,
    store::{Tx, notifications},
};
use chrono::{DateTime, Utc};
use entities::{
    delivery,
    notification::{self, Column as Message, Entity as Messages},
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, TryInsertResult,
};
use uuid::Uuid;

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
pub(super) async fn write(tx: &Tx, reminder: &Model, occurrence: &Occurrence) -> Result<(), Error> {
    let (state, delivered) = state_of(tx, occurrence);
    let message = message(reminder, occurrence, tx.new_id(), state, tx.now());
    let key = [Message::PatientId, Message::ReminderId, Message::LocalDate, Message::Slot];
    let inserted = Messages::insert(message.clone().into_active_model())
        .on_conflict_do_nothing_on(key)
        .exec_without_returning(tx.db())
        .await?;
    if let TryInsertResult::Inserted(1) = inserted {
        notifications::queue(tx, &message, delivered).await?;
        tx.ended(notifications::class_of(&message), state, 1);
        notifications::announce(tx, &message);
    }
    Ok(())
}

/// Where a message stands that is due then.
fn state_of(tx: &Tx, occurrence: &Occurrence) -> (NotificationState, DeliveryState) {
    if is_late(occurrence.due_at, tx.now()) {
        (NotificationState::Missed, DeliveryState::Failed)
    } else {
        (NotificationState::Scheduled, DeliveryState::Queued)
    }
}

/// Moves a message that was not sent.
pub(super) async fn move_to(tx: &Tx, row: &notification::Model, occurrence: &Occurrence) -> Result<(), Error> {
    let (state, delivered) = state_of(tx, occurrence);
    let mut moved = row.clone().into_active_model();
    moved.local_date = Set(Some(occurrence.local_date));
    moved.time_zone = Set(occurrence.zone.name().to_owned());
    moved.due_at = Set(occurrence.due_at.into());
    moved.state = Set(state.code());
    moved.computed_at = Set(tx.now().into());
    Messages::update(moved).exec_without_returning(tx.db()).await?;
    notifications::requeue(tx, row.patient_id, row.id, occurrence.due_at, delivered).await?;
    tx.ended(notifications::class_of(row), state, 1);
    notifications::announce(tx, row);
    Ok(())
}

pub(super) fn unsent_of(patient: Uuid) -> Condition {
    Condition::all().add(Message::PatientId.eq(patient)).add(Message::State.eq(NotificationState::Scheduled.code()))
}

pub(super) fn waiting(row: &Model) -> Condition {
    unsent_of(row.patient_id).add(Message::ReminderId.eq(row.id))
}

/// Cancels messages that wait.
pub(super) async fn cancel(tx: &Tx, which: Condition) -> Result<(), Error> {
    for row in Messages::find().filter(which).all(tx.db()).await? {
        notifications::settle(tx, &row, NotificationState::Cancelled, DeliveryState::Suppressed).await?;
        notifications::announce(tx, &row);
    }
    Ok(())
}

/// Forgets what a reminder has still to say: it is worked out anew. What the patient has put off stays.
pub(super) async fn forget(tx: &Tx, row: &Model) -> Result<(), Error> {
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
