//! Whom somebody invites to a clinic, and what may be said with it: of a patient how they live and who accompanies them, of
//! a member what they will do.

use super::{
    accounts::{AccountKind, Role},
    clinic::{Clinic, zone},
    faults::Faults,
    profile::{PatientState, Profile},
    recurrence::QuietHours,
};
use poem_openapi::Object;
use uuid::Uuid;

/// Whom to invite.
#[derive(Debug, Clone, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct NewInvitation {
    /// Where the link is sent.
    #[oai(validator(
        max_length = 254,
        pattern = "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$"
    ))]
    pub email: String,
    /// A patient, or a member of the staff.
    pub kind: AccountKind,
    /// What a member will do.
    #[oai(validator(max_items = 3))]
    pub roles: Option<Vec<Role>>,
    /// How the invited person is called.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub display_name: String,
    /// A patient's IANA zone; the clinic's unless told.
    #[oai(validator(max_length = 50))]
    pub time_zone: Option<String>,
    /// How dates and numbers are written for a patient, BCP 47.
    #[oai(validator(max_length = 35, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"))]
    pub locale: Option<String>,
    /// Which crisis lines a patient is shown, ISO 3166-1 alpha-2; the clinic's unless told.
    #[oai(validator(pattern = "^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// Who accompanies a patient first: an `account.id` of a therapist or prescriber; the inviting one unless told. An admin
    /// who is neither must tell.
    pub primary_member_id: Option<Uuid>,
}

impl NewInvitation {
    /// What a member will do.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.roles.iter().flatten().copied()
    }

    /// Notes what is wrong with a member's.
    pub fn check_member(&self, faults: &mut Faults) {
        if self.roles().next().is_none() {
            faults.add_between("/roles", &["/kind"], "what the member will do: at least one role");
        }
        for (pointer, given) in [
            ("/time_zone", self.time_zone.is_some()),
            ("/locale", self.locale.is_some()),
            ("/country", self.country.is_some()),
            ("/primary_member_id", self.primary_member_id.is_some()),
        ] {
            if given {
                faults.add_between(pointer, &["/kind"], "is for patients alone");
            }
        }
    }

    /// Who accompanies a patient first, somebody named or else the one who invites; and notes what is wrong with it.
    pub fn check_patient(&self, inviting: Option<Uuid>, faults: &mut Faults) -> Option<Uuid> {
        if self.roles().next().is_some() {
            faults.add_between("/roles", &["/kind"], "is for members alone");
        }
        let primary = self.primary_member_id.or(inviting);
        if primary.is_none() {
            // Nobody would be there who may open a flag of theirs.
            faults.add_between(
                "/primary_member_id",
                &["/kind"],
                "is required: the therapist or prescriber who accompanies this patient first",
            );
        }
        primary
    }

    /// The patient to be made.
    pub fn profile(&self, id: Uuid, clinic: &Clinic, faults: &mut Faults) -> Profile {
        let given = self.time_zone.as_ref().and_then(|name| zone("/time_zone", name, faults));
        Profile {
            id,
            clinic: clinic.id,
            display_name: self.display_name.clone(),
            name_latin: None,
            pronouns: None,
            phone: None,
            language: None,
            time_zone: given.unwrap_or(clinic.time_zone),
            locale: self.locale.clone().unwrap_or_else(|| "en".into()),
            country: self.country.clone().unwrap_or_else(|| clinic.country.clone()),
            quiet_hours: QuietHours::usual(),
            state: PatientState::Invited,
            version: 1,
        }
    }
}
