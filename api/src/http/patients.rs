//! `/v1/patients`: who is under care. Staff reads; whom each may know of is the policy's matter.

use super::{
    cursor,
    permit::{Staff, audit_reads},
    profiles::Patient,
    resource::Tag,
};
use crate::{
    app::App,
    domain::profile::{PatientState, Profile},
    error::Error,
    security::access::{Roles, WorkHere},
    store::{care_team::Whose, profiles},
};
use poem_openapi::{ApiResponse, Object, OpenApi, param::Query, payload::Json, types::Example};
use uuid::Uuid;

/// A patient, in a list.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct PatientEntry {
    /// The patient.
    pub id: Uuid,
    /// How they want to be called.
    pub display_name: String,
    /// The name in Latin letters.
    pub name_latin: Option<String>,
    /// The language of the name, BCP 47.
    pub language: Option<String>,
    /// Their telephone.
    pub phone: Option<String>,
    /// Where they stand.
    pub state: PatientState,
}

impl From<Profile> for PatientEntry {
    fn from(profile: Profile) -> Self {
        let Profile { id, display_name, name_latin, language, phone, state, .. } = profile;
        Self { id, display_name, name_latin, language, phone, state }
    }
}

/// One page of patients.
#[derive(Debug, Clone, Object)]
#[oai(example)]
pub struct PatientPage {
    /// The patients, in the order in which they were invited.
    pub items: Vec<PatientEntry>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

impl Example for PatientPage {
    fn example() -> Self {
        let Patient { id, display_name, name_latin, language, phone, state, .. } = Patient::example();
        Self { items: vec![PatientEntry { id, display_name, name_latin, language, phone, state }], next_cursor: None }
    }
}

/// Patients.
#[derive(ApiResponse)]
pub enum Many {
    /// One page.
    #[oai(status = 200)]
    Page(Json<PatientPage>),
}

/// Patients.
pub struct Patients(pub App);

#[OpenApi(prefix_path = "/patients", tag = "Tag::Patients")]
impl Patients {
    /// List patients
    ///
    /// Of a clinician those whose care team they are on today, of an admin all of the clinic.
    #[oai(path = "/", method = "get", operation_id = "patients_list")]
    async fn list(
        &self,
        staff: Staff<WorkHere>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Many, Error> {
        let (caller, limit) = (&staff.caller, limit.0.unwrap_or(50));
        let after = cursor.0.as_deref().map(cursor::decode).transpose()?.map(|after| after.id);
        let today = self.0.clock.now().with_timezone(&caller.clinic_zone).date_naive();
        let admin = caller.roles.meet(Roles::ADMIN);
        let whose = (!admin).then_some(Whose::InCareOf(caller.account, today));
        let page = profiles::page(self.0.db.read(), &self.0.keys, caller.clinic, whose, after, limit).await?;
        let shown: Vec<Uuid> = page.items.iter().map(|profile| profile.id).collect();
        audit_reads(&self.0, caller, "patients_list", &shown).await?;
        let items = page.items.into_iter().map(Into::into).collect();
        Ok(Many::Page(Json(PatientPage { items, next_cursor: page.next.map(cursor::encode) })))
    }
}
