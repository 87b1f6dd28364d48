//! By when somebody should take a flag on: targets of the clinic (PROP), in the clinic's zone.
//!
//! Who is told does not depend on the rule. The primary member of the care team is told first, then the rest of the care
//! team and who is on call, then the admins. So a prescriber hears of a home dose above its limit (HD-01, HD-02, HD-07), and
//! of thoughts of being better off dead, as a member of the care team: first where they are the primary one, else in the
//! second step, with the first in an emergency. A prescriber who is on nobody's care team is not told: whoever prescribes
//! for somebody belongs on their care team.

use super::Severity;
use crate::domain::business_hours::BusinessHours;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

/// An emergency: within 15 minutes.
const EMERGENCY: TimeDelta = TimeDelta::minutes(15);
/// Urgent, while the clinic is open: within four hours.
const URGENT: TimeDelta = TimeDelta::hours(4);
/// Watch: the close of the second business day after.
const WATCH_BUSINESS_DAYS: usize = 2;

/// When urgent flags that rise outside business hours are due: the next 09:00, weekends too.
fn morning() -> NaiveTime {
    NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default()
}

/// By when somebody should take on a flag whose clock starts now; `None` for info.
///
/// ```
/// use afterglow::domain::{business_hours::BusinessHours, safety::{Severity, acknowledge_by}};
/// use chrono::{TimeZone, Utc};
///
/// let hours = BusinessHours::usual(chrono_tz::Europe::London);
/// let at = |day, hour, minute| Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap();
/// // Tuesday 24 November, 09:31.
/// assert_eq!(acknowledge_by(Severity::Emergency, at(24, 9, 31), &hours), Some(at(24, 9, 46)));
/// assert_eq!(acknowledge_by(Severity::Urgent, at(24, 9, 31), &hours), Some(at(24, 13, 31)));
/// assert_eq!(acknowledge_by(Severity::Watch, at(24, 9, 31), &hours), Some(at(26, 17, 0)));
/// // Friday evening: Saturday morning, and for watch the close of Tuesday.
/// assert_eq!(acknowledge_by(Severity::Urgent, at(27, 20, 0), &hours), Some(at(28, 9, 0)));
/// assert_eq!(acknowledge_by(Severity::Watch, at(27, 20, 0), &hours), Some(Utc.with_ymd_and_hms(2026, 12, 1, 17, 0, 0).unwrap()));
/// assert_eq!(acknowledge_by(Severity::Info, at(24, 9, 31), &hours), None);
/// ```
pub fn acknowledge_by(severity: Severity, now: DateTime<Utc>, hours: &BusinessHours) -> Option<DateTime<Utc>> {
    match severity {
        Severity::Emergency => Some(now + EMERGENCY),
        Severity::Urgent if hours.is_open(now) => Some(now + URGENT),
        Severity::Urgent => hours.next_time_of_day(now, morning()),
        Severity::Watch => hours.close_of_business_day(now, WATCH_BUSINESS_DAYS),
        Severity::Info => None,
    }
}
