//! A staff account in a clinic.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A staff account in a clinic.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "member")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// A bit per role: 1 therapist, 2 prescriber, 4 admin.
    pub roles: i16,
    /// Rises by one with every change.
    pub version: i64,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
    /// Since when no longer a member.
    pub ended_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
