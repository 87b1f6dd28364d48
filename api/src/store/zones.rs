//! Zones as rows hold them: by their IANA names.

use crate::error::Error;
use chrono_tz::Tz;

/// The zone of a name that was checked before it was stored.
pub(super) fn zone_of(name: &str) -> Result<Tz, Error> {
    name.parse().map_err(|_| Error::internal("a stored zone is unknown"))
}
