//! What every record of a patient has in common, whatever it records.

use super::{faults::Faults, instant::Instant};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use poem_openapi::Enum;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

// The numbers stand in the database: they never change.
/// The twelve kinds of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Kind {
    /// What the patient brings to a session or to the treatment.
    Intentions = 1,
    /// Treatment sessions.
    Sessions = 2,
    /// Free text of any day.
    JournalEntries = 3,
    /// Quick check-ins.
    MoodScores = 4,
    /// Filled-in questionnaires.
    Assessments = 5,
    /// The limits of home dosing.
    Prescriptions = 6,
    /// The gate before a home dose.
    DoseChecks = 7,
    /// Logs of home doses.
    HomeDoses = 8,
    /// What the patient chose to do between sessions.
    Practices = 9,
    /// Logs of practices.
    PracticeLogs = 10,
    /// Decisions on consent.
    Consents = 11,
    /// The Stanley–Brown plan.
    SafetyPlan = 12,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 12] = [
        Self::Intentions,
        Self::Sessions,
        Self::JournalEntries,
        Self::MoodScores,
        Self::Assessments,
        Self::Prescriptions,
        Self::DoseChecks,
        Self::HomeDoses,
        Self::Practices,
        Self::PracticeLogs,
        Self::Consents,
        Self::SafetyPlan,
    ];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The kind of a number from the database.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The name in paths and in `resource` members: `mood-scores`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intentions => "intentions",
            Self::Sessions => "sessions",
            Self::JournalEntries => "journal-entries",
            Self::MoodScores => "mood-scores",
            Self::Assessments => "assessments",
            Self::Prescriptions => "prescriptions",
            Self::DoseChecks => "dose-checks",
            Self::HomeDoses => "home-doses",
            Self::Practices => "practices",
            Self::PracticeLogs => "practice-logs",
            Self::Consents => "consents",
            Self::SafetyPlan => "safety-plan",
        }
    }
}

/// Who beside the patient may read a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize, Default)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Visibility {
    /// The patient alone.
    #[default]
    Private = 0,
    /// The patient and the care team.
    Shared = 1,
}

impl Visibility {
    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }
}

/// What a check measures a record's times against.
#[derive(Debug, Clone, Copy)]
pub struct Horizon {
    /// The server's now.
    pub now: DateTime<Utc>,
    /// The patient's own zone, for records that have no zone of their own.
    pub zone: Tz,
}

/// How far ahead of the server's clock a phone may be before its times are refused.
pub const CLOCK_SKEW: TimeDelta = TimeDelta::hours(24);

/// When and where something happened, for the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The instant.
    pub at: DateTime<Utc>,
    /// The zone the patient was in.
    pub zone: Tz,
}

impl From<Occurrence> for Instant {
    fn from(occurrence: Occurrence) -> Self {
        Self::from(occurrence.at).in_zone(occurrence.zone)
    }
}

impl Occurrence {
    /// Checks an instant and the name of a zone as a client sent them; notes what is wrong.
    /// `ahead` is how far in the future the instant may lie.
    pub fn check(
        pointer: &str,
        at: Instant,
        time_zone: &str,
        ahead: TimeDelta,
        horizon: &Horizon,
        faults: &mut Faults,
    ) -> Option<Self> {
        let at = at.to_utc();
        let zone = time_zone.parse::<Tz>().ok();
        if zone.is_none() {
            faults.add("/time_zone", "an IANA time zone, such as Europe/Berlin");
        }
        let in_time = at.timestamp() >= EARLIEST && at <= horizon.now + ahead;
        if !in_time {
            faults.add(pointer, format!("a time between 2000-01-01 and {} from now", words(ahead)));
        }
        zone.filter(|_| in_time).map(|zone| Self { at, zone })
    }

    /// The patient's day.
    pub fn day(&self) -> NaiveDate {
        self.at.with_timezone(&self.zone).date_naive()
    }
}

/// 2000-01-01T00:00:00Z, in seconds.
const EARLIEST: i64 = 946_684_800;

fn words(ahead: TimeDelta) -> String {
    if ahead <= CLOCK_SKEW { format!("{} hours", ahead.num_hours()) } else { format!("{} days", ahead.num_days()) }
}

/// What trends and rules read of a record: one wide row beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// 0 is mood, then one number per instrument.
    pub series: i16,
    /// 0 complete, 1 partial, 2 invalid.
    pub status: i16,
    /// The total of a complete form, the mood of a check-in.
    pub value: Option<f64>,
    /// A byte per item, 0xFF where unanswered; `None` for moods.
    pub answers: Option<Vec<u8>>,
    /// Anxiety 0–10.
    pub anxiety: Option<f64>,
    /// Energy 0–10.
    pub energy: Option<f64>,
    /// Hope 0–10.
    pub hope: Option<f64>,
    /// Irritability 0–10.
    pub irritability: Option<f64>,
    /// Hours slept.
    pub sleep: Option<f64>,
}

/// One kind of record: its fields as the wire and the database know them, and what must hold for them.
pub trait Record: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;
    /// The members that a person typed in words: sealed, never stored in the clear.
    const SEALED: &'static [&'static str];

    /// Notes everything that is wrong beyond the schema, and answers when it happened if that is right.
    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence>;

    /// The same with every instant inside it as the clocks of the patient's zone tell it.
    #[must_use]
    fn in_zone(self, _zone: Tz) -> Self {
        self
    }

    /// Who may read it; most kinds belong to the whole care.
    fn visibility(&self) -> Visibility {
        Visibility::Shared
    }

    /// Members that the server computes and answers beside the client's own, such as `score`.
    fn derived(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::new()
    }

    /// What trends and rules read of it.
    fn measurement(&self) -> Option<Measurement> {
        None
    }
}

/// A record that was checked: the only thing that can be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Valid<R> {
    record: R,
    occurrence: Occurrence,
}

impl<R: Record> Valid<R> {
    /// The one way in: every fault is collected, or the record is right.
    pub fn new(record: R, horizon: &Horizon) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        match record.check(horizon, &mut faults) {
            Some(occurrence) if faults.0.is_empty() => Ok(Self { record: record.in_zone(occurrence.zone), occurrence }),
            _ => Err(faults),
        }
    }

    /// The record.
    pub fn record(&self) -> &R {
        &self.record
    }

    /// When it happened.
    pub fn occurrence(&self) -> &Occurrence {
        &self.occurrence
    }
}

/// Stored facts that this version cannot read: a fault of ours, never passed over in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored facts cannot be read as {0}")]
pub struct Unreadable(pub &'static str);

/// Some members of a record's stored facts; `what` says as what they are read.
pub fn read<T: serde::de::DeserializeOwned>(what: &'static str, facts: &str) -> Result<T, Unreadable> {
    serde_json::from_str(facts).map_err(|_| Unreadable(what))
}
