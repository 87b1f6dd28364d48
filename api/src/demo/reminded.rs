//! What the two reminders of every patient have said over the year, and have still to say.

use super::{chance::Chance, clinic::Year};
use crate::{
    domain::{
        notifications::NotificationState,
        record::Kind,
        recurrence::{Occurrence, QuietHours, Recurring, Relative, Rule, TimeOfDay, Whereabouts},
        reminders::{ReminderKind, Source, templates},
        sessions::{SessionKind, SessionState},
    },
    store::{
        records,
        reminders::{Past, Said},
    },
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use entities::record;
use serde::Deserialize;

/// Ten at night to seven in the morning.
pub(super) fn quiet_hours() -> QuietHours {
    let time = |hour: u16| TimeOfDay::from_minutes(hour * 60).unwrap_or(TimeOfDay::MIDNIGHT);
    QuietHours { start: time(22), end: time(7) }
}

/// What there is to say, and since when it counts as done.
struct Due {
    occurrence: Occurrence,
    since: DateTime<Utc>,
    computed_at: DateTime<Utc>,
    /// Whether its reason still stands: a session that was not called off.
    stands: bool,
}

/// The two reminders.
pub(super) fn draw(year: &Year, records: &records::Past, chance: &mut Chance, now: DateTime<Utc>) -> Vec<Past> {
    let place = Whereabouts { zone: year.person.zone, quiet: quiet_hours() };
    let first = year.began_at.with_timezone(&place.zone).date_naive();
    let rows: Vec<&record::Model> = records.records.values().collect();
    let mut drawn = Vec::new();
    for new in templates(first) {
        let done = if new.kind == ReminderKind::Journal { Kind::JournalEntries } else { Kind::MoodScores };
        let done: Vec<_> = rows.iter().copied().filter(|row| row.kind == done.code()).collect();
        let (planned_to, dues) = match new.schedule.rule() {
            Some(Rule::Recurring(daily)) => {
                let dues = every_day(&daily, first, year.began_at, place, now);
                (Some(dues.last().map_or(first - Days::new(1), |due| due.occurrence.local_date)), dues)
            }
            Some(Rule::Relative(relative)) => (None, after_sessions(&relative, &rows, place)),
            None => continue,
        };
        let made_at = year.began_at;
        let said = |Due { occurrence, since, computed_at, stands }| {
            let computed_at = computed_at.max(made_at);
            let state =
                if stands { fate(&occurrence, since, &done, chance, now) } else { NotificationState::Cancelled };
            Said { id: chance.id(computed_at), delivery: chance.id(computed_at), occurrence, computed_at, state }
        };
        let messages = dues.into_iter().map(said).collect();
        drawn.push(Past { id: chance.id(made_at), new, source: Source::Template, made_at, planned_to, messages });
    }
    drawn
}

/// What a daily reminder has said so far; the rest of today and what follows is written by the worker.
fn every_day(
    daily: &Recurring,
    first: NaiveDate,
    made_at: DateTime<Utc>,
    place: Whereabouts,
    now: DateTime<Utc>,
) -> Vec<Due> {
    let today = now.with_timezone(&place.zone).date_naive();
    let hits = between(first, today, |from, to| daily.occurrences(from, to, place)).into_iter();
    let past = hits.filter(|hit| hit.due_at <= now && hit.due_at > made_at);
    past.map(|hit| Due {
        since: daily.done_since(hit.local_date, &hit.slot, place.zone),
        computed_at: hit.due_at - TimeDelta::days(2),
        stands: true,
        occurrence: hit,
    })
    .collect()
}

/// What a reminder says after each dosing session, those to come among them.
fn after_sessions(relative: &Relative, rows: &[&record::Model], place: Whereabouts) -> Vec<Due> {
    let sessions = rows.iter().filter_map(|row| Some((*row, Session::dosing(row)?)));
    let due = |(row, session): (&record::Model, Session)| Due {
        occurrence: relative.occurrence(row.id, row.occurred_at.into(), place),
        since: row.occurred_at.into(),
        computed_at: row.created_at.into(),
        stands: matches!(session.state, SessionState::Planned | SessionState::Completed),
    };
    sessions.map(due).collect()
}

/// Days are looked at a few hundred at a time.
fn between<T>(first: NaiveDate, last: NaiveDate, of: impl Fn(NaiveDate, NaiveDate) -> Vec<T>) -> Vec<T> {
    let (mut all, mut from) = (Vec::new(), first);
    while from <= last {
        let to = last.min(from + Days::new(300));
        all.extend(of(from, to));
        from = to + Days::new(1);
    }
    all
}

/// What became of a message: sent, unless it was done before; lost once in a while.
fn fate(
    occurrence: &Occurrence,
    since: DateTime<Utc>,
    done: &[&record::Model],
    chance: &mut Chance,
    now: DateTime<Utc>,
) -> NotificationState {
    let due = occurrence.due_at;
    let was_done =
        done.iter().any(|row| DateTime::from(row.occurred_at) >= since && DateTime::from(row.created_at) <= due);
    match () {
        () if due > now => NotificationState::Scheduled,
        () if was_done => NotificationState::Skipped,
        () if chance.happens(0.008) => NotificationState::Missed,
        () => NotificationState::Sent,
    }
}

#[derive(Deserialize)]
struct Session {
    kind: SessionKind,
    state: SessionState,
}

impl Session {
    fn dosing(row: &record::Model) -> Option<Self> {
        if row.kind != Kind::Sessions.code() {
            return None;
        }
        serde_json::from_str::<Self>(&row.facts).ok().filter(|session| session.kind == SessionKind::Dosing)
    }
}
