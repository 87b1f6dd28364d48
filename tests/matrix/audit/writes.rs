//! Who changed what of whom: for every operation of the document that writes, the lines that it leaves.

mod nothing;
mod people;

use super::{example, newest, operations, since};
use crate::{
    flags::{ASSESSMENTS, phq_9},
    on_both,
    reminders::{INBOX, daily, journal},
    support::{Call, Clinic, Person},
};
use chrono::TimeDelta;
use entities::{audit, care_relation};
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Operations that write and leave no line: a sign-in that is renewed goes on.
const SILENT: [&str; 1] = ["auth_refresh"];

/// Each kind of record in the order in which they can be made, and what is typed into it.
const KINDS: [(&str, &str); 7] = [
    ("prescriptions", "pharmacy"),
    ("intentions", "text"),
    ("sessions", "notes"),
    ("journal-entries", "title"),
    ("mood-scores", "note"),
    ("assessments", "note"),
    ("home-doses", "note"),
];

/// One line of the log: what was done, to whose data, to which of it, the version that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    operation: String,
    patient: Option<Uuid>,
    record: Option<Uuid>,
    version: Option<i64>,
}

fn line(operation: &str) -> Line {
    Line { operation: operation.to_owned(), patient: None, record: None, version: None }
}

impl Line {
    fn patient(self, patient: Uuid) -> Self {
        Self { patient: Some(patient), ..self }
    }

    fn record(self, record: Uuid) -> Self {
        Self { record: Some(record), ..self }
    }

    fn version(self, version: i64) -> Self {
        Self { version: Some(version), ..self }
    }
}

impl From<audit::Model> for Line {
    fn from(row: audit::Model) -> Self {
        Self { operation: row.operation, patient: row.patient_id, record: row.record_id, version: row.version }
    }
}

fn id(made: &Value) -> Uuid {
    made["id"].as_str().unwrap().parse().unwrap()
}

/// The log, as somebody follows it.
struct Log<'a> {
    clinic: &'a Clinic,
    /// Operations and requests that were met in it.
    operations: BTreeSet<String>,
    requests: BTreeSet<Uuid>,
}

impl<'a> Log<'a> {
    /// The examples of the document lie in this year; all of them are over by now.
    fn of(clinic: &'a Clinic) -> Self {
        clinic.clock.advance(TimeDelta::days(300));
        Self { clinic, operations: BTreeSet::new(), requests: BTreeSet::new() }
    }

    /// Makes a call, and answers with what it came to and what the log has of it: all by this account, in this clinic, at
    /// this moment, under one new request.
    async fn of_call(&mut self, by: Uuid, call: Call<'_>) -> (u16, Value, Vec<Line>) {
        let before = newest(self.clinic).await;
        let answer = call.send().await;
        let body = if answer.text.is_empty() { Value::Null } else { answer.json() };
        let lines = since(self.clinic, before).await;
        let requests: BTreeSet<Uuid> = lines.iter().map(|line| line.request_id.expect("a request")).collect();
        assert_eq!(requests.len(), usize::from(!lines.is_empty()), "{lines:?}");
        assert!(requests.is_disjoint(&self.requests), "{lines:?}");
        for line in &lines {
            let about = (line.clinic_id, line.account_id, line.at);
            assert_eq!(about, (self.clinic.id, Some(by), self.clinic.now().into()), "{line:?}");
        }
        self.requests.extend(requests);
        self.operations.extend(lines.iter().map(|line| line.operation.clone()));
        (answer.status, body, lines.into_iter().map(Line::from).collect())
    }

    /// The same for a call that is answered as it should be.
    async fn told(&mut self, by: Uuid, call: Call<'_>) -> (Value, Vec<Line>) {
        let (status, body, lines) = self.of_call(by, call).await;
        assert!((200..300).contains(&status), "{status}: {body}");
        (body, lines)
    }

    /// Somebody's call with a body, and the version that they hold.
    fn call(&self, who: &Person, method: Method, path: &str, held: Option<i64>, body: Value) -> Call<'a> {
        let call = self.clinic.call(who, method, path).json(&body);
        if let Some(version) = held { call.header("If-Match", &format!("\"{version}\"")) } else { call }
    }

    fn post(&self, who: &Person, path: &str, body: &Value) -> Call<'a> {
        let key = self.clinic.clock.new_id().to_string();
        self.clinic.call(who, Method::POST, path).header("Idempotency-Key", &key).json(body)
    }

    /// The id of somebody's place on the patient's care team.
    async fn place(&self, member: &Person, patient: Uuid) -> Uuid {
        let rows = care_relation::Entity::find().filter(care_relation::Column::PatientId.eq(patient));
        let row = rows.filter(care_relation::Column::MemberId.eq(member.id)).one(self.clinic.app.db.read());
        row.await.unwrap().unwrap().id
    }
}

on_both! {
    async fn each_write_leaves_its_lines_and_no_others(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let mut log = Log::of(&clinic);
        records(&mut log, &document).await;
        reminders_and_messages(&mut log).await;
        flags(&mut log).await;
        people::care_teams(&mut log).await;
        people::invitations(&mut log).await;
        people::the_house(&mut log).await;
        people::sign_ins(&mut log).await;
        let writes = operations(&document).into_iter().filter(|one| one.method != Method::GET).map(|one| one.id);
        let silent: Vec<String> = writes.filter(|id| !log.operations.contains(id)).collect();
        assert_eq!(silent, SILENT, "no line of it was met");
    }
}

async fn records(log: &mut Log<'_>, document: &Value) {
    let (clinic, patient) = (log.clinic, log.clinic.patient.id);
    let mut made = Vec::new();
    let mut prescription = Value::Null;
    for (kind, typed) in KINDS {
        let who = match kind {
            "prescriptions" => &clinic.prescriber,
            "sessions" => &clinic.therapist,
            _ => &clinic.patient,
        };
        let (path, stem) = (format!("/v1/patients/{patient}/{kind}"), kind.replace('-', "_"));
        let mut body = example(document, &format!("/v1/patients/{{patient}}/{kind}")).unwrap();
        if kind == "home-doses" {
            body["prescription_id"] = prescription.clone();
        }
        let (answer, lines) = log.told(who.id, log.post(who, &path, &body)).await;
        let of = |verb: &str, id: Uuid, version: i64| {
            [line(&format!("{stem}_{verb}")).patient(patient).record(id).version(version)]
        };
        assert_eq!(lines, of("create", id(&answer), 1));
        if kind == "prescriptions" {
            prescription = answer["id"].clone();
        }
        // Under an id of the client's own it is made as well.
        let own = clinic.clock.new_id();
        if kind == "home-doses" {
            // A week later, as is prescribed: no flag.
            body["occurred_at"] = json!("2026-03-25T20:00:00+01:00");
        }
        let put = log.call(who, Method::PUT, &format!("{path}/{own}"), None, body.clone());
        let (_, lines) = log.told(who.id, put).await;
        assert_eq!(lines, of("create", own, 1));
        body[typed] = json!("Another word.");
        let put = log.call(who, Method::PUT, &format!("{path}/{own}"), Some(1), body);
        let (_, lines) = log.told(who.id, put).await;
        assert_eq!(lines, of("replace", own, 2));
        made.push((who, format!("{path}/{own}"), of("delete", own, 3)));
    }
    for (who, path, lines) in made {
        let delete = log.call(who, Method::DELETE, &path, Some(2), Value::Null);
        assert_eq!(log.told(who.id, delete).await.1, lines);
    }
}

async fn reminders_and_messages(log: &mut Log<'_>) {
    let (clinic, patient) = (log.clinic, log.clinic.patient.id);
    let (me, path) = (&clinic.patient, format!("/v1/patients/{patient}/reminders"));
    let (made, lines) = log.told(clinic.therapist.id, log.post(&clinic.therapist, &path, &journal())).await;
    assert_eq!(lines, [line("reminders_create").patient(patient).record(id(&made)).version(1)]);
    let own = clinic.clock.new_id();
    let path = format!("{path}/{own}");
    let put = |held, body| log.call(me, Method::PUT, &path, held, body);
    let calls = [
        (put(None, daily(&["12:00"])), "reminders_create", 1),
        (put(Some(1), daily(&["12:00", "15:00"])), "reminders_replace", 2),
    ];
    for (call, operation, version) in calls {
        assert_eq!(log.told(me.id, call).await.1, [line(operation).patient(patient).record(own).version(version)]);
    }
    let messages = clinic.get(me, INBOX).await.expect(200).json();
    let message = id(&messages["items"][0]);
    let until = (clinic.now() + TimeDelta::hours(20)).to_rfc3339();
    for (verb, body) in [("read", Value::Null), ("snooze", json!({ "until": until })), ("skip", Value::Null)] {
        let call = clinic.call(me, Method::POST, &format!("{INBOX}/{message}/{verb}"));
        let call = if body.is_null() { call } else { call.json(&body) };
        let (_, lines) = log.told(me.id, call).await;
        assert_eq!(lines, [line(&format!("notifications_{verb}")).patient(patient).record(message)]);
    }
    let delete = log.call(me, Method::DELETE, &path, Some(2), Value::Null);
    assert_eq!(log.told(me.id, delete).await.1, [line("reminders_delete").patient(patient).record(own).version(3)]);
}

async fn flags(log: &mut Log<'_>) {
    let (clinic, patient) = (log.clinic, log.clinic.patient.id);
    let form = |minutes| phq_9(clinic.now() - TimeDelta::minutes(minutes), Some(1));
    let (first, mut lines) = log.told(patient, log.post(&clinic.patient, ASSESSMENTS, &form(60))).await;
    let flags = clinic.get(&clinic.therapist, "/v1/flags").await.expect(200).json();
    let flag = id(&flags["items"][0]);
    lines.sort();
    let record = line("assessments_create").patient(patient).record(id(&first)).version(1);
    assert_eq!(lines, [record, line("flags_open").patient(patient).record(flag)]);
    let (second, mut lines) = log.told(patient, log.post(&clinic.patient, ASSESSMENTS, &form(1))).await;
    lines.sort();
    let record = line("assessments_create").patient(patient).record(id(&second)).version(1);
    assert_eq!(lines, [record, line("flags_join").patient(patient).record(flag)]);
    let verbs = [
        ("acknowledge", json!({})),
        ("resolve", json!({ "outcome": "contacted" })),
        ("reopen", json!({ "reason": "Not reached." })),
    ];
    for (version, (verb, body)) in (3..).zip(verbs) {
        let call = log.call(&clinic.prescriber, Method::POST, &format!("/v1/flags/{flag}/{verb}"), None, body);
        let (_, lines) = log.told(clinic.prescriber.id, call).await;
        assert_eq!(lines, [line(&format!("flags_{verb}")).patient(patient).record(flag).version(version)]);
    }
}
