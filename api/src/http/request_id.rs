//! Every request has an id: in its problems, in its audit rows, in the log.

use crate::app::App;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};
use uuid::Uuid;

/// The id of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

/// Gives every request its id.
pub(super) struct Identify(pub(super) App);

impl<E: Endpoint> Middleware<E> for Identify {
    type Output = Identified<E>;

    fn transform(&self, inner: E) -> Self::Output {
        Identified { inner, app: self.0.clone() }
    }
}

/// An endpoint whose requests have ids.
pub(super) struct Identified<E> {
    inner: E,
    app: App,
}

impl<E: Endpoint> Endpoint for Identified<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        request.set_data(RequestId(self.app.clock.new_id()));
        self.inner.call(request).await.map(IntoResponse::into_response)
    }
}
