//! Members of a clinic. A row outlives the membership: what somebody wrote keeps its author.

use super::Tx;
use crate::{
    error::Error,
    security::{
        access::Roles,
        seal::{Class, OwnerKeys, Spot},
    },
};
use entities::{Micros, member, member::Column};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The id, which is the account's.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// How they are called.
    pub display_name: String,
    /// What they do.
    pub roles: Roles,
    /// Rises by one with every change.
    pub version: i64,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    display_name: String,
}

/// Makes a member.
pub async fn insert(tx: &Tx, member: &Member, keys: &OwnerKeys) -> Result<(), Error> {
    let row = member::ActiveModel {
        id: Set(member.id),
        clinic_id: Set(member.clinic),
        roles: Set(member.roles.code()),
        version: Set(member.version),
        sealed: Set(seal(member, keys)?),
        created_at: Set(tx.now().into()),
        ended_at: Set(None),
    };
    member::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// The members of a clinic, oldest first.
pub async fn list(db: &impl ConnectionTrait, clinic: Uuid, keys: &OwnerKeys) -> Result<Vec<Member>, Error> {
    let rows = of(clinic).order_by_asc(Column::Id).all(db).await?;
    rows.into_iter().map(|row| open(row, keys)).collect()
}

/// A member of a clinic.
pub async fn find(
    db: &impl ConnectionTrait,
    clinic: Uuid,
    id: Uuid,
    keys: &OwnerKeys,
) -> Result<Option<Member>, Error> {
    let row = of(clinic).filter(Column::Id.eq(id)).one(db).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// A member of a clinic, held until the unit ends.
pub async fn lock(tx: &Tx, clinic: Uuid, id: Uuid, keys: &OwnerKeys) -> Result<Option<Member>, Error> {
    let row = of(clinic).filter(Column::Id.eq(id)).lock_exclusive().one(tx.db()).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// The roles of a member of a clinic.
pub async fn roles(db: &impl ConnectionTrait, clinic: Uuid, id: Uuid) -> Result<Option<Roles>, Error> {
    Ok(of(clinic).filter(Column::Id.eq(id)).one(db).await?.map(|row| Roles::from_code(row.roles)))
}

/// Whether a clinic has an admin beside this member.
pub async fn another_admin(tx: &Tx, clinic: Uuid, than: Uuid) -> Result<bool, Error> {
    let others = of(clinic).filter(Column::Id.ne(than)).all(tx.db()).await?;
    Ok(others.iter().any(|row| Roles::from_code(row.roles).meet(Roles::ADMIN)))
}

/// Stores a member's new name and roles; the version is the new one.
pub async fn update(tx: &Tx, member: &Member, keys: &OwnerKeys) -> Result<(), Error> {
    member::Entity::update_many()
        .col_expr(Column::Roles, Expr::value(member.roles.code()))
        .col_expr(Column::Version, Expr::value(member.version))
        .col_expr(Column::Sealed, Expr::value(seal(member, keys)?))
        .filter(Column::Id.eq(member.id))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// Ends a membership.
pub async fn end(tx: &Tx, id: Uuid) -> Result<(), Error> {
    let update = member::Entity::update_many().filter(Column::Id.eq(id));
    update.col_expr(Column::EndedAt, Expr::value(Micros::from(tx.now()))).exec(tx.db()).await?;
    Ok(())
}

fn of(clinic: Uuid) -> sea_orm::Select<member::Entity> {
    member::Entity::find().filter(Column::ClinicId.eq(clinic)).filter(Column::EndedAt.is_null())
}

fn open(row: member::Model, keys: &OwnerKeys) -> Result<Member, Error> {
    let text = keys.open(&spot(row.clinic_id, row.id, row.version), &row.sealed)?;
    let Sealed { display_name } = serde_json::from_str(&text).map_err(Error::internal)?;
    let roles = Roles::from_code(row.roles);
    Ok(Member { id: row.id, clinic: row.clinic_id, display_name, roles, version: row.version })
}

fn seal(member: &Member, keys: &OwnerKeys) -> Result<Vec<u8>, Error> {
    let sealed = Sealed { display_name: member.display_name.clone() };
    let text = serde_json::to_string(&sealed).map_err(Error::internal)?;
    keys.seal(&spot(member.clinic, member.id, member.version), &text)
}

fn spot(clinic: Uuid, row: Uuid, revision: i64) -> Spot<'static> {
    Spot { table: "member", column: "sealed", clinic, row, revision, class: Class::Clinic }
}
