//! Clinics: the tenants.

use super::Tx;
use crate::{
    domain::clinic::Clinic,
    error::Error,
    security::seal::{Class, OwnerKeys, Spot},
};
use entities::{clinic, clinic::Column};
use sea_orm::{
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
};
use serde::{Deserialize, Serialize};
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

/// A clinic, held until the unit ends.
pub async fn lock(tx: &Tx, id: Uuid, keys: &OwnerKeys) -> Result<Option<Clinic>, Error> {
    let row = clinic::Entity::find_by_id(id).lock_exclusive().one(tx.db()).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// Stores a clinic's new settings; the version is the new one.
pub async fn update(tx: &Tx, clinic: &Clinic, keys: &OwnerKeys) -> Result<(), Error> {
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
        time_zone: row.time_zone.parse().map_err(|_| Error::internal("a clinic's zone is unknown"))?,
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
