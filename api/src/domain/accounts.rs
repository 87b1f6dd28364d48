//! Who can sign in, and as what.

use poem_openapi::{Enum, Object};

/// What kind of account somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename = "AccountKind", rename_all = "kebab-case")]
#[repr(i16)]
pub enum AccountKind {
    /// Under care.
    Patient = 0,
    /// On the staff of a clinic.
    Member = 1,
}

impl AccountKind {
    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The kind of a number from the database.
    pub const fn from_code(code: i16) -> Self {
        if code == Self::Member as i16 { Self::Member } else { Self::Patient }
    }
}

// The numbers are bits of a member's row.
/// What a member does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Role {
    /// Accompanies patients.
    Therapist = 1,
    /// Accompanies patients and prescribes.
    Prescriber = 2,
    /// Runs the clinic's accounts; sees no content.
    Admin = 4,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Therapist, Self::Prescriber, Self::Admin];

    /// The bit that stands in the database.
    pub const fn bit(self) -> i16 {
        self as i16
    }
}

/// What is to change; what is left out stays.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct MemberPatch {
    /// What they are called.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub display_name: Option<String>,
    /// What they do.
    #[oai(validator(min_items = 1, max_items = 3))]
    pub roles: Option<Vec<Role>>,
}
