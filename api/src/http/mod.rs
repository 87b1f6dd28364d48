//! The HTTP face: one file per resource, and this table of contents.

mod allow;
mod answers;
mod body;
mod cursor;
pub mod deadlines;
mod document;
pub mod doors;
#[cfg(feature = "bench")]
mod echo;
mod every;
mod framing;
mod health;
mod parameters;
mod permit;
mod preconditions;
mod problem;
mod raw;
mod records;
mod reply;
mod request_id;
mod resource;
mod schema;
mod sign_in;
mod who;

pub mod assessments;
pub mod auth;
pub mod care_team;
pub mod caseload;
pub mod changes;
pub mod clinic;
pub mod events;
#[cfg(test)]
mod examples;
pub mod flags;
mod forms;
pub mod home_doses;
pub mod instruments;
pub mod intentions;
pub mod invitations;
pub mod journal_entries;
pub mod members;
pub mod metrics;
pub mod mood_scores;
pub mod notifications;
mod occurrences;
pub mod patients;
pub mod prescriptions;
pub mod profiles;
pub mod reminders;
pub mod sessions;
mod stop;
pub mod support_resources;
pub mod timeline;

use crate::{app::App, dashboard, error::Error};
use futures_util::FutureExt;
use poem::{
    Endpoint, EndpointExt, IntoResponse, Request, Response, Route,
    error::NotFoundError,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
};
use poem_openapi::{OpenApi, OpenApiService};
use request_id::{Identify, RequestId};
use std::panic::AssertUnwindSafe;

pub use document::document;

/// Every operation of the API.
fn operations(app: &App) -> impl OpenApi + use<> {
    let caseload = (caseload::Caseload(app.clone()), caseload::Standings(app.clone()));
    let findings = (flags::PatientFlags(app.clone()), flags::Flags(app.clone()), caseload);
    let reference = (instruments::Instruments, support_resources::Lines(app.clone()));
    let sync = (changes::ChangesSince::new(app), timeline::Timeline::new(app), events::Events::new(app));
    let reminding = (reminders::Reminders(app.clone()), notifications::Notifications(app.clone()));
    (people(app), every::operations(app), findings, reminding, reference, sync)
}

/// Who signs in, and whom they care for.
fn people(app: &App) -> impl OpenApi + use<> {
    let clinic = (clinic::Clinics(app.clone()), members::Members(app.clone()));
    let patients = (patients::Patients(app.clone()), profiles::Profiles(app.clone()));
    let (invitations, care_teams) = (invitations::Invitations(app.clone()), care_team::CareTeams(app.clone()));
    (auth::Auth(app.clone()), invitations, clinic, patients, care_teams)
}

/// The whole service.
pub fn service(app: &App) -> impl Endpoint<Output = Response> + use<> {
    service_with(app, Route::new())
}

/// The whole service and some routes besides, such as the demo's.
pub fn service_with(app: &App, more: Route) -> impl Endpoint<Output = Response> + use<> {
    let api = OpenApiService::new(operations(app), document::TITLE, env!("CARGO_PKG_VERSION"));
    let routes = stop::on(health::on(dashboard::on(more)), app);
    let routes = routes.at("/openapi.json", document::endpoint()).nest("/v1", api);
    #[cfg(feature = "bench")]
    let routes = routes.nest("/v1/bench", OpenApiService::new(echo::Echo, document::TITLE, env!("CARGO_PKG_VERSION")));
    routes
        .data(app.clone())
        .around(async |endpoint, request: Request| {
            let (uri, in_chunks) = (request.uri().clone(), is_in_chunks(&request));
            let mut response = answer(endpoint.as_ref(), request).await;
            if response.status() == StatusCode::METHOD_NOT_ALLOWED {
                response.headers_mut().insert(header::ALLOW, allow::methods(uri.path()));
            }
            if in_chunks {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            protect(response.headers_mut());
            Ok(response)
        })
        .with(Identify(app.clone()))
}

/// What is answered, whatever happens.
async fn answer(endpoint: &impl Endpoint, mut request: Request) -> Response {
    let (id, in_browser) = (request.data::<RequestId>().copied(), asks_for_page(&request));
    let answer = async {
        parameters::look(&mut request)?;
        endpoint.call(request).await
    };
    match FutureExt::catch_unwind(AssertUnwindSafe(answer)).await {
        Ok(Ok(response)) => response.into_response(),
        Ok(Err(error)) if in_browser && error.is::<NotFoundError>() => dashboard::nothing(),
        Ok(Err(error)) => problem::respond(error, id),
        Err(_) => problem::respond(Error::internal("a handler panicked").into(), id),
    }
}

/// Whether somebody types addresses, rather than a program.
fn asks_for_page(request: &Request) -> bool {
    let html = request.header(header::ACCEPT).is_some_and(|accepted| accepted.contains("text/html"));
    html && request.method() == Method::GET && !request.uri().path().starts_with("/v1/")
}

/// Whether the body's length stands in the body. Nothing that comes after it on the connection is read (`framing.rs`).
fn is_in_chunks(request: &Request) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

/// What holds for every answer. Nothing of a patient is kept by a browser or by anything between.
fn protect(headers: &mut HeaderMap) {
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
}
