//! A prescription: the limits of home dosing, as a prescriber set them.
//!
//! The limits are the prescriber's alone: nothing here has a default that permits more, converts a route or suggests
//! a dose. Fields beyond the required ones are read strictly when they are absent (clinical sheet 5.4): a hold above
//! 140/90 (V: esketamine label; GK number), urgent above 180/110 (PROP), six hours of fasting (V: public programmes),
//! no driving before the next morning after sleep (V: Oxford Health NHS; esketamine label), two hours of observation
//! (V: esketamine label).

use super::{
    dosing::{BloodPressure, Route},
    faults::Faults,
    record::{Horizon, Kind, Occurrence, Record},
    sessions::PLANNED_AHEAD,
};
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// When driving is allowed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum NoDrivingUntil {
    /// The next morning, after sleep: the strictest, and what holds when nothing is said.
    NextMorningAfterSleep,
    /// 24 hours after the dose.
    #[oai(rename = "24-hours")]
    #[serde(rename = "24-hours")]
    Hours24,
}

/// The limits of home dosing.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewPrescription", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Prescription {
    /// The way the dose is taken.
    pub route: Route,
    /// The form as the pharmacy names it: troche, rapid-dissolving tablet; up to 200 characters.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub form: String,
    /// The usual dose in milligrams.
    #[oai(validator(minimum(value = "0", exclusive), maximum(value = "10000")))]
    pub mg_per_dose: f64,
    /// The most that one dose may be, in milligrams.
    #[oai(validator(minimum(value = "0", exclusive), maximum(value = "10000")))]
    pub max_mg_per_dose: f64,
    /// The fewest hours between two doses; exactly so many are enough.
    #[oai(validator(minimum(value = "0"), maximum(value = "8760")))]
    pub min_hours_between: f64,
    /// The most doses within 168 hours.
    #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
    pub max_doses_per_week: u16,
    /// How many doses were dispensed.
    #[oai(validator(minimum(value = "0"), maximum(value = "1000")))]
    pub supply_doses: u16,
    /// The first day it holds, in the patient's zone.
    pub starts_on: NaiveDate,
    /// The last day it holds; without it, it holds until another of its route begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_on: Option<NaiveDate>,
    /// Whether somebody must be there for the whole session.
    pub sitter_required: bool,
    /// Whether blood pressure must be taken before a dose.
    pub blood_pressure_required: bool,
    /// Milligrams in one unit of the form.
    #[oai(validator(minimum(value = "0", exclusive), maximum(value = "10000")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength_mg: Option<f64>,
    /// Above it a dose waits; 140/90 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_pressure_hold: Option<BloodPressure>,
    /// Above it the prescriber is told at once; 180/110 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_pressure_urgent: Option<BloodPressure>,
    /// Hours without food before a dose; 6 when absent.
    #[oai(validator(minimum(value = "0"), maximum(value = "48")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fasting_hours: Option<f64>,
    /// When driving is allowed again; the next morning after sleep when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_driving_until: Option<NoDrivingUntil>,
    /// Minutes to be watched after a dose; 120 when absent.
    #[oai(validator(minimum(value = "0"), maximum(value = "1440")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observation_minutes: Option<u16>,
    /// The pharmacy, up to 200 characters.
    #[oai(validator(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pharmacy: Option<String>,
}

impl Record for Prescription {
    const KIND: Kind = Kind::Prescriptions;
    const SEALED: &'static [&'static str] = &["form", "pharmacy"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        if self.ends_on.is_some_and(|last| last < self.starts_on) {
            faults.add_between("/ends_on", &["/starts_on"], "a day not before starts_on");
        }
        if self.mg_per_dose > self.max_mg_per_dose {
            faults.add_between("/mg_per_dose", &["/max_mg_per_dose"], "not more than max_mg_per_dose");
        }
        let at = start_of_day(self.starts_on, horizon.zone);
        let in_time = self.starts_on.year() >= 2000 && at.is_some_and(|at| at <= horizon.now + PLANNED_AHEAD);
        if !in_time {
            faults.add("/starts_on", "a day between 2000-01-01 and two years from now");
        }
        at.filter(|_| in_time).map(|at| Occurrence { at, zone: horizon.zone })
    }
}

/// The first instant of a day in a zone; later than midnight where the clock skips midnight.
///
/// ```
/// use afterglow::domain::prescriptions::start_of_day;
/// use chrono::NaiveDate;
///
/// let day = NaiveDate::from_ymd_opt(2018, 11, 4).unwrap();
/// // São Paulo skipped midnight that night: the day began at 01:00 -02:00.
/// let start = start_of_day(day, chrono_tz::America::Sao_Paulo).unwrap();
/// assert_eq!(start.to_rfc3339(), "2018-11-04T03:00:00+00:00");
/// ```
pub fn start_of_day(day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = day.and_time(NaiveTime::MIN);
    // No zone skips more than a day; a quarter of an hour divides every shift there is.
    (0..=96)
        .filter_map(|quarter| midnight.checked_add_signed(TimeDelta::minutes(15 * quarter)))
        .find_map(|local| zone.from_local_datetime(&local).earliest())
        .map(|at| at.to_utc())
}
