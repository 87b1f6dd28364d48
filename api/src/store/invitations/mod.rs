//! Invitations: kept after they were accepted or have expired, so that it is known who invited whom. The row carries the
//! state of its own mail: whoever is invited has no notification yet.

mod make;

pub use make::{Wish, find_repeated, make, may_invite, remind, roles, settle, waits};

use super::{
    Tx,
    accounts::{self, NewAccount, Secrets},
    audit, members, profiles,
    sign_ins::{self, Grant},
};
use crate::{
    domain::{
        accounts::AccountKind,
        notifications::{DeliveryState, Stage},
        sign_in::SignInKind,
    },
    error::Error,
    security::{
        access::{Right, Roles, WorkHere},
        seal::{Class, OwnerKeys, Spot},
        tokens::Hash,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use entities::{Micros, invitation, invitation::Column};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::Expr};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an invitation waits.
pub const LIFE: TimeDelta = TimeDelta::days(7);

/// What is sealed of an invitation: under the clinic's key for a member, the patient's own for a patient.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sealed {
    /// Where it is sent.
    pub email: String,
    /// How the invited person is called.
    pub display_name: String,
    /// The code in the link, for the mail.
    pub code: String,
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// Its id.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// Whom it invites.
    pub kind: AccountKind,
    /// What a member will do.
    pub roles: Roles,
    /// The patient who was made with it.
    pub patient: Option<Uuid>,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// When it was accepted.
    pub accepted_at: Option<DateTime<Utc>>,
    /// The account that invited; none on the command line.
    by: Option<Uuid>,
    sealed: Vec<u8>,
}

impl Invitation {
    /// Refuses an invitation that was accepted.
    pub fn is_unused(&self) -> Result<(), Error> {
        match self.accepted_at {
            None => Ok(()),
            Some(_) => Err(Error::ImpossibleStep("this invitation was accepted: sign in instead")),
        }
    }

    /// What is sealed of it.
    pub fn open(&self, keys: &OwnerKeys) -> Result<Sealed, Error> {
        let text = keys.open(&spot(self.kind, self.clinic, self.id), &self.sealed)?;
        serde_json::from_str(&text).map_err(Error::internal)
    }
}

impl From<invitation::Model> for Invitation {
    fn from(row: invitation::Model) -> Self {
        Self {
            id: row.id,
            clinic: row.clinic_id,
            kind: AccountKind::from_code(row.kind),
            roles: Roles::from_code(row.roles),
            patient: row.patient_id,
            expires_at: row.expires_at.into(),
            accepted_at: row.accepted_at.map(Into::into),
            by: row.created_by,
            sealed: row.sealed,
        }
    }
}

/// A new invitation, as its row will be.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// Whom it invites.
    pub kind: AccountKind,
    /// What a member will do.
    pub roles: Roles,
    /// The patient who was made with it.
    pub patient: Option<Uuid>,
    /// What the code in the link hashes to.
    pub code: Hash,
    /// The blind index of the address.
    pub email_index: Vec<u8>,
    /// The account that invites; none on the command line.
    pub by: Option<Uuid>,
    /// Whether its mail is to be sent; the command line prints the link instead.
    pub by_mail: bool,
}

/// Makes an invitation; its mail waits for the worker.
pub async fn insert(tx: &Tx, new: Row, sealed: &Sealed, keys: &OwnerKeys) -> Result<Invitation, Error> {
    let text = serde_json::to_string(sealed).map_err(Error::internal)?;
    let row = invitation::Model {
        id: new.id,
        clinic_id: new.clinic,
        kind: new.kind.code(),
        roles: new.roles.code(),
        patient_id: new.patient,
        code_hash: new.code.to_vec(),
        email_index: new.email_index,
        sealed: keys.seal(&spot(new.kind, new.clinic, new.id), &text)?,
        created_by: new.by,
        created_at: tx.now().into(),
        expires_at: (tx.now() + LIFE).into(),
        accepted_at: None,
        mail_state: if new.by_mail { DeliveryState::Queued.code() } else { DeliveryState::Suppressed.code() },
        mail_stage: Stage::Waiting.code(),
        mail_attempts: 0,
        mail_not_before: tx.now().into(),
        mail_lease_until: None,
        mail_fence: 0,
        mail_answer: None,
    };
    let made = row.clone().into();
    invitation::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(made)
}

/// An invitation of a clinic by its id.
pub async fn find(db: &impl ConnectionTrait, clinic: Uuid, id: Uuid) -> Result<Option<Invitation>, Error> {
    let found = invitation::Entity::find_by_id(id).filter(Column::ClinicId.eq(clinic));
    Ok(found.one(db).await?.map(Into::into))
}

/// The invitation of a clinic that waits for whoever has this address, if there is one.
pub async fn find_open(
    db: &impl ConnectionTrait,
    clinic: Uuid,
    email_index: &[u8],
    now: DateTime<Utc>,
) -> Result<Option<Invitation>, Error> {
    let found = invitation::Entity::find()
        .filter(Column::ClinicId.eq(clinic))
        .filter(Column::EmailIndex.eq(email_index))
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::ExpiresAt.gt(Micros::from(now)));
    for found in found.all(db).await? {
        let found = found.into();
        if stands(db, &found).await? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Sends the mail of an invitation once more, unless it is on its way.
pub async fn send_again(tx: &Tx, id: Uuid) -> Result<(), Error> {
    invitation::Entity::update_many()
        .col_expr(Column::MailState, Expr::value(DeliveryState::Queued.code()))
        .col_expr(Column::MailStage, Expr::value(Stage::Waiting.code()))
        .col_expr(Column::MailAttempts, Expr::value(0_i16))
        .col_expr(Column::MailNotBefore, Expr::value(Micros::from(tx.now())))
        .filter(Column::Id.eq(id))
        .filter(Column::MailState.ne(DeliveryState::Queued.code()))
        .exec(tx.db())
        .await?;
    Ok(())
}

/// The invitation of a code.
pub async fn find_by_code(db: &impl ConnectionTrait, code: Hash) -> Result<Option<Invitation>, Error> {
    let found = invitation::Entity::find().filter(Column::CodeHash.eq(code.to_vec()));
    Ok(found.one(db).await?.map(Into::into))
}

/// The invitation of a code, held until the unit ends: it is accepted once.
async fn lock_by_code(tx: &Tx, code: Hash) -> Result<Option<Invitation>, Error> {
    let found = invitation::Entity::find().filter(Column::CodeHash.eq(code.to_vec())).lock_exclusive();
    Ok(found.one(tx.db()).await?.map(Into::into))
}

/// Whether whoever invited still could: an invitation is worth as much as the word of its inviter. Somebody whose
/// membership has ended, or the role that it took, brings nobody in any more.
pub async fn stands(db: &impl ConnectionTrait, invitation: &Invitation) -> Result<bool, Error> {
    let Some(by) = invitation.by else { return Ok(true) };
    let inviting = match invitation.kind {
        AccountKind::Member => Roles::ADMIN,
        AccountKind::Patient => WorkHere::HOLDERS,
    };
    let roles = members::roles(db, invitation.clinic, by).await?;
    Ok(roles.is_some_and(|roles| roles.meet(inviting)) && accounts::find(db, by).await?.is_some())
}

/// What somebody makes of an invitation.
pub struct Accepted {
    /// Their account.
    pub account: NewAccount,
    /// What is sealed of the invitation.
    pub sealed: Sealed,
    /// How they want to be called; as invited if nothing is said.
    pub display_name: Option<String>,
    /// A patient's zone; as invited if nothing is said.
    pub zone: Option<Tz>,
    /// How they stay signed in.
    pub kept_as: SignInKind,
}

/// Makes the account of whoever was invited, begins their care or their membership, and signs in. It works once.
pub async fn accept(tx: &Tx, code: Hash, accepted: Accepted, keys: &OwnerKeys, request: Uuid) -> Result<Grant, Error> {
    let found = lock_by_code(tx, code).await?.ok_or(Error::NotFound)?;
    found.is_unused()?;
    if !stands(tx.db(), &found).await? {
        return Err(Error::NotFound);
    }
    let Accepted { account, sealed, display_name, zone, kept_as } = accepted;
    let (id, clinic, kind) = (account.id, account.clinic, account.kind);
    accounts::insert(tx, account, &Secrets { email: sealed.email, totp: None }, keys).await?;
    let roles = match kind {
        AccountKind::Patient => {
            profiles::begin(tx, clinic, id, display_name, zone, keys).await?;
            Roles::PATIENT
        }
        AccountKind::Member => {
            let display_name = display_name.unwrap_or(sealed.display_name);
            let member = members::Member { id, clinic, display_name, roles: found.roles, version: 1 };
            members::insert(tx, &member, keys).await?;
            found.roles
        }
    };
    mark_accepted(tx, found.id).await?;
    let entry = audit::Entry::by_account(clinic, id, Some(request), "invitations_accept").record(found.id);
    audit::append(tx, found.patient.map_or(entry, |patient| entry.patient(patient))).await?;
    sign_ins::begin(tx, id, kind, roles, kept_as).await
}

/// Notes that an invitation was accepted. A mail that has not left is of no use any more.
async fn mark_accepted(tx: &Tx, id: Uuid) -> Result<(), Error> {
    invitation::Entity::update_many()
        .col_expr(Column::AcceptedAt, Expr::value(Micros::from(tx.now())))
        .filter(Column::Id.eq(id))
        .exec(tx.db())
        .await?;
    Ok(())
}

fn spot(kind: AccountKind, clinic: Uuid, row: Uuid) -> Spot<'static> {
    let class = match kind {
        AccountKind::Patient => Class::Profile,
        AccountKind::Member => Class::Clinic,
    };
    // Written once, never changed.
    Spot { table: "invitation", column: "sealed", clinic, row, revision: 1, class }
}
