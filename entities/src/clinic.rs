//! A tenant.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A tenant.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "clinic")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// An IANA zone.
    pub time_zone: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// JSON: `[{days, start, end}]`.
    pub business_hours: String,
    /// Who is on call.
    pub on_call_member_id: Option<Uuid>,
    /// The clinical lead.
    pub clinical_lead_member_id: Option<Uuid>,
    /// The safeguarding contact.
    pub safeguarding_member_id: Option<Uuid>,
    /// Rises by one with every change.
    pub version: i64,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
