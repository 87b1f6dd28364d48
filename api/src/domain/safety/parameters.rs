//! Every number that a rule uses, in one table, with its source and how sure it is. A number that is a proposal must be
//! signed off by a clinical lead.

use super::Rule;
use crate::domain::instruments::Certainty;
use chrono::TimeDelta;

/// The version of the table: it rises whenever a value changes.
pub const VERSION: i16 = 1;

/// One number of a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// The rule.
    pub rule: Rule,
    /// Its name within the rule.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// What it counts.
    pub unit: &'static str,
    /// How sure it is.
    pub certainty: Certainty,
    /// Where it comes from.
    pub source: &'static str,
}

macro_rules! table {
    ($($(#[$doc:meta])* $constant:ident = $rule:ident $name:literal $value:literal $unit:literal $certainty:ident $source:literal;)*) => {
        $($(#[$doc])* pub const $constant: Parameter = Parameter {
            rule: Rule::$rule, name: $name, value: $value, unit: $unit, certainty: Certainty::$certainty, source: $source,
        };)*

        /// The whole table.
        pub const ALL: &[Parameter] = &[$($constant),*];
    };
}

table! {
    /// PHQ-9 item 9 at this answer: urgent.
    SI_01_ANSWER = Si01 "answer" 1.0 "answer" Verified "Simon 2013, 10.1176/appi.ps.201200587: attempts within a year rise from 0.4 % (not at all) to 4 % (nearly every day)";
    /// Forms this close are one flag.
    SI_01_DEBOUNCE_HOURS = Si01 "debounce" 24.0 "hours" Proposal "One flag per form and day";
    /// PHQ-9 item 9 from this answer on: urgent, every form for itself.
    SI_02_ANSWER = Si02 "answer" 2.0 "answer" Verified "VHA hazard ratios 1.75, 2.15 and 2.85 for answers 1, 2 and 3: 10.1176/appi.ps.201500149";
    /// A previous answer from here on makes a skipped item 9 urgent.
    SI_04_PREVIOUS_ANSWER = Si04 "previous-answer" 1.0 "answer" Proposal "A skipped question never hides what was answered before";
    /// Skipped questions this close are one flag.
    SI_04_DEBOUNCE_HOURS = Si04 "debounce" 24.0 "hours" Proposal "One flag per day";
    /// A week of doses, this one included; exactly so long ago is outside.
    HD_02_WEEK_HOURS = Hd02 "week" 168.0 "hours" Proposal "Seven days to the hour";
    /// From this drop of the median on: watch.
    RD_02_WATCH_DROP = Rd02 "watch-drop" 3.0 "points" Proposal "Rapid change of a 0 to 10 mood rating";
    /// From this drop of the median on: urgent, whatever else.
    RD_02_URGENT_DROP = Rd02 "urgent-drop" 5.0 "points" Proposal "Rapid change of a 0 to 10 mood rating";
    /// The recent days, the record's own included.
    RD_02_RECENT_DAYS = Rd02 "recent-days" 3.0 "days" Proposal "Recent against before";
    /// The days before them.
    RD_02_BEFORE_DAYS = Rd02 "before-days" 14.0 "days" Proposal "Recent against before";
    /// So many recent entries are needed.
    RD_02_RECENT_ENTRIES = Rd02 "recent-entries" 2.0 "entries" Proposal "One entry is no course";
    /// So many entries before are needed.
    RD_02_BEFORE_ENTRIES = Rd02 "before-entries" 5.0 "entries" Proposal "A median of fewer says little";
    /// So long after a completed dosing session a drop below urgent is expected variation.
    RD_02_AFTER_SESSION_HOURS = Rd02 "after-session" 72.0 "hours" Seed "KAP practice text, no published source: improvement is not linear, some feel worse after a treatment";
    /// Drops this close are one flag.
    RD_02_DEBOUNCE_HOURS = Rd02 "debounce" 48.0 "hours" Proposal "One flag per fall";
}

/// A length of time from a table value.
pub(super) fn hours(value: f64) -> TimeDelta {
    TimeDelta::seconds(whole(value * 3600.0))
}

/// A whole number from a table value.
#[expect(clippy::cast_possible_truncation, reason = "table values and prescribed hours are small")]
pub(super) fn whole(value: f64) -> i64 {
    value.round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_stands_once_and_names_its_source() {
        for (index, one) in ALL.iter().enumerate() {
            assert!(ALL[..index].iter().all(|other| (other.rule, other.name) != (one.rule, one.name)));
            assert!(!one.source.is_empty() && !one.unit.is_empty());
        }
    }
}
