//! A message about a flag that reaches nobody tells nobody: that is shown, and the next on the care team is told at once.

use crate::{
    flags::{ASSESSMENTS, DOSES, dose, flags, phq_9, prescribe, verb},
    on_both,
    reminders::worker,
    support::{Clinic, Mood, Post},
};
use afterglow::{notify::Failure, reminders::Worker};
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

const REFUSED: Mood = Mood::Refuse(Failure::Refused(550));

/// Who of the newest flag's steps is how far, in order.
async fn steps(clinic: &Clinic) -> Vec<(String, String)> {
    steps_of(clinic, &flags(clinic, "").await[0])
}

fn steps_of(clinic: &Clinic, flag: &Value) -> Vec<(String, String)> {
    let who = [(&clinic.therapist, "therapist"), (&clinic.prescriber, "prescriber"), (&clinic.admin, "admin")];
    let steps = flag["escalation"].as_array().unwrap().iter().map(|step| {
        let (_, name) = who.iter().find(|(who, _)| step["member_id"] == who.id.to_string()).unwrap();
        ((*name).to_owned(), step["state"].as_str().unwrap().to_owned())
    });
    steps.collect()
}

/// The first row of the caseload.
async fn row(clinic: &Clinic) -> Value {
    clinic.get(&clinic.therapist, "/v1/caseload").await.expect(200).json()["items"][0].clone()
}

/// Sends what is due until nothing follows from it.
async fn send(worker: &Worker) {
    for _ in 0..6 {
        worker.dispatch().await.unwrap();
    }
}

fn named(steps: &[(&str, &str)]) -> Vec<(String, String)> {
    steps.iter().map(|(who, state)| ((*who).to_owned(), (*state).to_owned())).collect()
}

on_both! {
    async fn whose_address_refuses_a_flag_is_not_told_and_the_next_on_the_care_team_is_at_once(clinic: Clinic) {
        let post = Post::new();
        let worker = worker(&clinic, &post);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        assert_eq!(steps(&clinic).await, named(&[("therapist", "told"), ("prescriber", "waiting"), ("admin", "waiting")]));
        post.will([REFUSED]);
        worker.dispatch().await.unwrap();
        assert_eq!(steps(&clinic).await, named(&[("therapist", "not-reached"), ("prescriber", "told"), ("admin", "waiting")]));
        let seen = row(&clinic).await;
        assert_eq!((&seen["next_in_escalation"]["member_id"], &seen["waiting"]["nobody_told"]), (&json!(clinic.admin.id), &json!(false)));
        worker.dispatch().await.unwrap();
        assert_eq!((post.mails().len(), post.to(&clinic.prescriber.email).len()), (1, 1));
        // Of another flag nobody is left in the end: an admin may not see it and is not told that somebody is in their care.
        let first = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.therapist, &first, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(1));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(3))).await.expect(201);
        let asked = post.asked.load(Ordering::SeqCst);
        post.will([REFUSED; 10]);
        send(&worker).await;
        assert_eq!(steps(&clinic).await, named(&[("therapist", "not-reached"), ("prescriber", "not-reached"), ("admin", "waiting")]));
        assert_eq!(post.asked.load(Ordering::SeqCst) - asked, 2);
        let seen = row(&clinic).await;
        assert_eq!((&seen["next_in_escalation"]["member_id"], &seen["waiting"]["nobody_told"]), (&json!(clinic.admin.id), &json!(true)));
    }

    async fn of_each_flag_of_which_a_refused_mail_told_the_next_is_told_in_one_mail(clinic: Clinic) {
        let (post, id) = (Post::new(), prescribe(&clinic).await);
        clinic.post(&clinic.patient, DOSES, dose(clinic.now(), 100, Some(&id))).await.expect(201);
        clinic.clock.advance(TimeDelta::hours(1));
        // Under no prescription, too much and too soon.
        clinic.post(&clinic.patient, DOSES, dose(clinic.now(), 250, None)).await.expect(201);
        post.will([REFUSED]);
        send(&worker(&clinic, &post)).await;
        let found = flags(&clinic, "").await;
        assert_eq!(found.len(), 3);
        for flag in found {
            let told = named(&[("therapist", "not-reached"), ("prescriber", "told"), ("admin", "waiting")]);
            assert_eq!(steps_of(&clinic, &flag), told, "{}", flag["rule"]);
        }
        assert_eq!((post.mails().len(), post.to(&clinic.prescriber.email).len()), (1, 1));
    }

    async fn whoever_was_told_before_a_flag_was_opened_again_is_told_anew(clinic: Clinic) {
        let post = Post::new();
        let worker = worker(&clinic, &post);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        post.will([REFUSED]);
        send(&worker).await;
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.prescriber, &flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(1));
        verb(&clinic, &clinic.prescriber, &flag, "reopen", json!({ "reason": "Worse." })).await.expect(200);
        post.will([REFUSED]);
        send(&worker).await;
        assert_eq!(steps(&clinic).await, named(&[("therapist", "not-reached"), ("prescriber", "told"), ("admin", "waiting")]));
        assert_eq!(post.to(&clinic.prescriber.email).len(), 2);
    }

    async fn evidence_that_joins_a_flag_of_which_nobody_knows_is_told_anew(clinic: Clinic) {
        let post = Post::new();
        let worker = worker(&clinic, &post);
        let joins = async || {
            clinic.clock.advance(TimeDelta::hours(1));
            clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(1))).await.expect(201).json()
        };
        let path = |form: &Value| format!("{ASSESSMENTS}/{}", form["id"].as_str().unwrap());
        joins().await;
        // A relay that lets nothing through for some seconds: the whole care team is lost.
        post.will([REFUSED; 2]);
        send(&worker).await;
        let before = flags(&clinic, "").await.remove(0);
        assert_eq!((post.asked.load(Ordering::SeqCst), row(&clinic).await["waiting"]["nobody_told"].clone()), (2, json!(true)));
        let newest = joins().await;
        send(&worker).await;
        let found = flags(&clinic, "").await;
        let clock = |flag: &Value| (flag["acknowledge_by"].clone(), flag["waits_since"].clone());
        assert_eq!((found.len(), found[0]["evidence"].as_array().unwrap().len()), (1, 2));
        assert_eq!(clock(&found[0]), clock(&before), "its clock does not move");
        assert_eq!(steps(&clinic).await, named(&[("therapist", "told"), ("prescriber", "waiting"), ("admin", "waiting")]));
        assert_eq!((post.mails().len(), post.to(&clinic.therapist.email).len()), (1, 1));
        // Somebody knows of it: what joins now is there when they look. Nor is a correction news that changes nothing.
        joins().await;
        send(&worker).await;
        assert_eq!(post.mails().len(), 1);
        let lost = joins().await;
        verb(&clinic, &clinic.therapist, &found[0], "acknowledge", json!({})).await.expect(200);
        post.will([REFUSED; 2]);
        verb(&clinic, &clinic.therapist, &found[0], "reopen", json!({ "reason": "By mistake." })).await.expect(200);
        send(&worker).await;
        let asked = post.asked.load(Ordering::SeqCst);
        let same = phq_9(clinic.now(), Some(1));
        clinic.put(&clinic.patient, &path(&lost), Some("\"1\""), same).await.expect(200);
        send(&worker).await;
        assert_eq!(post.asked.load(Ordering::SeqCst), asked);
        let other = phq_9(clinic.now() - TimeDelta::minutes(5), Some(1));
        clinic.put(&clinic.patient, &path(&newest), Some("\"1\""), other).await.expect(200);
        send(&worker).await;
        assert_eq!((post.asked.load(Ordering::SeqCst), post.mails().len()), (asked + 1, 2));
    }

    async fn who_left_before_the_mail_did_is_not_told_and_the_next_one_is(clinic: Clinic) {
        let post = Post::new();
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        let path = format!("/v1/clinic/members/{}", clinic.therapist.id);
        clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        for _ in 0..2 {
            worker(&clinic, &post).dispatch().await.unwrap();
        }
        let seen = async || clinic.get(&clinic.prescriber, "/v1/flags").await.expect(200).json()["items"][0].clone();
        let steps = |flag: &Value| flag["escalation"].as_array().unwrap().iter().map(|step| (step["member_id"].clone(), step["state"].clone())).collect::<Vec<_>>();
        let flag = seen().await;
        let told = [(json!(clinic.therapist.id), json!("not-reached")), (json!(clinic.prescriber.id), json!("told"))];
        assert_eq!(steps(&flag)[..2], told);
        assert_eq!((post.mails().len(), post.to(&clinic.prescriber.email).len()), (1, 1));
        // Whoever takes it on, the first was not reached; that their message was not needed is said of one that was not.
        verb(&clinic, &clinic.prescriber, &flag, "acknowledge", json!({})).await.expect(200);
        assert_eq!(steps(&seen().await)[..2], told);
    }

    async fn nobody_else_is_told_of_what_somebody_has_taken_on_or_closed(clinic: Clinic) {
        let post = Post::new();
        let worker = worker(&clinic, &post);
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        let flag = flags(&clinic, "").await.remove(0);
        verb(&clinic, &clinic.prescriber, &flag, "acknowledge", json!({})).await.expect(200);
        post.will([REFUSED]);
        for _ in 0..2 {
            worker.dispatch().await.unwrap();
        }
        assert_eq!(steps(&clinic).await, named(&[("therapist", "not-reached"), ("prescriber", "not-needed"), ("admin", "not-needed")]));
        // Opened again, and closed before the mail left: it was not needed.
        verb(&clinic, &clinic.prescriber, &flag, "reopen", json!({ "reason": "By mistake." })).await.expect(200);
        verb(&clinic, &clinic.prescriber, &flag, "resolve", json!({ "outcome": "contacted" })).await.expect(200);
        worker.dispatch().await.unwrap();
        assert_eq!(steps(&clinic).await, named(&[("therapist", "not-needed"), ("prescriber", "not-needed"), ("admin", "not-needed")]));
        assert_eq!(post.mails().len(), 0);
    }
}
