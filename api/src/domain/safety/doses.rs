//! HD-01, HD-02, HD-07: home doses against the prescription's limits. A log is always accepted; a limit only raises a flag.
//!
//! The limits are the prescriber's. FDA, 10 October 2023 (V): at home nobody monitors a dose, and the risk grows with it.

use super::{
    Facts, Finding, Prescribed, Rule,
    moods::in_hours,
    parameters::{HD_02_WEEK_HOURS, hours},
};
use crate::domain::{
    dosing::Route,
    record::{Kind, Unreadable, read},
    sessions::SessionSetting,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;
use uuid::Uuid;

/// A home dose as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dose {
    /// The record.
    pub record: Uuid,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The patient's day.
    pub day: NaiveDate,
    /// The amount, mg.
    pub amount_mg: f64,
    /// The way it was taken.
    pub route: Route,
    /// The prescription that the log names.
    pub prescription: Option<Uuid>,
}

impl Dose {
    /// A dose from the plain members of its record.
    pub fn read(record: Uuid, at: DateTime<Utc>, day: NaiveDate, facts: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Members {
            amount_mg: f64,
            route: Route,
            prescription_id: Option<Uuid>,
        }
        let Members { amount_mg, route, prescription_id } = read("a home dose", facts)?;
        Ok(Self { record, at, day, amount_mg, route, prescription: prescription_id })
    }
}

/// A completed dosing session as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DosingSession {
    /// When it started.
    pub at: DateTime<Utc>,
    /// The patient's day.
    pub day: NaiveDate,
    /// Where it took place.
    pub setting: SessionSetting,
}

/// What a prescription limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The record.
    pub record: Uuid,
    /// The way doses are taken.
    pub route: Route,
    /// The most that one dose may be, mg.
    pub max_mg: f64,
    /// The fewest hours between two doses.
    pub min_hours: f64,
    /// The most doses within a week.
    pub max_in_week: u16,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, if it is known.
    pub ends_on: Option<NaiveDate>,
}

impl Limits {
    /// The limits of a prescription, from the plain members of its record.
    pub fn read(record: Uuid, facts: &str) -> Result<Self, Unreadable> {
        #[derive(Deserialize)]
        struct Members {
            route: Route,
            max_mg_per_dose: f64,
            min_hours_between: f64,
            max_doses_per_week: u16,
            starts_on: NaiveDate,
            ends_on: Option<NaiveDate>,
        }
        let members: Members = read("a prescription", facts)?;
        Ok(Self {
            record,
            route: members.route,
            max_mg: members.max_mg_per_dose,
            min_hours: members.min_hours_between,
            max_in_week: members.max_doses_per_week,
            starts_on: members.starts_on,
            ends_on: members.ends_on,
        })
    }

    /// By age: the newer one begins later.
    fn age(&self) -> (NaiveDate, Uuid) {
        (self.starts_on, self.record)
    }

    /// Whether it holds on a day. Without a last day it holds until another of its route begins.
    fn holds_on(&self, day: NaiveDate, all: &[Self]) -> bool {
        let followed = || {
            let mut others = all.iter().filter(|other| other.route == self.route && other.age() > self.age());
            others.any(|other| other.starts_on <= day)
        };
        self.starts_on <= day && self.ends_on.map_or_else(|| !followed(), |last| day <= last)
    }
}

/// How far from a dose another dose can matter: a week, or the longest interval that is prescribed.
pub fn reach(prescriptions: &[Limits]) -> TimeDelta {
    let longest = prescriptions.iter().map(|limits| limits.min_hours).fold(HD_02_WEEK_HOURS.value, f64::max);
    hours(longest)
}

/// What the rules look at beside a dose.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// The patient's prescriptions.
    pub prescriptions: Vec<Limits>,
    /// Home doses around it; it may be among them.
    pub doses: Vec<Dose>,
    /// Completed dosing sessions around it.
    pub sessions: Vec<DosingSession>,
}

impl History {
    /// Evaluates a dose.
    pub fn evaluate(&self, dose: &Dose) -> Vec<Finding> {
        let named = dose.prescription.map(|id| self.prescriptions.iter().find(|limits| limits.record == id));
        let prescribed = match named {
            None => Some(Prescribed::NotNamed),
            Some(None) => Some(Prescribed::Unknown),
            Some(Some(limits)) if !limits.holds_on(dose.day, &self.prescriptions) => Some(Prescribed::NotActive),
            Some(Some(limits)) if limits.route != dose.route => Some(Prescribed::OtherRoute),
            Some(Some(_)) => None,
        };
        let active = || self.prescriptions.iter().filter(|limits| limits.holds_on(dose.day, &self.prescriptions));
        let limits = named.flatten().or_else(|| active().max_by_key(|limits| limits.age()));
        let amount_mg = dose.amount_mg;
        let over = limits
            .filter(|limits| amount_mg > limits.max_mg)
            .map(|limits| (Rule::Hd01, Facts::Over { amount_mg, limit_mg: limits.max_mg }));
        let often = limits.and_then(|limits| self.often(dose, limits)).map(|facts| (Rule::Hd02, facts));
        let unprescribed = prescribed.map(|prescribed| (Rule::Hd07, Facts::Unprescribed { prescribed, amount_mg }));
        let found = [over, often, unprescribed].into_iter().flatten();
        found.map(|(rule, facts)| finding(dose, rule, facts)).collect()
    }

    /// Whether a session stands for a dose beside those that the patient logs. Where the patient takes it at home and has
    /// logged a dose that day, `dose` or another, it is that one: counted twice it would come too soon after itself.
    fn is_a_dose(&self, session: &DosingSession, dose: &Dose) -> bool {
        let mut logged = self.doses.iter().chain([dose]);
        !session.setting.is_at_the_patients() || !logged.any(|dose| dose.day == session.day)
    }

    /// Too soon after the dose before, or one too many within a week.
    fn often(&self, dose: &Dose, limits: &Limits) -> Option<Facts> {
        let earlier = || self.doses.iter().filter(|other| (other.at, other.record) < (dose.at, dose.record));
        let sessions = self.sessions.iter().filter(|session| session.at <= dose.at && self.is_a_dose(session, dose));
        let nearest = earlier().map(|other| other.at).chain(sessions.map(|session| session.at)).max();
        let since = nearest.map(|before| dose.at - before);
        let hours_since = since.filter(|since| *since < hours(limits.min_hours)).map(in_hours);
        let week = hours(HD_02_WEEK_HOURS.value);
        let in_week = 1 + earlier().filter(|other| dose.at - other.at < week).count();
        let in_week = (in_week > usize::from(limits.max_in_week)).then_some(in_week);
        (hours_since.is_some() || in_week.is_some()).then_some(Facts::Often {
            hours: hours_since,
            min_hours: limits.min_hours,
            in_week,
            max_in_week: limits.max_in_week,
        })
    }
}

fn finding(dose: &Dose, rule: Rule, facts: Facts) -> Finding {
    Finding { rule, instrument: None, kind: Kind::HomeDoses, record: dose.record, at: dose.at, facts }
}
