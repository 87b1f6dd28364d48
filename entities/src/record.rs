//! The newest version of a patient's record, whatever its kind.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// The newest version of a patient's record, whatever its kind.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "record")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `domain::record::Kind`.
    pub kind: i16,
    /// Rises by one with every change.
    pub version: i64,
    /// The number of this version among all of the patient's record versions.
    pub seq: i64,
    /// When it happened.
    pub occurred_at: Micros,
    /// An IANA zone.
    pub time_zone: String,
    /// The patient's day.
    pub day: NaiveDate,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
    /// The account that made it.
    pub created_by: Uuid,
    /// The account that wrote this version.
    pub written_by: Uuid,
    /// A tombstone.
    pub deleted: bool,
    /// 0 private, 1 shared.
    pub visibility: i16,
    /// Numbers, codes, ids and booleans, one JSON object.
    pub facts: String,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
