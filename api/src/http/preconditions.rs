//! The headers and ids that make a write safe to repeat.

use crate::{error::Error, store::Precondition};
use poem_openapi::types::ToJSON;
use serde_json::Value;
use uuid::Uuid;

/// A version as a strong entity tag.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// The one strong tag of an `If-Match`; a list, `*` or a weak tag names no version.
pub(super) fn if_match(header: Option<&str>) -> Result<Precondition, Error> {
    let Some(header) = header else { return Ok(Precondition::None) };
    let tag = header.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let tag = tag
        .filter(|tag| !tag.contains('"'))
        .ok_or_else(|| Error::bad_request("header:If-Match", "must be one ETag as it was answered, such as \"3\""))?;
    // A tag that we never gave is another version than any.
    Ok(Precondition::Version(tag.parse().unwrap_or(0)))
}

/// What a caller is shown who holds another version.
pub(super) fn shown(current: &impl ToJSON) -> Result<Value, Error> {
    current.to_json().ok_or_else(|| Error::internal("what there is cannot be shown"))
}

/// A key of 1 to 255 visible ASCII characters.
pub(super) fn idempotency_key(header: Option<String>) -> Result<String, Error> {
    let key = header.ok_or(Error::KeyRequired)?;
    if (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(key)
    } else {
        Err(Error::bad_request("header:Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
    }
}

/// An id that a client chose: RFC 9562, version 4 or 7. What is no UUID names nothing.
pub(super) fn record_id(text: &str) -> Result<Uuid, Error> {
    let id: Uuid = text.parse().map_err(|_| Error::NotFound)?;
    match id.get_version_num() {
        4 | 7 => Ok(id),
        _ => Err(Error::invalid("/id", "must be a UUID of version 7 or 4")),
    }
}
