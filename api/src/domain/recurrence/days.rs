//! Which days a parsed rule hits, worked out day by day. The library's own iterator goes on until it finds the next hit,
//! however many centuries away: a rule that hits no day at all would hold whoever asks for a second. Here no day is looked
//! at that was not asked for.

use chrono::{Datelike, NaiveDate, Weekday};
use rrule::{Frequency, NWeekday, RRule, Unvalidated};

/// The days that a rule hits from its first day on, `from` and `to` included, in order.
pub(super) fn hits(rule: &RRule<Unvalidated>, starts_on: NaiveDate, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    let rule = Days { rule, starts_on };
    // What is counted is counted from the first day on.
    let mut left = rule.rule.get_count();
    let mut day = if left.is_some() { starts_on } else { from.max(starts_on) };
    let mut hits = Vec::new();
    loop {
        let (first, last) = rule.period(day);
        if first > to {
            return hits;
        }
        if rule.is_on(first) {
            for hit in rule.set(first, last).into_iter().filter(|hit| *hit >= starts_on) {
                if left == Some(0) || hit > to {
                    return hits;
                }
                left = left.map(|left| left - 1);
                if hit >= from {
                    hits.push(hit);
                }
            }
        }
        let Some(next) = last.succ_opt() else { return hits };
        day = next;
    }
}

struct Days<'a> {
    rule: &'a RRule<Unvalidated>,
    starts_on: NaiveDate,
}

impl Days<'_> {
    /// The day, week, month or year around a day, from its first day to its last.
    fn period(&self, day: NaiveDate) -> (NaiveDate, NaiveDate) {
        match self.rule.get_freq() {
            Frequency::Yearly => (ordinal(day, 1), ordinal(day, days_in_year(day.year()))),
            Frequency::Monthly => (day_of_month(day, 1), day_of_month(day, days_in_month(day))),
            Frequency::Weekly => {
                let week = day.week(self.rule.get_week_start());
                (week.first_day(), week.last_day())
            }
            _ => (day, day),
        }
    }

    /// Whether the rule is on in the period that begins with a day, or leaves it out.
    fn is_on(&self, first: NaiveDate) -> bool {
        let (begin, _) = self.period(self.starts_on);
        let months = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
        let apart = match self.rule.get_freq() {
            Frequency::Yearly => i64::from(first.year() - begin.year()),
            Frequency::Monthly => months(first) - months(begin),
            Frequency::Weekly => (first - begin).num_days() / 7,
            _ => (first - begin).num_days(),
        };
        apart % i64::from(self.rule.get_interval().max(1)) == 0
    }

    /// The days of one period that the rule means.
    fn set(&self, first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
        // A first week that has begun before counts from the first day on.
        let first = if self.rule.get_freq() == Frequency::Weekly { first.max(self.starts_on) } else { first };
        let set: Vec<NaiveDate> =
            first.iter_days().take_while(|day| *day <= last).filter(|day| self.means(*day)).collect();
        let places = self.rule.get_by_set_pos();
        if places.is_empty() {
            return set;
        }
        let at = |place: &i32| match usize::try_from(*place) {
            Ok(place) => set.get(place.checked_sub(1)?),
            Err(_) => set.get(set.len().checked_sub(usize::try_from(place.unsigned_abs()).ok()?)?),
        };
        let mut picked: Vec<NaiveDate> = places.iter().filter_map(at).copied().collect();
        picked.sort_unstable();
        picked.dedup();
        picked
    }

    fn means(&self, day: NaiveDate) -> bool {
        let (months, days, weekdays) =
            (self.rule.get_by_month(), self.rule.get_by_month_day(), self.rule.get_by_weekday());
        let month = months.is_empty() || months.iter().any(|month| u32::from(*month) == day.month());
        if days.is_empty() && weekdays.is_empty() {
            return month && self.is_like_the_first(day);
        }
        let from_end = i64::from(day.day()) - i64::from(days_in_month(day)) - 1;
        let numbered = |wanted: &i8| i64::from(*wanted) == i64::from(day.day()) || i64::from(*wanted) == from_end;
        month
            && (days.is_empty() || days.iter().any(numbered))
            && (weekdays.is_empty() || weekdays.iter().any(|wanted| self.is_weekday(*wanted, day)))
    }

    /// Where a rule names no days, it means those that are like its first.
    fn is_like_the_first(&self, day: NaiveDate) -> bool {
        let first = self.starts_on;
        match self.rule.get_freq() {
            Frequency::Yearly if self.rule.get_by_month().is_empty() => {
                (day.month(), day.day()) == (first.month(), first.day())
            }
            Frequency::Yearly | Frequency::Monthly => day.day() == first.day(),
            Frequency::Weekly => day.weekday() == first.weekday(),
            _ => true,
        }
    }

    /// Whether a day is, say, a Monday, or the second one of its month or year.
    fn is_weekday(&self, wanted: NWeekday, day: NaiveDate) -> bool {
        let (place, weekday): (i16, Weekday) = match wanted {
            NWeekday::Every(weekday) => return day.weekday() == weekday,
            NWeekday::Nth(place, weekday) => (place, weekday),
        };
        let of_year = self.rule.get_freq() == Frequency::Yearly && self.rule.get_by_month().is_empty();
        let (before, after) = if of_year {
            (day.ordinal0(), days_in_year(day.year()) - day.ordinal())
        } else {
            (day.day0(), days_in_month(day) - day.day())
        };
        let (forth, back) = (i64::from(before / 7) + 1, -i64::from(after / 7) - 1);
        day.weekday() == weekday && (i64::from(place) == forth || i64::from(place) == back)
    }
}

fn ordinal(day: NaiveDate, ordinal: u32) -> NaiveDate {
    day.with_ordinal(ordinal).unwrap_or(day)
}

fn day_of_month(day: NaiveDate, number: u32) -> NaiveDate {
    day.with_day(number).unwrap_or(day)
}

fn days_in_year(year: i32) -> u32 {
    if NaiveDate::from_yo_opt(year, 366).is_some() { 366 } else { 365 }
}

fn days_in_month(day: NaiveDate) -> u32 {
    let longest = (28..=31).rev().find(|number| day.with_day(*number).is_some());
    longest.unwrap_or(28)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveTime, TimeDelta};
    use proptest::prelude::*;
    use rrule::{RRuleSet, Tz};

    /// What the library finds, as far as it is asked.
    fn by_the_library(rule: &str, starts_on: NaiveDate, from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
        let begin = starts_on.and_time(NaiveTime::MIN).and_utc().with_timezone(&Tz::UTC);
        let rule = rule.parse::<RRule<Unvalidated>>().unwrap().validate(begin).unwrap();
        let days = RRuleSet::new(begin).rrule(rule).limit().into_iter().map(|at| at.date_naive());
        days.take_while(|day| *day <= to).filter(|day| *day >= from).collect()
    }

    fn parts() -> impl Strategy<Value = String> {
        let days = prop_oneof![Just(""), Just(";BYDAY=MO"), Just(";BYDAY=TU,SA,SU"), Just(";BYDAY=MO,TU,WE,TH,FR")];
        let numbered =
            prop_oneof![Just(""), Just(";BYMONTHDAY=1"), Just(";BYMONTHDAY=13,-1"), Just(";BYMONTHDAY=-31,30")];
        let months = prop_oneof![Just(""), Just(";BYMONTH=3"), Just(";BYMONTH=1,6,12")];
        let places = prop_oneof![Just(""), Just(";BYSETPOS=1"), Just(";BYSETPOS=-1"), Just(";BYSETPOS=2,-2,1")];
        let week = prop_oneof![Just(""), Just(";WKST=SU")];
        let count = prop_oneof![3 => Just(String::new()), 1 => (1u32..40).prop_map(|count| format!(";COUNT={count}"))];
        let freq = prop_oneof![Just("DAILY"), Just("WEEKLY"), Just("MONTHLY"), Just("YEARLY")];
        let nth =
            prop_oneof![4 => Just(""), 1 => Just(";BYDAY=1MO"), 1 => Just(";BYDAY=-1FR"), 1 => Just(";BYDAY=2WE,-2SU")];
        (freq, 1u32..5, (days, nth), numbered, months, places, week, count).prop_map(
            |(freq, interval, (days, nth), numbered, months, places, week, count)| {
                let wide = matches!(freq, "MONTHLY" | "YEARLY");
                // RFC 5545, 3.3.10: no BYMONTHDAY in a WEEKLY rule; a place in a set needs a set.
                let numbered = if freq == "WEEKLY" { "" } else { numbered };
                let days = if wide && !nth.is_empty() { nth } else { days };
                let places = if days.is_empty() && numbered.is_empty() && months.is_empty() { "" } else { places };
                format!("FREQ={freq};INTERVAL={interval}{days}{numbered}{months}{places}{week}{count}")
            },
        )
    }

    proptest! {
        #[test]
        fn it_finds_what_the_library_finds(rule in parts(), starts in 0i64..3_000, ahead in 0i64..2_000, days in 0i64..1_200) {
            let starts_on = NaiveDate::from_ymd_opt(2019, 1, 1).unwrap() + TimeDelta::days(starts);
            let from = starts_on + TimeDelta::days(ahead);
            let to = from + TimeDelta::days(days);
            let parsed = rule.parse().unwrap();
            prop_assert_eq!(hits(&parsed, starts_on, from, to), by_the_library(&rule, starts_on, from, to), "{}", rule);
        }
    }

    #[test]
    fn a_rule_that_hits_no_day_is_looked_through_as_fast_as_any() {
        let starts_on = NaiveDate::from_ymd_opt(2025, 1, 31).unwrap();
        for rule in [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2",
            "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
            "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
            "FREQ=WEEKLY;INTERVAL=1000;BYMONTH=6;COUNT=3000",
        ] {
            let began = std::time::Instant::now();
            let found = hits(&rule.parse().unwrap(), starts_on, starts_on, starts_on + TimeDelta::days(8 * 366));
            assert_eq!(found, [], "{rule}");
            // A few thousand days, whatever the machine; not the centuries until the next hit.
            assert!(began.elapsed().as_secs() < 10, "{rule}: {:?}", began.elapsed());
        }
    }
}
