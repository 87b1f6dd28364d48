//! The document, as somebody reads it who has nothing else: words, examples and problem types for every operation.

use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| afterglow::http::document().unwrap());

fn operations() -> impl Iterator<Item = (String, &'static Value)> {
    DOCUMENT["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

/// A schema, or the one that it refers to.
fn resolved(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(reference) => &DOCUMENT["components"]["schemas"][reference.rsplit('/').next().unwrap()],
        None => schema,
    }
}

#[test]
fn every_operation_has_words_examples_and_its_problem_types() {
    let mut missing = Vec::new();
    for (name, operation) in operations() {
        for words in ["operationId", "summary", "description"] {
            if operation[words].as_str().is_none_or(str::is_empty) {
                missing.push(format!("{name}: {words}"));
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        if !body.is_null() && resolved(body)["example"].is_null() {
            missing.push(format!("{name}: an example of what it takes"));
        }
        for (status, answer) in operation["responses"].as_object().unwrap() {
            let schema = &answer["content"]["application/json"]["schema"];
            if !schema.is_null() && resolved(schema)["example"].is_null() {
                missing.push(format!("{name}: an example of {status}"));
            }
            if answer["description"].as_str().is_none_or(str::is_empty) {
                missing.push(format!("{name}: what {status} means"));
            }
        }
        for status in ["400", "500", "503"] {
            let examples = &operation["responses"][status]["content"]["application/problem+json"]["examples"];
            if examples.as_object().is_none_or(serde_json::Map::is_empty) {
                missing.push(format!("{name}: the types of {status}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn what_comes_in_has_no_fields_that_are_not_named_and_each_operation_says_who_may() {
    let mut wrong = Vec::new();
    for (name, operation) in operations() {
        let body = resolved(&operation["requestBody"]["content"]["application/json"]["schema"]);
        let several = ["allOf", "anyOf", "oneOf"].iter().any(|word| !body[word].is_null());
        if body["type"] == "object" && !several && body["additionalProperties"] != false {
            wrong.push(format!("{name}: unknown fields"));
        }
        let (words, security) = (operation["description"].as_str().unwrap(), operation["security"].to_string());
        let who = words.split("\n\nWho may: ").nth(1).unwrap_or_default();
        if who.is_empty() || who.contains("nobody") || (security == "[]") != who.starts_with("anybody, without") {
            wrong.push(format!("{name}: who may: {who}"));
        }
        for way in operation["security"].as_array().unwrap().iter().flat_map(|way| way.as_object().unwrap().keys()) {
            if DOCUMENT["components"]["securitySchemes"][way].is_null() {
                wrong.push(format!("{name}: {way}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let prescribe = &DOCUMENT["paths"]["/v1/patients/{patient}/prescriptions"]["post"]["description"];
    assert!(prescribe.as_str().unwrap().ends_with("Who may: a prescriber of the care team."), "{prescribe}");
}

#[test]
fn every_problem_type_has_its_section_and_its_example() {
    let problems = include_str!("../openapi/problems.md");
    for shown in DOCUMENT["components"]["examples"].as_object().unwrap().values() {
        let kind = shown["value"]["type"].as_str().unwrap().trim_start_matches("/problems/");
        assert!(problems.contains(&format!("\n## {kind}\n")), "{kind}");
        assert!(shown["value"]["status"].is_number());
    }
}

#[test]
fn examples_are_true_to_life() {
    let example = |name: &str| DOCUMENT["components"]["schemas"][name]["example"].clone();
    let session = example("Session");
    assert_eq!(session["occurred_at"], session["starts_at"]);
    assert_eq!(example("SessionPage")["items"][0], session);
    assert_eq!(example("TimelinePage")["items"][0]["record"], example("MoodScore"));
    assert_eq!(example("ChangesPage")["changes"][0]["record"], example("MoodScore"));
    assert_eq!(example("Assessment")["score"]["status"], "complete");
}

#[test]
fn nothing_is_said_that_is_ours_alone() {
    fn look(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                let said = members.get("description").and_then(Value::as_str).unwrap_or_default();
                let ours = ["database", "stand in", "sealed", "struct", "enum", "derive", "rulings", "handler"];
                if ours.iter().any(|word| said.to_lowercase().contains(word)) {
                    found.push(said.to_owned());
                }
                members.values().for_each(|member| look(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| look(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    look(&DOCUMENT, &mut found);
    assert!(found.is_empty(), "{found:#?}");
}
