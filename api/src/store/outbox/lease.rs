//! Mails that wait, and the leases on them: columns of a delivery, or of an invitation.

use crate::{
    domain::notifications::{Class, DeliveryState, Stage},
    error::Error,
    store::Tx,
};
use chrono::{DateTime, Utc};
use entities::{Micros, delivery, invitation, notification};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{DynIden, Expr, IntoIden, Query, UpdateStatement},
};
use uuid::Uuid;

/// One mail that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Parcel {
    /// A message's delivery.
    Delivery {
        /// Whose.
        patient: Uuid,
        /// Which.
        id: Uuid,
    },
    /// An invitation's mail.
    Invitation {
        /// The clinic that invites.
        clinic: Uuid,
        /// Which.
        id: Uuid,
    },
}

impl Parcel {
    /// Who owns it: the unit's owner.
    pub fn owner(&self) -> Uuid {
        match self {
            Self::Delivery { patient, .. } => *patient,
            Self::Invitation { clinic, .. } => *clinic,
        }
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        match self {
            Self::Delivery { id, .. } | Self::Invitation { id, .. } => *id,
        }
    }
}

/// Mails of a class whose time has come. Of those that matter, what members are told of flags comes first, then
/// invitations; routine is what patients are reminded of. Of each the oldest first.
pub async fn due(
    db: &impl ConnectionTrait,
    now: DateTime<Utc>,
    class: Class,
    limit: u64,
) -> Result<Vec<Parcel>, Error> {
    let at = Micros::from(now);
    match class {
        Class::Routine => deliveries(db, at, false, limit).await,
        Class::Matters => {
            let mut due = deliveries(db, at, true, limit).await?;
            due.extend(invitations(db, at, limit).await?);
            Ok(due)
        }
    }
}

#[derive(FromQueryResult)]
struct OfClinic {
    clinic_id: Uuid,
    id: Uuid,
}

#[derive(FromQueryResult)]
struct OfPatient {
    patient_id: Uuid,
    id: Uuid,
}

async fn invitations(db: &impl ConnectionTrait, at: Micros, limit: u64) -> Result<Vec<Parcel>, Error> {
    use invitation::Column as I;
    let free = Condition::any().add(I::MailLeaseUntil.is_null()).add(I::MailLeaseUntil.lte(at));
    let rows = invitation::Entity::find()
        .select_only()
        .columns([I::ClinicId, I::Id])
        .filter(I::MailState.eq(DeliveryState::Queued.code()))
        .filter(I::MailNotBefore.lte(at))
        .filter(free)
        .order_by_asc(I::MailNotBefore)
        .limit(limit)
        .into_model::<OfClinic>()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| Parcel::Invitation { clinic: row.clinic_id, id: row.id }).collect())
}

/// Deliveries whose time has come, of messages to members or of the patients' own.
async fn deliveries(db: &impl ConnectionTrait, at: Micros, to_members: bool, limit: u64) -> Result<Vec<Parcel>, Error> {
    use delivery::Column as D;
    use notification::{Column as N, Entity as Messages};
    let delivery = |column| Expr::col((delivery::Entity, column));
    let message = Query::select()
        .expr(Expr::val(1))
        .from(Messages)
        .and_where(Expr::col((Messages, N::PatientId)).eq(delivery(D::PatientId)))
        .and_where(Expr::col((Messages, N::Id)).eq(delivery(D::NotificationId)))
        .and_where(if to_members { N::RecipientId.is_not_null() } else { N::RecipientId.is_null() })
        .to_owned();
    let rows = delivery::Entity::find()
        .select_only()
        .columns([D::PatientId, D::Id])
        .filter(D::State.eq(DeliveryState::Queued.code()))
        .filter(D::NotBefore.lte(at))
        .filter(Condition::any().add(D::LeaseUntil.is_null()).add(D::LeaseUntil.lte(at)))
        .filter(Expr::exists(message))
        .order_by_asc(D::NotBefore)
        .limit(limit)
        .into_model::<OfPatient>()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| Parcel::Delivery { patient: row.patient_id, id: row.id }).collect())
}

/// The lease of a mail, wherever it lies.
pub(super) struct Lease {
    pub(super) parcel: Parcel,
    pub(super) state: i16,
    pub(super) stage: Stage,
    pub(super) attempts: i16,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) fence: i64,
}

impl Lease {
    pub(super) fn of_delivery(row: &delivery::Model) -> Result<Self, Error> {
        Ok(Self {
            parcel: Parcel::Delivery { patient: row.patient_id, id: row.id },
            state: row.state,
            stage: Stage::from_code(row.stage).ok_or_else(unknown)?,
            attempts: row.attempts,
            until: row.lease_until.map(Into::into),
            fence: row.fence,
        })
    }

    pub(super) fn of_invitation(row: &invitation::Model) -> Result<Self, Error> {
        Ok(Self {
            parcel: Parcel::Invitation { clinic: row.clinic_id, id: row.id },
            state: row.mail_state,
            stage: Stage::from_code(row.mail_stage).ok_or_else(unknown)?,
            attempts: row.mail_attempts,
            until: row.mail_lease_until.map(Into::into),
            fence: row.mail_fence,
        })
    }

    pub(super) fn is_queued(&self) -> bool {
        self.state == DeliveryState::Queued.code()
    }
}

fn unknown() -> Error {
    Error::internal("a mail at no known stage")
}

/// Until when a claim with this fence holds; none once another claim has raised it.
pub(super) async fn until(tx: &Tx, parcel: Parcel, fence: i64) -> Result<Option<DateTime<Utc>>, Error> {
    let until = match parcel {
        Parcel::Delivery { patient, id } => {
            let row = delivery::Entity::find_by_id((patient, id)).one(tx.db()).await?;
            row.filter(|row| row.fence == fence).and_then(|row| row.lease_until)
        }
        Parcel::Invitation { id, .. } => {
            let row = invitation::Entity::find_by_id(id).one(tx.db()).await?;
            row.filter(|row| row.mail_fence == fence).and_then(|row| row.mail_lease_until)
        }
    };
    Ok(until.map(Into::into))
}

/// What is written of a mail that waits, wherever it lies.
#[derive(Clone, Copy)]
pub(super) enum Field {
    State,
    Stage,
    Attempts,
    NotBefore,
    LeaseUntil,
    Fence,
    Answer,
}

/// The column of a field.
pub(super) fn column(parcel: &Parcel, field: Field) -> DynIden {
    use delivery::Column as D;
    use invitation::Column as I;
    match (parcel, field) {
        (Parcel::Delivery { .. }, Field::State) => D::State.into_iden(),
        (Parcel::Delivery { .. }, Field::Stage) => D::Stage.into_iden(),
        (Parcel::Delivery { .. }, Field::Attempts) => D::Attempts.into_iden(),
        (Parcel::Delivery { .. }, Field::NotBefore) => D::NotBefore.into_iden(),
        (Parcel::Delivery { .. }, Field::LeaseUntil) => D::LeaseUntil.into_iden(),
        (Parcel::Delivery { .. }, Field::Fence) => D::Fence.into_iden(),
        (Parcel::Delivery { .. }, Field::Answer) => D::Answer.into_iden(),
        (Parcel::Invitation { .. }, Field::State) => I::MailState.into_iden(),
        (Parcel::Invitation { .. }, Field::Stage) => I::MailStage.into_iden(),
        (Parcel::Invitation { .. }, Field::Attempts) => I::MailAttempts.into_iden(),
        (Parcel::Invitation { .. }, Field::NotBefore) => I::MailNotBefore.into_iden(),
        (Parcel::Invitation { .. }, Field::LeaseUntil) => I::MailLeaseUntil.into_iden(),
        (Parcel::Invitation { .. }, Field::Fence) => I::MailFence.into_iden(),
        (Parcel::Invitation { .. }, Field::Answer) => I::MailAnswer.into_iden(),
    }
}

/// An update of one mail that waits, held under one fence.
pub(super) fn write(parcel: &Parcel, fence: i64) -> UpdateStatement {
    let mut update = Query::update();
    match parcel {
        Parcel::Delivery { patient, id } => {
            update.table(delivery::Entity);
            update.and_where(delivery::Column::PatientId.eq(*patient)).and_where(delivery::Column::Id.eq(*id));
        }
        Parcel::Invitation { id, .. } => {
            update.table(invitation::Entity).and_where(invitation::Column::Id.eq(*id));
        }
    }
    update
        .and_where(Expr::col(column(parcel, Field::Fence)).eq(fence))
        .and_where(Expr::col(column(parcel, Field::State)).eq(DeliveryState::Queued.code()));
    update
}
