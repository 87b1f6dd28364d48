//! When a reminder falls due: a rule over the patient's own days and wall-clock times, or a time after an event.
//!
//! A recurring rule (RFC 5545) runs over local dates from its first day; each time of day is a slot of that date. So an
//! occurrence has the same name, its date and slot, wherever the patient travels, and can be written down only once.
//! A time that the clock skips fires as many minutes later (RFC 5545, 3.3.5); one that comes twice fires the first
//! time. Quiet hours move a message to their end; they never lose it.

mod dates;
mod days;
mod relative;
mod schedule;
mod wall_clock;

pub use dates::{Dates, WINDOW};
pub use relative::{Offset, Relative};
pub use schedule::{Event, Schedule, ScheduleType, ZoneChoice};
pub use wall_clock::{QuietHours, TimeOfDay};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What moved an occurrence from where its rule put it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum MovedBy {
    /// It fell into quiet hours and waits for their end.
    QuietHours,
    /// The clock skips that time: as many minutes later.
    SkippedHour,
    /// That time comes twice: the first one.
    DoubledHour,
}

/// One time at which a reminder reminds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// The patient's day, before quiet hours moved it.
    pub local_date: NaiveDate,
    /// `08:00`, or the id of the event's record: with the day, its name.
    pub slot: String,
    /// When it is to be sent.
    pub due_at: DateTime<Utc>,
    /// The zone it was worked out in.
    pub zone: Tz,
    /// What moved it, if anything did.
    pub moved_by: Option<MovedBy>,
}

/// Where the patient is, and when they want to be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Whereabouts {
    /// The patient's zone.
    pub zone: Tz,
    /// The hours in which nothing is sent.
    pub quiet: QuietHours,
}

/// A checked schedule.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Days and times.
    Recurring(Box<Recurring>),
    /// Before or after an event.
    Relative(Relative),
}

/// A checked recurring rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurring {
    dates: Dates,
    times: Vec<TimeOfDay>,
    pinned: Option<Tz>,
}

impl Recurring {
    /// Its zone for a patient who is in `zone`.
    pub fn zone(&self, zone: Tz) -> Tz {
        self.pinned.unwrap_or(zone)
    }

    /// The occurrences of some days, in order of day and time; at most [`WINDOW`] days are looked at.
    pub fn occurrences(&self, from: NaiveDate, to: NaiveDate, place: Whereabouts) -> Vec<Occurrence> {
        let zone = self.zone(place.zone);
        let dates = self.dates.between(from, to);
        dates
            .iter()
            .flat_map(|date| self.times.iter().map(move |time| (*date, *time)))
            .map(|(date, time)| occurrence(date, time.to_string(), time.on(date, zone), zone, place))
            .collect()
    }

    /// From when on a day something counts as done for its slot: since the slot before, or since the day began.
    pub fn done_since(&self, local_date: NaiveDate, slot: &str, zone: Tz) -> DateTime<Utc> {
        let earlier = self.times.iter().rev().find(|time| *time.to_string() < *slot);
        let time = earlier.copied().unwrap_or(TimeOfDay::MIDNIGHT);
        time.on(local_date, self.zone(zone)).0
    }
}

impl Relative {
    /// The occurrence for one event of this kind.
    pub fn occurrence(&self, event: Uuid, starts_at: DateTime<Utc>, place: Whereabouts) -> Occurrence {
        let (due, moved) = self.due(starts_at, place.zone);
        let date = due.with_timezone(&place.zone).date_naive();
        occurrence(date, event.to_string(), (due, moved), place.zone, place)
    }
}

fn occurrence(
    local_date: NaiveDate,
    slot: String,
    (due, moved): (DateTime<Utc>, Option<MovedBy>),
    zone: Tz,
    place: Whereabouts,
) -> Occurrence {
    // Quiet hours are the patient's own, wherever the rule is pinned.
    let heard = place.quiet.next_loud(due, place.zone);
    let moved_by = if heard == due { moved } else { Some(MovedBy::QuietHours) };
    Occurrence { local_date, slot, due_at: heard, zone, moved_by }
}

#[cfg(test)]
mod tests;
