//! When a patient wants, or is meant, to be reminded.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// When a patient wants, or is meant, to be reminded.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "reminder")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind, by number.
    pub kind: i16,
    /// Who set it up, by number.
    pub source: i16,
    /// Whether it reminds.
    pub active: bool,
    /// JSON: the schedule as on the wire.
    pub schedule: String,
    /// Messages are planned up to and with this local date.
    pub planned_to: Option<NaiveDate>,
    /// Rises by one with every change.
    pub version: i64,
    /// A tombstone.
    pub deleted: bool,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// The account that made it.
    pub created_by: Uuid,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
