//! `/v1/clinic`: the caller's own clinic. Staff read it, patients its name; admins write.

use super::{
    body::Checked,
    permit::{SignedIn, Staff},
    preconditions::{etag, expect, if_match},
    profiles::replace,
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        business_hours::{BusinessHours, OpeningHours},
        clinic::{self, check_hours, zone},
        faults::Faults,
    },
    error::Error,
    security::access::{Administer, Caller},
    store::{Tx, audit, clinics, members},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Header,
    payload::Json,
    types::{Example, MaybeUndefined, ToJSON},
};
use uuid::Uuid;

/// A clinic. A patient is told its id and name.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct Clinic {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Rises by one with every change; the ETag.
    pub version: Option<i64>,
    /// Its IANA zone: care relations begin and end on its days.
    pub time_zone: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Where patients call.
    pub phone: Option<String>,
    /// When somebody is there.
    pub business_hours: Option<Vec<OpeningHours>>,
    /// Whom an unanswered flag goes to.
    pub on_call_member_id: Option<Uuid>,
    /// Who answers for care.
    pub clinical_lead_member_id: Option<Uuid>,
    /// Whom concerns about staff go to.
    pub safeguarding_member_id: Option<Uuid>,
}

impl Clinic {
    fn for_staff(clinic: clinic::Clinic) -> Self {
        Self {
            version: Some(clinic.version),
            time_zone: Some(clinic.time_zone.name().to_owned()),
            country: Some(clinic.country),
            phone: clinic.phone,
            business_hours: Some(clinic.business_hours),
            on_call_member_id: clinic.on_call_member_id,
            clinical_lead_member_id: clinic.clinical_lead_member_id,
            safeguarding_member_id: clinic.safeguarding_member_id,
            ..Self::for_patients(clinic.id, clinic.name)
        }
    }

    fn for_patients(id: Uuid, name: String) -> Self {
        Self {
            id,
            name,
            version: None,
            time_zone: None,
            country: None,
            phone: None,
            business_hours: None,
            on_call_member_id: None,
            clinical_lead_member_id: None,
            safeguarding_member_id: None,
        }
    }
}

impl Example for Clinic {
    fn example() -> Self {
        let id = Uuid::from_u128(0x0195_a1a0_5b1c_7e02_9d44_7f21_3c8b_6a90);
        Self {
            version: Some(2),
            time_zone: Some("Europe/Berlin".into()),
            country: Some("DE".into()),
            phone: Some("+49 30 7654321".into()),
            business_hours: ClinicPatch::example().business_hours.take(),
            ..Self::for_patients(id, "Praxis am Ufer".into())
        }
    }
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

impl Example for ClinicPatch {
    fn example() -> Self {
        Self {
            phone: MaybeUndefined::Value("+49 30 7654321".into()),
            business_hours: MaybeUndefined::Value(BusinessHours::usual(chrono_tz::Europe::Berlin).hours),
            ..Self::default()
        }
    }
}

/// A clinic.
#[derive(ApiResponse)]
pub enum One {
    /// The clinic; for staff with its version as ETag.
    #[oai(status = 200)]
    Found(Json<Clinic>, #[oai(header = "ETag")] Option<String>),
}

/// The clinic.
pub struct Clinics(pub App);

#[OpenApi(prefix_path = "/clinic", tag = "Tag::Clinic")]
impl Clinics {
    /// Read the clinic
    ///
    /// The caller's own; a patient is told its name.
    #[oai(path = "/", method = "get", operation_id = "clinic_read")]
    async fn read(&self, SignedIn(caller): SignedIn) -> Result<One, Error> {
        let keys = self.0.keys.of_clinic(caller.clinic).await?;
        let found = clinics::find(self.0.db.read(), caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
        if caller.is_patient() {
            return Ok(One::Found(Json(Clinic::for_patients(found.id, found.name)), None));
        }
        Ok(answer(found))
    }

    /// Change the clinic
    ///
    /// What is left out stays, null takes away.
    #[oai(path = "/", method = "patch", operation_id = "clinic_update")]
    async fn update(
        &self,
        staff: Staff<Administer>,
        /// The version that this changes, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
        patch: Checked<ClinicPatch>,
    ) -> Result<One, Error> {
        let (held, caller) = (if_match(held.0.as_deref())?, staff.caller);
        let (keys, known) = (self.0.keys.of_clinic(caller.clinic).await?, self.0.sign_ins.clone());
        let owner = caller.clinic;
        let unit = async move |tx: &Tx| {
            let found = clinics::lock(tx, caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
            expect(held, found.version, || Clinic::for_staff(found.clone()).to_json())?;
            let mut changed = apply(tx, found.clone(), patch.outcome()?).await?;
            if changed == found {
                return Ok(found);
            }
            changed.version += 1;
            clinics::update(tx, &changed, &keys).await?;
            known.forget(tx, move |_, held| held.owner.clinic == caller.clinic);
            audit::append(tx, event(&caller, "clinic_update", caller.clinic, changed.version)).await?;
            Ok(changed)
        };
        Ok(answer(self.0.db.write(owner, unit).await?))
    }
}

fn answer(clinic: clinic::Clinic) -> One {
    let tag = etag(clinic.version);
    One::Found(Json(Clinic::for_staff(clinic)), Some(tag))
}

/// The clinic after a change, or everything that is wrong with the change.
async fn apply(tx: &Tx, mut clinic: clinic::Clinic, patch: ClinicPatch) -> Result<clinic::Clinic, Error> {
    let mut faults = Faults::default();
    replace("/name", &mut clinic.name, patch.name, &mut faults);
    replace("/country", &mut clinic.country, patch.country, &mut faults);
    replace("/business_hours", &mut clinic.business_hours, patch.business_hours, &mut faults);
    check_hours("/business_hours", &clinic.business_hours, &mut faults);
    let mut named = clinic.time_zone.name().to_owned();
    replace("/time_zone", &mut named, patch.time_zone, &mut faults);
    clinic.time_zone = zone("/time_zone", &named, &mut faults).unwrap_or(clinic.time_zone);
    if !patch.phone.is_undefined() {
        clinic.phone = patch.phone.take();
    }
    for (pointer, to, value) in [
        ("/on_call_member_id", &mut clinic.on_call_member_id, patch.on_call_member_id),
        ("/clinical_lead_member_id", &mut clinic.clinical_lead_member_id, patch.clinical_lead_member_id),
        ("/safeguarding_member_id", &mut clinic.safeguarding_member_id, patch.safeguarding_member_id),
    ] {
        if let Some(member) = value.as_opt_ref().flatten()
            && members::roles(tx.db(), clinic.id, *member).await?.is_none()
        {
            faults.add(pointer, "a member of this clinic");
        }
        if !value.is_undefined() {
            *to = value.take();
        }
    }
    faults.none()?;
    Ok(clinic)
}

/// An audit row about the clinic or its staff.
pub(super) fn event(caller: &Caller, operation: &'static str, what: Uuid, version: i64) -> audit::Entry<'static> {
    audit::Entry {
        clinic: caller.clinic,
        account: Some(caller.account),
        operation,
        patient: None,
        record: Some(what),
        version: Some(version),
        request: Some(caller.request),
    }
}
