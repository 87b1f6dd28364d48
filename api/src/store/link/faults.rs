//! What a database says went wrong, in the product's words: by its own codes, SQLite's numbers and PostgreSQL's SQLSTATE.

use crate::error::Error;
use sea_orm::{
    DbErr, RuntimeErr,
    sqlx::{
        self,
        error::{DatabaseError, ErrorKind},
    },
};
use std::{borrow::Cow, sync::Arc};

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let code = code(&error);
        match (code.as_deref(), &error) {
            // SQLITE_FULL; PostgreSQL's disk_full.
            (Some("13" | "53100"), _) => Self::StorageFull,
            // SQLITE_BUSY and its kind, SQLITE_INTERRUPT; deadlock, serialization, lock and statement timeouts, a server
            // going down.
            (Some("5" | "6" | "9" | "261" | "517"), _)
            | (Some("40P01" | "40001" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "25P03" | "53300"), _) => {
                Self::Unavailable(error.to_string())
            }
            // Unique constraints: PostgreSQL's; SQLite's primary key and unique.
            (Some("23505" | "1555" | "2067"), _) => Self::Exists,
            (None, DbErr::Conn(_) | DbErr::ConnectionAcquire(_) | DbErr::Query(_) | DbErr::Exec(_)) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Database(error),
        }
    }
}

/// Whether an error ends its connection, and most likely its neighbours: the server went down, or the network did.
pub(super) fn is_broken(error: &DbErr) -> bool {
    let ended = matches!(code(error).as_deref(), None | Some("57P01" | "57P02" | "57P03" | "25P03"));
    // None was free in time: those there are may be in good health.
    ended && !matches!(error, DbErr::ConnectionAcquire(_))
}

/// The database's own code for what went wrong; `None` where the database was not reached.
fn code(error: &DbErr) -> Option<String> {
    let (DbErr::Conn(RuntimeErr::SqlxError(source))
    | DbErr::Exec(RuntimeErr::SqlxError(source))
    | DbErr::Query(RuntimeErr::SqlxError(source))) = error
    else {
        return Some("internal".into()).filter(|_| !matches!(error, DbErr::ConnectionAcquire(_)));
    };
    match &**source {
        sqlx::Error::Database(error) => error.code().map(Cow::into_owned),
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => None,
        _ => Some("internal".into()),
    }
}

/// SQLite's own error, in the form that those of the other driver have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct OfSqlite(rusqlite::Error);

/// An error of SQLite's as sea-orm has it.
pub(super) fn of_sqlite(kind: fn(RuntimeErr) -> DbErr) -> impl Fn(rusqlite::Error) -> DbErr {
    move |error| kind(RuntimeErr::SqlxError(Arc::new(sqlx::Error::Database(Box::new(OfSqlite(error))))))
}

impl DatabaseError for OfSqlite {
    fn message(&self) -> &str {
        match &self.0 {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message,
            _ => "SQLite",
        }
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        let code = self.0.sqlite_error().map_or_else(|| "internal".into(), |error| error.extended_code.to_string());
        Some(code.into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}
