//! Who read whose, in the audit log: a line for each patient shown, written before the answer leaves, and none where
//! nothing was shown. What patients read of themselves is their own.

use super::{ACTORS, Operation, Self_, World, newest, operations};
use crate::{
    on_both,
    support::{Call, Clinic},
};
use entities::audit;
use poem::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// The lines about patients since one, in the order of the patients.
async fn since(clinic: &Clinic, id: i64) -> Vec<audit::Model> {
    let mut lines = super::since(clinic, id).await;
    lines.retain(|line| line.patient_id.is_some());
    lines.sort_by_key(|line| line.patient_id);
    lines
}

/// The patients of whom an answer shows something.
fn shown(operation: &Operation, clinic: &Clinic, answer: &Value) -> Vec<Uuid> {
    let all = |id: fn(&Value) -> &Value| -> Vec<Uuid> {
        answer["items"].as_array().unwrap().iter().map(|item| id(item).as_str().unwrap().parse().unwrap()).collect()
    };
    let mut patients = match operation.id.as_str() {
        "caseload_read" => all(|item| &item["patient"]["id"]),
        "flags_list" => all(|item| &item["patient_id"]),
        "patients_list" => all(|item| &item["id"]),
        _ if operation.path.contains("{patient}") => vec![clinic.patient.id],
        _ => vec![],
    };
    patients.sort();
    patients.dedup();
    patients
}

on_both! {
    async fn each_answered_read_leaves_a_line_for_each_patient_shown_and_a_denied_one_none(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let world = World::new(&clinic, &document).await;
        let reads = operations(&document).into_iter().filter(|one| one.method == Method::GET && one.id != "events_listen");
        let (mut wrong, mut lines_seen) = (Vec::new(), 0);
        for operation in reads {
            let path = world.path(&clinic, &operation.path);
            let record = path.split('/').nth(5).filter(|_| operation.path.contains("/{id}")).map(|id| id.parse::<Uuid>().unwrap());
            for actor in ACTORS {
                let (person, before) = (world.people.get(format!("{actor:?}").as_str()), newest(&clinic).await);
                let answer = match person {
                    Some(person) => clinic.get(person, &path).await,
                    None => clinic.anonymous(Method::GET, &path).send().await,
                };
                let expected = if answer.status == 200 && actor != Self_ { shown(&operation, &clinic, &answer.json()) } else { vec![] };
                let lines = since(&clinic, before).await;
                lines_seen += lines.len();
                let patients: Vec<Uuid> = lines.iter().filter_map(|line| line.patient_id).collect();
                let told = |line: &audit::Model| {
                    let who = line.account_id == person.map(|person| person.id) && line.request_id.is_some();
                    who && line.operation == operation.id && line.record_id == record && line.version.is_none()
                };
                if patients != expected || !lines.iter().all(told) {
                    wrong.push(format!("{} as {actor:?}: {lines:?} for {expected:?}", operation.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(lines_seen > 60, "{lines_seen} lines are too few to have proved anything");
    }

    async fn whoever_is_shown_a_flag_by_acting_on_it_is_in_the_log_even_if_nothing_changed(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let world = World::new(&clinic, &document).await;
        let flag = world.ids["/v1/flags"].parse::<Uuid>().unwrap();
        let call = |name: &str, verb: &str| clinic.call(&world.people[name], Method::POST, &format!("/v1/flags/{flag}/{verb}"));
        let told_by = async |call: Call<'_>| {
            let before = newest(&clinic).await;
            let answer = call.send().await;
            let lines = since(&clinic, before).await;
            let told = lines.iter().map(|line| (line.account_id, line.operation.clone(), line.record_id, line.version.is_some()));
            (answer.status, told.collect::<Vec<_>>())
        };
        let act = async |name: &str, verb: &str, body: Value| told_by(call(name, verb).json(&body)).await;
        let by = |name: &str, operation: &str, changed| vec![(Some(world.people[name].id), operation.to_owned(), Some(flag), changed)];
        let resolved = || json!({ "outcome": "contacted" });
        assert_eq!(act("Therapist", "acknowledge", json!({})).await, (200, by("Therapist", "flags_acknowledge", true)));
        assert_eq!(act("Prescriber", "acknowledge", json!({})).await, (200, by("Prescriber", "flags_acknowledge", false)));
        let unseen = call("Prescriber", "resolve").header("If-Match", "\"9\"").json(&resolved());
        assert_eq!(told_by(unseen).await, (412, by("Prescriber", "flags_resolve", false)));
        assert_eq!(act("Therapist", "resolve", resolved()).await, (200, by("Therapist", "flags_resolve", true)));
        assert_eq!(act("Prescriber", "resolve", resolved()).await, (200, by("Prescriber", "flags_resolve", false)));
        assert_eq!(act("Prescriber", "reopen", json!({ "reason": "Not reached." })).await, (200, by("Prescriber", "flags_reopen", true)));
        assert_eq!(act("Therapist", "reopen", json!({ "reason": "Not reached." })).await, (200, by("Therapist", "flags_reopen", false)));
        for (name, status) in [("Self_", 403), ("Admin", 403), ("Outsider", 404), ("Former", 404), ("ForeignTherapist", 404)] {
            assert_eq!(act(name, "acknowledge", json!({})).await, (status, vec![]), "{name}");
        }
    }
}
