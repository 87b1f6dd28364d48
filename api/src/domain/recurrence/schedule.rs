//! A schedule as clients write it and as it is kept, and the rule that it stands for.

use super::{Dates, Recurring, Relative, Rule, TimeOfDay};
use crate::domain::faults::Faults;
use chrono::NaiveDate;
use chrono_tz::Tz;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The two ways of saying when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleType {
    /// Over and over, on days and at times.
    Recurring,
    /// Before or after an event.
    Relative,
}

/// Whose clock a recurring rule follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ZoneChoice {
    /// The patient's, wherever they are.
    Follow,
    /// The one named in `time_zone`.
    Pinned,
}

/// The events that a relative reminder can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// The start of a dosing session.
    DosingSession,
    /// The start of an integration session.
    IntegrationSession,
}

/// When a reminder reminds, as clients write it and as it is kept.
///
/// `recurring` needs `rrule`, `times`, `starts_on` and `zone`, and may have `ends_on` and, when pinned, `time_zone`;
/// `relative` needs `to` and `offset`, and may have `at`.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none)]
pub struct Schedule {
    /// Which of the two.
    #[oai(rename = "type")]
    #[serde(rename = "type")]
    pub kind: ScheduleType,
    /// Recurring: an RFC 5545 rule over days: `FREQ` (`DAILY`, `WEEKLY`, `MONTHLY`, `YEARLY`) with `INTERVAL`, `COUNT`
    /// or `UNTIL` (a date), `BYDAY`, `BYMONTHDAY`, `BYMONTH`, `BYSETPOS`, `WKST`.
    #[oai(validator(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rrule: Option<String>,
    /// Recurring: times of those days, `HH:MM`, each a slot.
    #[oai(validator(min_items = 1, max_items = 24))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<Vec<String>>,
    /// Recurring: the first day that the rule may hit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_on: Option<NaiveDate>,
    /// Recurring: the last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// Recurring: whose clock it follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneChoice>,
    /// Recurring, pinned: an IANA time zone.
    #[oai(validator(max_length = 64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Relative: the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Event>,
    /// Relative: how long after its start, ISO 8601: `PT4H`; or before: `-P1D`. At most 366 days.
    #[oai(validator(max_length = 20))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<String>,
    /// Relative: the time of that day, `HH:MM`, instead of the event's own.
    #[oai(validator(max_length = 5))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

impl Schedule {
    const EMPTY: Self = Self {
        kind: ScheduleType::Recurring,
        rrule: None,
        times: None,
        starts_on: None,
        ends_on: None,
        zone: None,
        time_zone: None,
        to: None,
        offset: None,
        at: None,
    };

    /// Every day at a time, from a day on, on the patient's own clock.
    pub fn daily(time: &str, starts_on: NaiveDate) -> Self {
        Self {
            rrule: Some("FREQ=DAILY".into()),
            times: Some(vec![time.into()]),
            starts_on: Some(starts_on),
            zone: Some(ZoneChoice::Follow),
            ..Self::EMPTY
        }
    }

    /// So long after a dosing session began.
    pub fn after_dosing(offset: &str) -> Self {
        Self {
            kind: ScheduleType::Relative,
            to: Some(Event::DosingSession),
            offset: Some(offset.into()),
            ..Self::EMPTY
        }
    }

    /// The rule that it says, or a note of everything that is wrong with it.
    pub fn check(&self, pointer: &str, faults: &mut Faults) -> Option<Rule> {
        let rule = self.read(pointer, faults)?;
        if matches!(&rule, Rule::Recurring(recurring) if !recurring.dates.is_possible()) {
            faults.add(format!("{pointer}/rrule"), "a rule that hits at least one day in its first eight years");
            return None;
        }
        Some(rule)
    }

    /// The rule of a schedule that was checked when it was written.
    pub fn rule(&self) -> Option<Rule> {
        self.read("", &mut Faults::default())
    }

    fn read(&self, pointer: &str, faults: &mut Faults) -> Option<Rule> {
        let before = faults.0.len();
        let rule = match self.kind {
            ScheduleType::Recurring => self.recurring(pointer, faults).map(|rule| Rule::Recurring(Box::new(rule))),
            ScheduleType::Relative => self.relative(pointer, faults).map(Rule::Relative),
        };
        rule.filter(|_| faults.0.len() == before)
    }

    fn recurring(&self, pointer: &str, faults: &mut Faults) -> Option<Recurring> {
        let relative = [("to", self.to.is_some()), ("offset", self.offset.is_some()), ("at", self.at.is_some())];
        misplaced(pointer, &relative, "relative", faults);
        let pinned = self.pinned(pointer, faults);
        let times = self.times(pointer, faults);
        let dates = match (&self.rrule, self.starts_on) {
            (Some(rrule), Some(starts_on)) => Dates::check(pointer, rrule, starts_on, self.ends_on, faults),
            (rrule, starts_on) => {
                missing(pointer, "rrule", rrule.is_none(), faults);
                missing(pointer, "starts_on", starts_on.is_none(), faults);
                None
            }
        };
        Some(Recurring { dates: dates?, times, pinned })
    }

    fn pinned(&self, pointer: &str, faults: &mut Faults) -> Option<Tz> {
        let at = format!("{pointer}/time_zone");
        match (self.zone, &self.time_zone) {
            (None, _) => missing(pointer, "zone", true, faults),
            (Some(ZoneChoice::Follow), None) => {}
            (Some(ZoneChoice::Follow), Some(_)) => faults.add(at, "only when the zone is pinned"),
            (Some(ZoneChoice::Pinned), None) => missing(pointer, "time_zone", true, faults),
            (Some(ZoneChoice::Pinned), Some(name)) => match name.parse() {
                Ok(zone) => return Some(zone),
                Err(_) => faults.add(at, "an IANA time zone, such as Europe/Berlin"),
            },
        }
        None
    }

    fn times(&self, pointer: &str, faults: &mut Faults) -> Vec<TimeOfDay> {
        let given = self.times.as_deref().unwrap_or_default();
        if !(1..=24).contains(&given.len()) {
            faults.add(format!("{pointer}/times"), "1 to 24 times of day");
        }
        let mut times = Vec::new();
        for (index, text) in given.iter().enumerate() {
            match text.parse() {
                Ok(time) if times.contains(&time) => faults.add(format!("{pointer}/times/{index}"), "each time once"),
                Ok(time) => times.push(time),
                Err(what) => faults.add(format!("{pointer}/times/{index}"), what),
            }
        }
        times.sort_unstable();
        times
    }

    fn relative(&self, pointer: &str, faults: &mut Faults) -> Option<Relative> {
        let recurring = [
            ("rrule", self.rrule.is_some()),
            ("times", self.times.is_some()),
            ("starts_on", self.starts_on.is_some()),
            ("ends_on", self.ends_on.is_some()),
            ("zone", self.zone.is_some()),
            ("time_zone", self.time_zone.is_some()),
        ];
        misplaced(pointer, &recurring, "recurring", faults);
        missing(pointer, "to", self.to.is_none(), faults);
        missing(pointer, "offset", self.offset.is_none(), faults);
        let offset = part(pointer, "offset", self.offset.as_deref(), faults);
        let at = part(pointer, "at", self.at.as_deref(), faults);
        Some(Relative { to: self.to?, offset: offset?, at })
    }
}

fn part<T: FromStr<Err = &'static str>>(
    pointer: &str,
    name: &str,
    text: Option<&str>,
    faults: &mut Faults,
) -> Option<T> {
    let part = text?.parse();
    part.map_err(|what| faults.add(format!("{pointer}/{name}"), what)).ok()
}

fn missing(pointer: &str, name: &str, is_missing: bool, faults: &mut Faults) {
    if is_missing {
        faults.add(format!("{pointer}/{name}"), "required by this type of schedule");
    }
}

fn misplaced(pointer: &str, members: &[(&str, bool)], kind: &str, faults: &mut Faults) {
    for (name, _) in members.iter().filter(|(_, given)| *given) {
        faults.add(format!("{pointer}/{name}"), format!("belongs to {kind} schedules"));
    }
}
