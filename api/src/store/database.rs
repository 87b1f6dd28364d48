//! The database: SQLite embedded, or PostgreSQL; its readers and its writers.

use super::{
    link::{Driver, Link, Trust},
    writer::{Tx, Writer},
};
use crate::{clock::Clock, error::Error, events::Event, metrics::Writing};
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use sea_orm::{ConnectionTrait, Statement};
use std::{path::PathBuf, time::Duration};
use tokio::{
    sync::{broadcast, watch},
    time::timeout,
};
use uuid::Uuid;

/// Writers on PostgreSQL; a patient's units always meet the same one.
const POSTGRES_WRITERS: usize = 4;
const READERS: u32 = 8;
/// How long readers and writers may take to show that they are there.
const PROBE: Duration = Duration::from_secs(3);

/// Where the rows and the wrapped keys lie.
#[derive(Debug, Clone)]
pub enum Place {
    /// `afterglow.db` and `keys.db` in this folder.
    Folder(PathBuf),
    /// A PostgreSQL URL; the keys lie in its schema `keys`.
    Url(String),
}

/// A handle on the main database. Cheap to clone.
#[derive(Clone)]
pub struct Database {
    driver: Driver,
    readers: Link,
    writers: Vec<Writer>,
    lost: watch::Receiver<bool>,
}

impl Database {
    /// Connects, brings the schema up to date and starts the writers.
    pub async fn open(
        place: &Place,
        clock: &Clock,
        events: &broadcast::Sender<Event>,
        counts: &Writing,
    ) -> Result<Self, Error> {
        let (lost, watch) = watch::channel(false);
        let start = |link| Writer::start(link, clock.clone(), events.clone(), lost.clone(), counts.clone());
        let (driver, readers, writers) = match place {
            Place::Folder(folder) => {
                let file = folder.join("afterglow.db");
                let writer = Link::to_file::<migration::Migrator>(&file).await?;
                (Driver::Sqlite, Link::readers_of(&file), vec![start(writer)?])
            }
            Place::Url(url) => {
                let trust = Trust::default();
                let readers = Link::to_server(url, READERS, "public", &trust).await?;
                readers.migrate::<migration::Migrator>().await?;
                let mut writers = Vec::new();
                for _ in 0..POSTGRES_WRITERS {
                    writers.push(start(Link::to_server(url, 1, "public", &trust).await?)?);
                }
                (Driver::Postgres, readers, writers)
            }
        };
        Ok(Self { driver, readers, writers, lost: watch })
    }

    /// Runs a unit of work; `owner` (a patient, else a clinic) chooses the writer. Answered after COMMIT.
    pub async fn write<T: Send + 'static>(
        &self,
        owner: Uuid,
        unit: impl AsyncFnOnce(&Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        // The last byte of a UUID of any version is random.
        let writer = usize::from(owner.as_bytes()[15]) % self.writers.len();
        self.writers[writer].write(unit).await
    }

    /// For single statements that read.
    pub fn read(&self) -> &Link {
        &self.readers
    }

    /// Which database this is.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// Whether every reader and writer gets an answer, and writes can be trusted.
    pub async fn ready(&self) -> Result<(), Error> {
        if *self.lost.borrow() {
            return Err(Error::Unavailable("a commit failed".into()));
        }
        let writers = self.writers.iter().map(|writer| writer.write(async |_: &Tx| Ok(())));
        let probe = async {
            try_join_all(writers).await?;
            self.readers.execute_unprepared("SELECT 1").await?;
            Ok(())
        };
        timeout(PROBE, probe).await.unwrap_or_else(|_| Err(Error::Unavailable("the database does not answer".into())))
    }

    /// Waits until a COMMIT failed in a way after which this process must not go on.
    pub async fn lost(&self) {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Opens the store of wrapped keys, which commits by itself, before the unit that first uses a key.
pub(crate) async fn open_keys(place: &Place) -> Result<Link, Error> {
    match place {
        Place::Folder(folder) => Link::to_file::<migration::KeysMigrator>(&folder.join("keys.db")).await,
        Place::Url(url) => {
            let (schema, trust) = ("CREATE SCHEMA IF NOT EXISTS keys", Trust::default());
            Link::to_server(url, 1, "public", &trust).await?.execute_unprepared(schema).await?;
            let keys = Link::to_server(url, 2, "keys", &trust).await?;
            keys.migrate::<migration::KeysMigrator>().await?;
            Ok(keys)
        }
    }
}

/// The clock that leases are measured by: the database's own, so that several workers agree.
pub async fn lease_now(tx: &Tx) -> Result<DateTime<Utc>, Error> {
    match tx.driver() {
        Driver::Sqlite => Ok(tx.now()),
        Driver::Postgres => {
            let statement = Statement::from_string(
                sea_orm::DatabaseBackend::Postgres,
                "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now",
            );
            let row = tx.db().query_one_raw(statement).await?.ok_or_else(|| Error::internal("no clock"))?;
            let now: i64 = row.try_get("", "now")?;
            Ok(DateTime::from_timestamp_micros(now).unwrap_or_default() + tx.clock_offset())
        }
    }
}
