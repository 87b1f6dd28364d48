//! The way to the database: a file of ours, or a PostgreSQL server. Nothing outside this folder knows a driver.

mod cells;
mod faults;
mod postgres;
mod sqlite;

use crate::error::Error;
use migration::MigratorTrait;
use postgres::Server;
pub(super) use postgres::Trust;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement, TransactionTrait,
    prelude::async_trait::async_trait,
};
use sqlite::{File, Statements};
use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How long a statement that reads may take, on either database; on a server one that writes too.
const STATEMENT: Duration = Duration::from_secs(5);

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    /// A file of ours, one writer.
    Sqlite,
    /// A server, several writers.
    Postgres,
}

/// Connections to one database. Cheap to clone.
#[derive(Clone)]
pub struct Link(Way);

#[derive(Clone)]
enum Way {
    File(Arc<File>),
    Server(Server),
}

impl Link {
    /// Connections that write to an embedded database; its schema is brought up to date first.
    pub(super) async fn to_file<M: MigratorTrait>(file: &Path) -> Result<Self, Error> {
        let file = File::open(file)?;
        sqlite::migrate::<M>(&file).await?;
        Ok(Self(Way::File(file)))
    }

    /// Connections to the same file that only read.
    pub(super) fn readers_of(file: &Path) -> Self {
        Self(Way::File(File::readers(file)))
    }

    /// Connections to a PostgreSQL server, in a schema of it.
    pub(super) async fn to_server(url: &str, connections: u32, schema: &str, trust: &Trust) -> Result<Self, Error> {
        Ok(Self(Way::Server(Server::connect(url, connections, schema, trust).await?)))
    }

    /// Brings a server's schema up to date; one that may forget what it acknowledged is refused.
    pub(super) async fn migrate<M: MigratorTrait>(&self) -> Result<(), Error> {
        match &self.0 {
            Way::File(_) => Ok(()),
            Way::Server(server) => server.migrate::<M>().await,
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Transaction, DbErr> {
        Ok(match &self.0 {
            Way::File(file) => Transaction::File(sqlite::Transaction::begin(file)?),
            Way::Server(server) => Transaction::Server(server.begin().await?),
        })
    }

    /// One step of talking to the database.
    pub(super) async fn within<T>(&self, step: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        match &self.0 {
            Way::File(_) => step.await,
            Way::Server(server) => server.within(step).await,
        }
    }

    /// A step's outcome; `None` if it took longer than anything does on a connection that is alive.
    pub(super) async fn patiently<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        match &self.0 {
            // A file of ours does not fall silent.
            Way::File(_) => Some(step.await),
            Way::Server(server) => server.patiently(step).await,
        }
    }

    /// Throws a writer's connection away, so that its next transaction begins on a new one.
    pub(super) fn renew(&self) {
        match &self.0 {
            Way::File(file) => file.close(),
            Way::Server(server) => server.renew(),
        }
    }

    /// What stands behind it.
    pub(super) fn driver(&self) -> Driver {
        match &self.0 {
            Way::File(_) => Driver::Sqlite,
            Way::Server(_) => Driver::Postgres,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Link {
    fn get_database_backend(&self) -> DbBackend {
        self.driver().backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Way::File(file) => {
                let file = file.clone();
                // What is committed by itself waits for the disk, as no read does.
                let written = tokio::task::spawn_blocking(move || file.execute(&statement)).await;
                written.unwrap_or_else(|ended| Err(DbErr::Custom(ended.to_string())))
            }
            Way::Server(server) => server.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Way::File(file) => file.batch(sql),
            Way::Server(server) => server.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0 {
            Way::File(file) => Ok(file.query(&statement)?.next()),
            Way::Server(server) => server.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0 {
            Way::File(file) => Ok(file.query(&statement)?.collect()),
            Way::Server(server) => server.query_all_raw(statement).await,
        }
    }
}

impl Driver {
    fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }
}

/// A transaction, or a savepoint within one. What is dropped without an end is undone.
pub enum Transaction {
    /// In a file of ours.
    File(sqlite::Transaction),
    /// On a server.
    Server(DatabaseTransaction),
}

impl Transaction {
    /// A savepoint.
    pub(super) async fn savepoint(&self) -> Result<Self, DbErr> {
        Ok(match self {
            Self::File(file) => Self::File(file.savepoint()?),
            Self::Server(server) => Self::Server(server.begin().await?),
        })
    }

    /// Keeps what was written: for good, or of a savepoint for as long as what it stands in.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self {
            Self::File(file) => file.commit(),
            Self::Server(server) => server.commit().await,
        }
    }

    /// Undoes what was written.
    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        match self {
            Self::File(file) => file.rollback(),
            Self::Server(server) => server.rollback().await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Transaction {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::File(_) => DbBackend::Sqlite,
            Self::Server(_) => DbBackend::Postgres,
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match self {
            Self::File(file) => file.execute(&statement),
            Self::Server(server) => server.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match self {
            Self::File(file) => file.batch(sql),
            Self::Server(server) => server.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::File(file) => Ok(file.query(&statement)?.next()),
            Self::Server(server) => server.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::File(file) => Ok(file.query(&statement)?.collect()),
            Self::Server(server) => server.query_all_raw(statement).await,
        }
    }
}

fn newer(error: DbErr) -> Error {
    Error::Settings(format!("the database's schema is not one that this version knows: {error}"))
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
