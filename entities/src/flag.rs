//! A safety finding for the care team.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// A safety finding for the care team.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "flag")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `SI-01` and so on.
    pub rule: String,
    /// The version of the rule that fired.
    pub rule_version: i16,
    /// The instrument, by its series number.
    pub instrument: Option<i16>,
    /// 0 info, 1 watch, 2 urgent, 3 emergency.
    pub severity: i16,
    /// 0 open, 1 acknowledged, 2 resolved.
    pub state: i16,
    /// When it was opened.
    pub opened_at: Micros,
    /// When its clock last started.
    pub waits_since: Micros,
    /// When its newest evidence happened.
    pub newest_at: Micros,
    /// Until when somebody should take it on.
    pub acknowledge_by: Option<Micros>,
    /// When somebody did.
    pub acknowledged_at: Option<Micros>,
    /// Who.
    pub acknowledged_by: Option<Uuid>,
    /// When it was resolved.
    pub resolved_at: Option<Micros>,
    /// By whom.
    pub resolved_by: Option<Uuid>,
    /// What came of it, by number.
    pub outcome: Option<i16>,
    /// Rises by one with every change.
    pub version: i64,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Option<Vec<u8>>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
