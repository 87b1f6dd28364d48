//! What the caseload draws of a patient; kept by each unit that writes a record.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// What the caseload draws of a patient; kept by each unit that writes a record.
#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "course")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// The moods of two months: the first day, then a word for each day.
    #[sea_orm(column_type = "Text")]
    pub moods: String,
    /// The newest mood, 0–10.
    pub last_mood: Option<i16>,
    /// When that was.
    pub last_mood_at: Option<Micros>,
    /// When the patient last wrote something that the care team may know of.
    pub last_check_in_at: Option<Micros>,
    /// Days of two months with a completed dosing session.
    #[sea_orm(column_type = "Text")]
    pub dosing: String,
    /// Whether any dose was given yet.
    pub has_begun: bool,
    /// The newest answer to PHQ-9 item 9, 0–3.
    pub item_9: Option<i16>,
    /// When that was.
    pub item_9_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
