//! `/v1/patients/{patient}/home-doses`: logs of doses at home. The patient writes; the care team reads. No limit refuses one.

use crate::domain::{
    dosing::{AdverseEffect, BloodPressure, Route},
    home_doses::HomeDose,
};
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for HomeDose {
    fn example() -> Self {
        Self {
            prescription_id: None,
            occurred_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-18T20:00:00+01:00").unwrap_or_default(),
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
