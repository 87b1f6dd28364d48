//! Who may do what: every operation of the document, in the name of everybody who could try it. An operation without a row
//! here fails, and so does a row without an operation.

mod audit;

use crate::{
    on_both,
    support::{Clinic, Person},
};
use afterglow::security::access::Roles;
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Everybody who could try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Actor {
    Nobody,
    Self_,
    OtherPatient,
    Therapist,
    Prescriber,
    /// A therapist of the clinic who is not on the care team.
    Outsider,
    /// One whose last day was yesterday.
    Former,
    /// One whose first day is tomorrow.
    Coming,
    Admin,
    ForeignTherapist,
    ForeignAdmin,
    ForeignPatient,
}

use Actor::{
    Admin, Coming, ForeignAdmin, ForeignPatient, ForeignTherapist, Former, Nobody, OtherPatient, Outsider, Prescriber,
    Self_, Therapist,
};

const ACTORS: [Actor; 12] = [
    Nobody,
    Self_,
    OtherPatient,
    Therapist,
    Prescriber,
    Outsider,
    Former,
    Coming,
    Admin,
    ForeignTherapist,
    ForeignAdmin,
    ForeignPatient,
];

/// Who may; everybody else is answered as the policy says.
#[derive(Debug, Clone, Copy)]
enum May {
    /// No token is needed.
    Everybody,
    /// Whoever is signed in.
    SignedIn,
    /// Staff with one of these roles, whomever they care for.
    Staff(&'static [Actor]),
    /// Of a patient in the path: these of those who may know of them.
    Of(&'static [Actor]),
    /// One flag, found through the caller's care relations.
    Flag,
    /// Admins, of a member of their own clinic.
    OwnMember,
}

const CLINICIANS: &[Actor] = &[Therapist, Prescriber, Outsider, Former, Coming, ForeignTherapist];
const STAFF: &[Actor] = &[Therapist, Prescriber, Outsider, Former, Coming, ForeignTherapist, Admin, ForeignAdmin];
const ADMINS: &[Actor] = &[Admin, ForeignAdmin];
const READERS: &[Actor] = &[Self_, Therapist, Prescriber];
const OWNER: &[Actor] = &[Self_];
const PRESCRIBERS: &[Actor] = &[Prescriber];
const CARERS: &[Actor] = &[Therapist, Prescriber];
const KNOWN: &[Actor] = &[Self_, Therapist, Prescriber, Admin];
/// The therapist here is the primary one.
const TEAM_WRITERS: &[Actor] = &[Therapist, Admin];

/// Operation, the status of whoever may (with an empty body, no key and no version), who may.
const TABLE: &[(&str, u16, May)] = &[
    ("auth_login", 422, May::Everybody),
    ("auth_refresh", 422, May::Everybody),
    ("auth_mfa", 409, May::SignedIn),
    ("auth_mfa_confirm", 422, May::SignedIn),
    ("auth_logout", 204, May::SignedIn),
    ("invitations_create", 400, May::Staff(STAFF)),
    ("invitations_read", 404, May::Everybody),
    ("invitations_accept", 404, May::Everybody),
    ("clinic_read", 200, May::SignedIn),
    ("clinic_update", 428, May::Staff(ADMINS)),
    ("members_list", 200, May::Staff(STAFF)),
    ("members_update", 428, May::OwnMember),
    ("members_delete", 428, May::OwnMember),
    ("patients_list", 200, May::Staff(STAFF)),
    ("patients_read", 200, May::Of(KNOWN)),
    ("patients_update", 428, May::Of(KNOWN)),
    ("care_team_list", 200, May::Of(KNOWN)),
    ("care_team_create", 422, May::Of(TEAM_WRITERS)),
    ("care_team_replace", 428, May::Of(TEAM_WRITERS)),
    ("care_team_delete", 428, May::Of(TEAM_WRITERS)),
    ("intentions_list", 200, May::Of(READERS)),
    ("intentions_create", 400, May::Of(OWNER)),
    ("intentions_read", 200, May::Of(READERS)),
    ("intentions_replace", 428, May::Of(OWNER)),
    ("intentions_delete", 428, May::Of(OWNER)),
    ("journal_entries_list", 200, May::Of(READERS)),
    ("journal_entries_create", 400, May::Of(OWNER)),
    ("journal_entries_read", 200, May::Of(READERS)),
    ("journal_entries_replace", 428, May::Of(OWNER)),
    ("journal_entries_delete", 428, May::Of(OWNER)),
    ("mood_scores_list", 200, May::Of(READERS)),
    ("mood_scores_create", 400, May::Of(OWNER)),
    ("mood_scores_read", 200, May::Of(READERS)),
    ("mood_scores_replace", 428, May::Of(OWNER)),
    ("mood_scores_delete", 428, May::Of(OWNER)),
    ("home_doses_list", 200, May::Of(READERS)),
    ("home_doses_create", 400, May::Of(OWNER)),
    ("home_doses_read", 200, May::Of(READERS)),
    ("home_doses_replace", 428, May::Of(OWNER)),
    ("home_doses_delete", 428, May::Of(OWNER)),
    ("assessments_list", 200, May::Of(READERS)),
    ("assessments_create", 400, May::Of(READERS)),
    ("assessments_read", 200, May::Of(READERS)),
    ("assessments_replace", 428, May::Of(OWNER)),
    ("assessments_delete", 428, May::Of(OWNER)),
    ("sessions_list", 200, May::Of(READERS)),
    ("sessions_create", 400, May::Of(READERS)),
    ("sessions_read", 200, May::Of(READERS)),
    ("sessions_replace", 428, May::Of(READERS)),
    ("sessions_delete", 428, May::Of(READERS)),
    ("prescriptions_list", 200, May::Of(READERS)),
    ("prescriptions_create", 400, May::Of(PRESCRIBERS)),
    ("prescriptions_read", 200, May::Of(READERS)),
    ("prescriptions_replace", 428, May::Of(PRESCRIBERS)),
    ("prescriptions_delete", 428, May::Of(PRESCRIBERS)),
    ("changes_list", 200, May::Of(READERS)),
    ("timeline_list", 200, May::Of(READERS)),
    ("reminders_list", 200, May::Of(READERS)),
    ("reminders_create", 422, May::Of(READERS)),
    ("reminders_read", 200, May::Of(READERS)),
    ("reminders_replace", 428, May::Of(READERS)),
    ("reminders_delete", 428, May::Of(READERS)),
    ("reminders_occurrences", 200, May::Of(READERS)),
    ("notifications_list", 200, May::Of(READERS)),
    ("notifications_find", 200, May::Of(READERS)),
    ("notifications_read", 200, May::Of(OWNER)),
    ("notifications_snooze", 422, May::Of(OWNER)),
    ("notifications_skip", 200, May::Of(OWNER)),
    ("events_listen", 200, May::SignedIn),
    ("caseload_read", 200, May::Staff(CLINICIANS)),
    ("standing_read", 200, May::Of(CARERS)),
    ("instruments_list", 200, May::Everybody),
    ("instruments_read", 200, May::Everybody),
    ("support_resources_read", 200, May::Everybody),
    ("flags_list", 200, May::Staff(CLINICIANS)),
    ("patient_flags_list", 200, May::Of(CARERS)),
    ("flags_acknowledge", 200, May::Flag),
    ("flags_resolve", 422, May::Flag),
    ("flags_reopen", 422, May::Flag),
];

impl May {
    /// The status that an actor is answered.
    fn status(self, actor: Actor, allowed: u16) -> u16 {
        let is_patient = matches!(actor, Self_ | OtherPatient | ForeignPatient);
        match self {
            Self::Everybody => allowed,
            _ if actor == Nobody => 401,
            Self::SignedIn => allowed,
            Self::Staff(who) => {
                if who.contains(&actor) {
                    allowed
                } else {
                    403
                }
            }
            Self::Of(who) => match actor {
                _ if who.contains(&actor) => allowed,
                Self_ | Therapist | Prescriber | Admin => 403,
                _ => 404,
            },
            Self::Flag => match actor {
                Therapist | Prescriber => allowed,
                _ if is_patient || ADMINS.contains(&actor) => 403,
                _ => 404,
            },
            Self::OwnMember => match actor {
                Admin => allowed,
                ForeignAdmin => 404,
                _ => 403,
            },
        }
    }
}

/// One operation of the document.
struct Operation {
    method: Method,
    path: String,
    id: String,
}

fn operations(document: &Value) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            if let Some(id) = operation["operationId"].as_str() {
                all.push(Operation { method, path: path.clone(), id: id.to_owned() });
            }
        }
    }
    // Signing out comes last: whoever has done it can try nothing more.
    all.sort_by_key(|operation| operation.id == "auth_logout");
    all
}

/// The example of an operation's body, shared with the care team where that can be said.
fn example(document: &Value, path: &str) -> Option<Value> {
    let body = &document["paths"][path]["post"]["requestBody"]["content"]["application/json"];
    let name = body["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    let mut example = body.get("example").cloned();
    let mut example = example.take().or_else(|| document["components"]["schemas"][name].get("example").cloned())?;
    if example.get("visibility").is_some() {
        example["visibility"] = json!("shared");
    }
    Some(example)
}

/// Everybody, and something of everything that is theirs.
struct World {
    people: HashMap<&'static str, Person>,
    /// What `{id}` stands for below a path.
    ids: HashMap<String, String>,
}

impl World {
    async fn new(clinic: &Clinic, document: &Value) -> Self {
        // The document's examples lie in this year; all of them are over by now.
        clinic.clock.advance(TimeDelta::days(300));
        let (other, neighbours) = (clinic.new_patient().await, clinic.next_door().await);
        let outsider = clinic.new_member(Roles::THERAPIST).await;
        let former = clinic.new_member(Roles::THERAPIST).await;
        let coming = clinic.new_member(Roles::THERAPIST).await;
        clinic.care(&former, &clinic.patient, -30..=-1).await;
        clinic.care(&coming, &clinic.patient, 1..=30).await;
        let people = [
            ("Self_", clinic.patient.clone()),
            ("OtherPatient", other),
            ("Therapist", clinic.therapist.clone()),
            ("Prescriber", clinic.prescriber.clone()),
            ("Outsider", outsider),
            ("Former", former),
            ("Coming", coming),
            ("Admin", clinic.admin.clone()),
            ("ForeignTherapist", neighbours.therapist),
            ("ForeignAdmin", neighbours.admin),
            ("ForeignPatient", neighbours.patient),
        ];
        let ids = HashMap::from([("/v1/clinic/members".to_owned(), clinic.prescriber.id.to_string())]);
        let mut world = Self { people: people.into_iter().collect(), ids };
        world.fill(clinic, document).await;
        world
    }

    /// Makes one record of each kind from the document's own examples, and a flag.
    async fn fill(&mut self, clinic: &Clinic, document: &Value) {
        const PATIENT: &str = "/v1/patients/{patient}";
        let lists: Vec<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
        for list in lists.iter().filter(|path| document["paths"][format!("{path}/{{id}}")].is_object()) {
            let Some(kind) = list.strip_prefix(PATIENT).filter(|kind| *kind != "/care-team") else { continue };
            let Some(example) = example(document, list) else { continue };
            let author = if kind == "/prescriptions" { &clinic.prescriber } else { &clinic.patient };
            let path = list.replace("{patient}", &clinic.patient.id.to_string());
            let made = clinic.post(author, &path, example).await.expect(201).json();
            self.ids.insert(list.clone(), made["id"].as_str().unwrap().to_owned());
        }
        let team = clinic.get(&clinic.admin, &format!("/v1/patients/{}/care-team", clinic.patient.id)).await.json();
        let mine = team["items"].as_array().unwrap().iter().find(|item| item["primary"] == true).unwrap();
        self.ids.insert(format!("{PATIENT}/care-team"), mine["id"].as_str().unwrap().to_owned());

        let daily = json!({
            "type": "recurring", "rrule": "FREQ=DAILY", "times": ["09:00"], "zone": "follow",
            "starts_on": clinic.now().date_naive()
        });
        let daily = json!({ "kind": "check-in", "active": true, "schedule": daily });
        clinic.post(&clinic.patient, "/v1/patients/me/reminders", daily).await.expect(201);
        let inbox = clinic.get(&clinic.patient, "/v1/patients/me/notifications").await.expect(200).json();
        let message = inbox["items"][0]["id"].as_str().unwrap().to_owned();
        self.ids.insert(format!("{PATIENT}/notifications"), message);

        let answers: Value = (1..=9).map(|item| (item.to_string(), json!(3))).collect::<serde_json::Map<_, _>>().into();
        let mut worst = clinic.mood(0);
        worst.as_object_mut().unwrap().remove("mood");
        worst["instrument"] = json!("phq-9");
        worst["answers"] = answers;
        clinic.post(&clinic.patient, "/v1/patients/me/assessments", worst).await.expect(201);
        let flags = clinic.get(&clinic.therapist, "/v1/flags").await.expect(200).json();
        let flag = flags["items"][0]["id"].as_str().unwrap().to_owned();
        self.ids.insert("/v1/flags".to_owned(), flag);
    }

    /// The path as somebody calls it.
    fn path(&self, clinic: &Clinic, template: &str) -> String {
        let patient = template.replace("{patient}", &clinic.patient.id.to_string());
        if template.starts_with("/v1/instruments/") {
            return template.replace("{code}", "phq-9");
        }
        let patient = patient.replace("{code}", &format!("kit_{}", "A".repeat(43)));
        let Some((list, _)) = template.split_once("/{id}") else { return patient };
        let id = self.ids.get(list).unwrap_or_else(|| panic!("nothing was made for {template}"));
        patient.replace("{id}", id)
    }

    async fn status(&self, clinic: &Clinic, actor: Actor, operation: &Operation, path: &str) -> u16 {
        let name = format!("{actor:?}");
        let call = match self.people.get(name.as_str()) {
            Some(person) => clinic.call(person, operation.method.clone(), path),
            None => clinic.anonymous(operation.method.clone(), path),
        };
        let with_body = [Method::POST, Method::PUT, Method::PATCH].contains(&operation.method);
        if with_body { call.json(&json!({})).status().await } else { call.status().await }
    }
}

on_both! {
    async fn everybody_may_do_what_the_table_says_and_nothing_else(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let (table, operations) = (rows(), operations(&document));
        let unlisted: Vec<_> = operations.iter().map(|one| &one.id).filter(|id| !table.contains_key(id.as_str())).collect();
        assert!(unlisted.is_empty(), "operations without a row in this table: {unlisted:?}");
        let stale: Vec<_> = table.keys().filter(|id| operations.iter().all(|one| one.id != **id)).collect();
        assert!(stale.is_empty(), "rows without an operation: {stale:?}");

        let world = World::new(&clinic, &document).await;
        let mut wrong = Vec::new();
        for operation in &operations {
            let (allowed, may) = table[operation.id.as_str()];
            let path = world.path(&clinic, &operation.path);
            for actor in ACTORS {
                let (expected, got) = (may.status(actor, allowed), world.status(&clinic, actor, operation, &path).await);
                if expected != got {
                    wrong.push(format!("{} as {actor:?}: {got} instead of {expected}", operation.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    async fn what_a_caller_may_not_know_of_looks_like_what_is_not_there(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let world = World::new(&clinic, &document).await;
        let nowhere = clinic.clock.new_id();
        for name in ["OtherPatient", "Outsider", "Former", "Coming", "ForeignTherapist", "ForeignAdmin"] {
            let who = &world.people[name];
            for rest in ["", "/mood-scores", "/timeline", "/care-team"] {
                let hidden = clinic.get(who, &format!("/v1/patients/{}{rest}", clinic.patient.id)).await;
                let missing = clinic.get(who, &format!("/v1/patients/{nowhere}{rest}")).await;
                let plain = |text: &str| {
                    let mut problem: Value = serde_json::from_str(text).unwrap();
                    problem["instance"].take();
                    problem
                };
                assert_eq!((hidden.status, plain(&hidden.text)), (missing.status, plain(&missing.text)), "{name}{rest}");
                assert_eq!(hidden.status, 404);
            }
        }
    }
}

fn rows() -> HashMap<&'static str, (u16, May)> {
    TABLE.iter().map(|(id, allowed, may)| (*id, (*allowed, *may))).collect()
}
