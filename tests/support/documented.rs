//! Every problem that any test meets is one that the document names for that operation.

use poem::http::Method;
use serde_json::Value;
use std::sync::LazyLock;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| afterglow::http::document().unwrap());

/// Fails if an operation of the document does not name this problem type under this status.
#[track_caller]
pub fn expect(method: &Method, path: &str, status: u16, kind: &str) {
    let path = path.split('?').next().unwrap_or_default().trim_end_matches('/');
    let operation = operation(path).map(|item| &item[method.as_str().to_lowercase()]);
    let Some(operation) = operation.filter(|operation| operation.is_object()) else { return };
    let examples = &operation["responses"][status.to_string()]["content"]["application/problem+json"]["examples"];
    let named: Vec<_> = examples.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    assert!(named.contains(&kind), "{method} {path} answered {status} {kind}; the document names {named:?}");
}

/// The paths with the fewest variables first: what is written out is meant.
fn operation(path: &str) -> Option<&'static Value> {
    let asked: Vec<&str> = path.split('/').collect();
    let fits = |template: &str| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == asked.len() && parts.iter().zip(&asked).all(|(part, one)| part.starts_with('{') || part == one)
    };
    let paths = DOCUMENT["paths"].as_object()?.iter().filter(|(template, _)| fits(template));
    paths.min_by_key(|(template, _)| template.matches('{').count()).map(|(_, item)| item)
}
