//! `/v1/patients/{patient}/home-doses`: logs of doses at home. The patient writes; the care team reads. No limit refuses one.

use super::resource::{Resource, Tag};
use crate::{
    domain::{
        dosing::{AdverseEffect, BloodPressure, Route},
        home_doses::HomeDose,
    },
    security::access::{ReadRecords, WriteOwn},
};
use chrono::DateTime;
use poem_openapi::types::Example;

impl Example for HomeDose {
    fn example() -> Self {
        Self {
            prescription_id: None,
            occurred_at: DateTime::parse_from_rfc3339("2026-03-18T20:00:00+01:00").unwrap_or_default().into(),
            time_zone: "Europe/Berlin".into(),
            amount_mg: 150.0,
            route: Route::Sublingual,
            dose_check_id: None,
            sitter_present: Some(true),
            blood_pressure_before: Some(BloodPressure { systolic: 124, diastolic: 80 }),
            blood_pressure_after: None,
            blood_pressures: None,
            symptoms: None,
            substances: None,
            dissociation: Some(6),
            adverse_effects: Some(vec![AdverseEffect::Nausea]),
            drove_within_24h: Some(false),
            note: Some("Ginger tea helped.".into()),
        }
    }
}

impl Resource for HomeDose {
    type MayRead = ReadRecords;
    type MayCreate = WriteOwn;
    type MayReplace = WriteOwn;
    const NAME: &'static str = "HomeDose";
    const STEM: &'static str = "home_doses";
    const PATH: &'static str = "/patients/:patient/home-doses";
    const TAG: Tag = Tag::HomeDoses;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List home doses", "Newest first, a page at a time."),
        (
            "Log a home dose",
            "Always accepted: an honest log is worth more than a blocked form. Runs the safety rules against the prescription; a finding never rejects the record.",
        ),
        ("Read a home dose", "With its version as ETag."),
        (
            "Log or replace a home dose",
            "Under an id of the client's own: the way of a phone that was offline. Runs the safety rules.",
        ),
        ("Delete a home dose", "Leaves a tombstone in `changes`; the id stays used. A flag that rests on it stays."),
    ];
}
