//! Where a patient stands on an instrument: baseline, best, latest. Of complete forms alone; an estimate never counts.
//!
//! Baseline (PROP): the last complete score not later than the first dosing session and at most 21 days before it; else the
//! first complete score there is. One that was taken after the first dosing session is a late baseline: what the session did
//! may be in it already.

use chrono::{DateTime, TimeDelta, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

/// A baseline is at most this much older than the first dosing session.
const BASELINE_AGE: TimeDelta = TimeDelta::days(21);

// The numbers stand in the database: they never change.
/// What can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "StandingStatus", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Status {
    /// No complete score.
    NotMeasured = 0,
    /// No complete score after the baseline.
    BaselineOnly = 1,
}

impl Status {
    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The status of a number from the database.
    pub fn from_code(code: i16) -> Option<Self> {
        [Self::NotMeasured, Self::BaselineOnly].into_iter().find(|status| status.code() == code)
    }
}

/// A complete score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// When it was filled in.
    pub at: DateTime<Utc>,
    /// The total.
    pub total: f64,
}

/// Where a patient stands on an instrument.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// What the rest is measured against.
    pub baseline: Option<Score>,
    /// Whether the baseline was taken after the first dosing session.
    pub late_baseline: bool,
    /// The lowest since the baseline; of equal ones the first.
    pub best: Option<Score>,
    /// The newest.
    pub latest: Option<Score>,
}

impl Standing {
    /// The standing by the complete scores, in order of time, and the start of the first completed dosing session.
    ///
    /// ```
    /// use afterglow::domain::standing::{Score, Standing, Status};
    /// use chrono::{TimeZone, Utc};
    ///
    /// let score = |day, total| Score { at: Utc.with_ymd_and_hms(2026, 3, day, 8, 0, 0).unwrap(), total };
    /// let scores = [score(1, 18.0), score(5, 20.0), score(12, 9.0), score(20, 11.0)];
    /// let standing = Standing::of(&scores, Some(score(6, 0.0).at));
    /// assert_eq!(standing.baseline.unwrap().total, 20.0);
    /// assert_eq!(standing.best.unwrap().total, 9.0);
    /// assert_eq!(standing.latest.unwrap().total, 11.0);
    /// assert!(!standing.late_baseline);
    /// let late = Standing::of(&scores[2..], Some(score(6, 0.0).at));
    /// assert_eq!((late.baseline.unwrap().total, late.late_baseline), (9.0, true));
    /// assert_eq!(Standing::of(&[], None).status(), Some(Status::NotMeasured));
    /// assert_eq!(Standing::of(&scores[..1], None).status(), Some(Status::BaselineOnly));
    /// ```
    pub fn of(scores: &[Score], first_session: Option<DateTime<Utc>>) -> Self {
        let timely = first_session.and_then(|session| {
            let mut recent = scores.iter().rev();
            recent.find(|score| score.at <= session).filter(|score| session - score.at <= BASELINE_AGE)
        });
        let baseline = timely.or(scores.first()).copied();
        let since = scores.iter().filter(|score| baseline.is_some_and(|baseline| score.at > baseline.at));
        let best = since.copied().reduce(|best, score| if score.total < best.total { score } else { best });
        let late_baseline = baseline.zip(first_session).is_some_and(|(baseline, session)| baseline.at > session);
        Self { baseline, late_baseline, best, latest: scores.last().copied() }
    }

    /// What can be said of it yet; `None` where response has to be worked out.
    pub fn status(&self) -> Option<Status> {
        match (self.baseline, self.best) {
            (None, _) => Some(Status::NotMeasured),
            (Some(_), None) => Some(Status::BaselineOnly),
            (Some(_), Some(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_baseline_is_late_where_it_was_taken_after_the_first_session() {
        let day = |day: i64| DateTime::UNIX_EPOCH + TimeDelta::days(day);
        let of = |days: &[i64], session: Option<i64>| {
            let scores: Vec<_> = days.iter().map(|at| Score { at: day(*at), total: 10.0 }).collect();
            let standing = Standing::of(&scores, session.map(day));
            (standing.baseline.map(|score| (score.at - DateTime::UNIX_EPOCH).num_days()), standing.late_baseline)
        };
        assert_eq!(of(&[], Some(30)), (None, false));
        assert_eq!(of(&[5, 8], None), (Some(5), false), "there is no session that it could be late for");
        assert_eq!(of(&[5, 30, 31], Some(30)), (Some(30), false), "at the session itself it is in time");
        assert_eq!(of(&[31, 40], Some(30)), (Some(31), true));
        assert_eq!(of(&[5, 31], Some(30)), (Some(5), false), "too old to be the last before, and before it even so");
    }
}
