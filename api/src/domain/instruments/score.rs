//! From answers to a score: one contract for every instrument (PROP).
//!
//! * Items are whole numbers within the item's range; anything else is refused, never stored as a score.
//! * *complete*: total and band. *partial* (few unanswered): no total, an estimate for display only. *invalid*: bounds
//!   alone. An estimate is never used for response, remission, relapse or for closing a flag.
//! * The bounds always hold; rules look at the lower one, so that leaving a question out can never hide risk.
//! * An item that is never imputed (PHQ-9 item 9) makes the form invalid when it is left out.

use super::{Instrument, SymptomCount};
use crate::domain::faults::Faults;
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Answers by item number. An answer that is `null` is the same as none, and is not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Answers(pub BTreeMap<String, i64>);

impl Answers {
    /// The answer to an item, if there is one.
    pub fn get(&self, number: u8) -> Option<i64> {
        self.0.get(&number.to_string()).copied()
    }
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, Option<i64>>::deserialize(deserializer).map(Self::from_iter)
    }
}

impl FromIterator<(String, Option<i64>)> for Answers {
    fn from_iter<I: IntoIterator<Item = (String, Option<i64>)>>(answers: I) -> Self {
        Self(answers.into_iter().filter_map(|(key, answer)| Some((key, answer?))).collect())
    }
}

impl Type for Answers {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "object_answers".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            max_properties: Some(100),
            additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema {
                nullable: true,
                minimum: Some(0.0),
                maximum: Some(100.0),
                ..MetaSchema::new("integer")
            })))),
            ..MetaSchema::new("object")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for Answers {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default())
            .map_err(|_| ParseError::custom("whole numbers by item number"))
    }
}

impl ToJSON for Answers {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

// The numbers stand in the database: they never change.
/// How much of a form can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum ScoreStatus {
    /// Every item is answered.
    Complete = 0,
    /// Few are not: there is an estimate.
    Partial = 1,
    /// Too many, or one that must not be left out.
    Invalid = 2,
}

impl ScoreStatus {
    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

/// What counting symptoms gives. For display, never a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// Too few symptoms, or no core one.
    None,
    /// Two to four, a core one among them.
    OtherDepressiveSyndrome,
    /// Five or more, a core one among them.
    MajorDepressiveSyndrome,
    /// Unanswered items could change it.
    Indeterminate,
}

/// Whether a screen is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Positive {
    /// The answers given suffice.
    Yes,
    /// No answer to the open items could make it so.
    No,
    /// The open items decide.
    Indeterminate,
}

/// What the server makes of the answers.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct Score {
    /// How much of the form can be relied on.
    pub status: ScoreStatus,
    /// The total of a complete form.
    #[oai(nullable)]
    pub total: Option<u16>,
    /// The total a partial form would have at the mean of its answers. For display only.
    #[oai(nullable)]
    pub estimate: Option<u16>,
    /// The lowest and the highest total that the answers leave possible.
    #[oai(validator(min_items = 2, max_items = 2))]
    pub bounds: Vec<u16>,
    /// The band of the total.
    #[oai(nullable)]
    pub band: Option<String>,
    /// The band of the lower bound: it is at least this one.
    #[oai(nullable)]
    pub band_of_lower_bound: Option<String>,
    /// The items without an answer.
    pub missing: Vec<String>,
    /// What counting symptoms gives, where the instrument has such a count.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<Algorithm>,
    /// Whether a screen is positive, where the instrument is one.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub positive: Option<Positive>,
    /// Sums over some of the items, where all of them have an answer.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscales: Option<BTreeMap<String, u16>>,
}

/// The faults that answers have: keys that are no item, values that are no answer.
fn check(instrument: &Instrument, answers: &Answers) -> Result<(), Faults> {
    let mut faults = Faults::default();
    for (key, answer) in &answers.0 {
        let item = instrument.items.iter().find(|item| item.number.to_string() == *key);
        match item {
            None => faults.add(pointer(key), format!("an item number of {}", instrument.code)),
            Some(item) if !item.options.iter().any(|option| i64::from(option.value) == *answer) => {
                let (low, high) = Instrument::range(item);
                faults.add(pointer(key), format!("a whole number from {low} to {high}"));
            }
            Some(_) => {}
        }
    }
    faults.none()
}

/// The pointer to an answer; of an endless key only to the answers.
fn pointer(key: &str) -> String {
    if key.len() > 40 {
        return "/answers".into();
    }
    format!("/answers/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Scores answers, or says what is wrong with them.
///
/// ```
/// use afterglow::domain::instruments::{self, Answers, ScoreStatus, score};
///
/// let phq_9 = instruments::find("phq-9").unwrap();
/// let answers = |given: [Option<i64>; 9]| -> Answers {
///     (1..).zip(given).map(|(number, answer): (u8, _)| (number.to_string(), answer)).collect()
/// };
/// // One item without an answer: 13 × 9 / 8 = 14.6, so 15; the total lies between 13 and 16.
/// let partial = score(phq_9, &answers([Some(2), Some(2), Some(2), None, Some(2), Some(2), Some(2), Some(1), Some(0)])).unwrap();
/// assert_eq!(partial.status, ScoreStatus::Partial);
/// assert_eq!((partial.total, partial.estimate), (None, Some(15)));
/// assert_eq!(partial.bounds, [13, 16]);
/// // A tenth answer is no answer.
/// let ten: Answers = [("10".to_owned(), Some(0))].into_iter().collect();
/// assert_eq!(score(phq_9, &ten).unwrap_err().0[0].pointer, "/answers/10");
/// ```
pub fn score(instrument: &Instrument, answers: &Answers) -> Result<Score, Faults> {
    check(instrument, answers)?;
    let missing: Vec<_> = instrument.items.iter().filter(|item| answers.get(item.number).is_none()).collect();
    let sum = sum(answers, instrument.items.iter().map(|item| item.number)).0;
    let (lowest, highest) = missing
        .iter()
        .map(|item| Instrument::range(item))
        .fold((0, 0), |(low, high), (min, max)| (low + min, high + max));
    let rule = &instrument.scoring.missing;
    let status = if missing.is_empty() {
        ScoreStatus::Complete
    } else if missing.len() <= rule.allowed && !missing.iter().any(|item| rule.never.contains(&item.number)) {
        ScoreStatus::Partial
    } else {
        ScoreStatus::Invalid
    };
    let bounds = [sum + lowest, sum + highest];
    let total = (status == ScoreStatus::Complete).then_some(sum);
    let answered = instrument.items.len() - missing.len();
    Ok(Score {
        status,
        total,
        estimate: (status == ScoreStatus::Partial).then(|| prorated(sum, instrument.items.len(), answered)).flatten(),
        bounds: bounds.to_vec(),
        band: total.and_then(|total| instrument.band(total)).map(str::to_owned),
        band_of_lower_bound: instrument.band(bounds[0]).map(str::to_owned),
        missing: missing.iter().map(|item| item.number.to_string()).collect(),
        algorithm: instrument
            .scoring
            .algorithm
            .as_ref()
            .map(|count| algorithm(count, instrument, answers, missing.is_empty())),
        positive: instrument.scoring.positive_from.map(|from| positive(from, bounds)),
        subscales: subscales(instrument, answers),
    })
}

/// The sum of some answers, and whether all of them were given.
fn sum(answers: &Answers, items: impl Iterator<Item = u8>) -> (u16, bool) {
    items.fold((0, true), |(sum, all), number| {
        match answers.get(number).and_then(|answer| u16::try_from(answer).ok()) {
            Some(answer) => (sum + answer, all),
            None => (sum, false),
        }
    })
}

/// `floor(mean · items + 0.5)`, in whole numbers.
fn prorated(sum: u16, items: usize, answered: usize) -> Option<u16> {
    let doubled = 2 * usize::from(sum) * items + answered;
    u16::try_from(doubled.checked_div(2 * answered)?).ok()
}

/// An incomplete form has a result only where the answers given suffice for the gravest.
fn algorithm(count: &SymptomCount, instrument: &Instrument, answers: &Answers, complete: bool) -> Algorithm {
    let counts = |number: &u8| {
        let from = if count.counts_from_one.contains(number) { 1 } else { count.counts_from };
        answers.get(*number).is_some_and(|answer| answer >= i64::from(from))
    };
    let symptoms = instrument.items.iter().filter(|item| counts(&item.number)).count();
    let core = count.core.iter().any(counts);
    if core && symptoms >= count.major_from {
        Algorithm::MajorDepressiveSyndrome
    } else if !complete {
        Algorithm::Indeterminate
    } else if core && symptoms >= count.other_from {
        Algorithm::OtherDepressiveSyndrome
    } else {
        Algorithm::None
    }
}

fn positive(from: u16, bounds: [u16; 2]) -> Positive {
    match bounds {
        [low, _] if low >= from => Positive::Yes,
        [_, high] if high < from => Positive::No,
        _ => Positive::Indeterminate,
    }
}

fn subscales(instrument: &Instrument, answers: &Answers) -> Option<BTreeMap<String, u16>> {
    let sums = instrument.scoring.subscales.iter().filter_map(|subscale| {
        let (sum, all) = sum(answers, subscale.items.iter().copied());
        all.then(|| (subscale.code.clone(), sum))
    });
    let sums: BTreeMap<_, _> = sums.collect();
    (!sums.is_empty()).then_some(sums)
}
