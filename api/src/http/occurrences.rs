//! The occurrences of a reminder on the wire: those that were written down with what became of them, and those to come.

use crate::{
    app::App,
    domain::{
        instant::Instant,
        notifications::NotificationState,
        recurrence::{MovedBy, Occurrence as Hit},
    },
    error::Error,
    store::{Scope, notifications, reminders},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Days, NaiveDate, Utc};
use poem_openapi::{Object, types::Example};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How many days one call looks at.
const LONGEST: i64 = 366;
/// How many days it looks at unless told.
const USUAL: u64 = 30;

/// One time at which a reminder reminds.
#[derive(Debug, Clone, PartialEq, Object)]
#[oai(rename = "Occurrence", skip_serializing_if_is_none)]
pub struct Occurrence {
    /// The patient's day.
    pub local_date: NaiveDate,
    /// `08:00`, or the id of the session that it follows.
    pub slot: String,
    /// When it is due, in the zone's own offset.
    pub due_at: Instant,
    /// What moved it from where its rule put it.
    pub moved_by: Option<MovedBy>,
    /// Where it stands; `scheduled` for what is to come.
    pub state: NotificationState,
    /// The message, once it is written down.
    pub notification_id: Option<Uuid>,
}

/// One page of occurrences.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct OccurrencePage {
    /// In the order of days and times.
    pub items: Vec<Occurrence>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl Example for OccurrencePage {
    fn example() -> Self {
        let due_at = DateTime::parse_from_rfc3339("2026-03-15T09:00:00+01:00").unwrap_or_default();
        let item = Occurrence {
            local_date: due_at.date_naive(),
            slot: "09:00".into(),
            due_at: due_at.into(),
            moved_by: None,
            state: NotificationState::Scheduled,
            notification_id: None,
        };
        Self { items: vec![item], next_cursor: None }
    }
}

/// Which occurrences are asked for.
pub(super) struct Window {
    from: NaiveDate,
    to: NaiveDate,
    limit: usize,
    after: Option<(NaiveDate, String)>,
    now: DateTime<Utc>,
}

impl Window {
    /// Reads the parameters of a call; today is the patient's.
    pub(super) fn read(
        from: Option<String>,
        to: Option<String>,
        limit: Option<u64>,
        cursor: Option<String>,
        (today, now): (NaiveDate, DateTime<Utc>),
    ) -> Result<Self, Error> {
        let from = from.map(|text| day("query:from", &text)).transpose()?.unwrap_or(today);
        let to = to.map(|text| day("query:to", &text)).transpose()?;
        let to = to.or_else(|| from.checked_add_days(Days::new(USUAL))).unwrap_or(from);
        if !(0..=LONGEST).contains(&(to - from).num_days()) {
            return Err(Error::bad_request("query:to", "a day from `from` to 366 days later"));
        }
        let after = cursor.map(|text| decode(&text)).transpose()?;
        let limit = usize::try_from(limit.unwrap_or(50)).unwrap_or(50);
        Ok(Self { from, to, limit, after, now })
    }
}

/// A day, or the day of an instant.
fn day(pointer: &str, text: &str) -> Result<NaiveDate, Error> {
    let instant = || DateTime::parse_from_rfc3339(text).map(|at| at.date_naive());
    let day = text.parse::<NaiveDate>().or_else(|_| instant());
    day.map_err(|_| Error::bad_request(pointer, "a day, such as 2026-03-14"))
}

/// A page of a reminder's occurrences.
pub(super) async fn page(app: &App, scope: &Scope, id: Uuid, window: &Window) -> Result<OccurrencePage, Error> {
    let to_come = reminders::upcoming(app.db.read(), scope, id, window.from, window.to).await?;
    let written = notifications::of_reminder(app.db.read(), scope, id, window.from, window.to).await?;
    let mut all = BTreeMap::new();
    let mut moved = BTreeMap::new();
    for hit in to_come {
        moved.insert((hit.local_date, hit.slot.clone()), hit.moved_by);
        if hit.due_at > window.now {
            all.insert((hit.local_date, hit.slot.clone()), to_be(hit));
        }
    }
    for occurrence in written {
        let key = (occurrence.local_date, occurrence.slot.clone());
        let moved_by = moved.get(&key).copied().flatten();
        all.insert(key, Occurrence { moved_by, ..occurrence.into() });
    }
    let rest = all.into_iter().filter(|(key, _)| window.after.as_ref().is_none_or(|after| key > after));
    let mut items: Vec<Occurrence> = rest.map(|(_, item)| item).take(window.limit + 1).collect();
    let more = items.len() > window.limit;
    items.truncate(window.limit);
    let next_cursor = items.last().filter(|_| more).map(|last| encode(last.local_date, &last.slot));
    Ok(OccurrencePage { items, next_cursor })
}

fn to_be(hit: Hit) -> Occurrence {
    Occurrence {
        local_date: hit.local_date,
        slot: hit.slot,
        due_at: Instant::from(hit.due_at).in_zone(hit.zone),
        moved_by: hit.moved_by,
        state: NotificationState::Scheduled,
        notification_id: None,
    }
}

impl From<notifications::Written> for Occurrence {
    fn from(written: notifications::Written) -> Self {
        Self {
            local_date: written.local_date,
            slot: written.slot,
            due_at: written.due_at.into(),
            moved_by: None,
            state: written.state,
            notification_id: Some(written.id),
        }
    }
}

fn encode(day: NaiveDate, slot: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{day}|{slot}"))
}

fn decode(text: &str) -> Result<(NaiveDate, String), Error> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (day, slot) = text.split_once('|')?;
        Some((day.parse().ok()?, slot.to_owned()))
    };
    read().ok_or_else(|| Error::bad_request("query:cursor", "must be the next_cursor of an earlier page"))
}
