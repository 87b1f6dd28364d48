//! One message on one channel, with its attempts.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// One message on one channel, with its attempts.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "delivery")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The message.
    pub notification_id: Uuid,
    /// By number.
    pub channel: i16,
    /// Where it stands, by number.
    pub state: i16,
    /// How far the sending got, by number.
    pub stage: i16,
    /// How often it was tried.
    pub attempts: i16,
    /// Not to be tried earlier.
    pub not_before: Micros,
    /// Until when a worker holds it.
    pub lease_until: Option<Micros>,
    /// Rises with every lease: an old holder cannot finish it.
    pub fence: i64,
    /// When it was last tried.
    pub last_attempt_at: Option<Micros>,
    /// The status that the provider answered, if any.
    pub answer: Option<i16>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
