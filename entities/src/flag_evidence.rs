//! A version of a record that a flag rests on.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A version of a record that a flag rests on: the gravest of a record's versions is what is shown.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "flag_evidence")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// The flag.
    #[sea_orm(primary_key, auto_increment = false)]
    pub flag_id: Uuid,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// Its version.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    /// The kind of the record.
    pub kind: i16,
    /// When it happened.
    pub occurred_at: Micros,
    /// When the rule first found this version.
    pub evaluated_at: Micros,
    /// How grave the flag then was: others may have made it graver since.
    pub severity: i16,
    /// Whether the flag rests on it; else another version or the records around it say as much, and the row is kept for the
    /// answer to its write.
    pub counts: bool,
    /// What the rule saw when it saw it gravest: codes and numbers.
    pub facts: String,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
