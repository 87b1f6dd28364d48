//! `/v1/patients/{patient}/intentions`: what the patient brings. The patient writes; the care team reads what is shared.

use super::resource::{Resource, Tag};
use crate::{
    domain::{intentions::Intention, record::Visibility},
    security::access::{ReadRecords, WriteOwn},
};
use chrono::DateTime;
use poem_openapi::types::Example;

impl Example for Intention {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::parse_from_rfc3339("2026-03-13T19:30:00+01:00").unwrap_or_default().into(),
            time_zone: "Europe/Berlin".into(),
            text: "To look at the grief without running from it.".into(),
            session_id: None,
            visibility: Visibility::Shared,
        }
    }
}

impl Resource for Intention {
    type MayRead = ReadRecords;
    type MayCreate = WriteOwn;
    type MayReplace = WriteOwn;
    const NAME: &'static str = "Intention";
    const STEM: &'static str = "intentions";
    const PATH: &'static str = "/patients/:patient/intentions";
    const TAG: Tag = Tag::Intentions;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List intentions", "Newest first, a page at a time. The care team sees what is shared."),
        (
            "Record an intention",
            "What the patient brings to a session, or to the whole treatment. Private unless `visibility` says `shared`.",
        ),
        ("Read an intention", "With its version as ETag."),
        (
            "Record or replace an intention",
            "Under an id of the client's own: the way of a phone that was offline. Sharing is replacing it with `shared`.",
        ),
        ("Delete an intention", "Leaves a tombstone in `changes`; the id stays used."),
    ];
}
