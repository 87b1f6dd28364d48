//! The store of wrapped keys: a database file, or a schema, with a backup of its own. If it lay beside the rows,
//! destroying a key would destroy nothing: every old backup would still hold it.

use super::dialect;
use sea_orm_migration::prelude::*;

/// See the module's text.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Cut off half-way, it has not begun.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        dialect::run(manager, "DROP TABLE wrapped_key;").await
    }
}

const UP: &str = "
CREATE TABLE wrapped_key (
  owner_id uuid NOT NULL,
  class smallint NOT NULL,
  generation smallint NOT NULL,
  id uuid NOT NULL,
  wrapped bytes NOT NULL,
  PRIMARY KEY (owner_id, class, generation)
) {narrow};
";
