//! The days of one patient, counted from their first, in their own zone.

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// The days from somebody's first to today.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    /// Where they live.
    pub(super) zone: Tz,
    /// Their first day.
    pub(super) first: NaiveDate,
    /// The moment at which the clinic is drawn.
    pub(super) now: DateTime<Utc>,
}

impl Calendar {
    /// The days of somebody who began so many days ago.
    pub(super) fn ending(now: DateTime<Utc>, zone: Tz, days: u64) -> Self {
        let today = now.with_timezone(&zone).date_naive();
        Self { zone, first: today.checked_sub_days(Days::new(days)).unwrap_or(today), now }
    }

    /// The number of today.
    pub(super) fn today(&self) -> i64 {
        (self.now.with_timezone(&self.zone).date_naive() - self.first).num_days()
    }

    /// The date of a day.
    pub(super) fn date(&self, day: i64) -> NaiveDate {
        self.first + TimeDelta::days(day)
    }

    /// A time of a day, in minutes after midnight; later where the clock skips it.
    pub(super) fn at(&self, day: i64, minutes: i64) -> DateTime<FixedOffset> {
        let local = self.date(day).and_time(NaiveTime::MIN) + TimeDelta::minutes(minutes);
        let there = self.zone.from_local_datetime(&local).earliest();
        let there = there.or_else(|| self.zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest());
        there.map_or_else(|| local.and_utc().fixed_offset(), |at| at.fixed_offset())
    }

    /// An instant on this patient's clock.
    pub(super) fn local(&self, at: DateTime<Utc>) -> DateTime<FixedOffset> {
        at.with_timezone(&self.zone).fixed_offset()
    }

    /// The day, or the Monday after it.
    pub(super) fn working_day(&self, day: i64) -> i64 {
        match self.date(day).weekday() {
            Weekday::Sat => day + 2,
            Weekday::Sun => day + 1,
            _ => day,
        }
    }
}
