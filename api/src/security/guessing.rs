//! Guessing passwords and codes is slow. Only failures count, so that nobody pays for being right.
//!
//! Per account: a wait from the fifth failure of a day, held to the end of the day (UTC) at the hundredth. Addresses
//! nobody has are treated alike, or the wait would tell which have an account. Per network address: thirty failures a
//! minute. What an account failed is in its row; the rest lives in memory, bounded, and is forgotten by a restart.

use chrono::{DateTime, Days, TimeDelta, Utc};
use lru::LruCache;
use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// Failures before the first wait.
const FREE: u32 = 5;
/// Seconds to wait after the fifth failure, the sixth, …; the last holds for all that follow.
const WAITS: [i64; 4] = [1, 3, 5, 10];
/// Failures of one day after which the account is held until the next.
const HELD: u32 = 100;
/// Failures from one network address within [`WINDOW`].
const PER_ADDRESS: u32 = 30;
/// What a network address is counted over.
const WINDOW: TimeDelta = TimeDelta::minutes(1);
/// By how much the clocks of several processes may differ.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// How many network addresses, and how many unknown accounts, are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(16_383);

/// How often somebody failed, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// How often.
    pub count: u32,
    /// When last.
    pub last: Option<DateTime<Utc>>,
}

impl Failures {
    /// One more.
    #[must_use]
    pub fn and(self, now: DateTime<Utc>) -> Self {
        Self { count: self.today(now).saturating_add(1), last: Some(now) }
    }

    /// Seconds until the next try counts; `None` if it may be made now.
    pub fn wait(self, now: DateTime<Utc>) -> Option<u64> {
        let count = self.today(now);
        let last = self.last.filter(|_| count >= FREE)?;
        let until = if count >= HELD {
            (last.date_naive() + Days::new(1)).and_time(chrono::NaiveTime::MIN).and_utc()
        } else {
            let step = usize::try_from(count - FREE).unwrap_or(usize::MAX).min(WAITS.len() - 1);
            last + TimeDelta::seconds(WAITS[step])
        };
        seconds_until(until, now)
    }

    /// A new day begins anew, so that a person who errs once a week never meets the ladder.
    fn today(self, now: DateTime<Utc>) -> u32 {
        match self.last {
            Some(last) if last.date_naive() >= now.date_naive() && is_past(last, now) => self.count,
            _ => 0,
        }
    }
}

/// What is remembered of failures beside the accounts' rows. Clones share it.
#[derive(Clone)]
pub struct Guessing(Arc<Mutex<Memory>>);

struct Memory {
    addresses: LruCache<IpAddr, Failures>,
    unknown: LruCache<Vec<u8>, Failures>,
}

impl Default for Guessing {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Memory { addresses: LruCache::new(REMEMBERED), unknown: LruCache::new(REMEMBERED) })))
    }
}

impl std::fmt::Debug for Guessing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Guessing")
    }
}

impl Guessing {
    /// Seconds until a network address may try again; `None` if it may now.
    pub fn address_waits(&self, address: IpAddr, now: DateTime<Utc>) -> Option<u64> {
        let failures = *self.memory().addresses.peek(&network(address))?;
        let began = failures.last?;
        seconds_until(began + WINDOW, now).filter(|_| failures.count >= PER_ADDRESS && is_past(began, now))
    }

    /// A failure came from a network address.
    pub fn address_failed(&self, address: IpAddr, now: DateTime<Utc>) {
        let mut memory = self.memory();
        // Here `last` is when the minute began: a slow drip must not prolong it.
        let failures = memory.addresses.get_or_insert_mut(network(address), Failures::default);
        match failures.last {
            Some(began) if now < began + WINDOW && is_past(began, now) => {
                failures.count = failures.count.saturating_add(1);
            }
            _ => *failures = Failures { count: 1, last: Some(now) },
        }
    }

    /// What failed for an account that does not exist, by the blind index of its address.
    pub fn unknown(&self, index: &[u8]) -> Failures {
        self.memory().unknown.peek(index).copied().unwrap_or_default()
    }

    /// A failure for an account that does not exist.
    pub fn unknown_failed(&self, index: &[u8], now: DateTime<Utc>) {
        let mut memory = self.memory();
        let failures = memory.unknown.get_or_insert_mut_ref(index, Failures::default);
        *failures = failures.and(now);
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a time is past, as far as the clocks of several processes agree. What a clock noted that had gone wrong locks
/// nobody out until it is right.
fn is_past(noted: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    noted <= now + SKEW
}

/// One household or phone has a whole /64 of IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Whole seconds, rounded up: whoever waits as long as told is let in.
fn seconds_until(until: DateTime<Utc>, now: DateTime<Utc>) -> Option<u64> {
    let left = (until - now).num_milliseconds();
    u64::try_from(left).ok().filter(|left| *left > 0).map(|left| left.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    fn noon() -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 3, 14, 12, 0, 0).unwrap()
    }

    #[test]
    fn waits_grow_from_the_fifth_failure() {
        let mut failures = Failures::default();
        let waits: Vec<_> = (0..10)
            .map(|_| {
                failures = failures.and(noon());
                failures.wait(noon())
            })
            .collect();
        let rest = [Some(1), Some(3), Some(5), Some(10), Some(10), Some(10)];
        assert_eq!(waits, [[None; 4].as_slice(), &rest].concat());
        assert_eq!(failures.wait(noon() + TimeDelta::milliseconds(9_001)), Some(1));
        assert_eq!(failures.wait(noon() + TimeDelta::seconds(10)), None);
    }

    #[test]
    fn a_hundred_failures_hold_until_midnight_and_then_count_anew() {
        let failures = Failures { count: 100, last: Some(noon()) };
        assert_eq!(failures.wait(noon()), Some(12 * 3600));
        let midnight = noon() + TimeDelta::hours(12);
        assert_eq!(failures.wait(midnight), None);
        assert_eq!(failures.and(midnight).count, 1);
    }

    #[test]
    fn an_address_has_thirty_failures_a_minute() {
        let guessing = Guessing::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        for second in 0..30 {
            assert_eq!(guessing.address_waits(address, noon()), None);
            guessing.address_failed(address, noon() + TimeDelta::seconds(second));
        }
        let now = noon() + TimeDelta::seconds(29);
        assert_eq!(guessing.address_waits(address, now), Some(31));
        assert_eq!(guessing.address_waits("203.0.113.8".parse().unwrap(), now), None);
        assert_eq!(guessing.address_waits(address, noon() + WINDOW), None);
        guessing.address_failed(address, noon() + WINDOW);
        assert_eq!(guessing.address_waits(address, noon() + WINDOW), None);
    }

    #[test]
    fn a_clock_that_went_wrong_locks_nobody_out_and_one_that_is_a_little_ahead_lets_nobody_in() {
        let guessing = Guessing::default();
        let address: IpAddr = "203.0.113.7".parse().unwrap();
        for (ahead, waits) in [(TimeDelta::days(3), None), (TimeDelta::seconds(59), Some(12 * 3600))] {
            let failures = Failures { count: 100, last: Some(noon() + ahead) };
            assert_eq!(failures.wait(noon()), waits);
            assert_eq!(failures.and(noon()).count, if waits.is_none() { 1 } else { 101 });
        }
        for _ in 0..30 {
            guessing.address_failed(address, noon() + TimeDelta::days(3));
        }
        assert_eq!(guessing.address_waits(address, noon()), None);
        guessing.address_failed(address, noon());
        assert_eq!(guessing.address_waits(address, noon()), None, "one failure by a clock that is right");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        let guessing = Guessing::default();
        for n in 0..30u16 {
            guessing.address_failed(format!("2001:db8:1:2::{n:x}").parse().unwrap(), noon());
        }
        let waits = |text: &str| guessing.address_waits(text.parse().unwrap(), noon());
        assert_eq!(waits("2001:db8:1:2:ffff::1"), Some(60));
        assert_eq!(waits("2001:db8:1:3::1"), None);
    }

    #[test]
    fn an_account_that_does_not_exist_waits_like_one_that_does() {
        let guessing = Guessing::default();
        for _ in 0..5 {
            guessing.unknown_failed(&[7; 32], noon());
        }
        assert_eq!(guessing.unknown(&[7; 32]).wait(noon()), Some(1));
        assert_eq!(guessing.unknown(&[8; 32]).wait(noon()), None);
    }
}
