//! The row of a patient: their zone and contact, and the counter that numbers their record versions.

use super::{Scope, Tx, zones::zone_of};
use crate::error::Error;
use chrono_tz::Tz;
use entities::patient::{Column, Entity};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, QueryFilter, QuerySelect,
    sea_query::{Expr, Query},
};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Zone {
    time_zone: String,
}

/// Holds the patient's row until the unit ends, so that whatever is decided on their records stays true, and answers
/// their zone. (SQLite has one writer and needs no lock.)
pub async fn lock(tx: &Tx, scope: &Scope) -> Result<Tz, Error> {
    let row = Entity::find_by_id(scope.patient).filter(Column::ClinicId.eq(scope.clinic));
    let row = row.select_only().column(Column::TimeZone).lock_exclusive();
    parsed(row.into_model::<Zone>().one(tx.db()).await?)
}

/// A patient's zone.
pub async fn zone(db: &impl ConnectionTrait, scope: &Scope) -> Result<Tz, Error> {
    let row = Entity::find_by_id(scope.patient).filter(Column::ClinicId.eq(scope.clinic));
    parsed(row.select_only().column(Column::TimeZone).into_model::<Zone>().one(db).await?)
}

fn parsed(row: Option<Zone>) -> Result<Tz, Error> {
    zone_of(&row.ok_or(Error::NotFound)?.time_zone)
}

/// The next number for a record version. Counted in the writing transaction, so that there is neither gap nor double.
pub async fn next_seq(tx: &Tx, patient: Uuid) -> Result<i64, Error> {
    take_seqs(tx, patient, 1).await
}

/// The last of `n` next numbers.
pub async fn take_seqs(tx: &Tx, patient: Uuid, n: i64) -> Result<i64, Error> {
    let update = Query::update()
        .table(Entity)
        .value(Column::Seq, Expr::col(Column::Seq).add(n))
        .and_where(Column::Id.eq(patient))
        .returning_col(Column::Seq)
        .to_owned();
    let row = tx.db().query_one(&update).await?.ok_or(Error::NotFound)?;
    Ok(row.try_get("", "seq")?)
}

/// The country of a patient, which decides on their crisis lines; nothing for one who is not there.
pub async fn country(db: &impl ConnectionTrait, patient: Uuid) -> Result<String, Error> {
    let row = Entity::find_by_id(patient).select_only().column(Column::Country);
    Ok(row.into_tuple().one(db).await?.unwrap_or_default())
}

/// The clinic of a patient, if there is one.
pub async fn clinic_of(db: &impl ConnectionTrait, patient: Uuid) -> Result<Option<Uuid>, Error> {
    let row = Entity::find_by_id(patient).select_only().column(Column::ClinicId);
    Ok(row.into_tuple::<Uuid>().one(db).await?)
}
