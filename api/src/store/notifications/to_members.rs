//! Messages to members: what they are told of flags. They are no part of the patient's inbox.

use super::{announce, past_delivery, queue};
use crate::{
    domain::notifications::{DeliveryState, NotificationKind, NotificationState},
    error::Error,
    store::{Tx, bulk},
};
use chrono::{DateTime, Utc};
use entities::notification::{Column, Entity, Model};
use sea_orm::{EntityTrait, IntoActiveModel, TryInsertResult};
use uuid::Uuid;

/// The row of what a member is told of a flag, in a mail of its own.
fn told(patient: Uuid, id: Uuid, flag: Uuid, recipient: Uuid, step: i16, at: DateTime<Utc>) -> Model {
    Model {
        patient_id: patient,
        id,
        kind: NotificationKind::Flag.code(),
        reminder_id: None,
        local_date: None,
        slot: None,
        flag_id: Some(flag),
        recipient_id: Some(recipient),
        step: Some(step),
        told_with: None,
        time_zone: "UTC".into(),
        due_at: at.into(),
        state: NotificationState::Scheduled.code(),
        computed_at: at.into(),
        read_at: None,
    }
}

/// Tells a member of flags and their steps: once for each step of a flag's escalation, and all of them by one mail, which
/// is sent as soon as this unit is committed.
pub async fn tell(tx: &Tx, patient: Uuid, recipient: Uuid, flags: &[(Uuid, i16)]) -> Result<(), Error> {
    let mut mail = None;
    for (flag, step) in flags {
        let row = Model { told_with: mail, ..told(patient, tx.new_id(), *flag, recipient, *step, tx.now()) };
        let key = [Column::PatientId, Column::FlagId, Column::RecipientId, Column::Step];
        let inserted = Entity::insert(row.clone().into_active_model())
            .on_conflict_do_nothing_on(key)
            .exec_without_returning(tx.db())
            .await?;
        if !matches!(inserted, TryInsertResult::Inserted(1)) {
            continue;
        }
        if mail.is_none() {
            queue(tx, &row, DeliveryState::Queued).await?;
            mail = Some(row.id);
        }
        announce(tx, &row);
    }
    Ok(())
}

/// What a member was told of a flag, for a clinic that is made with a past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The message.
    pub id: Uuid,
    /// Its delivery, if it has a mail of its own.
    pub delivery: Option<Uuid>,
    /// The message whose mail tells of it too.
    pub told_with: Option<Uuid>,
    /// The flag.
    pub flag: Uuid,
    /// Who.
    pub recipient: Uuid,
    /// Which step of the escalation.
    pub step: i16,
    /// When.
    pub at: DateTime<Utc>,
    /// Whether it has been sent; if not, it will be at once.
    pub sent: bool,
}

/// Stores what members were told of a patient of whom they were told nothing yet.
pub async fn insert_past(tx: &Tx, patient: Uuid, messages: &[Past]) -> Result<(), Error> {
    let row = |one: &Past| {
        let state = if one.sent { NotificationState::Sent } else { NotificationState::Scheduled };
        let row = told(patient, one.id, one.flag, one.recipient, one.step, one.at);
        Model { state: state.code(), told_with: one.told_with, ..row }
    };
    let mailed = messages.iter().filter_map(|one| Some(past_delivery(&row(one), one.delivery?)));
    let deliveries: Vec<_> = mailed.collect();
    bulk::insert(tx.db(), messages.iter().map(row)).await?;
    Ok(bulk::insert(tx.db(), deliveries).await?)
}
