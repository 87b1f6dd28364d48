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
    /// What putting a value under an id comes to that has one already, of this version; `is_same` is whether it is this very
    /// value, `current` what a caller is shown who holds another version.
    ///
    /// ```
    /// use afterglow::{error::Error, store::{Decision, Precondition}};
    ///
    /// let put = |held: Precondition, is_same| held.put(3, is_same, || Ok("as it is".into()));
    /// let (nothing, second, third) = (Precondition::None, Precondition::Version(2), Precondition::Version(3));
    /// assert_eq!(put(nothing, true).unwrap(), Decision::Keep);
    /// assert_eq!(put(second, true).unwrap(), Decision::Keep);
    /// assert!(matches!(put(nothing, false), Err(Error::PreconditionRequired)));
    /// assert!(matches!(put(second, false), Err(Error::Stale(Some(_)))));
    /// assert_eq!(put(third, false).unwrap(), Decision::Replace);
    /// assert!(nothing.make().is_ok());
    /// assert!(matches!(second.make(), Err(Error::Stale(None))));
    /// ```
    pub fn put(
        self,
        version: i64,
        is_same: bool,
        current: impl FnOnce() -> Result<Value, Error>,
    ) -> Result<Decision, Error> {
        if is_same { Ok(Decision::Keep) } else { self.change(version, current).map(|()| Decision::Replace) }
    }

    /// Refuses to make what the caller holds a version of: they have seen something that is not there.
    pub fn make(self) -> Result<(), Error> {
        match self {
            Self::None => Ok(()),
            Self::Version(_) => Err(Error::Stale(None)),
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
