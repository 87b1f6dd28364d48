//! An SQLite file, spoken to in the calling thread: a statement takes microseconds, less than handing it to another.

use super::{STATEMENT, cells, faults::of_sqlite, locked};
use crate::error::Error;
use migration::MigratorTrait;
use rusqlite::{Connection, OpenFlags, config::DbConfig};
use sea_orm::{
    Database, DbBackend, DbErr, ExecResult, ProxyDatabaseTrait, ProxyExecResult, ProxyRow, QueryResult, Statement,
    prelude::async_trait::async_trait,
};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// How long a statement waits for another process's lock on the file.
const BUSY: Duration = Duration::from_secs(5);
/// How many of SQLite's steps go by between two looks at the time: a fraction of a millisecond.
const STEPS: i32 = 10_000;
/// How many statements a connection keeps prepared.
const PREPARED: usize = 256;
/// Every connection is used by one thread at a time.
const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_CREATE).union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// The writer keeps 16 MiB of the file in memory, by SQLite's sign for KiB.
const WRITES: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON; PRAGMA cache_size = -16384;";
/// Readers keep 4 MiB each, void after each COMMIT of the writer. What the kernel keeps is not mapped: it would be unmapped
/// with each COMMIT, which costs more than reading the few pages of an answer again.
const READS: &str = "PRAGMA query_only = ON; PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096;";

/// Brings the schema of a file up to date, whole or not at all: whoever is killed meanwhile finds it as it was.
pub(super) async fn migrate<M: MigratorTrait>(file: &Arc<File>) -> Result<(), Error> {
    let transaction = Arc::new(Transaction::begin(file)?);
    let schema: Box<dyn ProxyDatabaseTrait> = Box::new(Schema(transaction.clone()));
    let connection = Database::connect_proxy(DbBackend::Sqlite, Arc::new(schema)).await?;
    M::up(&connection, None).await.map_err(super::newer)?;
    drop(connection);
    let transaction = Arc::into_inner(transaction).ok_or_else(|| Error::internal("a migration goes on"))?;
    Ok(transaction.commit()?)
}

/// A file as migrations see it, which ask for no transaction of their own on SQLite.
struct Schema(Arc<Transaction>);

impl std::fmt::Debug for Schema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Schema")
    }
}

#[async_trait]
impl ProxyDatabaseTrait for Schema {
    async fn query(&self, statement: Statement) -> Result<Vec<ProxyRow>, DbErr> {
        self.0.with(|connection| query(connection, &statement))
    }

    async fn execute(&self, statement: Statement) -> Result<ProxyExecResult, DbErr> {
        self.0.with(|connection| execute(connection, &statement))
    }
}

/// A file, and the connections to it that are not in use.
pub(super) struct File {
    path: PathBuf,
    /// How long a statement may take, of who only reads.
    reads: Option<Duration>,
    idle: Mutex<Vec<Connection>>,
}

impl File {
    /// A file that is written to; made if it is not there.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, Error> {
        let file = Self { path: path.to_owned(), reads: None, idle: Mutex::default() };
        let opened = file.connect();
        let closed = |error| Error::Settings(format!("AFTERGLOW_DATA: {} does not open: {error}", path.display()));
        file.take_back(opened.map_err(closed)?);
        Ok(Arc::new(file))
    }

    /// The same file for who only reads.
    pub(super) fn readers(path: &Path) -> Arc<Self> {
        Arc::new(Self { path: path.to_owned(), reads: Some(STATEMENT), idle: Mutex::default() })
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&self.path, FLAGS)?;
        connection.busy_timeout(BUSY)?;
        // A plan is made once, not anew for the values of each call: where an index is partial, SQLite would.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        connection.execute_batch(if self.reads.is_some() { READS } else { WRITES })?;
        Ok(connection)
    }

    /// A connection for a statement, or for a transaction. There are never more than threads that ask at once.
    fn connection(&self) -> Result<Connection, DbErr> {
        let idle = locked(&self.idle).pop();
        idle.map_or_else(|| self.connect().map_err(of_sqlite(DbErr::Conn)), Ok)
    }

    /// Takes a connection back; one with a transaction that did not end is closed, which undoes it.
    fn take_back(&self, connection: Connection) {
        if connection.is_autocommit() {
            locked(&self.idle).push(connection);
        }
    }

    /// Closes what is not in use.
    pub(super) fn close(&self) {
        locked(&self.idle).clear();
    }
}

/// Where statements run.
pub(super) trait Statements {
    /// Lends the connection.
    fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr>;

    /// Runs statements that answer nothing.
    fn batch(&self, sql: &str) -> Result<ExecResult, DbErr> {
        Ok(self.with(|connection| batch(connection, sql))?.into())
    }

    /// Runs a statement that writes.
    fn execute(&self, statement: &Statement) -> Result<ExecResult, DbErr> {
        Ok(self.with(|connection| execute(connection, statement))?.into())
    }

    /// Runs a statement that reads.
    fn query(&self, statement: &Statement) -> Result<impl Iterator<Item = QueryResult> + use<Self>, DbErr> {
        Ok(self.with(|connection| query(connection, statement))?.into_iter().map(Into::into))
    }
}

/// Each statement in a transaction of its own.
impl Statements for File {
    fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        let connection = self.connection()?;
        if let Some(longest) = self.reads {
            let began = Instant::now();
            let is_over = move || began.elapsed() >= longest;
            connection.progress_handler(STEPS, Some(is_over)).map_err(of_sqlite(DbErr::Conn))?;
        }
        let done = act(&connection);
        self.take_back(connection);
        done
    }
}

/// A connection on loan for a transaction and its savepoints.
struct Loan {
    file: Arc<File>,
    connection: Mutex<Option<Connection>>,
}

impl Statements for Loan {
    fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        match &*locked(&self.connection) {
            Some(connection) => act(connection),
            None => Err(DbErr::Custom("a transaction that is over".into())),
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = locked(&self.connection).take() {
            self.file.take_back(connection);
        }
    }
}

/// A transaction, or a savepoint within one.
pub struct Transaction {
    loan: Arc<Loan>,
    depth: u32,
    ended: bool,
}

impl Transaction {
    pub(super) fn begin(file: &Arc<File>) -> Result<Self, DbErr> {
        let connection = Mutex::new(Some(file.connection()?));
        let loan = Arc::new(Loan { file: file.clone(), connection });
        loan.batch("BEGIN IMMEDIATE")?;
        Ok(Self { loan, depth: 0, ended: false })
    }

    pub(super) fn savepoint(&self) -> Result<Self, DbErr> {
        let depth = self.depth + 1;
        self.loan.batch(&format!("SAVEPOINT s{depth}"))?;
        Ok(Self { loan: self.loan.clone(), depth, ended: false })
    }

    pub(super) fn commit(mut self) -> Result<(), DbErr> {
        let end = if self.depth == 0 { "COMMIT".to_owned() } else { format!("RELEASE s{}", self.depth) };
        self.loan.batch(&end)?;
        self.ended = true;
        Ok(())
    }

    pub(super) fn rollback(mut self) -> Result<(), DbErr> {
        self.ended = true;
        self.undo()
    }

    fn undo(&self) -> Result<(), DbErr> {
        let depth = self.depth;
        let undo = if depth == 0 { "ROLLBACK".to_owned() } else { format!("ROLLBACK TO s{depth}; RELEASE s{depth}") };
        self.loan.batch(&undo).map(drop)
    }
}

impl Statements for Transaction {
    fn with<T>(&self, act: impl FnOnce(&Connection) -> Result<T, DbErr>) -> Result<T, DbErr> {
        self.loan.with(act)
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if !self.ended {
            // SQLite may have undone it by itself.
            drop(self.undo());
        }
    }
}

fn batch(connection: &Connection, sql: &str) -> Result<ProxyExecResult, DbErr> {
    connection.execute_batch(sql).map_err(of_sqlite(DbErr::Exec))?;
    Ok(ProxyExecResult::default())
}

fn execute(connection: &Connection, statement: &Statement) -> Result<ProxyExecResult, DbErr> {
    let run = || {
        let mut prepared = connection.prepare_cached(&statement.sql)?;
        cells::bind(&mut prepared, statement)?;
        prepared.raw_execute()
    };
    let rows_affected = run().map_err(of_sqlite(DbErr::Exec))? as u64;
    Ok(ProxyExecResult { last_insert_id: 0, rows_affected })
}

fn query(connection: &Connection, statement: &Statement) -> Result<Vec<ProxyRow>, DbErr> {
    let run = || {
        let mut prepared = connection.prepare_cached(&statement.sql)?;
        cells::bind(&mut prepared, statement)?;
        cells::rows(&mut prepared)
    };
    run().map_err(of_sqlite(DbErr::Query))
}

#[cfg(test)]
mod tests;
