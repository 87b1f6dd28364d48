//! An assessment: one filled-in copy of an instrument, scored by the server.
//!
//! What was answered is the truth and stays; the score is computed from it. An incomplete form is kept too, with what
//! can be said of it. An item 9 of 0 never means that there is no risk: 71.6 % of suicides after a PHQ-9 had answered
//! 0 (10.1176/appi.ps.201500149).

use super::{
    faults::Faults,
    instant::Instant,
    instruments::{self, Answers, Instrument, Score},
    record::{CLOCK_SKEW, Horizon, Kind, Measurement, Occurrence, Record, Unreadable, read},
};
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Who gave the answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// The patient.
    #[default]
    #[oai(rename = "self")]
    #[serde(rename = "self")]
    Patient,
    /// A clinician, who asked.
    Clinician,
    /// Somebody who knows the patient.
    Proxy,
}

/// A filled-in questionnaire.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewAssessment", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Assessment {
    /// When it was filled in, RFC 3339 with an offset; not more than 24 hours ahead.
    pub occurred_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// The code of the instrument, as `instruments` lists it: `phq-9`.
    #[oai(validator(max_length = 40))]
    pub instrument: String,
    /// Answers by item number, whole numbers; absent or `null` is unanswered.
    pub answers: Answers,
    /// How difficult the problems made things, 0 not at all to 3 extremely; not scored.
    #[oai(validator(minimum(value = "0"), maximum(value = "3")))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty: Option<u8>,
    /// Who gave the answers.
    #[oai(default)]
    #[serde(default)]
    pub answered_by: AnsweredBy,
    /// A few words, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Assessment {
    fn scored(&self) -> Option<(&'static Instrument, Score)> {
        let instrument = instruments::find(&self.instrument)?;
        let score = instruments::score(instrument, &self.answers).ok()?;
        Some((instrument, score))
    }
}

/// The instrument of an assessment, by its plain members.
pub fn instrument_of(facts: &str) -> Result<&'static Instrument, Unreadable> {
    #[derive(Deserialize)]
    struct Members {
        instrument: String,
    }
    let Members { instrument } = read("an assessment", facts)?;
    instruments::find(&instrument).ok_or(Unreadable("an assessment of a known instrument"))
}

/// The answer to an item, by the plain members of an assessment; `None` where it is another form or left out.
pub fn answer(facts: &str, series: i16, item: u8) -> Result<Option<u8>, Unreadable> {
    #[derive(Deserialize)]
    struct Members {
        answers: Answers,
    }
    if instrument_of(facts)?.series != series {
        return Ok(None);
    }
    let Members { answers } = read("an assessment", facts)?;
    Ok(answers.get(item).and_then(|answer| u8::try_from(answer).ok()))
}

/// A byte per item, 0xFF where unanswered.
fn bytes(instrument: &Instrument, answers: &Answers) -> Vec<u8> {
    let answer = |number| answers.get(number).and_then(|answer| u8::try_from(answer).ok());
    instrument.items.iter().map(|item| answer(item.number).unwrap_or(0xFF)).collect()
}

impl Record for Assessment {
    const KIND: Kind = Kind::Assessments;
    const SEALED: &'static [&'static str] = &["note"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        match instruments::find(&self.instrument).filter(|instrument| instrument.enabled) {
            None => faults.add("/instrument", "the code of an instrument that is listed under /v1/instruments"),
            Some(instrument) => {
                if let Err(found) = instruments::score(instrument, &self.answers) {
                    for fault in found.0 {
                        faults.add_between(fault.pointer, &["/instrument"], fault.detail);
                    }
                }
            }
        }
        Occurrence::check("/occurred_at", self.occurred_at, &self.time_zone, CLOCK_SKEW, horizon, faults)
    }

    fn derived(&self) -> Map<String, Value> {
        let score = self.scored().and_then(|(_, score)| serde_json::to_value(score).ok());
        score.map(|score| ("score".to_owned(), score)).into_iter().collect()
    }

    fn measurement(&self) -> Option<Measurement> {
        let (instrument, score) = self.scored()?;
        Some(Measurement {
            series: instrument.series,
            status: score.status.code(),
            value: score.total.map(f64::from),
            answers: Some(bytes(instrument, &self.answers)),
            anxiety: None,
            energy: None,
            hope: None,
            irritability: None,
            sleep: None,
        })
    }
}
