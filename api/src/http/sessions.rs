//! `/v1/patients/{patient}/sessions`: treatment sessions. The patient and the care team write.

use super::resource::{Resource, Tag};
use crate::{
    domain::{
        dosing::Route,
        sessions::{DoseLevel, Session, SessionKind, SessionSetting, SessionState},
    },
    security::access::{ReadRecords, WriteCare},
};
use chrono::DateTime;
use poem_openapi::types::Example;

impl Example for Session {
    fn example() -> Self {
        Self {
            kind: SessionKind::Dosing,
            state: SessionState::Completed,
            starts_at: DateTime::parse_from_rfc3339("2026-03-14T10:00:00+01:00").unwrap_or_default().into(),
            time_zone: "Europe/Berlin".into(),
            setting: SessionSetting::Clinic,
            route: Some(Route::Intramuscular),
            dose_mg: Some(60.0),
            dose_level: Some(DoseLevel::Moderate),
            notes: Some("Quiet music, eyes covered. Slept after lunch.".into()),
        }
    }
}

impl Resource for Session {
    type MayRead = ReadRecords;
    type MayCreate = WriteCare;
    type MayReplace = WriteCare;
    const NAME: &'static str = "Session";
    const STEM: &'static str = "sessions";
    const PATH: &'static str = "/patients/:patient/sessions";
    const TAG: Tag = Tag::Sessions;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List sessions", "Newest first, a page at a time; planned ones lie ahead."),
        (
            "Plan or record a session",
            "A completed dosing session counts as a dose for the rules, and starts the time in which a lower mood is expected variation.",
        ),
        ("Read a session", "With its version as ETag."),
        (
            "Record or replace a session",
            "Under an id of the client's own. Moving, completing or cancelling a session is replacing it.",
        ),
        ("Delete a session", "Leaves a tombstone in `changes`; the id stays used."),
    ];
}
