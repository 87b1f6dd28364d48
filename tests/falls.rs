//! Falls of mood through a week, around midnight, and beside thoughts of being better off dead.

use crate::{
    flags::{ASSESSMENTS, MOODS, flags, mood, pairs, phq_9, rules, verb},
    on_both,
    support::{Clinic, Person},
};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

async fn flag_of(clinic: &Clinic, patient: &Person) -> Value {
    let path = format!("/v1/patients/{}/flags", patient.id);
    let found = clinic.get(&clinic.therapist, &path).await.expect(200).json()["items"].as_array().unwrap().clone();
    let mut found: Vec<_> = found.into_iter().filter(|flag| flag["rule"] == "RD-02").collect();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// How often somebody was told of a patient's flags.
async fn alarms(clinic: &Clinic, patient: &Person) -> usize {
    let told = entities::notification::Entity::find()
        .filter(entities::notification::Column::PatientId.eq(patient.id))
        .filter(entities::notification::Column::FlagId.is_not_null());
    told.all(clinic.app.db.read()).await.unwrap().len()
}

/// Two good weeks, entered day by day; then a clinic day later the clock stands at the first low day.
async fn two_good_weeks(clinic: &Clinic, patient: &Person) {
    for days in 1..=14 {
        let at = clinic.now() - TimeDelta::days(days);
        clinic.post(patient, MOODS, mood(at, 7)).await.expect(201);
    }
}

/// A mood at a wall-clock time in Auckland.
fn in_auckland(at: &str, value: i64) -> Value {
    let local = NaiveDateTime::parse_from_str(at, "%Y-%m-%d %H:%M").unwrap();
    let at = chrono_tz::Pacific::Auckland.from_local_datetime(&local).unwrap();
    json!({ "occurred_at": at.to_rfc3339(), "time_zone": "Pacific/Auckland", "mood": value })
}

/// Two entries against five, of which the earlier lies at one time and the latest of the five at another.
async fn around_midnight(clinic: &Clinic, recent: &str, before: &str) -> Vec<(String, String)> {
    for day in 1..=4 {
        clinic.post(&clinic.patient, MOODS, in_auckland(&format!("2026-03-0{day} 12:00"), 6)).await.expect(201);
    }
    clinic.post(&clinic.patient, MOODS, in_auckland(before, 6)).await.expect(201);
    for at in [recent, "2026-03-14 12:00"] {
        clinic.post(&clinic.patient, MOODS, in_auckland(at, 3)).await.expect(201);
    }
    rules(clinic).await
}

async fn session(clinic: &Clinic, at: DateTime<Utc>) {
    let session = json!({
        "starts_at": at.to_rfc3339(), "time_zone": "Europe/Berlin", "kind": "dosing", "state": "completed", "setting": "clinic",
    });
    let path = format!("/v1/patients/{}/sessions", clinic.patient.id);
    clinic.post(&clinic.therapist, &path, session).await.expect(201);
}

/// A drop of four points, two hours and no hours ago, after a session twenty hours ago.
async fn softened(clinic: &Clinic) -> Value {
    let now = clinic.now();
    session(clinic, now - TimeDelta::hours(20)).await;
    for days in 4..10 {
        clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::days(days), 7)).await.expect(201);
    }
    for hours in [2, 0] {
        clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::hours(hours), 3)).await.expect(201);
    }
    let flag = flag_of(clinic, &clinic.patient).await;
    assert_eq!((&flag["severity"], &flag["acknowledge_by"]), (&json!("info"), &Value::Null));
    flag
}

on_both! {
    async fn a_week_of_a_low_that_stays_is_one_flag_and_as_many_alarms_as_it_was_closed_too_early(clinic: Clinic) {
        // One is taken on at once and kept; one nobody touches; one is closed every evening while the low goes on.
        let (kept, alone, closed) = (clinic.patient.clone(), clinic.new_patient().await, clinic.new_patient().await);
        let all = [&kept, &alone, &closed];
        for patient in all {
            two_good_weeks(&clinic, patient).await;
        }
        for day in 1..=7 {
            for patient in all {
                clinic.post(patient, MOODS, mood(clinic.now(), 3)).await.expect(201);
            }
            clinic.clock.advance(TimeDelta::hours(8));
            // One low day is no fall of the median.
            if day > 1 {
                verb(&clinic, &clinic.therapist, &flag_of(&clinic, &kept).await, "acknowledge", json!({})).await.expect(200);
                let outcome = json!({ "outcome": "no-action" });
                verb(&clinic, &clinic.therapist, &flag_of(&clinic, &closed).await, "resolve", outcome).await.expect(200);
            }
            clinic.clock.advance(TimeDelta::hours(16));
        }
        for (patient, state, told) in [(&kept, "acknowledged", 1), (&alone, "open", 1), (&closed, "resolved", 6)] {
            let flag = flag_of(&clinic, patient).await;
            assert_eq!((&flag["state"], alarms(&clinic, patient).await), (&json!(state), told));
            assert_eq!((&flag["severity"], flag["evidence"].as_array().unwrap().len()), (&json!("watch"), 6));
        }
    }

    async fn a_drop_that_was_expected_is_no_longer_once_thoughts_of_death_are_open(clinic: Clinic) {
        let now = clinic.now();
        softened(&clinic).await;
        assert_eq!(alarms(&clinic, &clinic.patient).await, 0);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now, Some(1))).await.expect(201);
        let flag = flag_of(&clinic, &clinic.patient).await;
        assert_eq!((&flag["severity"], &flag["state"]), (&json!("watch"), &json!("open")));
        assert_ne!(flag["acknowledge_by"], Value::Null);
        assert_eq!(flag["evidence"][0]["detail"], "Median 3 over 3 days, 7 over the 14 days before.");
        assert_eq!(alarms(&clinic, &clinic.patient).await, 2);
        // Closing the one lowers nothing of the other, and the next mood joins it as grave.
        let thoughts = flags(&clinic, "").await.into_iter().find(|flag| flag["rule"] == "SI-01").unwrap();
        verb(&clinic, &clinic.therapist, &thoughts, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        clinic.post(&clinic.patient, MOODS, mood(now, 3)).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "watch"), ("SI-01", "urgent")]);
    }

    async fn a_form_that_says_nothing_or_of_another_week_leaves_an_expected_drop_as_it_is(clinic: Clinic) {
        let now = clinic.now();
        // Thoughts that somebody has closed the flag of leave it expected too.
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::hours(80), Some(1))).await.expect(201);
        verb(&clinic, &clinic.therapist, &flags(&clinic, "").await[0], "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        softened(&clinic).await;
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now, Some(0))).await.expect(201);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::hours(75), Some(1))).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "info"), ("SI-01", "urgent")]);
        // Within three days of the moods it is not left out.
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::hours(71), Some(1))).await.expect(201);
        assert_eq!(pairs(&rules(&clinic).await), [("RD-02", "watch"), ("SI-01", "urgent")]);
    }

    async fn a_day_is_the_patients_own(clinic: Clinic) {
        // In Auckland it is the 12th; by the server's clock still the 11th. Two entries within three days are enough.
        assert_eq!(pairs(&around_midnight(&clinic, "2026-03-12 00:15", "2026-03-11 23:45").await), [("RD-02", "watch")]);
    }

    async fn the_minute_before_midnight_is_the_day_before(clinic: Clinic) {
        // One recent entry is too few.
        assert!(around_midnight(&clinic, "2026-03-11 23:45", "2026-03-11 12:00").await.is_empty());
    }
}
