//! Every request has an id: in its problems, in its audit rows, in the log. And every one is counted, without it.

use crate::app::App;
use poem::{Endpoint, IntoResponse, Middleware, Request, Response, Result};
use poem_openapi::OperationId;
use std::time::Instant;
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
        let began = Instant::now();
        let response = self.inner.call(request).await.map(IntoResponse::into_response)?;
        let operation = response.data::<OperationId>().map(|operation| operation.0);
        self.app.metrics.answered(operation, response.status().as_u16(), began.elapsed());
        Ok(response)
    }
}
