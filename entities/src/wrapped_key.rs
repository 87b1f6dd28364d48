//! A data key, wrapped by the master key.

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
    /// Rises when the key is replaced; the newest seals.
    #[sea_orm(primary_key, auto_increment = false)]
    pub generation: i16,
    /// Its id, which stands in what it sealed.
    pub id: Uuid,
    /// The key under the master key.
    pub wrapped: Vec<u8>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
