//! What a repeated request is answered from: written in the transaction of the request's effect, kept 30 days.

use super::{Driver, Tx, bulk};
use crate::error::Error;
use chrono::TimeDelta;
use entities::{
    Micros,
    idempotency::{Column, Entity, Model},
};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel, Statement};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A request that is to have one effect, however often it comes.
#[derive(Debug, Clone)]
pub struct Once {
    owner: Uuid,
    account: Uuid,
    key: String,
    fingerprint: [u8; 32],
}

/// What the request did when it came first.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// The HTTP status of the answer.
    pub status: i16,
    /// What it made.
    pub record: Uuid,
    /// Which version of it.
    pub version: i64,
}

impl Once {
    /// A request of an account; `owner` is the patient in the path, else the clinic.
    pub fn new(owner: Uuid, account: Uuid, key: String, fingerprint: [u8; 32]) -> Self {
        Self { owner, account, key, fingerprint }
    }

    /// The advisory lock of its owner, account and key. That of others is the same once in 2^64.
    fn turn(&self) -> i64 {
        let mut parts = Sha256::new();
        for part in [&self.owner.as_bytes()[..], self.account.as_bytes(), self.key.as_bytes()] {
            parts.update(part);
        }
        parts.finalize().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
    }
}

/// What this very request did before; `Error::KeyReused` if its key belongs to another. Of two at once, whichever process
/// they came to, the second waits here for the first one's COMMIT.
pub async fn find(tx: &Tx, once: &Once) -> Result<Option<Before>, Error> {
    if tx.driver() == Driver::Postgres {
        let lock = "SELECT pg_advisory_xact_lock($1)";
        tx.db().execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, lock, [once.turn().into()])).await?;
    }
    let found = Entity::find_by_id((once.owner, once.account, once.key.clone())).one(tx.db()).await?;
    match found {
        None => Ok(None),
        Some(row) if row.fingerprint == once.fingerprint => {
            Ok(Some(Before { status: row.status, record: row.record_id, version: row.version }))
        }
        Some(_) => Err(Error::KeyReused),
    }
}

/// Remembers what the request did.
pub async fn keep(tx: &Tx, once: &Once, status: i16, record: Uuid, version: i64) -> Result<(), Error> {
    let row = Model {
        owner_id: once.owner,
        account_id: once.account,
        key: once.key.clone(),
        fingerprint: once.fingerprint.to_vec(),
        status,
        record_id: record,
        version,
        created_at: tx.now().into(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// How long a repeat is known as one.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Forgets some of what is older; whether there may be more.
pub async fn sweep(tx: &Tx) -> Result<bool, Error> {
    let old = Column::CreatedAt.lt(Micros::from(tx.now() - KEPT));
    Ok(bulk::forget::<Entity>(tx.db(), Column::CreatedAt, old).await?)
}
