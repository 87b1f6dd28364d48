//! What a patient is shown at once: crisis lines of their country, and a few sentences made of codes when they are read.
//!
//! The lines are data with sources; a country without an entry gets the international one. No text promises to watch.

use super::{
    instruments::Source,
    safety::{Rule, Severity},
};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Somewhere to turn to.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize, Deserialize)]
#[oai(skip_serializing_if_is_none)]
#[serde(deny_unknown_fields)]
pub struct SupportResource {
    /// Its name.
    pub name: String,
    /// What to call.
    pub phone: Option<String>,
    /// Where to text.
    pub text: Option<String>,
    /// Its page.
    pub url: Option<String>,
    /// When it answers.
    pub hours: Option<String>,
    /// In which languages, BCP 47.
    pub languages: Option<Vec<String>>,
}

/// The first line to turn to, as sentences name it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Crisis {
    name: String,
    call: Option<String>,
    text: Option<String>,
}

/// The crisis lines of a country.
#[derive(Debug, Clone, Default, PartialEq, Eq, Object, Deserialize)]
#[oai(example)]
#[serde(deny_unknown_fields)]
pub struct SupportResources {
    /// ISO 3166-1 alpha-2, or `international` where the country has no entry of its own.
    pub country: String,
    /// The number for an emergency.
    pub emergency_number: String,
    /// Crisis lines, the first to turn to first.
    pub resources: Vec<SupportResource>,
    #[oai(skip)]
    crisis: Option<Crisis>,
    #[oai(skip)]
    sources: Vec<Source>,
}

/// What a reply carries when a write raised a grave flag.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize)]
#[oai(skip_serializing_if_is_none)]
pub struct Support {
    /// What to do now, in a few sentences.
    pub message: String,
    /// Crisis lines of the patient's country.
    pub resources: Vec<SupportResource>,
    /// The patient's own safety plan, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_plan_id: Option<uuid::Uuid>,
}

#[derive(Deserialize)]
struct File {
    entries: Vec<SupportResources>,
}

const FILE: &str = include_str!("support_resources.json");

// The file parses: a test says so.
static ALL: LazyLock<Vec<SupportResources>> =
    LazyLock::new(|| serde_json::from_str::<File>(FILE).map(|file| file.entries).unwrap_or_default());

/// The entry of a country, else the international one, which stands last.
///
/// ```
/// use afterglow::domain::support::resources;
///
/// assert_eq!(resources("us").unwrap().emergency_number, "911");
/// assert_eq!(resources("DE").unwrap().country, "international");
/// ```
pub fn resources(country: &str) -> Option<&'static SupportResources> {
    let own = ALL.iter().find(|entry| entry.country.eq_ignore_ascii_case(country));
    own.or_else(|| ALL.last())
}

/// What a patient is told; the order is that of precedence among equally grave ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Text {
    CheckIn,
    Dose,
    Ask,
    Crisis,
}

impl Text {
    fn of(rule: Rule) -> Self {
        match rule {
            Rule::Si01 | Rule::Si02 => Self::Crisis,
            Rule::Si04 => Self::Ask,
            Rule::Hd01 | Rule::Hd02 | Rule::Hd07 => Self::Dose,
            Rule::Rd02 => Self::CheckIn,
        }
    }
}

/// The sentences for what a write raised: those of the gravest flag. Watch and info give none.
///
/// ```
/// use afterglow::domain::{safety::{Rule, Severity}, support::support};
///
/// let shown = support([(Rule::Hd01, Severity::Urgent), (Rule::Si01, Severity::Urgent)], "US").unwrap();
/// assert!(shown.message.contains("call 988 or text 988"));
/// assert_eq!(support([(Rule::Rd02, Severity::Watch)], "US"), None);
/// ```
pub fn support(raised: impl IntoIterator<Item = (Rule, Severity)>, country: &str) -> Option<Support> {
    let grave = raised.into_iter().filter(|(_, severity)| severity.shows_support());
    let (_, text) = grave.map(|(rule, severity)| (severity, Text::of(rule))).max()?;
    let lines = resources(country)?;
    Some(Support { message: message(text, lines), resources: lines.resources.clone(), safety_plan_id: None })
}

/// T-CRISIS, T-ASK, T-DOSE, T-CHECKIN.
fn message(text: Text, lines: &SupportResources) -> String {
    let emergency = &lines.emergency_number;
    let crisis = lines.crisis.as_ref();
    let name = crisis.map_or("a crisis line near you", |crisis| crisis.name.as_str());
    let call = crisis.and_then(|crisis| crisis.call.as_deref());
    let texting = crisis.and_then(|crisis| crisis.text.as_deref());
    match text {
        Text::Crisis => {
            let reach = match (call, texting) {
                (Some(call), Some(texting)) => format!("{name}, call {call} or text {texting}"),
                (Some(call), None) => format!("{name}, call {call}"),
                _ => name.to_owned(),
            };
            format!(
                "It sounds like you might be thinking about suicide or hurting yourself. Please reach someone now: {reach}. \
                 If you are in danger right now, call {emergency} or go to the nearest emergency department. Your care \
                 team can see your answer and normally replies within 4 hours while the clinic is open, otherwise the next \
                 morning. This app is not watched live, so please don't wait for a reply if you need help."
            )
        }
        Text::Ask => format!(
            "You skipped the question about thoughts of being better off dead. You can answer it now, or talk to someone at \
             {}. If you are in danger right now, call {emergency}. This app is not watched live.",
            with_number(name, call)
        ),
        // Nothing tells the prescriber of it by itself: the patient is asked to call, and waits for nobody.
        Text::Dose => format!(
            "Please don't take any more ketamine until you have talked with your clinic. Tell them what happened — being \
             honest helps them look after you. If you feel very unwell, or somebody cannot wake you, call {emergency}. This \
             app is not watched live."
        ),
        Text::CheckIn => format!(
            "Thank you for telling us. Your care team can see this. If it gets heavier, you can reach {}. This app is not \
             watched live.",
            with_number(name, call)
        ),
    }
}

fn with_number(name: &str, call: Option<&str>) -> String {
    call.map_or_else(|| name.to_owned(), |call| format!("{name}: {call}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_parses_and_ends_with_the_international_entry() {
        let file: File = serde_json::from_str(FILE).unwrap();
        assert_eq!(file.entries.last().unwrap().country, "international");
        for entry in file.entries {
            assert!(!entry.resources.is_empty() && !entry.sources.is_empty() && entry.crisis.is_some());
        }
    }

    #[test]
    fn no_text_promises_anything_or_blames_anybody() {
        let never =
            ["fail", "complian", "abuse", "you are safe", "at no risk", "all clear", "we monitor", "detect", "!"];
        for country in ["US", "CA", "DE"] {
            for rule in Rule::ALL {
                let shown = support([(rule, Severity::Urgent)], country).unwrap();
                assert!(shown.message.contains("not watched live"), "{}", shown.message);
                let emergency = &resources(country).unwrap().emergency_number;
                assert!(
                    shown.message.contains(&format!("call {emergency}")) || rule == Rule::Rd02,
                    "{}",
                    shown.message
                );
                assert!(!shown.message.contains("hear from"), "nobody is told by itself: {}", shown.message);
                assert!(never.iter().all(|word| !shown.message.to_lowercase().contains(word)), "{}", shown.message);
                assert!(country != "DE" || !shown.message.contains("988"), "{}", shown.message);
            }
        }
    }
}
