//! What a flag rests on when the record behind it is corrected, comes late, or comes together with others.

use crate::{
    flags::{ASSESSMENTS, DOSES, MOODS, dose, flags, mood, pairs, phq_9, prescribe, rules, verb},
    on_both,
    reminders::worker,
    support::{Answer, Clinic, Post},
};
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::Method;
use serde_json::{Value, json};

const ID: &str = "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10";

fn details(flag: &Value) -> Vec<&str> {
    flag["evidence"].as_array().unwrap().iter().map(|one| one["detail"].as_str().unwrap()).collect()
}

fn message(answer: &Answer) -> Option<String> {
    answer.json()["support"]["message"].as_str().map(|text| text.split('.').next().unwrap().to_owned())
}

/// The only flag of a rule.
async fn only(clinic: &Clinic, rule: &str) -> Value {
    let mut found: Vec<_> = flags(clinic, "").await.into_iter().filter(|flag| flag["rule"] == rule).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn instant(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

on_both! {
    async fn a_graver_correction_makes_the_flag_graver_and_it_waits_anew(clinic: Clinic) {
        let now = clinic.now();
        for days in 4..10 {
            clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::days(days), 6)).await.expect(201);
        }
        clinic.post(&clinic.patient, MOODS, mood(now - TimeDelta::days(1), 2)).await.expect(201);
        let path = format!("{MOODS}/{ID}");
        let slip = clinic.put(&clinic.patient, &path, None, mood(now, 4)).await.expect(201);
        assert_eq!(message(&slip), None);
        let flag = only(&clinic, "RD-02").await;
        assert_eq!((&flag["severity"], details(&flag)), (&json!("watch"), vec!["Median 3 over 3 days, 6 over the 14 days before."]));
        verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(2));
        // Not 4: 0. The median falls by five.
        let meant = clinic.put(&clinic.patient, &path, Some("\"1\""), mood(now, 0)).await.expect(200);
        assert_eq!(message(&meant).as_deref(), Some("Thank you for telling us"));
        let flag = only(&clinic, "RD-02").await;
        assert_eq!((&flag["severity"], &flag["state"]), (&json!("urgent"), &json!("open")));
        assert_eq!(details(&flag), ["Median 1 over 3 days, 6 over the 14 days before."]);
        assert_eq!(flag["title"], "Mood down 5 points in 3 days");
        assert_eq!((&flag["escalation"][0]["state"], instant(&flag["escalation"][0]["at"])), (&json!("told"), clinic.now()));
        // Saturday, 12:00 in Berlin: the clock of an urgent flag runs until Sunday morning.
        assert_eq!(instant(&flag["acknowledge_by"]), "2026-03-15T08:00:00Z".parse::<DateTime<Utc>>().unwrap());
        let caseload = clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json();
        assert_eq!((&caseload["items"][0]["urgency"], &caseload["items"][0]["reasons"][0]["text"]), (&json!("urgent"), &flag["title"]));
    }

    async fn a_graver_answer_to_the_same_question_is_heard_even_after_the_flag_was_closed(clinic: Clinic) {
        let (now, path) = (clinic.now(), format!("{ASSESSMENTS}/{ID}"));
        clinic.put(&clinic.patient, &path, None, phq_9(now, Some(2))).await.expect(201);
        let flag = only(&clinic, "SI-02").await;
        verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.expect(200);
        let graver = clinic.put(&clinic.patient, &path, Some("\"1\""), phq_9(now, Some(3))).await.expect(200);
        assert!(message(&graver).unwrap().starts_with("It sounds like you might be thinking about suicide"));
        let flag = only(&clinic, "SI-02").await;
        assert_eq!((&flag["state"], &flag["title"]), (&json!("acknowledged"), &json!("Thoughts of being better off dead, nearly every day")));
        assert_eq!(details(&flag), ["3 of 3, “Nearly every day”. Before: none. PHQ-9 total 11."]);
        // Lighter: it was said once. The flag keeps what it shows, and the patient is still shown where to turn.
        let lighter = clinic.put(&clinic.patient, &path, Some("\"2\""), phq_9(now, Some(2))).await.expect(200);
        assert_eq!(message(&lighter), message(&graver));
        assert_eq!(flag["evidence"][0].get("since"), None, "it stands as it is shown");
        let lighter = only(&clinic, "SI-02").await;
        assert_eq!((details(&lighter), &lighter["evidence"][0]["since"]), (details(&flag), &json!("corrected")));
        let reason = async || {
            let caseload = clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json();
            caseload["items"][0]["reasons"][0]["evidence"].as_str().unwrap().to_owned()
        };
        assert_eq!(reason().await, format!("{} Since corrected.", details(&flag)[0]));
        let gone = clinic.call(&clinic.patient, Method::DELETE, &path).header("If-Match", "\"3\"");
        gone.send().await.expect(204);
        let gone = only(&clinic, "SI-02").await;
        assert_eq!((details(&gone), &gone["evidence"][0]["since"]), (details(&flag), &json!("deleted")));
        assert_eq!(reason().await, format!("{} Since deleted.", details(&flag)[0]));

        let id = prescribe(&clinic).await;
        let path = format!("{DOSES}/0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a17");
        clinic.put(&clinic.patient, &path, None, dose(now, 210, Some(&id))).await.expect(201);
        let flag = only(&clinic, "HD-01").await;
        verb(&clinic, &clinic.prescriber, &flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        clinic.put(&clinic.patient, &path, Some("\"1\""), dose(now, 900, Some(&id))).await.expect(200);
        let flag = only(&clinic, "HD-01").await;
        assert_eq!((&flag["state"], details(&flag)), (&json!("open"), vec!["900 mg; at most 200 mg are prescribed."]));
        verb(&clinic, &clinic.prescriber, &flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        clinic.put(&clinic.patient, &path, Some("\"2\""), dose(now, 800, Some(&id))).await.expect(200);
        let flag = only(&clinic, "HD-01").await;
        assert_eq!((&flag["state"], details(&flag)), (&json!("resolved"), vec!["900 mg; at most 200 mg are prescribed."]));
    }

    async fn a_correction_that_is_graver_for_one_flag_takes_nothing_from_another(clinic: Clinic) {
        let (ago, id) = (|hours| clinic.now() - TimeDelta::hours(hours), prescribe(&clinic).await);
        clinic.post(&clinic.patient, DOSES, dose(ago(200), 100, Some(&id))).await.expect(201);
        let path = format!("{DOSES}/{ID}");
        clinic.put(&clinic.patient, &path, None, dose(ago(140), 250, Some(&id))).await.expect(201);
        let soon = ["On 8 March: 60 h after the dose before; at least 72 h are prescribed."];
        assert_eq!(details(&only(&clinic, "HD-02").await), soon);
        // More than was said, and later: graver for one of the flags, less so for the other.
        clinic.put(&clinic.patient, &path, Some("\"1\""), dose(ago(135), 900, Some(&id))).await.expect(200);
        assert!(details(&only(&clinic, "HD-01").await)[0].contains("900 mg"));
        let kept = only(&clinic, "HD-02").await;
        assert_eq!((details(&kept), &kept["evidence"][0]["since"]), (soon.to_vec(), &json!("corrected")));
    }

    async fn a_repeated_write_answers_the_support_of_its_own_version(clinic: Clinic) {
        let now = clinic.now();
        let first = async || {
            let call = clinic.call(&clinic.patient, Method::POST, ASSESSMENTS).header("Idempotency-Key", "once");
            call.json(&phq_9(now, Some(1))).send().await.expect(201)
        };
        let made = first().await;
        assert!(message(&made).is_some());
        let path = format!("{ASSESSMENTS}/{}", made.json()["id"].as_str().unwrap());
        clinic.clock.advance(TimeDelta::minutes(1));
        let taken_back = clinic.put(&clinic.patient, &path, Some("\"1\""), phq_9(now, Some(0))).await.expect(200);
        let again = clinic.put(&clinic.patient, &path, Some("\"1\""), phq_9(now, Some(0))).await.expect(200);
        assert_eq!((message(&taken_back), again.text), (None, taken_back.text.clone()));
        assert_eq!(first().await.text, made.text);
        clinic.clock.advance(TimeDelta::minutes(1));
        let graver = clinic.put(&clinic.patient, &path, Some("\"2\""), phq_9(now, Some(2))).await.expect(200);
        let again = clinic.put(&clinic.patient, &path, Some("\"2\""), phq_9(now, Some(2))).await.expect(200);
        assert!(message(&graver).is_some());
        assert_eq!(again.text, graver.text);
        assert_eq!(first().await.text, made.text);
        // Taking an answer back closes nothing.
        assert_eq!(pairs(&rules(&clinic).await), [("SI-01", "urgent"), ("SI-02", "urgent")]);
    }

    async fn a_flag_is_about_its_gravest_evidence_and_old_evidence_names_its_day(clinic: Clinic) {
        let now = clinic.now();
        let at = |days: i64, minutes: i64| now - TimeDelta::days(days) + TimeDelta::minutes(minutes);
        for days in 6..12 {
            clinic.post(&clinic.patient, MOODS, mood(at(days, 0), 6)).await.expect(201);
        }
        // The deepest days arrive last.
        for (days, minutes, value) in [(0, 0, 3), (0, 1, 3), (0, 2, 3), (2, 0, 0), (2, 1, 0)] {
            clinic.post(&clinic.patient, MOODS, mood(at(days, minutes), value)).await.expect(201);
        }
        let flag = only(&clinic, "RD-02").await;
        assert_eq!((&flag["title"], &flag["severity"]), (&json!("Mood down 6 points in 3 days"), &json!("urgent")));
        let details = details(&flag);
        assert_eq!(details[0], "Median 3 over 3 days, 6 over the 14 days before.", "the newest stands first");
        assert_eq!(details.last().unwrap(), &"On 12 March: Median 0 over 3 days, 6 over the 14 days before.");
        let caseload = clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json();
        let reason = &caseload["items"][0]["reasons"][0];
        assert_eq!((&reason["text"], &reason["evidence"]), (&flag["title"], &json!(details.last().unwrap())));
    }

    async fn a_form_that_arrives_late_says_of_which_day_it_is(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9("2025-10-03T21:30:00Z".parse().unwrap(), Some(2))).await.expect(201);
        let flag = only(&clinic, "SI-02").await;
        assert_eq!(details(&flag), ["On 3 October 2025: 2 of 3, “More than half the days”. Before: none. PHQ-9 total 10."]);
    }

    async fn the_prescriber_hears_of_a_dose_as_one_of_the_care_team(clinic: Clinic) {
        let id = prescribe(&clinic).await;
        clinic.post(&clinic.patient, DOSES, dose(clinic.now(), 250, Some(&id))).await.expect(201);
        let flag = only(&clinic, "HD-01").await;
        let steps = flag["escalation"].as_array().unwrap();
        let steps: Vec<_> = steps.iter().map(|step| (step["member_id"].clone(), step["role"].as_str().unwrap(), step["state"].as_str().unwrap())).collect();
        let who = |id: uuid::Uuid| json!(id.to_string());
        assert_eq!(steps, [
            (who(clinic.therapist.id), "primary", "told"), (who(clinic.prescriber.id), "care-team", "waiting"), (who(clinic.admin.id), "admin", "waiting"),
        ]);
        assert_eq!(instant(&flag["escalation"][1]["at"]), instant(&flag["acknowledge_by"]));
    }

    async fn what_one_write_raises_is_one_mail(clinic: Clinic) {
        let (post, id) = (Post::new(), prescribe(&clinic).await);
        clinic.post(&clinic.patient, DOSES, dose(clinic.now(), 100, Some(&id))).await.expect(201);
        // Under no prescription, too much and too soon: three flags.
        let third = async || {
            clinic.clock.advance(TimeDelta::hours(1));
            clinic.post(&clinic.patient, DOSES, dose(clinic.now(), 250, None)).await.expect(201)
        };
        third().await;
        assert_eq!(rules(&clinic).await.len(), 3);
        worker(&clinic, &post).tick().await.unwrap();
        let mails = post.mails();
        assert_eq!(mails.len(), 1);
        assert_eq!((mails[0].letter.to.as_str(), mails[0].letter.words.subject()), (clinic.therapist.email.as_str(), "Today: a flag waits in Afterglow"));
        worker(&clinic, &post).tick().await.unwrap();
        assert_eq!(post.mails().len(), 1);
        // Those that stand first in it closed before the mail leaves: the rest is still told; all of them closed: nothing is.
        for (closed, mails) in [(2, 2), (3, 2)] {
            third().await;
            let open: Vec<_> = flags(&clinic, "?state=open").await.into_iter().take(3).collect();
            for flag in open.iter().rev().take(closed) {
                verb(&clinic, &clinic.therapist, flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
            }
            worker(&clinic, &post).tick().await.unwrap();
            assert_eq!(post.mails().len(), mails);
        }
    }

    // Clients choose the ids of records: two patients' may be the same.
    async fn what_became_of_a_record_is_said_of_that_patients_alone(clinic: Clinic) {
        let other = clinic.new_patient().await;
        let path = format!("{ASSESSMENTS}/{ID}");
        for patient in [&clinic.patient, &other] {
            clinic.put(patient, &path, None, phq_9(clinic.now(), Some(2))).await.expect(201);
        }
        clinic.call(&other, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        let page = clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json();
        let rows = page["items"].as_array().unwrap();
        assert_eq!((rows.len(), flags(&clinic, "").await.len()), (2, 2));
        for row in rows {
            let is_deleted = row["patient"]["id"] == other.id.to_string();
            assert_eq!(row["reasons"].to_string().contains("Since deleted"), is_deleted, "{row}");
        }
        for flag in flags(&clinic, "").await {
            let is_deleted = flag["patient_id"] == other.id.to_string();
            assert_eq!(flag["evidence"][0]["since"] == "deleted", is_deleted, "{flag}");
        }
    }
}
