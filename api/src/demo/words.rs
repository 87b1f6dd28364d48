//! What the people of the demo write. Everybody here is invented, and so is every sentence.

use super::chance::Chance;
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

/// Every sentence, by what it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrases {
    pub(super) themes: Vec<String>,
    pub(super) feelings: Vec<String>,
    pub(super) body_areas: Vec<String>,
    pub(super) prompts: Vec<Question>,
    intentions: Vec<String>,
    after_session: Vec<String>,
    after_close: Vec<String>,
    good: Vec<String>,
    middling: Vec<String>,
    low: Vec<String>,
    pub(super) ordinary_titles: Vec<String>,
    pub(super) session_titles: Vec<String>,
    pub(super) mood_notes: Vec<String>,
    pub(super) dose_notes: Vec<String>,
    pub(super) dosing_notes: Vec<String>,
    pub(super) integration_notes: Vec<String>,
    pub(super) resolved: Vec<String>,
    other_languages: HashMap<String, Own>,
}

/// A question of the journal, and what people answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    pub(super) prompt: String,
    pub(super) answers: Vec<String>,
}

/// Sentences of somebody who writes in another language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    good: Vec<String>,
    low: Vec<String>,
    after_session: Vec<String>,
    intentions: Vec<String>,
}

static WORDS: LazyLock<Phrases> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    serde_json::from_str(include_str!("data/words.json")).expect("words.json")
});

/// The words.
pub(super) fn words() -> &'static Phrases {
    &WORDS
}

/// Which sentences fit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tone {
    AfterSession,
    Good,
    Middling,
    Low,
}

impl Phrases {
    fn own(&self, language: &str) -> Option<&Own> {
        self.other_languages.get(language)
    }

    /// A few sentences of a tone.
    pub(super) fn entry(&self, chance: &mut Chance, language: &str, tone: Tone) -> String {
        let (sentences, count) = match (self.own(language), tone) {
            (Some(own), Tone::AfterSession) => (&own.after_session, 2),
            (Some(own), Tone::Good | Tone::Middling) => (&own.good, 2),
            (Some(own), Tone::Low) => (&own.low, 2),
            (None, Tone::AfterSession) => (&self.after_session, 3),
            (None, Tone::Good) => (&self.good, 2),
            (None, Tone::Middling) => (&self.middling, 2),
            (None, Tone::Low) => (&self.low, 2),
        };
        let mut entry = chance.some(sentences, count).join(" ");
        if let (None, Tone::AfterSession, Some(close)) = (self.own(language), tone, chance.pick(&self.after_close)) {
            entry.push_str("\n\n");
            entry.push_str(close);
        }
        entry
    }

    /// What somebody brings.
    pub(super) fn intention(&self, chance: &mut Chance, language: &str) -> String {
        let own = self.own(language).map_or(&self.intentions, |own| &own.intentions);
        chance.pick(own).unwrap_or_default().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_can_be_read_and_none_is_empty() {
        let mut chance = Chance::new(1, 1);
        for language in ["en", "ar", "he", "fa", "ja", "de", "es", "uk", "fr"] {
            for tone in [Tone::AfterSession, Tone::Good, Tone::Middling, Tone::Low] {
                assert!(!words().entry(&mut chance, language, tone).is_empty(), "{language}");
            }
            assert!(!words().intention(&mut chance, language).is_empty());
        }
    }
}
