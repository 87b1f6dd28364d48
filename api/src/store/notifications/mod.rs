//! Messages: the inbox of a patient, and what they do with a message. A row stays for good: it answers what was said, when,
//! and why not.

mod deliveries;
mod to_members;
mod wanted;

pub(super) use deliveries::{class_of, insert_all, past_delivery, queue, requeue, set_state, settle};
pub use to_members::{Past, insert_past, tell};
pub(super) use wanted::{Wanted, gravest_told, skip_done, told_of, wanted};

use super::{After, Author, Page, Scope, Tx, Window, audit, reminders, zones::zone_of};
use crate::{
    domain::{
        faults::Given,
        notifications::{Channel, DeliveryState, LONGEST_SNOOZE, NotificationKind, NotificationState},
    },
    error::Error,
    events::{Event, Subject},
    security::seal::OwnerKeys,
};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use chrono_tz::Tz;
use entities::{
    delivery,
    notification::{Column, Entity, Model},
    reminder,
};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

/// What became of a message on one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The channel.
    pub channel: Channel,
    /// Where it stands there.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i16,
    /// When it was last tried.
    pub last_attempt_at: Option<DateTime<Utc>>,
    /// The number that the channel answered.
    pub answer: Option<i16>,
}

/// A message with its deliveries and the title that its reminder has.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: NotificationKind,
    /// The reminder that says it.
    pub reminder_id: Option<Uuid>,
    /// The patient's day of its slot.
    pub local_date: Option<NaiveDate>,
    /// Its slot.
    pub slot: Option<String>,
    /// When it is to be sent.
    pub due_at: DateTime<Utc>,
    /// The zone in which that was worked out.
    pub time_zone: Tz,
    /// When it was worked out.
    pub computed_at: DateTime<Utc>,
    /// Where it stands.
    pub state: NotificationState,
    /// When the patient read it.
    pub read_at: Option<DateTime<Utc>>,
    /// The reminder's own title.
    pub title: Option<String>,
    /// What became of it on each channel.
    pub deliveries: Vec<Part>,
}

/// An occurrence that was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The message.
    pub id: Uuid,
    /// The patient's day.
    pub local_date: NaiveDate,
    /// Its slot.
    pub slot: String,
    /// When it is due, in its zone's offset.
    pub due_at: DateTime<FixedOffset>,
    /// Where it stands.
    pub state: NotificationState,
}

/// The patient's own messages: not those to their care team.
fn inbox(scope: &Scope) -> sea_orm::Select<Entity> {
    Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::RecipientId.is_null())
}

/// A page of the inbox, latest due first.
pub async fn page(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    window: &Window,
) -> Result<Page<Message>, Error> {
    let place = |row: &Model| After { at: row.due_at.into(), id: row.id };
    let mut page = window.page(db, inbox(scope), (Column::DueAt, Column::Id), place).await?;
    let messages = complete(db, keys, scope, std::mem::take(&mut page.items)).await?;
    Ok(page.of(messages))
}

/// One message of the inbox.
pub async fn find(db: &impl ConnectionTrait, keys: &OwnerKeys, scope: &Scope, id: Uuid) -> Result<Message, Error> {
    let row = inbox(scope).filter(Column::Id.eq(id)).one(db).await?.ok_or(Error::NotFound)?;
    complete(db, keys, scope, vec![row]).await?.pop().ok_or(Error::NotFound)
}

/// What became of a reminder's messages of some days.
pub async fn of_reminder(
    db: &impl ConnectionTrait,
    scope: &Scope,
    reminder: Uuid,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<Written>, Error> {
    let rows = inbox(scope).filter(Column::ReminderId.eq(reminder)).filter(Column::LocalDate.between(from, to));
    let written = |row: &Model| {
        let nameless = || Error::internal("a reminder's message without day or slot");
        Ok(Written {
            id: row.id,
            local_date: row.local_date.ok_or_else(nameless)?,
            slot: row.slot.clone().ok_or_else(nameless)?,
            due_at: DateTime::from(row.due_at).with_timezone(&zone(row)?).fixed_offset(),
            state: state(row)?,
        })
    };
    rows.all(db).await?.iter().map(written).collect()
}

fn zone(row: &Model) -> Result<Tz, Error> {
    zone_of(&row.time_zone)
}

async fn complete(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    scope: &Scope,
    rows: Vec<Model>,
) -> Result<Vec<Message>, Error> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let reminders: Vec<Uuid> = rows.iter().filter_map(|row| row.reminder_id).collect();
    let mut deliveries: HashMap<Uuid, Vec<Part>> = HashMap::new();
    let parts = delivery::Entity::find().filter(delivery::Column::PatientId.eq(scope.patient));
    for part in parts.filter(delivery::Column::NotificationId.is_in(ids)).all(db).await? {
        deliveries.entry(part.notification_id).or_default().push(part_of(&part)?);
    }
    let mut titles = HashMap::new();
    let titled = reminder::Entity::find().filter(reminder::Column::PatientId.eq(scope.patient));
    for row in titled.filter(reminder::Column::Id.is_in(reminders)).all(db).await? {
        if let Some(title) = reminders::title(&row, keys, scope.clinic)? {
            titles.insert(row.id, title);
        }
    }
    let whole = rows.into_iter().map(|row| {
        Ok(Message {
            kind: NotificationKind::from_code(row.kind).ok_or_else(|| Error::internal("a message of no known kind"))?,
            due_at: row.due_at.into(),
            time_zone: zone(&row)?,
            computed_at: row.computed_at.into(),
            state: state(&row)?,
            read_at: row.read_at.map(Into::into),
            title: row.reminder_id.and_then(|id| titles.get(&id).cloned()),
            deliveries: deliveries.remove(&row.id).unwrap_or_default(),
            id: row.id,
            reminder_id: row.reminder_id,
            local_date: row.local_date,
            slot: row.slot,
        })
    });
    whole.collect()
}

fn part_of(row: &delivery::Model) -> Result<Part, Error> {
    let unknown = || Error::internal("a delivery that this version does not know");
    Ok(Part {
        channel: Channel::from_code(row.channel).ok_or_else(unknown)?,
        state: DeliveryState::from_code(row.state).ok_or_else(unknown)?,
        attempts: row.attempts,
        last_attempt_at: row.last_attempt_at.map(Into::into),
        answer: row.answer,
    })
}

/// The patient has seen it.
pub async fn read(tx: &Tx, author: &Author, id: Uuid) -> Result<Message, Error> {
    let row = own(tx, author, id).await?;
    if row.read_at.is_none() {
        let mut seen = row.clone().into_active_model();
        seen.read_at = Set(Some(tx.now().into()));
        Entity::update(seen).exec_without_returning(tx.db()).await?;
        note(tx, author, &row, "notifications_read").await?;
    }
    find(tx.db(), &author.keys, &author.scope, id).await
}

/// The patient wants it later. It is the patient's own wish: quiet hours do not move it.
pub async fn snooze(tx: &Tx, author: &Author, id: Uuid, until: Given<DateTime<Utc>>) -> Result<Message, Error> {
    let row = own(tx, author, id).await?;
    let until = until.value()?;
    if until <= tx.now() || until > tx.now() + LONGEST_SNOOZE {
        return Err(Error::invalid("/until", "a time within the next 7 days"));
    }
    if state(&row)?.snooze(DateTime::from(row.due_at) == until).map_err(Error::ImpossibleStep)? {
        let mut later = row.clone().into_active_model();
        later.due_at = Set(until.into());
        later.state = Set(NotificationState::Scheduled.code());
        later.read_at = Set(Some(row.read_at.unwrap_or_else(|| tx.now().into())));
        Entity::update(later).exec_without_returning(tx.db()).await?;
        requeue(tx, row.patient_id, row.id, until, DeliveryState::Queued).await?;
        note(tx, author, &row, "notifications_snooze").await?;
    }
    find(tx.db(), &author.keys, &author.scope, id).await
}

/// The patient does not want it.
pub async fn skip(tx: &Tx, author: &Author, id: Uuid) -> Result<Message, Error> {
    let row = own(tx, author, id).await?;
    if state(&row)?.skip().map_err(Error::ImpossibleStep)? {
        settle(tx, &row, NotificationState::Skipped, DeliveryState::Suppressed).await?;
        note(tx, author, &row, "notifications_skip").await?;
    }
    find(tx.db(), &author.keys, &author.scope, id).await
}

/// A row that the unit is about to change: held, so that no worker claims it in between.
async fn own(tx: &Tx, author: &Author, id: Uuid) -> Result<Model, Error> {
    author.hold(tx).await?;
    let row = inbox(&author.scope).filter(Column::Id.eq(id)).lock_exclusive();
    row.one(tx.db()).await?.ok_or(Error::NotFound)
}

pub(super) fn state(row: &Model) -> Result<NotificationState, Error> {
    NotificationState::from_code(row.state).ok_or_else(|| Error::internal("a message in no known state"))
}

async fn note(tx: &Tx, author: &Author, row: &Model, operation: &str) -> Result<(), Error> {
    announce(tx, row);
    audit::append(tx, audit::Entry::by(author, operation).record(row.id)).await
}

/// Tells of a message: the patient and the care team of the patient's own, the worker alone of one to a member.
pub(super) fn announce(tx: &Tx, row: &Model) {
    let subject = if row.recipient_id.is_some() { Subject::Mail } else { Subject::Notification };
    tx.announce(Event { patient_id: row.patient_id, subject, id: row.id, private: false });
}
