//! How the rows lie: every key of a table that belongs to one patient begins with the patient, on either database, and no row
//! refers to one that is not there.

use crate::{on_both, support::Clinic};
use afterglow::{
    error::Error,
    store::{Driver, Tx},
};
use chrono::NaiveDate;
use entities::{account, cookie};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ColumnType, ConnectionTrait, DatabaseBackend, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, PaginatorTrait, PrimaryKeyToColumn, PrimaryKeyTrait, QueryResult, Statement, Value,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An index of a table that has a patient in every row.
struct Index {
    table: String,
    first: String,
    unique: bool,
}

const SQLITE: &str = "
SELECT t.name AS table_name, c.name AS first_column, i.\"unique\" = 1 AS is_unique
FROM sqlite_master t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
WHERE t.type = 'table' AND c.seqno = 0
  AND EXISTS (SELECT 1 FROM pragma_table_info(t.name) p WHERE p.name = 'patient_id' AND p.\"notnull\" = 1)";

const POSTGRES: &str = "
SELECT t.relname::text AS table_name, c.attname::text AS first_column, i.indisunique::int::bigint AS is_unique
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_attribute c ON c.attrelid = t.oid AND c.attnum = i.indkey[0]
JOIN pg_attribute p ON p.attrelid = t.oid AND p.attname = 'patient_id' AND p.attnotnull
WHERE t.relnamespace = 'public'::regnamespace";

async fn indexes(clinic: &Clinic) -> Vec<Index> {
    let (backend, sql) = match clinic.app.db.driver() {
        Driver::Sqlite => (DatabaseBackend::Sqlite, SQLITE),
        Driver::Postgres => (DatabaseBackend::Postgres, POSTGRES),
    };
    let rows = clinic.app.db.read().query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
    let index = |row: &QueryResult| Index {
        table: row.try_get("", "table_name").unwrap(),
        first: row.try_get("", "first_column").unwrap(),
        unique: row.try_get::<i64>("", "is_unique").unwrap() == 1,
    };
    rows.iter().map(index).collect()
}

/// How the database would go about a statement.
async fn planned(clinic: &Clinic, backend: DatabaseBackend, sql: &str) -> String {
    let (before, explain) = sql.rsplit_once("; ").unwrap_or(("", sql));
    let (before, explain) = (before.to_owned(), explain.to_owned());
    let unit = async move |tx: &Tx| {
        if !before.is_empty() {
            tx.db().execute_unprepared(&before).await?;
        }
        let rows = tx.db().query_all_raw(Statement::from_string(backend, explain)).await?;
        let column = if backend == DatabaseBackend::Sqlite { "detail" } else { "QUERY PLAN" };
        Ok(rows.iter().map(|row| row.try_get::<String>("", column).unwrap() + "\n").collect())
    };
    clinic.app.db.write(clinic.id, unit).await.unwrap()
}

on_both! {
    async fn every_key_of_a_patients_table_begins_with_the_patient(clinic: Clinic) {
        let indexes = indexes(&clinic).await;
        let tables: BTreeSet<_> = indexes.iter().map(|index| index.table.as_str()).collect();
        for table in ["record", "record_version", "measurement", "flag", "flag_evidence", "reminder", "notification", "delivery"] {
            assert!(tables.contains(table), "{table} in {tables:?}");
        }
        for index in indexes.iter().filter(|index| index.unique) {
            assert_eq!(index.first, "patient_id", "a key of {}", index.table);
        }
    }

    async fn what_is_swept_is_found_by_its_age(clinic: Clinic) {
        let (plan, backend) = match clinic.app.db.driver() {
            Driver::Sqlite => ("EXPLAIN QUERY PLAN", DatabaseBackend::Sqlite),
            // With a handful of rows it would rather read them all.
            Driver::Postgres => ("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; EXPLAIN", DatabaseBackend::Postgres),
        };
        for (table, keys, column) in [
            ("idempotency", "owner_id, account_id, key", "created_at"),
            ("token", "hash", "expires_at"),
            ("cookie", "hash", "seen_at"),
        ] {
            let some = format!("SELECT {keys} FROM {table} WHERE {column} <= 5 ORDER BY {column} ASC LIMIT 500");
            let sql = format!("{plan} DELETE FROM {table} WHERE ({keys}) IN ({some})");
            let text = planned(&clinic, backend, &sql).await;
            assert!(text.contains(&format!("{table}_over")) && !text.contains("SCAN "), "{text}");
        }
    }

    async fn who_was_told_of_a_flag_is_found_by_the_flag(clinic: Clinic) {
        let (plan, backend) = match clinic.app.db.driver() {
            Driver::Sqlite => ("EXPLAIN QUERY PLAN", DatabaseBackend::Sqlite),
            Driver::Postgres => ("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; EXPLAIN", DatabaseBackend::Postgres),
        };
        let id = match backend {
            DatabaseBackend::Sqlite => "x'01'",
            _ => "'01a22ba4-29ec-71a3-a516-7c74f6a7ef64'::uuid",
        };
        let some = format!("SELECT * FROM (VALUES ({id}, {id}), ({id}, {id})) AS wanted");
        let sql = format!("{plan} SELECT step FROM notification WHERE (patient_id, flag_id) IN ({some}) ORDER BY computed_at, step, id");
        let text = planned(&clinic, backend, &sql).await;
        assert!(text.contains("notification_step"), "{text}");
    }

    async fn few_indexes_cross_patients(clinic: Clinic) {
        let indexes = indexes(&clinic).await;
        let crossing = indexes.iter().filter(|index| index.first != "patient_id");
        let crossing: BTreeSet<_> = crossing.map(|index| (index.table.as_str(), index.first.as_str())).collect();
        let wanted = [("care_relation", "member_id"), ("delivery", "state"), ("notification", "state")];
        assert_eq!(crossing, BTreeSet::from(wanted));
    }

    async fn a_row_that_refers_to_nothing_cannot_be_committed(clinic: Clinic) {
        let (nobody, id, now) = (clinic.clock.new_id(), clinic.patient.id, clinic.now());
        let dangling = async move |tx: &Tx| {
            let row = cookie::Model {
                hash: vec![7; 32],
                account_id: nobody,
                created_at: now.into(),
                seen_at: now.into(),
                ends_at: now.into(),
            };
            cookie::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
            Ok(())
        };
        assert!(clinic.app.db.write(id, dangling).await.is_err());
        // Nor does what others refer to go from under them.
        let orphans = async move |tx: &Tx| {
            account::Entity::delete_by_id(id).exec(tx.db()).await?;
            Ok(())
        };
        assert!(clinic.app.db.write(id, orphans).await.is_err());
        let db = clinic.app.db.read();
        assert_eq!(cookie::Entity::find().count(db).await.unwrap(), 0);
        assert!(account::Entity::find_by_id(id).one(db).await.unwrap().is_some());
        clinic.get(&clinic.patient, "/v1/patients/me").await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_writer_of_the_file_loses_nothing_that_it_acknowledged() {
    let clinic = Clinic::on_sqlite().await;
    let unit = async |tx: &Tx| {
        let mut found = Vec::new();
        for pragma in ["synchronous", "foreign_keys", "secure_delete"] {
            let statement = Statement::from_string(DatabaseBackend::Sqlite, format!("PRAGMA {pragma}"));
            found.push(tx.db().query_one_raw(statement).await?.unwrap().try_get::<i64>("", pragma)?);
        }
        let statement = Statement::from_string(DatabaseBackend::Sqlite, "PRAGMA journal_mode");
        Ok((found, tx.db().query_one_raw(statement).await?.unwrap().try_get::<String>("", "journal_mode")?))
    };
    // 2 is FULL: the log is on the disk before a COMMIT is answered.
    assert_eq!(clinic.app.db.write(clinic.id, unit).await.unwrap(), (vec![2, 1, 1], "wal".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_the_file_writes_nothing_and_minds_references_all_the_same() {
    let clinic = Clinic::on_sqlite().await;
    let db = clinic.app.db.read();
    for (pragma, on) in [("foreign_keys", 1), ("query_only", 1)] {
        let statement = Statement::from_string(DatabaseBackend::Sqlite, format!("PRAGMA {pragma}"));
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", pragma).unwrap(), on, "{pragma}");
    }
    assert!(db.execute_unprepared("DELETE FROM audit").await.is_err());
}

/// What SQLite's schema must call a column's type. A row is read by it: by another one, a number would look like none.
fn declared(column: &ColumnType) -> &'static str {
    match column {
        ColumnType::Boolean => "boolean",
        ColumnType::SmallInteger => "smallint",
        ColumnType::Integer => "int",
        ColumnType::BigInteger => "bigint",
        ColumnType::Double => "double precision",
        ColumnType::String(_) | ColumnType::Text => "text",
        ColumnType::VarBinary(_) | ColumnType::Blob => "blob",
        ColumnType::Uuid => "uuid",
        ColumnType::Date => "date",
        other => panic!("a type that cells.rs does not read: {other:?}"),
    }
}

fn table<E: EntityTrait>() -> (String, BTreeMap<String, &'static str>) {
    let column = |column: E::Column| (column.as_str().to_owned(), declared(column.def().get_column_type()));
    (E::default().table_name().to_owned(), E::Column::iter().map(column).collect())
}

/// A value that a column of a type can hold, and that is none of those it has by itself.
fn filled(column: &ColumnType) -> Value {
    match column {
        ColumnType::Boolean => true.into(),
        ColumnType::SmallInteger => 7_i16.into(),
        ColumnType::Integer => 7_i32.into(),
        ColumnType::BigInteger => 7_i64.into(),
        ColumnType::Double => 7.5_f64.into(),
        ColumnType::String(_) | ColumnType::Text => "text".into(),
        ColumnType::VarBinary(_) | ColumnType::Blob => vec![7_u8; 32].into(),
        ColumnType::Uuid => Uuid::from_u128(7).into(),
        ColumnType::Date => NaiveDate::from_ymd_opt(2026, 3, 14).into(),
        other => panic!("a type that cells.rs does not read: {other:?}"),
    }
}

/// Stores a row of which every column is filled, those that may be none too, and reads it back as its model.
async fn comes_back<E>(tx: &Tx) -> Result<(), Error>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    let mut row = <E::ActiveModel as ActiveModelTrait>::default();
    // The one number that a database gives by itself is not ours to fill.
    let keys: Vec<_> = E::PrimaryKey::iter().map(|key| key.into_column().as_str().to_owned()).collect();
    let is_filled =
        |column: &E::Column| !E::PrimaryKey::auto_increment() || keys.iter().all(|key| *key != column.as_str());
    for column in E::Column::iter().filter(is_filled) {
        row.set(column, filled(column.def().get_column_type()));
    }
    E::delete_many().exec(tx.db()).await?;
    E::insert(row).exec_without_returning(tx.db()).await?;
    let model = E::find().one(tx.db()).await?.unwrap().into_active_model();
    for column in E::Column::iter().filter(is_filled) {
        let (read, put) = (model.get(column).into_value(), filled(column.def().get_column_type()));
        assert_eq!(read, Some(put), "{}.{}", E::default().table_name(), column.as_str());
    }
    Ok(())
}

/// Does something with every table.
macro_rules! every_table {
    ($does:ident $(, $with:ident)?) => {
        $does!($($with:)? account audit care_relation clinic cookie course delivery flag flag_evidence idempotency invitation
            measurement member notification patient record record_version reminder standing token)
    };
}

macro_rules! come_back {
    ($tx:ident: $($entity:ident)*) => { $(comes_back::<entities::$entity::Entity>($tx).await?;)* };
}

on_both! {
    async fn what_a_column_is_filled_with_is_read_as_that_and_never_as_none(clinic: Clinic) {
        let unit = async move |tx: &Tx| {
            // The rows refer to nothing: they are not there to stay.
            tx.db().execute_unprepared(match tx.driver() {
                Driver::Sqlite => "PRAGMA defer_foreign_keys = ON",
                Driver::Postgres => "SET LOCAL session_replication_role = replica",
            }).await?;
            every_table!(come_back, tx);
            Err::<(), _>(Error::Forbidden)
        };
        let undone = clinic.app.db.write(clinic.id, unit).await;
        assert!(matches!(undone, Err(Error::Forbidden)), "{undone:?}");
    }
}

macro_rules! tables {
    ($($entity:ident)*) => { BTreeMap::from([$(table::<entities::$entity::Entity>()),*]) };
}

#[tokio::test]
async fn sqlite_declares_each_column_as_what_its_row_holds() {
    let clinic = Clinic::on_sqlite().await;
    let tables = every_table!(tables);
    let sql = "SELECT t.name AS table_name, c.name AS column_name, c.type AS type_name, c.pk AS pk
        FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name <> 'seaql_migrations' AND t.name NOT LIKE 'sqlite_stat_'";
    let rows = clinic.app.db.read().query_all_raw(Statement::from_string(DatabaseBackend::Sqlite, sql)).await.unwrap();
    let mut found: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in rows {
        let text = |name| row.try_get::<String>("", name).unwrap();
        // The one number that SQLite gives by itself must be called so.
        let name = text("type_name").to_ascii_lowercase().replace("integer", "bigint");
        found.entry(text("table_name")).or_default().insert(text("column_name"), name);
    }
    let found: BTreeMap<_, BTreeMap<_, &str>> = found
        .iter()
        .map(|(table, columns)| (table.clone(), columns.iter().map(|(name, of)| (name.clone(), of.as_str())).collect()))
        .collect();
    assert_eq!(found, tables);
}
