//! What trends and rules read of a mood score or an assessment.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// What trends and rules read of a mood score or an assessment.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "measurement")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// 0 mood, then one per instrument.
    #[sea_orm(primary_key, auto_increment = false)]
    pub series: i16,
    /// When it happened.
    #[sea_orm(primary_key, auto_increment = false)]
    pub occurred_at: Micros,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record_id: Uuid,
    /// The patient's day.
    pub day: NaiveDate,
    /// 0 complete, 1 partial, 2 invalid.
    pub status: i16,
    /// The mood, or the total of a complete form.
    pub value: Option<f64>,
    /// A byte per item, 0xFF unanswered.
    pub answers: Option<Vec<u8>>,
    /// 0–10.
    pub anxiety: Option<f64>,
    /// 0–10.
    pub energy: Option<f64>,
    /// 0–10.
    pub hope: Option<f64>,
    /// 0–10.
    pub irritability: Option<f64>,
    /// Hours.
    pub sleep: Option<f64>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
