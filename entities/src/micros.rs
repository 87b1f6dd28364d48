//! An instant as the database keeps it.

use chrono::{DateTime, Utc};
use sea_orm::DeriveValueType;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, DeriveValueType)]
pub struct Micros(pub i64);

impl From<DateTime<Utc>> for Micros {
    fn from(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }
}

impl From<Micros> for DateTime<Utc> {
    fn from(at: Micros) -> Self {
        Self::from_timestamp_micros(at.0).unwrap_or_default()
    }
}
