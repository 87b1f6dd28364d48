//! What a repeated request is answered from; kept 30 days.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// What a repeated request is answered from; kept 30 days.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency")]
pub struct Model {
    /// The patient, or the clinic, that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account_id: Uuid,
    /// The Idempotency-Key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// SHA-256 over method, path and body.
    pub fingerprint: Vec<u8>,
    /// The HTTP status of the answer.
    pub status: i16,
    /// What the request made.
    pub record_id: Uuid,
    /// The version it made.
    pub version: i64,
    /// When it was made.
    pub created_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
