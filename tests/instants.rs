//! One form of instants in every answer: RFC 3339, six digits behind the second, a numeric offset.

use crate::{on_both, support::Clinic};
use poem::http::Method;
use serde_json::{Value, json};

/// Everything in an answer that looks like an instant, and is not in the form.
fn odd(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if looks_like_one(text) && !is_in_form(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| odd(item, found)),
        Value::Object(members) => members.values().for_each(|member| odd(member, found)),
        _ => {}
    }
}

fn looks_like_one(text: &str) -> bool {
    text.len() >= 19 && text.as_bytes()[10] == b'T' && text[..10].parse::<chrono::NaiveDate>().is_ok()
}

fn is_in_form(text: &str) -> bool {
    let shape: String = text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    ["0000-00-00T00:00:00.000000+00:00", "0000-00-00T00:00:00.000000-00:00"].contains(&shape.as_str())
}

/// A clinic in which something of everything happened.
async fn fill(clinic: &Clinic) {
    let (me, now) = (clinic.patient.clone(), clinic.now().to_rfc3339());
    let at = |mut body: Value| {
        body["occurred_at"] = json!(now);
        body["time_zone"] = json!("America/New_York");
        body
    };
    let patient = format!("/v1/patients/{}", me.id);
    let answers = json!({ "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1, "7": 1, "8": 1, "9": 1 });
    let own = async |name: &str, body: Value| clinic.post(&me, &format!("{patient}/{name}"), body).await.expect(201);
    own("mood-scores", at(json!({ "mood": 3 }))).await;
    own("intentions", at(json!({ "text": "x" }))).await;
    own("journal-entries", at(json!({ "body": "x", "visibility": "shared" }))).await;
    own("assessments", at(json!({ "instrument": "phq-9", "answers": answers }))).await;
    let reading = json!([{ "at": "2026-03-14T10:20:00Z", "systolic": 120, "diastolic": 80 }]);
    let dose =
        own("home-doses", at(json!({ "amount_mg": 50, "route": "oral", "blood_pressures": reading }))).await.json();
    assert_eq!(dose["blood_pressures"][0]["at"], "2026-03-14T06:20:00.000000-04:00");
    let session = json!({ "kind": "dosing", "state": "planned", "starts_at": "2026-03-20T09:00:00.123456789Z", "time_zone": "Asia/Tokyo", "setting": "clinic" });
    assert!(dose["amount_mg"].is_u64(), "50 is told as 50");
    let session = own("sessions", session).await.json();
    assert_eq!(
        (&session["starts_at"], &session["occurred_at"]),
        (&json!("2026-03-20T18:00:00.123456+09:00"), &json!("2026-03-20T18:00:00.123456+09:00"))
    );
    let daily = json!({ "type": "recurring", "rrule": "FREQ=DAILY", "times": ["09:00"], "starts_on": "2026-03-14", "zone": "follow" });
    own("reminders", json!({ "kind": "check-in", "active": true, "schedule": daily })).await;
    let flags = clinic.get(&clinic.therapist, "/v1/flags").await.json();
    let flag = format!("/v1/flags/{}", flags["items"][0]["id"].as_str().unwrap());
    for (verb, body) in [
        ("acknowledge", json!({})),
        ("resolve", json!({ "outcome": "contacted" })),
        ("reopen", json!({ "reason": "x" })),
        ("acknowledge", json!({})),
    ] {
        look(
            clinic
                .call(&clinic.therapist, Method::POST, &format!("{flag}/{verb}"))
                .json(&body)
                .send()
                .await
                .expect(200)
                .json(),
        );
    }
    let invited = clinic
        .post(
            &clinic.therapist,
            "/v1/invitations",
            json!({ "email": "n@example.org", "kind": "patient", "display_name": "N" }),
        )
        .await;
    look(invited.expect(201).json());
}

fn look(answer: Value) {
    let mut found = Vec::new();
    odd(&answer, &mut found);
    assert!(found.is_empty(), "{found:?} in {answer}");
}

on_both! {
    async fn every_answer_tells_instants_in_one_form(clinic: Clinic) {
        fill(&clinic).await;
        let document = clinic.anonymous(Method::GET, "/openapi.json").send().await.json();
        let paths = document["paths"].as_object().unwrap();
        let mut seen = 0;
        for path in paths.iter().filter(|(path, item)| item.get("get").is_some() && path.as_str() != "/v1/events").map(|(path, _)| path) {
            let path = path.replace("{patient}", &clinic.patient.id.to_string()).replace("{code}", "phq-9");
            let list = path.split("/{id}").next().unwrap();
            let query = if list.ends_with("/sessions") || list.ends_with("/timeline") { "?to=2027-01-01T00:00:00Z" } else { "" };
            let answer = clinic.get(&clinic.therapist, &format!("{list}{query}")).await;
            if answer.status != 200 { continue; }
            seen += 1;
            look(answer.json());
            let first = answer.json()["items"][0]["id"].as_str().map(String::from);
            if let Some(id) = first.filter(|_| path.contains("{id}")) {
                look(clinic.get(&clinic.therapist, &path.replace("{id}", &id)).await.expect(200).json());
            }
        }
        assert!(seen > 20, "{seen}");
    }

    async fn a_record_sent_again_with_finer_instants_than_are_kept_is_the_same(clinic: Clinic) {
        let path = "/v1/patients/me/mood-scores/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10";
        let body = json!({ "occurred_at": "2026-03-14T08:00:00.123456789+01:00", "time_zone": "Europe/Berlin", "mood": 4 });
        let made = clinic.put(&clinic.patient, path, None, body.clone()).await.expect(201).json();
        assert_eq!(made["occurred_at"], "2026-03-14T08:00:00.123456+01:00");
        assert_eq!(clinic.put(&clinic.patient, path, None, body).await.expect(200).json(), made);
    }
}
