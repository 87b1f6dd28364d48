//! `/v1/patients/{patient}`: a patient's profile. Patient, care team and admins read and change it.

use super::{
    body::Checked,
    permit::Permit,
    preconditions::{etag, if_match, shown},
    resource::Tag,
};
use crate::{
    app::App,
    domain::profile::{PatientPatch, PatientState, Profile, Quiet},
    error::Error,
    security::access,
    store::{Change, Precondition, Tx, profiles},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Header,
    payload::Json,
    types::{Example, MaybeUndefined},
};
use uuid::Uuid;

impl Example for PatientPatch {
    fn example() -> Self {
        let quiet = Quiet { start: "22:30".into(), end: "07:30".into() };
        Self {
            pronouns: MaybeUndefined::Value("they".into()),
            time_zone: MaybeUndefined::Value("Europe/Lisbon".into()),
            quiet_hours: MaybeUndefined::Value(quiet),
            ..Self::default()
        }
    }
}

/// A patient's profile.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none, example)]
pub struct Patient {
    /// The patient.
    pub id: Uuid,
    /// Rises by one with every change; the ETag.
    pub version: i64,
    /// How they want to be called.
    pub display_name: String,
    /// The name in Latin letters, where the display name is in others.
    pub name_latin: Option<String>,
    /// The language they speak with their therapist, BCP 47.
    pub language: Option<String>,
    /// How to speak of them.
    pub pronouns: Option<String>,
    /// Their telephone.
    pub phone: Option<String>,
    /// Their IANA zone now.
    pub time_zone: String,
    /// How dates and numbers are written for them, BCP 47.
    pub locale: String,
    /// Which crisis lines they are shown, ISO 3166-1 alpha-2.
    pub country: String,
    /// When they want to hear nothing.
    pub quiet_hours: Quiet,
    /// Where they stand.
    pub state: PatientState,
}

impl From<Profile> for Patient {
    fn from(profile: Profile) -> Self {
        Self {
            id: profile.id,
            version: profile.version,
            display_name: profile.display_name,
            name_latin: profile.name_latin,
            language: profile.language,
            pronouns: profile.pronouns,
            phone: profile.phone,
            time_zone: profile.time_zone.name().to_owned(),
            locale: profile.locale,
            country: profile.country,
            quiet_hours: profile.quiet_hours.into(),
            state: profile.state,
        }
    }
}

impl Example for Patient {
    fn example() -> Self {
        Self {
            id: Uuid::from_u128(0x0195_a1c0_11d4_7c60_9f3b_5a1e_0c7d_2b44),
            version: 3,
            display_name: "Noor".into(),
            name_latin: None,
            language: Some("de".into()),
            pronouns: Some("she".into()),
            phone: Some("+49 30 1234567".into()),
            time_zone: "Europe/Berlin".into(),
            locale: "de-DE".into(),
            country: "DE".into(),
            quiet_hours: Quiet { start: "22:00".into(), end: "07:00".into() },
            state: PatientState::Active,
        }
    }
}

/// A profile.
#[derive(ApiResponse)]
pub enum One {
    /// The profile, with its version as ETag.
    #[oai(status = 200)]
    Found(Json<Patient>, #[oai(header = "ETag")] String),
}

/// One patient's profile.
pub struct Profiles(pub App);

#[OpenApi(prefix_path = "/patients/:patient", tag = "Tag::Patients")]
impl Profiles {
    /// Read a profile
    ///
    /// `me` is the patient's word for themselves.
    #[oai(path = "/", method = "get", operation_id = "patients_read")]
    async fn read(&self, permit: Permit<access::Profile>) -> Result<One, Error> {
        let keys = self.0.keys.of_patient(permit.scope.patient).await?;
        let found = profiles::find(self.0.db.read(), permit.scope.clinic, permit.scope.patient, &keys).await?;
        permit.audit_read(&self.0, "patients_read", None).await?;
        Ok(answer(found.ok_or(Error::NotFound)?))
    }

    /// Change a profile
    ///
    /// What is left out stays, null takes away. Messages that have not left follow a new zone.
    #[oai(path = "/", method = "patch", operation_id = "patients_update")]
    async fn update(
        &self,
        permit: Permit<access::Profile>,
        /// The version that this changes, as its ETag.
        #[oai(name = "If-Match")]
        held: Header<Option<String>>,
        patch: Checked<PatientPatch>,
    ) -> Result<One, Error> {
        let held = if_match(held.0.as_deref())?;
        let change = Change { held, patch: patch.given() };
        let author = permit.author(&self.0).await?;
        let current = |profile: &Profile| shown(&Patient::from(profile.clone()));
        let unit = async move |tx: &Tx| profiles::change(tx, &author, change, current).await;
        let changed = self.0.db.write(permit.scope.patient, unit).await;
        let kept = |profile: &Profile| held == Precondition::Version(profile.version);
        Ok(answer(permit.answered(&self.0, "patients_read", None, changed, kept).await?))
    }
}

fn answer(profile: Profile) -> One {
    let tag = etag(profile.version);
    One::Found(Json(profile.into()), tag)
}
