//! RD-02: mood fell quickly. The median of the record's day and the two before it, against the median of the fourteen days
//! before those (PROP); too few entries say nothing.
//!
//! Getting better is not a straight line: within 72 hours of a dosing session a drop below 5 points is expected variation
//! [seed: KAP practice text, no published source], unless a flag about thoughts of being better off dead is unresolved.
//!
//! That exception is a state, not an order of events: while such a flag waits, no drop is expected variation, whichever of
//! the two came first. So a form that leaves such a flag unresolved is looked at together with the moods of the 72 hours on
//! both sides of it, and a drop that was softened there rises to watch: open, with a clock. It stays so when the flag is
//! resolved, since no severity is ever lowered. What a member does with a flag is no record and lifts nothing by itself: the
//! next write that touches those moods does.

use super::{
    Facts, Finding, Rule,
    parameters::{
        RD_02_AFTER_SESSION_HOURS, RD_02_BEFORE_DAYS, RD_02_BEFORE_ENTRIES, RD_02_RECENT_DAYS, RD_02_RECENT_ENTRIES,
        RD_02_URGENT_DROP, RD_02_WATCH_DROP, hours, whole,
    },
};
use crate::domain::record::Kind;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use std::{collections::BTreeMap, ops::RangeInclusive};
use uuid::Uuid;

/// A mood as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mood {
    /// The record.
    pub record: Uuid,
    /// When it was so.
    pub at: DateTime<Utc>,
    /// The patient's day.
    pub day: NaiveDate,
}

/// How often each mood was entered on each day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram(BTreeMap<NaiveDate, [u32; 11]>);

impl Histogram {
    /// Counts a mood some times more on a day.
    pub fn add(&mut self, day: NaiveDate, mood: u8, times: u32) {
        if let Some(count) = self.0.entry(day).or_default().get_mut(usize::from(mood)) {
            *count += times;
        }
    }

    /// The median over some days, if there are entries enough.
    fn median(&self, days: RangeInclusive<NaiveDate>, at_least: f64) -> Option<f64> {
        let mut counts = [0_u32; 11];
        for day in self.0.range(days) {
            counts.iter_mut().zip(day.1).for_each(|(sum, count)| *sum += count);
        }
        let entries: u32 = counts.iter().sum();
        if entries == 0 || f64::from(entries) < at_least {
            return None;
        }
        let nth = |n: u32| {
            let mut seen = 0;
            (0_u8..).zip(counts).find(|(_, count)| {
                seen += count;
                seen > n
            })
        };
        let (low, high) = (nth((entries - 1) / 2)?.0, nth(entries / 2)?.0);
        Some(f64::midpoint(f64::from(low), f64::from(high)))
    }

    /// The fall of the median on a day; negative where mood rose, `None` where there are too few entries.
    ///
    /// ```
    /// use afterglow::domain::safety::moods::Histogram;
    /// use chrono::NaiveDate;
    ///
    /// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    /// let mut moods = Histogram::default();
    /// for (on, mood) in [(1, 7), (2, 6), (3, 6), (4, 7), (5, 6), (14, 1), (15, 0)] {
    ///     moods.add(day(on), mood, 1);
    /// }
    /// assert_eq!(moods.drop(day(15)).unwrap().points(), 5.5);
    /// assert_eq!(moods.drop(day(14)), None); // one recent entry is too few
    /// ```
    pub fn drop(&self, day: NaiveDate) -> Option<Drop> {
        let earlier = |days: f64| day.checked_sub_days(Days::new(whole(days).unsigned_abs()));
        let first_recent = earlier(RD_02_RECENT_DAYS.value - 1.0)?;
        let last_before = earlier(RD_02_RECENT_DAYS.value)?;
        let first_before = earlier(RD_02_RECENT_DAYS.value + RD_02_BEFORE_DAYS.value - 1.0)?;
        Some(Drop {
            before: self.median(first_before..=last_before, RD_02_BEFORE_ENTRIES.value)?,
            recent: self.median(first_recent..=day, RD_02_RECENT_ENTRIES.value)?,
        })
    }

    /// The days among some on which mood fell so far that the rule has something to say.
    pub fn falls(&self, days: RangeInclusive<NaiveDate>) -> BTreeMap<NaiveDate, Drop> {
        let with_entries = self.0.range(days).map(|(day, _)| *day);
        with_entries
            .filter_map(|day| Some((day, self.drop(day)?)))
            .filter(|(_, drop)| drop.points() >= RD_02_WATCH_DROP.value)
            .collect()
    }
}

/// How far back a day's median looks.
pub fn look_back() -> Days {
    Days::new(whole(RD_02_RECENT_DAYS.value + RD_02_BEFORE_DAYS.value - 1.0).unsigned_abs())
}

/// How long after a dosing session a drop is softened.
pub fn after_session() -> TimeDelta {
    hours(RD_02_AFTER_SESSION_HOURS.value)
}

/// Two medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drop {
    /// Before.
    pub before: f64,
    /// In the last days.
    pub recent: f64,
}

impl Drop {
    /// By how much the median fell.
    pub fn points(&self) -> f64 {
        self.before - self.recent
    }
}

/// Evaluates a mood on a day of a fall. `sessions` are the starts of completed dosing sessions; `grave` is whether a flag
/// that keeps drops grave is unresolved.
pub fn evaluate(mood: &Mood, drop: &Drop, sessions: &[DateTime<Utc>], grave: bool) -> Option<Finding> {
    let after = sessions
        .iter()
        .map(|start| mood.at - *start)
        .filter(|since| (TimeDelta::zero()..=after_session()).contains(since))
        .min();
    if drop.points() < RD_02_WATCH_DROP.value {
        return None;
    }
    let softened = after.filter(|_| !grave && drop.points() < RD_02_URGENT_DROP.value);
    Some(Finding {
        rule: Rule::Rd02,
        instrument: None,
        kind: Kind::MoodScores,
        record: mood.record,
        at: mood.at,
        facts: Facts::Drop { before: drop.before, recent: drop.recent, after_session_hours: softened.map(in_hours) },
    })
}

/// A length of time in hours.
#[expect(clippy::cast_precision_loss, reason = "hours between two records are few")]
pub(super) fn in_hours(time: TimeDelta) -> f64 {
    time.num_seconds() as f64 / 3600.0
}
