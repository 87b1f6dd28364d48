//! Where a patient stands: the same figures on their page and in the caseload, of complete forms alone, and silence.

use crate::{
    flags::{ASSESSMENTS, DOSES, MOODS, at, dose, mood, phq_9, with},
    on_both,
    support::{Clinic, Person},
};
use afterglow::{
    domain::course::Course,
    store::{Tx, care_team::Whose, course},
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

/// The newest mood, check-in and answer to question 9, and whether a dose was given, read from the records one by one.
async fn told(
    clinic: &Clinic,
    me: &Person,
) -> (Option<(u8, DateTime<Utc>)>, Option<DateTime<Utc>>, Option<(u8, DateTime<Utc>)>, bool) {
    use entities::record::{Column, Entity};
    let mut rows = Entity::find().filter(Column::PatientId.eq(me.id)).all(clinic.app.db.read()).await.unwrap();
    rows.retain(|row| !row.deleted);
    rows.sort_by_key(|row| (row.occurred_at, row.id));
    let at = |row: &entities::record::Model| DateTime::<Utc>::from(row.occurred_at);
    let facts = |row: &entities::record::Model| serde_json::from_str::<Value>(&row.facts).unwrap();
    let last = |kind: i16, pointer: &str| {
        let newest = rows.iter().rev().filter(|row| row.kind == kind);
        let mut newest =
            newest.filter_map(|row| Some((u8::try_from(facts(row).pointer(pointer)?.as_i64()?).unwrap(), at(row))));
        newest.next()
    };
    let own =
        |row: &&entities::record::Model| row.created_by == me.id && row.visibility == 1 && ![2, 6].contains(&row.kind);
    let given = |row: &entities::record::Model| {
        row.kind == 8 || (row.kind == 2 && facts(row)["kind"] == "dosing" && facts(row)["state"] == "completed")
    };
    (last(4, "/mood"), rows.iter().rfind(own).map(at), last(5, "/answers/9"), rows.iter().any(given))
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

    async fn a_baseline_that_was_taken_after_the_first_session_is_said_to_be_late(clinic: Clinic) {
        let (now, me) = (clinic.now(), clinic.patient.clone());
        let ago = |days| now - TimeDelta::days(days);
        let seen = async || {
            let phq9 = row(&clinic, &me).await["phq9"].clone();
            (phq9["baseline"].clone(), phq9["late_baseline"].clone())
        };
        assert_eq!(seen().await, (Value::Null, json!(false)));
        clinic.post(&me, ASSESSMENTS, form(ago(4), Some(1), Some(0))).await.expect(201);
        assert_eq!(seen().await, (json!(8), json!(false)), "no session that it could be late for");
        let session = json!({ "starts_at": ago(5).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": "clinic" });
        let sessions = format!("/v1/patients/{}/sessions", me.id);
        let session = clinic.post(&clinic.therapist, &sessions, session).await.expect(201).json();
        assert_eq!(seen().await, (json!(8), json!(true)));
        // The form of the day before is entered late: it is the baseline, and in time.
        clinic.post(&me, ASSESSMENTS, form(ago(6), Some(2), Some(0))).await.expect(201);
        assert_eq!(seen().await, (json!(16), json!(false)));
        let path = format!("{sessions}/{}", session["id"].as_str().unwrap());
        clinic.call(&clinic.therapist, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        assert_eq!(seen().await, (json!(16), json!(false)));
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

    async fn what_the_caseload_draws_is_what_the_records_say_whatever_became_of_them(clinic: Clinic) {
        let me = clinic.patient.clone();
        let session = |day: i64, state: &str| json!({
            "starts_at": (clinic.now() - TimeDelta::days(day)).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing",
            "state": state, "setting": "clinic",
        });
        let ago = |day: i64| clinic.now() - TimeDelta::days(day);
        let entry = |day: i64, visibility: &str| with(at(ago(day)), json!({ "body": "Rain.", "visibility": visibility }));
        let body = |kind: usize, day: i64, value: i64| match kind {
            0 => mood(ago(day), value),
            1 => phq_9(ago(day), (value < 4).then_some(value)),
            2 => dose(ago(day), 50, None),
            3 => session(day, if value % 2 == 0 { "completed" } else { "planned" }),
            _ => entry(day, if value % 2 == 0 { "shared" } else { "private" }),
        };
        let paths = [MOODS, ASSESSMENTS, DOSES, "/v1/patients/me/sessions", JOURNAL];
        let mut made: Vec<(usize, String, i64)> = Vec::new();
        let mut chance = 7_u64;
        let mut draw = |most: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((chance >> 33) % most).unwrap()
        };
        for step in 0..90 {
            // Often the same day, so that two are of one instant; some so long ago that nobody draws them.
            let (kind, day, value) = (usize::try_from(draw(5)).unwrap(), [0, 0, 1, 1, 2, 40, 61, 63, 90][usize::try_from(draw(9)).unwrap()], draw(10));
            match draw(3) {
                0 if made.len() > 5 => {
                    let (_, path, version) = made.swap_remove(usize::try_from(draw(made.len() as u64)).unwrap());
                    clinic.call(&me, Method::DELETE, &path).header("If-Match", &format!("\"{version}\"")).send().await.expect(204);
                }
                1 if made.len() > 5 => {
                    let index = usize::try_from(draw(made.len() as u64)).unwrap();
                    let (kind, path, version) = &mut made[index];
                    let held = format!("\"{version}\"");
                    *version = clinic.put(&me, path, Some(&held), body(*kind, day, value)).await.expect(200).json()["version"].as_i64().unwrap();
                }
                _ => {
                    let one = clinic.post(&me, paths[kind], body(kind, day, value)).await.expect(201).json();
                    made.push((kind, format!("{}/{}", paths[kind], one["id"].as_str().unwrap()), 1));
                }
            }
            if step % 30 == 0 { clinic.clock.advance(TimeDelta::hours(7)); }
            let kept = course::of_patients(clinic.app.db.read(), Whose::Patient(me.id)).await.unwrap().remove(&me.id).unwrap();
            assert_eq!((kept.last_mood, kept.last_check_in_at, kept.item_9, kept.has_begun), told(&clinic, &me).await, "after step {step}");
        }
        let db = clinic.app.db.read();
        let mut rows = entities::record::Entity::find().all(db).await.unwrap();
        rows.retain(|row| !row.deleted);
        rows.sort_by_key(|row| (row.occurred_at, row.id));
        let mut drawn = Course::default();
        for row in &rows {
            drawn.follow(None, Some(&course::sign(row).unwrap()));
        }
        let kept = course::of_patients(db, Whose::Patient(me.id)).await.unwrap().remove(&me.id).unwrap();
        assert_eq!(kept, drawn);
        assert!(kept.has_begun && kept.last_mood.is_some() && kept.item_9.is_some() && !kept.dosing.is_empty());
    }

    async fn what_is_kept_and_cannot_be_read_is_made_anew_by_the_next_write(clinic: Clinic) {
        let (now, me) = (clinic.now(), clinic.patient.clone());
        for (path, body) in [(MOODS, mood(now - TimeDelta::days(3), 2)), (DOSES, dose(now, 50, None)), (ASSESSMENTS, phq_9(now, Some(1)))] {
            clinic.post(&me, path, body).await.expect(201);
        }
        let torn = async |tx: &Tx| {
            let moods = entities::course::Column::Moods;
            entities::course::Entity::update_many().col_expr(moods, "torn".into()).exec(tx.db()).await?;
            Ok(())
        };
        clinic.app.db.write(me.id, torn).await.unwrap();
        clinic.post(&me, MOODS, mood(now, 4)).await.expect(201);
        let kept = course::of_patients(clinic.app.db.read(), Whose::Patient(me.id)).await.unwrap().remove(&me.id).unwrap();
        assert_eq!((kept.moods.means().len(), kept.last_mood, kept.item_9, kept.has_begun), (2, Some((4, now)), Some((1, now)), true));
        assert_eq!(kept.last_check_in_at, Some(now));
    }

    async fn a_clock_that_was_wrong_for_one_write_takes_nothing_from_the_caseload(clinic: Clinic) {
        let (began, me) = (clinic.now(), clinic.patient.clone());
        for (days, value) in [(3, 2), (2, 4), (1, 6)] {
            clinic.post(&me, MOODS, mood(began - TimeDelta::days(days), value)).await.expect(201);
        }
        let low = clinic.post(&me, MOODS, mood(began - TimeDelta::days(3), 9)).await.expect(201).json();
        clinic.clock.advance(TimeDelta::days(100));
        clinic.post(&me, MOODS, mood(began, 8)).await.expect(201);
        clinic.clock.advance(TimeDelta::days(-100));
        clinic.post(&me, MOODS, mood(began, 6)).await.expect(201);
        let path = format!("{MOODS}/{}", low["id"].as_str().unwrap());
        clinic.call(&me, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        let line = row(&clinic, &me).await["mood_60d"].clone();
        assert_eq!((&line[59], &line[58], &line[57], &line[56]), (&json!(7), &json!(6), &json!(4), &json!(2)));
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

    async fn what_is_nobody_elses_to_know_never_counts_as_a_check_in_not_even_when_the_newest_is_looked_for_anew(clinic: Clinic) {
        let (me, began) = (clinic.patient.clone(), clinic.now());
        let next = || { clinic.clock.advance(TimeDelta::hours(1)); clinic.now() };
        let last = async || instant(&row(&clinic, &me).await["last_check_in_at"]);
        let entry = |when: DateTime<Utc>, visibility: &str| with(at(when), json!({ "body": "Rain.", "visibility": visibility }));
        clinic.post(&me, JOURNAL, entry(began, "shared")).await.expect(201);
        // Later ones that say nothing: one kept private, one of the team's, and one taken back.
        clinic.post(&me, JOURNAL, entry(next(), "private")).await.expect(201);
        clinic.post(&clinic.therapist, &format!("/v1/patients/{}/assessments", me.id), phq_9(next(), Some(0))).await.expect(201);
        let newest = clinic.post(&me, JOURNAL, entry(next(), "shared")).await.expect(201).json();
        assert_eq!(last().await, Some(clinic.now()));
        let path = format!("{JOURNAL}/{}", newest["id"].as_str().unwrap());
        clinic.call(&me, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        assert_eq!(last().await, Some(began));
    }
}
