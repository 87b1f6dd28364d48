//! Clinics: the tenants.

use super::{Change, SignIns, Tx, audit, members, zones::zone_of};
use crate::{
    domain::{
        clinic::{Clinic, ClinicPatch},
        faults::Faults,
    },
    error::Error,
    security::{
        access::HeldRight,
        seal::{Class, OwnerKeys, Spot},
    },
};
use entities::{clinic, clinic::Column};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Serialize, Deserialize)]
struct Sealed {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

/// Starts a clinic.
pub async fn insert(tx: &Tx, clinic: &Clinic, keys: &OwnerKeys) -> Result<(), Error> {
    let row = clinic::ActiveModel { created_at: Set(tx.now().into()), ..row(clinic, keys)? };
    clinic::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// A clinic.
pub async fn find(db: &impl ConnectionTrait, id: Uuid, keys: &OwnerKeys) -> Result<Option<Clinic>, Error> {
    let row = clinic::Entity::find_by_id(id).one(db).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// The country of a clinic; nothing for one that is not there.
pub async fn country(db: &impl ConnectionTrait, id: Uuid) -> Result<String, Error> {
    let row = clinic::Entity::find_by_id(id).select_only().column(Column::Country);
    Ok(row.into_tuple().one(db).await?.unwrap_or_default())
}

/// Holds a clinic until the unit ends, so that what is decided by looking at several of its rows is decided by one at a
/// time, whichever process does it.
pub async fn hold(tx: &Tx, id: Uuid) -> Result<(), Error> {
    let row = clinic::Entity::find_by_id(id).select_only().column(clinic::Column::Id).lock_exclusive();
    row.into_tuple::<Uuid>().one(tx.db()).await?.ok_or(Error::NotFound)?;
    Ok(())
}

/// A clinic, held until the unit ends.
async fn lock(tx: &Tx, id: Uuid, keys: &OwnerKeys) -> Result<Option<Clinic>, Error> {
    let row = clinic::Entity::find_by_id(id).lock_exclusive().one(tx.db()).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// Changes a clinic's settings; `shown` is what a caller sees who holds another version.
pub async fn change(
    tx: &Tx,
    standing: &HeldRight,
    keys: &OwnerKeys,
    sign_ins: &SignIns,
    change: Change<ClinicPatch>,
    shown: impl FnOnce(&Clinic) -> Result<Value, Error>,
) -> Result<Clinic, Error> {
    let caller = &members::still(tx, standing).await?;
    let found = lock(tx, caller.clinic, keys).await?.ok_or(Error::NotFound)?;
    change.held.change(found.version, || shown(&found))?;
    let (patch, doubts) = change.patch.open();
    let mut changed = doubts.settle(apply(tx, &found, patch).await?)?;
    if changed == found {
        return Ok(found);
    }
    changed.version += 1;
    update(tx, &changed, keys).await?;
    let id = found.id;
    sign_ins.forget(tx, move |_, held| held.owner.clinic == id);
    let entry = audit::Entry::by_caller(caller, "clinic_update").record(id);
    audit::append(tx, entry.version(changed.version)).await?;
    Ok(changed)
}

/// The clinic after a change, or everything that is wrong with the change.
async fn apply(tx: &Tx, clinic: &Clinic, patch: ClinicPatch) -> Result<Result<Clinic, Faults>, Error> {
    let mut faults = Faults::default();
    for (pointer, member) in patch.members() {
        if members::roles(tx.db(), clinic.id, member).await?.is_none() {
            faults.add(pointer, "a member of this clinic");
        }
    }
    let changed = patch.apply(clinic.clone(), &mut faults);
    Ok(faults.none().map(|()| changed))
}

/// Stores a clinic's new settings; the version is the new one.
async fn update(tx: &Tx, clinic: &Clinic, keys: &OwnerKeys) -> Result<(), Error> {
    let row = row(clinic, keys)?;
    clinic::Entity::update_many().set(row).filter(Column::Id.eq(clinic.id)).exec(tx.db()).await?;
    Ok(())
}

fn row(clinic: &Clinic, keys: &OwnerKeys) -> Result<clinic::ActiveModel, Error> {
    let sealed = Sealed { name: clinic.name.clone(), phone: clinic.phone.clone() };
    let text = serde_json::to_string(&sealed).map_err(Error::internal)?;
    Ok(clinic::ActiveModel {
        id: Set(clinic.id),
        time_zone: Set(clinic.time_zone.name().to_owned()),
        country: Set(clinic.country.clone()),
        business_hours: Set(serde_json::to_string(&clinic.business_hours).map_err(Error::internal)?),
        on_call_member_id: Set(clinic.on_call_member_id),
        clinical_lead_member_id: Set(clinic.clinical_lead_member_id),
        safeguarding_member_id: Set(clinic.safeguarding_member_id),
        version: Set(clinic.version),
        sealed: Set(keys.seal(&spot(clinic.id, clinic.version), &text)?),
        created_at: NotSet,
    })
}

fn open(row: clinic::Model, keys: &OwnerKeys) -> Result<Clinic, Error> {
    let text = keys.open(&spot(row.id, row.version), &row.sealed)?;
    let Sealed { name, phone } = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(Clinic {
        id: row.id,
        name,
        phone,
        time_zone: zone_of(&row.time_zone)?,
        country: row.country,
        business_hours: serde_json::from_str(&row.business_hours).map_err(Error::internal)?,
        on_call_member_id: row.on_call_member_id,
        clinical_lead_member_id: row.clinical_lead_member_id,
        safeguarding_member_id: row.safeguarding_member_id,
        version: row.version,
    })
}

fn spot(clinic: Uuid, revision: i64) -> Spot<'static> {
    Spot { table: "clinic", column: "sealed", clinic, row: clinic, revision, class: Class::Clinic }
}
