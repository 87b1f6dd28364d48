//! `/health/live` and `/health/ready`, for who watches the process. Outside `/v1`, and without any data.

use crate::app::App;
use poem::{Route, get, handler, http::StatusCode, web::Data};

/// The process answers.
#[handler]
fn live() -> StatusCode {
    StatusCode::OK
}

/// The database answers.
#[handler]
async fn ready(app: Data<&App>) -> StatusCode {
    match app.db.ready().await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Adds them to the routes of the service.
pub(super) fn on(route: Route) -> Route {
    route.at("/health/live", get(live)).at("/health/ready", get(ready))
}
