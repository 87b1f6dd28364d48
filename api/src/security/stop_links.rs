//! The link in a reminder's mail that stops the reminder without signing in (RFC 8058): good for 30 days and for that
//! one reminder. Nothing is stored of it: only this installation can make its code.

use super::secret::Codes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const LIFE: TimeDelta = TimeDelta::days(30);
/// Patient, reminder, the second at which it ends.
const BODY: usize = 16 + 16 + 8;

/// A link's token for one reminder.
pub fn make(codes: &Codes, patient: Uuid, reminder: Uuid, now: DateTime<Utc>) -> String {
    let mut bytes = Vec::with_capacity(BODY + 32);
    bytes.extend(patient.as_bytes());
    bytes.extend(reminder.as_bytes());
    bytes.extend((now + LIFE).timestamp().to_be_bytes());
    let code = codes.code("stop", &bytes);
    bytes.extend(code);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whose reminder a token stops, and which, if it is one of ours and not too old.
pub fn read(codes: &Codes, token: &str, now: DateTime<Utc>) -> Option<(Uuid, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == BODY + 32)?;
    let (body, code) = bytes.split_at(BODY);
    let ours: bool = codes.code("stop", body).ct_eq(code).into();
    let ends = i64::from_be_bytes(body[32..].try_into().ok()?);
    let ids = (Uuid::from_slice(&body[..16]).ok()?, Uuid::from_slice(&body[16..32]).ok()?);
    (ours && now.timestamp() < ends).then_some(ids)
}
