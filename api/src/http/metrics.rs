//! `/metrics`, for Prometheus: on a listener of its own, or beside the demo. Whoever can reach it may read it; it tells how
//! much is done and how fast, of nobody in particular.

use crate::{app::App, metrics::CONTENT_TYPE, store::outbox};
use poem::{Endpoint, EndpointExt, IntoResponse, Response, Route, get, handler, web::Data};

/// What is counted. A database that does not answer leaves what waits as it was told last.
#[handler]
async fn metrics(app: Data<&App>) -> Response {
    let now = app.clock.now();
    match outbox::backlog(app.db.read(), now).await {
        Ok(backlog) => {
            let oldest = backlog.oldest.map_or_else(Default::default, |at| (now - at).to_std().unwrap_or_default());
            app.metrics.waiting(backlog.due, oldest);
        }
        Err(error) => tracing::warn!(%error, "what waits to be sent was not counted"),
    }
    app.metrics.text().with_content_type(CONTENT_TYPE).into_response()
}

/// Adds it to the routes of a service.
pub fn on(route: Route) -> Route {
    route.at("/metrics", get(metrics))
}

/// A service that does nothing else.
pub fn service(app: &App) -> impl Endpoint + use<> {
    on(Route::new()).data(app.clone())
}
