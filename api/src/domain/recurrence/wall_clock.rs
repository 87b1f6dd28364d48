//! Times of day on a zone's own clock, with its skipped and doubled hours; quiet hours.

use super::MovedBy;
use chrono::{DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use std::{fmt, str::FromStr};

/// Minutes after midnight, on the clock on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeOfDay(u16);

/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl TimeOfDay {
    /// 00:00.
    pub const MIDNIGHT: Self = Self(0);

    /// Minutes after midnight, if there are so many.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes < DAY).then_some(Self(minutes))
    }

    /// Minutes after midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }

    /// The instant of this time on a day, and how the clock moved it.
    pub fn on(self, date: NaiveDate, zone: Tz) -> (DateTime<Utc>, Option<MovedBy>) {
        resolve(date.and_time(self.time()), zone)
    }

    fn time(self) -> NaiveTime {
        NaiveTime::MIN + TimeDelta::minutes(self.0.into())
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = |part: &str, below: u16| {
            let plain = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|number| plain && *number < below)
        };
        let parts = text.split_once(':').and_then(|(hours, minutes)| Some((digits(hours, 24)?, digits(minutes, 60)?)));
        let (hours, minutes) = parts.ok_or("a time from 00:00 to 23:59")?;
        Ok(Self(hours * 60 + minutes))
    }
}

/// The instant at which a zone's clock shows a time.
pub(super) fn resolve(local: NaiveDateTime, zone: Tz) -> (DateTime<Utc>, Option<MovedBy>) {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) => (at.to_utc(), None),
        MappedLocalTime::Ambiguous(first, _) => (first.to_utc(), Some(MovedBy::DoubledHour)),
        MappedLocalTime::None => (after_gap(local, zone), Some(MovedBy::SkippedHour)),
    }
}

/// A skipped time read with the offset that held before the gap: as many minutes after it.
fn after_gap(local: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    // The longest gap known is a whole day (Samoa, 2011-12-30).
    let mut steps = (1..=4 * 36).map(|quarters| TimeDelta::minutes(15 * quarters));
    let before = steps.find_map(|back| Some(zone.from_local_datetime(&(local - back)).latest()? + back));
    before.map_or_else(|| local.and_utc(), |at| at.to_utc())
}

/// The hours of a day in which the patient wants to hear nothing; none if both ends are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// When they begin.
    pub start: TimeOfDay,
    /// When they end.
    pub end: TimeOfDay,
}

impl QuietHours {
    /// No quiet hours.
    pub const NONE: Self = Self { start: TimeOfDay::MIDNIGHT, end: TimeOfDay::MIDNIGHT };

    /// What a new patient begins with: ten in the evening to seven in the morning.
    pub const fn usual() -> Self {
        Self { start: TimeOfDay(22 * 60), end: TimeOfDay(7 * 60) }
    }

    /// Whether a time of day lies in them. Their end does not.
    pub fn cover(&self, time: NaiveTime) -> bool {
        let (start, end) = (self.start.time(), self.end.time());
        if start <= end { start <= time && time < end } else { time >= start || time < end }
    }

    /// The instant itself, or the end of the quiet hours that it lies in.
    pub fn next_loud(&self, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
        let local = at.with_timezone(&zone).naive_local();
        if !self.cover(local.time()) {
            return at;
        }
        let today = local.time() < self.end.time();
        let date = local.date() + Days::new(u64::from(!today));
        let end = date.and_time(self.end.time());
        // Where the end comes twice, the first may lie behind us already.
        let ends = [zone.from_local_datetime(&end).latest().map(|at| at.to_utc()), Some(resolve(end, zone).0)];
        ends.into_iter().flatten().filter(|end| *end > at).min().unwrap_or(at)
    }
}
