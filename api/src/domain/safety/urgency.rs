//! How soon somebody should look at a patient, by their gravest unresolved flag.

use super::Severity;
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};

/// Where a patient stands in the caseload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "Urgency", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// Now.
    Emergency,
    /// Today.
    Urgent,
    /// This week.
    Watch,
    /// For context.
    Info,
    /// Nothing waits.
    None,
    /// Nothing waits, and no dose was given yet.
    New,
}

/// A patient's urgency, by the gravest unresolved flag.
///
/// ```
/// use afterglow::domain::safety::{Severity, Urgency, urgency};
///
/// assert_eq!(urgency(Some(Severity::Watch), false), Urgency::Watch);
/// assert_eq!(urgency(None, true), Urgency::None);
/// assert_eq!(urgency(None, false), Urgency::New);
/// ```
pub fn urgency(gravest: Option<Severity>, has_begun: bool) -> Urgency {
    match gravest {
        Some(Severity::Emergency) => Urgency::Emergency,
        Some(Severity::Urgent) => Urgency::Urgent,
        Some(Severity::Watch) => Urgency::Watch,
        Some(Severity::Info) => Urgency::Info,
        None if has_begun => Urgency::None,
        None => Urgency::New,
    }
}
