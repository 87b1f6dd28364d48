//! A clinic: where it is, when it is open, who is asked when nobody else answers.

use super::{
    business_hours::OpeningHours,
    faults::Faults,
    patch::{set, set_or_clear},
};
use chrono_tz::Tz;
use poem_openapi::{Object, types::MaybeUndefined};
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

/// What is to change; what is left out stays, null takes away.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields, example)]
pub struct ClinicPatch {
    /// What it is called.
    #[oai(validator(min_length = 1, max_length = 200), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub name: MaybeUndefined<String>,
    /// Its IANA zone.
    #[oai(validator(max_length = 50), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub time_zone: MaybeUndefined<String>,
    /// ISO 3166-1 alpha-2.
    #[oai(validator(pattern = "^[A-Z]{2}$"), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub country: MaybeUndefined<String>,
    /// Where patients call.
    #[oai(
        validator(max_length = 40, pattern = "^[0-9+() ./-]{3,40}$"),
        skip_serializing_if = "MaybeUndefined::is_undefined"
    )]
    pub phone: MaybeUndefined<String>,
    /// When somebody is there.
    #[oai(validator(max_items = 50), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub business_hours: MaybeUndefined<Vec<OpeningHours>>,
    /// Whom an unanswered flag goes to.
    #[oai(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub on_call_member_id: MaybeUndefined<Uuid>,
    /// Who answers for care.
    #[oai(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub clinical_lead_member_id: MaybeUndefined<Uuid>,
    /// Whom concerns about staff go to.
    #[oai(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub safeguarding_member_id: MaybeUndefined<Uuid>,
}

impl ClinicPatch {
    /// The members whom it names, and where.
    pub fn members(&self) -> impl Iterator<Item = (&'static str, Uuid)> {
        let named = [
            ("/on_call_member_id", &self.on_call_member_id),
            ("/clinical_lead_member_id", &self.clinical_lead_member_id),
            ("/safeguarding_member_id", &self.safeguarding_member_id),
        ];
        named.map(|(pointer, member)| Some((pointer, *member.value()?))).into_iter().flatten()
    }

    /// The clinic after the change; notes what is wrong with the change by itself.
    pub fn apply(self, mut clinic: Clinic, faults: &mut Faults) -> Clinic {
        set("/name", &mut clinic.name, self.name, faults);
        set("/country", &mut clinic.country, self.country, faults);
        set("/business_hours", &mut clinic.business_hours, self.business_hours, faults);
        check_hours("/business_hours", &clinic.business_hours, faults);
        let mut named = clinic.time_zone.name().to_owned();
        set("/time_zone", &mut named, self.time_zone, faults);
        clinic.time_zone = zone("/time_zone", &named, faults).unwrap_or(clinic.time_zone);
        set_or_clear(&mut clinic.phone, self.phone);
        set_or_clear(&mut clinic.on_call_member_id, self.on_call_member_id);
        set_or_clear(&mut clinic.clinical_lead_member_id, self.clinical_lead_member_id);
        set_or_clear(&mut clinic.safeguarding_member_id, self.safeguarding_member_id);
        clinic
    }
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
fn check_hours(pointer: &str, hours: &[OpeningHours], faults: &mut Faults) {
    for (index, hours) in hours.iter().enumerate() {
        // `HH:MM` sorts as text.
        if hours.start >= hours.end {
            faults.add(format!("{pointer}/{index}/end"), "must be after start");
        }
    }
}
