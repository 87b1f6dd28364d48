//! A bearer or refresh token, by its hash; kept until it expires.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A bearer or refresh token, by its hash; kept until it expires.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "token")]
pub struct Model {
    /// SHA-256 of the secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: Vec<u8>,
    /// All tokens of one sign-in.
    pub family_id: Uuid,
    /// The account.
    pub account_id: Uuid,
    /// 0 access, 1 refresh.
    pub kind: i16,
    /// The refresh token that this one succeeded.
    pub parent: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Micros,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// When the sign-in ends whatever happens.
    pub ends_at: Micros,
    /// When the password was last given.
    pub signed_in_at: Micros,
    /// When it was first presented.
    pub first_used_at: Option<Micros>,
    /// When it was exchanged or revoked.
    pub spent_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
