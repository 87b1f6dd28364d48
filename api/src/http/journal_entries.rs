//! `/v1/patients/{patient}/journal-entries`: the journal. The patient writes; the care team reads what is shared.

use super::resource::{Resource, Tag};
use crate::{
    domain::{
        journal_entries::{JournalEntry, Prompt},
        record::Visibility,
    },
    security::access::{ReadRecords, WriteOwn},
};
use chrono::DateTime;
use poem_openapi::types::Example;

impl Example for JournalEntry {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::parse_from_rfc3339("2026-03-14T16:10:00+01:00").unwrap_or_default().into(),
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

impl Resource for JournalEntry {
    type MayRead = ReadRecords;
    type MayCreate = WriteOwn;
    type MayReplace = WriteOwn;
    const NAME: &'static str = "JournalEntry";
    const STEM: &'static str = "journal_entries";
    const PATH: &'static str = "/patients/:patient/journal-entries";
    const TAG: Tag = Tag::JournalEntries;
    const DOCS: [(&'static str, &'static str); 5] = [
        ("List journal entries", "Newest first, a page at a time. The care team sees what is shared."),
        ("Write a journal entry", "Private unless `visibility` says `shared`. Every word is kept encrypted."),
        ("Read a journal entry", "With its version as ETag."),
        (
            "Write or replace a journal entry",
            "Under an id of the client's own: the way of a phone that was offline. Sharing is replacing it with `shared`; earlier versions stay private.",
        ),
        ("Delete a journal entry", "Leaves a tombstone in `changes`; the id stays used."),
    ];
}
