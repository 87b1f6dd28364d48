//! What waits to leave the house: deliveries of messages, and invitations, which carry the state of their own mail.
//!
//! Claimed by one conditional UPDATE that raises the fence; every later step names that fence and changes nothing once
//! another claim has raised it. Leases are measured by the database's clock, due times by the Clock. A crash leaves a
//! claim that ends by itself: before the text was handed over it is taken again, afterwards a routine message is given
//! up as `unknown`.

mod backlog;
mod lease;

pub use backlog::{Backlog, backlog};
pub use lease::{Parcel, due};

use super::{
    Tx,
    accounts::Account,
    invitations::{self, Invitation},
    lease_now,
    notifications::{self, Wanted},
    safety,
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
};
use chrono::{DateTime, Utc};
use entities::{Micros, delivery, invitation, notification};
use lease::{Field, Lease, column, write};
use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

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
    pub attempts: i16,
    message: Option<notification::Model>,
}

impl Claim {
    /// How much the mail matters.
    pub fn class(&self) -> Class {
        self.message.as_ref().map_or(Class::Matters, notifications::class_of)
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
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

impl Attempt {
    /// What it is called where attempts are counted.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sent(_) => "sent",
            Self::Undecided => "unknown",
            Self::Refused(_) => "refused",
            Self::Later(_) => "later",
            Self::Closed(_) => "closed",
        }
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
    let (lease, Some(message)) = (Lease::of_delivery(&row)?, message) else { return Ok(None) };
    if !lease.is_queued() {
        return Ok(None);
    }
    let class = notifications::class_of(&message);
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
            // The flag still waits for somebody: whom this was to tell was not reached.
            Wanted::Nobody if message.flag_id.is_some() => (NotificationState::Failed, DeliveryState::Suppressed),
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
        come_to(tx, &message, state).await?;
    }
    Ok(None)
}

async fn claim_invitation(tx: &Tx, id: Uuid) -> Result<Option<Claim>, Error> {
    let Some(row) = invitation::Entity::find_by_id(id).one(tx.db()).await? else { return Ok(None) };
    let lease = Lease::of_invitation(&row)?;
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
    let Some(until) = lease::until(tx, claim.parcel, claim.fence).await? else { return Ok(false) };
    if !is_trusted(until, now) {
        return Ok(false);
    }
    let begun = write(&claim.parcel, claim.fence)
        .value(column(&claim.parcel, Field::Stage), Stage::DataStarted.code())
        .value(column(&claim.parcel, Field::LeaseUntil), Micros::from(now + HAND_OVER).0)
        .to_owned();
    Ok(tx.db().execute(&begun).await?.rows_affected() == 1)
}

/// Records what became of an attempt, made at this time. `jitter` is any number. Nothing is recorded once another worker has
/// taken over.
pub async fn finish(tx: &Tx, claim: &Claim, attempt: Attempt, at: DateTime<Utc>, jitter: u32) -> Result<(), Error> {
    let routine = claim.class() == Class::Routine;
    match attempt {
        Attempt::Sent(answer) => end(tx, claim, (NotificationState::Sent, DeliveryState::Sent), answer, at).await,
        Attempt::Undecided if routine => {
            end(tx, claim, (NotificationState::Unknown, DeliveryState::Unknown), None, at).await
        }
        Attempt::Refused(answer) => {
            end(tx, claim, (NotificationState::Failed, DeliveryState::Failed), Some(answer), at).await
        }
        Attempt::Undecided => put_back(tx, claim, tx.now() + backoff(claim.attempts, None, jitter), None, true).await,
        Attempt::Later(answer) => {
            put_back(tx, claim, tx.now() + backoff(claim.attempts, answer, jitter), answer, true).await
        }
        Attempt::Closed(answer) => put_back(tx, claim, tx.now() + CLOSED, answer, false).await,
    }
}

async fn end(
    tx: &Tx,
    claim: &Claim,
    (state, delivered): (NotificationState, DeliveryState),
    answer: Option<u16>,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let mut ended = write(&claim.parcel, claim.fence);
    ended
        .value(column(&claim.parcel, Field::State), delivered.code())
        .value(column(&claim.parcel, Field::Stage), Stage::Waiting.code())
        .value(column(&claim.parcel, Field::LeaseUntil), Option::<i64>::None)
        .value(column(&claim.parcel, Field::Answer), number(answer));
    if tx.db().execute(&ended).await?.rows_affected() != 1 {
        return Ok(());
    }
    match &claim.message {
        Some(row) => {
            come_to(tx, row, state).await?;
            if state == NotificationState::Sent {
                tx.sent(claim.class(), at - DateTime::from(row.due_at));
            }
        }
        None => tx.ended(claim.class(), state, 1),
    }
    Ok(())
}

/// Ends a message in this state; where it does not reach a member, the next on the care team is told.
async fn come_to(tx: &Tx, message: &notification::Model, state: NotificationState) -> Result<(), Error> {
    notifications::set_state(tx, message, state).await?;
    notifications::announce(tx, message);
    if message.flag_id.is_some() && state.is_lost() {
        safety::who_is_next(tx, message).await?;
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
