//! Who is on whose care team on a day: what decides whom a member may know of.

use super::primary;
use crate::{
    error::Error,
    security::access::{Caller, Care},
};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    care_relation::{Column, Entity},
    patient,
};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

/// Whose rows are read.
#[derive(Debug, Clone, Copy)]
pub enum Whose {
    /// One patient's.
    Patient(Uuid),
    /// Those of everybody on whose care team a member is, on a day of the clinic.
    InCareOf(Uuid, NaiveDate),
}

impl Whose {
    /// Whether a column that names a patient names one of them.
    pub(in crate::store) fn holds(self, patient: impl ColumnTrait) -> Expr {
        match self {
            Self::Patient(id) => patient.eq(id),
            Self::InCareOf(member, today) => {
                let mut cared_for = Query::select();
                cared_for.column(Column::PatientId).from(Entity);
                cared_for.and_where(Column::MemberId.eq(member)).cond_where(on_day(today));
                patient.in_subquery(cared_for)
            }
        }
    }
}

/// The relations that hold on a day.
pub(in crate::store) fn on_day(day: NaiveDate) -> Condition {
    let open = Condition::any().add(Column::UntilOn.is_null()).add(Column::UntilOn.gte(day));
    Condition::all().add(Column::FromOn.lte(day)).add(open)
}

/// What a member has to do with a patient of their clinic today; `Error::NotFound` for a patient of another clinic.
pub async fn care_of(
    db: &impl ConnectionTrait,
    caller: &Caller,
    patient: Uuid,
    now: DateTime<Utc>,
) -> Result<Care, Error> {
    let today = now.with_timezone(&caller.clinic_zone).date_naive();
    let known = patient::Entity::find_by_id(patient).filter(patient::Column::ClinicId.eq(caller.clinic));
    known.select_only().column(patient::Column::Id).into_tuple::<Uuid>().one(db).await?.ok_or(Error::NotFound)?;
    let team = Entity::find().filter(Column::PatientId.eq(patient)).filter(on_day(today)).all(db).await?;
    let primary = primary(&team);
    let mut own = team.iter().filter(|relation| relation.member_id == caller.account).peekable();
    Ok(Care { on_team: own.peek().is_some(), is_primary: own.any(|relation| primary == Some(relation.id)) })
}
