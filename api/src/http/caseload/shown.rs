//! The caseload as it is answered.

use crate::{
    domain::{
        caseload::DAYS,
        instant::Instant,
        numbers,
        safety::{EscalationRole, Severity, Urgency},
        standing::Status,
    },
    http::{flags::Actor, raw::Raw},
};
use chrono::NaiveDate;
use poem_openapi::{
    ApiResponse, Object,
    payload::Json,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Serialize, Serializer, ser::SerializeSeq};
use serde_json::Value;
use std::borrow::Cow;
use uuid::Uuid;

/// Who it is.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadPatient", skip_serializing_if_is_none)]
pub struct Patient {
    /// Their id.
    pub id: Uuid,
    /// How they are called.
    pub display_name: String,
    /// The name in Latin letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_latin: Option<String>,
    /// The language of the name, BCP 47.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// How they are spoken of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pronouns: Option<String>,
    /// Their telephone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Why somebody stands where they stand.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadReason")]
pub struct Reason {
    /// One line that stands alone.
    pub text: String,
    /// What it rests on.
    pub evidence: String,
}

/// Where somebody stands on the PHQ-9.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadPhq9")]
pub struct Phq9 {
    /// The latest complete total.
    #[oai(nullable)]
    pub latest: Option<i64>,
    /// When that was.
    #[oai(nullable)]
    pub latest_at: Option<Instant>,
    /// Whether it can be called the current score: it is not older than 28 days.
    pub current: bool,
    /// How many days old it is, once that is too old to speak of now.
    #[oai(nullable)]
    pub stale_days: Option<u32>,
    /// The total at the baseline: of the last complete form not later than the first dosing session and at most 21 days before
    /// it; else of the first complete one there is.
    #[oai(nullable)]
    pub baseline: Option<i64>,
    /// When that was.
    #[oai(nullable)]
    pub baseline_at: Option<Instant>,
    /// Whether the baseline was taken after the first dosing session, so that what the session did may be in it already.
    pub late_baseline: bool,
    /// The lowest since the baseline.
    #[oai(nullable)]
    pub best: Option<i64>,
    /// When that was.
    #[oai(nullable)]
    pub best_at: Option<Instant>,
    /// What can be said of it; null where it takes more than these numbers.
    #[oai(nullable)]
    pub status: Option<Status>,
    /// The newest answer to question 9, thoughts of being better off dead, of whatever form: complete or not.
    #[oai(nullable)]
    pub item_9: Option<Item9>,
}

/// An answer to question 9 of a PHQ-9. 0 never means that there is no risk.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadItem9")]
pub struct Item9 {
    /// The answer, 0 to 3.
    pub answer: u8,
    /// When it was given, in the patient's zone.
    pub occurred_at: Instant,
}

/// How many unresolved flags there are.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadFlags")]
pub struct OpenFlags {
    /// Emergencies.
    pub emergency: u32,
    /// Urgent ones.
    pub urgent: u32,
    /// For this week.
    pub watch: u32,
    /// For context.
    pub info: u32,
}

/// Who is told next if nobody takes the flag on.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadNext")]
pub struct Next {
    /// When.
    pub at: Instant,
    /// The member.
    pub member_id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are to the patient.
    pub role: EscalationRole,
}

/// A flag that nobody has taken on.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadWaiting")]
pub struct Waiting {
    /// The flag.
    pub flag_id: Uuid,
    /// How grave it is.
    pub severity: Severity,
    /// What was found, in one line.
    pub title: String,
    /// Until when somebody should take it on.
    #[oai(nullable)]
    pub acknowledge_by: Option<Instant>,
    /// Whether the messages about it since it last began to wait have reached nobody, and nobody is left on the care team to
    /// whom one could go at once: only whoever looks knows of it.
    pub nobody_told: bool,
}

/// The moods of 60 days.
#[derive(Debug, Clone, PartialEq)]
pub struct MoodDays(pub Vec<Option<f64>>);

impl Type for MoodDays {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "mood_days".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mood = MetaSchema { nullable: true, ..MetaSchema::new_with_format("number", "double") };
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            items: Some(Box::new(MetaSchemaRef::Inline(Box::new(mood)))),
            min_items: Some(DAYS),
            max_items: Some(DAYS),
            ..MetaSchema::new("array")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for MoodDays {
    fn to_json(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}

/// A whole mean as a whole number.
impl Serialize for MoodDays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut days = serializer.serialize_seq(Some(self.0.len()))?;
        for mood in &self.0 {
            match mood.map(|mood| (mood, numbers::whole(mood))) {
                Some((_, Some(whole))) => days.serialize_element(&whole)?,
                Some((mood, None)) => days.serialize_element(&mood)?,
                None => days.serialize_element(&None::<f64>)?,
            }
        }
        days.end()
    }
}

impl ParseFromJSON for MoodDays {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map(Self).map_err(|_| ParseError::custom("60 moods"))
    }
}

/// One patient of the caseload.
#[derive(Debug, Clone, Object, Serialize)]
#[oai(rename = "CaseloadItem", example)]
pub struct Item {
    /// Who.
    pub patient: Patient,
    /// How soon somebody should look.
    pub urgency: Urgency,
    /// Why, the gravest first; each title once, with the gravest evidence that has it.
    pub reasons: Vec<Reason>,
    /// The newest mood.
    #[oai(nullable)]
    pub last_mood: Option<i64>,
    /// The mean of the last seven days.
    #[oai(nullable)]
    pub mood_mean_7d: Option<f64>,
    /// The mean of the seven days before.
    #[oai(nullable)]
    pub mood_mean_previous_7d: Option<f64>,
    /// The mean mood of each of 60 days, the last one today in the patient's zone; null where nothing was entered.
    pub mood_60d: MoodDays,
    /// Days with a completed dosing session, as indexes into `mood_60d`.
    pub dosing_days: Vec<usize>,
    /// Where they stand on the PHQ-9.
    pub phq9: Phq9,
    /// Unresolved flags by severity.
    pub open_flags: OpenFlags,
    /// The first flag that nobody has taken on.
    #[oai(nullable)]
    pub waiting: Option<Waiting>,
    /// The flag that comes first.
    #[oai(nullable)]
    pub flag_id: Option<Uuid>,
    /// Until when somebody should take it on.
    #[oai(nullable)]
    pub acknowledge_by: Option<Instant>,
    /// When somebody took it on.
    #[oai(nullable)]
    pub acknowledged_at: Option<Instant>,
    /// Who.
    #[oai(nullable)]
    pub acknowledged_by: Option<Actor>,
    /// Who is told next.
    #[oai(nullable)]
    pub next_in_escalation: Option<Next>,
    /// When the newest record happened that they wrote themselves: a mood, a journal entry that is shared, a form, a dose.
    #[oai(nullable)]
    pub last_check_in_at: Option<Instant>,
    /// For how many days they have been silent since, if they are; null where they are not, or never began.
    #[oai(nullable)]
    pub silent_days: Option<u32>,
    /// The next approved booster.
    #[oai(nullable)]
    pub next_booster_on: Option<NaiveDate>,
}

/// One page, most urgent first.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "CaseloadPage", example)]
pub struct CaseloadPage {
    /// The patients.
    pub items: Vec<Item>,
    /// Where the next page begins; null on the last one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

/// The answer.
#[derive(ApiResponse)]
pub enum Page {
    /// One page, most urgent first.
    #[oai(status = 200)]
    Page(Raw<CaseloadPage>),
}

/// The answer about one patient.
#[derive(ApiResponse)]
pub enum One {
    /// The patient's row.
    #[oai(status = 200)]
    Row(Json<Item>),
}
