//! `/v1/clinic`: the caller's own clinic. Staff read it, patients its name; admins write.

use super::{
    body::Checked,
    permit::{SignedIn, Staff},
    preconditions::{etag, if_match, shown},
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        business_hours::{BusinessHours, OpeningHours},
        clinic::{self, ClinicPatch},
    },
    error::Error,
    security::access::Administer,
    store::{Change, Tx, clinics},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Header,
    payload::Json,
    types::{Example, MaybeUndefined},
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
        let change = Change { held: if_match(held.0.as_deref())?, patch: patch.given() };
        let (owner, standing) = (staff.caller.clinic, staff.standing());
        let (keys, sign_ins) = (self.0.keys.of_clinic(owner).await?, self.0.sign_ins.clone());
        let current = |clinic: &clinic::Clinic| shown(&Clinic::for_staff(clinic.clone()));
        let unit = async move |tx: &Tx| clinics::change(tx, &standing, &keys, &sign_ins, change, current).await;
        Ok(answer(self.0.db.write(owner, unit).await?))
    }
}

fn answer(clinic: clinic::Clinic) -> One {
    let tag = etag(clinic.version);
    One::Found(Json(Clinic::for_staff(clinic)), Some(tag))
}
