//! An invitation that waits to be accepted, and its mail that waits to be sent.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// An invitation that waits to be accepted, and its mail that waits to be sent.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// What kind, by number.
    pub kind: i16,
    /// A bit per role: 1 therapist, 2 prescriber, 4 admin.
    pub roles: i16,
    /// The patient it belongs to.
    pub patient_id: Option<Uuid>,
    /// SHA-256 of the code in the link.
    pub code_hash: Vec<u8>,
    /// The blind index of the address, as in `account`.
    pub email_index: Vec<u8>,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// The account that made it.
    pub created_by: Option<Uuid>,
    /// When it was made.
    pub created_at: Micros,
    /// When it ends by itself.
    pub expires_at: Micros,
    /// When it was accepted.
    pub accepted_at: Option<Micros>,
    /// What became of its mail, as in `delivery.state`.
    pub mail_state: i16,
    /// How far sending has come, as in `delivery.stage`.
    pub mail_stage: i16,
    /// Attempts at sending.
    pub mail_attempts: i16,
    /// Not sent before.
    pub mail_not_before: Micros,
    /// Until when a worker holds it.
    pub mail_lease_until: Option<Micros>,
    /// Rises with every lease: who holds an older one may not finish.
    pub mail_fence: i64,
    /// The mail host's last answer.
    pub mail_answer: Option<i16>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
