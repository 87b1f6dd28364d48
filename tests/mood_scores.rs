//! Mood scores: the five operations of a record, as a phone and a therapist meet them.

use crate::{on_both, support::Person};
use entities::record;
use poem::http::Method;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use uuid::Uuid;

const ID: &str = "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10";
const PATH: &str = "/v1/patients/me/mood-scores";

on_both! {
    async fn a_mood_score_comes_back_as_it_was_sent(clinic: Clinic) {
        let mut body = clinic.mood(6);
        body["note"] = json!("Slept. 🌊 שלום e\u{301}");
        body["sleep_hours"] = json!(7.5);
        let made = clinic.post(&clinic.patient, PATH, body).await.expect(201);
        assert_eq!(made.etag.as_deref(), Some("\"1\""));
        let made = made.json();
        assert_eq!(made["note"], "Slept. 🌊 שלום e\u{301}");
        assert_eq!(made["occurred_at"], "2026-03-14T10:00:00.000000+01:00");
        assert_eq!(made["created_by"], clinic.patient.id.to_string());
        let id = made["id"].as_str().unwrap();
        let read = clinic.get(&clinic.patient, &format!("{PATH}/{id}")).await.expect(200);
        assert_eq!(read.json(), made);
        let path = format!("/v1/patients/{}/mood-scores", clinic.patient.id);
        let list = clinic.get(&clinic.therapist, &path).await.expect(200).json();
        assert_eq!(list, json!({ "items": [made], "next_cursor": null }));
    }

    async fn a_repeated_post_has_one_effect_and_one_answer(clinic: Clinic) {
        let send = async |mood, key| {
            let call = clinic.call(&clinic.patient, Method::POST, PATH).header("Idempotency-Key", key);
            call.json(&clinic.mood(mood)).send().await
        };
        let first = send(4, "k-1").await.expect(201);
        let again = send(4, "k-1").await.expect(201);
        assert_eq!((first.text, first.etag), (again.text, again.etag));
        send(5, "k-1").await.problem(422, "idempotency-key-reused");
        let list = clinic.get(&clinic.patient, PATH).await.json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        let elsewhere = clinic.call(&clinic.patient, Method::POST, "/v1/patients/me/intentions");
        let elsewhere = elsewhere.header("Idempotency-Key", "k-1").json(&clinic.mood(4)).send().await;
        elsewhere.problem(422, "idempotency-key-reused");
        let without = clinic.call(&clinic.patient, Method::POST, PATH).json(&clinic.mood(4)).send().await;
        without.problem(400, "idempotency-key-required");
    }

    async fn a_put_is_safe_to_repeat_and_another_value_needs_its_version(clinic: Clinic) {
        let path = format!("{PATH}/{ID}");
        let me = clinic.patient.clone();
        assert_eq!(clinic.put(&me, &path, None, clinic.mood(3)).await.expect(201).etag.as_deref(), Some("\"1\""));
        assert_eq!(clinic.put(&me, &path, None, clinic.mood(3)).await.expect(200).etag.as_deref(), Some("\"1\""));
        clinic.put(&me, &path, None, clinic.mood(4)).await.problem(428, "precondition-required");
        assert_eq!(clinic.put(&me, &path, Some("\"1\""), clinic.mood(4)).await.expect(200).etag.as_deref(), Some("\"2\""));
        assert_eq!(clinic.put(&me, &path, Some("\"1\""), clinic.mood(4)).await.expect(200).etag.as_deref(), Some("\"2\""));
        let stale = clinic.put(&me, &path, Some("\"1\""), clinic.mood(5)).await.problem(412, "stale");
        assert_eq!(stale["current"]["mood"], 4);
        assert_eq!(stale["detail"], "If-Match does not name the current version, which is \"2\".");
        let nothing = format!("{PATH}/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a11");
        let nothing = clinic.put(&me, &nothing, Some("\"2\""), clinic.mood(5)).await.problem(412, "stale");
        assert_eq!(nothing["detail"], "If-Match names a version of what is not there: to make it, send no If-Match.");
        assert_eq!(nothing.get("current"), None);
        clinic.put(&me, &path, Some("*"), clinic.mood(5)).await.problem(400, "bad-request");
        clinic.put(&me, &path, Some("W/\"2\""), clinic.mood(5)).await.problem(400, "bad-request");
    }

    async fn a_deleted_record_is_gone_and_its_id_stays_used(clinic: Clinic) {
        let (path, me) = (format!("{PATH}/{ID}"), clinic.patient.clone());
        clinic.put(&me, &path, None, clinic.mood(3)).await.expect(201);
        let delete = async |tag: Option<&str>| {
            let call = clinic.call(&me, Method::DELETE, &path);
            if let Some(tag) = tag { call.header("If-Match", tag) } else { call }.send().await
        };
        delete(None).await.problem(428, "precondition-required");
        delete(Some("\"7\"")).await.problem(412, "stale");
        for no_tag in ["\"1\", \"2\"", "W/\"1\"", "*", "1"] {
            delete(Some(no_tag)).await.problem(400, "bad-request");
        }
        delete(Some("\"1\"")).await.expect(204);
        delete(Some("\"1\"")).await.expect(204);
        clinic.get(&me, &path).await.problem(404, "not-found");
        clinic.put(&me, &path, None, clinic.mood(3)).await.problem(410, "gone");
    }

    async fn of_a_deleted_record_nothing_that_was_said_stays_in_its_row(clinic: Clinic) {
        let (path, me) = (format!("{PATH}/{ID}"), clinic.patient.clone());
        let mut body = clinic.mood(3);
        body["note"] = json!("Slept.");
        clinic.put(&me, &path, None, body).await.expect(201);
        let row = async || {
            let row = record::Entity::find_by_id((me.id, ID.parse::<Uuid>().unwrap()));
            row.one(clinic.app.db.read()).await.unwrap().unwrap()
        };
        let there = row().await;
        assert!(there.facts.contains("mood") && there.sealed.is_some(), "{there:?}");
        clinic.clock.advance(chrono::TimeDelta::hours(1));
        clinic.call(&me, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        let gone = row().await;
        assert_eq!((gone.facts.as_str(), &gone.sealed, gone.deleted), ("{}", &None, true));
        assert_eq!((gone.version, gone.seq, gone.updated_at), (2, there.seq + 1, clinic.now().into()));
    }

    async fn a_record_is_not_deleted_through_the_path_of_another_kind(clinic: Clinic) {
        let (me, therapist) = (&clinic.patient, &clinic.therapist);
        let planned = json!({ "kind": "dosing", "state": "planned", "starts_at": clinic.now().to_rfc3339(),
                              "time_zone": "Europe/Berlin", "setting": "clinic" });
        let mood = clinic.post(me, PATH, clinic.mood(3)).await.expect(201).json();
        let session = clinic.post(me, "/v1/patients/me/sessions", planned).await.expect(201).json();
        let path = |kind: &str, one: &Value| format!("/v1/patients/{}/{kind}/{}", me.id, one["id"].as_str().unwrap());
        let delete = async |who: &Person, path: &str| {
            clinic.call(who, Method::DELETE, path).header("If-Match", "\"1\"").send().await
        };
        for (who, path) in [
            (me, path("sessions", &mood)),
            (me, path("journal-entries", &mood)),
            (me, path("mood-scores", &session)),
            (therapist, path("sessions", &mood)),
        ] {
            delete(who, &path).await.problem(404, "not-found");
        }
        for stands in [path("mood-scores", &mood), path("sessions", &session)] {
            assert_eq!(clinic.get(me, &stands).await.expect(200).etag.as_deref(), Some("\"1\""));
        }
        // Nor is it found gone there.
        delete(me, &path("mood-scores", &mood)).await.expect(204);
        for who in [me, therapist] {
            delete(who, &path("sessions", &mood)).await.problem(404, "not-found");
        }
    }

    async fn every_bad_field_is_named_at_once_and_nothing_is_stored(clinic: Clinic) {
        let body = json!({ "occurred_at": "yesterday", "time_zone": 7, "mood": 11, "anxiety": "no", "colour": 1, "note": "a\u{0}b" });
        let bad = clinic.post(&clinic.patient, PATH, body).await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/anxiety", "/colour", "/mood", "/note", "/occurred_at", "/time_zone"]);
        assert!(!bad.text.contains("yesterday"));
        let far = json!({ "occurred_at": "2126-01-01T00:00:00Z", "time_zone": "Mars/Base", "mood": 1 });
        let far = clinic.post(&clinic.patient, PATH, far).await;
        assert_eq!(far.pointers(), ["/occurred_at", "/time_zone"]);
        let long = json!({ "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC", "mood": 1, "note": "x".repeat(10_000) });
        assert_eq!(clinic.post(&clinic.patient, PATH, long).await.pointers(), ["/note"]);
        assert_eq!(clinic.get(&clinic.patient, PATH).await.json()["items"], json!([]));
    }

    async fn every_framework_error_is_a_problem(clinic: Clinic) {
        let post = |content_type: &str, body: &str| {
            let call = clinic.call(&clinic.patient, Method::POST, PATH).header("Idempotency-Key", "k");
            call.bytes(content_type, body.as_bytes()).send()
        };
        post("application/json", "{\"mood\":").await.problem(400, "malformed-json");
        post("text/plain", "{}").await.problem(415, "unsupported-media-type");
        post("application/json", &"[".repeat(40)).await.problem(413, "too-large");
        post("application/json", &"1".repeat(3 << 20)).await.problem(413, "too-large");
        clinic.get(&clinic.patient, "/v1/nothing").await.problem(404, "not-found");
        clinic.get(&clinic.patient, &format!("{PATH}/not-an-id")).await.problem(404, "not-found");
        clinic.call(&clinic.patient, Method::PATCH, PATH).send().await.problem(405, "method-not-allowed");
        let limit = clinic.get(&clinic.patient, &format!("{PATH}?limit=0")).await;
        limit.problem(400, "bad-request");
        assert_eq!(limit.pointers(), ["query:limit"]);
        clinic.get(&clinic.patient, &format!("{PATH}?cursor=zzz")).await.problem(400, "bad-request");
        clinic.anonymous(Method::GET, PATH).send().await.problem(401, "unauthenticated");
    }

    async fn a_list_is_newest_first_and_from_is_in_it_and_to_is_not(clinic: Clinic) {
        let at = |minutes: i64| (clinic.now() - chrono::TimeDelta::minutes(minutes)).to_rfc3339().replace('+', "%2B");
        // Written in another order than they happened.
        for minutes in [20, 0, 30, 10] {
            let occurred_at = clinic.now() - chrono::TimeDelta::minutes(minutes);
            let body = json!({ "occurred_at": occurred_at.to_rfc3339(), "time_zone": "Europe/Berlin", "mood": minutes / 10 });
            clinic.post(&clinic.patient, PATH, body).await.expect(201);
        }
        let moods = async |query: String| {
            let page = clinic.get(&clinic.patient, &format!("{PATH}?{query}")).await.expect(200).json();
            let items = page["items"].as_array().unwrap().iter().map(|item| item["mood"].as_i64().unwrap());
            items.collect::<Vec<_>>()
        };
        assert_eq!(moods(String::new()).await, [0, 1, 2, 3]);
        assert_eq!(moods(format!("from={}", at(20))).await, [0, 1, 2]);
        assert_eq!(moods(format!("to={}", at(10))).await, [2, 3]);
        assert_eq!(moods(format!("from={}&to={}", at(30), at(10))).await, [2, 3]);
        assert_eq!(moods(format!("from={}&to={}", at(10), at(10))).await, [0; 0]);
        assert_eq!(moods(format!("from={}&limit=1", at(20))).await, [0]);
    }

    async fn pages_go_back_in_time_without_gap_or_double(clinic: Clinic) {
        for mood in 0..7 {
            clinic.post(&clinic.patient, PATH, clinic.mood(mood)).await.expect(201);
            if mood % 2 == 0 { clinic.clock.advance(chrono::TimeDelta::minutes(1)); }
        }
        let (mut moods, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = clinic.get(&clinic.patient, &format!("{PATH}?limit=3{cursor}")).await.expect(200).json();
            moods.extend(page["items"].as_array().unwrap().iter().map(|item| item["mood"].as_i64().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        moods.sort_unstable();
        assert_eq!(moods, [0, 1, 2, 3, 4, 5, 6]);
    }
}

on_both! {
    async fn a_body_full_of_faults_costs_no_more_to_refuse_than_to_send(clinic: Clinic) {
        let nuls = json!({ "a".repeat(40_000): vec!["\u{0}"; 3000] });
        let bad = clinic.post(&clinic.patient, PATH, nuls).await;
        bad.problem(422, "invalid");
        assert!(bad.text.len() < 64 * 1024, "{}", bad.text.len());
        let unknown: serde_json::Map<_, _> = (0..20_000).map(|n| (format!("f{n}"), json!(1))).collect();
        let bad = clinic.post(&clinic.patient, PATH, unknown.into()).await;
        bad.problem(422, "invalid");
        assert!(bad.text.len() < 64 * 1024, "{}", bad.text.len());
        let login = clinic.anonymous(Method::POST, "/v1/auth/login").json(&json!({ "email": "x".repeat(9000) }));
        login.send().await.problem(413, "too-large");
    }
}
