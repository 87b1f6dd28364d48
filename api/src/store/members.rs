//! Members of a clinic. A row outlives the membership: what somebody wrote keeps its author.

use super::{Change, Precondition, SignIns, Tx, accounts, audit, care_team, clinics, sign_ins};
use crate::{
    domain::{accounts::MemberPatch, faults::Faults},
    error::Error,
    security::{
        access::{Caller, HeldRight, Roles},
        seal::{Class, OwnerKeys, Spot},
    },
};
use entities::{Micros, member, member::Column};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect,
    sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
async fn lock(tx: &Tx, clinic: Uuid, id: Uuid, keys: &OwnerKeys) -> Result<Option<Member>, Error> {
    let row = of(clinic).filter(Column::Id.eq(id)).lock_exclusive().one(tx.db()).await?;
    row.map(|row| open(row, keys)).transpose()
}

/// The roles of a member of a clinic.
pub async fn roles(db: &impl ConnectionTrait, clinic: Uuid, id: Uuid) -> Result<Option<Roles>, Error> {
    Ok(of(clinic).filter(Column::Id.eq(id)).one(db).await?.map(|row| Roles::from_code(row.roles)))
}

#[derive(FromQueryResult)]
struct Role {
    id: Uuid,
    roles: i16,
}

/// Who is a member of a clinic, and as what.
pub async fn roles_of_all(db: &impl ConnectionTrait, clinic: Uuid) -> Result<Vec<(Uuid, Roles)>, Error> {
    let rows = of(clinic).select_only().columns([Column::Id, Column::Roles]).order_by_asc(Column::Id);
    let rows = rows.into_model::<Role>().all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, Roles::from_code(row.roles))).collect())
}

/// Notes a fault if somebody is no therapist or prescriber of the clinic.
pub async fn check_clinician(tx: &Tx, clinic: Uuid, pointer: &str, id: Uuid, faults: &mut Faults) -> Result<(), Error> {
    if !roles(tx.db(), clinic, id).await?.is_some_and(|roles| roles.meet(Roles::CLINICIAN)) {
        faults.add(pointer, "a therapist or prescriber of this clinic");
    }
    Ok(())
}

/// Looks once more, in the unit that makes use of it, whether a member holds a right over a patient.
pub async fn still_may(tx: &Tx, standing: &HeldRight, patient: Uuid) -> Result<(), Error> {
    let caller = still(tx, standing).await?;
    let care = care_team::care_of(tx.db(), &caller, patient, tx.now()).await?;
    (standing.may)(&caller, Some(care))
}

/// The same for a right over no patient in particular; answers the caller with the roles of this moment.
pub async fn still(tx: &Tx, standing: &HeldRight) -> Result<Caller, Error> {
    let caller = &standing.caller;
    let roles = roles(tx.db(), caller.clinic, caller.account).await?.ok_or(Error::Unauthenticated)?;
    if roles.meet(standing.holders) { Ok(Caller { roles, ..caller.clone() }) } else { Err(Error::Forbidden) }
}

/// Whether a clinic has an admin beside this member.
async fn another_admin(tx: &Tx, clinic: Uuid, than: Uuid) -> Result<bool, Error> {
    let others = of(clinic).filter(Column::Id.ne(than)).all(tx.db()).await?;
    Ok(others.iter().any(|row| Roles::from_code(row.roles).meet(Roles::ADMIN)))
}

/// Changes a member's name and roles; `shown` is what a caller sees who holds another version.
pub async fn change(
    tx: &Tx,
    standing: &HeldRight,
    keys: &OwnerKeys,
    sign_ins: &SignIns,
    id: Uuid,
    change: Change<MemberPatch>,
    shown: impl FnOnce(&Member) -> Result<Value, Error>,
) -> Result<Member, Error> {
    clinics::hold(tx, standing.caller.clinic).await?;
    let caller = &still(tx, standing).await?;
    let found = lock(tx, caller.clinic, id, keys).await?.ok_or(Error::NotFound)?;
    change.held.change(found.version, || shown(&found))?;
    let MemberPatch { display_name, roles } = change.patch.value()?;
    let mut changed = found.clone();
    changed.display_name = display_name.unwrap_or(changed.display_name);
    changed.roles = roles.map_or(changed.roles, |roles| roles.into_iter().collect());
    if changed == found {
        return Ok(found);
    }
    keep_an_admin(tx, &found, changed.roles).await?;
    changed.version += 1;
    update(tx, &changed, keys).await?;
    sign_ins.forget(tx, move |_, held| held.owner.account == id);
    let entry = audit::Entry::by_caller(caller, "members_update").record(id);
    audit::append(tx, entry.version(changed.version)).await?;
    Ok(changed)
}

/// Ends a membership: the sign-ins and the places on care teams end with it.
pub async fn end(
    tx: &Tx,
    standing: &HeldRight,
    keys: &OwnerKeys,
    known: &SignIns,
    id: Uuid,
    held: Precondition,
    shown: impl FnOnce(&Member) -> Result<Value, Error>,
) -> Result<(), Error> {
    clinics::hold(tx, standing.caller.clinic).await?;
    let caller = &still(tx, standing).await?;
    let found = lock(tx, caller.clinic, id, keys).await?.ok_or(Error::NotFound)?;
    held.change(found.version, || shown(&found))?;
    keep_an_admin(tx, &found, Roles::NONE).await?;
    let ended = member::Entity::update_many().filter(Column::Id.eq(id));
    ended.col_expr(Column::EndedAt, Expr::value(Micros::from(tx.now()))).exec(tx.db()).await?;
    accounts::disable(tx, id).await?;
    sign_ins::remove_all(tx, id).await?;
    care_team::end_all(tx, caller, id, tx.now().with_timezone(&caller.clinic_zone).date_naive()).await?;
    known.forget(tx, move |_, held| held.owner.account == id);
    let entry = audit::Entry::by_caller(caller, "members_delete").record(id);
    audit::append(tx, entry.version(found.version)).await
}

async fn keep_an_admin(tx: &Tx, member: &Member, roles: Roles) -> Result<(), Error> {
    let leaves = member.roles.meet(Roles::ADMIN) && !roles.meet(Roles::ADMIN);
    if leaves && !another_admin(tx, member.clinic, member.id).await? {
        return Err(Error::ImpossibleStep("this is the clinic's last admin"));
    }
    Ok(())
}

/// Stores a member's new name and roles; the version is the new one.
async fn update(tx: &Tx, member: &Member, keys: &OwnerKeys) -> Result<(), Error> {
    member::Entity::update_many()
        .col_expr(Column::Roles, Expr::value(member.roles.code()))
        .col_expr(Column::Version, Expr::value(member.version))
        .col_expr(Column::Sealed, Expr::value(seal(member, keys)?))
        .filter(Column::Id.eq(member.id))
        .exec(tx.db())
        .await?;
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
