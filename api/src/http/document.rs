//! The OpenAPI document: generated from the operations, committed under `openapi/`, served at `/openapi.json`.

use super::schema;
use crate::{app::App, error::Error};
use poem::{
    Endpoint, IntoResponse, Response,
    endpoint::{BoxEndpoint, make_sync},
    get,
    http::Method,
};
use poem_openapi::{
    OpenApi, OpenApiService,
    registry::{MetaApi, Registry},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap},
    marker::PhantomData,
    sync::OnceLock,
};

pub(super) const TITLE: &str = "Afterglow";

/// The document as JSON.
pub fn document() -> Result<Value, Error> {
    let service = OpenApiService::new(described(super::operations), TITLE, env!("CARGO_PKG_VERSION"))
        .description("The backend of a patient companion for ketamine-assisted psychotherapy. It is no emergency service and no medical device.")
        .license(poem_openapi::LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
        .server("/");
    let mut document: Value = serde_json::from_str(&service.spec()).map_err(Error::internal)?;
    name_paths(&mut document);
    let requests = request_schemas(&document);
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if requests.contains(name) { schema::for_requests(schema) } else { schema::optional_may_be_null(schema) }
    }
    let types = types(&document);
    give_types(&mut document, &types);
    Ok(document)
}

/// Operations without what they run on: the document depends on the code alone.
struct Described<T>(PhantomData<T>);

fn described<T: OpenApi>(_: fn(&App) -> T) -> Described<T> {
    Described(PhantomData)
}

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// `/openapi.json`, generated at its first reading.
pub(super) fn endpoint() -> impl Endpoint<Output = Response> {
    let made = OnceLock::new();
    get(make_sync(move |_| -> poem::Result<Response> {
        let json = match made.get() {
            Some(json) => json,
            None => made.get_or_init({
                let json = document()?.to_string();
                move || json
            }),
        };
        Ok(json.clone().with_content_type("application/json").with_header("cache-control", "no-cache").into_response())
    }))
}

/// Paths as they are called: below `/v1`, `{patient}` for `:patient` (which a prefix that is an expression keeps), and
/// no slash at the end.
fn name_paths(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else { return };
    *paths = std::mem::take(paths)
        .into_iter()
        .map(|(path, mut item)| {
            item.as_object_mut().into_iter().flatten().for_each(|(_, operation)| describe_parameters(operation));
            let path = path.replace(":patient", "{patient}").replace(":id", "{id}");
            (format!("/v1{}", path.trim_end_matches('/')), item)
        })
        .collect();
}

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
        if parameter["name"] == "Idempotency-Key" {
            parameter["required"] = true.into();
        }
        let text = parameter["schema"]["type"] == "string" && parameter["schema"].get("format").is_none();
        if text && parameter["in"] == "query" && (parameter["name"] == "from" || parameter["name"] == "to") {
            parameter["schema"]["format"] = "date".into();
        }
    }
}

/// The type of each schema; one of several forms is one of several objects.
fn types(document: &Value) -> HashMap<String, Value> {
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    let of = |schema: &Value| schema.get("type").cloned().unwrap_or_else(|| "object".into());
    schemas.map(|(name, schema)| (name.clone(), of(schema))).collect()
}

/// In OpenAPI 3.0 only a schema that names its type may be nullable; one that refers to another takes that one's.
fn give_types(value: &mut Value, types: &HashMap<String, Value>) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(|member| give_types(member, types));
            if members.get("nullable") == Some(&Value::Bool(true)) && !members.contains_key("type") {
                let forms = ["allOf", "anyOf", "oneOf"].iter().find_map(|word| members.get(*word));
                let reference = forms.and_then(|forms| forms[0]["$ref"].as_str()).unwrap_or_default();
                let found = reference.rsplit('/').next().and_then(|name| types.get(name)).cloned();
                members.extend(found.map(|found| ("type".to_owned(), found)));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| give_types(item, types)),
        _ => {}
    }
}

/// The names of all schemas that a request body is made of.
fn request_schemas(document: &Value) -> BTreeSet<String> {
    let operations = document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.as_object());
    let bodies = operations.flatten().map(|(_, operation)| &operation["requestBody"]);
    let (mut found, mut open) = (BTreeSet::new(), Vec::new());
    bodies.for_each(|body| references(body, &mut open));
    while let Some(name) = open.pop() {
        if found.insert(name.clone()) {
            references(&document["components"]["schemas"][&name], &mut open);
        }
    }
    found
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let name = members.get("$ref").and_then(Value::as_str).and_then(|text| text.rsplit('/').next());
            names.extend(name.map(String::from));
            members.values().for_each(|member| references(member, names));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, names)),
        _ => {}
    }
}
