//! Where a patient stands on each instrument: one row, kept by the units that write what it depends on, so that the
//! caseload reads no history.

use super::{Scope, Tx, bulk, care_team::Whose};
use crate::{
    domain::{
        assessments::instrument_of,
        instruments,
        record::Kind,
        sessions::is_completed_dosing,
        standing::{Score, Standing, Status},
    },
    error::Error,
};
use chrono::{DateTime, Utc};
use entities::{
    Micros, measurement, record,
    standing::{Column, Entity, Model},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
    sea_query::{Expr, OnConflict},
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// A standing as it is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Kept {
    /// The scores.
    pub standing: Standing,
    /// What can be said; `None` where response has to be worked out.
    pub status: Option<Status>,
}

/// Where some patients stand on an instrument; one who was never measured has no row.
pub async fn of_patients(
    db: &impl ConnectionTrait,
    whose: Whose,
    instrument: i16,
) -> Result<HashMap<Uuid, Kept>, Error> {
    let rows = Entity::find().filter(whose.holds(Column::PatientId)).filter(Column::Instrument.eq(instrument));
    let rows = rows.all(db).await?;
    rows.into_iter().map(|row| Ok((row.patient_id, kept(&row)?))).collect()
}

fn kept(row: &Model) -> Result<Kept, Error> {
    let unknown = || Error::internal("a standing of unknown status");
    let score =
        |total: Option<f64>, at: Option<Micros>| total.zip(at).map(|(total, at)| Score { at: at.into(), total });
    Ok(Kept {
        standing: Standing {
            baseline: score(row.baseline, row.baseline_at),
            late_baseline: row.late_baseline,
            best: score(row.best, row.best_at),
            latest: score(row.latest, row.latest_at),
        },
        status: row.status.map(|code| Status::from_code(code).ok_or_else(unknown)).transpose()?,
    })
}

/// Works standings out anew that a written record can change: those of its instrument before and after, and all of them
/// when a dosing session moves, since the baseline is measured against the first.
pub async fn follow_record(
    tx: &Tx,
    scope: &Scope,
    before: Option<&record::Model>,
    after: Option<&record::Model>,
    is_dose: bool,
) -> Result<(), Error> {
    let rows = || before.into_iter().chain(after).filter(|row| !row.deleted);
    let kind = rows().next().and_then(|row| Kind::from_code(row.kind));
    let touched: BTreeSet<i16> = match kind {
        Some(Kind::Assessments) => {
            rows().map(|row| Ok(instrument_of(&row.facts)?.series)).collect::<Result<_, Error>>()?
        }
        Some(Kind::Sessions) if is_dose => instruments::all().iter().map(|one| one.series).collect(),
        _ => return Ok(()),
    };
    let first_session = first_session(tx, scope.patient).await?;
    for series in touched {
        let scores = scores(tx, scope.patient, series).await?;
        if kind == Some(Kind::Assessments) || !scores.is_empty() {
            save(tx, scope.patient, series, &Standing::of(&scores, first_session)).await?;
        }
    }
    Ok(())
}

async fn scores(tx: &Tx, patient: Uuid, series: i16) -> Result<Vec<Score>, Error> {
    let rows = measurement::Entity::find()
        .select_only()
        .columns([measurement::Column::OccurredAt, measurement::Column::Value])
        .filter(measurement::Column::PatientId.eq(patient))
        .filter(measurement::Column::Series.eq(series))
        .filter(measurement::Column::Value.is_not_null())
        .order_by_asc(measurement::Column::OccurredAt)
        .order_by_asc(measurement::Column::RecordId)
        .into_model::<Total>()
        .all(tx.db())
        .await?;
    Ok(rows.into_iter().map(|row| Score { at: row.occurred_at.into(), total: row.value }).collect())
}

#[derive(FromQueryResult)]
struct Total {
    occurred_at: Micros,
    value: f64,
}

#[derive(FromQueryResult)]
struct Session {
    occurred_at: Micros,
    facts: String,
}

/// The start of the first completed dosing session.
async fn first_session(tx: &Tx, patient: Uuid) -> Result<Option<DateTime<Utc>>, Error> {
    let sessions = record::Entity::find()
        .select_only()
        .columns([record::Column::OccurredAt, record::Column::Facts])
        .filter(record::Column::PatientId.eq(patient))
        .filter(record::Column::Kind.eq(Kind::Sessions.code()))
        .filter(Expr::col(record::Column::Deleted).not())
        .order_by_asc(record::Column::OccurredAt)
        .into_model::<Session>()
        .all(tx.db())
        .await?;
    for session in sessions {
        if is_completed_dosing(&session.facts)? {
            return Ok(Some(session.occurred_at.into()));
        }
    }
    Ok(None)
}

/// Stores the standings of a patient who has none yet, by the number of the instrument.
pub async fn insert_all(tx: &Tx, patient: Uuid, standings: &[(i16, Standing)]) -> Result<(), Error> {
    Ok(bulk::insert(tx.db(), standings.iter().map(|(series, standing)| row(patient, *series, standing))).await?)
}

fn row(patient: Uuid, series: i16, standing: &Standing) -> Model {
    let at = |score: Option<Score>| score.map(|score| Micros::from(score.at));
    let total = |score: Option<Score>| score.map(|score| score.total);
    Model {
        patient_id: patient,
        instrument: series,
        baseline: total(standing.baseline),
        baseline_at: at(standing.baseline),
        late_baseline: standing.late_baseline,
        best: total(standing.best),
        best_at: at(standing.best),
        latest: total(standing.latest),
        latest_at: at(standing.latest),
        status: standing.status().map(Status::code),
    }
}

async fn save(tx: &Tx, patient: Uuid, series: i16, standing: &Standing) -> Result<(), Error> {
    let row = row(patient, series, standing);
    let changed = [
        Column::Baseline,
        Column::BaselineAt,
        Column::LateBaseline,
        Column::Best,
        Column::BestAt,
        Column::Latest,
        Column::LatestAt,
        Column::Status,
    ];
    let replace = OnConflict::columns([Column::PatientId, Column::Instrument]).update_columns(changed).to_owned();
    Entity::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(tx.db()).await?;
    Ok(())
}
