//! Questionnaires as data: wording, codes, answers, bands, missing rule and licence of each stand in one JSON file
//! beside this one, with the source and certainty of every fact. A new instrument is a new file.
//!
//! A score is a screening result. It is no diagnosis, and a low one does not mean that nobody has to look.

mod score;
#[cfg(test)]
mod vectors;

pub use score::{Algorithm, Answers, Positive, Score, ScoreStatus, score};

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// One of the answers that can be given.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(deny_unknown_fields)]
pub struct AnswerOption {
    /// The number that is sent and counted.
    pub value: u8,
    /// Its wording, where the licence lets it ship.
    pub text: Option<String>,
    /// Its LOINC answer code.
    pub loinc: Option<String>,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its number; the key in `answers` is this number as a string.
    pub number: u8,
    /// Its wording, where the licence lets it ship.
    pub text: Option<String>,
    /// Its LOINC code.
    pub loinc: Option<String>,
    /// What can be answered.
    #[serde(default)]
    pub options: Vec<AnswerOption>,
}

/// A question that goes along and is not scored.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// The member of an assessment that takes the answer.
    pub field: String,
    /// Its wording.
    pub text: Option<String>,
    /// Its LOINC code.
    pub loinc: Option<String>,
    /// What can be answered.
    pub options: Vec<AnswerOption>,
}

/// LOINC codes of the whole.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loinc {
    /// The panel.
    pub panel: String,
    /// The total; its unit is `{score}` in UCUM.
    pub total: String,
}

/// What the licence allows.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Its words.
    pub text: String,
    /// Whether the wording of the items comes along.
    pub wording_shipped: bool,
}

/// A range of totals with a name.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Its code, as in `score.band`.
    pub code: String,
    /// Its name in plain words.
    pub title: String,
    /// The lowest total in it.
    pub from: u16,
    /// The highest total in it.
    pub to: u16,
}

/// How unanswered items are dealt with.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// So many unanswered items still make a partial form with an estimate.
    pub allowed: usize,
    /// Items that are never estimated: without one of them the form is invalid.
    pub never: Vec<u8>,
}

/// Counting symptoms instead of adding numbers. For display only, never a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SymptomCount {
    /// At least one of these must count.
    pub core: Vec<u8>,
    /// A symptom counts from this answer.
    pub counts_from: u8,
    /// These count from an answer of 1.
    pub counts_from_one: Vec<u8>,
    /// So many symptoms: major depressive syndrome.
    pub major_from: usize,
    /// So many symptoms: other depressive syndrome.
    pub other_from: usize,
}

/// A sum over some of the items.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscale {
    /// Its code, a member of `score.subscales`.
    pub code: String,
    /// Its items.
    pub items: Vec<u8>,
}

/// How answers become a score.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(deny_unknown_fields)]
pub struct Scoring {
    /// How the numbers are put together: `sum`.
    pub method: String,
    /// The lowest total there is.
    pub minimum: u16,
    /// The highest total there is.
    pub maximum: u16,
    /// The rule for unanswered items.
    pub missing: Missing,
    /// Ranges with names; together they cover every total once.
    pub bands: Vec<Band>,
    /// Counting symptoms.
    pub algorithm: Option<SymptomCount>,
    /// From this total on the screen is positive.
    pub positive_from: Option<u16>,
    /// Sums over some of the items.
    pub subscales: Vec<Subscale>,
}

/// How sure a fact is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// Read in the source that is named.
    Verified,
    /// From practice text of ketamine-assisted psychotherapy, without a published source.
    Seed,
    /// General knowledge that nobody has checked here: a clinician must confirm it.
    GeneralKnowledge,
    /// Computed from named inputs.
    Calculated,
    /// Proposed by this product: a clinical lead must sign it off.
    Proposal,
}

/// Where a fact comes from.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Which fact.
    pub what: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// The citation.
    pub source: String,
}

/// The definition of a questionnaire.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Instrument {
    /// Its code: `phq-9`.
    pub code: String,
    /// The number of its series among the measurements; never changes.
    #[oai(skip)]
    pub series: i16,
    /// The version of this definition.
    pub version: String,
    /// The language of its wording, BCP 47.
    pub language: String,
    /// Its name.
    pub title: String,
    /// Whose it is.
    pub copyright: String,
    /// What the licence allows.
    pub licence: Licence,
    /// LOINC codes of the whole.
    pub loinc: Loinc,
    /// The time that the questions ask about.
    pub recall: String,
    /// The sentence before the items.
    pub stem: Option<String>,
    /// The questions.
    pub items: Vec<Item>,
    /// A question that goes along and is not scored.
    pub follow_up: Option<FollowUp>,
    /// How answers become a score.
    pub scoring: Scoring,
    /// Whether it can be answered here.
    pub enabled: bool,
    /// Where each fact comes from.
    pub sources: Vec<Source>,
}

impl Instrument {
    /// The lowest and the highest answer to an item.
    fn range(item: &Item) -> (u16, u16) {
        let values = || item.options.iter().map(|option| u16::from(option.value));
        (values().min().unwrap_or(0), values().max().unwrap_or(0))
    }

    /// The code of the band that a total lies in.
    ///
    /// ```
    /// use afterglow::domain::instruments;
    ///
    /// let phq_9 = instruments::find("phq-9").unwrap();
    /// assert_eq!(phq_9.band(14), Some("moderate"));
    /// assert_eq!(phq_9.band(15), Some("moderately-severe"));
    /// ```
    pub fn band(&self, total: u16) -> Option<&str> {
        self.scoring.bands.iter().find(|band| (band.from..=band.to).contains(&total)).map(|band| band.code.as_str())
    }
}

/// A definition as its file states it: answers that all items share stand there once.
#[derive(Deserialize)]
struct File {
    options: Vec<AnswerOption>,
    #[serde(flatten)]
    instrument: Instrument,
}

const FILES: [&str; 3] = [include_str!("phq_9.json"), include_str!("phq_2.json"), include_str!("gad_7.json")];

fn parse(text: &str) -> Result<Instrument, serde_json::Error> {
    let File { options, mut instrument } = serde_json::from_str(text)?;
    for item in &mut instrument.items {
        if item.options.is_empty() {
            item.options.clone_from(&options);
        }
    }
    Ok(instrument)
}

// Every file parses: a test says so, since a file that does not would be left out here without a word.
static ALL: LazyLock<Vec<Instrument>> = LazyLock::new(|| FILES.iter().filter_map(|text| parse(text).ok()).collect());

/// Every instrument, in a fixed order.
pub fn all() -> &'static [Instrument] {
    &ALL
}

/// The instrument of a code.
pub fn find(code: &str) -> Option<&'static Instrument> {
    all().iter().find(|instrument| instrument.code == code)
}

/// The instrument of a series.
pub fn of_series(series: i16) -> Option<&'static Instrument> {
    all().iter().find(|instrument| instrument.series == series)
}

/// The series of PHQ-9 totals.
pub const PHQ_9_SERIES: i16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_parses() {
        for text in FILES {
            parse(text).unwrap();
        }
        assert_eq!(find("phq-9").unwrap().series, PHQ_9_SERIES);
    }

    #[test]
    fn bands_cover_every_total_once() {
        for Instrument { code, items, scoring, .. } in all() {
            let highest: u16 = items.iter().map(|item| Instrument::range(item).1).sum();
            assert_eq!((scoring.minimum, scoring.maximum), (0, highest), "{code}");
            for total in 0..=highest {
                let holding = scoring.bands.iter().filter(|band| (band.from..=band.to).contains(&total));
                assert_eq!(holding.count(), 1, "{code} {total}");
            }
        }
    }

    #[test]
    fn a_fifth_of_seven_or_more_items_may_be_missing() {
        for Instrument { code, items, scoring, .. } in all() {
            let allowed = if items.len() >= 7 { items.len() / 5 } else { 0 };
            assert_eq!(scoring.missing.allowed, allowed, "{code}");
        }
    }

    #[test]
    fn codes_series_and_item_numbers_are_unique_and_in_order() {
        for (index, instrument) in all().iter().enumerate() {
            assert!(all()[..index].iter().all(|other| other.code != instrument.code));
            assert!(all()[..index].iter().all(|other| other.series != instrument.series));
            let numbers = instrument.items.iter().map(|item| usize::from(item.number));
            assert!(numbers.eq(1..=instrument.items.len()), "{}", instrument.code);
        }
    }

    #[test]
    fn every_fact_names_its_source() {
        for instrument in all() {
            assert!(!instrument.copyright.is_empty() && !instrument.sources.is_empty());
            assert!(instrument.sources.iter().all(|source| !source.source.is_empty()));
        }
    }
}
