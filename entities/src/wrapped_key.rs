//! A data key, wrapped by the master key.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A data key, wrapped by the master key.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "wrapped_key")]
pub struct Model {
    /// The patient, or the clinic, that it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub owner_id: Uuid,
    /// What the key opens, by number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub class: i16,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The key under the master key.
    pub wrapped: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
