//! A home dose: what was taken, when, with whom and what happened.
//!
//! The truth is always accepted: no limit of a prescription ever refuses a log. An honest log is worth more than a
//! blocked form; what a limit has to say becomes a flag (HD-01, HD-02, HD-07).

use super::{
    dosing::{AdverseEffect, BloodPressure, BloodPressureReading, Route, Substance, Symptom},
    faults::Faults,
    instant::Instant,
    record::{CLOCK_SKEW, Horizon, Kind, Occurrence, Record},
};
use chrono_tz::Tz;
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A log of one home dose.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewHomeDose", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct HomeDose {
    /// The prescription it was taken under. Left out, or not one that was active for this route on that day: the dose is kept all
    /// the same, and flag HD-07 tells the care team that no prescription covers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prescription_id: Option<Uuid>,
    /// When it was taken, RFC 3339 with an offset; not more than 24 hours ahead.
    pub occurred_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// The amount in milligrams.
    #[oai(validator(minimum(value = "0"), maximum(value = "10000")))]
    pub amount_mg: f64,
    /// The way it was taken.
    pub route: Route,
    /// The dose check that came before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dose_check_id: Option<Uuid>,
    /// Whether somebody was there for the whole session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sitter_present: Option<bool>,
    /// Blood pressure before the dose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_pressure_before: Option<BloodPressure>,
    /// Blood pressure after the dose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_pressure_after: Option<BloodPressure>,
    /// Further readings, up to 50; the higher decides.
    #[oai(validator(max_items = 50))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blood_pressures: Option<Vec<BloodPressureReading>>,
    /// What was felt beside a blood pressure.
    #[oai(validator(max_items = 50))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symptoms: Option<Vec<Symptom>>,
    /// What was taken beside the dose.
    #[oai(validator(max_items = 50))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub substances: Option<Vec<Substance>>,
    /// How far away it felt, 0 not at all, 10 most.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dissociation: Option<u8>,
    /// What went wrong, as codes; words go to the note.
    #[oai(validator(max_items = 50))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adverse_effects: Option<Vec<AdverseEffect>>,
    /// Whether the patient drove within 24 hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drove_within_24h: Option<bool>,
    /// A few words, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Record for HomeDose {
    const KIND: Kind = Kind::HomeDoses;
    const SEALED: &'static [&'static str] = &["note"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        Occurrence::check("/occurred_at", self.occurred_at, &self.time_zone, CLOCK_SKEW, horizon, faults)
    }

    fn in_zone(mut self, zone: Tz) -> Self {
        for reading in self.blood_pressures.iter_mut().flatten() {
            reading.at = reading.at.in_zone(zone);
        }
        self
    }
}
