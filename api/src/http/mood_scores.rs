//! `/v1/patients/{patient}/mood-scores`: quick check-ins. The patient writes; the care team reads.

use crate::domain::mood_scores::MoodScore;
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for MoodScore {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-14T08:05:00+01:00").unwrap_or_default(),
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
