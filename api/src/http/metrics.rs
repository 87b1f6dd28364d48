//! `/metrics`, for Prometheus: on a listener of its own, or beside the demo. Whoever can reach it may read it; it tells how
//! much is done and how fast, of nobody in particular.

use crate::{app::App, error::Error, metrics::CONTENT_TYPE, store::outbox};
use poem::{Endpoint, EndpointExt, IntoResponse, Response, Route, get, handler, web::Data};
use std::time::Duration;

/// How long the database may take to say what waits: whoever watches asks again soon, and gives up on one who is late.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What is counted. Where the database does not answer in time, that is said, and the rest.
#[handler]
async fn metrics(app: Data<&App>) -> Response {
    let now = app.clock.now();
    let db = app.db.clone();
    // A task of its own: a file answers in the thread that asks.
    let asking = tokio::spawn(async move { outbox::backlog(db.read(), now).await });
    let asked = match tokio::time::timeout(PATIENCE, asking).await {
        Ok(asked) => asked.map_err(Error::internal).flatten(),
        Err(_) => Err(Error::Unavailable("the database does not answer".into())),
    };
    let waiting = asked.map(|backlogs| {
        backlogs.map(|backlog| {
            let oldest = backlog.oldest.map_or_else(Default::default, |at| (now - at).to_std().unwrap_or_default());
            (backlog.class, backlog.due, oldest)
        })
    });
    if let Err(error) = &waiting {
        tracing::warn!(%error, "what waits to be sent was not counted");
    }
    app.metrics.text(waiting.ok()).with_content_type(CONTENT_TYPE).into_response()
}

/// Adds it to the routes of a service.
pub fn on(route: Route) -> Route {
    route.at("/metrics", get(metrics))
}

/// A service that does nothing else.
pub fn service(app: &App) -> impl Endpoint + use<> {
    on(Route::new()).data(app.clone())
}
