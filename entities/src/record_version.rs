//! An earlier version of a record, or the last one before its deletion.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// An earlier version of a record, or the last one before its deletion.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "record_version")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Rises by one with every change.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: i64,
    /// The number of this version among all of the patient's record versions.
    pub seq: i64,
    /// When it happened.
    pub occurred_at: Micros,
    /// An IANA zone.
    pub time_zone: String,
    /// The patient's day.
    pub day: NaiveDate,
    /// 0 private, 1 shared.
    pub visibility: i16,
    /// When it last changed.
    pub updated_at: Micros,
    /// The account that wrote this version.
    pub written_by: Uuid,
    /// When the next version came.
    pub replaced_at: Micros,
    /// Numbers, codes, ids and booleans, one JSON object.
    pub facts: String,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
