//! The deliveries of messages: one for each channel, with how far its sending got.

use crate::{
    domain::notifications::{Channel, Class, DeliveryState, NotificationKind, NotificationState, Stage},
    error::Error,
    store::{Tx, bulk},
};
use chrono::{DateTime, Utc};
use entities::{
    delivery,
    notification::{self, Column, Entity, Model},
};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter, sea_query::Expr};
use uuid::Uuid;

/// Stores messages and their deliveries.
pub(in crate::store) async fn insert_all(
    tx: &Tx,
    messages: impl IntoIterator<Item = (delivery::Model, Model)>,
) -> Result<(), Error> {
    let (deliveries, messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
    bulk::insert(tx.db(), messages).await?;
    Ok(bulk::insert(tx.db(), deliveries).await?)
}

/// The delivery of a message of the past, as its state says.
pub(in crate::store) fn past_delivery(message: &Model, id: Uuid) -> delivery::Model {
    let state = match NotificationState::from_code(message.state) {
        Some(NotificationState::Scheduled | NotificationState::Sending) | None => DeliveryState::Queued,
        Some(NotificationState::Sent) => DeliveryState::Sent,
        Some(NotificationState::Unknown) => DeliveryState::Unknown,
        Some(NotificationState::Skipped | NotificationState::Cancelled) => DeliveryState::Suppressed,
        Some(NotificationState::Missed | NotificationState::Failed) => DeliveryState::Failed,
    };
    let sent = state == DeliveryState::Sent;
    delivery::Model {
        attempts: i16::from(sent),
        last_attempt_at: sent.then_some(message.due_at),
        answer: sent.then_some(250),
        ..delivery_of(message, id, state)
    }
}

fn delivery_of(message: &Model, id: Uuid, state: DeliveryState) -> delivery::Model {
    delivery::Model {
        patient_id: message.patient_id,
        id,
        notification_id: message.id,
        channel: Channel::Email.code(),
        state: state.code(),
        stage: Stage::Waiting.code(),
        attempts: 0,
        not_before: message.due_at,
        lease_until: None,
        fence: 0,
        last_attempt_at: None,
        answer: None,
    }
}

/// The delivery of a new message.
pub(in crate::store) async fn queue(tx: &Tx, message: &Model, state: DeliveryState) -> Result<(), Error> {
    let row = delivery_of(message, tx.new_id(), state);
    delivery::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// The deliveries of a message whose time or fate changed before it was sent, or that is to be sent again.
pub(in crate::store) async fn requeue(
    tx: &Tx,
    patient: Uuid,
    message: Uuid,
    at: DateTime<Utc>,
    state: DeliveryState,
) -> Result<(), Error> {
    let fields = delivery::ActiveModel {
        state: Set(state.code()),
        stage: Set(Stage::Waiting.code()),
        attempts: Set(0),
        not_before: Set(at.into()),
        lease_until: Set(None),
        ..Default::default()
    };
    delivery::Entity::update_many()
        .set(fields)
        // Whoever held an old lease cannot finish it.
        .col_expr(delivery::Column::Fence, Expr::col(delivery::Column::Fence).add(1))
        .filter(delivery::Column::PatientId.eq(patient))
        .filter(delivery::Column::NotificationId.eq(message))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Ends a message and those of its deliveries that were not sent.
pub(in crate::store) async fn settle(
    tx: &Tx,
    row: &Model,
    state: NotificationState,
    delivered: DeliveryState,
) -> Result<(), Error> {
    set_state(tx, row, state).await?;
    delivery::Entity::update_many()
        .set(delivery::ActiveModel {
            state: Set(delivered.code()),
            stage: Set(Stage::Waiting.code()),
            lease_until: Set(None),
            ..Default::default()
        })
        .filter(delivery::Column::PatientId.eq(row.patient_id))
        .filter(delivery::Column::NotificationId.eq(row.id))
        .filter(delivery::Column::State.eq(DeliveryState::Queued.code()))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Where a message stands now, and with it those that its mail tells of too.
pub(in crate::store) async fn set_state(tx: &Tx, row: &Model, state: NotificationState) -> Result<(), Error> {
    let fields = || notification::ActiveModel { state: Set(state.code()), ..Default::default() };
    let own = notification::ActiveModel { patient_id: Set(row.patient_id), id: Set(row.id), ..fields() };
    Entity::update(own).exec_without_returning(tx.db()).await?;
    let mut messages = 1;
    if row.flag_id.is_some() {
        let with = Entity::update_many().set(fields()).filter(Column::PatientId.eq(row.patient_id));
        messages += with.filter(Column::ToldWith.eq(row.id)).exec(tx.db()).await?.rows_affected;
    }
    tx.ended(class_of(row), state, messages);
    Ok(())
}

/// How much a message matters.
pub(in crate::store) fn class_of(message: &Model) -> Class {
    NotificationKind::from_code(message.kind).map_or(Class::Routine, NotificationKind::class)
}
