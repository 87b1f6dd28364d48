//! `/v1/patients/{patient}/assessments`: filled-in questionnaires, scored by the server. The patient writes; the care team
//! reads and may add one.

use crate::domain::assessments::{AnsweredBy, Assessment};
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for Assessment {
    fn example() -> Self {
        let answers = [1, 2, 1, 2, 0, 1, 1, 0, 0];
        Self {
            occurred_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-14T08:20:00+01:00").unwrap_or_default(),
            time_zone: "Europe/Berlin".into(),
            instrument: "phq-9".into(),
            answers: (1..).zip(answers).map(|(number, answer): (u8, _)| (number.to_string(), Some(answer))).collect(),
            difficulty: Some(1),
            answered_by: AnsweredBy::Patient,
            note: None,
        }
    }
}
