//! What each operation may answer instead of doing what it is asked: every problem type by its status, with an example.

use super::problem;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Names the problem types of every operation, and shows each type once.
pub(super) fn describe(document: &mut Value) {
    let known = problem::catalogue();
    let shown = known.iter().map(|one| (one.name.to_owned(), json!({ "summary": one.title, "value": one.example })));
    document["components"]["examples"] = shown.collect::<Map<_, _>>().into();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let asked = Asked { path, method, operation };
            let answers = answers(&known, &asked.types());
            if let Some(responses) = operation["responses"].as_object_mut() {
                responses.extend(answers);
            }
        }
    }
}

/// The answers of some types, by status.
fn answers(known: &[problem::Known], types: &[&str]) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<&problem::Known>> = BTreeMap::new();
    for one in known.iter().filter(|one| types.contains(&one.name)) {
        by_status.entry(one.status).or_default().push(one);
    }
    by_status.into_iter().map(|(status, several)| (status.to_string(), answer(&several))).collect()
}

fn answer(several: &[&problem::Known]) -> Value {
    let words: Vec<String> = several.iter().map(|one| format!("`/problems/{}`: {}.", one.kind, one.title)).collect();
    let example =
        |one: &&problem::Known| (one.kind.to_owned(), json!({ "$ref": format!("#/components/examples/{}", one.name) }));
    let examples: Map<String, Value> = several.iter().map(example).collect();
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({
        "description": words.join(" "),
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    })
}

/// Verbs and whatever else cannot be done from every state.
const STEPS: [&str; 12] = [
    "auth_mfa",
    "auth_mfa_confirm",
    "flags_acknowledge",
    "flags_reopen",
    "flags_resolve",
    "invitations_accept",
    "members_delete",
    "members_update",
    "notifications_skip",
    "notifications_snooze",
    "reminders_create",
    "reminders_replace",
];
/// Whatever must not be there yet.
const UNIQUE: [&str; 4] = ["care_team_create", "care_team_replace", "invitations_accept", "invitations_create"];
/// Signed in is enough.
const FOR_ALL: [&str; 5] = ["auth_logout", "auth_mfa", "auth_mfa_confirm", "clinic_read", "events_listen"];
/// Attempts at a secret, and what holds a connection, are counted.
const COUNTED: [&str; 4] = ["auth_login", "events_listen", "invitations_accept", "invitations_read"];

/// One operation, as the document has it.
struct Asked<'a> {
    path: &'a str,
    method: &'a str,
    operation: &'a Value,
}

impl Asked<'_> {
    /// Every problem type that it may answer.
    fn types(&self) -> Vec<&'static str> {
        let mut types = vec!["bad-request", "internal", "unavailable"];
        let mut may = |is_so: bool, more: &[&'static str]| {
            if is_so {
                types.extend_from_slice(more);
            }
        };
        let (id, writes) = (self.operation["operationId"].as_str().unwrap_or_default(), self.method != "get");
        let own_sign_in = self.path.starts_with("/v1/auth/");
        let (is_put, of_a_patient) = (self.method == "put", self.path.contains("{patient}"));
        may(self.needs_sign_in(), &["unauthenticated"]);
        may(self.needs_sign_in() && !own_sign_in, &["second-factor-required"]);
        may(self.needs_sign_in() && writes, &["cross-site"]);
        may(self.needs_sign_in() && !FOR_ALL.contains(&id), &["forbidden"]);
        may(self.path.contains('{'), &["not-found"]);
        may(writes, &["storage-full"]);
        let body = self.operation.get("requestBody").is_some();
        may(body, &["malformed-json", "too-large", "unsupported-media-type", "invalid"]);
        may(self.takes("If-Match"), &["stale"]);
        // A flag is closed by whoever does not say what they have seen, too.
        may(self.takes("If-Match") && id != "flags_resolve", &["precondition-required"]);
        may(self.takes("Idempotency-Key"), &["idempotency-key-reused"]);
        may(self.requires("Idempotency-Key"), &["idempotency-key-required"]);
        may(is_put && of_a_patient && !self.path.contains("/care-team/"), &["gone"]);
        may(is_put && self.is_record(), &["id-in-use"]);
        may(STEPS.contains(&id), &["impossible-step"]);
        may(UNIQUE.contains(&id), &["exists"]);
        may(COUNTED.contains(&id), &["too-many-attempts"]);
        may(id == "changes_list", &["foreign-cursor"]);
        may(id == "auth_login", &["sign-in-refused", problem::AT_SIGN_IN]);
        may(id == "auth_refresh", &["unauthenticated"]);
        types
    }

    /// Whether nobody gets in who is not signed in.
    fn needs_sign_in(&self) -> bool {
        let schemes = self.operation["security"].as_array();
        schemes.is_some_and(|schemes| !schemes.is_empty() && !schemes.contains(&json!({})))
    }

    fn is_record(&self) -> bool {
        !["/care-team/", "/reminders/", "/notifications/"].iter().any(|other| self.path.contains(other))
    }

    fn parameter(&self, name: &str) -> Option<&Value> {
        self.operation["parameters"].as_array()?.iter().find(|parameter| parameter["name"] == name)
    }

    fn takes(&self, name: &str) -> bool {
        self.parameter(name).is_some()
    }

    fn requires(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|parameter| parameter["required"] == true)
    }
}
