//! A PostgreSQL server. None is waited on for ever: a network that swallows what it is given answers nothing, and the kernel
//! tells only after a quarter of an hour.

use super::{STATEMENT, faults::is_broken, locked};
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
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// How long PostgreSQL may take for one step: a single read, BEGIN, a unit, COMMIT. The server gives up a statement
/// sooner by itself, so that this is the end of a connection, not of a slow one's patience.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection may take to be made, or to become free.
const ACQUIRE: Duration = Duration::from_secs(5);

/// Connections to a server. Cheap to clone.
#[derive(Clone)]
pub(super) struct Server {
    how: Arc<How>,
    pool: Arc<Mutex<Pool>>,
    trust: Trust,
    /// How many steps were answered.
    answers: Arc<AtomicU64>,
}

/// How connections are made, and how many there are at most.
struct How {
    options: PgConnectOptions,
    connections: u32,
}

/// Connections that are used together, and given up together.
struct Pool {
    connections: DatabaseConnection,
    generation: u64,
}

/// The generation of connections that is used: a new one begins when a connection breaks off or falls silent, since its
/// neighbours most likely did too. Clones share it.
#[derive(Clone, Default)]
pub struct Trust(Arc<AtomicU64>);

impl Trust {
    fn generation(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Gives up a generation; a later one stays.
    fn lose(&self, generation: u64) {
        // Somebody has found it out before.
        let _ = self.0.compare_exchange(generation, generation + 1, Ordering::SeqCst, Ordering::SeqCst);
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
        let how = How { options, connections };
        let pool = how.pool(trust);
        pool.connections.ping().await.map_err(|error| wrong(format!("the server does not answer: {error}")))?;
        Ok(Self { how: Arc::new(how), pool: Arc::new(Mutex::new(pool)), trust: trust.clone(), answers: Arc::default() })
    }

    /// The connections to use now.
    fn connections(&self) -> DatabaseConnection {
        let mut pool = locked(&self.pool);
        if pool.generation != self.trust.generation() {
            *pool = self.how.pool(&self.trust);
        }
        pool.connections.clone()
    }

    /// Uses none of these connections any more, whatever others do with theirs.
    pub(super) fn renew(&self) {
        *locked(&self.pool) = self.how.pool(&self.trust);
    }

    pub(super) async fn migrate<M: MigratorTrait>(&self) -> Result<(), Error> {
        self.durable().await?;
        M::up(&self.connections(), None).await.map_err(super::newer)
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
        let connections = self.connections();
        self.within(connections.begin()).await
    }

    /// One step of talking to the database.
    pub(super) async fn within<T>(&self, step: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let (generation, answers) = (locked(&self.pool).generation, self.answers.load(Ordering::SeqCst));
        let Some(done) = self.patiently(step).await else {
            return Err(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        };
        match &done {
            Err(error) if is_broken(error) => self.trust.lose(generation),
            // None was free in time. If none came back meanwhile either, they are not busy: the driver waits without end for
            // one that fell silent on its way back to the others.
            Err(DbErr::ConnectionAcquire(_)) => {
                if self.answers.load(Ordering::SeqCst) == answers {
                    self.renew();
                }
            }
            _ => drop(self.answers.fetch_add(1, Ordering::SeqCst)),
        }
        done
    }

    /// A step's outcome; `None` if it took longer than anything does on a connection that is alive.
    pub(super) async fn patiently<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        let generation = locked(&self.pool).generation;
        let mut step = pin!(step);
        tokio::select! {
            biased;
            done = &mut step => Some(done),
            () = tokio::time::sleep(PATIENCE) => {
                // Before the step lets its connection go.
                self.trust.lose(generation);
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
}

impl How {
    /// Connections of the generation that is used now; made when they are asked for.
    fn pool(&self, trust: &Trust) -> Pool {
        let (generation, trust) = (trust.generation(), trust.clone());
        // One of a generation that was given up is closed without a word when it comes back.
        let comes_back = move || {
            if trust.generation() == generation { Ok(true) } else { Err(sqlx::Error::WorkerCrashed) }
        };
        let pool = PgPoolOptions::new()
            .max_connections(self.connections)
            .acquire_timeout(ACQUIRE)
            .test_before_acquire(false)
            .after_release(move |_, _| Box::pin(std::future::ready(comes_back())))
            .connect_lazy_with(self.options.clone());
        Pool { connections: SqlxPostgresConnector::from_sqlx_postgres_pool(pool), generation }
    }
}

#[async_trait]
impl ConnectionTrait for Server {
    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Postgres
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let connections = self.connections();
        self.detached(async move { connections.execute_raw(statement).await }).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let (connections, sql) = (self.connections(), sql.to_owned());
        self.detached(async move { connections.execute_unprepared(&sql).await }).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let connections = self.connections();
        self.detached(async move { connections.query_one_raw(statement).await }).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let connections = self.connections();
        self.detached(async move { connections.query_all_raw(statement).await }).await
    }
}
