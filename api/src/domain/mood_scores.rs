//! A mood score: one number for how it is right now, 0 (worst) to 10 (best), with optional companions.
//!
//! A product scale of our own wording in the manner of a numeric rating scale; it is no validated instrument and says
//! nothing about a diagnosis. A 10 does not mean that somebody is well.

use super::{
    faults::Faults,
    instant::Instant,
    record::{CLOCK_SKEW, Horizon, Kind, Measurement, Occurrence, Record, Unreadable, read},
};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};

/// The series of moods among the measurements.
pub const SERIES: i16 = 0;

/// A quick check-in.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewMoodScore", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct MoodScore {
    /// When it was so, RFC 3339 with an offset; not more than 24 hours ahead.
    pub occurred_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// 0 worst, 10 best.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    pub mood: u8,
    /// 0 none, 10 most.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anxiety: Option<u8>,
    /// 0 none, 10 most.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<u8>,
    /// 0 none, 10 most.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hope: Option<u8>,
    /// 0 none, 10 most.
    #[oai(validator(minimum(value = "0"), maximum(value = "10")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irritability: Option<u8>,
    /// Hours slept in the last night, 0 to 24.
    #[oai(validator(minimum(value = "0"), maximum(value = "24")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep_hours: Option<f64>,
    /// A few words, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The mood of a score, by its plain members.
pub fn mood_of(facts: &str) -> Result<u8, Unreadable> {
    #[derive(Deserialize)]
    struct Members {
        mood: u8,
    }
    Ok(read::<Members>("a mood score", facts)?.mood)
}

impl Record for MoodScore {
    const KIND: Kind = Kind::MoodScores;
    const SEALED: &'static [&'static str] = &["note"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        Occurrence::check("/occurred_at", self.occurred_at, &self.time_zone, CLOCK_SKEW, horizon, faults)
    }

    fn measurement(&self) -> Option<Measurement> {
        Some(Measurement {
            series: SERIES,
            status: 0,
            value: Some(f64::from(self.mood)),
            answers: None,
            anxiety: self.anxiety.map(f64::from),
            energy: self.energy.map(f64::from),
            hope: self.hope.map(f64::from),
            irritability: self.irritability.map(f64::from),
            sleep: self.sleep_hours,
        })
    }
}
