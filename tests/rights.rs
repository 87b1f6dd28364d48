//! Rights that end while a request is on its way: what counts is the moment of the write, not that of the knock.

use crate::{
    on_both,
    support::{Answer, Clinic, Person},
};
use afterglow::security::access::Roles;
use chrono::TimeDelta;
use futures_util::stream;
use poem::{Body, http::Method};
use serde_json::{Value, json};
use std::{future::Future, sync::Arc};
use tokio::sync::Notify;

/// A body that is asked for once all that stands before it was looked at, and that comes when it is let go.
fn held_back(body: &Value) -> (Body, Arc<Notify>, Arc<Notify>) {
    let (asked, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (asks, waits, text) = (asked.clone(), let_go.clone(), body.to_string());
    let bytes = stream::once(async move {
        asks.notify_one();
        waits.notified().await;
        Ok::<_, std::io::Error>(text)
    });
    (Body::from_bytes_stream(bytes), asked, let_go)
}

/// A call whose caller is let in, then loses the right, and only then says what they want.
async fn meanwhile(
    clinic: &Clinic,
    who: &Person,
    (method, path, tag): (Method, &str, Option<&str>),
    body: Value,
    ending: impl Future<Output = ()>,
) -> Answer {
    let (body, asked, let_go) = held_back(&body);
    let call = clinic.call(who, method, path).header("Idempotency-Key", &clinic.clock.new_id().to_string());
    let call = if let Some(tag) = tag { call.header("If-Match", tag) } else { call };
    let mut answer = std::pin::pin!(call.body(body).send());
    tokio::select! {
        () = asked.notified() => {}
        early = &mut answer => panic!("answered before the body was asked for: {early:?}"),
    }
    tokio::select! {
        () = ending => {}
        early = &mut answer => panic!("answered without the body: {early:?}"),
    }
    let_go.notify_one();
    answer.await
}

/// Takes a place on the care team away.
async fn end_care(clinic: &Clinic, relation: &Value) {
    let path = format!("/v1/patients/{}/care-team/{}", clinic.patient.id, relation["id"].as_str().unwrap());
    let tag = format!("\"{}\"", relation["version"]);
    clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", &tag).send().await.expect(204);
}

/// Puts a new therapist on the care team, as the primary one.
async fn join(clinic: &Clinic) -> (Person, Value) {
    let therapist = clinic.new_member(Roles::THERAPIST).await;
    let path = format!("/v1/patients/{}/care-team", clinic.patient.id);
    let place = json!({ "member_id": therapist.id, "primary": true, "from_on": "2026-03-14" });
    let place = clinic.call(&clinic.admin, Method::POST, &path).json(&place).send().await.expect(201).json();
    (therapist, place)
}

on_both! {
    async fn whoever_leaves_the_care_team_writes_nothing_more_however_long_the_request_took(clinic: Clinic) {
        let patient = format!("/v1/patients/{}", clinic.patient.id);
        let form = json!({ "instrument": "phq-9", "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC",
                           "answers": (1..=9).map(|n| (n.to_string(), json!(u8::from(n == 9)))).collect::<serde_json::Map<_, _>>() });
        clinic.post(&clinic.patient, "/v1/patients/me/assessments", form.clone()).await.expect(201);
        let flag = clinic.get(&clinic.therapist, &format!("{patient}/flags")).await.expect(200).json()["items"][0].clone();
        let flag = format!("/v1/flags/{}", flag["id"].as_str().unwrap());
        let session = json!({ "kind": "dosing", "state": "planned", "starts_at": "2026-03-20T09:00:00Z",
                              "time_zone": "UTC", "setting": "clinic" });
        let reminder = json!({ "kind": "journal", "active": true,
                               "schedule": { "type": "relative", "to": "dosing-session", "offset": "PT4H" } });
        let place = json!({ "member_id": clinic.prescriber.id, "primary": false, "from_on": "2027-01-01" });
        let id = clinic.clock.new_id();
        let calls = [
            (Method::POST, format!("{patient}/assessments"), None, form),
            (Method::POST, format!("{patient}/sessions"), None, session.clone()),
            (Method::PUT, format!("{patient}/sessions/{id}"), None, session),
            (Method::POST, format!("{patient}/reminders"), None, reminder.clone()),
            (Method::PUT, format!("{patient}/reminders/{id}"), None, reminder),
            (Method::PATCH, patient.clone(), Some("\"1\""), json!({ "pronouns": "they" })),
            (Method::POST, format!("{patient}/care-team"), None, place),
            (Method::POST, format!("{flag}/acknowledge"), None, json!({})),
            (Method::POST, format!("{flag}/resolve"), None, json!({ "outcome": "contacted" })),
        ];
        for (method, path, tag, body) in calls {
            let (therapist, place) = join(&clinic).await;
            let call = (method, path.as_str(), tag);
            let answer = meanwhile(&clinic, &therapist, call, body, end_care(&clinic, &place)).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        }
        let profile = clinic.get(&clinic.patient, "/v1/patients/me").await.expect(200).json();
        assert_eq!(profile["pronouns"], Value::Null);
        let sessions = clinic.get(&clinic.patient, "/v1/patients/me/sessions").await.expect(200).json();
        assert_eq!(sessions["items"], json!([]));
    }

    async fn whoever_is_an_admin_no_more_changes_nothing_more(clinic: Clinic) {
        let member = format!("/v1/clinic/members/{}", clinic.therapist.id);
        let invited = json!({ "email": "sam@example.org", "kind": "member", "roles": ["admin"], "display_name": "Sam" });
        for (method, path, tag, body) in [
            (Method::PATCH, "/v1/clinic", Some("\"1\""), json!({ "name": "Mine" })),
            (Method::PATCH, member.as_str(), Some("\"1\""), json!({ "roles": ["admin"] })),
            (Method::POST, "/v1/invitations", None, invited),
        ] {
            let admin = clinic.new_member(Roles::ADMIN).await;
            let demote = async {
                let path = format!("/v1/clinic/members/{}", admin.id);
                let call = clinic.call(&clinic.admin, Method::PATCH, &path).header("If-Match", "\"1\"");
                call.json(&json!({ "roles": ["therapist"] })).send().await.expect(200);
            };
            let answer = meanwhile(&clinic, &admin, (method, path, tag), body, demote).await;
            answer.problem(403, "forbidden");
        }
        clinic.clock.advance(TimeDelta::seconds(1));
        assert_eq!(clinic.get(&clinic.admin, "/v1/clinic").await.expect(200).json()["name"], "Harbour Clinic");
    }
}
