//! `/v1/patients/{patient}/sessions`: treatment sessions. The patient and the care team write.

use crate::domain::{
    dosing::Route,
    sessions::{DoseLevel, Session, SessionKind, SessionSetting, SessionState},
};
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for Session {
    fn example() -> Self {
        Self {
            kind: SessionKind::Dosing,
            state: SessionState::Completed,
            starts_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-14T10:00:00+01:00").unwrap_or_default(),
            time_zone: "Europe/Berlin".into(),
            setting: SessionSetting::Clinic,
            route: Some(Route::Intramuscular),
            dose_mg: Some(60.0),
            dose_level: Some(DoseLevel::Moderate),
            notes: Some("Quiet music, eyes covered. Slept after lunch.".into()),
        }
    }
}
