//! A person under care in one clinic.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A person under care in one clinic.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "patient")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// The number of the newest record version; its row lock orders commits.
    pub seq: i64,
    /// 0 invited, 1 active, 2 ended.
    pub state: i16,
    /// An IANA zone.
    pub time_zone: String,
    /// BCP 47.
    pub locale: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// The language the patient writes in.
    pub language: Option<String>,
    /// Quiet hours begin, minutes after midnight.
    pub quiet_start: i16,
    /// Quiet hours end, minutes after midnight.
    pub quiet_end: i16,
    /// Rises by one with every change.
    pub version: i64,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
    /// When it last changed.
    pub updated_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
