//! Where a patient stands: the same figures on their page and in the caseload, of complete forms alone, and silence.

use crate::{
    flags::{ASSESSMENTS, DOSES, MOODS, at, dose, mood, phq_9, with},
    on_both,
    support::{Clinic, Person},
};
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

const JOURNAL: &str = "/v1/patients/me/journal-entries";

/// A PHQ-9 with the same answer eight times, and an answer to item 9.
fn form(instant: DateTime<Utc>, each: Option<i64>, item_9: Option<i64>) -> Value {
    let mut body = phq_9(instant, item_9);
    for number in 1..=8 {
        body["answers"][number.to_string()] = json!(each);
    }
    body
}

async fn row(clinic: &Clinic, patient: &Person) -> Value {
    let own = clinic.get(&clinic.therapist, &format!("/v1/patients/{}/standing", patient.id)).await.expect(200).json();
    let all = clinic.get(&clinic.prescriber, "/v1/caseload").await.expect(200).json();
    let in_caseload =
        all["items"].as_array().unwrap().iter().find(|item| item["patient"]["id"] == patient.id.to_string());
    assert_eq!(Some(&own), in_caseload, "the same row wherever it is read");
    own
}

async fn phq9(clinic: &Clinic, patient: &Person) -> [Value; 4] {
    let phq9 = row(clinic, patient).await["phq9"].clone();
    ["baseline", "best", "latest", "status"].map(|name| phq9[name].clone())
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str().map(|text| text.parse().unwrap())
}

on_both! {
    async fn standing_follows_what_is_written_corrected_and_deleted(clinic: Clinic) {
        let (now, me) = (clinic.now(), clinic.patient.clone());
        let ago = |days| now - TimeDelta::days(days);
        assert_eq!(phq9(&clinic, &me).await, [json!(null), json!(null), json!(null), json!("not-measured")]);
        let mut made = Vec::new();
        for (days, each) in [(30, 2), (20, 0), (10, 1)] {
            made.push(clinic.post(&me, ASSESSMENTS, form(ago(days), Some(each), Some(0))).await.expect(201).json());
        }
        assert_eq!(phq9(&clinic, &me).await, [json!(16), json!(0), json!(8), json!(null)]);
        let path = |index: usize| format!("{ASSESSMENTS}/{}", made[index]["id"].as_str().unwrap());
        // The best was a slip of the finger; then the latest is taken away; then the baseline.
        clinic.put(&me, &path(1), Some("\"1\""), form(ago(20), Some(3), Some(0))).await.expect(200);
        assert_eq!(phq9(&clinic, &me).await, [json!(16), json!(8), json!(8), json!(null)]);
        for (index, left) in [(2, [json!(16), json!(24), json!(24), json!(null)]), (0, [json!(24), json!(null), json!(24), json!("baseline-only")])] {
            clinic.call(&me, Method::DELETE, &path(index)).header("If-Match", "\"1\"").send().await.expect(204);
            assert_eq!(phq9(&clinic, &me).await, left);
        }
        // A dosing session makes the last score before it the baseline, and takes that back when it goes.
        clinic.post(&me, ASSESSMENTS, form(ago(5), Some(1), Some(0))).await.expect(201);
        let session = json!({ "starts_at": ago(4).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": "clinic" });
        let sessions = format!("/v1/patients/{}/sessions", me.id);
        let session = clinic.post(&clinic.therapist, &sessions, session).await.expect(201).json();
        assert_eq!(phq9(&clinic, &me).await[0], 8.0);
        let path = format!("{sessions}/{}", session["id"].as_str().unwrap());
        clinic.call(&clinic.therapist, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        assert_eq!(phq9(&clinic, &me).await[0], 24.0);
    }

    async fn an_estimate_is_never_a_total_and_a_newer_answer_to_question_9_counts_whatever_the_form(clinic: Clinic) {
        let (now, me) = (clinic.now(), clinic.patient.clone());
        let ago = |days| now - TimeDelta::days(days);
        clinic.post(&me, ASSESSMENTS, form(ago(12), Some(1), Some(0))).await.expect(201);
        let seen = row(&clinic, &me).await["phq9"].clone();
        assert_eq!((&seen["latest"], &seen["stale_days"], &seen["item_9"]["answer"]), (&json!(8), &json!(12), &json!(0)));
        assert_eq!(seen["current"], true);
        // One question of eight left out: partial, with an estimate. Two: invalid. Both answered question 9.
        let mut partial = form(ago(3), Some(2), Some(1));
        partial["answers"]["4"] = Value::Null;
        let made = clinic.post(&me, ASSESSMENTS, partial).await.expect(201).json();
        assert_eq!((&made["score"]["status"], &made["score"]["total"], &made["score"]["estimate"]), (&json!("partial"), &Value::Null, &json!(17)));
        let seen = row(&clinic, &me).await["phq9"].clone();
        assert_eq!((&seen["latest"], &seen["status"], &seen["item_9"]["answer"]), (&json!(8), &json!("baseline-only"), &json!(1)));
        let invalid = clinic.post(&me, ASSESSMENTS, form(ago(2), None, Some(3))).await.expect(201).json();
        assert_eq!(invalid["score"]["status"], "invalid");
        // The newest of all leaves question 9 out: the answer before still stands, with its day.
        clinic.post(&me, ASSESSMENTS, form(ago(1), Some(1), None)).await.expect(201);
        let seen = row(&clinic, &me).await["phq9"].clone();
        assert_eq!((&seen["latest"], &seen["item_9"]["answer"]), (&json!(8), &json!(3)));
        assert_eq!(instant(&seen["item_9"]["occurred_at"]), Some(ago(2)));
        let measured = entities::measurement::Entity::find().filter(entities::measurement::Column::PatientId.eq(me.id));
        let measured = measured.all(clinic.app.db.read()).await.unwrap();
        let incomplete: Vec<_> = measured.iter().filter(|row| row.status != 0).map(|row| row.value).collect();
        assert_eq!(incomplete, [None, None, None]);
        let standing = entities::standing::Entity::find().one(clinic.app.db.read()).await.unwrap().unwrap();
        assert_eq!((standing.baseline, standing.best, standing.latest), (Some(8.0), None, Some(8.0)));
    }

    async fn whoever_writes_anything_is_not_silent(clinic: Clinic) {
        let me = clinic.patient.clone();
        let last = async || {
            let row = row(&clinic, &me).await;
            (instant(&row["last_check_in_at"]), row["silent_days"].clone())
        };
        assert_eq!(last().await, (None, Value::Null), "who never began is not silent");
        let began = clinic.now();
        clinic.post(&me, MOODS, mood(began, 5)).await.expect(201);
        clinic.clock.advance(TimeDelta::days(3));
        assert_eq!(last().await, (Some(began), Value::Null));
        clinic.clock.advance(TimeDelta::days(1));
        assert_eq!(last().await, (Some(began), json!(4)));
        // What others write of them, what they plan, and what they keep to themselves says nothing.
        let now = clinic.now();
        let path = |kind: &str| format!("/v1/patients/{}/{kind}", me.id);
        let session = json!({ "starts_at": (now - TimeDelta::hours(2)).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": "clinic" });
        clinic.post(&clinic.therapist, &path("sessions"), session.clone()).await.expect(201);
        clinic.post(&me, &path("sessions"), with(session, json!({ "state": "planned" }))).await.expect(201);
        clinic.post(&clinic.therapist, &path("assessments"), phq_9(now, Some(0))).await.expect(201);
        let entry = |visibility: &str| with(at(clinic.now()), json!({ "body": "Rain.", "visibility": visibility }));
        clinic.post(&me, JOURNAL, entry("private")).await.expect(201);
        assert_eq!(last().await, (Some(began), json!(4)));
        // A shared entry, a form, a dose each do.
        let writes = [(JOURNAL, entry("shared")), (ASSESSMENTS, phq_9(now, Some(0))), (DOSES, dose(now, 50, None))];
        for (minutes, (path, body)) in (1..).zip(writes) {
            clinic.clock.advance(TimeDelta::days(5));
            let when = clinic.now() - TimeDelta::minutes(minutes);
            clinic.post(&me, path, with(body, at(when))).await.expect(201);
            assert_eq!(last().await, (Some(when), Value::Null), "{path}");
        }
    }
}
