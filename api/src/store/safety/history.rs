//! What the rules must know of a patient's history, read window by window, and what they find in it.

use super::Occasion;
use crate::{
    domain::{
        instruments::PHQ_9_SERIES,
        mood_scores,
        record::Kind,
        safety::{
            Finding, Rule, State,
            doses::{self, Dose, DosingSession, History, Limits},
            in_order,
            moods::{self, Histogram, Mood},
            thoughts::{self, Form},
            windows::{DoseWindow, FORMS_AROUND, MoodWindow, Span, Windows},
        },
        sessions::completed_dosing,
    },
    error::Error,
    store::Tx,
};
use chrono::{DateTime, NaiveDate, Utc};
use entities::{
    Micros, flag,
    measurement::{Column as Measured, Entity as Measurements, Model as Measurement},
    record::{self, Column},
};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Func},
};
use std::collections::HashMap;
use uuid::Uuid;

/// What the rules on thoughts and doses find at every record that the windows touch, in order of time.
pub(super) async fn thoughts_and_doses(tx: &Tx, written: Occasion, windows: &Windows) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for at in &windows.forms {
        found.extend(at_forms(tx, written, *at).await?);
    }
    if !windows.doses.is_empty() {
        found.extend(at_doses(tx, written.patient, &windows.doses).await?);
    }
    Ok(in_order(found))
}

/// The drops of mood at every record that the windows touch, in order of time, as the flags now are.
pub(super) async fn drops(tx: &Tx, written: Occasion, windows: &Windows) -> Result<Vec<Finding>, Error> {
    let mut found = Vec::new();
    for window in &windows.moods {
        found.extend(at_moods(tx, written.patient, window).await?);
    }
    if !windows.lifted.is_empty() && has_grave_flag(tx, written.patient).await? {
        for window in &windows.lifted {
            found.extend(at_moods(tx, written.patient, window).await?);
        }
    }
    Ok(in_order(found))
}

/// The versions of records at which something was found, but for the one that was written.
pub(super) async fn versions(
    tx: &Tx,
    written: Occasion,
    found: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i64>, Error> {
    let others: Vec<Uuid> = found.filter(|record| *record != written.record).collect();
    if others.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = record::Entity::find().select_only().columns([Column::Id, Column::Version]);
    let rows = rows.filter(Column::PatientId.eq(written.patient)).filter(Column::Id.is_in(others));
    let rows = rows.into_model::<Versioned>().all(tx.db()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.version)).collect())
}

#[derive(FromQueryResult)]
struct Versioned {
    id: Uuid,
    version: i64,
}

async fn at_forms(tx: &Tx, written: Occasion, at: DateTime<Utc>) -> Result<Vec<Finding>, Error> {
    let at_column = Micros::from(at);
    let forms = || series(written.patient, PHQ_9_SERIES);
    let until = forms().filter(Measured::OccurredAt.lte(at_column)).order_by_desc(Measured::OccurredAt);
    let after = forms().filter(Measured::OccurredAt.gt(at_column)).order_by_asc(Measured::OccurredAt);
    let mut rows = until.order_by_desc(Measured::RecordId).limit(2 * FORMS_AROUND).all(tx.db()).await?;
    rows.extend(after.order_by_asc(Measured::RecordId).limit(FORMS_AROUND).all(tx.db()).await?);
    Ok(thoughts::evaluate_at(written.record, at, rows.iter().map(form).collect()))
}

fn form(row: &Measurement) -> Form {
    Form {
        record: row.record_id,
        at: row.occurred_at.into(),
        answer: row.answers.as_deref().and_then(Form::answer_of),
        total: row.value.and_then(whole),
    }
}

/// A total as the whole number that it is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "totals are small and never negative")]
fn whole(total: f64) -> Option<u16> {
    (0.0..=f64::from(u16::MAX)).contains(&total).then_some(total as u16)
}

async fn at_doses(tx: &Tx, patient: Uuid, windows: &[DoseWindow]) -> Result<Vec<Finding>, Error> {
    let prescriptions = records(patient, Kind::Prescriptions, None).all(tx.db()).await?;
    let limits = prescriptions.iter().map(|row| Limits::read(row.id, &row.facts));
    let prescriptions: Vec<_> = limits.collect::<Result<_, _>>()?;
    let reach = doses::reach(&prescriptions);
    let mut found = Vec::new();
    for window in windows {
        let read = window.read(reach);
        let doses = records(patient, Kind::HomeDoses, Some(&read)).all(tx.db()).await?;
        let dose = |row: &record::Model| Dose::read(row.id, row.occurred_at.into(), row.day, &row.facts);
        let history = History {
            prescriptions: prescriptions.clone(),
            doses: doses.iter().map(dose).collect::<Result<_, _>>()?,
            sessions: dosing_sessions(tx, patient, &read).await?,
        };
        let touched = window.touched(reach);
        let touched = |dose: &&Dose| touched.contains(&dose.at);
        found.extend(history.doses.iter().filter(touched).flat_map(|dose| history.evaluate(dose)));
    }
    Ok(found)
}

async fn at_moods(tx: &Tx, patient: Uuid, window: &MoodWindow) -> Result<Vec<Finding>, Error> {
    let falls = count_moods(tx, patient, window).await?.falls(window.days.clone());
    let (Some(first), Some(last)) = (falls.keys().next(), falls.keys().next_back()) else { return Ok(Vec::new()) };
    let span = MoodWindow::span(&(*first..=*last));
    let moods = within(series(patient, mood_scores::SERIES), Measured::OccurredAt, &span)
        .select_only()
        .columns([Measured::RecordId, Measured::OccurredAt, Measured::Day])
        .into_model::<Entered>()
        .all(tx.db())
        .await?;
    let moods = moods.into_iter().map(|row| Mood { record: row.record_id, at: row.occurred_at.into(), day: row.day });
    let softening = *span.start() - moods::after_session()..=*span.end();
    let sessions = dosing_sessions(tx, patient, &softening).await?;
    let sessions: Vec<_> = sessions.iter().map(|session| session.at).collect();
    let grave = has_grave_flag(tx, patient).await?;
    let touched = moods.filter(|mood| window.within.as_ref().is_none_or(|span| span.contains(&mood.at)));
    Ok(touched.filter_map(|mood| moods::evaluate(&mood, falls.get(&mood.day)?, &sessions, grave)).collect())
}

#[derive(FromQueryResult)]
struct Entered {
    record_id: Uuid,
    occurred_at: Micros,
    day: NaiveDate,
}

#[derive(FromQueryResult)]
struct Entries {
    day: NaiveDate,
    value: Option<f64>,
    times: i64,
}

/// How often each mood was entered on each day that the window counts.
async fn count_moods(tx: &Tx, patient: Uuid, window: &MoodWindow) -> Result<Histogram, Error> {
    let counted = window.counted();
    let rows = within(series(patient, mood_scores::SERIES), Measured::OccurredAt, &MoodWindow::span(&counted))
        .select_only()
        .columns([Measured::Day, Measured::Value])
        .column_as(Expr::expr(Func::count(Expr::col(Measured::RecordId))), "times")
        .group_by(Measured::Day)
        .group_by(Measured::Value)
        .into_model::<Entries>()
        .all(tx.db())
        .await?;
    let mut histogram = Histogram::default();
    for Entries { day, value, times } in rows {
        let mood = value.and_then(whole).and_then(|mood| u8::try_from(mood).ok());
        if let (true, Some(mood)) = (counted.contains(&day), mood) {
            histogram.add(day, mood, u32::try_from(times).unwrap_or(u32::MAX));
        }
    }
    Ok(histogram)
}

async fn has_grave_flag(tx: &Tx, patient: Uuid) -> Result<bool, Error> {
    let unresolved = flag::Entity::find()
        .select_only()
        .column(flag::Column::Rule)
        .filter(flag::Column::PatientId.eq(patient))
        .filter(flag::Column::State.is_in(State::UNRESOLVED.map(State::code)));
    let rules: Vec<String> = unresolved.into_tuple().all(tx.db()).await?;
    let known = |rule: &String| Rule::from_id(rule).ok_or_else(|| Error::internal("a flag of an unknown rule"));
    let rules = rules.iter().map(known).collect::<Result<Vec<_>, _>>()?;
    Ok(rules.into_iter().any(Rule::keeps_drops_grave))
}

/// Completed dosing sessions.
async fn dosing_sessions(tx: &Tx, patient: Uuid, span: &Span) -> Result<Vec<DosingSession>, Error> {
    let rows = records(patient, Kind::Sessions, Some(span)).all(tx.db()).await?;
    let mut given = Vec::new();
    for row in &rows {
        let setting = completed_dosing(&row.facts)?;
        given.extend(setting.map(|setting| DosingSession { at: row.occurred_at.into(), day: row.day, setting }));
    }
    Ok(given)
}

fn series(patient: Uuid, series: i16) -> Select<Measurements> {
    Measurements::find().filter(Measured::PatientId.eq(patient)).filter(Measured::Series.eq(series))
}

fn records(patient: Uuid, kind: Kind, span: Option<&Span>) -> Select<record::Entity> {
    let rows = record::Entity::find()
        .filter(Column::PatientId.eq(patient))
        .filter(Column::Kind.eq(kind.code()))
        .filter(Expr::col(Column::Deleted).not())
        .order_by(Column::OccurredAt, Order::Asc);
    match span {
        Some(span) => within(rows, Column::OccurredAt, span),
        None => rows,
    }
}

fn within<E: EntityTrait>(rows: Select<E>, column: impl ColumnTrait, span: &Span) -> Select<E> {
    rows.filter(column.gte(Micros::from(*span.start()))).filter(column.lte(Micros::from(*span.end())))
}
