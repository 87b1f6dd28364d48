//! What had been done about a flag is kept however often it is opened again: who took it on, who closed it, when, with which
//! outcome and note, and how it was opened again.

use crate::{
    flags::{ASSESSMENTS, DOSES, dose, flags, phq_9, prescribe, verb},
    on_both,
    reminders::worker,
    support::{Person, Post},
};
use chrono::{DateTime, TimeDelta, Utc};
use poem::http::Method;
use serde_json::{Value, json};

fn actor(who: &Person) -> Value {
    json!({ "member_id": who.id, "name": "Dr. Ada Berg" })
}

fn at(now: DateTime<Utc>) -> String {
    now.format("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
}

on_both! {
    async fn every_round_of_a_flag_is_kept_with_its_words(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let (flag, therapist, prescriber) = (flags(&clinic, "").await.remove(0), &clinic.therapist, &clinic.prescriber);
        assert_eq!(flag["earlier_rounds"], json!([]));
        let mut times = Vec::new();
        for (who, act, body) in [
            (prescriber, "acknowledge", json!({})),
            (therapist, "resolve", json!({ "outcome": "contacted", "note": "Called. Sister is with her." })),
            (prescriber, "reopen", json!({ "reason": "Not reached after all." })),
            (therapist, "acknowledge", json!({})),
            (prescriber, "reopen", json!({ "reason": "Taken on by mistake." })),
            (prescriber, "resolve", json!({ "outcome": "referred" })),
            (therapist, "reopen", json!({ "reason": "The clinic was full." })),
            (therapist, "resolve", json!({ "outcome": "plan-changed", "note": "Comes on Monday." })),
        ] {
            clinic.clock.advance(TimeDelta::minutes(5));
            verb(&clinic, who, &flag, act, body).await.expect(200);
            times.push(at(clinic.now()));
        }
        let (therapist, prescriber) = (actor(therapist), actor(prescriber));
        let closed = flags(&clinic, "?state=resolved").await.remove(0);
        assert_eq!(closed["earlier_rounds"], json!([
            { "acknowledged_at": times[0], "acknowledged_by": prescriber, "resolved_at": times[1], "resolved_by": therapist,
              "outcome": "contacted", "note": "Called. Sister is with her.",
              "reopened": { "at": times[2], "by": prescriber, "reason": "Not reached after all." } },
            { "acknowledged_at": times[3], "acknowledged_by": therapist,
              "reopened": { "at": times[4], "by": prescriber, "reason": "Taken on by mistake." } },
            { "resolved_at": times[5], "resolved_by": prescriber, "outcome": "referred",
              "reopened": { "at": times[6], "by": therapist, "reason": "The clinic was full." } },
        ]));
        // What holds now stands where it stood.
        assert_eq!((&closed["outcome"], &closed["note"], &closed["resolved_by"]), (&json!("plan-changed"), &json!("Comes on Monday."), &therapist));
        assert_eq!(closed["reason"], "The clinic was full.");
    }

    async fn a_flag_that_a_graver_correction_opens_again_keeps_how_it_was_closed(clinic: Clinic) {
        let (now, id) = (clinic.now(), prescribe(&clinic).await);
        let (record, therapist) = ("0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a17", actor(&clinic.therapist));
        let path = format!("{DOSES}/{record}");
        clinic.put(&clinic.patient, &path, None, dose(now, 210, Some(&id))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        assert_eq!(flag["rule"], "HD-01");
        let close = async |body: Value| {
            clinic.clock.advance(TimeDelta::hours(1));
            verb(&clinic, &clinic.therapist, &flag, "resolve", body).await.expect(200);
            at(clinic.now())
        };
        let first = close(json!({ "outcome": "false-alarm", "note": "A slip of the finger." })).await;
        clinic.clock.advance(TimeDelta::hours(1));
        clinic.put(&clinic.patient, &path, Some("\"1\""), dose(now, 900, Some(&id))).await.expect(200);
        let opened = at(clinic.now());
        let by_rule = json!({
            "outcome": "false-alarm", "note": "A slip of the finger.", "resolved_at": first, "resolved_by": therapist,
            "reopened": { "at": opened, "reason": "900 mg; at most 200 mg are prescribed.", "record_id": record },
        });
        let open = flags(&clinic, "").await.remove(0);
        assert_eq!((&open["state"], &open["waits_since"]), (&json!("open"), &json!(opened)));
        assert_eq!(open["earlier_rounds"], json!([by_rule]));
        assert_eq!((&open["note"], open.get("reason")), (&json!("A slip of the finger."), None));
        // Closed again, without a word; graver once more. What the rule found the first time stays as it was.
        let second = close(json!({ "outcome": "contacted" })).await;
        clinic.put(&clinic.patient, &path, Some("\"2\""), dose(now, 950, Some(&id))).await.expect(200);
        let open = flags(&clinic, "").await.remove(0);
        assert_eq!(open["earlier_rounds"], json!([by_rule, {
            "outcome": "contacted", "resolved_at": second, "resolved_by": therapist,
            "reopened": { "at": at(clinic.now()), "reason": "950 mg; at most 200 mg are prescribed.", "record_id": record },
        }]));
        assert_eq!(open.get("note"), None);
    }

    async fn a_flag_that_somebody_had_taken_on_keeps_who_had_when_it_gets_graver(clinic: Clinic) {
        let ago = |hours| clinic.now() - TimeDelta::hours(hours);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(ago(2), None)).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.therapist, &flag, "acknowledge", json!({})).await.expect(200);
        let taken_on = at(clinic.now());
        clinic.clock.advance(TimeDelta::minutes(5));
        // Written late: the answer before the skipped one was 1.
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(ago(70), Some(1))).await.expect(201);
        let found = flags(&clinic, "").await;
        let raised = found.iter().find(|flag| flag["rule"] == "SI-04").unwrap();
        assert_eq!(raised["severity"], "urgent");
        assert_eq!(raised["earlier_rounds"], json!([{
            "acknowledged_at": taken_on, "acknowledged_by": actor(&clinic.therapist),
            "reopened": { "at": at(clinic.now()), "reason": raised["evidence"][0]["detail"], "record_id": raised["evidence"][0]["id"] },
        }]));
    }

    async fn who_is_first_is_told_when_a_colleague_opens_a_flag_again_and_a_blank_is_no_reason(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.therapist, &flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        let post = Post::new();
        let worker = worker(&clinic, &post);
        worker.dispatch().await.unwrap();
        let before = post.mails().len();
        clinic.clock.advance(TimeDelta::hours(1));
        let blank = verb(&clinic, &clinic.prescriber, &flag, "reopen", json!({ "reason": " \n" })).await.problem(422, "invalid");
        assert_eq!(blank["errors"][0]["pointer"], "/reason");
        let opened = verb(&clinic, &clinic.prescriber, &flag, "reopen", json!({ "reason": "He rang me: worse." })).await.expect(200).json();
        let told = &opened["escalation"][0];
        assert_eq!((&told["member_id"], &told["state"]), (&json!(clinic.therapist.id.to_string()), &json!("told")));
        assert_eq!(told["at"], opened["waits_since"]);
        worker.dispatch().await.unwrap();
        assert_eq!(post.mails().len(), before + 1);
    }

    async fn nobody_closes_a_flag_over_what_they_have_not_seen(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now() - TimeDelta::hours(2), Some(1))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now() - TimeDelta::hours(1), Some(1))).await.expect(201);
        let path = format!("/v1/flags/{}/resolve", flag["id"].as_str().unwrap());
        let close = async |seen: &str| {
            let call = clinic.call(&clinic.therapist, Method::POST, &path).header("If-Match", seen);
            call.json(&json!({ "outcome": "contacted" })).send().await
        };
        let seen = format!("\"{}\"", flag["version"]);
        let stale = close(&seen).await.problem(412, "stale");
        assert_eq!((&stale["current"]["state"], stale["current"]["evidence"].as_array().map(Vec::len)), (&json!("open"), Some(2)));
        assert_eq!(flags(&clinic, "").await[0]["state"], "open");
        let now = format!("\"{}\"", stale["current"]["version"]);
        let closed = close(&now).await.expect(200).json();
        assert_eq!(closed["state"], "resolved");
        // The answer was lost: the same again finds it done.
        assert_eq!(close(&now).await.expect(200).json()["version"], closed["version"]);
    }
}
