//! Passwords: Argon2id with the cost that OWASP and RFC 9106 ask of a server, and never more than two at once, so that
//! a storm of sign-ins cannot starve everything else of memory and cores.

use crate::error::Error;
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// Memory of one hash, in KiB: 19 MiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Hashes at the same time.
const AT_ONCE: usize = 2;
/// How long somebody waits for a turn before being told to come back.
const QUEUE: Duration = Duration::from_secs(5);

/// The longest password; longer ones only cost time.
pub const LONGEST: usize = 128;
/// The shortest password where nothing else is asked (NIST SP 800-63B-4, OWASP ASVS 6.2.1).
pub const SHORTEST: usize = 15;
/// The shortest password of a member whose second factor is on.
pub const SHORTEST_WITH_SECOND_FACTOR: usize = 8;

/// A hash that no password has: checked when there is no account, so that both cases take the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCAwMA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is wrong with a new password, if anything. Counted in characters; nothing is asked of their kind.
pub fn fault(password: &str, second_factor: bool) -> Option<String> {
    let shortest = if second_factor { SHORTEST_WITH_SECOND_FACTOR } else { SHORTEST };
    let length = password.chars().count();
    (!(shortest..=LONGEST).contains(&length)).then(|| format!("{shortest} to {LONGEST} characters"))
}

/// The door to hashing. Clones share it.
#[derive(Clone, Debug)]
pub struct Passwords {
    free: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { free: Arc::new(Semaphore::new(AT_ONCE)), computed: Arc::default() }
    }
}

impl Passwords {
    /// Waits for a turn. What must not be raced, such as counting failures, is done while holding it.
    pub async fn turn(&self) -> Result<Turn, Error> {
        match tokio::time::timeout(QUEUE, self.free.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Turn { permit: Arc::new(permit), computed: self.computed.clone() }),
            _ => Err(Error::Unavailable("too many sign-ins at once".into())),
        }
    }

    /// How many hashes were computed so far: the work that a caller can measure from outside.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

/// A turn at hashing; it lasts until it is dropped and its hash is done, even if nobody waits for it any more.
#[derive(Debug)]
pub struct Turn {
    permit: Arc<OwnedSemaphorePermit>,
    computed: Arc<AtomicU64>,
}

impl Turn {
    /// The PHC string of a new password.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, Error> {
        self.blocking(move |hasher| {
            let hash = hasher.hash_password(password.as_bytes()).map_err(broken)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether a password belongs to a PHC string. Without one (no such account) it takes as long and is never right.
    pub async fn verify(&self, password: Zeroizing<String>, stored: Option<String>) -> Result<bool, Error> {
        self.blocking(move |hasher| {
            let known = stored.is_some();
            let stored = stored.as_deref().unwrap_or(NOBODY);
            match hasher.verify_password(password.as_bytes(), stored) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(broken(error)),
            }
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (permit, computed, hasher) = (self.permit.clone(), self.computed.clone(), hasher()?);
        let done = tokio::task::spawn_blocking(move || {
            computed.fetch_add(1, Ordering::Relaxed);
            let result = work(hasher);
            drop(permit);
            result
        });
        done.await.map_err(broken)?
    }
}

fn hasher() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(broken)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::internal(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_opens_its_own_hash_and_no_other() {
        let turn = Passwords::default().turn().await.unwrap();
        let hash = turn.hash(secret("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(turn.verify(secret("correct horse battery"), Some(hash.clone())).await.unwrap());
        assert!(!turn.verify(secret("correct horse batterz"), Some(hash.clone())).await.unwrap());
        assert_ne!(hash, turn.hash(secret("correct horse battery")).await.unwrap(), "salted");
    }

    #[tokio::test]
    async fn without_an_account_a_whole_hash_is_computed_and_refused() {
        let turn = Passwords::default().turn().await.unwrap();
        let hash = turn.hash(secret("correct horse battery")).await.unwrap();
        let cost = |phc: &str| phc.rsplitn(3, '$').nth(2).map(str::to_owned);
        assert_eq!(cost(NOBODY), cost(&hash));
        assert!(!turn.verify(secret(""), None).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_third_waits_five_seconds_and_is_told_to_come_back() {
        let passwords = Passwords::default();
        let first = passwords.turn().await.unwrap();
        let _second = passwords.turn().await.unwrap();
        assert!(matches!(passwords.turn().await, Err(Error::Unavailable(_))));
        drop(first);
        assert!(passwords.turn().await.is_ok());
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert_eq!(fault(&"é".repeat(15), false), None);
        assert_eq!(fault(&"é".repeat(128), false), None);
        assert!(fault(&"e".repeat(14), false).is_some());
        assert!(fault(&"e".repeat(129), false).is_some());
        assert_eq!(fault("8 chars.", true), None);
        assert!(fault("7 chars", true).is_some());
    }
}
