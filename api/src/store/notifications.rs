//! Messages: the inbox of a patient, what they do with a message, and whether one is still wanted when its time comes.
//! A row stays for good: it answers what was said, when, and why not.

use super::{After, Page, Scope, Tx, Window, audit, bulk, patients, records::Author, reminders};
use crate::{
    domain::{
        faults::Given,
        notifications::{Channel, DeliveryState, LONGEST_SNOOZE, NotificationKind, NotificationState, Stage, Step},
        recurrence::Rule,
        safety::{Severity, State},
    },
    error::Error,
    events::{Event, Subject},
    security::{access::Roles, seal::OwnerKeys},
};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use chrono_tz::Tz;
use entities::{
    Micros, account, care_relation, clinic, delivery, flag, member,
    notification::{Column, Entity, Model},
    patient, record, reminder,
};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect, TryInsertResult, sea_query::Expr,
};
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
        Some(Written {
            id: row.id,
            local_date: row.local_date?,
            slot: row.slot.clone()?,
            due_at: DateTime::from(row.due_at).with_timezone(&zone(row).ok()?).fixed_offset(),
            state: state(row).ok()?,
        })
    };
    Ok(rows.all(db).await?.iter().filter_map(written).collect())
}

fn zone(row: &Model) -> Result<Tz, Error> {
    row.time_zone.parse().map_err(|_| Error::internal("a stored zone is unknown"))
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
    if state(&row)?.snooze(DateTime::from(row.due_at) == until).map_err(Error::ImpossibleStep)? == Step::Take {
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
    if state(&row)?.skip().map_err(Error::ImpossibleStep)? == Step::Take {
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
    tx.announce(Event { patient_id: row.patient_id, subject: Subject::Notification, id: row.id, private: false });
    audit::append(tx, audit::Entry::by(author, operation).record(row.id)).await
}

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
        tx.announce(Event { patient_id: patient, subject: Subject::Notification, id: row.id, private: false });
    }
    Ok(())
}

/// What a member was told of a flag, for a clinic that is made with a past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
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
pub async fn insert_told(tx: &Tx, patient: Uuid, messages: &[Told]) -> Result<(), Error> {
    let row = |one: &Told| {
        let state = if one.sent { NotificationState::Sent } else { NotificationState::Scheduled };
        let row = told(patient, one.id, one.flag, one.recipient, one.step, one.at);
        Model { state: state.code(), told_with: one.told_with, ..row }
    };
    let mailed = messages.iter().filter_map(|one| Some(past_delivery(&row(one), one.delivery?)));
    let deliveries: Vec<_> = mailed.collect();
    bulk::insert(tx.db(), messages.iter().map(row)).await?;
    Ok(bulk::insert(tx.db(), deliveries).await?)
}

/// Stores messages and their deliveries.
pub(super) async fn insert_all(
    tx: &Tx,
    messages: impl IntoIterator<Item = (delivery::Model, Model)>,
) -> Result<(), Error> {
    let (deliveries, messages): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
    bulk::insert(tx.db(), messages).await?;
    Ok(bulk::insert(tx.db(), deliveries).await?)
}

/// The delivery of a message of the past, as its state says.
pub(super) fn past_delivery(message: &Model, id: Uuid) -> delivery::Model {
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
pub(super) async fn queue(tx: &Tx, message: &Model, state: DeliveryState) -> Result<(), Error> {
    let row = delivery_of(message, tx.new_id(), state);
    delivery::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// The deliveries of a message whose time or fate changed before it was sent, or that is to be sent again.
pub(super) async fn requeue(
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
pub(super) async fn settle(
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
pub(super) async fn set_state(tx: &Tx, row: &Model, state: NotificationState) -> Result<(), Error> {
    let fields = || entities::notification::ActiveModel { state: Set(state.code()), ..Default::default() };
    let own = entities::notification::ActiveModel { patient_id: Set(row.patient_id), id: Set(row.id), ..fields() };
    Entity::update(own).exec_without_returning(tx.db()).await?;
    if row.flag_id.is_some() {
        let with = Entity::update_many().set(fields()).filter(Column::PatientId.eq(row.patient_id));
        with.filter(Column::ToldWith.eq(row.id)).exec(tx.db()).await?;
    }
    Ok(())
}

/// Skips waiting messages of a kind whose work is done.
pub(super) async fn skip_done(tx: &Tx, patient: Uuid, kind: NotificationKind) -> Result<(), Error> {
    let rows = Entity::find()
        .filter(Column::PatientId.eq(patient))
        .filter(Column::Kind.eq(kind.code()))
        .filter(Column::State.eq(NotificationState::Scheduled.code()));
    for row in rows.all(tx.db()).await? {
        if is_done(tx, &row).await? {
            settle(tx, &row, NotificationState::Skipped, DeliveryState::Suppressed).await?;
            tx.announce(Event { patient_id: patient, subject: Subject::Notification, id: row.id, private: false });
        }
    }
    Ok(())
}

/// Whether a message is still wanted, looked up at the moment of sending.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Wanted {
    /// By this account.
    Yes(Box<account::Model>),
    /// What it asks for was done.
    Done,
    /// What it follows from went away: the reminder, the session, the flag.
    Gone,
    /// There is nobody to send it to.
    Nobody,
}

pub(super) async fn wanted(tx: &Tx, row: &Model) -> Result<Wanted, Error> {
    let recipient = match row.recipient_id {
        None => own_recipient(tx, row).await?,
        Some(member) => team_recipient(tx, row, member).await?,
    };
    match recipient {
        Wanted::Yes(_) if is_done(tx, row).await? => Ok(Wanted::Done),
        recipient => Ok(recipient),
    }
}

async fn account(tx: &Tx, id: Uuid) -> Result<Wanted, Error> {
    let row = account::Entity::find_by_id(id).one(tx.db()).await?.filter(|row| row.disabled_at.is_none());
    Ok(row.map_or(Wanted::Nobody, |row| Wanted::Yes(Box::new(row))))
}

/// `patient.state`: under care.
const ACTIVE: i16 = 1;

async fn own_recipient(tx: &Tx, row: &Model) -> Result<Wanted, Error> {
    let patient = patient::Entity::find_by_id(row.patient_id).one(tx.db()).await?;
    if patient.is_none_or(|patient| patient.state != ACTIVE) {
        return Ok(Wanted::Nobody);
    }
    let Some(id) = row.reminder_id else { return account(tx, row.patient_id).await };
    let reminder = reminder::Entity::find_by_id((row.patient_id, id)).one(tx.db()).await?;
    match reminder {
        Some(reminder) if reminder.active && !reminder.deleted => account(tx, row.patient_id).await,
        _ => Ok(Wanted::Gone),
    }
}

/// How grave the gravest flag is that a message's mail tells of and that nobody has closed; `None` where all are closed.
pub(super) async fn gravest_told(tx: &Tx, row: &Model) -> Result<Option<Severity>, Error> {
    let Some(own) = row.flag_id else { return Ok(None) };
    let with = Entity::find().select_only().column(Column::FlagId).filter(Column::PatientId.eq(row.patient_id));
    let with: Vec<Option<Uuid>> = with.filter(Column::ToldWith.eq(row.id)).into_tuple().all(tx.db()).await?;
    let flags = flag::Entity::find()
        .select_only()
        .column(flag::Column::Severity)
        .filter(flag::Column::PatientId.eq(row.patient_id))
        .filter(flag::Column::Id.is_in(with.into_iter().flatten().chain([own])))
        .filter(flag::Column::State.ne(State::Resolved.code()));
    let severities: Vec<i16> = flags.into_tuple().all(tx.db()).await?;
    Ok(severities.into_iter().max().and_then(Severity::from_code))
}

/// A member is told of a flag that is not resolved, while on the care team; who is on call, and the admins, are told where
/// nobody else is there.
async fn team_recipient(tx: &Tx, row: &Model, id: Uuid) -> Result<Wanted, Error> {
    if gravest_told(tx, row).await?.is_none() {
        return Ok(Wanted::Gone);
    }
    let member = member::Entity::find_by_id(id).one(tx.db()).await?;
    let Some(member) = member.filter(|member| member.ended_at.is_none()) else { return Ok(Wanted::Nobody) };
    let clinic = patients::clinic_of(tx.db(), row.patient_id).await?.ok_or(Error::NotFound)?;
    let clinic = clinic::Entity::find_by_id(clinic).one(tx.db()).await?.ok_or(Error::NotFound)?;
    if clinic.on_call_member_id == Some(id) || Roles::from_code(member.roles).meet(Roles::ADMIN) {
        return account(tx, id).await;
    }
    let zone: Tz = clinic.time_zone.parse().map_err(|_| Error::internal("a clinic's zone is unknown"))?;
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.eq(row.patient_id))
        .filter(care_relation::Column::MemberId.eq(id))
        .filter(patients::on_day(tx.now().with_timezone(&zone).date_naive()));
    if relations.count(tx.db()).await? == 0 { Ok(Wanted::Nobody) } else { account(tx, id).await }
}

/// Whether what a reminder asks for was done: since its session began, or since the slot before.
async fn is_done(tx: &Tx, row: &Model) -> Result<bool, Error> {
    let kind = NotificationKind::from_code(row.kind).and_then(NotificationKind::done_by);
    let (Some(kind), Some(reminder)) = (kind, row.reminder_id) else { return Ok(false) };
    let reminder = reminder::Entity::find_by_id((row.patient_id, reminder)).one(tx.db()).await?;
    let (Some(reminder), Some(day), Some(slot)) = (reminder, row.local_date, &row.slot) else { return Ok(false) };
    let since = match reminders::rule(&reminder)? {
        Rule::Recurring(recurring) => {
            let zone = row.time_zone.parse().map_err(|_| Error::internal("a stored zone is unknown"))?;
            recurring.done_since(day, slot, zone)
        }
        Rule::Relative(_) => {
            let session = slot.parse::<Uuid>().map_err(Error::internal)?;
            let session = record::Entity::find_by_id((row.patient_id, session)).one(tx.db()).await?;
            let Some(session) = session.filter(|session| !session.deleted) else { return Ok(false) };
            session.occurred_at.into()
        }
    };
    let done = record::Entity::find()
        .filter(record::Column::PatientId.eq(row.patient_id))
        .filter(record::Column::Kind.eq(kind.code()))
        .filter(record::Column::OccurredAt.gte(Micros::from(since)))
        .filter(Expr::col(record::Column::Deleted).not());
    Ok(done.count(tx.db()).await? > 0)
}
