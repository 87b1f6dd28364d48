//! Somebody who can sign in; the id is the member's or the patient's own.

use crate::Micros;
use sea_orm::entity::prelude::{
    ActiveModelBehavior, DeriveEntityModel, DerivePrimaryKey, DeriveRelation, EntityTrait, EnumIter, PrimaryKeyTrait,
};
use uuid::Uuid;

/// Somebody who can sign in; the id is the member's or the patient's own.
#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The clinic it belongs to.
    pub clinic_id: Uuid,
    /// 0 patient, 1 member.
    pub kind: i16,
    /// HMAC-SHA-256 of the trimmed lower-cased address.
    pub email_index: Vec<u8>,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// Made by the demo seeder.
    pub demo: bool,
    /// Failed sign-ins in a row.
    pub failures: i32,
    /// The last of them.
    pub failed_at: Option<Micros>,
    /// Since when the second factor is on.
    pub totp_confirmed_at: Option<Micros>,
    /// The last time step that was used: a code counts once.
    pub totp_last_step: i64,
    /// Rises by one whenever `sealed` changes.
    pub version: i64,
    /// Everything that a person typed, one JSON object, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
    /// Since when it may not sign in.
    pub disabled_at: Option<Micros>,
}

/// Nothing is joined through the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
