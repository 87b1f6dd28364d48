//! What the caseload shows of each patient in a member's care: one statement, a few index descents per patient, whatever
//! the length of the history.

use super::care_team::Whose;
use crate::{
    domain::{
        caseload::{signs, since},
        instruments::PHQ_9_SERIES,
        mood_scores,
        record::{Kind, Visibility},
        safety::thoughts::{Form, ITEM},
    },
    error::Error,
};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, Statement, Value};
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};
use uuid::Uuid;

/// What there is of one patient.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The mean mood of each day with an entry.
    pub moods: Vec<(NaiveDate, f64)>,
    /// The newest mood.
    pub last_mood: Option<f64>,
    /// When the newest record happened that the patient wrote themselves, as far as the care team may know of it.
    pub last_check_in_at: Option<DateTime<Utc>>,
    /// Days with a completed dosing session.
    pub dosing: Vec<NaiveDate>,
    /// Whether any dose was given yet.
    pub has_begun: bool,
    /// PHQ-9 at the baseline.
    pub baseline: Option<f64>,
    /// When that was.
    pub baseline_at: Option<DateTime<Utc>>,
    /// The best since.
    pub best: Option<f64>,
    /// When that was.
    pub best_at: Option<DateTime<Utc>>,
    /// The latest.
    pub latest: Option<f64>,
    /// When that was.
    pub latest_at: Option<DateTime<Utc>>,
    /// The newest answer to PHQ-9 item 9, of whatever form: complete or not.
    pub item_9: Option<(u8, DateTime<Utc>)>,
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
    baseline_at: Option<i64>,
    best: Option<f64>,
    best_at: Option<i64>,
    latest: Option<f64>,
    latest_at: Option<i64>,
    status: Option<i16>,
    item_9: Option<Vec<u8>>,
    item_9_at: Option<i64>,
}

const MINE: &str = "SELECT DISTINCT patient_id AS id FROM care_relation \
                    WHERE member_id = $4 AND from_on <= $5 AND (until_on IS NULL OR until_on >= $5)";
const ONE: &str = "SELECT id FROM patient WHERE id = $4";

static OF_MINE: LazyLock<String> = LazyLock::new(|| statement(MINE));
static OF_ONE: LazyLock<String> = LazyLock::new(|| statement(ONE));

/// The statement over some patients. Moods are told one by one, as the whole numbers that they are: SQLite is slow at
/// writing a float, such as a mean. Facts of a session are plain: what is looked for in them is never what somebody typed.
/// Private entries are not counted: that there is one is not the care team's to know. Their newest is looked for in the
/// order of time, from the end: `kind + 0` keeps both databases from gathering all of some kinds first.
fn statement(whose: &str) -> String {
    let (moods, shared, item) = (mood_scores::SERIES, Visibility::Shared.code(), ITEM);
    let (sessions, doses) = (Kind::Sessions.code(), Kind::HomeDoses.code());
    let signs: Vec<String> = signs().map(|kind| kind.code().to_string()).collect();
    let signs = signs.join(", ");
    let given = "facts LIKE '%\"kind\":\"dosing\"%' AND facts LIKE '%\"state\":\"completed\"%'";
    // Naming the instant too lets SQLite take the index by kind; it would look through all that the patient has.
    let by_kind = "patient_id = mine.id AND NOT deleted AND occurred_at > 0 AND kind =";
    let answered = format!(
        "FROM measurement WHERE patient_id = mine.id AND series = $2 AND substr(answers, {item}, 1) <> $3 \
         ORDER BY occurred_at DESC, record_id DESC LIMIT 1"
    );
    format!(
        r"
WITH mine AS ({whose})
SELECT mine.id,
  (SELECT string_agg(CAST(day AS text) || '=' || CAST(CAST(value AS integer) AS text), ' ') FROM measurement
     WHERE patient_id = mine.id AND series = {moods} AND occurred_at >= $1) AS moods,
  (SELECT value FROM measurement WHERE patient_id = mine.id AND series = {moods}
     ORDER BY occurred_at DESC, record_id DESC LIMIT 1) AS last_mood,
  (SELECT occurred_at FROM record WHERE patient_id = mine.id AND NOT deleted AND created_by = mine.id
     AND visibility = {shared} AND kind + 0 IN ({signs}) ORDER BY occurred_at DESC, id DESC LIMIT 1) AS last_at,
  (SELECT string_agg(CAST(day AS text), ' ') FROM record
     WHERE patient_id = mine.id AND kind = {sessions} AND occurred_at >= $1 AND NOT deleted AND {given}) AS sessions,
  CAST(CASE
    WHEN EXISTS (SELECT 1 FROM record WHERE {by_kind} {doses}) THEN 1
    WHEN EXISTS (SELECT 1 FROM record WHERE {by_kind} {sessions} AND {given}) THEN 1
    ELSE 0 END AS bigint) AS has_begun,
  standing.baseline, standing.baseline_at, standing.best, standing.best_at,
  standing.latest, standing.latest_at, standing.status,
  (SELECT answers {answered}) AS item_9, (SELECT occurred_at {answered}) AS item_9_at
FROM mine LEFT JOIN standing ON standing.patient_id = mine.id AND standing.instrument = $2
"
    )
}

/// The courses of one patient, or of everybody in a member's care.
pub async fn courses(
    db: &impl ConnectionTrait,
    whose: Whose,
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, Course>, Error> {
    let since = since(now).timestamp_micros();
    let mut values: Vec<Value> = vec![since.into(), PHQ_9_SERIES.into(), Form::UNANSWERED.to_vec().into()];
    let statement = match whose {
        Whose::InCareOf(member, today) => {
            values.extend([member.into(), today.into()]);
            OF_MINE.as_str()
        }
        Whose::Patient(patient) => {
            values.push(patient.into());
            OF_ONE.as_str()
        }
    };
    let statement = Statement::from_sql_and_values(db.get_database_backend(), statement, values);
    let rows = Row::find_by_statement(statement).all(db).await?;
    rows.into_iter().map(|row| Ok((row.id, course(&row)?))).collect()
}

fn course(row: &Row) -> Result<Course, Error> {
    fn words(text: Option<&String>) -> impl Iterator<Item = &str> {
        text.into_iter().flat_map(|text| text.split_whitespace())
    }
    let unreadable = || Error::internal("a day of the caseload that cannot be read");
    let day = |text: &str| text.parse::<NaiveDate>().map_err(|_| unreadable());
    let mut moods: BTreeMap<NaiveDate, (f64, f64)> = BTreeMap::new();
    for text in words(row.moods.as_ref()) {
        let (on, mood) = text.split_once('=').ok_or_else(unreadable)?;
        let (sum, count) = moods.entry(day(on)?).or_default();
        (*sum, *count) = (*sum + mood.parse::<f64>().map_err(|_| unreadable())?, *count + 1.0);
    }
    let instant = |at: Option<i64>| at.and_then(DateTime::from_timestamp_micros);
    Ok(Course {
        moods: moods.into_iter().map(|(day, (sum, count))| (day, sum / count)).collect(),
        last_mood: row.last_mood,
        last_check_in_at: instant(row.last_at),
        dosing: words(row.sessions.as_ref()).map(day).collect::<Result<_, _>>()?,
        has_begun: row.has_begun != 0,
        baseline: row.baseline,
        baseline_at: instant(row.baseline_at),
        best: row.best,
        best_at: instant(row.best_at),
        latest: row.latest,
        latest_at: instant(row.latest_at),
        status: row.status,
        item_9: row.item_9.as_deref().and_then(Form::answer_of).zip(instant(row.item_9_at)),
    })
}
