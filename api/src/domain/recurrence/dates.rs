//! The days that an RFC 5545 rule hits. Days alone: it runs over dates, so that no clock change and no zone can touch it.

use super::{super::faults::Faults, days};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use rrule::{Frequency, NWeekday, RRule, Tz, Unvalidated};

/// How many days are looked at in one go.
pub const WINDOW: u64 = 400;
/// The most days that a rule with `COUNT` may hit: ten years of days.
const MOST: u32 = 3_660;
/// The longest `INTERVAL`.
const LONGEST_INTERVAL: u16 = 1_000;
/// How far a rule is searched for its first day: 29 February comes at least every eight years.
const SEARCHED: u64 = 8 * 366;

/// Checked days: a rule, its first and its last day.
#[derive(Debug, Clone, PartialEq)]
pub struct Dates {
    rule: RRule<Unvalidated>,
    starts_on: NaiveDate,
    ends_on: Option<NaiveDate>,
}

impl Dates {
    pub(super) fn check(
        pointer: &str,
        rrule: &str,
        starts_on: NaiveDate,
        ends_on: Option<NaiveDate>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let before = faults.0.len();
        if !(2000..2100).contains(&starts_on.year()) {
            faults.add(format!("{pointer}/starts_on"), "a day from 2000-01-01 to 2099-12-31");
        }
        if ends_on.is_some_and(|ends_on| ends_on < starts_on) {
            faults.add(format!("{pointer}/ends_on"), "not before starts_on");
        }
        let parsed = parse(rrule).map_err(|what| faults.add(format!("{pointer}/rrule"), what)).ok();
        let (rule, until) = parsed.filter(|_| faults.0.len() == before)?;
        let ends_on = [ends_on, until].into_iter().flatten().min();
        Some(Self { rule, starts_on, ends_on })
    }

    /// Whether it hits any day at all, in its first eight years.
    pub(super) fn is_possible(&self) -> bool {
        !self.search(self.starts_on, self.starts_on + Days::new(SEARCHED)).is_empty()
    }

    /// The days hit from one day to another, both included; no more than [`WINDOW`] days are looked at.
    pub fn between(&self, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
        let to = to.min(from + Days::new(WINDOW));
        self.search(from, to)
    }

    fn search(&self, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
        let to = self.ends_on.map_or(to, |ends_on| to.min(ends_on));
        days::hits(&self.rule, self.starts_on, from, to)
    }
}

const SHAPE: &str = "an RFC 5545 rule such as FREQ=WEEKLY;BYDAY=MO,TH: FREQ of DAILY, WEEKLY, MONTHLY or YEARLY, then \
                     INTERVAL (to 1000), COUNT (to 3660) or UNTIL (a date), BYDAY, BYMONTHDAY, BYMONTH, BYSETPOS, WKST";

/// Reads the part of RFC 5545 that speaks of days. `UNTIL` is kept apart, since here it is a local date.
fn parse(text: &str) -> Result<(RRule<Unvalidated>, Option<NaiveDate>), &'static str> {
    let mut seen: Vec<&str> = Vec::new();
    let mut kept: Vec<&str> = Vec::new();
    let mut until = None;
    for part in text.split(';') {
        let (name, value) = part.split_once('=').ok_or(SHAPE)?;
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b",+-".contains(&byte);
        if seen.contains(&name) || value.is_empty() || value.len() > 100 || !value.bytes().all(plain) {
            return Err(SHAPE);
        }
        seen.push(name);
        match name {
            "UNTIL" => until = Some(NaiveDate::parse_from_str(value, "%Y%m%d").map_err(|_| SHAPE)?),
            "FREQ" if matches!(value, "DAILY" | "WEEKLY" | "MONTHLY" | "YEARLY") => kept.push(part),
            "INTERVAL" | "COUNT" | "BYDAY" | "BYMONTHDAY" | "BYMONTH" | "BYSETPOS" | "WKST" => kept.push(part),
            _ => return Err(SHAPE),
        }
    }
    let both = until.is_some() && seen.contains(&"COUNT");
    if both || !seen.contains(&"FREQ") {
        return Err(SHAPE);
    }
    let rule: RRule<Unvalidated> = kept.join(";").parse().map_err(|_| SHAPE)?;
    let bounded = rule.get_interval() <= LONGEST_INTERVAL && rule.get_count().is_none_or(|count| count <= MOST);
    let midnight = NaiveDate::default().and_time(NaiveTime::MIN).and_utc().with_timezone(&Tz::UTC);
    let valid = rule.get_interval() > 0 && rule.get_count() != Some(0) && rule.clone().validate(midnight).is_ok();
    let ordinal = rule.get_by_weekday().iter().any(|day| matches!(day, NWeekday::Nth(..)));
    let placed = !ordinal || matches!(rule.get_freq(), Frequency::Monthly | Frequency::Yearly);
    if bounded && valid && placed { Ok((rule, until)) } else { Err(SHAPE) }
}
