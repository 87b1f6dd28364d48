//! Where time and new ids come from. Everything else is given `now` as a value, so that a test can live a year in a second.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use uuid::{ContextV7, Timestamp, Uuid};

/// The one clock. Cheap to clone; clones share their time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since 1970.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until it is moved.
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self(Source::Set(Arc::new(AtomicI64::new(at.timestamp_micros()))))
    }

    /// Now, to the microsecond: the finest that the database keeps.
    #[expect(clippy::disallowed_methods, reason = "this is the Clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now().trunc_subsecs(6),
            Source::Set(at) => DateTime::from_timestamp_micros(at.load(Ordering::Relaxed)).unwrap_or_default(),
        }
    }

    /// Moves a fixed clock; the machine's cannot be moved.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Set(at) = &self.0 {
            at.fetch_add(by.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// How far this clock is from the machine's: nothing, unless it was set.
    pub fn offset(&self) -> TimeDelta {
        match self.0 {
            Source::System => TimeDelta::zero(),
            Source::Set(_) => self.now() - Self::system().now(),
        }
    }

    /// A new id that sorts by its time (RFC 9562 version 7). Not for links: it shows when it was made.
    pub fn new_id(&self) -> Uuid {
        thread_local!(static CONTEXT: ContextV7 = const { ContextV7::new() });
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        CONTEXT.with(|context| Uuid::new_v7(Timestamp::from_unix(context, seconds, now.timestamp_subsec_nanos())))
    }
}
