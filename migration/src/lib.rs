//! The schema of Afterglow, step by step, on SQLite and PostgreSQL alike. A migration that has shipped is frozen.

mod dialect;
mod m20261124_000001_begin;
mod m20261124_000002_keys;

use sea_orm_migration::prelude::*;
pub use sea_orm_migration::{MigratorTrait, prelude::SchemaManager};

/// The main database.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261124_000001_begin::Migration)]
    }
}

/// The store of wrapped keys.
pub struct KeysMigrator;

#[async_trait::async_trait]
impl MigratorTrait for KeysMigrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261124_000002_keys::Migration)]
    }
}
