//! What a rule found, and at which record: codes and numbers, no words.

use super::{Rule, Severity};
use crate::domain::record::Kind;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An earlier answer to the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousAnswer {
    /// When it was given.
    pub at: DateTime<Utc>,
    /// The answer.
    pub answer: u8,
}

/// Why no prescription holds for a dose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prescribed {
    /// The log names none.
    NotNamed,
    /// The log names one that is not this patient's.
    Unknown,
    /// It does not hold on the day of the dose.
    NotActive,
    /// It is for another route.
    OtherRoute,
}

/// What a rule saw. Stored beside the flag; words are made of it when it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Facts {
    /// SI-01, SI-02: an answer to PHQ-9 item 9.
    Answer {
        /// The item.
        item: u8,
        /// The answer.
        answer: u8,
        /// The answers before, newest first, at most three.
        previous: Vec<PreviousAnswer>,
        /// The total of a complete form.
        total: Option<u16>,
    },
    /// SI-04: item 9 was left out.
    Skipped {
        /// The item.
        item: u8,
        /// The nearest answer before.
        previous: Option<PreviousAnswer>,
    },
    /// HD-01: more than prescribed.
    Over {
        /// The dose, mg.
        amount_mg: f64,
        /// The limit, mg.
        limit_mg: f64,
    },
    /// HD-02: too soon, too often, or both.
    Often {
        /// Hours since the dose before, where they are fewer than prescribed.
        hours: Option<f64>,
        /// The fewest hours prescribed.
        min_hours: f64,
        /// Doses within a week, where they are more than prescribed.
        in_week: Option<usize>,
        /// The most that were prescribed.
        max_in_week: u16,
    },
    /// HD-07: no prescription holds for it.
    Unprescribed {
        /// Why.
        prescribed: Prescribed,
        /// The dose, mg.
        amount_mg: f64,
    },
    /// RD-02: mood fell.
    Drop {
        /// The median before.
        before: f64,
        /// The recent median.
        recent: f64,
        /// Hours since a dosing session that softens it.
        after_session_hours: Option<f64>,
    },
}

/// What a rule found at a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The instrument's series, for rules that count by instrument.
    pub instrument: Option<i16>,
    /// How grave it is.
    pub severity: Severity,
    /// The kind of the record.
    pub kind: Kind,
    /// The record.
    pub record: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What the rule saw.
    pub facts: Facts,
}
