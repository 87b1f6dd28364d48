//! `/v1/patients/{patient}/prescriptions`: the limits of home dosing. A prescriber writes; the care team and the patient
//! read.

use super::resource::{Resource, Tag};
use crate::{
    domain::{
        dosing::{BloodPressure, Route},
        prescriptions::{NoDrivingUntil, Prescription},
    },
    security::access::{Prescribe, ReadRecords},
};
use chrono::NaiveDate;
use poem_openapi::types::Example;

impl Example for Prescription {
    fn example() -> Self {
        Self {
            route: Route::Sublingual,
            form: "troche".into(),
            mg_per_dose: 150.0,
            max_mg_per_dose: 200.0,
            min_hours_between: 72.0,
            max_doses_per_week: 2,
            supply_doses: 8,
            starts_on: NaiveDate::from_ymd_opt(2026, 3, 16).unwrap_or_default(),
            ends_on: NaiveDate::from_ymd_opt(2026, 4, 12),
            sitter_required: true,
            blood_pressure_required: true,
            strength_mg: Some(50.0),
            blood_pressure_hold: Some(BloodPressure { systolic: 140, diastolic: 90 }),
            blood_pressure_urgent: None,
            fasting_hours: Some(6.0),
            no_driving_until: Some(NoDrivingUntil::NextMorningAfterSleep),
            observation_minutes: None,
            pharmacy: Some("Lindenapotheke".into()),
        }
    }
}

impl Resource for Prescription {
    type MayRead = ReadRecords;
    type MayCreate = Prescribe;
    type MayReplace = Prescribe;
    const NAME: &'static str = "Prescription";
    const STEM: &'static str = "prescriptions";
    const PATH: &'static str = "/patients/:patient/prescriptions";
    const TAG: Tag = Tag::Prescriptions;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List prescriptions", "Newest first, a page at a time."),
        (
            "Record a prescription",
            "The limits of home dosing. Its time is the start of `starts_on` in the patient's zone. Home doses are looked at again in its light.",
        ),
        ("Read a prescription", "With its version as ETag."),
        (
            "Record or replace a prescription",
            "Under an id of the client's own. Home doses are looked at again in its light.",
        ),
        ("Delete a prescription", "Leaves a tombstone in `changes`; the id stays used."),
    ];
}
