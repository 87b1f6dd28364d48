//! `/v1/patients/{patient}/mood-scores`: quick check-ins. The patient writes; the care team reads.

use super::resource::{Resource, Tag};
use crate::{
    domain::mood_scores::MoodScore,
    security::access::{ReadRecords, WriteOwn},
};
use chrono::DateTime;
use poem_openapi::types::Example;

impl Example for MoodScore {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::parse_from_rfc3339("2026-03-14T08:05:00+01:00").unwrap_or_default().into(),
            time_zone: "Europe/Berlin".into(),
            mood: 6,
            anxiety: Some(3),
            energy: Some(5),
            hope: Some(7),
            irritability: None,
            sleep_hours: Some(7.5),
            note: Some("Slept through for the first time this week.".into()),
        }
    }
}

impl Resource for MoodScore {
    type MayRead = ReadRecords;
    type MayCreate = WriteOwn;
    type MayReplace = WriteOwn;
    const NAME: &'static str = "MoodScore";
    const STEM: &'static str = "mood_scores";
    const PATH: &'static str = "/patients/:patient/mood-scores";
    const TAG: Tag = Tag::MoodScores;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List mood scores", "Newest first, a page at a time."),
        ("Record a mood score", "Runs the safety rules in the same transaction; a finding never rejects the record."),
        ("Read a mood score", "With its version as ETag."),
        (
            "Record or replace a mood score",
            "Under an id of the client's own: the way of a phone that was offline. Runs the safety rules.",
        ),
        ("Delete a mood score", "Leaves a tombstone in `changes`; the id stays used."),
    ];
}
