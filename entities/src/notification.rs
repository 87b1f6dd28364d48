//! One message that a reminder or a flag produced.

use crate::Micros;
use chrono::NaiveDate;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// One message that a reminder or a flag produced.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "notification")]
pub struct Model {
    /// The patient it belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub patient_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What kind, by number.
    pub kind: i16,
    /// The reminder.
    pub reminder_id: Option<Uuid>,
    /// The patient's day of the slot.
    pub local_date: Option<NaiveDate>,
    /// `08:00`, or the id of the event's record.
    pub slot: Option<String>,
    /// The flag.
    pub flag_id: Option<Uuid>,
    /// The member who is told.
    pub recipient_id: Option<Uuid>,
    /// The step of the escalation.
    pub step: Option<i16>,
    /// The message whose mail tells of this flag too; it has no delivery of its own.
    pub told_with: Option<Uuid>,
    /// An IANA zone.
    pub time_zone: String,
    /// When it is to be sent.
    pub due_at: Micros,
    /// Where it stands, by number.
    pub state: i16,
    /// When this was worked out.
    pub computed_at: Micros,
    /// When the patient read it.
    pub read_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
