//! What is wrong with a request is said so that it can be mended: all of it at once, where, and what is expected.

use crate::{on_both, support::Answer};
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};

const MOODS: &str = "/v1/patients/me/mood-scores";

/// What is said of each place, in the order of the places.
fn told(answer: &Answer) -> Vec<(String, String)> {
    let problem = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = problem["errors"].as_array().unwrap();
    let mut told: Vec<_> = errors.iter().map(|error| (text(&error["pointer"]), text(&error["detail"]))).collect();
    told.sort();
    told
}

fn pairs(told: &[(String, String)]) -> Vec<(&str, &str)> {
    told.iter().map(|(pointer, detail)| (pointer.as_str(), detail.as_str())).collect()
}

on_both! {
    async fn faults_of_form_and_of_meaning_are_named_together(clinic: Clinic) {
        let body = json!({ "occurred_at": "2126-01-01T00:00:00Z", "time_zone": "Mars/Base", "mood": 11, "sleep_hours": -1, "colour": 1 });
        let bad = clinic.post(&clinic.patient, MOODS, body).await;
        bad.problem(422, "invalid");
        assert_eq!(
            pairs(&told(&bad)),
            [
                ("/colour", "is not a field of this body"),
                ("/mood", "must be at most 10"),
                ("/occurred_at", "a time between 2000-01-01 and 24 hours from now"),
                ("/sleep_hours", "must be at least 0"),
                ("/time_zone", "an IANA time zone, such as Europe/Berlin"),
            ]
        );
        let body = json!({ "instrument": "phq-9", "answers": { "1": 7, "99": 0 }, "occurred_at": "then", "time_zone": "UTC" });
        let bad = clinic.post(&clinic.patient, "/v1/patients/me/assessments", body).await;
        assert_eq!(bad.pointers(), ["/answers/1", "/answers/99", "/occurred_at"]);
        // What cannot be read is not held against what is beside it.
        let body = json!({ "instrument": 9, "answers": { "7": 3, "8": 3, "9": 3 }, "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC" });
        let bad = clinic.post(&clinic.patient, "/v1/patients/me/assessments", body).await;
        assert_eq!(bad.pointers(), ["/instrument"]);
        let body = json!({ "email": "no address", "kind": "member", "display_name": "A", "country": "DE", "roles": [] });
        assert_eq!(clinic.post(&clinic.admin, "/v1/invitations", body).await.pointers(), ["/country", "/email", "/roles"]);
    }

    async fn a_form_is_asked_for_in_words(clinic: Clinic) {
        let path = format!("/v1/patients/{}/prescriptions", clinic.patient.id);
        let body = json!({
            "route": "by ear", "form": "", "mg_per_dose": 0, "max_mg_per_dose": "much", "min_hours_between": 72, "max_doses_per_week": 2.5,
            "supply_doses": 8, "starts_on": "24.11.2026", "sitter_required": "yes", "blood_pressure_required": true,
        });
        let bad = clinic.post(&clinic.prescriber, &path, body).await;
        assert_eq!(
            pairs(&told(&bad)),
            [
                ("/form", "must have at least 1 character"),
                ("/max_doses_per_week", "must be a whole number"),
                ("/max_mg_per_dose", "must be a number"),
                ("/mg_per_dose", "must be more than 0"),
                ("/route", "must be one of intravenous, intramuscular, sublingual, oral, intranasal"),
                ("/sitter_required", "must be true or false"),
                ("/starts_on", "must be a date, like 2026-11-24"),
            ]
        );
        let body = json!({ "occurred_at": "yesterday", "time_zone": "UTC", "text": "x", "session_id": "first" });
        let bad = clinic.post(&clinic.patient, "/v1/patients/me/intentions", body).await;
        assert_eq!(
            pairs(&told(&bad)),
            [
                ("/occurred_at", "must be an instant with its offset, like 2026-11-24T09:00:00+01:00"),
                ("/session_id", "must be a UUID, like 0198c5d2-6f1e-7a43-9b63-0c8f0d7f5a10"),
            ]
        );
        let body = json!({ "quiet_hours": { "start": "25:00", "end": "07:00" }, "language": "!", "time_zone": "Mars/Base" });
        let call = clinic.call(&clinic.patient, Method::PATCH, "/v1/patients/me").header("If-Match", "\"1\"");
        assert_eq!(
            pairs(&told(&call.json(&body).send().await)),
            [
                ("/language", "must be a language tag, like en-GB"),
                ("/quiet_hours/start", "must be a time of the day, like 08:30"),
                ("/time_zone", "an IANA time zone, such as Europe/Berlin"),
            ]
        );
    }

    async fn a_parameter_is_named_with_its_bounds_and_an_unknown_one_is_refused(clinic: Clinic) {
        let bad = clinic.get(&clinic.patient, &format!("{MOODS}?limit=500&from=today&colour=grey&to=2026-01-01T00:00:00Z")).await;
        bad.problem(400, "bad-request");
        assert_eq!(
            pairs(&told(&bad)),
            [
                ("query:colour", "is not a parameter of this operation"),
                ("query:from", "must be an instant with its offset, like 2026-11-24T09:00:00+01:00"),
                ("query:limit", "must be at most 200"),
            ]
        );
        let told_of = async |path: &str| told(&clinic.get(&clinic.therapist, path).await);
        assert_eq!(pairs(&told_of("/v1/flags?state=odd").await), [("query:state", "must be one of open, acknowledged, resolved")]);
        assert_eq!(pairs(&told_of("/v1/caseload?limit=ten").await), [("query:limit", "must be a whole number")]);
        assert_eq!(pairs(&told_of("/v1/patients?limit=1&limit=2").await), [("query:limit", "must not be there twice")]);
        let write = clinic.call(&clinic.patient, Method::POST, &format!("{MOODS}?dry_run=1")).header("Idempotency-Key", "k");
        let write = write.json(&clinic.mood(5)).send().await;
        assert_eq!(write.pointers(), ["query:dry_run"]);
        assert_eq!(clinic.get(&clinic.patient, MOODS).await.json()["items"], json!([]));
        // Who asks is answered first.
        clinic.anonymous(Method::GET, &format!("{MOODS}?limit=0")).send().await.problem(401, "unauthenticated");
        clinic.get(&clinic.admin, &format!("/v1/patients/{}/mood-scores?limit=0", clinic.patient.id)).await.problem(403, "forbidden");
        clinic.anonymous(Method::GET, "/v1/instruments?page=2").send().await.problem(400, "bad-request");
        let header = clinic.call(&clinic.patient, Method::POST, MOODS).header("Idempotency-Key", "two words");
        let header = header.json(&clinic.mood(5)).send().await;
        assert_eq!(pairs(&told(&header)), [("header:Idempotency-Key", "must be 1 to 255 visible ASCII characters")]);
    }

    async fn a_header_that_is_there_twice_says_nothing(clinic: Clinic) {
        let twice = "must not be there twice";
        let post = || clinic.call(&clinic.patient, Method::POST, MOODS).header("Idempotency-Key", "k").json(&clinic.mood(5));
        let made = post().send().await.expect(201);
        let path = format!("{MOODS}/{}", made.json()["id"].as_str().unwrap());
        for (name, value) in [("Idempotency-Key", "k"), ("Content-Type", "application/json"), ("Authorization", "Bearer x")] {
            let bad = post().header(name, value).send().await;
            bad.problem(400, "bad-request");
            assert_eq!(pairs(&told(&bad)), [(format!("header:{name}").as_str(), twice)]);
        }
        // Of two tokens none says who asks, whichever comes first.
        let bearer = |who: &str| format!("Bearer {who}");
        let (mine, theirs) = (bearer(&clinic.patient.token), bearer(&clinic.therapist.token));
        for [first, second] in [["Bearer x", &mine], [&mine, &theirs], [&theirs, &mine]] {
            for (method, path) in [(Method::GET, MOODS), (Method::POST, "/v1/auth/logout")] {
                let call = clinic.anonymous(method, path).header("Authorization", first).header("Authorization", second);
                let bad = call.send().await;
                bad.problem(400, "bad-request");
                assert_eq!(pairs(&told(&bad)), [("header:Authorization", twice)]);
            }
        }
        clinic.get(&clinic.therapist, "/v1/patients").await.expect(200);
        let put = clinic.call(&clinic.patient, Method::PUT, &path).header("If-Match", "\"1\"").header("If-Match", "\"1\"");
        let bad = put.json(&clinic.mood(6)).send().await;
        assert_eq!(pairs(&told(&bad)), [("header:If-Match", twice)]);
        assert_eq!(clinic.get(&clinic.patient, &path).await.json()["mood"], 5);
        // Who asks is answered first.
        let nobody = clinic.anonymous(Method::POST, MOODS).header("Idempotency-Key", "k").header("Idempotency-Key", "l");
        nobody.json(&clinic.mood(5)).send().await.problem(401, "unauthenticated");
        let nobody = clinic.anonymous(Method::POST, "/v1/auth/login").header("Content-Type", "application/json");
        nobody.json(&json!({})).send().await.problem(400, "bad-request");
    }

    async fn a_field_of_a_body_that_has_none_is_named(clinic: Clinic) {
        let bad = clinic.call(&clinic.therapist, Method::POST, "/v1/auth/mfa").json(&json!({ "colour": "grey" })).send().await;
        bad.problem(422, "invalid");
        assert_eq!(pairs(&told(&bad)), [("/colour", "is not a field of this body")]);
    }

    async fn a_member_that_is_there_twice_is_refused(clinic: Clinic) {
        let body = format!(r#"{{"occurred_at":"{}","time_zone":"UTC","mood":3,"note":"a","mood":9}}"#, clinic.now().to_rfc3339());
        let call = clinic.call(&clinic.patient, Method::POST, MOODS).header("Idempotency-Key", "k");
        let bad = call.bytes("application/json", body).send().await;
        bad.problem(422, "invalid");
        assert_eq!(pairs(&told(&bad)), [("/mood", "must not be there twice")]);
    }

    async fn a_session_is_not_completed_before_it_has_begun(clinic: Clinic) {
        let path = "/v1/patients/me/sessions";
        let session = |state: &str, hours| {
            let starts_at = (clinic.now() + TimeDelta::hours(hours)).to_rfc3339();
            json!({ "kind": "dosing", "state": state, "starts_at": starts_at, "time_zone": "UTC", "setting": "clinic" })
        };
        let ahead = clinic.post(&clinic.patient, path, session("completed", 25)).await;
        ahead.problem(422, "invalid");
        assert_eq!(pairs(&told(&ahead)), [("/starts_at", "not later than 24 hours from now, for a completed session")]);
        clinic.post(&clinic.patient, path, session("completed", 24)).await.expect(201);
        clinic.post(&clinic.patient, path, session("planned", 24 * 365)).await.expect(201);
        assert_eq!(clinic.post(&clinic.patient, path, session("done", 24 * 365)).await.pointers(), ["/state"]);
    }
}
