//! Care relations: from which day to which day of the clinic a member may see a patient. Read with every request, never
//! cached. A removed relation is gone; the audit log keeps that it was.

mod today;

pub(super) use today::on_day;
pub use today::{Whose, care_of};

use super::{Decision, Precondition, Scope, Tx, audit, members, patients};
use crate::{
    domain::{
        care_team::NewCareRelation,
        faults::{Faults, Given},
    },
    error::Error,
    security::access::{Caller, HeldRight},
};
use chrono::NaiveDate;
use entities::{care_relation, care_relation::Column};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;

/// One relation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Its id.
    pub id: Uuid,
    /// The member.
    pub member: Uuid,
    /// Whether they are told first.
    pub primary: bool,
    /// The first day.
    pub from_on: NaiveDate,
    /// The last day.
    pub until_on: Option<NaiveDate>,
    /// Rises by one with every change.
    pub version: i64,
}

impl From<care_relation::Model> for Relation {
    fn from(row: care_relation::Model) -> Self {
        Self {
            id: row.id,
            member: row.member_id,
            primary: row.is_primary,
            from_on: row.from_on,
            until_on: row.until_on,
            version: row.version,
        }
    }
}

impl Relation {
    fn is(&self, new: &NewCareRelation) -> bool {
        let NewCareRelation { member_id, primary, from_on, until_on } = new;
        (self.member, self.primary, self.from_on, self.until_on) == (*member_id, *primary, *from_on, *until_on)
    }
}

/// What a write asks for.
#[derive(Debug)]
pub struct Wanted {
    /// Under which id; a new one if none is named.
    pub id: Option<Uuid>,
    /// What the caller holds of it.
    pub held: Precondition,
    /// What it is to be, with what is wrong with it.
    pub new: Given<NewCareRelation>,
}

/// Makes or replaces a relation, and what that came to; `shown` is what a caller sees who holds another version.
pub async fn put(
    tx: &Tx,
    standing: &HeldRight,
    scope: &Scope,
    wanted: Wanted,
    shown: impl FnOnce(&Relation) -> Result<Value, Error>,
) -> Result<(Relation, Decision), Error> {
    let caller = hold(tx, standing, scope).await?;
    let id = wanted.id.unwrap_or_else(|| tx.new_id());
    let Some(found) = lock(tx, scope, id).await? else {
        wanted.held.make()?;
        let relation = check(tx, scope, wanted.new, id, 1).await?;
        cede_primary(tx, caller, scope, &relation).await?;
        begin(tx, caller, scope, &relation).await?;
        return Ok((relation, Decision::Make));
    };
    let is_same = wanted.new.right().is_some_and(|new| found.is(new));
    let decision = wanted.held.put(found.version, is_same, || shown(&found))?;
    if decision == Decision::Keep {
        return Ok((found, decision));
    }
    let relation = check(tx, scope, wanted.new, id, found.version + 1).await?;
    cede_primary(tx, caller, scope, &relation).await?;
    change(tx, caller, scope, &relation).await?;
    Ok((relation, decision))
}

/// Removes a relation. One that is not there was removed by the request that this one repeats: there is nothing to tell
/// from an id that never was.
pub async fn remove(
    tx: &Tx,
    standing: &HeldRight,
    scope: &Scope,
    id: Uuid,
    held: Precondition,
    shown: impl FnOnce(&Relation) -> Result<Value, Error>,
) -> Result<(), Error> {
    let caller = hold(tx, standing, scope).await?;
    let Some(found) = lock(tx, scope, id).await? else { return Ok(()) };
    held.change(found.version, || shown(&found))?;
    undo(tx, caller, scope, &found).await
}

/// Begins a relation in the name of a caller who may.
pub async fn begin(tx: &Tx, caller: &Caller, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    insert(tx, scope, relation).await?;
    note(tx, caller, scope, "care_team_create", relation).await
}

async fn change(tx: &Tx, caller: &Caller, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    update(tx, scope, relation).await?;
    note(tx, caller, scope, "care_team_replace", relation).await
}

async fn undo(tx: &Tx, caller: &Caller, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    care_relation::Entity::delete_by_id((scope.patient, relation.id)).exec(tx.db()).await?;
    note(tx, caller, scope, "care_team_delete", relation).await
}

/// Holds the patient, so that the team is changed by one at a time, and looks whether whoever changes it still may.
async fn hold<'a>(tx: &Tx, standing: &'a HeldRight, scope: &Scope) -> Result<&'a Caller, Error> {
    patients::lock(tx, scope).await?;
    members::still_may(tx, standing, scope.patient).await?;
    Ok(&standing.caller)
}

/// The relation, or everything that is wrong with it.
async fn check(tx: &Tx, scope: &Scope, new: Given<NewCareRelation>, id: Uuid, version: i64) -> Result<Relation, Error> {
    let (new, doubts) = new.open();
    let mut faults = Faults::default();
    new.check(&mut faults);
    let NewCareRelation { member_id, primary, from_on, until_on } = new;
    members::check_clinician(tx, scope.clinic, "/member_id", member_id, &mut faults).await?;
    doubts.settle(faults.none())?;
    let relation = Relation { id, member: member_id, primary, from_on, until_on, version };
    if overlaps(tx, scope, &relation).await? { Err(Error::Exists) } else { Ok(relation) }
}

async fn note(
    tx: &Tx,
    caller: &Caller,
    scope: &Scope,
    operation: &'static str,
    relation: &Relation,
) -> Result<(), Error> {
    let entry = audit::Entry::by_caller(caller, operation).patient(scope.patient);
    audit::append(tx, entry.record(relation.id).version(relation.version)).await
}

/// A patient's relations, past and future ones too, newest first day first.
pub async fn list(db: &impl ConnectionTrait, scope: &Scope) -> Result<Vec<Relation>, Error> {
    let rows = care_relation::Entity::find().filter(Column::PatientId.eq(scope.patient));
    let rows = rows.order_by_desc(Column::FromOn).order_by_desc(Column::Id).all(db).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One of a patient's relations.
pub async fn find(db: &impl ConnectionTrait, scope: &Scope, id: Uuid) -> Result<Option<Relation>, Error> {
    Ok(care_relation::Entity::find_by_id((scope.patient, id)).one(db).await?.map(Into::into))
}

/// The same, held until the unit ends: whoever leaves the clinic ends their relations without holding each patient.
async fn lock(tx: &Tx, scope: &Scope, id: Uuid) -> Result<Option<Relation>, Error> {
    let row = care_relation::Entity::find_by_id((scope.patient, id)).lock_exclusive();
    Ok(row.one(tx.db()).await?.map(Into::into))
}

/// Whether a member has another relation to the patient on any of the same days.
async fn overlaps(tx: &Tx, scope: &Scope, relation: &Relation) -> Result<bool, Error> {
    let mut others = care_relation::Entity::find()
        .filter(Column::PatientId.eq(scope.patient))
        .filter(Column::MemberId.eq(relation.member))
        .filter(Column::Id.ne(relation.id))
        .filter(not_over(relation.from_on));
    if let Some(until) = relation.until_on {
        others = others.filter(Column::FromOn.lte(until));
    }
    Ok(others.one(tx.db()).await?.is_some())
}

/// Makes a relation.
pub async fn insert(tx: &Tx, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    let row = care_relation::Model {
        patient_id: scope.patient,
        id: relation.id,
        member_id: relation.member,
        is_primary: relation.primary,
        from_on: relation.from_on,
        until_on: relation.until_on,
        version: relation.version,
        created_at: tx.now().into(),
    };
    care_relation::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Stores what a relation is now; the version is the new one.
async fn update(tx: &Tx, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    let row = care_relation::ActiveModel {
        member_id: Set(relation.member),
        is_primary: Set(relation.primary),
        from_on: Set(relation.from_on),
        until_on: Set(relation.until_on),
        version: Set(relation.version),
        ..Default::default()
    };
    let of = Condition::all().add(Column::PatientId.eq(scope.patient)).add(Column::Id.eq(relation.id));
    care_relation::Entity::update_many().set(row).filter(of).exec(tx.db()).await?;
    Ok(())
}

/// Ends a member's relations to all patients: what has not begun goes, what holds ends the day before.
pub async fn end_all(tx: &Tx, caller: &Caller, member: Uuid, today: NaiveDate) -> Result<(), Error> {
    let not_over = care_relation::Entity::find().filter(Column::MemberId.eq(member)).filter(not_over(today));
    for row in not_over.order_by_asc(Column::Id).lock_exclusive().all(tx.db()).await? {
        let scope = Scope { clinic: caller.clinic, patient: row.patient_id, sees_private: false };
        let mut relation = Relation::from(row);
        if relation.from_on >= today {
            undo(tx, caller, &scope, &relation).await?;
        } else {
            relation.until_on = today.pred_opt();
            relation.version += 1;
            change(tx, caller, &scope, &relation).await?;
        }
    }
    Ok(())
}

/// The relations that go on on a day, or are to come.
fn not_over(day: NaiveDate) -> Condition {
    Condition::any().add(Column::UntilOn.is_null()).add(Column::UntilOn.gte(day))
}

/// Which of the relations of one patient's team, on a day on which all of them hold, is told first: of those that are
/// primary the one that began last. Who begins later takes the primacy over on that day.
pub fn primary<'a>(team: impl IntoIterator<Item = &'a care_relation::Model>) -> Option<Uuid> {
    let primaries = team.into_iter().filter(|relation| relation.is_primary);
    primaries.max_by_key(|relation| (relation.from_on, relation.created_at, relation.id)).map(|relation| relation.id)
}

/// No other relation of a patient stays primary beside one that is so and has begun.
async fn cede_primary(tx: &Tx, caller: &Caller, scope: &Scope, relation: &Relation) -> Result<(), Error> {
    // Who begins later leaves the primacy where it is until then: somebody is first to be told on every day.
    let today = tx.now().with_timezone(&caller.clinic_zone).date_naive();
    if !relation.primary || relation.from_on > today {
        return Ok(());
    }
    let others = care_relation::Entity::find()
        .filter(Column::PatientId.eq(scope.patient))
        .filter(Column::Id.ne(relation.id))
        .filter(Column::IsPrimary.eq(true))
        .filter(not_over(today));
    for row in others.order_by_asc(Column::Id).lock_exclusive().all(tx.db()).await? {
        let other = Relation { primary: false, version: row.version + 1, ..Relation::from(row) };
        change(tx, caller, scope, &other).await?;
    }
    Ok(())
}
