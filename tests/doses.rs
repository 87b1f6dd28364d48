//! Home doses against their limits: which limits, and where exactly they lie.

use crate::{
    flags::{DOSES, dose, flags, prescribe, rules, with},
    on_both,
    support::Clinic,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

async fn session(clinic: &Clinic, at: DateTime<Utc>, setting: &str) -> String {
    let session = json!({
        "starts_at": at.to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": setting,
    });
    let path = format!("/v1/patients/{}/sessions", clinic.patient.id);
    clinic.post(&clinic.therapist, &path, session).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// A prescription of at most so many milligrams, from a day on.
async fn limit(clinic: &Clinic, max_mg: i64, starts_on: &str, ends_on: Option<&str>) -> String {
    let body = json!({
        "route": "sublingual", "form": "troche", "mg_per_dose": 50, "max_mg_per_dose": max_mg, "min_hours_between": 0,
        "max_doses_per_week": 100, "supply_doses": 8, "starts_on": starts_on, "ends_on": ends_on, "sitter_required": true,
        "blood_pressure_required": true,
    });
    let path = format!("/v1/patients/{}/prescriptions", clinic.patient.id);
    clinic.post(&clinic.prescriber, &path, body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
}

/// What a dose raises, and in which words.
async fn raised(clinic: &Clinic, dose: Value) -> Vec<(String, String)> {
    let made = clinic.post(&clinic.patient, DOSES, dose).await.expect(201).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut of_it: Vec<_> =
        flags(clinic, "?limit=200").await.into_iter().filter(|flag| flag["evidence"][0]["id"] == made["id"]).collect();
    of_it.sort_by_key(|flag| text(&flag["rule"]));
    of_it.iter().map(|flag| (text(&flag["rule"]), text(&flag["evidence"][0]["detail"]))).collect()
}

fn said(raised: &[(String, String)]) -> Vec<(&str, &str)> {
    raised.iter().map(|(rule, detail)| (rule.as_str(), detail.as_str())).collect()
}

on_both! {
    async fn a_dose_at_home_is_not_counted_twice_when_its_session_is_on_record_too(clinic: Clinic) {
        let (now, id) = (clinic.now(), prescribe(&clinic).await);
        session(&clinic, now - TimeDelta::minutes(20), "home").await;
        clinic.post(&clinic.patient, DOSES, dose(now, 150, Some(&id))).await.expect(201);
        assert!(rules(&clinic).await.is_empty(), "the session's dose is the one in the log");
        // The next one is measured against the log itself.
        clinic.clock.advance(TimeDelta::hours(71));
        let soon = raised(&clinic, dose(clinic.now(), 150, Some(&id))).await;
        assert_eq!(said(&soon), [("HD-02", "71 h after the dose before; at least 72 h are prescribed.")]);
    }

    async fn a_session_by_video_is_the_dose_that_was_logged_that_day_and_else_one_of_its_own(clinic: Clinic) {
        let (now, id) = (clinic.now(), prescribe(&clinic).await);
        session(&clinic, now - TimeDelta::minutes(20), "telehealth").await;
        assert!(raised(&clinic, dose(now, 150, Some(&id))).await.is_empty(), "the session's dose is the one in the log");
        // Four days later nobody logs one: the next is measured against the session.
        clinic.clock.advance(TimeDelta::hours(96));
        session(&clinic, clinic.now(), "telehealth").await;
        clinic.clock.advance(TimeDelta::hours(48));
        let soon = raised(&clinic, dose(clinic.now(), 150, Some(&id))).await;
        assert_eq!(said(&soon), [("HD-02", "48 h after the dose before; at least 72 h are prescribed.")]);
    }

    async fn a_note_beside_a_dose_is_not_judged_by_limits_that_came_later(clinic: Clinic) {
        let now = clinic.now();
        let path = format!("/v1/patients/{}/prescriptions/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a18", clinic.patient.id);
        let prescription = |max_mg: i64| json!({
            "route": "sublingual", "form": "troche", "mg_per_dose": 50, "max_mg_per_dose": max_mg, "min_hours_between": 0,
            "max_doses_per_week": 100, "supply_doses": 8, "starts_on": "2026-01-01", "sitter_required": true,
            "blood_pressure_required": true,
        });
        clinic.put(&clinic.prescriber, &path, None, prescription(200)).await.expect(201);
        let named = "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a18";
        let lawful = format!("{DOSES}/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a11");
        let over = format!("{DOSES}/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a12");
        clinic.put(&clinic.patient, &lawful, None, dose(now, 200, Some(named))).await.expect(201);
        let first = clinic.put(&clinic.patient, &over, None, dose(now, 210, Some(named))).await.expect(201).json();
        assert!(first["support"].is_object());
        clinic.put(&clinic.prescriber, &path, Some("\"1\""), prescription(100)).await.expect(200);
        let before = flags(&clinic, "").await;

        let noted = |mg: i64| with(dose(now, mg, Some(named)), json!({ "adverse_effects": ["nausea"] }));
        let fine = clinic.put(&clinic.patient, &lawful, Some("\"1\""), noted(200)).await.expect(200).json();
        assert!(fine.get("support").is_none(), "200 mg were lawful when they were taken");
        let again = clinic.put(&clinic.patient, &over, Some("\"1\""), noted(210)).await.expect(200);
        assert_eq!(again.json()["support"], first["support"], "what it was evidence of it still is");
        assert_eq!(flags(&clinic, "").await, before);
        let repeated = clinic.put(&clinic.patient, &over, Some("\"1\""), noted(210)).await.expect(200);
        assert_eq!(repeated.text, again.text);
        // Another amount is another dose: the limits of now hold.
        clinic.put(&clinic.patient, &lawful, Some("\"2\""), dose(now, 190, Some(named))).await.expect(200);
        assert_eq!(rules(&clinic).await.len(), 2);
    }

    async fn a_session_elsewhere_counts_as_a_dose_to_the_hour(clinic: Clinic) {
        let (now, id) = (clinic.now(), prescribe(&clinic).await);
        let at = session(&clinic, now - TimeDelta::hours(72), "clinic").await;
        assert!(raised(&clinic, dose(now, 150, Some(&id))).await.is_empty(), "exactly 72 h are enough");
        // It began an hour later: the dose that was lawful is too soon.
        let path = format!("/v1/patients/{}/sessions/{at}", clinic.patient.id);
        let moved = json!({
            "starts_at": (now - TimeDelta::hours(71)).to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing",
            "state": "completed", "setting": "clinic",
        });
        let tag = clinic.put(&clinic.therapist, &path, Some("\"1\""), moved.clone()).await.expect(200).etag.unwrap();
        let flag = flags(&clinic, "").await.remove(0);
        assert_eq!((&flag["rule"], &flag["evidence"][0]["detail"]), (&json!("HD-02"), &json!("71 h after the dose before; at least 72 h are prescribed.")));
        // At home after all: nothing new is found, and nothing that was found is taken back.
        clinic.put(&clinic.therapist, &path, Some(&tag), with(moved, json!({ "setting": "home" }))).await.expect(200);
        assert_eq!(rules(&clinic).await.len(), 1);
    }

    async fn the_limit_is_the_named_prescriptions_else_the_newest_that_holds(clinic: Clinic) {
        let now = clinic.now();
        let old = limit(&clinic, 100, "2026-01-01", Some("2026-02-28")).await;
        limit(&clinic, 300, "2026-03-01", None).await;
        let newest = limit(&clinic, 200, "2026-03-05", Some("2026-12-31")).await;
        limit(&clinic, 50, "2026-03-20", None).await;
        let with_limit = |mg: i64, named: Option<&str>| dose(now, mg, named);
        assert!(raised(&clinic, with_limit(200, Some(&newest))).await.is_empty(), "just as much as is prescribed");
        let over = raised(&clinic, with_limit(201, Some(&newest))).await;
        assert_eq!(said(&over), [("HD-01", "201 mg; at most 200 mg are prescribed.")]);
        // The named one counts even where it no longer holds.
        let over = raised(&clinic, with_limit(101, Some(&old))).await;
        assert_eq!(said(&over), [
            ("HD-01", "101 mg; at most 100 mg are prescribed."), ("HD-07", "101 mg. The prescription does not hold on this day."),
        ]);
        // None named, or one that is nobody's: the newest that holds today, not the oldest, the laxest or the one to come.
        let over = raised(&clinic, with_limit(201, None)).await;
        assert_eq!(said(&over)[0], ("HD-01", "201 mg; at most 200 mg are prescribed."));
        let unknown = raised(&clinic, with_limit(200, Some("0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10"))).await;
        assert_eq!(said(&unknown), [("HD-07", "200 mg. The log names a prescription that is not on record.")]);
        // None holds on that day: no limit, and that is said.
        let before = raised(&clinic, dose("2025-12-01T12:00:00Z".parse().unwrap(), 5_000, None)).await;
        assert_eq!(said(&before), [("HD-07", "On 1 December 2025: 5000 mg. The log names no prescription.")]);
    }
}
