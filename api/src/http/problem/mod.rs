//! Every error on the wire: RFC 9457 problem+json. Each `type` has its page in `openapi/problems.md`.

mod catalogue;
mod kinds;

pub(super) use catalogue::{AT_SIGN_IN, Known, catalogue};

use super::{framing::Ambiguous, preconditions::etag, request_id::RequestId};
use crate::{domain::faults::Fault, error::Error};
use kinds::ProblemType;
use poem::{
    IntoResponse, Response,
    error::{MethodNotAllowedError, NotFoundError, ResponseError},
    http::{StatusCode, header},
};
use poem_openapi::{
    ApiResponse, Object, OperationId,
    error::{ParseParamError, ParsePathError},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};
use serde_json::Value;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, Object)]
pub struct Wrong {
    /// An RFC 6901 pointer into the body, or `query:limit`, `header:If-Match`.
    pub pointer: String,
    /// What is expected there.
    pub detail: String,
}

/// What went wrong, RFC 9457.
#[derive(Debug, Clone, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Problem {
    /// Which kind of problem: a path under this server that explains it.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is the matter this time, and what to do.
    pub detail: String,
    /// The request's id, for a question to the operator.
    pub instance: String,
    /// Everything that is wrong with the request.
    pub errors: Option<Vec<Wrong>>,
    /// The record as it is now, where `If-Match` named another version.
    pub current: Option<Value>,
    /// Seconds to wait before the next try.
    pub retry_after: Option<u64>,
}

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        ProblemType::of(self).status
    }
}

/// Turns any error, ours or the framework's, into a problem; it is still known which operation it came from.
pub(super) fn respond(error: poem::Error, request_id: Option<RequestId>) -> Response {
    let operation = error.data::<OperationId>().copied();
    let mut response = told(error, request_id);
    if let Some(operation) = operation {
        response.set_data(operation);
    }
    response
}

fn told(error: poem::Error, request_id: Option<RequestId>) -> Response {
    if let Some(error) = error.downcast_ref::<Error>() {
        return render(error, request_id);
    }
    let ours = if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
        Error::NotFound
    } else if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
        Error::bad_request(&parameter_pointer(parameter.name), "does not fit this parameter")
    } else if error.is::<MethodNotAllowedError>() {
        return problem(kinds::METHOD_NOT_ALLOWED, request_id).into_response();
    } else {
        match error.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Error::UnsupportedMediaType,
            status if status.is_client_error() => Error::BadRequest(Vec::new()),
            _ => Error::internal(&error),
        }
    };
    render(&ours, request_id)
}

/// The whole answer to a request that does not say where it ends or whom it is for, as it goes onto the wire: the framework
/// never saw it.
pub(super) fn ambiguous(why: Ambiguous, request_id: RequestId) -> Vec<u8> {
    let (pointer, what) = match why {
        Ambiguous::Length => (
            "header:Content-Length",
            "must name one length, by Content-Length or by Transfer-Encoding (RFC 9112, section 6.3)",
        ),
        Ambiguous::Host => ("header:Host", "must be there once, and name a host (RFC 9112, section 3.2)"),
    };
    let body = filled(&Error::bad_request(pointer, what), Some(request_id)).body;
    let body = body.to_json().unwrap_or_default().to_string();
    let head = "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n\
                x-content-type-options: nosniff\r\nconnection: close";
    format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// `If-Match` and its kind are headers; everything else that is parsed is a query parameter.
fn parameter_pointer(name: &str) -> String {
    let header = name.contains('-') || name.eq_ignore_ascii_case("accept");
    format!("{}:{name}", if header { "header" } else { "query" })
}

fn render(error: &Error, request_id: Option<RequestId>) -> Response {
    if ProblemType::of(error).status.is_server_error() {
        let instance = request_id.map(|id| id.0).unwrap_or_default();
        tracing::error!(%error, %instance, "a request failed");
    }
    filled(error, request_id).into_response()
}

/// The problem of an error, with what belongs to its type.
fn filled(error: &Error, request_id: Option<RequestId>) -> Rendered {
    let mut problem = problem(ProblemType::of(error), request_id);
    match error {
        Error::Invalid(faults) | Error::BadRequest(faults) | Error::Taken(faults) => {
            problem.body.errors = Some(wrongs(faults));
        }
        Error::Stale(current) => {
            problem.body.detail = stale(current.as_deref());
            problem.body.current = current.as_deref().cloned();
        }
        Error::TooManyAttempts { retry_after } => problem.body.retry_after = Some(*retry_after),
        Error::Unavailable(_) => problem.body.retry_after = Some(1),
        _ => {}
    }
    problem
}

/// Which version `If-Match` should have named.
fn stale(current: Option<&Value>) -> String {
    match current.map(|current| current.get("version").and_then(Value::as_i64)) {
        Some(Some(version)) => format!("If-Match does not name the current version, which is {}.", etag(version)),
        Some(None) => kinds::STALE.detail.into(),
        None => "If-Match names a version of what is not there: to make it, send no If-Match.".into(),
    }
}

fn wrongs(faults: &[Fault]) -> Vec<Wrong> {
    let mut wrongs: Vec<Wrong> = Vec::new();
    for fault in faults {
        wrongs.push(Wrong { pointer: fault.pointer.clone(), detail: fault.detail.clone() });
    }
    wrongs
}

struct Rendered {
    status: StatusCode,
    body: Problem,
}

fn problem(kind: ProblemType, request_id: Option<RequestId>) -> Rendered {
    let ProblemType { status, name, title, detail } = kind;
    let body = Problem {
        r#type: format!("/problems/{name}"),
        title: title.into(),
        status: status.as_u16(),
        detail: detail.into(),
        instance: request_id.map(|id| format!("urn:uuid:{}", id.0)).unwrap_or_default(),
        errors: None,
        current: None,
        retry_after: None,
    };
    Rendered { status, body }
}

impl IntoResponse for Rendered {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status).content_type("application/problem+json");
        if let Some(seconds) = self.body.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response = response.header(header::WWW_AUTHENTICATE, "Bearer");
        }
        let body = self.body.to_json().unwrap_or_default().to_string();
        response.body(body)
    }
}

/// Documents the problems of every operation once, by hand: which ones occur is the same everywhere.
impl ApiResponse for Error {
    fn meta() -> MetaResponses {
        let range = |range: &str, description| MetaResponse {
            description,
            status: None,
            status_range: Some(range.into()),
            content: vec![MetaMediaType { content_type: "application/problem+json", schema: Problem::schema_ref() }],
            headers: vec![],
        };
        MetaResponses {
            responses: vec![
                range(
                    "4XX",
                    "The request cannot be done as it is; `type` and `errors` say why. Every type: /problems.",
                ),
                range("5XX", "The server cannot do it now. Nothing that was acknowledged is lost."),
            ],
        }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}
