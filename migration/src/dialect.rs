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

/// Tells SQLite how rows lie: table, index, and as `sqlite_stat1` has it the number of rows and of those that share the first
/// columns. It knows nothing of that unless it is told, and takes whatever begins with the patient for as good as the rest. Told
/// once and for all, so that a plan does not depend on when somebody last ran `ANALYZE`. PostgreSQL looks for itself.
pub(crate) async fn plan(manager: &SchemaManager<'_>, indexes: &[(&str, &str, &str)]) -> Result<(), DbErr> {
    if manager.get_database_backend() != DatabaseBackend::Sqlite {
        return Ok(());
    }
    let connection = manager.get_connection();
    // The first ANALYZE makes the table; a connection reads it when it opens, and at the last one.
    connection.execute_unprepared("ANALYZE clinic").await?;
    for (table, index, rows) in indexes {
        let told = format!("INSERT INTO sqlite_stat1 VALUES ('{table}', '{index}', '{rows}')");
        connection.execute_unprepared(&told).await?;
    }
    connection.execute_unprepared("ANALYZE sqlite_schema").await?;
    Ok(())
}
