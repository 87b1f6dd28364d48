//! The safety rules: deterministic, versioned, pure functions of what the patient recorded. A rule finds; a flag asks a
//! person to look. Nothing here diagnoses, changes a dose or closes itself.
//!
//! How a write is evaluated: [`windows`] says which records its change can touch and what must be read for it; the rules
//! run at each touched record ([`thoughts`], [`moods`], [`doses`]) and give [`Finding`]s; [`settle`] joins each to a flag or
//! opens one. Doing it again changes nothing: a record counts once in a flag, and no severity is ever lowered. Thoughts and
//! doses are settled before moods, since a flag about thoughts keeps a drop of mood from being softened.

mod clocks;
pub mod doses;
#[cfg(test)]
mod edges;
mod escalation;
mod evidence;
mod flags;
pub mod moods;
pub mod parameters;
pub mod past;
#[cfg(test)]
mod settling;
#[cfg(test)]
mod tests;
pub mod thoughts;
mod urgency;
pub mod windows;
pub mod words;

pub use clocks::acknowledge_by;
pub use escalation::{
    Escalation, EscalationRole, EscalationState, EscalationStep, Next, Notice, Team, TeamMember, escalation,
    nobody_told,
};
pub use evidence::{Facts, Finding, Piece, Prescribed, PreviousAnswer, Since, in_order};
pub use flags::{Done, Flag, Impossible, News, Outcome, Settled, State, is_known, settle};
pub use urgency::{Urgency, urgency};

use chrono::TimeDelta;
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

// The numbers stand in the database: they never change.
/// How grave a finding is, and how soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[oai(rename = "Severity", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Severity {
    /// For context.
    Info = 0,
    /// Within days.
    Watch = 1,
    /// The same day.
    Urgent = 2,
    /// Now.
    Emergency = 3,
}

impl Severity {
    /// From the least to the gravest.
    pub const ALL: [Self; 4] = [Self::Info, Self::Watch, Self::Urgent, Self::Emergency];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The severity of a number from the database.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|severity| severity.code() == code)
    }

    /// Whether the patient who caused it is shown support at once.
    pub fn shows_support(self) -> bool {
        self >= Self::Urgent
    }
}

/// The rules there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Thoughts of being better off dead on several days.
    #[serde(rename = "SI-01")]
    Si01,
    /// Thoughts of being better off dead on more than half the days, or nearly every day.
    #[serde(rename = "SI-02")]
    Si02,
    /// The question about them was left out.
    #[serde(rename = "SI-04")]
    Si04,
    /// A home dose above the prescribed limit.
    #[serde(rename = "HD-01")]
    Hd01,
    /// A home dose too soon, or too many in a week.
    #[serde(rename = "HD-02")]
    Hd02,
    /// A home dose without a prescription that holds for it.
    #[serde(rename = "HD-07")]
    Hd07,
    /// Mood fell quickly.
    #[serde(rename = "RD-02")]
    Rd02,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 7] = [Self::Si01, Self::Si02, Self::Si04, Self::Hd01, Self::Hd02, Self::Hd07, Self::Rd02];

    /// Its id, for looking up.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Si01 => "SI-01",
            Self::Si02 => "SI-02",
            Self::Si04 => "SI-04",
            Self::Hd01 => "HD-01",
            Self::Hd02 => "HD-02",
            Self::Hd07 => "HD-07",
            Self::Rd02 => "RD-02",
        }
    }

    /// The rule of an id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.id() == id)
    }

    /// The version of the rule as it stands here.
    pub const fn version(self) -> i16 {
        1
    }

    /// New evidence this close to a flag's own joins it; `None`: every event counts for itself.
    pub fn debounce(self) -> Option<TimeDelta> {
        let hours = match self {
            Self::Si01 => parameters::SI_01_DEBOUNCE_HOURS.value,
            Self::Si04 => parameters::SI_04_DEBOUNCE_HOURS.value,
            Self::Rd02 => parameters::RD_02_DEBOUNCE_HOURS.value,
            Self::Si02 | Self::Hd01 | Self::Hd02 | Self::Hd07 => return None,
        };
        Some(parameters::hours(hours))
    }

    /// Whether an unresolved flag of this rule keeps a mood drop after a session from being softened (SI, AR, PS).
    pub fn keeps_drops_grave(self) -> bool {
        matches!(self, Self::Si01 | Self::Si02 | Self::Si04)
    }
}
