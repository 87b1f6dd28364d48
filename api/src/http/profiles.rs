//! `/v1/patients/{patient}`: a patient's profile. Patient, care team and admins read and change it.

use super::{
    body::Checked,
    permit::Permit,
    preconditions::{etag, expect, if_match},
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        clinic::zone,
        faults::Faults,
        profile::{PatientState, Profile},
        recurrence::{QuietHours, TimeOfDay},
    },
    error::Error,
    security::access,
    store::{Tx, audit, profiles, reminders},
};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::Header,
    payload::Json,
    types::{Example, MaybeUndefined, ToJSON},
};
use uuid::Uuid;

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
        let QuietHours { start, end } = profile.quiet_hours;
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
            quiet_hours: Quiet { start: start.to_string(), end: end.to_string() },
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
        let author = permit.author(&self.0).await?;
        let unit = async move |tx: &Tx| {
            let found = profiles::lock(tx, author.scope.clinic, author.scope.patient, &author.keys).await?;
            let found = found.ok_or(Error::NotFound)?;
            expect(held, found.version, || Patient::from(found.clone()).to_json())?;
            let mut changed = apply(found.clone(), patch.outcome()?)?;
            if changed == found {
                return Ok(found);
            }
            changed.version += 1;
            profiles::update(tx, &changed, &author.keys).await?;
            if (changed.time_zone, changed.quiet_hours) != (found.time_zone, found.quiet_hours) {
                reminders::follow_patient(tx, changed.id).await?;
            }
            let entry = audit::Entry {
                clinic: author.scope.clinic,
                account: Some(author.account),
                operation: "patients_update",
                patient: Some(changed.id),
                record: None,
                version: Some(changed.version),
                request: Some(author.request),
            };
            audit::append(tx, entry).await?;
            Ok(changed)
        };
        Ok(answer(self.0.db.write(permit.scope.patient, unit).await?))
    }
}

fn answer(profile: Profile) -> One {
    let tag = etag(profile.version);
    One::Found(Json(profile.into()), tag)
}

/// The profile after a change, or everything that is wrong with the change.
fn apply(mut profile: Profile, patch: PatientPatch) -> Result<Profile, Faults> {
    let mut faults = Faults::default();
    let mut set = |pointer: &str, to: &mut String, value| replace(pointer, to, value, &mut faults);
    set("/display_name", &mut profile.display_name, patch.display_name);
    set("/locale", &mut profile.locale, patch.locale);
    set("/country", &mut profile.country, patch.country);
    let mut named = profile.time_zone.name().to_owned();
    set("/time_zone", &mut named, patch.time_zone);
    profile.time_zone = zone("/time_zone", &named, &mut faults).unwrap_or(profile.time_zone);
    let QuietHours { start, end } = profile.quiet_hours;
    let mut quiet = Quiet { start: start.to_string(), end: end.to_string() };
    replace("/quiet_hours", &mut quiet, patch.quiet_hours, &mut faults);
    profile.quiet_hours = quiet_hours(&quiet, &mut faults).unwrap_or(profile.quiet_hours);
    for (to, value) in [
        (&mut profile.name_latin, patch.name_latin),
        (&mut profile.language, patch.language),
        (&mut profile.pronouns, patch.pronouns),
        (&mut profile.phone, patch.phone),
    ] {
        if !value.is_undefined() {
            *to = value.take();
        }
    }
    faults.none()?;
    Ok(profile)
}

fn quiet_hours(quiet: &Quiet, faults: &mut Faults) -> Option<QuietHours> {
    let mut time = |name: &str, text: &str| {
        let time = text.parse::<TimeOfDay>();
        time.map_err(|expected| faults.add(format!("/quiet_hours/{name}"), expected)).ok()
    };
    let (start, end) = (time("start", &quiet.start), time("end", &quiet.end));
    Some(QuietHours { start: start?, end: end? })
}

/// Changes what must have a value.
pub(super) fn replace<T>(pointer: &str, to: &mut T, value: MaybeUndefined<T>, faults: &mut Faults) {
    match value {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => faults.add(pointer, "may be left out, but not taken away"),
        MaybeUndefined::Value(value) => *to = value,
    }
}
