//! Who did what, in commit order; ids only.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// Who did what, in commit order; ids only.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// When.
    pub at: Micros,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// The account.
    pub account_id: Option<Uuid>,
    /// The operation's id.
    pub operation: String,
    /// The patient it belongs to.
    pub patient_id: Option<Uuid>,
    /// What it was done to.
    pub record_id: Option<Uuid>,
    /// Rises by one with every change.
    pub version: Option<i64>,
    /// The request.
    pub request_id: Option<Uuid>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
