//! A clinic: where it is, when it is open, who is asked when nobody else answers.

use super::{business_hours::OpeningHours, faults::Faults};
use chrono_tz::Tz;
use uuid::Uuid;

/// A clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clinic {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Where patients call.
    pub phone: Option<String>,
    /// Its zone: care relations begin and end on its days, flags are waited for by its hours.
    pub time_zone: Tz,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// When somebody is there.
    pub business_hours: Vec<OpeningHours>,
    /// Whom an unanswered flag goes to.
    pub on_call_member_id: Option<Uuid>,
    /// Who answers for care.
    pub clinical_lead_member_id: Option<Uuid>,
    /// Whom concerns about staff go to.
    pub safeguarding_member_id: Option<Uuid>,
    /// Rises by one with every change.
    pub version: i64,
}

/// A zone by its IANA name; notes a fault if there is none.
pub fn zone(pointer: &str, name: &str, faults: &mut Faults) -> Option<Tz> {
    let zone = name.parse().ok();
    if zone.is_none() {
        faults.add(pointer, "an IANA time zone, such as Europe/Berlin");
    }
    zone
}

/// Notes a fault if opening hours end before they begin.
pub fn check_hours(pointer: &str, hours: &[OpeningHours], faults: &mut Faults) {
    for (index, hours) in hours.iter().enumerate() {
        // `HH:MM` sorts as text.
        if hours.start >= hours.end {
            faults.add(format!("{pointer}/{index}/end"), "must be after start");
        }
    }
}
