//! A patient as a person: how they are called, where they are, when they want to hear nothing.

use super::{
    clinic::zone,
    faults::Faults,
    patch::{set, set_or_clear},
    recurrence::{QuietHours, TimeOfDay},
};
use chrono_tz::Tz;
use poem_openapi::{Enum, Object, types::MaybeUndefined};
use uuid::Uuid;

/// Where a patient stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "PatientState", rename_all = "kebab-case")]
#[repr(i16)]
pub enum PatientState {
    /// Invited; has not signed in yet.
    Invited = 0,
    /// Under care.
    Active = 1,
    /// No longer under care.
    Ended = 2,
}

impl PatientState {
    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The state of a number from the database.
    pub const fn from_code(code: i16) -> Self {
        match code {
            0 => Self::Invited,
            1 => Self::Active,
            _ => Self::Ended,
        }
    }
}

/// A patient's profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The patient.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// How they want to be called.
    pub display_name: String,
    /// The name in Latin letters, where the display name is in others.
    pub name_latin: Option<String>,
    /// How to speak of them.
    pub pronouns: Option<String>,
    /// Their telephone.
    pub phone: Option<String>,
    /// The language they speak with their therapist, BCP 47.
    pub language: Option<String>,
    /// Their zone now.
    pub time_zone: Tz,
    /// How dates and numbers are written for them, BCP 47.
    pub locale: String,
    /// Which crisis lines they are shown, ISO 3166-1 alpha-2.
    pub country: String,
    /// When they want to hear nothing.
    pub quiet_hours: QuietHours,
    /// Where they stand.
    pub state: PatientState,
    /// Rises by one with every change.
    pub version: i64,
}

/// When the patient wants to hear nothing, in their own zone; urgent messages pass. The same time twice: never.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(rename = "QuietHours", deny_unknown_fields)]
pub struct Quiet {
    /// From when, wall-clock time: `22:00`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub start: String,
    /// Until when, wall-clock time: `07:00`.
    #[oai(validator(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$"))]
    pub end: String,
}

impl From<QuietHours> for Quiet {
    fn from(QuietHours { start, end }: QuietHours) -> Self {
        Self { start: start.to_string(), end: end.to_string() }
    }
}

impl Quiet {
    fn check(&self, pointer: &str, faults: &mut Faults) -> Option<QuietHours> {
        let mut time = |name: &str, text: &str| {
            let time = text.parse::<TimeOfDay>();
            time.map_err(|expected| faults.add(format!("{pointer}/{name}"), expected)).ok()
        };
        let (start, end) = (time("start", &self.start), time("end", &self.end));
        Some(QuietHours { start: start?, end: end? })
    }
}

/// What is to change; what is left out stays, null takes away.
#[derive(Debug, Clone, Default, Object)]
#[oai(deny_unknown_fields, example)]
pub struct PatientPatch {
    /// How they want to be called.
    #[oai(validator(min_length = 1, max_length = 200), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub display_name: MaybeUndefined<String>,
    /// The name in Latin letters, where the display name is in others.
    #[oai(validator(min_length = 1, max_length = 200), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub name_latin: MaybeUndefined<String>,
    /// The language they speak with their therapist, BCP 47.
    #[oai(
        validator(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
        skip_serializing_if = "MaybeUndefined::is_undefined"
    )]
    pub language: MaybeUndefined<String>,
    /// How to speak of them.
    #[oai(validator(min_length = 1, max_length = 100), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub pronouns: MaybeUndefined<String>,
    /// Their telephone.
    #[oai(
        validator(max_length = 40, pattern = "^[0-9+() ./-]{3,40}$"),
        skip_serializing_if = "MaybeUndefined::is_undefined"
    )]
    pub phone: MaybeUndefined<String>,
    /// Their IANA zone now.
    #[oai(validator(max_length = 50), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub time_zone: MaybeUndefined<String>,
    /// How dates and numbers are written for them, BCP 47.
    #[oai(
        validator(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"),
        skip_serializing_if = "MaybeUndefined::is_undefined"
    )]
    pub locale: MaybeUndefined<String>,
    /// Which crisis lines they are shown, ISO 3166-1 alpha-2.
    #[oai(validator(pattern = "^[A-Z]{2}$"), skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub country: MaybeUndefined<String>,
    /// When they want to hear nothing.
    #[oai(skip_serializing_if = "MaybeUndefined::is_undefined")]
    pub quiet_hours: MaybeUndefined<Quiet>,
}

impl PatientPatch {
    /// The profile after the change, or everything that is wrong with the change.
    pub fn apply(self, mut profile: Profile) -> Result<Profile, Faults> {
        let mut faults = Faults::default();
        set("/display_name", &mut profile.display_name, self.display_name, &mut faults);
        set("/locale", &mut profile.locale, self.locale, &mut faults);
        set("/country", &mut profile.country, self.country, &mut faults);
        let mut named = profile.time_zone.name().to_owned();
        set("/time_zone", &mut named, self.time_zone, &mut faults);
        profile.time_zone = zone("/time_zone", &named, &mut faults).unwrap_or(profile.time_zone);
        let mut quiet = Quiet::from(profile.quiet_hours);
        set("/quiet_hours", &mut quiet, self.quiet_hours, &mut faults);
        profile.quiet_hours = quiet.check("/quiet_hours", &mut faults).unwrap_or(profile.quiet_hours);
        set_or_clear(&mut profile.name_latin, self.name_latin);
        set_or_clear(&mut profile.language, self.language);
        set_or_clear(&mut profile.pronouns, self.pronouns);
        set_or_clear(&mut profile.phone, self.phone);
        faults.none()?;
        Ok(profile)
    }
}
