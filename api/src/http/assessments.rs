//! `/v1/patients/{patient}/assessments`: filled-in questionnaires, scored by the server. The patient writes; the care team
//! reads and may add one.

use super::resource::{Resource, Tag};
use crate::{
    domain::{
        assessments::{AnsweredBy, Assessment},
        instruments::Score,
    },
    security::access::{ReadRecords, WriteCare, WriteOwn},
};
use chrono::DateTime;
use poem_openapi::{
    registry::{MetaSchemaRef, Registry},
    types::{Example, Type},
};

impl Example for Assessment {
    fn example() -> Self {
        let answers = [1, 2, 1, 2, 0, 1, 1, 0, 0];
        Self {
            occurred_at: DateTime::parse_from_rfc3339("2026-03-14T08:20:00+01:00").unwrap_or_default().into(),
            time_zone: "Europe/Berlin".into(),
            instrument: "phq-9".into(),
            answers: (1..).zip(answers).map(|(number, answer): (u8, _)| (number.to_string(), Some(answer))).collect(),
            difficulty: Some(1),
            answered_by: AnsweredBy::Patient,
            note: None,
        }
    }
}

impl Resource for Assessment {
    type MayRead = ReadRecords;
    type MayCreate = WriteCare;
    type MayReplace = WriteOwn;
    const NAME: &'static str = "Assessment";
    const STEM: &'static str = "assessments";
    const PATH: &'static str = "/patients/:patient/assessments";
    const TAG: Tag = Tag::Assessments;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List assessments", "Newest first, a page at a time, each with its score."),
        (
            "Record an assessment",
            "Scored by the server; an incomplete form is kept with what can be said of it. Runs the safety rules in the same transaction; a finding never rejects the record.",
        ),
        ("Read an assessment", "With its score, and its version as ETag."),
        (
            "Record or replace an assessment",
            "Under an id of the client's own: the way of a phone that was offline. Scored anew; runs the safety rules.",
        ),
        ("Delete an assessment", "Leaves a tombstone in `changes`; the id stays used. A flag that rests on it stays."),
    ];

    fn derived_schema(registry: &mut Registry) -> Vec<(&'static str, MetaSchemaRef)> {
        Score::register(registry);
        vec![("score", Score::schema_ref())]
    }
}
