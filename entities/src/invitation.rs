//! An invitation that waits to be accepted.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// An invitation that waits to be accepted.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// What kind, by number.
    pub kind: i16,
    /// A bit per role: 1 therapist, 2 prescriber, 4 admin.
    pub roles: i16,
    /// The patient it belongs to.
    pub patient_id: Option<Uuid>,
    /// SHA-256 of the code in the link.
    pub code_hash: Vec<u8>,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// The account that made it.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Micros,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// When it was accepted.
    pub accepted_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
