//! Whether a change may be made, from the version that the caller holds: decided here for everything that has versions.

use crate::{domain::faults::Given, error::Error};
use serde_json::Value;

/// What the caller holds of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing was said.
    None,
    /// This version.
    Version(i64),
}

/// A change that is asked for.
#[derive(Debug)]
pub struct Change<P> {
    /// What the caller holds of the thing.
    pub held: Precondition,
    /// What is to change, with what is wrong with that.
    pub patch: Given<P>,
}

/// What a write comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// There is none yet: it is made.
    Make,
    /// It is so already, whatever version the caller holds: nothing is written.
    Keep,
    /// The caller has seen what this replaces.
    Replace,
}

impl Precondition {
    /// What putting a value under an id comes to; `version` is that of what there is, `is_same` whether it is this very
    /// value, `current` what a caller is shown who holds another version.
    ///
    /// ```
    /// use afterglow::{error::Error, store::{Decision, Precondition}};
    ///
    /// let put = |held: Precondition, version, is_same| held.put(version, is_same, || Ok("as it is".into()));
    /// let (nothing, second) = (Precondition::None, Precondition::Version(2));
    /// assert_eq!(put(nothing, None, false).unwrap(), Decision::Make);
    /// assert!(matches!(put(second, None, false), Err(Error::Stale(None))));
    /// assert_eq!(put(nothing, Some(3), true).unwrap(), Decision::Keep);
    /// assert_eq!(put(second, Some(3), true).unwrap(), Decision::Keep);
    /// assert!(matches!(put(nothing, Some(3), false), Err(Error::PreconditionRequired)));
    /// assert!(matches!(put(second, Some(3), false), Err(Error::Stale(Some(_)))));
    /// assert_eq!(put(second, Some(2), false).unwrap(), Decision::Replace);
    /// ```
    pub fn put(
        self,
        version: Option<i64>,
        is_same: bool,
        current: impl FnOnce() -> Result<Value, Error>,
    ) -> Result<Decision, Error> {
        match (self, version) {
            (Self::None, None) => Ok(Decision::Make),
            (Self::Version(_), None) => Err(Error::Stale(None)),
            (_, Some(_)) if is_same => Ok(Decision::Keep),
            (_, Some(version)) => self.change(version, current).map(|()| Decision::Replace),
        }
    }

    /// Refuses a change of any version but the one that the caller holds.
    pub fn change(self, version: i64, current: impl FnOnce() -> Result<Value, Error>) -> Result<(), Error> {
        match self {
            Self::None => Err(Error::PreconditionRequired),
            Self::Version(held) if held == version => Ok(()),
            Self::Version(_) => Err(Error::Stale(Some(Box::new(current()?)))),
        }
    }
}
