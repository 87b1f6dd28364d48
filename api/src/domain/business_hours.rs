//! When a clinic is open, in its own zone: what the clocks of flags run by.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::Tz;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// A day of the week, as RFC 5545 abbreviates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "BusinessDay", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Day {
    /// Monday.
    Mo,
    /// Tuesday.
    Tu,
    /// Wednesday.
    We,
    /// Thursday.
    Th,
    /// Friday.
    Fr,
    /// Saturday.
    Sa,
    /// Sunday.
    Su,
}

impl From<Weekday> for Day {
    fn from(day: Weekday) -> Self {
        match day {
            Weekday::Mon => Self::Mo,
            Weekday::Tue => Self::Tu,
            Weekday::Wed => Self::We,
            Weekday::Thu => Self::Th,
            Weekday::Fri => Self::Fr,
            Weekday::Sat => Self::Sa,
            Weekday::Sun => Self::Su,
        }
    }
}

/// Hours that hold on some days.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct OpeningHours {
    /// On which days: `["mo", "tu", "we", "th", "fr"]`.
    #[oai(validator(min_items = 1, max_items = 7))]
    pub days: Vec<Day>,
    /// From when, wall-clock time: `09:00`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub start: String,
    /// Until when, wall-clock time: `17:00`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub end: String,
}

impl OpeningHours {
    fn span(&self) -> Option<(NaiveTime, NaiveTime)> {
        let time = |text| NaiveTime::parse_from_str(text, "%H:%M").ok();
        Some((time(&self.start)?, time(&self.end)?)).filter(|(start, end)| start < end)
    }
}

/// When a clinic is open, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessHours {
    /// The clinic's zone.
    pub zone: Tz,
    /// Its hours; a day may have several.
    pub hours: Vec<OpeningHours>,
}

impl BusinessHours {
    /// Monday to Friday, nine to five: what a new clinic begins with.
    pub fn usual(zone: Tz) -> Self {
        let hours = OpeningHours {
            days: vec![Day::Mo, Day::Tu, Day::We, Day::Th, Day::Fr],
            start: "09:00".into(),
            end: "17:00".into(),
        };
        Self { zone, hours: vec![hours] }
    }

    /// The hours of a clinic; one without any keeps the usual ones.
    pub fn of(zone: Tz, hours: Vec<OpeningHours>) -> Self {
        if hours.iter().any(|hours| hours.span().is_some() && !hours.days.is_empty()) {
            Self { zone, hours }
        } else {
            Self::usual(zone)
        }
    }

    fn spans(&self, day: NaiveDate) -> impl Iterator<Item = (NaiveTime, NaiveTime)> + '_ {
        let weekday = Day::from(day.weekday());
        self.hours.iter().filter(move |hours| hours.days.contains(&weekday)).filter_map(OpeningHours::span)
    }

    /// Whether the clinic is open; at the closing time it no longer is.
    ///
    /// ```
    /// use afterglow::domain::business_hours::BusinessHours;
    /// use chrono::{TimeZone, Utc};
    ///
    /// let hours = BusinessHours::usual(chrono_tz::Europe::London);
    /// assert!(hours.is_open(Utc.with_ymd_and_hms(2026, 11, 24, 9, 0, 0).unwrap()));
    /// assert!(!hours.is_open(Utc.with_ymd_and_hms(2026, 11, 24, 17, 0, 0).unwrap()));
    /// assert!(!hours.is_open(Utc.with_ymd_and_hms(2026, 11, 28, 12, 0, 0).unwrap())); // Saturday
    /// ```
    pub fn is_open(&self, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&self.zone).naive_local();
        self.spans(local.date()).any(|(start, end)| (start..end).contains(&local.time()))
    }

    /// The close of the `n`th business day after the day of an instant.
    pub fn close_of_business_day(&self, at: DateTime<Utc>, n: usize) -> Option<DateTime<Utc>> {
        let today = at.with_timezone(&self.zone).date_naive();
        // Hours hold by the week, so the nth business day comes within n weeks.
        let days = (1..=7 * n as u64).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        let closes = days.filter_map(|day| self.spans(day).map(|(_, end)| end).max().map(|end| (day, end)));
        let (day, end) = closes.take(n).last()?;
        self.local(day, end)
    }

    /// The next time that the clinic's clock shows a time of day, weekends too.
    pub fn next_time_of_day(&self, after: DateTime<Utc>, time: NaiveTime) -> Option<DateTime<Utc>> {
        let today = after.with_timezone(&self.zone).date_naive();
        (0..=2)
            .filter_map(|ahead| self.local(today.checked_add_days(Days::new(ahead))?, time))
            .find(|instant| *instant > after)
    }

    /// A wall-clock time of a day; a time that the clock skips is reached an hour later.
    fn local(&self, day: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
        let local = day.and_time(time);
        let zoned = self.zone.from_local_datetime(&local);
        let later = || self.zone.from_local_datetime(&(local + chrono::TimeDelta::hours(1))).earliest();
        zoned.earliest().or_else(later).map(|at| at.to_utc())
    }
}
