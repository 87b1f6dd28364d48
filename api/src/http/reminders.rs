//! `/v1/patients/{patient}/reminders`: when the patient wants, or is meant, to be reminded. Patient and care team write;
//! what a reminder has still to say follows every change in the same transaction.

use super::{
    body::Checked,
    occurrences::{self, OccurrencePage},
    permit::Permit,
    preconditions::{etag, idempotency_key, if_match, record_id},
    reply::Done,
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        recurrence::Schedule,
        reminders::{NewReminder, Reminder, ReminderKind, Source},
    },
    error::Error,
    security::access::{Caller, ReadRecords, WriteCare},
    store::{
        Decision, Tx,
        idempotency::{self, Once},
        patients, reminders,
    },
};
use chrono::DateTime;
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Header, Path, Query},
    payload::Json,
    types::Example,
};
use uuid::Uuid;

impl Example for NewReminder {
    fn example() -> Self {
        Self { kind: ReminderKind::Journal, title: None, active: true, schedule: Schedule::after_dosing("PT4H") }
    }
}

impl Example for Reminder {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_772_870_400, 0).unwrap_or_default().into();
        let NewReminder { kind, title, active, schedule } = NewReminder::example();
        Self {
            id: Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_4d5e),
            version: 1,
            kind,
            title,
            active,
            source: Source::Template,
            schedule,
            created_at: at,
            updated_at: at,
            created_by: Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_0001),
        }
    }
}

/// A patient's reminders.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct ReminderPage {
    /// The reminders, in the order in which they were made.
    pub items: Vec<Reminder>,
    /// Always null: a patient has at most 100.
    pub next_cursor: Option<String>,
}

impl Example for ReminderPage {
    fn example() -> Self {
        Self { items: vec![Reminder::example()], next_cursor: None }
    }
}

/// All of them.
#[derive(ApiResponse)]
pub enum Many {
    /// All reminders.
    #[oai(status = 200)]
    Page(Json<ReminderPage>),
}

/// One of them.
#[derive(ApiResponse)]
pub enum One {
    /// The reminder, with its version as ETag.
    #[oai(status = 200)]
    Found(Json<Reminder>, #[oai(header = "ETag")] String),
}

/// A new one.
#[derive(ApiResponse)]
pub enum Made {
    /// The reminder was made.
    #[oai(status = 201)]
    Made(Json<Reminder>, #[oai(header = "ETag")] String),
}

/// One that was made or replaced.
#[derive(ApiResponse)]
pub enum Put {
    /// The reminder was replaced, or was so already.
    #[oai(status = 200)]
    Replaced(Json<Reminder>, #[oai(header = "ETag")] String),
    /// The reminder was made.
    #[oai(status = 201)]
    Made(Json<Reminder>, #[oai(header = "ETag")] String),
}

/// When it reminds, and what became of it.
#[derive(ApiResponse)]
pub enum Occurrences {
    /// One page, in the order of days and times.
    #[oai(status = 200)]
    Page(Json<OccurrencePage>),
}

/// The operations.
pub struct Reminders(pub App);

#[OpenApi(prefix_path = "/patients/:patient/reminders", tag = "Tag::Reminders")]
impl Reminders {
    /// List reminders
    ///
    /// All of them, active or not, in the order in which they were made.
    #[oai(path = "/", method = "get", operation_id = "reminders_list")]
    async fn list(&self, permit: Permit<ReadRecords>) -> Result<Many, Error> {
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let items = reminders::list(self.0.db.read(), &keys, &permit.scope).await?;
        permit.audit_read(&self.0, "reminders_list", None).await?;
        Ok(Many::Page(Json(ReminderPage { items, next_cursor: None })))
    }

    /// Set up a reminder
    ///
    /// Its messages of the next days are planned in the same transaction. A patient may have 100 reminders.
    #[oai(path = "/", method = "post", operation_id = "reminders_create")]
    async fn create(
        &self,
        permit: Permit<WriteCare>,
        /// Chosen by the client: repeating the request with it has no second effect.
        #[oai(name = "Idempotency-Key")]
        key: Header<Option<String>>,
        new: Checked<NewReminder>,
    ) -> Result<Made, Error> {
        let (author, source) = (permit.author(&self.0).await?, source(&permit.caller));
        let key = key.0.map(|key| idempotency_key(Some(key))).transpose()?;
        let once = key.map(|key| Once::new(author.scope.patient, author.account, key, new.fingerprint));
        let new = new.given().check(NewReminder::keepable);
        let unit = async move |tx: &Tx| {
            let Some(once) = once else { return Ok((reminders::create(tx, &author, new, source).await?, false)) };
            if let Some(before) = idempotency::find(tx, &once).await? {
                return Ok((reminders::find(tx.db(), &author.keys, &author.scope, before.record).await?, true));
            }
            let made = reminders::create(tx, &author, new, source).await?;
            idempotency::keep(tx, &once, 201, made.id, made.version).await?;
            Ok::<_, Error>((made, false))
        };
        let (made, again) = self.0.db.write(permit.scope.patient, unit).await?;
        if again {
            permit.audit_read(&self.0, "reminders_read", Some(made.id)).await?;
        }
        let tag = etag(made.version);
        Ok(Made::Made(Json(made), tag))
    }

    /// Read a reminder
    ///
    /// With its version as ETag.
    #[oai(path = "/:id", method = "get", operation_id = "reminders_read")]
    async fn read(
        &self,
        permit: Permit<ReadRecords>,
        /// The reminder's id.
        id: Path<String>,
    ) -> Result<One, Error> {
        let id = id.0.parse().map_err(|_| Error::NotFound)?;
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let found = reminders::find(self.0.db.read(), &keys, &permit.scope, id).await?;
        permit.audit_read(&self.0, "reminders_read", Some(id)).await?;
        let tag = etag(found.version);
        Ok(One::Found(Json(found), tag))
    }

    /// Set up or replace a reminder
    ///
    /// Under an id of the client's own. What was not sent yet is planned anew; what was sent stays.
    #[oai(path = "/:id", method = "put", operation_id = "reminders_replace")]
    async fn replace(
        &self,
        permit: Permit<WriteCare>,
        /// The reminder's id: a UUID of version 7 or 4, chosen by the client.
        id: Path<String>,
        /// The version that this replaces, as its ETag; not sent when making a reminder.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
        new: Checked<NewReminder>,
    ) -> Result<Put, Error> {
        let (id, held) = (record_id(&id.0)?, if_match(held.0.as_deref())?);
        let (author, source) = (permit.author(&self.0).await?, source(&permit.caller));
        let new = new.given().check(NewReminder::keepable);
        let unit = async move |tx: &Tx| reminders::put(tx, &author, id, held, new, source).await;
        let written = self.0.db.write(permit.scope.patient, unit).await;
        let kept = |(_, done): &(_, Decision)| *done == Decision::Keep;
        let (reminder, done) = permit.answered(&self.0, "reminders_read", Some(id), written, kept).await?;
        let tag = etag(reminder.version);
        let made = done == Decision::Make;
        Ok(if made { Put::Made(Json(reminder), tag) } else { Put::Replaced(Json(reminder), tag) })
    }

    /// Delete a reminder
    ///
    /// What it had still to say is cancelled; what it said stays in the inbox.
    #[oai(path = "/:id", method = "delete", operation_id = "reminders_delete")]
    async fn delete(
        &self,
        permit: Permit<WriteCare>,
        /// The reminder's id.
        id: Path<String>,
        /// The version that is deleted, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
    ) -> Result<Done, Error> {
        let (id, held) = (id.0.parse().map_err(|_| Error::NotFound)?, if_match(held.0.as_deref())?);
        let author = permit.author(&self.0).await?;
        let unit = async move |tx: &Tx| reminders::remove(tx, &author, id, held).await;
        let removed = self.0.db.write(permit.scope.patient, unit).await;
        permit.answered(&self.0, "reminders_read", Some(id), removed, |()| false).await?;
        Ok(Done::Done)
    }

    /// List a reminder's occurrences
    ///
    /// What was and what is to come, worked out by the code that sends.
    #[oai(path = "/:id/occurrences", method = "get", operation_id = "reminders_occurrences")]
    async fn occurrences(
        &self,
        permit: Permit<ReadRecords>,
        /// The reminder's id.
        id: Path<String>,
        /// The first day, such as 2026-03-14; today where the patient is unless told.
        from: Query<Option<String>>,
        /// The last day, at most 366 days later; 30 days later unless told.
        to: Query<Option<String>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Occurrences, Error> {
        let id = id.0.parse().map_err(|_| Error::NotFound)?;
        let now = self.0.clock.now();
        let today = now.with_timezone(&patients::zone(self.0.db.read(), &permit.scope).await?).date_naive();
        let window = occurrences::Window::read(from.0, to.0, limit.0, cursor.0, (today, now))?;
        let page = occurrences::page(&self.0, &permit.scope, id, &window).await?;
        permit.audit_read(&self.0, "reminders_occurrences", Some(id)).await?;
        Ok(Occurrences::Page(Json(page)))
    }
}

/// Who sets a reminder up.
fn source(caller: &Caller) -> Source {
    if caller.is_patient() { Source::Patient } else { Source::CareTeam }
}
