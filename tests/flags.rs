//! Flags: what the rules find in a write, what the patient is shown at once, and what members do with it.

use crate::{
    on_both,
    support::{Answer, Clinic, Person},
};
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

pub const ASSESSMENTS: &str = "/v1/patients/me/assessments";
pub const MOODS: &str = "/v1/patients/me/mood-scores";
pub const DOSES: &str = "/v1/patients/me/home-doses";

pub fn at(instant: DateTime<Utc>) -> Value {
    json!({ "occurred_at": instant.to_rfc3339(), "time_zone": "Europe/Berlin" })
}

pub fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// A PHQ-9 of ones, item 9 apart.
pub fn phq_9(instant: DateTime<Utc>, item_9: Option<i64>) -> Value {
    let mut answers: Value =
        (1..=8).map(|number| (number.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into();
    answers["9"] = json!(item_9);
    with(at(instant), json!({ "instrument": "phq-9", "answers": answers }))
}

pub fn mood(instant: DateTime<Utc>, mood: i64) -> Value {
    with(at(instant), json!({ "mood": mood }))
}

pub fn dose(instant: DateTime<Utc>, amount_mg: i64, prescription: Option<&str>) -> Value {
    with(at(instant), json!({ "amount_mg": amount_mg, "route": "sublingual", "prescription_id": prescription }))
}

pub async fn flags(clinic: &Clinic, query: &str) -> Vec<Value> {
    let page = clinic.get(&clinic.therapist, &format!("/v1/flags{query}")).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

pub async fn rules(clinic: &Clinic) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut rules: Vec<_> =
        flags(clinic, "").await.iter().map(|flag| (text(&flag["rule"]), text(&flag["severity"]))).collect();
    rules.sort();
    rules
}

pub fn pairs(rules: &[(String, String)]) -> Vec<(&str, &str)> {
    rules.iter().map(|(rule, severity)| (rule.as_str(), severity.as_str())).collect()
}

pub async fn verb(clinic: &Clinic, who: &Person, flag: &Value, verb: &str, body: Value) -> Answer {
    let path = format!("/v1/flags/{}/{verb}", flag["id"].as_str().unwrap());
    clinic.call(who, Method::POST, &path).json(&body).send().await
}

pub async fn prescribe(clinic: &Clinic) -> String {
    let path = format!("/v1/patients/{}/prescriptions", clinic.patient.id);
    let body = json!({
        "route": "sublingual", "form": "troche", "mg_per_dose": 150, "max_mg_per_dose": 200, "min_hours_between": 72,
        "max_doses_per_week": 2, "supply_doses": 8, "starts_on": "2026-01-01", "sitter_required": true,
        "blood_pressure_required": true,
    });
    let made = clinic.post(&clinic.prescriber, &path, body).await.expect(201).json();
    assert_eq!(made["occurred_at"], "2026-01-01T00:00:00.000000+01:00");
    made["id"].as_str().unwrap().to_owned()
}

on_both! {
    async fn help_is_that_of_the_country_where_the_patient_lives(clinic: Clinic) {
        let mut first = Vec::new();
        for country in ["US", "CA", "DE"] {
            let me = clinic.new_patient().await;
            let lives = clinic.call(&me, Method::PATCH, "/v1/patients/me").header("If-Match", "\"1\"");
            lives.json(&json!({ "country": country })).send().await.expect(200);
            let made = clinic.post(&me, ASSESSMENTS, phq_9(clinic.now(), Some(3))).await.expect(201).json();
            first.push(made["support"]["resources"][0]["name"].as_str().unwrap().to_owned());
        }
        assert_ne!(first[0], first[1]);
        assert_ne!(first[0], first[2], "a line of the USA is of no use in Germany");
    }

    async fn thoughts_of_being_better_off_dead_reach_the_team_and_help_reaches_the_patient(clinic: Clinic) {
        let now = clinic.now();
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::days(7), Some(0))).await.expect(201);
        let made = clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now, Some(2))).await.expect(201).json();
        assert_eq!(made["score"]["total"], 10);
        assert_eq!(made["score"]["band"], "moderate");
        let support = &made["support"];
        assert!(support["message"].as_str().unwrap().contains("call 988 or text 988"), "{support}");
        assert_eq!(support["resources"][0]["phone"], "988");

        let found = flags(&clinic, "").await;
        assert_eq!(found.len(), 1);
        let flag = &found[0];
        assert_eq!(flag["rule"], "SI-02");
        assert_eq!((&flag["severity"], &flag["state"]), (&json!("urgent"), &json!("open")));
        assert_eq!(flag["title"], "Thoughts of being better off dead, more than half the days");
        assert_eq!(flag["evidence"][0]["resource"], "assessments");
        assert_eq!(flag["evidence"][0]["id"], made["id"]);
        assert_eq!(flag["evidence"][0]["detail"], "2 of 3, “More than half the days”. Before: 0. PHQ-9 total 10.");
        // Saturday, 10:00 in Berlin: due on Sunday at 09:00.
        assert_eq!(flag["acknowledge_by"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), "2026-03-15T08:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let roles: Vec<_> = flag["escalation"].as_array().unwrap().iter().map(|step| step["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["primary", "care-team", "admin"]);
        assert_eq!(flag["escalation"][0]["member_id"], clinic.therapist.id.to_string());

        let read = clinic.get(&clinic.patient, &format!("{ASSESSMENTS}/{}", made["id"].as_str().unwrap())).await.expect(200);
        assert!(read.json().get("support").is_none());
        let told = entities::notification::Entity::find()
            .filter(entities::notification::Column::FlagId.eq(flag["id"].as_str().unwrap().parse::<Uuid>().unwrap()))
            .all(clinic.app.db.read()).await.unwrap();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].recipient_id, told[0].step), (Some(clinic.therapist.id), Some(1)));
    }

    async fn who_was_told_stays_told_whoever_is_first_since(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        let team = format!("/v1/patients/{}/care-team", clinic.patient.id);
        let relations = clinic.get(&clinic.admin, &team).await.expect(200).json();
        let relations = relations["items"].as_array().unwrap();
        let other = relations.iter().find(|one| one["member_id"] == clinic.prescriber.id.to_string()).unwrap();
        let first = json!({ "member_id": clinic.prescriber.id, "primary": true, "from_on": other["from_on"] });
        let path = format!("{team}/{}", other["id"].as_str().unwrap());
        clinic.put(&clinic.admin, &path, Some("\"1\""), first).await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(5));
        let flag = flags(&clinic, "").await.remove(0);
        let told = &flag["escalation"][0];
        assert_eq!((&told["member_id"], &told["role"], &told["state"]), (&json!(clinic.therapist.id), &json!("primary"), &json!("told")));
        assert_eq!(told["at"], flag["opened_at"]);
        let rest: Vec<_> = flag["escalation"].as_array().unwrap()[1..].iter().map(|step| &step["state"]).collect();
        assert!(rest.iter().all(|state| *state == "waiting"), "{rest:?}");
    }

    async fn flags_are_for_the_care_team_alone(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let path = format!("/v1/patients/{}/flags", clinic.patient.id);
        assert_eq!(clinic.get(&clinic.prescriber, &path).await.expect(200).json()["items"].as_array().unwrap().len(), 1);
        clinic.get(&clinic.patient, "/v1/patients/me/flags").await.problem(403, "forbidden");
        clinic.get(&clinic.patient, "/v1/flags").await.problem(403, "forbidden");
        clinic.get(&clinic.admin, &path).await.problem(403, "forbidden");
        clinic.get(&clinic.admin, "/v1/flags").await.problem(403, "forbidden");
        let stranger = clinic.new_member(afterglow::security::access::Roles::THERAPIST).await;
        clinic.get(&stranger, &path).await.problem(404, "not-found");
        assert_eq!(clinic.get(&stranger, "/v1/flags").await.expect(200).json()["items"], json!([]));
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &stranger, &flag, "acknowledge", json!({})).await.problem(404, "not-found");
        verb(&clinic, &clinic.patient, &flag, "acknowledge", json!({})).await.problem(403, "forbidden");
        assert!(!clinic.get(&clinic.therapist, "/v1/flags?state=open&severity=urgent").await.json()["items"].as_array().unwrap().is_empty());
        clinic.get(&clinic.therapist, "/v1/flags?state=odd").await.problem(400, "bad-request");
    }

    async fn a_repeated_write_raises_no_second_flag_and_answers_the_same(clinic: Clinic) {
        let body = phq_9(clinic.now(), Some(3));
        let send = async || {
            let call = clinic.call(&clinic.patient, Method::POST, ASSESSMENTS).header("Idempotency-Key", "once");
            call.json(&body).send().await.expect(201)
        };
        let (first, again) = (send().await, send().await);
        assert_eq!(first.text, again.text);
        assert!(first.json()["support"].is_object());
        let path = format!("{ASSESSMENTS}/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10");
        let put = clinic.put(&clinic.patient, &path, None, body.clone()).await.expect(201);
        let same = clinic.put(&clinic.patient, &path, None, body.clone()).await.expect(200);
        assert_eq!(put.json(), same.json());
        assert_eq!(pairs(&rules(&clinic).await), [("SI-02", "urgent"), ("SI-02", "urgent")]);
        // A quiet write at the same instant is no evidence of anything.
        let quiet = clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await.expect(201);
        assert!(quiet.json().get("support").is_none());
    }

    async fn forms_of_one_day_are_one_flag_and_a_graver_answer_before_raises_a_skipped_one(clinic: Clinic) {
        let now = clinic.now();
        let ago = |hours| now - TimeDelta::hours(hours);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(ago(30), Some(1))).await.expect(201);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(ago(6), Some(1))).await.expect(201);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(ago(72), Some(1))).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("SI-01", "urgent"), ("SI-01", "urgent")]);

        let other = clinic.new_patient().await;
        let skipped = clinic.post(&other, ASSESSMENTS, phq_9(ago(2), None)).await.expect(201).json();
        assert_eq!(skipped["score"]["status"], "invalid");
        assert!(skipped.get("support").is_none(), "watch is for the team");
        let of_other = format!("/v1/patients/{}/flags", other.id);
        let flag = clinic.get(&clinic.therapist, &of_other).await.json()["items"][0].clone();
        assert_eq!((&flag["rule"], &flag["severity"]), (&json!("SI-04"), &json!("watch")));
        verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.expect(200);
        // Written late, three days back: the answer before the skipped one was 1.
        clinic.post(&other, ASSESSMENTS, phq_9(ago(70), Some(1))).await.expect(201);
        let flags = clinic.get(&clinic.therapist, &of_other).await.json()["items"].as_array().unwrap().clone();
        let raised = flags.iter().find(|flag| flag["rule"] == "SI-04").unwrap();
        assert_eq!((&raised["severity"], &raised["state"]), (&json!("urgent"), &json!("open")));
        assert_eq!(flags.len(), 2);
    }

    async fn a_form_of_a_member_shows_no_support(clinic: Clinic) {
        let path = format!("/v1/patients/{}/assessments", clinic.patient.id);
        let body = with(phq_9(clinic.now(), Some(2)), json!({ "answered_by": "clinician" }));
        let made = clinic.post(&clinic.therapist, &path, body).await.expect(201).json();
        assert!(made.get("support").is_none());
        assert_eq!(pairs(&rules(&clinic).await), [("SI-02", "urgent")]);
    }

    async fn a_flag_is_taken_on_closed_and_opened_again(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        clinic.clock.advance(TimeDelta::minutes(5));
        let taken = verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.expect(200).json();
        assert_eq!(taken["state"], "acknowledged");
        assert_eq!(taken["acknowledged_by"]["member_id"], clinic.therapist.id.to_string());
        let again = verb(&clinic, &clinic.prescriber, &flag, "acknowledge", json!({})).await.expect(200).json();
        assert_eq!(again, taken);
        let bad = verb(&clinic, &clinic.therapist, &flag, "resolve", json!({ "outcome": "shrug", "x": 1 })).await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/outcome", "/x"]);
        let note = "Called. Sister is with her. 🌿";
        let done = verb(&clinic, &clinic.prescriber, &flag, "resolve", json!({ "outcome": "contacted", "note": note })).await.expect(200).json();
        assert_eq!((&done["state"], &done["outcome"], &done["note"]), (&json!("resolved"), &json!("contacted"), &json!(note)));
        verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.problem(409, "impossible-step");
        let open = verb(&clinic, &clinic.therapist, &flag, "reopen", json!({ "reason": "Not reached after all." })).await.expect(200).json();
        assert_eq!((&open["state"], &open["reason"]), (&json!("open"), &json!("Not reached after all.")));
        assert!(open.get("outcome").is_none());
        assert_ne!(open["acknowledge_by"], Value::Null);
    }

    async fn a_repeated_act_says_the_same_and_another_one_is_refused(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let (flag, therapist) = (flags(&clinic, "").await.remove(0), clinic.therapist.clone());
        let act = async |name: &str, body: Value| verb(&clinic, &therapist, &flag, name, body).await;
        // Nothing has to be said when taking a flag on.
        let path = format!("/v1/flags/{}/acknowledge", flag["id"].as_str().unwrap());
        let taken = clinic.call(&therapist, Method::POST, &path).send().await.expect(200).json();
        assert_eq!(act("acknowledge", json!({})).await.expect(200).json(), taken);
        assert_eq!(act("acknowledge", json!({ "note": "x" })).await.pointers(), ["/note"]);

        let done = act("resolve", json!({ "outcome": "contacted", "note": "Called." })).await.expect(200).json();
        assert_eq!(act("resolve", json!({ "note": "Called.", "outcome": "contacted" })).await.expect(200).json(), done);
        for other in [json!({ "outcome": "referred", "note": "Called." }), json!({ "outcome": "contacted" })] {
            act("resolve", other).await.problem(409, "impossible-step");
        }
        let open = act("reopen", json!({ "reason": "Not reached after all." })).await.expect(200).json();
        assert_eq!(act("reopen", json!({ "reason": "Not reached after all." })).await.expect(200).json(), open);
        act("reopen", json!({ "reason": "Another reason." })).await.problem(409, "impossible-step");
        assert_eq!(flags(&clinic, "").await.remove(0), open);
    }

    async fn new_evidence_opens_a_resolved_flag_again(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.therapist, &flag, "resolve", json!({ "outcome": "false-alarm", "note": "A slip." })).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(3));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let found = flags(&clinic, "").await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0]["state"], "open");
        assert_eq!(found[0]["evidence"].as_array().unwrap().len(), 2);
        assert_eq!(found[0]["note"], "A slip.");
        // Its clock runs from now, not from when it was first opened.
        let since = |member: &str| found[0][member].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
        assert_eq!(since("waits_since") - since("opened_at"), TimeDelta::hours(3));
        let told = entities::notification::Entity::find().all(clinic.app.db.read()).await.unwrap();
        assert_eq!(told.len(), 2);
    }

    async fn a_fall_of_mood_is_found_whenever_its_parts_arrive(clinic: Clinic) {
        let now = clinic.now();
        let days_ago = |days| now - TimeDelta::days(days);
        for (days, value) in [(15, 7), (14, 6), (12, 7), (10, 6), (1, 3)] {
            clinic.post(&clinic.patient, MOODS, mood(days_ago(days), value)).await.expect(201);
        }
        clinic.post(&clinic.patient, MOODS, mood(now, 3)).await.expect(201);
        assert!(rules(&clinic).await.is_empty());
        // The fifth entry of the time before arrives late.
        clinic.post(&clinic.patient, MOODS, mood(days_ago(9), 6)).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "watch")]);
        let flag = flags(&clinic, "").await.remove(0);
        assert_eq!(flag["title"], "Mood down 3 points in 3 days");
        assert_eq!(flag["evidence"][0]["detail"], "Median 3 over 3 days, 6 over the 14 days before.");
        // One more, lower still: the flag gets graver, and the patient is shown where to turn.
        clinic.clock.advance(TimeDelta::hours(1));
        for value in [0, 0] {
            clinic.post(&clinic.patient, MOODS, mood(clinic.now(), value)).await.expect(201);
            clinic.clock.advance(TimeDelta::hours(1));
        }
        let last = clinic.post(&clinic.patient, MOODS, mood(clinic.now(), 0)).await.expect(201).json();
        assert!(last["support"]["message"].as_str().unwrap().starts_with("Thank you for telling us."));
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "urgent")]);
    }

    async fn a_fall_after_a_session_is_for_context(clinic: Clinic) {
        let now = clinic.now();
        let session = with(json!({ "starts_at": (now - TimeDelta::hours(20)).to_rfc3339(), "time_zone": "Europe/Berlin" }),
            json!({ "kind": "dosing", "state": "completed", "setting": "clinic" }));
        let sessions = format!("/v1/patients/{}/sessions", clinic.patient.id);
        let made = clinic.post(&clinic.therapist, &sessions, session).await.expect(201);
        for days in 4..10 {
            clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::days(days), 7)).await.expect(201);
        }
        clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::hours(2), 3)).await.expect(201);
        let quiet = clinic.post(&clinic.patient, MOODS, mood(now, 3)).await.expect(201).json();
        assert!(quiet.get("support").is_none());
        let flag = flags(&clinic, "").await.remove(0);
        assert_eq!((&flag["rule"], &flag["severity"], &flag["acknowledge_by"]), (&json!("RD-02"), &json!("info"), &Value::Null));
        assert_eq!(flag["escalation"], json!([]));
        // The session did not take place after all: nothing explains the fall any more.
        let path = format!("{sessions}/{}", made.json()["id"].as_str().unwrap());
        let call = clinic.call(&clinic.therapist, Method::DELETE, &path).header("If-Match", made.etag.as_deref().unwrap());
        call.send().await.expect(204);
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "watch")]);
    }

    async fn home_doses_are_always_accepted_and_measured_against_the_prescription(clinic: Clinic) {
        let now = clinic.now();
        let ago = |hours| now - TimeDelta::hours(hours);
        let without = clinic.post(&clinic.patient, DOSES, dose(ago(400), 100, None)).await.expect(201).json();
        let told = without["support"]["message"].as_str().unwrap();
        assert!(told.contains("until you have talked with your clinic"), "{told}");
        assert!(told.contains("If you feel very unwell, or somebody cannot wake you, call 911."), "{told}");
        assert_eq!(pairs(&rules(&clinic).await), [("HD-07", "urgent")]);
        let id = prescribe(&clinic).await;
        let fine = clinic.post(&clinic.patient, DOSES, dose(ago(200), 200, Some(&id))).await.expect(201).json();
        assert!(fine.get("support").is_none());
        clinic.post(&clinic.patient, DOSES, dose(ago(128), 200, Some(&id))).await.expect(201);
        assert_eq!(rules(&clinic).await.len(), 1);
        clinic.post(&clinic.patient, DOSES, dose(ago(57), 250, Some(&id))).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("HD-01", "urgent"), ("HD-02", "urgent"), ("HD-07", "urgent")]);
        let soon = flags(&clinic, "").await.into_iter().find(|flag| flag["rule"] == "HD-02").unwrap();
        assert_eq!(soon["title"], "Home dose sooner and more often than prescribed");
        assert_eq!(soon["evidence"][0]["detail"], "On 12 March: 71 h after the dose before; at least 72 h are prescribed. 3 doses within 168 h; at most 2 are prescribed.");
        let other_route = with(dose(now, 100, Some(&id)), json!({ "route": "intranasal" }));
        clinic.post(&clinic.patient, DOSES, other_route).await.expect(201);
        let found = rules(&clinic).await;
        assert_eq!(found.iter().filter(|(rule, _)| rule == "HD-07").count(), 2);
    }
}
