//! What a rule found, and at which record: codes and numbers, no words.

use super::{
    Rule, Severity,
    parameters::{RD_02_URGENT_DROP, SI_04_PREVIOUS_ANSWER},
};
use crate::domain::record::Kind;
use chrono::{DateTime, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
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

impl Facts {
    /// How grave it is: it follows from what was seen, and from nothing else.
    pub fn severity(&self) -> Severity {
        match self {
            Self::Answer { .. } | Self::Over { .. } | Self::Often { .. } | Self::Unprescribed { .. } => {
                Severity::Urgent
            }
            Self::Skipped { previous, .. } => {
                let grave = previous.is_some_and(|before| f64::from(before.answer) >= SI_04_PREVIOUS_ANSWER.value);
                if grave { Severity::Urgent } else { Severity::Watch }
            }
            Self::Drop { before, recent, .. } if before - recent >= RD_02_URGENT_DROP.value => Severity::Urgent,
            Self::Drop { after_session_hours: Some(_), .. } => Severity::Info,
            Self::Drop { after_session_hours: None, .. } => Severity::Watch,
        }
    }

    /// How grave it is beside another finding of the same rule: by severity, then by how far the numbers lie beyond what is
    /// looked for. Of home doses too many weigh more than too soon.
    pub fn weigh(&self, other: &Self) -> Ordering {
        let numbers = |facts: &Self| match facts {
            Self::Answer { answer, .. } => [f64::from(*answer), 0.0],
            Self::Skipped { previous, .. } => [previous.map_or(0.0, |before| f64::from(before.answer)), 0.0],
            Self::Over { amount_mg, limit_mg } => [amount_mg - limit_mg, 0.0],
            Self::Often { hours, min_hours, in_week, max_in_week } => {
                let many = in_week.and_then(|count| u32::try_from(count).ok());
                [
                    many.map_or(0.0, |count| f64::from(count) - f64::from(*max_in_week)),
                    hours.map_or(0.0, |hours| min_hours - hours),
                ]
            }
            Self::Unprescribed { amount_mg, .. } => [*amount_mg, 0.0],
            Self::Drop { before, recent, .. } => [before - recent, 0.0],
        };
        let ([first, second], [other_first, other_second]) = (numbers(self), numbers(other));
        let severity = self.severity().cmp(&other.severity());
        severity.then(first.total_cmp(&other_first)).then(second.total_cmp(&other_second))
    }
}

/// A record that a flag rests on: what was seen in it, and when it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What the rule saw.
    pub facts: Facts,
}

/// What became of a record after it was seen: a flag keeps what was said once, and says that it no longer stands so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename = "FlagEvidenceSince", rename_all = "kebab-case")]
pub enum Since {
    /// The patient corrected it, to something less grave.
    Corrected,
    /// It was deleted.
    Deleted,
}

/// What a rule found at a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The instrument's series, for rules that count by instrument.
    pub instrument: Option<i16>,
    /// The kind of the record.
    pub kind: Kind,
    /// The record.
    pub record: Uuid,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What the rule saw.
    pub facts: Facts,
}

impl Finding {
    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.facts.severity()
    }

    /// What it is as evidence.
    pub fn piece(&self) -> Piece {
        Piece { at: self.at, facts: self.facts.clone() }
    }
}

/// Findings in order of time, each record once for a rule.
pub fn in_order(mut found: Vec<Finding>) -> Vec<Finding> {
    found.sort_by_key(|finding| (finding.rule, finding.at, finding.record));
    found.dedup_by_key(|finding| (finding.rule, finding.record));
    found
}
