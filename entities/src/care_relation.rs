//! From which day to which day a member may see a patient.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// From which day to which day a member may see a patient.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "care_relation")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member.
    pub member_id: Uuid,
    /// The member who is told first.
    pub is_primary: bool,
    /// The first day.
    pub from_on: NaiveDate,
    /// The last day.
    pub until_on: Option<NaiveDate>,
    /// Rises by one with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Micros,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
