//! `/v1/patients/{patient}/notifications`: the inbox. Everything that reminders said or will say in the next days, and
//! what became of it. The patient reads, puts off and skips; the care team reads.

use super::{body::Checked, cursor, permit::Permit, resource::Tag};
use crate::{
    app::App,
    domain::{
        instant::Instant,
        notifications::{Channel, DeliveryState, NotificationKind, NotificationState},
    },
    error::Error,
    security::access::{ReadRecords, WriteOwn},
    store::{
        Tx, Window,
        notifications::{self, Message},
    },
};
use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
    types::Example,
};
use uuid::Uuid;

/// What became of a message on one channel.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Delivery {
    /// The channel.
    pub channel: Channel,
    /// Where it stands there.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i16,
    /// When it was last tried.
    pub last_attempt_at: Option<Instant>,
    /// The number that the channel answered.
    pub answer: Option<i16>,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// What it is about.
    pub kind: NotificationKind,
    /// The reminder that says it.
    pub reminder_id: Option<Uuid>,
    /// The patient's day of its slot.
    pub local_date: Option<NaiveDate>,
    /// `08:00`, or the id of the session that it follows.
    pub slot: Option<String>,
    /// When it is to be sent, in the offset of `time_zone`.
    pub due_at: Instant,
    /// The zone in which that was worked out.
    pub time_zone: String,
    /// When it was worked out.
    pub computed_at: Instant,
    /// Where it stands.
    pub state: NotificationState,
    /// What to do.
    pub title: String,
    /// A sentence more.
    pub text: String,
    /// When the patient read it.
    pub read_at: Option<Instant>,
    /// What became of it on each channel.
    pub deliveries: Vec<Delivery>,
}

impl From<Message> for Notification {
    fn from(message: Message) -> Self {
        let deliveries = message.deliveries.into_iter().map(|part| Delivery {
            channel: part.channel,
            state: part.state,
            attempts: part.attempts,
            last_attempt_at: part.last_attempt_at.map(Into::into),
            answer: part.answer,
        });
        Self {
            id: message.id,
            kind: message.kind,
            reminder_id: message.reminder_id,
            local_date: message.local_date,
            slot: message.slot,
            due_at: Instant::from(message.due_at).in_zone(message.time_zone),
            time_zone: message.time_zone.name().to_owned(),
            computed_at: message.computed_at.into(),
            state: message.state,
            title: message.title.unwrap_or_else(|| message.kind.act().to_owned()),
            text: message.kind.text().to_owned(),
            read_at: message.read_at.map(Into::into),
            deliveries: deliveries.collect(),
        }
    }
}

impl Example for Notification {
    fn example() -> Self {
        let due_at = DateTime::parse_from_rfc3339("2026-03-14T14:00:00+01:00").unwrap_or_default();
        let kind = NotificationKind::Journal;
        let computed_at = due_at.to_utc() - TimeDelta::hours(4);
        Self {
            id: Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_7001),
            kind,
            reminder_id: Some(Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_4d5e)),
            local_date: Some(due_at.date_naive()),
            slot: Some("0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10".into()),
            due_at: due_at.into(),
            time_zone: "Europe/Berlin".into(),
            computed_at: computed_at.into(),
            state: NotificationState::Sent,
            title: kind.act().into(),
            text: kind.text().into(),
            read_at: None,
            deliveries: vec![Delivery {
                channel: Channel::Email,
                state: DeliveryState::Sent,
                attempts: 1,
                last_attempt_at: Some(due_at.to_utc().into()),
                answer: Some(250),
            }],
        }
    }
}

/// One page of the inbox.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct NotificationPage {
    /// The messages, latest due first.
    pub items: Vec<Notification>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl Example for NotificationPage {
    fn example() -> Self {
        Self { items: vec![Notification::example()], next_cursor: None }
    }
}

/// Until when a message is put off.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, example)]
pub struct Snooze {
    /// Within the next 7 days. Quiet hours do not move it.
    pub until: Instant,
}

impl Example for Snooze {
    fn example() -> Self {
        Self { until: DateTime::parse_from_rfc3339("2026-03-14T20:00:00+01:00").unwrap_or_default().into() }
    }
}

/// A page of them.
#[derive(ApiResponse)]
pub enum Many {
    /// One page, latest due first.
    #[oai(status = 200)]
    Page(Json<NotificationPage>),
}

/// One of them.
#[derive(ApiResponse)]
pub enum One {
    /// The message as it is now.
    #[oai(status = 200)]
    Found(Json<Notification>),
}

/// The operations.
pub struct Notifications(pub App);

#[OpenApi(prefix_path = "/patients/:patient/notifications", tag = "Tag::Reminders")]
impl Notifications {
    /// List messages
    ///
    /// What was said and what is to be said in the next days, latest due first; `to` = now leaves out what is to come.
    #[oai(path = "/", method = "get", operation_id = "notifications_list")]
    async fn list(
        &self,
        permit: Permit<ReadRecords>,
        /// Due not before this instant.
        from: Query<Option<DateTime<FixedOffset>>>,
        /// Due before this instant.
        to: Query<Option<DateTime<FixedOffset>>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Many, Error> {
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let window = Window {
            from: from.0.map(|at| at.to_utc()),
            to: to.0.map(|at| at.to_utc()),
            after: cursor.0.as_deref().map(cursor::decode).transpose()?,
            limit: limit.0.unwrap_or(50),
        };
        let page = notifications::page(self.0.db.read(), &keys, &permit.scope, &window).await?;
        permit.audit_read(&self.0, "notifications_list", None).await?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(Many::Page(Json(NotificationPage { items, next_cursor: page.next.map(cursor::encode) })))
    }

    /// Read a message
    ///
    /// With what became of it on each channel.
    #[oai(path = "/:id", method = "get", operation_id = "notifications_find")]
    async fn find(
        &self,
        permit: Permit<ReadRecords>,
        /// The message's id.
        id: Path<String>,
    ) -> Result<One, Error> {
        let id = id.0.parse().map_err(|_| Error::NotFound)?;
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let found = notifications::find(self.0.db.read(), &keys, &permit.scope, id).await?;
        permit.audit_read(&self.0, "notifications_find", Some(id)).await?;
        Ok(One::Found(Json(found.into())))
    }

    /// Mark a message as read
    ///
    /// The first time counts.
    #[oai(path = "/:id/read", method = "post", operation_id = "notifications_read")]
    async fn read(
        &self,
        permit: Permit<WriteOwn>,
        /// The message's id.
        id: Path<String>,
    ) -> Result<One, Error> {
        let (id, author) = (id.0.parse().map_err(|_| Error::NotFound)?, permit.author(&self.0).await?);
        let unit = async move |tx: &Tx| notifications::read(tx, &author, id).await;
        Ok(One::Found(Json(self.0.db.write(permit.scope.patient, unit).await?.into())))
    }

    /// Put a message off
    ///
    /// It is sent, or sent again, at that time. Not possible while it is being sent, or once it was skipped or cancelled.
    #[oai(path = "/:id/snooze", method = "post", operation_id = "notifications_snooze")]
    async fn snooze(
        &self,
        permit: Permit<WriteOwn>,
        /// The message's id.
        id: Path<String>,
        snooze: Checked<Snooze>,
    ) -> Result<One, Error> {
        let (id, author) = (id.0.parse().map_err(|_| Error::NotFound)?, permit.author(&self.0).await?);
        let until = snooze.given().map(|snooze| snooze.until.to_utc());
        let unit = async move |tx: &Tx| notifications::snooze(tx, &author, id, until).await;
        Ok(One::Found(Json(self.0.db.write(permit.scope.patient, unit).await?.into())))
    }

    /// Skip a message
    ///
    /// It is not sent. Not possible once it was sent.
    #[oai(path = "/:id/skip", method = "post", operation_id = "notifications_skip")]
    async fn skip(
        &self,
        permit: Permit<WriteOwn>,
        /// The message's id.
        id: Path<String>,
    ) -> Result<One, Error> {
        let (id, author) = (id.0.parse().map_err(|_| Error::NotFound)?, permit.author(&self.0).await?);
        let unit = async move |tx: &Tx| notifications::skip(tx, &author, id).await;
        Ok(One::Found(Json(self.0.db.write(permit.scope.patient, unit).await?.into())))
    }
}
