//! The caseload: who needs somebody first, and why; and what anybody may read without signing in.

use crate::{
    flags::{self, DOSES, dose, prescribe},
    on_both,
    support::{Clinic, Person},
};
use chrono::{TimeDelta, TimeZone};
use entities::audit;
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

const MOODS: &str = "/v1/patients/me/mood-scores";
const ASSESSMENTS: &str = "/v1/patients/me/assessments";

fn phq_9(at: chrono::DateTime<chrono::Utc>, each: i64, item_9: i64) -> Value {
    let mut answers: serde_json::Map<_, _> = (1..=8).map(|number| (number.to_string(), json!(each))).collect();
    answers.insert("9".into(), json!(item_9));
    json!({ "occurred_at": at.to_rfc3339(), "time_zone": "Europe/Berlin", "instrument": "phq-9", "answers": answers })
}

/// The lines of the audit log about patients since one, and the newest of all: what was done, by whom, of whom.
async fn lines(clinic: &Clinic, after: i64) -> (Vec<(String, Option<Uuid>, Uuid)>, i64) {
    let lines = audit::Entity::find().filter(audit::Column::Id.gt(after)).order_by_asc(audit::Column::Id);
    let lines = lines.all(clinic.app.db.read()).await.unwrap();
    let newest = lines.last().map_or(after, |line| line.id);
    let of_patients = lines.into_iter().filter_map(|line| Some((line.operation, line.account_id, line.patient_id?)));
    (of_patients.collect(), newest)
}

/// Gives somebody another name.
async fn rename(clinic: &Clinic, by: &Person, path: &str, name: &str) {
    let call = clinic.call(by, Method::PATCH, path).header("If-Match", "\"1\"");
    call.json(&json!({ "display_name": name })).send().await.expect(200);
}

on_both! {
    async fn the_caseload_says_who_comes_first_and_why(clinic: Clinic) {
        let now = clinic.now();
        let (quiet, worried) = (clinic.new_patient().await, clinic.patient.clone());
        for (days, value) in [(0, 6), (0, 8), (1, 5), (8, 3), (59, 9), (61, 1)] {
            let body = json!({ "occurred_at": (now - TimeDelta::days(days)).to_rfc3339(), "time_zone": "Europe/Berlin", "mood": value });
            clinic.post(&quiet, MOODS, body).await.expect(201);
        }
        let session = json!({
            "starts_at": (now - TimeDelta::days(2)).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing",
            "state": "completed", "setting": "clinic",
        });
        clinic.post(&quiet, "/v1/patients/me/sessions", session).await.expect(201);
        for (days, each) in [(5, 2), (1, 1)] {
            clinic.post(&quiet, ASSESSMENTS, phq_9(now - TimeDelta::days(days), each, 0)).await.expect(201);
        }
        clinic.post(&worried, ASSESSMENTS, phq_9(now, 2, 2)).await.expect(201);

        let page = clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        let (first, second) = (&items[0], &items[1]);
        assert_eq!((&first["patient"]["id"], &first["urgency"]), (&json!(worried.id.to_string()), &json!("urgent")));
        assert_eq!(first["patient"]["display_name"], "Imani Okonjo");
        assert_eq!(first["reasons"][0]["text"], "Thoughts of being better off dead, more than half the days");
        assert_eq!(first["reasons"][0]["evidence"], "2 of 3, “More than half the days”. Before: none. PHQ-9 total 18.");
        assert_eq!(first["open_flags"], json!({ "emergency": 0, "urgent": 1, "watch": 0, "info": 0 }));
        assert_eq!((&first["phq9"]["latest"], &first["phq9"]["status"]), (&json!(18), &json!("baseline-only")));
        assert_eq!((&first["next_in_escalation"]["member_id"], &first["next_in_escalation"]["role"]), (&json!(clinic.prescriber.id.to_string()), &json!("care-team")));
        assert!(first["flag_id"].is_string() && first["acknowledge_by"].is_string());
        assert_eq!(first["last_check_in_at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), now);
        assert_eq!(first["next_booster_on"], Value::Null);

        assert_eq!((&second["urgency"], &second["last_mood"]), (&json!("none"), &json!(8)));
        let line = second["mood_60d"].as_array().unwrap();
        assert_eq!(line.len(), 60);
        assert_eq!((&line[59], &line[58], &line[57], &line[51], &line[0]), (&json!(7), &json!(5), &Value::Null, &json!(3), &json!(9)));
        // Two days of a week are too few for a mean.
        assert_eq!((&second["mood_mean_7d"], &second["mood_mean_previous_7d"]), (&Value::Null, &Value::Null));
        assert_eq!(second["dosing_days"], json!([57]));
        assert_eq!(second["phq9"]["baseline"], 16);
        assert_eq!((&second["phq9"]["best"], &second["phq9"]["latest"], &second["phq9"]["status"]), (&json!(8), &json!(8), &Value::Null));

        // Taken on, the person stays where they are; closed, they come last.
        let flag = first["flag_id"].as_str().unwrap();
        let verb = async |verb: &str, body: Value| {
            clinic.call(&clinic.therapist, Method::POST, &format!("/v1/flags/{flag}/{verb}")).json(&body).send().await.expect(200)
        };
        verb("acknowledge", json!({})).await;
        let taken = clinic.get(&clinic.therapist, "/v1/caseload").await.json()["items"][0].clone();
        assert_eq!(taken["acknowledged_by"]["member_id"], clinic.therapist.id.to_string());
        assert_eq!((&taken["acknowledge_by"], &taken["next_in_escalation"]), (&Value::Null, &Value::Null));
        verb("resolve", json!({ "outcome": "contacted" })).await;
        let items = clinic.get(&clinic.therapist, "/v1/caseload").await.json()["items"].as_array().unwrap().clone();
        assert_eq!(items[1]["urgency"], "new");
        assert_eq!(items[1]["reasons"], json!([]));
    }

    async fn the_caseload_comes_in_pages_and_only_to_the_care_team(clinic: Clinic) {
        for _ in 0..4 { clinic.new_patient().await; }
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = clinic.get(&clinic.therapist, &format!("/v1/caseload?limit=2{cursor}")).await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["patient"]["id"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len()), (5, 5));
        clinic.get(&clinic.patient, "/v1/caseload").await.problem(403, "forbidden");
        clinic.get(&clinic.admin, "/v1/caseload").await.problem(403, "forbidden");
        clinic.get(&clinic.therapist, "/v1/caseload?cursor=x").await.problem(400, "bad-request");
    }

    async fn whoever_is_due_first_comes_first_then_the_longer_silent_on_whichever_page(clinic: Clinic) {
        // Made in the reverse of the order in which they are to stand.
        let (mut people, now) = (vec![clinic.patient.clone()], clinic.now());
        for _ in 1..5 {
            clinic.clock.advance(TimeDelta::minutes(1));
            people.push(clinic.new_patient().await);
        }
        for (who, name) in people.iter().zip(["Ada", "Bo", "Cem", "Dea", "Eli"]) {
            rename(&clinic, who, "/v1/patients/me", name).await;
        }
        let member = format!("/v1/clinic/members/{}", clinic.prescriber.id);
        rename(&clinic, &clinic.admin, &member, "Dr. Sol").await;
        let [_, begun, later, heard, silent] = people.try_into().unwrap_or_else(|_| panic!("five"));
        let session = json!({ "starts_at": now.to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": "clinic" });
        clinic.post(&begun, "/v1/patients/me/sessions", session).await.expect(201);
        clinic.post(&heard, ASSESSMENTS, phq_9(now, 1, 2)).await.expect(201);
        clinic.post(&silent, ASSESSMENTS, phq_9(now - TimeDelta::hours(3), 1, 2)).await.expect(201);
        // A flag that came last is not what a row is about.
        clinic.clock.advance(TimeDelta::minutes(1));
        clinic.post(&heard, ASSESSMENTS, flags::phq_9(now - TimeDelta::days(40), None)).await.expect(201);
        // Silent for longer, and due a day later.
        clinic.clock.advance(TimeDelta::days(1));
        clinic.post(&later, ASSESSMENTS, phq_9(now - TimeDelta::days(5), 1, 2)).await.expect(201);

        let read = async |query: &str| {
            let newest = lines(&clinic, 0).await.1;
            let page = clinic.get(&clinic.therapist, &format!("/v1/caseload{query}")).await.expect(200).json();
            // Of whom nothing is shown nothing was read.
            let mut told = lines(&clinic, newest).await.0;
            let mut shown: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| {
                let patient = item["patient"]["id"].as_str().unwrap().parse().unwrap();
                ("caseload_read".to_owned(), Some(clinic.therapist.id), patient)
            }).collect();
            told.sort();
            shown.sort();
            assert_eq!(told, shown);
            page
        };
        assert_eq!(read("").await["items"].as_array().unwrap().len(), 5);
        let (mut pages, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = read(&format!("?limit=2{cursor}")).await;
            let rows = page["items"].as_array().unwrap().iter().map(|item| (item["patient"]["display_name"].clone(), item["urgency"].clone(), item["next_in_escalation"].clone()));
            pages.push(rows.collect::<Vec<_>>());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let row = |name: &str, urgency: &str, next: Option<&str>| {
            let next = next.map(|day| json!({ "at": format!("{day}T08:00:00.000000+00:00"), "member_id": clinic.prescriber.id, "name": "Dr. Sol", "role": "care-team" }));
            (json!(name), json!(urgency), json!(next))
        };
        let (sunday, monday) = (Some("2026-03-15"), Some("2026-03-16"));
        assert_eq!(pages, [
            vec![row("Eli", "urgent", sunday), row("Dea", "urgent", sunday)],
            vec![row("Cem", "urgent", monday), row("Bo", "none", None)],
            vec![row("Ada", "new", None)],
        ]);
    }

    async fn a_person_is_calm_once_no_flag_of_theirs_waits(clinic: Clinic) {
        let path = format!("/v1/patients/{}/standing", clinic.patient.id);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now() - TimeDelta::days(3), 1, 2)).await.expect(201);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), 1, 1)).await.expect(201);
        let row = async || clinic.get(&clinic.therapist, &path).await.expect(200).json();
        let take = async |id: &Value| {
            let path = format!("/v1/flags/{}/acknowledge", id.as_str().unwrap());
            clinic.call(&clinic.therapist, Method::POST, &path).send().await.expect(200)
        };
        let first = row().await;
        assert_eq!((&first["waiting"]["flag_id"], &first["waiting"]["severity"]), (&first["flag_id"], &json!("urgent")));
        take(&first["flag_id"]).await;
        let second = row().await["waiting"].clone();
        assert_eq!(second["severity"], "urgent");
        assert_ne!(second["flag_id"], first["flag_id"]);
        take(&second["flag_id"]).await;
        let calm = row().await;
        assert_eq!((&calm["waiting"], &calm["urgency"], &calm["open_flags"]["urgent"]), (&Value::Null, &json!("urgent"), &json!(2)));
    }

    async fn a_row_leads_with_the_gravest_of_equally_urgent_findings_whichever_came_first(clinic: Clinic) {
        let now = clinic.now();
        let row = async || clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json()["items"][0].clone();
        let prescription = prescribe(&clinic).await;
        clinic.post(&clinic.patient, DOSES, dose(now - TimeDelta::days(20), 210, Some(&prescription))).await.expect(201);
        clinic.post(&clinic.patient, DOSES, dose(now - TimeDelta::days(10), 900, Some(&prescription))).await.expect(201);
        let doses = row().await;
        let (over, evidence) = (&doses["reasons"][0]["text"], doses["reasons"][0]["evidence"].as_str().unwrap());
        assert!(evidence.contains("900 mg; at most 200 mg are prescribed."), "{evidence}");
        assert_eq!((doses["reasons"].as_array().unwrap().len(), &doses["open_flags"]["urgent"]), (1, &json!(2)), "one title, two flags");

        clinic.clock.advance(TimeDelta::minutes(1));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::days(6), 1, 1)).await.expect(201);
        clinic.clock.advance(TimeDelta::minutes(1));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now, 1, 3)).await.expect(201);
        let thoughts = row().await;
        let texts: Vec<_> = thoughts["reasons"].as_array().unwrap().iter().map(|reason| &reason["text"]).collect();
        assert_eq!(texts[0], "Thoughts of being better off dead, nearly every day");
        assert_eq!(texts[1], "Thoughts of being better off dead, several days");
        assert_eq!(texts[2], over);
        assert_eq!(thoughts["waiting"]["title"], *texts[0]);
        // Taken on, the next gravest waits.
        let path = format!("/v1/flags/{}/acknowledge", thoughts["flag_id"].as_str().unwrap());
        clinic.call(&clinic.therapist, Method::POST, &path).send().await.expect(200);
        assert_eq!(row().await["waiting"]["title"], *texts[1]);
    }

    async fn the_days_of_a_row_are_those_of_where_the_patient_lives(clinic: Clinic) {
        let me = clinic.patient.clone();
        let lives = clinic.call(&me, Method::PATCH, "/v1/patients/me").header("If-Match", "\"1\"");
        lives.json(&json!({ "time_zone": "Pacific/Auckland" })).send().await.expect(200);
        // A quarter past midnight in Auckland: the 15th there, and noon of the 14th at the clinic.
        clinic.clock.advance(TimeDelta::minutes(135));
        let midnight = clinic.now() - TimeDelta::minutes(15);
        for (minutes, mood) in [(-30, 2), (-1, 4), (1, 8)] {
            let at = midnight + TimeDelta::minutes(minutes);
            let body = json!({ "occurred_at": at.to_rfc3339(), "time_zone": "Pacific/Auckland", "mood": mood });
            clinic.post(&me, MOODS, body).await.expect(201);
        }
        let row = async || clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json()["items"][0].clone();
        let line = row().await["mood_60d"].clone();
        assert_eq!((&line[59], &line[58], &line[57]), (&json!(8), &json!(3), &Value::Null));
        // Silent for three days there, until that day is over too.
        clinic.clock.advance(TimeDelta::days(3));
        assert_eq!(row().await["silent_days"], Value::Null);
        clinic.clock.advance(TimeDelta::hours(24) - TimeDelta::minutes(16));
        assert_eq!(row().await["silent_days"], Value::Null);
        clinic.clock.advance(TimeDelta::minutes(1));
        let silent = row().await;
        assert_eq!((&silent["silent_days"], &silent["mood_60d"][55], &silent["mood_60d"][54]), (&json!(4), &json!(8), &json!(3)));
    }

    async fn how_old_a_score_is_goes_by_the_days_of_where_the_patient_lives(clinic: Clinic) {
        let me = clinic.patient.clone();
        let lives = clinic.call(&me, Method::PATCH, "/v1/patients/me").header("If-Match", "\"1\"");
        lives.json(&json!({ "time_zone": "Pacific/Auckland" })).send().await.expect(200);
        let until = |day: chrono::NaiveDate, hour, minute| {
            let there = chrono_tz::Pacific::Auckland.from_local_datetime(&day.and_hms_opt(hour, minute, 0).unwrap());
            clinic.clock.advance(there.unwrap().to_utc() - clinic.now());
        };
        // One past midnight there: by the clinic's clock, and the server's, still the day before.
        let scored: chrono::NaiveDate = "2026-03-15".parse().unwrap();
        until(scored, 0, 1);
        clinic.post(&me, ASSESSMENTS, phq_9(clinic.now(), 1, 1)).await.expect(201);
        let phq9 = async || clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json()["items"][0]["phq9"].clone();
        let item_9 = json!({ "answer": 1, "occurred_at": "2026-03-15T00:01:00.000000+13:00" });
        for (days, is_current, stale) in [(10, true, None), (11, true, Some(11)), (28, true, Some(28)), (29, false, Some(29))] {
            // The first minute of that day there, and the last.
            for (hour, minute) in [(0, 0), (23, 59)] {
                until(scored + TimeDelta::days(days), hour, minute);
                let found = phq9().await;
                assert_eq!((&found["current"], &found["stale_days"]), (&json!(is_current), &json!(stale)), "{days} {hour}");
                assert_eq!(found["item_9"], item_9);
            }
        }
    }

    async fn a_score_older_than_four_weeks_is_not_the_current_one(clinic: Clinic) {
        let path = format!("/v1/patients/{}/standing", clinic.patient.id);
        let current = async || {
            let phq9 = clinic.get(&clinic.therapist, &path).await.expect(200).json()["phq9"].clone();
            (phq9["latest"].clone(), phq9["current"].clone(), phq9["stale_days"].clone())
        };
        assert_eq!(current().await, (Value::Null, json!(false), Value::Null));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), 1, 0)).await.expect(201);
        clinic.clock.advance(TimeDelta::days(28));
        assert_eq!(current().await, (json!(8), json!(true), json!(28)));
        clinic.clock.advance(TimeDelta::days(1));
        assert_eq!(current().await, (json!(8), json!(false), json!(29)));
    }

    async fn questionnaires_and_crisis_lines_need_no_sign_in(clinic: Clinic) {
        let get = async |path: &str| clinic.anonymous(Method::GET, path).send().await;
        let all = get("/v1/instruments").await.expect(200).json();
        let codes: Vec<_> = all["items"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["phq-9", "phq-2", "gad-7"]);
        let phq_9 = get("/v1/instruments/phq-9").await.expect(200).json();
        assert_eq!(phq_9["items"][8]["text"], "Thoughts that you would be better off dead, or of hurting yourself in some way");
        assert_eq!(phq_9["items"][0]["options"][3], json!({ "value": 3, "text": "Nearly every day", "loinc": "LA6571-9" }));
        assert_eq!(phq_9["enabled"], true);
        get("/v1/instruments/bdi-ii").await.problem(404, "not-found");
        let here = get("/v1/support-resources?country=CA").await.expect(200).json();
        assert_eq!((&here["country"], &here["emergency_number"], &here["resources"][0]["phone"]), (&json!("CA"), &json!("911"), &json!("988")));
        assert_eq!(get("/v1/support-resources?country=DE").await.expect(200).json()["country"], "international");
        assert_eq!(get("/v1/support-resources").await.expect(200).json()["country"], "international");
    }
}
