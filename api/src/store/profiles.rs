//! Patients as persons: names and contact are sealed under the patient's own profile key.

use super::{After, Author, Change, Keys, Page, Tx, audit, care_team::Whose, reminders, zones::zone_of};
use crate::{
    domain::{
        profile::{PatientPatch, PatientState, Profile},
        recurrence::{QuietHours, TimeOfDay},
    },
    error::Error,
    security::seal::{Class, OwnerKeys, Spot},
};
use entities::{Micros, patient, patient::Column};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Sealed {
    display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name_latin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pronouns: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// Makes a patient.
pub async fn insert(tx: &Tx, profile: &Profile, keys: &OwnerKeys) -> Result<(), Error> {
    let row = patient::ActiveModel { seq: Set(0), created_at: Set(tx.now().into()), ..row(tx, profile, keys)? };
    patient::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// A patient of a clinic.
pub async fn find(
    db: &impl ConnectionTrait,
    clinic: Uuid,
    id: Uuid,
    keys: &OwnerKeys,
) -> Result<Option<Profile>, Error> {
    let row = patient::Entity::find_by_id(id).filter(Column::ClinicId.eq(clinic)).one(db).await?;
    row.map(|row| open(&row, keys)).transpose()
}

/// A patient of a clinic, held until the unit ends.
async fn lock(tx: &Tx, clinic: Uuid, id: Uuid, keys: &OwnerKeys) -> Result<Option<Profile>, Error> {
    let row = patient::Entity::find_by_id(id).filter(Column::ClinicId.eq(clinic)).lock_exclusive();
    row.one(tx.db()).await?.map(|row| open(&row, keys)).transpose()
}

/// Changes a profile; `shown` is what a caller sees who holds another version. Messages that have not left follow a new
/// zone and new quiet hours.
pub async fn change(
    tx: &Tx,
    author: &Author,
    change: Change<PatientPatch>,
    shown: impl FnOnce(&Profile) -> Result<Value, Error>,
) -> Result<Profile, Error> {
    author.hold(tx).await?;
    let found = lock(tx, author.scope.clinic, author.scope.patient, &author.keys).await?.ok_or(Error::NotFound)?;
    change.held.change(found.version, || shown(&found))?;
    let mut changed = change.patch.check(|patch| patch.apply(found.clone()))?;
    if changed == found {
        return Ok(found);
    }
    changed.version += 1;
    update(tx, &changed, &author.keys).await?;
    if (changed.time_zone, changed.quiet_hours) != (found.time_zone, found.quiet_hours) {
        reminders::follow_patient(tx, changed.id).await?;
    }
    audit::append(tx, audit::Entry::by(author, "patients_update").version(changed.version)).await?;
    Ok(changed)
}

/// Stores a patient's new profile; the version is the new one.
async fn update(tx: &Tx, profile: &Profile, keys: &OwnerKeys) -> Result<(), Error> {
    let row = row(tx, profile, keys)?;
    patient::Entity::update_many().set(row).filter(Column::Id.eq(profile.id)).exec(tx.db()).await?;
    Ok(())
}

/// One page of a clinic's patients, in the order of their ids: of some of them, or for an admin of all.
pub async fn page(
    db: &impl ConnectionTrait,
    keys: &Keys,
    clinic: Uuid,
    whose: Option<Whose>,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Page<Profile>, Error> {
    let mut page = patient::Entity::find().filter(Column::ClinicId.eq(clinic));
    if let Some(whose) = whose {
        page = page.filter(whose.holds(Column::Id));
    }
    if let Some(after) = after {
        page = page.filter(Column::Id.gt(after));
    }
    let rows = page.order_by_asc(Column::Id).limit(limit.saturating_add(1)).all(db).await?;
    let page = Page::cut(rows, limit, |row| After { at: row.created_at.into(), id: row.id });
    let keys = keys.of_patients(&page.items.iter().map(|row| row.id).collect::<Vec<_>>()).await?;
    let opened = |row: &patient::Model| {
        open(row, keys.get(&row.id).ok_or_else(|| Error::internal("a patient whose keys are gone"))?)
    };
    let profiles = page.items.iter().map(opened).collect::<Result<_, _>>()?;
    Ok(page.of(profiles))
}

/// Opens a row.
fn open(row: &patient::Model, keys: &OwnerKeys) -> Result<Profile, Error> {
    let text = keys.open(&spot(row.clinic_id, row.id, row.version), &row.sealed)?;
    let Sealed { display_name, name_latin, pronouns, phone } = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(Profile {
        id: row.id,
        clinic: row.clinic_id,
        display_name,
        name_latin,
        pronouns,
        phone,
        language: row.language.clone(),
        time_zone: zone_of(&row.time_zone)?,
        locale: row.locale.clone(),
        country: row.country.clone(),
        quiet_hours: quiet_hours(row)?,
        state: PatientState::from_code(row.state),
        version: row.version,
    })
}

/// A patient's quiet hours.
pub(super) fn quiet_hours(row: &patient::Model) -> Result<QuietHours, Error> {
    let time = |minutes: i16| u16::try_from(minutes).ok().and_then(TimeOfDay::from_minutes);
    let hours = time(row.quiet_start).zip(time(row.quiet_end)).map(|(start, end)| QuietHours { start, end });
    hours.ok_or_else(|| Error::internal("a patient's quiet hours are no times of day"))
}

/// Begins the care of a patient who was invited and has accepted.
pub async fn begin(
    tx: &Tx,
    clinic: Uuid,
    id: Uuid,
    display_name: Option<String>,
    zone: Option<chrono_tz::Tz>,
    keys: &OwnerKeys,
) -> Result<(), Error> {
    let mut profile = lock(tx, clinic, id, keys).await?.ok_or(Error::NotFound)?;
    if display_name.is_some() || zone.is_some() {
        profile.display_name = display_name.unwrap_or(profile.display_name);
        profile.time_zone = zone.unwrap_or(profile.time_zone);
        profile.version += 1;
        update(tx, &profile, keys).await?;
    }
    activate(tx, id).await?;
    reminders::follow_patient(tx, id).await
}

/// Makes an invited patient one under care.
async fn activate(tx: &Tx, id: Uuid) -> Result<(), Error> {
    patient::Entity::update_many()
        .col_expr(Column::State, Expr::value(PatientState::Active.code()))
        .col_expr(Column::UpdatedAt, Expr::value(Micros::from(tx.now())))
        .filter(Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}

fn row(tx: &Tx, profile: &Profile, keys: &OwnerKeys) -> Result<patient::ActiveModel, Error> {
    let sealed = Sealed {
        display_name: profile.display_name.clone(),
        name_latin: profile.name_latin.clone(),
        pronouns: profile.pronouns.clone(),
        phone: profile.phone.clone(),
    };
    let text = serde_json::to_string(&sealed).map_err(Error::internal)?;
    let minutes = |time: TimeOfDay| i16::try_from(time.minutes()).map_err(Error::internal);
    Ok(patient::ActiveModel {
        id: Set(profile.id),
        clinic_id: Set(profile.clinic),
        seq: NotSet,
        state: Set(profile.state.code()),
        time_zone: Set(profile.time_zone.name().to_owned()),
        locale: Set(profile.locale.clone()),
        country: Set(profile.country.clone()),
        language: Set(profile.language.clone()),
        quiet_start: Set(minutes(profile.quiet_hours.start)?),
        quiet_end: Set(minutes(profile.quiet_hours.end)?),
        version: Set(profile.version),
        sealed: Set(keys.seal(&spot(profile.clinic, profile.id, profile.version), &text)?),
        created_at: NotSet,
        updated_at: Set(tx.now().into()),
    })
}

fn spot(clinic: Uuid, row: Uuid, revision: i64) -> Spot<'static> {
    Spot { table: "patient", column: "sealed", clinic, row, revision, class: Class::Profile }
}
