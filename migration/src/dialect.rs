//! The two databases' words for one schema.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// Runs a script statement by statement, its type names put into the database's own words.
pub(crate) async fn run(manager: &SchemaManager<'_>, script: &str) -> Result<(), DbErr> {
    let sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
    let words: &[(&str, &str)] = if sqlite {
        // A clustered tree: the key's neighbourhood is the row's.
        &[
            // The names tell the reader of a row what it holds: `api/src/store/link/cells.rs`.
            (" integer", " int"),
            (" bytes", " blob"),
            (" instant", " bigint"),
            ("{narrow}", "WITHOUT ROWID"),
            ("{serial}", "integer PRIMARY KEY"),
        ]
    } else {
        &[
            (" bytes", " bytea"),
            (" instant", " bigint"),
            ("{narrow}", ""),
            ("{serial}", "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"),
        ]
    };
    for statement in script.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        let statement = words.iter().fold(statement.to_owned(), |text, (from, to)| text.replace(from, to));
        manager.get_connection().execute_unprepared(&statement).await?;
    }
    Ok(())
}
