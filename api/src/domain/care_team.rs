//! A place on a patient's care team: from which day to which day a member may see them.

use super::faults::Faults;
use chrono::NaiveDate;
use poem_openapi::Object;
use uuid::Uuid;

/// A place on the care team.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct NewCareRelation {
    /// A therapist or prescriber of the clinic.
    pub member_id: Uuid,
    /// Whether they are told first; then nobody else is. A flag is told to them and, where their mail is refused for good, to
    /// the next on the care team.
    pub primary: bool,
    /// The first day, in the clinic's zone.
    pub from_on: NaiveDate,
    /// The last day; open while left out.
    pub until_on: Option<NaiveDate>,
}

impl NewCareRelation {
    /// Notes what is wrong with it by itself.
    pub fn check(&self, faults: &mut Faults) {
        if self.until_on.is_some_and(|until| until < self.from_on) {
            faults.add_between("/until_on", &["/from_on"], "must not be before from_on");
        }
    }
}
