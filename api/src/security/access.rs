//! The one access policy: who may do what. Denied is what is not named here.
//!
//! | | patient, self | therapist in the care team today | prescriber, same | admin |
//! | --- | --- | --- | --- | --- |
//! | intentions, journal entries | read, write | read what is shared | same | – |
//! | moods, home doses, assessments (staff create them too) | read, write | read | read | – |
//! | sessions, reminders | read, write | read, write | read, write | – |
//! | prescriptions | read | read | read, write | – |
//! | flags, caseload | – | read, act | read, act | – |
//! | the patient's profile and care team | read, change the profile | same; the primary writes the care team | same | read, write |
//!
//! Whom a caller may not know of is not found; where a known patient's thing is not theirs to see, it is forbidden.

use crate::{domain::accounts::Role, error::Error};
use chrono_tz::Tz;
use uuid::Uuid;

/// What somebody is in a clinic: any of four, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Therapists.
    pub const THERAPIST: Self = Self(1);
    /// Prescribers.
    pub const PRESCRIBER: Self = Self(2);
    /// Admins of the clinic.
    pub const ADMIN: Self = Self(4);
    /// Patients, of themselves.
    pub const PATIENT: Self = Self(8);
    /// Those who treat.
    pub const CLINICIAN: Self = Self::THERAPIST.and(Self::PRESCRIBER);
    /// Every role.
    pub const ALL: Self = Self(15);

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets share a role.
    pub const fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Who that is, in words for the document.
    pub const fn words(self) -> &'static str {
        match self.0 {
            2 => "a prescriber of the care team",
            3 => "a therapist or prescriber of the care team",
            4 => "an admin of the clinic",
            7 => "a member of the clinic",
            8 => "the patient",
            11 => "the patient; a therapist or prescriber of the care team",
            15 => "the patient; a therapist or prescriber of the care team; an admin of the clinic",
            _ => "nobody",
        }
    }

    /// A member's roles one by one.
    pub fn to_vec(self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| self.meet(Self::from_code(role.bit()))).collect()
    }

    /// The staff roles as a number, for the row of a member.
    pub fn code(self) -> i16 {
        i16::from(self.0 & 7)
    }

    /// The staff roles of a row.
    pub fn from_code(code: i16) -> Self {
        Self(u8::try_from(code & 7).unwrap_or_default())
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<T: IntoIterator<Item = Role>>(roles: T) -> Self {
        roles.into_iter().fold(Self::NONE, |all, role| all.and(Self::from_code(role.bit())))
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account; a patient's own id, a member's own id.
    pub account: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// The clinic's zone: care relations begin and end on its days.
    pub clinic_zone: Tz,
    /// What they are.
    pub roles: Roles,
    /// The request.
    pub request: Uuid,
}

impl Caller {
    /// Whether this is a patient.
    pub fn is_patient(&self) -> bool {
        self.roles.meet(Roles::PATIENT)
    }
}

/// What a member has to do with a patient of the clinic today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Care {
    /// Whether they are on the care team.
    pub on_team: bool,
    /// Whether they are the one who is told first.
    pub is_primary: bool,
}

/// A right that a member was found to hold, to be looked for again where it is used: it may have ended in between.
#[derive(Debug, Clone)]
pub struct HeldRight {
    /// The member.
    pub caller: Caller,
    /// Who holds the right.
    pub holders: Roles,
    /// Whether somebody holds it over a patient.
    pub may: fn(&Caller, Option<Care>) -> Result<(), Error>,
}

impl HeldRight {
    /// What a right rests on that a member was found to hold.
    pub fn of<R: Right>(caller: &Caller) -> Self {
        Self { caller: caller.clone(), holders: R::HOLDERS, may: decide::<R> }
    }
}

/// A right over a patient, named by a type: a handler that takes `Permit<ReadRecords>` cannot forget to ask.
pub trait Right: Send + Sync + 'static {
    /// Who holds it.
    const HOLDERS: Roles;
    /// The same in words.
    const WHO: &'static str = Self::HOLDERS.words();

    /// Whether somebody holds it who acts in these roles, given what they have to do with the patient.
    fn is_held(acting: Roles, _care: Option<Care>) -> bool {
        acting.meet(Self::HOLDERS)
    }
}

macro_rules! rights {
    ($($(#[$doc:meta])* $name:ident: $holders:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl Right for $name {
            const HOLDERS: Roles = $holders;
        }
    )*};
}

rights! {
    /// To read records, reminders and notifications (of staff: what is shared).
    ReadRecords: Roles::PATIENT.and(Roles::CLINICIAN);
    /// To write what is the patient's alone to write.
    WriteOwn: Roles::PATIENT;
    /// To write what the patient and those who treat both write.
    WriteCare: Roles::PATIENT.and(Roles::CLINICIAN);
    /// To prescribe.
    Prescribe: Roles::PRESCRIBER;
    /// To read flags and act on them.
    ActOnFlags: Roles::CLINICIAN;
    /// To read and change the profile.
    Profile: Roles::ALL;
    /// To see the clinic, its staff, and those of its patients whom one may know of.
    WorkHere: Roles::CLINICIAN.and(Roles::ADMIN);
    /// To run the clinic: its settings, its staff.
    Administer: Roles::ADMIN;
    /// To read the care team.
    ReadCareTeam: Roles::ALL;
}

/// To change the care team; of therapists, the primary one.
pub struct WriteCareTeam;

impl Right for WriteCareTeam {
    const HOLDERS: Roles = Roles::THERAPIST.and(Roles::ADMIN);
    const WHO: &'static str = "the therapist who is first on the care team; an admin of the clinic";

    fn is_held(acting: Roles, care: Option<Care>) -> bool {
        let primary = care.is_some_and(|care| care.is_primary);
        acting.meet(Roles::ADMIN) || (primary && acting.meet(Roles::THERAPIST))
    }
}

/// Whether a caller holds the right `R` over a patient of whom they may know; `care` is theirs today, `None` for the
/// patient.
pub fn decide<R: Right>(caller: &Caller, care: Option<Care>) -> Result<(), Error> {
    let acting = match care {
        None if caller.is_patient() => Roles::PATIENT,
        None => return Err(Error::NotFound),
        Some(care) if care.on_team => caller.roles,
        Some(_) if caller.roles.meet(Roles::ADMIN) => Roles::ADMIN,
        Some(_) => return Err(Error::NotFound),
    };
    if R::is_held(acting, care) { Ok(()) } else { Err(Error::Forbidden) }
}
