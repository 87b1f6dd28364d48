//! What waits to leave the house: deliveries of messages, and invitations, which carry the state of their own mail.
//!
//! Claimed by one conditional UPDATE that raises the fence; every later step names that fence and changes nothing once
//! another claim has raised it. Leases are measured by the database's clock, due times by the Clock. A crash leaves a
//! claim that ends by itself: before the text was handed over it is taken again, afterwards a routine message is given
//! up as `unknown`.

use super::{
    Tx,
    accounts::Account,
    invitations::{self, Invitation},
    lease_now,
    notifications::{self, Wanted},
};
use crate::{
    domain::{
        notifications::{
            CLAIM, CLOSED, Class, DeliveryState, HAND_OVER, NotificationKind, NotificationState, Stage, Turn, backoff,
            is_late, is_trusted, try_again, turn,
        },
        safety::Severity,
    },
    error::Error,
    events::{Event, Subject},
};
use chrono::{DateTime, Utc};
use entities::{Micros, delivery, invitation, notification};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
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

/// What a claimed mail is to say, and to whom.
#[derive(Debug, Clone)]
pub enum Content {
    /// A message to an account.
    Message {
        /// What it is about.
        kind: NotificationKind,
        /// The reminder, if one caused it.
        reminder: Option<Uuid>,
        /// How grave the gravest flag is that it tells of.
        gravest: Option<Severity>,
        /// When it is due: with the delivery, what makes a mail the same mail.
        due_at: DateTime<Utc>,
        /// The recipient.
        to: Box<Account>,
    },
    /// An invitation.
    Invitation(Box<Invitation>),
}

/// A mail in this worker's hands.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which.
    pub parcel: Parcel,
    /// What it says.
    pub content: Content,
    fence: i64,
    /// Attempts, this one included.
    attempts: i16,
    message: Option<notification::Model>,
}

impl Claim {
    fn class(&self) -> Class {
        self.message.as_ref().map_or(Class::Matters, class_of)
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Taken, with the host's answer.
    Sent(Option<u16>),
    /// Handed over without an answer.
    Undecided,
    /// Refused for good.
    Refused(u16),
    /// To be tried again.
    Later(Option<u16>),
    /// The host lets nobody in: to be tried again, and not counted.
    Closed(Option<u16>),
}

/// Mails whose time has come, oldest first.
pub async fn due(db: &impl ConnectionTrait, now: DateTime<Utc>, limit: u64) -> Result<Vec<Parcel>, Error> {
    use delivery::Column as D;
    use invitation::Column as I;
    let at = Micros::from(now);
    let free = Condition::any().add(D::LeaseUntil.is_null()).add(D::LeaseUntil.lte(at));
    let deliveries = delivery::Entity::find()
        .select_only()
        .columns([D::PatientId, D::Id])
        .filter(D::State.eq(DeliveryState::Queued.code()))
        .filter(D::NotBefore.lte(at))
        .filter(free)
        .order_by_asc(D::NotBefore)
        .limit(limit)
        .into_tuple::<(Uuid, Uuid)>()
        .all(db)
        .await?;
    let free = Condition::any().add(I::MailLeaseUntil.is_null()).add(I::MailLeaseUntil.lte(at));
    let invitations = invitation::Entity::find()
        .select_only()
        .columns([I::ClinicId, I::Id])
        .filter(I::MailState.eq(DeliveryState::Queued.code()))
        .filter(I::MailNotBefore.lte(at))
        .filter(free)
        .order_by_asc(I::MailNotBefore)
        .limit(limit)
        .into_tuple::<(Uuid, Uuid)>()
        .all(db)
        .await?;
    let invitations = invitations.into_iter().map(|(clinic, id)| Parcel::Invitation { clinic, id });
    Ok(invitations.chain(deliveries.into_iter().map(|(patient, id)| Parcel::Delivery { patient, id })).collect())
}

/// The lease of a mail, wherever it lies.
struct Lease {
    parcel: Parcel,
    state: i16,
    stage: Stage,
    attempts: i16,
    until: Option<DateTime<Utc>>,
    fence: i64,
}

impl Lease {
    fn of_delivery(row: &delivery::Model) -> Self {
        Self {
            parcel: Parcel::Delivery { patient: row.patient_id, id: row.id },
            state: row.state,
            stage: Stage::from_code(row.stage).unwrap_or(Stage::Waiting),
            attempts: row.attempts,
            until: row.lease_until.map(Into::into),
            fence: row.fence,
        }
    }

    fn of_invitation(row: &invitation::Model) -> Self {
        Self {
            parcel: Parcel::Invitation { clinic: row.clinic_id, id: row.id },
            state: row.mail_state,
            stage: Stage::from_code(row.mail_stage).unwrap_or(Stage::Waiting),
            attempts: row.mail_attempts,
            until: row.mail_lease_until.map(Into::into),
            fence: row.mail_fence,
        }
    }

    fn is_queued(&self) -> bool {
        self.state == DeliveryState::Queued.code()
    }
}

/// Takes a mail in hand, if it is this worker's turn; what is not wanted any more is settled instead.
pub async fn claim(tx: &Tx, parcel: Parcel) -> Result<Option<Claim>, Error> {
    match parcel {
        Parcel::Delivery { patient, id } => claim_delivery(tx, patient, id).await,
        Parcel::Invitation { id, .. } => claim_invitation(tx, id).await,
    }
}

async fn claim_delivery(tx: &Tx, patient: Uuid, id: Uuid) -> Result<Option<Claim>, Error> {
    let Some(row) = delivery::Entity::find_by_id((patient, id)).one(tx.db()).await? else { return Ok(None) };
    let message = notification::Entity::find_by_id((patient, row.notification_id)).one(tx.db()).await?;
    let (lease, Some(message)) = (Lease::of_delivery(&row), message) else { return Ok(None) };
    if !lease.is_queued() {
        return Ok(None);
    }
    let class = class_of(&message);
    let late = is_late(message.due_at.into(), tx.now());
    let (state, delivered) = match turn(class, lease.stage, lease.until, lease_now(tx).await?, late) {
        Turn::Wait => return Ok(None),
        Turn::GiveUp => (NotificationState::Unknown, DeliveryState::Unknown),
        Turn::Miss => (NotificationState::Missed, DeliveryState::Failed),
        Turn::Send => match notifications::wanted(tx, &message).await? {
            Wanted::Yes(to) => {
                let content = Content::Message {
                    kind: NotificationKind::from_code(message.kind)
                        .ok_or_else(|| Error::internal("a message's kind"))?,
                    reminder: message.reminder_id,
                    gravest: notifications::gravest_told(tx, &message).await?,
                    due_at: message.due_at.into(),
                    to: Box::new(Account::from(*to)),
                };
                return hold(tx, &lease, content, Some(message)).await;
            }
            Wanted::Done => (NotificationState::Skipped, DeliveryState::Suppressed),
            Wanted::Gone | Wanted::Nobody => (NotificationState::Cancelled, DeliveryState::Suppressed),
        },
    };
    // Settled under the fence too: the worker that vanished may be back.
    let settled = write(&lease.parcel, lease.fence)
        .value(column(&lease.parcel, Field::State), delivered.code())
        .value(column(&lease.parcel, Field::Stage), Stage::Waiting.code())
        .value(column(&lease.parcel, Field::Fence), lease.fence + 1)
        .to_owned();
    if tx.db().execute(&settled).await?.rows_affected() == 1 {
        notifications::set_state(tx, &message, state).await?;
        announce(tx, &message);
    }
    Ok(None)
}

async fn claim_invitation(tx: &Tx, id: Uuid) -> Result<Option<Claim>, Error> {
    let Some(row) = invitation::Entity::find_by_id(id).one(tx.db()).await? else { return Ok(None) };
    let lease = Lease::of_invitation(&row);
    if !lease.is_queued() {
        return Ok(None);
    }
    let invitation = Invitation::from(row);
    let is_over = invitation.accepted_at.is_some() || invitation.expires_at <= tx.now();
    if is_over || !invitations::stands(tx.db(), &invitation).await? {
        let over = write(&lease.parcel, lease.fence)
            .value(column(&lease.parcel, Field::State), DeliveryState::Suppressed.code())
            .to_owned();
        tx.db().execute(&over).await?;
        return Ok(None);
    }
    match turn(Class::Matters, lease.stage, lease.until, lease_now(tx).await?, false) {
        Turn::Send => hold(tx, &lease, Content::Invitation(Box::new(invitation)), None).await,
        Turn::Wait | Turn::GiveUp | Turn::Miss => Ok(None),
    }
}

/// The claim itself.
async fn hold(
    tx: &Tx,
    lease: &Lease,
    content: Content,
    message: Option<notification::Model>,
) -> Result<Option<Claim>, Error> {
    let until = lease_now(tx).await? + CLAIM;
    let (parcel, fence, attempts) = (lease.parcel, lease.fence + 1, lease.attempts.saturating_add(1));
    let mut claim = write(&parcel, lease.fence);
    claim
        .value(column(&parcel, Field::Stage), Stage::Claimed.code())
        .value(column(&parcel, Field::LeaseUntil), Micros::from(until).0)
        .value(column(&parcel, Field::Fence), fence)
        .value(column(&parcel, Field::Attempts), attempts);
    if matches!(parcel, Parcel::Delivery { .. }) {
        claim.value(delivery::Column::LastAttemptAt, Micros::from(tx.now()).0);
    }
    if tx.db().execute(&claim).await?.rows_affected() != 1 {
        return Ok(None);
    }
    if let Some(message) = &message {
        notifications::set_state(tx, message, NotificationState::Sending).await?;
    }
    Ok(Some(Claim { parcel, content, fence, attempts, message }))
}

/// Commits that the text is about to be handed over. Not so if the lease was lost, or if it is not wanted any more:
/// then nothing may leave.
pub async fn begin(tx: &Tx, claim: &Claim) -> Result<bool, Error> {
    if let Some(row) = &claim.message
        && !matches!(notifications::wanted(tx, row).await?, Wanted::Yes(_))
    {
        put_back(tx, claim, tx.now(), None, false).await?;
        return Ok(false);
    }
    let now = lease_now(tx).await?;
    let Some(until) = lease_until(tx, claim).await? else { return Ok(false) };
    if !is_trusted(until, now) {
        return Ok(false);
    }
    let begun = write(&claim.parcel, claim.fence)
        .value(column(&claim.parcel, Field::Stage), Stage::DataStarted.code())
        .value(column(&claim.parcel, Field::LeaseUntil), Micros::from(now + HAND_OVER).0)
        .to_owned();
    Ok(tx.db().execute(&begun).await?.rows_affected() == 1)
}

async fn lease_until(tx: &Tx, claim: &Claim) -> Result<Option<DateTime<Utc>>, Error> {
    let until = match claim.parcel {
        Parcel::Delivery { patient, id } => {
            let row = delivery::Entity::find_by_id((patient, id)).one(tx.db()).await?;
            row.filter(|row| row.fence == claim.fence).and_then(|row| row.lease_until)
        }
        Parcel::Invitation { id, .. } => {
            let row = invitation::Entity::find_by_id(id).one(tx.db()).await?;
            row.filter(|row| row.mail_fence == claim.fence).and_then(|row| row.mail_lease_until)
        }
    };
    Ok(until.map(Into::into))
}

/// Records what became of an attempt. `jitter` is any number. Nothing is recorded once another worker has taken over.
pub async fn finish(tx: &Tx, claim: &Claim, fate: Fate, jitter: u32) -> Result<(), Error> {
    let routine = claim.class() == Class::Routine;
    match fate {
        Fate::Sent(answer) => end(tx, claim, NotificationState::Sent, DeliveryState::Sent, answer).await,
        Fate::Undecided if routine => end(tx, claim, NotificationState::Unknown, DeliveryState::Unknown, None).await,
        Fate::Refused(answer) => end(tx, claim, NotificationState::Failed, DeliveryState::Failed, Some(answer)).await,
        Fate::Undecided => put_back(tx, claim, tx.now() + backoff(claim.attempts, None, jitter), None, true).await,
        Fate::Later(answer) => {
            put_back(tx, claim, tx.now() + backoff(claim.attempts, answer, jitter), answer, true).await
        }
        Fate::Closed(answer) => put_back(tx, claim, tx.now() + CLOSED, answer, false).await,
    }
}

async fn end(
    tx: &Tx,
    claim: &Claim,
    state: NotificationState,
    delivered: DeliveryState,
    answer: Option<u16>,
) -> Result<(), Error> {
    let mut ended = write(&claim.parcel, claim.fence);
    ended
        .value(column(&claim.parcel, Field::State), delivered.code())
        .value(column(&claim.parcel, Field::Stage), Stage::Waiting.code())
        .value(column(&claim.parcel, Field::LeaseUntil), Option::<i64>::None)
        .value(column(&claim.parcel, Field::Answer), number(answer));
    if tx.db().execute(&ended).await?.rows_affected() == 1
        && let Some(row) = &claim.message
    {
        notifications::set_state(tx, row, state).await?;
        announce(tx, row);
    }
    Ok(())
}

async fn put_back(tx: &Tx, claim: &Claim, at: DateTime<Utc>, answer: Option<u16>, counted: bool) -> Result<(), Error> {
    let attempts = if counted { claim.attempts } else { claim.attempts - 1 };
    let at = claim.message.as_ref().map_or(at, |row| try_again(claim.class(), row.due_at.into(), at));
    let mut back = write(&claim.parcel, claim.fence);
    back.value(column(&claim.parcel, Field::Stage), Stage::Waiting.code())
        .value(column(&claim.parcel, Field::LeaseUntil), Option::<i64>::None)
        .value(column(&claim.parcel, Field::NotBefore), Micros::from(at).0)
        .value(column(&claim.parcel, Field::Attempts), attempts)
        .value(column(&claim.parcel, Field::Answer), number(answer));
    if tx.db().execute(&back).await?.rows_affected() == 1
        && let Some(row) = &claim.message
    {
        notifications::set_state(tx, row, NotificationState::Scheduled).await?;
    }
    Ok(())
}

fn number(answer: Option<u16>) -> Option<i16> {
    answer.and_then(|answer| answer.try_into().ok())
}

fn class_of(message: &notification::Model) -> Class {
    NotificationKind::from_code(message.kind).map_or(Class::Routine, NotificationKind::class)
}

fn announce(tx: &Tx, row: &notification::Model) {
    tx.announce(Event { patient_id: row.patient_id, subject: Subject::Notification, id: row.id, private: false });
}

#[derive(Clone, Copy)]
enum Field {
    State,
    Stage,
    Attempts,
    NotBefore,
    LeaseUntil,
    Fence,
    Answer,
}

fn column(parcel: &Parcel, field: Field) -> DynIden {
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
fn write(parcel: &Parcel, fence: i64) -> UpdateStatement {
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
