//! How fast a client takes an answer.

use std::{io, task::Poll};
use tokio::time::{Duration, Instant};

/// How long an answer may stand still in all.
const TAKE: Duration = Duration::from_secs(30);
/// How many bytes are worth a second more: a quarter of what the slowest telephone network carries.
const RATE: u64 = 2 * 1024;

/// How an answer is taken. Only what stands still counts: a client that takes whatever there is may take it for ever.
#[derive(Default)]
pub(super) struct Taking {
    stalled: Option<Instant>,
    waited: Duration,
    taken: u64,
}

impl Taking {
    /// There was no room for more.
    pub(super) fn stall(&mut self) {
        self.stalled.get_or_insert_with(Instant::now);
    }

    /// Some of it was taken, or nothing will be.
    pub(super) fn go_on(&mut self, written: &Poll<io::Result<usize>>) {
        self.waited += self.stalled.take().map_or(Duration::ZERO, |since| since.elapsed());
        if let Poll::Ready(Ok(bytes)) = written {
            self.taken += *bytes as u64;
        }
    }

    /// Whether it stood still for longer than what was taken is worth.
    pub(super) fn is_overdue(&self) -> bool {
        let waited = self.waited + self.stalled.map_or(Duration::ZERO, |since| since.elapsed());
        waited >= TAKE + Duration::from_secs(self.taken / RATE)
    }
}
