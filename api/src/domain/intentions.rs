//! An intention: what the patient brings to one session, or to the whole treatment.
//!
//! It is never a measure of success: an intention that was not met is no failure, and nothing counts it.

use super::{
    faults::Faults,
    instant::Instant,
    record::{CLOCK_SKEW, Horizon, Kind, Occurrence, Record, Visibility},
};
use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the patient brings.
#[derive(Debug, Clone, PartialEq, Object, Serialize, Deserialize)]
#[oai(rename = "NewIntention", deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct Intention {
    /// When it was set, RFC 3339 with an offset; not more than 24 hours ahead.
    pub occurred_at: Instant,
    /// The patient's zone then, an IANA name.
    #[oai(validator(max_length = 64))]
    pub time_zone: String,
    /// The intention in the patient's words, up to 10,000 characters.
    #[oai(validator(min_length = 1, max_length = 10000))]
    pub text: String,
    /// The session it is meant for; absent for the treatment as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// Who beside the patient may read it: nobody, unless it is shared.
    #[oai(default)]
    #[serde(default)]
    pub visibility: Visibility,
}

impl Record for Intention {
    const KIND: Kind = Kind::Intentions;
    const SEALED: &'static [&'static str] = &["text"];

    fn check(&self, horizon: &Horizon, faults: &mut Faults) -> Option<Occurrence> {
        Occurrence::check("/occurred_at", self.occurred_at, &self.time_zone, CLOCK_SKEW, horizon, faults)
    }

    fn visibility(&self) -> Visibility {
        self.visibility
    }
}
