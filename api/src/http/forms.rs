//! What the generator of the document leaves unsaid: the form of headers and ids, who needs no sign-in, which error an
//! operation may always answer, the type of what may be null.

use serde_json::{Value, json};
use std::collections::HashMap;

/// Forms that parameters have, in the words of JSON Schema. The handlers check them, with a problem that names the place.
const FORMS: [(&str, &str, &str, &str); 3] = [
    ("header", "If-Match", r#"^"[!#-~]*"$"#, "\"3\""),
    ("header", "Idempotency-Key", "^[!-~]{1,255}$", "0198c5d2-6f1e-7a43-9b63-0c8f0d7f5a10"),
    (
        "path",
        "id",
        "^[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$",
        "0198c5d2-6f1e-7a43-9b63-0c8f0d7f5a10",
    ),
];

/// The proof of a right is the parameter of the path that it reads; headers and ids have forms.
fn describe_parameters(operation: &mut Value) {
    // A reminder may be made without one: a second one like it does no harm.
    let needs_key = operation["operationId"] != "reminders_create";
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if parameter["in"] == "path" && parameter["name"] == "permit" {
            parameter["name"] = "patient".into();
        }
        for (place, name, pattern, example) in FORMS {
            if parameter["in"] == place && parameter["name"] == name {
                parameter["schema"] = json!({ "type": "string", "pattern": pattern, "example": example });
            }
        }
        if parameter["name"] == "Idempotency-Key" && needs_key {
            parameter["required"] = true.into();
        }
        let text = parameter["schema"]["type"] == "string" && parameter["schema"].get("format").is_none();
        if text && parameter["in"] == "query" && (parameter["name"] == "from" || parameter["name"] == "to") {
            parameter["schema"]["format"] = "date".into();
        }
    }
}

/// Lists whose items may be null, which the generator does not tell.
const LISTS_WITH_GAPS: [(&str, &str); 1] = [("CaseloadItem", "mood_60d")];

/// Completes a document whose paths and schemas are in place.
pub(super) fn polish(document: &mut Value) {
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            describe_parameters(operation);
            complete(operation);
        }
    }
    for (schema, list) in LISTS_WITH_GAPS {
        document["components"]["schemas"][schema]["properties"][list]["items"]["nullable"] = true.into();
    }
    let types = types(document);
    give_types(document, &types);
}

/// Nobody needs to sign in where nothing is said of it; every path can be asked wrongly.
fn complete(operation: &mut Value) {
    if operation.get("security").is_none() {
        operation["security"] = json!([]);
    }
    if operation["responses"].as_object().is_some_and(|answers| !answers.keys().any(|status| status.starts_with('4'))) {
        operation["responses"]["4XX"] = json!({
            "description": "The request cannot be done as it is; `type` and `errors` say why. Every type: /problems.",
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
    }
}

/// The type of each schema; one of several forms is one of several objects.
fn types(document: &Value) -> HashMap<String, Value> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let of = |schema: &Value| schema.get("type").cloned().unwrap_or_else(|| "object".into());
    schemas.map(|(name, schema)| (name.clone(), of(schema))).collect()
}

/// In OpenAPI 3.0 only a schema that names its type may be nullable, and one that refers to another is never null: what
/// may be null is then either the other or nothing.
fn give_types(value: &mut Value, types: &HashMap<String, Value>) {
    match value {
        Value::Object(members) => {
            // What stands beside a reference says it of the whole.
            let beside = members.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten();
            let beside = beside.filter_map(|part| part.as_object_mut()?.remove("nullable")).any(|null| null == true);
            members.values_mut().for_each(|member| give_types(member, types));
            let nullable = beside || members.get("nullable") == Some(&Value::Bool(true));
            if !nullable || members.contains_key("type") {
                return;
            }
            members.remove("nullable");
            let forms = ["allOf", "anyOf", "oneOf"].iter().find_map(|word| members.remove(*word));
            let mut forms: Vec<Value> = forms.and_then(|forms| forms.as_array().cloned()).unwrap_or_default();
            forms.retain(|form| form.get("$ref").is_some());
            if forms.is_empty() {
                members.extend([("type".into(), "object".into()), ("nullable".into(), true.into())]);
                return;
            }
            let named = forms[0]["$ref"].as_str().and_then(|text| types.get(text.rsplit('/').next()?)).cloned();
            forms.push(json!({ "type": named, "nullable": true, "enum": [null] }));
            members.insert("anyOf".into(), forms.into());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| give_types(item, types)),
        _ => {}
    }
}
