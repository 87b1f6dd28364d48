//! A patient as a person: how they are called, where they are, when they want to hear nothing.

use chrono_tz::Tz;
use poem_openapi::Enum;
use uuid::Uuid;

use super::recurrence::QuietHours;

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
