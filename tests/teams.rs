//! Who is told of a patient's flag, and who is next: whoever is on that patient's care team today, by the clinic's day.

use crate::{
    flags::{ASSESSMENTS, phq_9},
    on_both,
    reminders::worker,
    support::{Clinic, Mood, Person, Post},
};
use afterglow::{notify::Failure, security::access::Roles};
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The steps of the flags on the prescriber's page by patient, those of one time in the order of the names: when (day and
/// time), who, as what, how far.
async fn steps(clinic: &Clinic, names: &HashMap<Uuid, &'static str>) -> HashMap<Uuid, Vec<[String; 4]>> {
    let page = clinic.get(&clinic.prescriber, "/v1/flags").await.expect(200).json();
    let id = |value: &Value| value.as_str().unwrap().parse::<Uuid>().unwrap();
    let flags = page["items"].as_array().unwrap().iter().map(|flag| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let steps = flag["escalation"].as_array().unwrap().iter().map(|step| {
            let (at, name) = (text(&step["at"])[8..16].to_owned(), names[&id(&step["member_id"])].to_owned());
            [at, name, text(&step["role"]), text(&step["state"])]
        });
        let mut steps: Vec<_> = steps.collect();
        steps.sort();
        (id(&flag["patient_id"]), steps)
    });
    flags.collect()
}

fn named(steps: &[[&str; 4]]) -> Vec<[String; 4]> {
    steps.iter().map(|step| step.map(String::from)).collect()
}

/// Ends somebody's place on a patient's care team.
async fn leave(clinic: &Clinic, patient: &Person, member: &Person) {
    let team = format!("/v1/patients/{}/care-team", patient.id);
    let listed = clinic.get(&clinic.admin, &team).await.expect(200).json();
    let mut places = listed["items"].as_array().unwrap().iter();
    let place = places.find(|one| one["member_id"] == member.id.to_string()).unwrap();
    let path = format!("{team}/{}", place["id"].as_str().unwrap());
    clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
}

/// Ends a membership.
async fn dismiss(clinic: &Clinic, member: &Person) {
    let path = format!("/v1/clinic/members/{}", member.id);
    clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
}

on_both! {
    async fn of_each_patient_the_team_of_the_clinics_day_is_told_and_nobody_elses(clinic: Clinic) {
        let (a, b, post) = (clinic.patient.clone(), clinic.new_patient().await, Post::new());
        let mut others = Vec::new();
        for _ in 0..6 {
            others.push(clinic.new_member(Roles::THERAPIST).await);
        }
        let [ended, begins, to_come, left, of_b, on_call] = &others[..] else { panic!("six") };
        let known = [(&clinic.therapist, "therapist"), (&clinic.prescriber, "prescriber"), (&clinic.admin, "admin"),
                     (ended, "ended"), (begins, "begins"), (to_come, "to come"), (left, "left"), (of_b, "of b"), (on_call, "on call")];
        let names = known.iter().map(|(who, name)| (who.id, *name)).collect();
        // Today is the 14th; what follows happens in the night to the 15th, half an hour after midnight at the clinic.
        for (member, patient, days) in [(ended, &a, -3..=0), (begins, &a, 1..=5), (to_come, &a, 2..=5), (left, &a, -3..=5), (left, &b, -3..=5), (of_b, &b, 0..=5)] {
            clinic.care(member, patient, days).await;
        }
        dismiss(&clinic, left).await;
        leave(&clinic, &b, &clinic.therapist).await;
        // Open on Sundays, and then from midnight on.
        let hours = json!([{ "days": ["su"], "start": "00:00", "end": "23:00" }]);
        let change = clinic.call(&clinic.admin, Method::PATCH, "/v1/clinic").header("If-Match", "\"1\"");
        change.json(&json!({ "on_call_member_id": on_call.id, "business_hours": hours })).send().await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(14 * 60 + 30));
        assert_eq!(clinic.now().to_rfc3339(), "2026-03-14T23:30:00+00:00");

        // For the one nobody is first; who is first for the other is not reached.
        let worker = worker(&clinic, &post);
        clinic.post(&b, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        worker.dispatch().await.unwrap();
        clinic.post(&a, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        assert_eq!(steps(&clinic, &names).await[&a.id], named(&[
            ["14T23:30", "therapist", "primary", "told"], ["15T03:30", "begins", "care-team", "waiting"], ["15T03:30", "on call", "on-call", "waiting"],
            ["15T03:30", "prescriber", "care-team", "waiting"], ["15T07:30", "admin", "admin", "waiting"],
        ]));
        post.will([Mood::Refuse(Failure::Refused(550))]);
        for _ in 0..3 {
            worker.dispatch().await.unwrap();
        }
        let mails: Vec<_> = known.iter().map(|(who, name)| (*name, post.to(&who.email).len())).filter(|(_, mails)| *mails > 0).collect();
        assert_eq!(mails, [("prescriber", 2), ("begins", 1), ("of b", 1), ("on call", 1)]);
        let found = steps(&clinic, &names).await;
        let told_of_a = [["14T23:30", "begins", "care-team", "told"], ["14T23:30", "prescriber", "care-team", "told"], ["14T23:30", "therapist", "primary", "not-reached"]];
        let then = [["15T03:30", "on call", "on-call", "waiting"], ["15T07:30", "admin", "admin", "waiting"]];
        assert_eq!(found[&a.id], named(&[&told_of_a[..], &then[..]].concat()));
        let told_of_b = |on_call| [["14T23:30", "of b", "care-team", "told"], ["14T23:30", "on call", on_call, "told"], ["14T23:30", "prescriber", "care-team", "told"]];
        let admin = ["15T03:30", "admin", "admin", "waiting"];
        assert_eq!(found[&b.id], named(&[&told_of_b("on-call")[..], &[admin]].concat()));

        // Who leaves is not next any more; who was told stays told.
        dismiss(&clinic, on_call).await;
        let found = steps(&clinic, &names).await;
        assert_eq!(found[&a.id], named(&[&told_of_a[..], &[admin]].concat()));
        assert_eq!(found[&b.id], named(&[&told_of_b("care-team")[..], &[admin]].concat()));
    }
}
