//! `/v1/patients/{patient}/intentions`: what the patient brings. The patient writes; the care team reads what is shared.

use crate::domain::{intentions::Intention, record::Visibility};
use chrono::{DateTime, FixedOffset};
use poem_openapi::types::Example;

impl Example for Intention {
    fn example() -> Self {
        Self {
            occurred_at: DateTime::<FixedOffset>::parse_from_rfc3339("2026-03-13T19:30:00+01:00").unwrap_or_default(),
            time_zone: "Europe/Berlin".into(),
            text: "To look at the grief without running from it.".into(),
            session_id: None,
            visibility: Visibility::Shared,
        }
    }
}
