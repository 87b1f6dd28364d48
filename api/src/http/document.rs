//! The OpenAPI document: generated from the operations, committed under `openapi/`, served at `/openapi.json`.

use super::schema;
use crate::{app::App, error::Error};
use poem::{Endpoint, IntoResponse, Response, endpoint::make_sync, get};
use poem_openapi::OpenApiService;
use serde_json::Value;
use std::sync::OnceLock;

pub(super) const TITLE: &str = "Afterglow";

/// The document as JSON.
pub fn document(app: &App) -> Result<Value, Error> {
    let service = OpenApiService::new(super::operations(app), TITLE, env!("CARGO_PKG_VERSION"))
        .description("The backend of a patient companion for ketamine-assisted psychotherapy. It is no emergency service and no medical device.")
        .license(poem_openapi::LicenseObject::new("Apache-2.0").url("https://www.apache.org/licenses/LICENSE-2.0"))
        .server("/");
    let mut document: Value = serde_json::from_str(&service.spec()).map_err(Error::internal)?;
    name_paths(&mut document);
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        let requests = |name: &str| name.starts_with("New") || name.ends_with("Patch");
        schemas
            .iter_mut()
            .filter(|(name, _)| requests(name))
            .for_each(|(_, schema)| schema::optional_may_be_null(schema));
    }
    Ok(document)
}

/// `/openapi.json`, generated at its first reading.
pub(super) fn endpoint(app: &App) -> impl Endpoint<Output = Response> + use<> {
    let (app, made) = (app.clone(), OnceLock::new());
    get(make_sync(move |_| -> poem::Result<Response> {
        let json = match made.get() {
            Some(json) => json,
            None => made.get_or_init({
                let json = document(&app)?.to_string();
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
