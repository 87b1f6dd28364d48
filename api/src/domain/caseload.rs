//! The caseload: who needs somebody first, and the lines that are drawn of each patient.

use super::safety::{Facts, Flag, Rule, State, Urgency};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
};
use uuid::Uuid;

/// Days that are drawn; the last is today in the patient's zone.
pub const DAYS: usize = 60;
/// From so many days without a sign on somebody is silent (PROP: the four days of a missed check-in).
const SILENT_DAYS: i64 = 4;
/// A score that is older than so many days says little of now (PROP: no interval is suggested from an older one).
const SCORE_DAYS: i64 = 10;
/// A score that is older than so many days is no current score (PROP: the header then says so).
const CURRENT_DAYS: u32 = 28;
/// A mean of a week needs so many days with an entry (PROP).
const MEAN_DAYS: u32 = 3;

/// For how many days somebody has been silent, if they have been; who has not begun yet is not.
///
/// ```
/// use afterglow::domain::caseload::silent_days;
/// use chrono::NaiveDate;
///
/// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
/// assert_eq!(silent_days(day(20), Some(day(16))), Some(4));
/// assert_eq!(silent_days(day(20), Some(day(17))), None);
/// assert_eq!(silent_days(day(20), None), None);
/// ```
pub fn silent_days(today: NaiveDate, last_sign: Option<NaiveDate>) -> Option<u32> {
    age(today, last_sign?).filter(|days| i64::from(*days) >= SILENT_DAYS)
}

/// How many days old a score is, if that is too old to speak of now.
///
/// ```
/// use afterglow::domain::caseload::stale_days;
/// use chrono::NaiveDate;
///
/// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
/// assert_eq!((stale_days(day(20), day(10)), stale_days(day(20), day(9))), (None, Some(11)));
/// ```
pub fn stale_days(today: NaiveDate, scored: NaiveDate) -> Option<u32> {
    age(today, scored).filter(|days| i64::from(*days) > SCORE_DAYS)
}

/// Whether a score is young enough to be called the current one.
///
/// ```
/// use afterglow::domain::caseload::is_current;
/// use chrono::NaiveDate;
///
/// let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
/// assert_eq!((is_current(day(3, 29), day(3, 1)), is_current(day(3, 30), day(3, 1))), (true, false));
/// ```
pub fn is_current(today: NaiveDate, scored: NaiveDate) -> bool {
    age(today, scored).is_none_or(|days| days <= CURRENT_DAYS)
}

fn age(today: NaiveDate, day: NaiveDate) -> Option<u32> {
    u32::try_from((today - day).num_days()).ok()
}

/// Moods by day: 60 values, `None` where there is no entry.
#[derive(Debug, Clone, PartialEq)]
pub struct MoodLine(pub Vec<Option<f64>>);

impl MoodLine {
    /// The line that ends today.
    ///
    /// ```
    /// use afterglow::domain::caseload::MoodLine;
    /// use chrono::NaiveDate;
    ///
    /// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    /// let moods = [(day(20), 4.0), (day(19), 5.0), (day(17), 6.0), (day(10), 8.0), (day(21), 9.0)];
    /// let line = MoodLine::until(day(20), &moods);
    /// assert_eq!((line.0.len(), line.0[59], line.0[57], line.0[56]), (60, Some(4.0), None, Some(6.0)));
    /// assert_eq!(line.mean(0), Some(5.0));
    /// assert_eq!(line.mean(1), None);
    /// ```
    pub fn until(today: NaiveDate, moods: &[(NaiveDate, f64)]) -> Self {
        let mut line = vec![None; DAYS];
        for (day, mood) in moods {
            if let Some(slot) = index(today, *day).and_then(|index| line.get_mut(index)) {
                *slot = Some(*mood);
            }
        }
        Self(line)
    }

    /// The mean over the days with an entry of a week, of which it needs three: 0 is the last seven days, 1 the seven before.
    pub fn mean(&self, weeks_ago: usize) -> Option<f64> {
        let days: Vec<f64> = self.0.iter().rev().skip(7 * weeks_ago).take(7).filter_map(|mood| *mood).collect();
        let count = u32::try_from(days.len()).ok().filter(|count| *count >= MEAN_DAYS)?;
        Some(days.iter().sum::<f64>() / f64::from(count))
    }
}

/// Where a day stands among those that are drawn.
pub fn index(today: NaiveDate, day: NaiveDate) -> Option<usize> {
    let first = today.checked_sub_days(Days::new(DAYS as u64 - 1))?;
    let index = usize::try_from((day - first).num_days()).ok()?;
    (index < DAYS).then_some(index)
}

/// The rules in the order in which a row tells of them, where severity says no more: thoughts, then doses, then mood.
const TOLD: [Rule; 7] = [Rule::Si02, Rule::Si01, Rule::Si04, Rule::Hd01, Rule::Hd02, Rule::Hd07, Rule::Rd02];

/// The order of a patient's flags: the gravest first, one that waits before one that was taken on; then by rule, by the
/// gravest of the evidence, and the one with the newest first. What was found decides, not which came first.
pub fn rank(one: &Flag, other: &Flag) -> Ordering {
    let plain = |flag: &Flag| {
        let told = TOLD.iter().position(|rule| *rule == flag.rule);
        (Reverse(flag.severity), flag.state.code(), told.unwrap_or(TOLD.len()))
    };
    let newest = |flag: &Flag| (Reverse(flag.newest_at()), flag.id);
    let graver = match (gravest(one), gravest(other)) {
        (Some(one), Some(other)) => other.weigh(one),
        _ => Ordering::Equal,
    };
    plain(one).cmp(&plain(other)).then(graver).then_with(|| newest(one).cmp(&newest(other)))
}

fn gravest(flag: &Flag) -> Option<&Facts> {
    flag.evidence.values().map(|piece| &piece.facts).max_by(|one, other| one.weigh(other))
}

/// When the first of a patient's gravest flags is due, if any of them still waits.
pub fn due<'a>(flags: impl IntoIterator<Item = &'a Flag> + Clone) -> Option<DateTime<Utc>> {
    let unresolved = |flag: &&Flag| flag.state != State::Resolved;
    let gravest = flags.clone().into_iter().filter(unresolved).map(|flag| flag.severity).max()?;
    let open = flags.into_iter().filter(|flag| flag.state == State::Open && flag.severity == gravest);
    open.filter_map(|flag| flag.acknowledge_by).min()
}

/// The flag that a row of the caseload is about: the first of those that are not resolved.
pub fn first<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Option<&'a Flag> {
    flags.into_iter().filter(|flag| flag.state != State::Resolved).min_by(|one, other| rank(one, other))
}

/// The first of a patient's flags that nobody has taken on: what a row is tinted by, and what is taken on next.
pub fn waiting<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Option<&'a Flag> {
    flags.into_iter().filter(|flag| flag.state == State::Open).min_by(|one, other| rank(one, other))
}

/// The order of the caseload: by urgency, then the sooner due, then the longer without a check-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// 0 is the most urgent.
    pub urgency: u8,
    /// When somebody should have taken it on, in microseconds; what has no clock comes last.
    pub due: i64,
    /// The last check-in, in microseconds; none at all comes first.
    pub last_check_in: i64,
    /// The patient.
    pub patient: Uuid,
}

impl Place {
    /// The place of a patient.
    pub fn of(
        urgency: Urgency,
        due: Option<DateTime<Utc>>,
        last_check_in: Option<DateTime<Utc>>,
        patient: Uuid,
    ) -> Self {
        let urgency = match urgency {
            Urgency::Emergency => 0,
            Urgency::Urgent => 1,
            Urgency::Watch => 2,
            Urgency::Info => 3,
            Urgency::None => 4,
            Urgency::New => 5,
        };
        let micros = |at: DateTime<Utc>| at.timestamp_micros();
        Self {
            urgency,
            due: due.map_or(i64::MAX, micros),
            last_check_in: last_check_in.map_or(i64::MIN, micros),
            patient,
        }
    }
}

/// How many unresolved flags there are of each severity.
pub fn count<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> BTreeMap<i16, u32> {
    let mut counts = BTreeMap::new();
    for flag in flags.into_iter().filter(|flag| flag.state != State::Resolved) {
        *counts.entry(flag.severity.code()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_urgent_comes_first_then_the_sooner_due_then_the_longer_silent() {
        let at = |second| DateTime::from_timestamp(second, 0);
        let place = |urgency, due, last, n| Place::of(urgency, due, last, Uuid::from_u128(n));
        let mut places = [
            place(Urgency::New, None, at(1), 1),
            place(Urgency::Watch, at(9), at(1), 2),
            place(Urgency::Urgent, None, at(5), 3),
            place(Urgency::Urgent, at(7), at(6), 4),
            place(Urgency::Urgent, at(7), at(5), 5),
            place(Urgency::None, None, None, 6),
            place(Urgency::None, None, at(1), 7),
        ];
        places.sort();
        let order: Vec<_> = places.iter().map(|place| place.patient.as_u128()).collect();
        assert_eq!(order, [5, 4, 3, 2, 6, 7, 1]);
    }
}
