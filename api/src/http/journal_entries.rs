//! `/v1/patients/{patient}/journal-entries`: the journal. The patient writes; the care team reads what is shared.

use crate::domain::{
    journal_entries::{JournalEntry, Prompt},
    record::Visibility,
};
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for JournalEntry {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-14T16:10:00+01:00").unwrap_or_default(),
            time_zone: "Europe/Berlin".into(),
            body: "I was a river for a while. Then my grandmother's kitchen, and nobody was in a hurry.".into(),
            title: Some("River".into()),
            session_id: None,
            prompts: Some(vec![Prompt {
                prompt: "What would you like to remember tomorrow?".into(),
                answer: "That I can sit down.".into(),
            }]),
            themes: Some(vec!["family".into(), "water".into()]),
            feelings: Some(vec!["calm".into()]),
            body_areas: Some(vec!["chest".into()]),
            visibility: Visibility::Private,
        }
    }
}
