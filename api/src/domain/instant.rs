//! Instants in the one form in which they are kept and answered: RFC 3339, to the microsecond, with a numeric offset. What
//! happened to a patient has the offset of the zone they were in, what the server did has +00:00.

use chrono::{DateTime, FixedOffset, SecondsFormat, Timelike, Utc};
use chrono_tz::Tz;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::{borrow::Cow, fmt, ops::Deref};

/// An instant, and the offset that it is told in. Finer than a microsecond it never is, since that is what is kept: the
/// same instant sent again is the same.
///
/// ```
/// use afterglow::domain::instant::Instant;
///
/// let at: Instant = "2026-03-14T08:05:00.1234567+01:00".parse::<chrono::DateTime<chrono::FixedOffset>>().unwrap().into();
/// assert_eq!(at.to_string(), "2026-03-14T08:05:00.123456+01:00");
/// assert_eq!(Instant::from(at.to_utc()).to_string(), "2026-03-14T07:05:00.123456+00:00");
/// assert_eq!(at.in_zone(chrono_tz::America::New_York).to_string(), "2026-03-14T03:05:00.123456-04:00");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<FixedOffset>);

impl Instant {
    /// The same instant as the clocks of a zone tell it.
    #[must_use]
    pub fn in_zone(self, zone: Tz) -> Self {
        Self(self.0.with_timezone(&zone).fixed_offset())
    }
}

impl From<DateTime<FixedOffset>> for Instant {
    fn from(at: DateTime<FixedOffset>) -> Self {
        Self(at.with_nanosecond(at.nanosecond() / 1_000 * 1_000).unwrap_or(at))
    }
}

impl From<DateTime<Utc>> for Instant {
    fn from(at: DateTime<Utc>) -> Self {
        at.fixed_offset().into()
    }
}

impl Deref for Instant {
    type Target = DateTime<FixedOffset>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, false))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<FixedOffset>::deserialize(deserializer).map(Into::into)
    }
}

impl Type for Instant {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        <DateTime<FixedOffset> as Type>::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for Instant {
    fn to_json(&self) -> Option<Value> {
        Some(self.to_string().into())
    }
}

impl ParseFromJSON for Instant {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let at = <DateTime<FixedOffset> as ParseFromJSON>::parse_from_json(value);
        at.map(Into::into).map_err(ParseError::propagate)
    }
}
