//! A treatment session: preparation, dosing, integration or group; planned, then completed, missed or cancelled.
//!
//! A completed dosing session starts the 72 hours in which a worse mood is expected variation (RD-02), and counts as
//! a dose for the hours between doses (HD-02), unless the patient took it at home and logged it.

use super::{
    dosing::Route,
    faults::Faults,
    instant::Instant,
    record::{CLOCK_SKEW, Horizon, Kind, Occurrence, Record, Unreadable, read},
};
use chrono::TimeDelta;
use chrono_tz::Tz;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// How far ahead a session can be planned.
pub const PLANNED_AHEAD: TimeDelta = TimeDelta::days(731);

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "SessionKind", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// Getting ready.
    Preparation,
    /// With ketamine.
    Dosing,
    /// Making sense of it.
    Integration,
    /// With others.
    Group,
}

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "SessionState", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum SessionState {
    /// To come.
    Planned,
    /// It took place.
    Completed,
    /// The patient did not come.
    Missed,
    /// Called off.
    Cancelled,
}

/// Where a session takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "SessionSetting", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum SessionSetting {
    /// In the clinic.
    Clinic,
    /// At the patient's home.
    Home,
    /// In a therapist's office.
    TherapistOffice,
    /// By video or telephone.
    Telehealth,
}

/// How deep a dose is meant to go, as the care team names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum DoseLevel {
    /// Low; talking goes on.
    Psycholytic,
    /// In between.
    Moderate,
    /// High.
    High,
}

/// A treatment session.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewSession", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Session {
    /// What it is for.
    pub kind: SessionKind,
    /// Where it stands.
    pub state: SessionState,
    /// When it starts, RFC 3339 with an offset; up to two years ahead, unless it is completed. It is the record's
    /// `occurred_at`.
    pub starts_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// Where it takes place.
    pub setting: SessionSetting,
    /// The way the dose is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// The dose in milligrams.
    #[oai(validator(minimum(value = "0"), maximum(value = "10000")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dose_mg: Option<f64>,
    /// How deep the dose is meant to go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dose_level: Option<DoseLevel>,
    /// Notes, up to 10,000 characters.
    #[oai(validator(max_length = 10000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// Where ketamine was given, by the plain members of a session; `None` for a session of another kind or state.
pub fn completed_dosing(facts: &str) -> Result<Option<SessionSetting>, Unreadable> {
    #[derive(Deserialize)]
    struct Members {
        kind: SessionKind,
        state: SessionState,
        setting: SessionSetting,
    }
    let Members { kind, state, setting } = read("a session", facts)?;
    Ok((kind == SessionKind::Dosing && state == SessionState::Completed).then_some(setting))
}

/// Whether ketamine was given in a session.
pub fn is_completed_dosing(facts: &str) -> Result<bool, Unreadable> {
    Ok(completed_dosing(facts)?.is_some())
}

impl SessionSetting {
    /// Whether the patient takes the dose of a session where they live, and may have it in their own log too: at home, or
    /// with somebody by video or telephone.
    pub fn is_at_the_patients(self) -> bool {
        matches!(self, Self::Home | Self::Telehealth)
    }
}

impl Record for Session {
    const KIND: Kind = Kind::Sessions;
    const SEALED: &'static [&'static str] = &["notes"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        let ahead = self.starts_at.to_utc() - horizon.now;
        if self.state == SessionState::Completed && ahead > CLOCK_SKEW && ahead <= PLANNED_AHEAD {
            faults.add_between("/starts_at", &["/state"], "not later than 24 hours from now, for a completed session");
        }
        Occurrence::check("/starts_at", self.starts_at, &self.time_zone, PLANNED_AHEAD, horizon, faults)
    }

    fn in_zone(self, zone: Tz) -> Self {
        Self { starts_at: self.starts_at.in_zone(zone), ..self }
    }
}
