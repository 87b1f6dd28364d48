//! What the caseload shows of each patient in a member's care: one statement, a few index descents per patient, whatever
//! the length of the history.

use crate::{domain::instruments::PHQ_9_SERIES, error::Error};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use std::collections::HashMap;
use uuid::Uuid;

/// Days that the caseload draws, and some more for zones that are ahead or behind.
const DAYS: TimeDelta = TimeDelta::days(62);

/// What there is of one patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The mean mood of each day with an entry.
    pub moods: Vec<(NaiveDate, f64)>,
    /// The newest mood.
    pub last_mood: Option<f64>,
    /// When that was.
    pub last_check_in_at: Option<DateTime<Utc>>,
    /// Days with a completed dosing session.
    pub dosing: Vec<NaiveDate>,
    /// Whether any dose was given yet.
    pub has_begun: bool,
    /// PHQ-9 at the baseline.
    pub baseline: Option<f64>,
    /// The best since.
    pub best: Option<f64>,
    /// The latest.
    pub latest: Option<f64>,
    /// When that was.
    pub latest_at: Option<DateTime<Utc>>,
    /// What can be said of it, by number; `None` with a latest where response has to be worked out.
    pub status: Option<i16>,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    moods: Option<String>,
    last_mood: Option<f64>,
    last_at: Option<i64>,
    sessions: Option<String>,
    has_begun: i64,
    baseline: Option<f64>,
    best: Option<f64>,
    latest: Option<f64>,
    latest_at: Option<i64>,
    status: Option<i16>,
}

/// Facts of a session are plain: what is looked for in them is never what somebody typed.
const STATEMENT: &str = r#"
WITH mine AS (
  SELECT DISTINCT patient_id AS id FROM care_relation
  WHERE member_id = $1 AND from_on <= $2 AND (until_on IS NULL OR until_on >= $2)
)
SELECT mine.id,
  (SELECT string_agg(CAST(day AS text) || '=' || CAST(mood AS text), ' ') FROM (
     SELECT day, avg(value) AS mood FROM measurement
     WHERE patient_id = mine.id AND series = 0 AND occurred_at >= $3 GROUP BY day) AS daily) AS moods,
  (SELECT value FROM measurement WHERE patient_id = mine.id AND series = 0
     ORDER BY occurred_at DESC, record_id DESC LIMIT 1) AS last_mood,
  (SELECT max(occurred_at) FROM measurement WHERE patient_id = mine.id AND series = 0) AS last_at,
  (SELECT string_agg(CAST(day AS text), ' ') FROM record
     WHERE patient_id = mine.id AND kind = 2 AND occurred_at >= $3 AND NOT deleted
     AND facts LIKE '%"kind":"dosing"%' AND facts LIKE '%"state":"completed"%') AS sessions,
  CAST(CASE
    WHEN EXISTS (SELECT 1 FROM record WHERE patient_id = mine.id AND kind = 8 AND NOT deleted) THEN 1
    WHEN EXISTS (SELECT 1 FROM record WHERE patient_id = mine.id AND kind = 2 AND NOT deleted
      AND facts LIKE '%"kind":"dosing"%' AND facts LIKE '%"state":"completed"%') THEN 1
    ELSE 0 END AS bigint) AS has_begun,
  standing.baseline, standing.best, standing.latest, standing.latest_at, standing.status
FROM mine LEFT JOIN standing ON standing.patient_id = mine.id AND standing.instrument = $4
"#;

/// The courses of everybody on whose care team a member is, on a day of the clinic.
pub async fn courses(
    db: &impl ConnectionTrait,
    member: Uuid,
    today: NaiveDate,
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, Course>, Error> {
    let since = (now - DAYS).timestamp_micros();
    let values = [member.into(), today.into(), since.into(), PHQ_9_SERIES.into()];
    let statement = Statement::from_sql_and_values(db.get_database_backend(), STATEMENT, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.id, course(&row))).collect())
}

fn course(row: &Row) -> Course {
    let words = |text: &Option<String>| -> Vec<String> {
        text.iter().flat_map(|text| text.split(' ')).map(str::to_owned).collect()
    };
    let moods = words(&row.moods);
    let moods = moods.iter().filter_map(|mood| mood.split_once('='));
    let instant = |at: Option<i64>| at.and_then(DateTime::from_timestamp_micros);
    Course {
        moods: moods.filter_map(|(day, mood)| Some((day.parse().ok()?, mood.parse().ok()?))).collect(),
        last_mood: row.last_mood,
        last_check_in_at: instant(row.last_at),
        dosing: words(&row.sessions).iter().filter_map(|day| day.parse().ok()).collect(),
        has_begun: row.has_begun != 0,
        baseline: row.baseline,
        best: row.best,
        latest: row.latest,
        latest_at: instant(row.latest_at),
        status: row.status,
    }
}
