//! Who holds a token or a cookie. With one process (SQLite) the answer is kept in memory and is exact all the same: every
//! revocation is committed by this very process, and forgets what it revoked before anybody is told that it is done.
//! With several (PostgreSQL) the database is asked every time.

use super::Held;
use crate::{
    domain::sign_in,
    error::Error,
    security::tokens::Hash,
    store::{Database, Driver, Tx, sign_ins},
};
use chrono::{DateTime, TimeDelta, Utc};
use lru::LruCache;
use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

/// How many sign-ins are kept in memory; others are read from the database again.
const KEPT: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);
/// How old the stored time of a cookie's last request may be where it is also known in memory.
pub(super) const STALE_IN_MEMORY: TimeDelta = TimeDelta::minutes(1);
/// The same where it is known from the database alone.
const STALE: TimeDelta = TimeDelta::seconds(15);

/// The sign-ins that are known at the moment. Clones share them.
#[derive(Clone)]
pub struct SignIns(Option<Arc<Mutex<Memory>>>);

struct Memory {
    held: LruCache<Hash, Known>,
    /// Rises with every revocation: what was read before one is not kept after it.
    revocations: u64,
}

#[derive(Clone, Copy)]
struct Known {
    held: Held,
    /// A cookie's last request as the database knows it.
    stored_seen_at: DateTime<Utc>,
}

impl std::fmt::Debug for SignIns {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SignIns")
    }
}

impl SignIns {
    /// Remembers where only this process revokes.
    pub fn new(driver: Driver) -> Self {
        let memory = || Memory { held: LruCache::new(KEPT), revocations: 0 };
        Self((driver == Driver::Sqlite).then(|| Arc::new(Mutex::new(memory()))))
    }

    /// Whose access token this is, if it is good now. Its first use is noted: the answer that carried it has arrived.
    pub async fn of_token(&self, db: &Database, hash: Hash, now: DateTime<Utc>) -> Result<Option<Held>, Error> {
        let known = self.known(hash, async || sign_ins::find_access(db.read(), hash).await).await?;
        let Some(Known { held, .. }) = known.filter(|known| now < known.held.expires_at) else { return Ok(None) };
        if held.unused {
            let memory = self.clone();
            let unit = async move |tx: &Tx| {
                sign_ins::use_first(tx, hash).await?;
                tx.after_commit(move || memory.change(hash, |known| known.held.unused = false));
                Ok(())
            };
            db.write(held.owner.account, unit).await?;
        }
        Ok(Some(held))
    }

    /// Whose cookie this is, if it is good now. The request counts as use of the pages.
    pub async fn of_cookie(&self, db: &Database, hash: Hash, now: DateTime<Utc>) -> Result<Option<Held>, Error> {
        let known = self.known(hash, async || sign_ins::find_cookie(db.read(), hash).await).await?;
        let alive = |known: &Known| sign_in::cookie_is_alive(known.held.seen_at, known.held.expires_at, now);
        let Some(Known { held, stored_seen_at }) = known.filter(alive) else { return Ok(None) };
        self.change(hash, |known| known.held.seen_at = known.held.seen_at.max(now));
        let stale = if self.0.is_some() { STALE_IN_MEMORY } else { STALE };
        if now - stored_seen_at >= stale {
            let memory = self.clone();
            let unit = async move |tx: &Tx| {
                sign_ins::touch_cookie(tx, hash).await?;
                let at = tx.now();
                tx.after_commit(move || memory.change(hash, |known| known.stored_seen_at = at));
                Ok(())
            };
            db.write(held.owner.account, unit).await?;
        }
        Ok(Some(held))
    }

    /// Who holds a token or a cookie at this moment, if anybody does. Not counted as use: for what goes on by itself, such
    /// as an open stream.
    pub async fn peek(
        &self,
        db: &Database,
        hash: Hash,
        is_cookie: bool,
        now: DateTime<Utc>,
    ) -> Result<Option<Held>, Error> {
        let find = async || {
            if is_cookie {
                sign_ins::find_cookie(db.read(), hash).await
            } else {
                sign_ins::find_access(db.read(), hash).await
            }
        };
        let known = self.known(hash, find).await?;
        let alive = |held: &Held| {
            if is_cookie { sign_in::cookie_is_alive(held.seen_at, held.expires_at, now) } else { now < held.expires_at }
        };
        Ok(known.map(|known| known.held).filter(alive))
    }

    /// Forgets what a unit revokes or changes, once it is committed.
    pub fn forget(&self, tx: &Tx, which: impl Fn(Hash, &Held) -> bool + 'static) {
        let this = self.clone();
        tx.after_commit(move || this.drop_known(which));
    }

    fn drop_known(&self, which: impl Fn(Hash, &Held) -> bool) {
        let Some(memory) = &self.0 else { return };
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.revocations += 1;
        let revoked: Vec<Hash> =
            memory.held.iter().filter(|(hash, known)| which(**hash, &known.held)).map(|(hash, _)| *hash).collect();
        for hash in revoked {
            memory.held.pop(&hash);
        }
    }

    async fn known(
        &self,
        hash: Hash,
        find: impl AsyncFnOnce() -> Result<Option<Held>, Error>,
    ) -> Result<Option<Known>, Error> {
        let found = |held: Held| Known { held, stored_seen_at: held.seen_at };
        let Some(memory) = &self.0 else { return Ok(find().await?.map(found)) };
        let before = {
            let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = memory.held.get(&hash) {
                return Ok(Some(*known));
            }
            memory.revocations
        };
        let known = find().await?.map(found);
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(known), true) = (known, memory.revocations == before) {
            memory.held.put(hash, known);
        }
        Ok(known)
    }

    fn change(&self, hash: Hash, change: impl FnOnce(&mut Known)) {
        let Some(memory) = &self.0 else { return };
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = memory.held.peek_mut(&hash) {
            change(known);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::accounts::AccountKind,
        security::{
            access::Roles,
            tokens::{Purpose, Token},
        },
        store::sign_ins::Owner,
    };
    use uuid::Uuid;

    fn held(family: u128) -> Held {
        let owner = Owner {
            account: Uuid::from_u128(1),
            clinic: Uuid::from_u128(2),
            clinic_zone: chrono_tz::UTC,
            kind: AccountKind::Patient,
            roles: Roles::PATIENT,
            second_factor: false,
            demo: false,
        };
        let (expires_at, seen_at) = (DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC);
        Held { owner, family: Some(Uuid::from_u128(family)), expires_at, seen_at, unused: false }
    }

    async fn found(known: &SignIns, hash: Hash, held: Option<Held>) -> Option<Held> {
        known.known(hash, async || Ok(held)).await.unwrap().map(|known| known.held)
    }

    #[tokio::test]
    async fn what_was_looked_up_is_remembered_until_it_is_revoked() {
        let (known, mine, other) = (SignIns::new(Driver::Sqlite), held(1), held(2));
        let hashes = [Token::new(Purpose::Access).hash(), Token::new(Purpose::Access).hash()];
        assert_eq!(found(&known, hashes[0], Some(mine)).await, Some(mine));
        assert_eq!(found(&known, hashes[1], Some(other)).await, Some(other));
        assert_eq!(found(&known, hashes[0], None).await, Some(mine), "the database is not asked again");
        known.drop_known(|_, held| held.family == mine.family);
        assert_eq!(found(&known, hashes[0], None).await, None);
        assert_eq!(found(&known, hashes[1], None).await, Some(other));
    }

    /// The look-up has read the row; before its answer is kept, the sign-in is revoked, and whoever did it is told so.
    #[tokio::test]
    async fn a_revocation_during_a_look_up_is_not_overwritten_by_what_was_read_before_it() {
        let (known, hash, mine) = (SignIns::new(Driver::Sqlite), Token::new(Purpose::Access).hash(), held(1));
        let revoked_meanwhile = async || {
            known.drop_known(|_, held| held.family == mine.family);
            Ok(Some(mine))
        };
        known.known(hash, revoked_meanwhile).await.unwrap();
        assert_eq!(found(&known, hash, None).await, None, "the next one asks the database");
    }

    /// Where other processes revoke too, nothing is remembered.
    #[tokio::test]
    async fn with_several_processes_the_database_is_asked_every_time() {
        let (known, hash) = (SignIns::new(Driver::Postgres), Token::new(Purpose::Access).hash());
        assert_eq!(found(&known, hash, Some(held(1))).await, Some(held(1)));
        assert_eq!(found(&known, hash, None).await, None);
    }
}
