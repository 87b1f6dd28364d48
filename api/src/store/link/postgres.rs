//! A PostgreSQL server. None is waited on for ever: a network that swallows what it is given answers nothing, and the kernel
//! tells only after a quarter of an hour.

use super::{STATEMENT, faults::is_broken};
use crate::error::Error;
use migration::MigratorTrait;
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    QueryResult, SqlxPostgresConnector, Statement, TransactionTrait,
    prelude::async_trait::async_trait,
    sqlx::{
        self,
        postgres::{PgConnectOptions, PgPoolOptions},
    },
};
use std::{
    pin::pin,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long PostgreSQL may take for one step: a single read, BEGIN, a unit, COMMIT. The server gives up a statement
/// sooner by itself, so that this is the end of a connection, not of a slow one's patience.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take to be made, or to become free.
const ACQUIRE: Duration = Duration::from_secs(5);
/// Connections to a server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server {
    pool: DatabaseConnection,
    trust: Trust,
}

/// Which connections to a server are still used: those made since the last one broke off or fell silent. Any other is
/// closed without a word when it comes back or is asked for. Clones share it.
#[derive(Clone, Default)]
pub struct Trust(Arc<Mutex<Option<Instant>>>);

impl Trust {
    fn lose(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn check(&self, age: Duration) -> Result<bool, sqlx::Error> {
        let lost = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.is_none_or(|lost| age < lost.elapsed()) { Ok(true) } else { Err(sqlx::Error::WorkerCrashed) }
    }
}

impl Server {
    pub(super) async fn connect(url: &str, connections: u32, schema: &str, trust: &Trust) -> Result<Self, Error> {
        let wrong = |what: String| Error::Settings(format!("AFTERGLOW_DATABASE_URL: {what}"));
        let statement = format!("{}s", STATEMENT.as_secs());
        let options = PgConnectOptions::from_str(url)
            .map_err(|_| wrong("not a PostgreSQL URL".into()))?
            .application_name("afterglow")
            .options([
                ("search_path", schema),
                ("statement_timeout", statement.as_str()),
                ("lock_timeout", "2s"),
                ("idle_in_transaction_session_timeout", "10s"),
                // What a migration finds done already is no news, and would stand in the log before anything that is.
                ("client_min_messages", "warning"),
                // The server's end of a connection that was cut goes as soon, and what it held is free again.
                ("tcp_keepalives_idle", "10"),
                ("tcp_keepalives_interval", "5"),
                ("tcp_keepalives_count", "2"),
            ]);
        let (coming, going) = (trust.clone(), trust.clone());
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .before_acquire(move |_, about| Box::pin(std::future::ready(going.check(about.age))))
            .after_release(move |_, about| Box::pin(std::future::ready(coming.check(about.age))))
            .connect_with(options)
            .await
            .map_err(|error| wrong(format!("the server does not answer: {error}")))?;
        Ok(Self { pool: SqlxPostgresConnector::from_sqlx_postgres_pool(pool), trust: trust.clone() })
    }

    pub(super) async fn migrate<M: MigratorTrait>(&self) -> Result<(), Error> {
        self.durable().await?;
        M::up(&self.pool, None).await.map_err(super::newer)
    }

    /// A server that may forget what it acknowledged is refused.
    async fn durable(&self) -> Result<(), Error> {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            let statement = Statement::from_string(DbBackend::Postgres, format!("SHOW {setting}"));
            let row = self.query_one_raw(statement).await?.ok_or_else(|| Error::internal("no setting"))?;
            let value: String = row.try_get("", setting)?;
            if value == "off" {
                return Err(Error::Settings(format!("AFTERGLOW_DATABASE_URL: the server runs with {setting}=off")));
            }
        }
        Ok(())
    }

    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.within(self.pool.begin()).await
    }

    /// One step of talking to the database.
    pub(super) async fn within<T>(&self, step: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let silent = Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        let done = self.patiently(step).await.unwrap_or(silent);
        if let Err(error) = &done
            && is_broken(error)
        {
            self.lose();
        }
        done
    }

    /// A step's outcome; `None` if it took longer than anything does on a connection that is alive.
    pub(super) async fn patiently<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let mut step = pin!(step);
        tokio::select! {
            biased;
            done = &mut step => Some(done),
            () = tokio::time::sleep(PATIENCE) => {
                // Before the step lets its connection go.
                self.lose();
                tracing::error!("the database has fallen silent");
                None
            }
        }
    }

    /// A step for somebody who may hang up. It goes on to its end: the driver waits without end for a connection that
    /// came back in the middle of an answer, and a silent one would be missing in the pool.
    async fn detached<T: Send + 'static>(
        &self,
        step: impl Future<Output = Result<T, DbErr>> + Send + 'static,
    ) -> Result<T, DbErr> {
        let this = self.clone();
        let ended = tokio::spawn(async move { this.within(step).await }).await;
        ended.unwrap_or(Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed)))
    }

    /// Uses none of the connections that there are any more.
    pub(super) fn lose(&self) {
        self.trust.lose();
    }
}

#[async_trait]
impl ConnectionTrait for Server {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let pool = self.pool.clone();
        self.detached(async move { pool.execute_raw(statement).await }).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (pool, sql) = (self.pool.clone(), sql.to_owned());
        self.detached(async move { pool.execute_unprepared(&sql).await }).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let pool = self.pool.clone();
        self.detached(async move { pool.query_one_raw(statement).await }).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let pool = self.pool.clone();
        self.detached(async move { pool.query_all_raw(statement).await }).await
    }
}
