//! Where a page begins: opaque to the client, a place on the time line to us. Never an offset, so that what is written
//! meanwhile moves nothing.

use crate::{domain::caseload::Place, error::Error, store::After};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::DateTime;
use uuid::Uuid;

/// The place as a client carries it.
pub(super) fn encode(after: After) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&after.at.timestamp_micros().to_be_bytes());
    bytes[8..].copy_from_slice(after.id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place that a client came back with.
pub(super) fn decode(text: &str) -> Result<After, Error> {
    let wrong = || Error::bad_request("query:cursor", "must be the next_cursor of an earlier page");
    let bytes: [u8; 24] =
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    let (at, id) = bytes.split_at(8);
    let at = DateTime::from_timestamp_micros(i64::from_be_bytes(at.try_into().map_err(|_| wrong())?));
    Ok(After { at: at.ok_or_else(wrong)?, id: Uuid::from_slice(id).map_err(|_| wrong())? })
}

/// A place of the caseload as a client carries it.
pub(super) fn of_place(place: &Place) -> String {
    let mut bytes = vec![place.urgency];
    bytes.extend(place.due.to_be_bytes());
    bytes.extend(place.last_check_in.to_be_bytes());
    bytes.extend(place.patient.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The place of the caseload that a client came back with.
pub(super) fn place(text: &str) -> Result<Place, Error> {
    let wrong = || Error::bad_request("query:cursor", "must be the next_cursor of an earlier page");
    let bytes: [u8; 33] =
        URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    let number = |from: usize| bytes[from..from + 8].try_into().map(i64::from_be_bytes).map_err(|_| wrong());
    Ok(Place {
        urgency: bytes[0],
        due: number(1)?,
        last_check_in: number(9)?,
        patient: Uuid::from_slice(&bytes[17..]).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_given() {
        let after =
            After { at: DateTime::from_timestamp_micros(1_774_000_000_123_456).unwrap(), id: Uuid::from_u128(7) };
        assert_eq!(decode(&encode(after)).unwrap(), after);
    }

    #[test]
    fn a_cursor_from_elsewhere_is_a_bad_parameter() {
        for text in ["", "x", "AAAA", "%%%", &"A".repeat(33)] {
            assert!(matches!(decode(text), Err(Error::BadRequest(_))), "{text}");
        }
    }
}
