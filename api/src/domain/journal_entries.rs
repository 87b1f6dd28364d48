//! A journal entry: free text after a session or on any day, with what helps to find words.
//!
//! The most private text there is: it belongs to the patient alone until they share it, and every word of it is
//! sealed. Feelings and body areas are the patient's own words, not a coded finding.

use super::{
    faults::Faults,
    instant::Instant,
    record::{CLOCK_SKEW, Horizon, Kind, Occurrence, Record, Visibility},
};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A question that was put to the patient, and what they wrote.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(deny_unknown_fields)]
pub struct Prompt {
    /// The question, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    pub prompt: String,
    /// The answer, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    pub answer: String,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewJournalEntry", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct JournalEntry {
    /// When it was written, RFC 3339 with an offset; not more than 24 hours ahead.
    pub occurred_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// The text, up to 20,000 characters; may be empty when the rest says it.
    #[oai(validator(max_length = 20000))]
    pub body: String,
    /// A heading, up to 200 characters.
    #[oai(validator(max_length = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The session it looks back on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// Questions and answers, up to 50.
    #[oai(validator(max_items = 50))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompts: Option<Vec<Prompt>>,
    /// Themes in the patient's words, up to 50 of up to 100 characters.
    #[oai(validator(max_items = 50, max_length = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub themes: Option<Vec<String>>,
    /// Feelings in the patient's words, up to 50 of up to 100 characters.
    #[oai(validator(max_items = 50, max_length = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feelings: Option<Vec<String>>,
    /// Where in the body something was felt, up to 50 of up to 100 characters.
    #[oai(validator(max_items = 50, max_length = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_areas: Option<Vec<String>>,
    /// Who beside the patient may read it: nobody, unless it is shared.
    #[oai(default)]
    #[serde(default)]
    pub visibility: Visibility,
}

impl Record for JournalEntry {
    const KIND: Kind = Kind::JournalEntries;
    const SEALED: &'static [&'static str] = &["body", "title", "prompts", "themes", "feelings", "body_areas"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        Occurrence::check("/occurred_at", self.occurred_at, &self.time_zone, CLOCK_SKEW, horizon, faults)
    }

    fn visibility(&self) -> Visibility {
        self.visibility
    }
}
