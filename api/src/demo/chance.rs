//! Chance that comes out the same for the same seed.

use chrono::{DateTime, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// A stream of chance.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    /// One of many independent streams of a seed.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn whole(&mut self, low: i64, high: i64) -> i64 {
        self.0.random_range(low..=high)
    }

    /// A number between two others.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0.random_range(low..high)
    }

    /// A number around 0 with this spread, like the sum of many small causes.
    pub(super) fn around(&mut self, spread: f64) -> f64 {
        // The sum of twelve evenly spread numbers has a variance of 1.
        let sum: f64 = (0..12).map(|_| self.0.random::<f64>()).sum();
        (sum - 6.0) * spread
    }

    /// One of some texts.
    pub(super) fn pick<'a>(&mut self, things: &'a [String]) -> Option<&'a str> {
        let index = (!things.is_empty()).then(|| self.0.random_range(0..things.len()))?;
        things.get(index).map(String::as_str)
    }

    /// Some different things, in their own order.
    pub(super) fn some(&mut self, things: &[String], count: usize) -> Vec<String> {
        let mut left = count.min(things.len());
        let mut chosen = Vec::with_capacity(left);
        for (index, thing) in things.iter().enumerate() {
            let remaining = things.len() - index;
            if left > 0 && self.0.random_range(0..remaining) < left {
                chosen.push(thing.clone());
                left -= 1;
            }
        }
        chosen
    }

    /// The same things in another order.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for index in (1..things.len()).rev() {
            things.swap(index, self.0.random_range(0..=index));
        }
    }

    /// An id made at an instant (RFC 9562 version 7), its random part ours.
    pub(super) fn id(&mut self, at: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(at.timestamp_millis()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &self.0.random()).into_uuid()
    }
}
