//! What the caseload draws of a patient: one row, kept by each unit that writes a record, so that the caseload reads no
//! history and a write reads none either, unless it takes the newest of something away.

use super::{Scope, Tx, care_team::Whose};
use crate::{
    domain::{
        course::{Course, Dated, Lost, Moods, Part, Sign, check_ins},
        instruments::PHQ_9_SERIES,
        mood_scores,
        record::{Kind, Visibility},
        safety::thoughts::{Form, ITEM},
        sessions::is_completed_dosing,
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entities::{
    Micros,
    course::{Column, Entity, Model},
    measurement::{self, Column as Measured},
    record::{self, Column as Recorded},
};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, FromQueryResult, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Func, OnConflict},
};
use std::collections::HashMap;
use uuid::Uuid;

/// More than a course keeps, in whatever zone a day was.
const AROUND: TimeDelta = TimeDelta::days(65);

/// The courses of some patients; one without a record has none.
pub async fn of_patients(db: &impl ConnectionTrait, whose: Whose) -> Result<HashMap<Uuid, Course>, Error> {
    let rows = Entity::find().filter(whose.holds(Column::PatientId)).all(db).await?;
    rows.into_iter().map(|row| Ok((row.patient_id, opened(row)?))).collect()
}

/// Follows a record that was made, replaced or deleted; its rows stand already.
pub async fn follow_record(
    tx: &Tx,
    scope: &Scope,
    before: Option<&record::Model>,
    after: Option<&record::Model>,
) -> Result<(), Error> {
    let (was, is) = (before.map(sign).transpose()?, after.map(sign).transpose()?);
    let row = Entity::find_by_id(scope.patient).one(tx.db()).await?;
    let (mut course, lost) = match row.map(opened).transpose() {
        Ok(known) => {
            let mut course = known.unwrap_or_default();
            let lost = course.follow(was.as_ref(), is.as_ref());
            (course, lost)
        }
        // Nobody's record is refused for it: it is made anew.
        Err(_) => (Course::default(), Part::ALL.into()),
    };
    look_up(tx, scope.patient, &lost, &mut course).await?;
    save(tx, scope.patient, &course).await
}

/// What a row of a record says.
pub fn sign(row: &record::Model) -> Result<Sign, Error> {
    let kind = Kind::from_code(row.kind).ok_or_else(|| Error::internal("a record of no known kind"))?;
    let is_told = row.created_by == row.patient_id && row.visibility == Visibility::Shared.code();
    Ok(Sign::read(kind, (row.occurred_at.into(), row.day), &row.facts, is_told)?)
}

async fn look_up(tx: &Tx, patient: Uuid, lost: &Lost, course: &mut Course) -> Result<(), Error> {
    if lost.contains(&Part::Moods) {
        course.moods = moods(tx, patient).await?;
        let newest = newest(patient, mood_scores::SERIES).one(tx.db()).await?;
        course.last_mood = newest.and_then(|row| Some((whole(row.value?)?, row.occurred_at.into())));
    }
    if lost.contains(&Part::Item9) {
        let answer =
            Func::cust("substr").args([Expr::col(Measured::Answers), Expr::val(i32::from(ITEM)), Expr::val(1)]);
        let answered = newest(patient, PHQ_9_SERIES).filter(Expr::expr(answer).ne(Form::UNANSWERED.to_vec()));
        let newest = answered.one(tx.db()).await?;
        course.item_9 = newest.and_then(|row| Some((Form::answer_of(&row.answers?)?, row.occurred_at.into())));
    }
    if lost.contains(&Part::CheckIn) {
        course.last_check_in_at = last_check_in(tx, patient).await?;
    }
    if lost.contains(&Part::Doses) {
        let sessions = dosing_sessions(tx, patient).await?;
        course.has_begun = !sessions.is_empty() || has_home_dose(tx, patient).await?;
        course.dosing = sessions.into_iter().collect();
    }
    course.forget();
    Ok(())
}

#[derive(FromQueryResult)]
struct Mood {
    occurred_at: Micros,
    day: NaiveDate,
    value: Option<f64>,
}

/// The moods of the two months before the newest, and of the days around them.
async fn moods(tx: &Tx, patient: Uuid) -> Result<Moods, Error> {
    let narrow = |rows: Select<measurement::Entity>| {
        rows.select_only().columns([Measured::OccurredAt, Measured::Day, Measured::Value]).into_model::<Mood>()
    };
    let series = newest(patient, mood_scores::SERIES);
    let Some(last) = narrow(series.clone()).one(tx.db()).await? else { return Ok(Moods::default()) };
    let since = DateTime::<Utc>::from(last.occurred_at) - AROUND;
    let mut moods = Moods::default();
    for mood in narrow(series.filter(Measured::OccurredAt.gte(Micros::from(since)))).all(tx.db()).await? {
        if let Some(value) = mood.value.and_then(whole) {
            moods.add(mood.day, value);
        }
    }
    Ok(moods)
}

fn newest(patient: Uuid, series: i16) -> Select<measurement::Entity> {
    measurement::Entity::find()
        .filter(Measured::PatientId.eq(patient))
        .filter(Measured::Series.eq(series))
        .order_by_desc(Measured::OccurredAt)
        .order_by_desc(Measured::RecordId)
}

fn records(patient: Uuid) -> Select<record::Entity> {
    record::Entity::find().filter(Recorded::PatientId.eq(patient)).filter(Expr::col(Recorded::Deleted).not())
}

#[derive(FromQueryResult)]
struct At {
    occurred_at: Micros,
}

/// Private entries are not counted: that there is one is not the care team's to know. The newest is looked for in the order
/// of time, from the end: `kind + 0` keeps both databases from gathering all of some kinds first.
async fn last_check_in(tx: &Tx, patient: Uuid) -> Result<Option<DateTime<Utc>>, Error> {
    let told = records(patient)
        .filter(Recorded::CreatedBy.eq(patient))
        .filter(Recorded::Visibility.eq(Visibility::Shared.code()))
        .filter(Expr::col(Recorded::Kind).add(0).is_in(check_ins().map(Kind::code)));
    let newest = told.order_by_desc(Recorded::OccurredAt).order_by_desc(Recorded::Id);
    let newest = newest.select_only().column(Recorded::OccurredAt).into_model::<At>().one(tx.db()).await?;
    Ok(newest.map(|row| row.occurred_at.into()))
}

#[derive(FromQueryResult)]
struct Session {
    day: NaiveDate,
    facts: String,
}

/// The days of the completed ones.
async fn dosing_sessions(tx: &Tx, patient: Uuid) -> Result<Vec<NaiveDate>, Error> {
    let sessions = records(patient).filter(Recorded::Kind.eq(Kind::Sessions.code()));
    let sessions = sessions.select_only().columns([Recorded::Day, Recorded::Facts]).into_model::<Session>();
    let mut days = Vec::new();
    for Session { day, facts } in sessions.all(tx.db()).await? {
        if is_completed_dosing(&facts)? {
            days.push(day);
        }
    }
    Ok(days)
}

async fn has_home_dose(tx: &Tx, patient: Uuid) -> Result<bool, Error> {
    Ok(records(patient).filter(Recorded::Kind.eq(Kind::HomeDoses.code())).limit(1).count(tx.db()).await? > 0)
}

/// A mood as the whole number that it is.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "moods are small and never negative")]
fn whole(mood: f64) -> Option<u8> {
    (0.0..=f64::from(u8::MAX)).contains(&mood).then_some(mood as u8)
}

fn opened(row: Model) -> Result<Course, Error> {
    let unreadable = || Error::internal("a course that cannot be read");
    let dated = |value: Option<i16>, at: Option<Micros>| match value.zip(at) {
        Some((value, at)) => Ok(Some((u8::try_from(value).map_err(|_| unreadable())?, at.into()))),
        None => Ok::<Option<Dated>, Error>(None),
    };
    let days = row.dosing.split_ascii_whitespace().map(|day| day.parse().map_err(|_| unreadable()));
    Ok(Course {
        moods: row.moods.parse()?,
        last_mood: dated(row.last_mood, row.last_mood_at)?,
        last_check_in_at: row.last_check_in_at.map(Into::into),
        dosing: days.collect::<Result<_, Error>>()?,
        has_begun: row.has_begun,
        item_9: dated(row.item_9, row.item_9_at)?,
    })
}

/// Stores the course of a patient.
pub async fn save(tx: &Tx, patient: Uuid, course: &Course) -> Result<(), Error> {
    let days: Vec<String> = course.dosing.iter().map(ToString::to_string).collect();
    let at = |dated: Option<Dated>| dated.map(|(_, at)| Micros::from(at));
    let value = |dated: Option<Dated>| dated.map(|(value, _)| i16::from(value));
    let row = Model {
        patient_id: patient,
        moods: course.moods.to_string(),
        last_mood: value(course.last_mood),
        last_mood_at: at(course.last_mood),
        last_check_in_at: course.last_check_in_at.map(Micros::from),
        dosing: days.join(" "),
        has_begun: course.has_begun,
        item_9: value(course.item_9),
        item_9_at: at(course.item_9),
    };
    let changed = [
        Column::Moods,
        Column::LastMood,
        Column::LastMoodAt,
        Column::LastCheckInAt,
        Column::Dosing,
        Column::HasBegun,
        Column::Item9,
        Column::Item9At,
    ];
    let replace = OnConflict::column(Column::PatientId).update_columns(changed).to_owned();
    Entity::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(tx.db()).await?;
    Ok(())
}
