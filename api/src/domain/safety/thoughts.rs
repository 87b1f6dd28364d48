//! SI-01, SI-02, SI-04: thoughts of being better off dead, by PHQ-9 item 9.
//!
//! Simon 2013 (10.1176/appi.ps.201200587) and the VHA cohort (10.1176/appi.ps.201500149) (V): risk rises with the answer,
//! and 71.6 % of those who died had answered 0. An answer of 0 raises nothing and closes nothing; it never means no risk.

use super::{
    Facts, Finding, PreviousAnswer, Rule,
    parameters::{SI_01_ANSWER, SI_02_ANSWER},
};
use crate::domain::{instruments::PHQ_9_SERIES, record::Kind};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The question about thoughts of being better off dead.
pub const ITEM: u8 = 9;

/// A PHQ-9 as the rules see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The record.
    pub record: Uuid,
    /// When it was filled in.
    pub at: DateTime<Utc>,
    /// The answer to item 9.
    pub answer: Option<u8>,
    /// The total of a complete form.
    pub total: Option<u16>,
}

impl Form {
    /// What stands among the stored bytes of a form where a question has no answer.
    pub const UNANSWERED: [u8; 1] = [0xFF];

    /// The answer to item 9 among the stored bytes of a PHQ-9.
    pub fn answer_of(bytes: &[u8]) -> Option<u8> {
        bytes.get(usize::from(ITEM) - 1).copied().filter(|answer| !Self::UNANSWERED.contains(answer))
    }

    fn previous(&self) -> Option<PreviousAnswer> {
        Some(PreviousAnswer { at: self.at, answer: self.answer? })
    }
}

/// Evaluates a form. `earlier` are the forms before it, newest first.
///
/// ```
/// use afterglow::domain::safety::{Rule, Severity, thoughts::{Form, evaluate}};
/// use chrono::{DateTime, Utc};
/// use uuid::Uuid;
///
/// let form = |answer| Form { record: Uuid::nil(), at: DateTime::<Utc>::default(), answer, total: None };
/// assert_eq!(evaluate(&form(Some(0)), &[]), None);
/// assert_eq!(evaluate(&form(Some(1)), &[]).unwrap().rule, Rule::Si01);
/// assert_eq!(evaluate(&form(Some(2)), &[]).unwrap().rule, Rule::Si02);
/// // Left out: watch, or urgent if the answer before was 1 or more.
/// assert_eq!(evaluate(&form(None), &[form(Some(0))]).unwrap().severity(), Severity::Watch);
/// assert_eq!(evaluate(&form(None), &[form(None), form(Some(1))]).unwrap().severity(), Severity::Urgent);
/// ```
pub fn evaluate(form: &Form, earlier: &[Form]) -> Option<Finding> {
    let mut answers = earlier.iter().filter_map(Form::previous);
    let (rule, facts) = if let Some(answer) = form.answer {
        let rule = match f64::from(answer) {
            grave if grave >= SI_02_ANSWER.value => Rule::Si02,
            some if some >= SI_01_ANSWER.value => Rule::Si01,
            _ => return None,
        };
        (rule, Facts::Answer { item: ITEM, answer, previous: answers.take(3).collect(), total: form.total })
    } else {
        (Rule::Si04, Facts::Skipped { item: ITEM, previous: answers.next() })
    };
    Some(Finding {
        rule,
        instrument: Some(PHQ_9_SERIES),
        kind: Kind::Assessments,
        record: form.record,
        at: form.at,
        facts,
    })
}

/// Evaluates the forms that a change at an instant touches, of the forms around it: the changed form itself, and those
/// after it up to the next answer, whose previous answer it may be.
pub fn evaluate_at(changed: Uuid, at: DateTime<Utc>, mut around: Vec<Form>) -> Vec<Finding> {
    around.sort_by_key(|form| (form.at, form.record));
    let place = |form: &Form| (form.at, form.record);
    let touched_later =
        around.iter().filter(|form| place(form) > (at, changed)).take_while(|form| form.answer.is_none()).copied();
    let itself = around.iter().filter(|form| form.record == changed).copied();
    itself
        .chain(touched_later)
        .filter_map(|form| {
            let earlier: Vec<_> = around.iter().rev().filter(|other| place(other) < place(&form)).copied().collect();
            evaluate(&form, &earlier)
        })
        .collect()
}
