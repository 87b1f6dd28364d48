//! The OpenAPI document: generated from the operations, committed under `openapi/`, served at `/openapi.json`.

use super::{answers, forms, schema, who};
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
use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    marker::PhantomData,
    sync::OnceLock,
};

pub(super) const TITLE: &str = "Afterglow";
/// What holds for every operation.
const CONVENTIONS: &str = include_str!("../../../openapi/conventions.md");

/// The document as JSON.
pub fn document() -> Result<Value, Error> {
    let service = OpenApiService::new(described(super::operations), TITLE, env!("CARGO_PKG_VERSION"))
        .description(CONVENTIONS)
        .license(poem_openapi::LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
        .server("/");
    let mut document: Value = serde_json::from_str(&service.spec()).map_err(Error::internal)?;
    name_paths(&mut document);
    let requests = request_schemas(&document);
    for (name, schema) in document["components"]["schemas"].as_object_mut().into_iter().flatten() {
        if requests.contains(name) { schema::for_requests(schema) } else { schema::optional_may_be_null(schema) }
    }
    forms::polish(&mut document);
    who::tell(&mut document);
    schema::plain(&mut document);
    answers::describe(&mut document);
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
        .map(|(path, item)| {
            let path = path.replace(":patient", "{patient}").replace(":id", "{id}");
            (format!("/v1{}", path.trim_end_matches('/')), item)
        })
        .collect();
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
