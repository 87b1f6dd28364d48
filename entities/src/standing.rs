//! Where a patient stands on one instrument; kept by the unit that writes an assessment.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// Where a patient stands on one instrument; kept by the unit that writes an assessment.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "standing")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// The instrument, by its series number.
    #[sea_orm(primary_key, auto_increment = false)]
    pub instrument: i16,
    /// Total at the baseline.
    pub baseline: Option<f64>,
    /// When that was.
    pub baseline_at: Option<Micros>,
    /// Whether that was after the first dosing session.
    pub late_baseline: bool,
    /// The best total since.
    pub best: Option<f64>,
    /// When that was.
    pub best_at: Option<Micros>,
    /// The latest total.
    pub latest: Option<f64>,
    /// When that was.
    pub latest_at: Option<Micros>,
    /// By number.
    pub status: Option<i16>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
