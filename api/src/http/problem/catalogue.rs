//! Every type of problem that an operation may answer, with what it looks like: for the document.

use super::{filled, kinds::ProblemType};
use crate::{error::Error, http::request_id::RequestId};
use poem_openapi::types::ToJSON;
use serde_json::{Value, json};
use uuid::Uuid;

/// A type of problem, for the document.
pub(in crate::http) struct Known {
    /// Its name among the examples: the kind, but for the one that comes with two statuses.
    pub(in crate::http) name: &'static str,
    pub(in crate::http) kind: &'static str,
    pub(in crate::http) status: u16,
    pub(in crate::http) title: &'static str,
    pub(in crate::http) example: Value,
}

/// Every type of problem that an operation may answer, with what it looks like.
pub(in crate::http) fn catalogue() -> Vec<Known> {
    let request = RequestId(Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_5a10));
    let known = |error: Error| {
        let ProblemType { status, name: kind, title, .. } = ProblemType::of(&error);
        let example = filled(&error, Some(request)).body.to_json().unwrap_or_default();
        let at_sign_in = matches!(error, Error::SecondFactorRequired { signed_in: false });
        let name = if at_sign_in { AT_SIGN_IN } else { kind };
        Known { name, kind, status: status.as_u16(), title, example }
    };
    samples().into_iter().map(known).collect()
}

/// The second factor that a sign-in lacks.
pub(in crate::http) const AT_SIGN_IN: &str = "second-factor-at-sign-in";

fn samples() -> Vec<Error> {
    let current = json!({ "id": "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10", "version": 3 });
    vec![
        Error::Unauthenticated,
        Error::SignInRefused,
        Error::SecondFactorRequired { signed_in: true },
        Error::SecondFactorRequired { signed_in: false },
        Error::CrossSite,
        Error::Forbidden,
        Error::NotFound,
        Error::Gone,
        Error::IdInUse,
        Error::Exists,
        Error::ImpossibleStep("a resolved flag is reopened before it is taken on again"),
        Error::ForeignCursor,
        Error::PreconditionRequired,
        Error::Stale(Some(Box::new(current))),
        Error::invalid("/mood", "must be at most 10"),
        Error::bad_request("query:limit", "must be at most 200"),
        Error::MalformedJson,
        Error::UnsupportedMediaType,
        Error::TooLarge,
        Error::KeyRequired,
        Error::KeyReused,
        Error::TooManyAttempts { retry_after: 5 },
        Error::Unavailable(String::new()),
        Error::StorageFull,
        Error::internal(""),
    ]
}
