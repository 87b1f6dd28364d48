//! A sign-in of the pages, by the hash of its cookie.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A sign-in of the pages, by the hash of its cookie.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cookie")]
pub struct Model {
    /// SHA-256 of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    /// The account.
    pub account_id: Uuid,
    /// When it was made.
    pub created_at: Micros,
    /// When it was last presented.
    pub seen_at: Micros,
    /// When the sign-in ends whatever happens.
    pub ends_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
