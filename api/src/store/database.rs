//! The database: SQLite embedded, or PostgreSQL. This file alone knows which driver stands behind the writers and readers.

use super::writer::{Tx, Writer};
use crate::{clock::Clock, error::Error, events::Event};
use chrono::{DateTime, Utc};
use migration::MigratorTrait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, SqlxPostgresConnector, SqlxSqliteConnector, Statement,
    sqlx::{
        postgres::{PgConnectOptions, PgPoolOptions},
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};
use std::{
    fs::OpenOptions,
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

/// Writers on PostgreSQL; a patient's units always meet the same one.
const POSTGRES_WRITERS: usize = 4;
const READERS: u32 = 4;
/// How long a statement waits for another process's lock on the file.
const BUSY: Duration = Duration::from_secs(5);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// A file of ours, one writer.
    Sqlite,
    /// A server, several writers.
    Postgres,
}

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
    readers: DatabaseConnection,
    writers: Vec<Writer>,
    lost: watch::Receiver<bool>,
}

impl Database {
    /// Connects, brings the schema up to date and starts the writers.
    pub async fn open(place: &Place, clock: &Clock, events: &broadcast::Sender<Event>) -> Result<Self, Error> {
        let (lost, watch) = watch::channel(false);
        let start = |connection, driver| Writer::start(connection, driver, clock.clone(), events.clone(), lost.clone());
        let (driver, readers, writers) = match place {
            Place::Folder(folder) => {
                let file = folder.join("afterglow.db");
                let writer = sqlite(&file, 1, false).await?;
                migration::Migrator::up(&writer, None).await.map_err(newer)?;
                let readers = sqlite(&file, READERS, true).await?;
                (Driver::Sqlite, readers, vec![start(writer, Driver::Sqlite)?])
            }
            Place::Url(url) => {
                let readers = postgres(url, 2 * READERS, "public").await?;
                durable(&readers).await?;
                migration::Migrator::up(&readers, None).await.map_err(newer)?;
                let mut writers = Vec::new();
                for _ in 0..POSTGRES_WRITERS {
                    writers.push(start(postgres(url, 1, "public").await?, Driver::Postgres)?);
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
    pub fn read(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// Which database this is.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// Whether the database answers, and writes can be trusted.
    pub async fn ready(&self) -> Result<(), Error> {
        if *self.lost.borrow() {
            return Err(Error::Unavailable("a commit failed".into()));
        }
        self.readers.execute_unprepared("SELECT 1").await?;
        Ok(())
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
pub(crate) async fn open_keys(place: &Place) -> Result<DatabaseConnection, Error> {
    let keys = match place {
        Place::Folder(folder) => sqlite(&folder.join("keys.db"), 1, false).await?,
        Place::Url(url) => {
            let schema = "CREATE SCHEMA IF NOT EXISTS keys";
            postgres(url, 1, "public").await?.execute_unprepared(schema).await?;
            postgres(url, 2, "keys").await?
        }
    };
    migration::KeysMigrator::up(&keys, None).await.map_err(newer)?;
    Ok(keys)
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

/// Throws a writer's connection away, so that its next transaction begins on a new one.
pub(super) async fn renew(connection: &DatabaseConnection, driver: Driver) {
    // A connection that does not even close is gone as well.
    match driver {
        Driver::Sqlite => {
            if let Ok(held) = connection.get_sqlite_connection_pool().acquire().await {
                drop(held.close().await);
            }
        }
        Driver::Postgres => {
            if let Ok(held) = connection.get_postgres_connection_pool().acquire().await {
                drop(held.close().await);
            }
        }
    }
}

async fn sqlite(file: &Path, connections: u32, read_only: bool) -> Result<DatabaseConnection, Error> {
    // Made for its owner alone; what SQLite lays beside it takes over the mode. A file that is there is left alone:
    // closing it once more would drop every lock that this process holds on it, and the next other process to look into
    // it would take itself for the last one and remove the log under our feet.
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(file).map(drop);
    let made = made.or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) });
    made.map_err(|error| Error::Settings(format!("AFTERGLOW_DATA: {}: {error}", file.display())))?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(!read_only)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY)
        .pragma("secure_delete", "ON")
        .pragma("query_only", if read_only { "ON" } else { "OFF" });
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await
        .map_err(|error| Error::Settings(format!("AFTERGLOW_DATA: {} does not open: {error}", file.display())))?;
    Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool))
}

async fn postgres(url: &str, connections: u32, schema: &str) -> Result<DatabaseConnection, Error> {
    let wrong = |what: String| Error::Settings(format!("AFTERGLOW_DATABASE_URL: {what}"));
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| wrong("not a PostgreSQL URL".into()))?
        .application_name("afterglow")
        .options([
            ("search_path", schema),
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .map_err(|error| wrong(format!("the server does not answer: {error}")))?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// A server that may forget what it acknowledged is refused.
async fn durable(connection: &DatabaseConnection) -> Result<(), Error> {
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let statement = Statement::from_string(sea_orm::DatabaseBackend::Postgres, format!("SHOW {setting}"));
        let row = connection.query_one_raw(statement).await?.ok_or_else(|| Error::internal("no setting"))?;
        let value: String = row.try_get("", setting)?;
        if value == "off" {
            return Err(Error::Settings(format!("AFTERGLOW_DATABASE_URL: the server runs with {setting}=off")));
        }
    }
    Ok(())
}

fn newer(error: sea_orm::DbErr) -> Error {
    Error::Settings(format!("the database's schema is not one that this version knows: {error}"))
}
