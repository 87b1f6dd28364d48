//! Accounts: what signing in needs to know of somebody. The id is the member's or the patient's own. A row is kept for
//! as long as the member or the patient is.

use super::{Keys, SignIns, Tx, audit, sign_ins};
use crate::{
    domain::accounts::AccountKind,
    error::Error,
    security::{
        guessing::Failures,
        seal::{Class, OwnerKeys, Spot},
        tokens::Hash,
        totp::Factor,
    },
};
use entities::{Micros, account, account::Column};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, UpdateMany, sea_query::Expr,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// What a person typed or must keep secret: sealed under the clinic's key for a member, the patient's own for a patient.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    /// The address, as it was typed.
    pub email: String,
    /// The second factor's secret, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub totp: Option<String>,
}

/// A new account.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The member's or the patient's id.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// What kind.
    pub kind: AccountKind,
    /// The blind index of its address.
    pub email_index: Vec<u8>,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// Whether the demo seeder makes it.
    pub demo: bool,
}

/// An account that may sign in.
#[derive(Debug, Clone)]
pub struct Account {
    /// The member's or the patient's id.
    pub id: Uuid,
    /// The clinic.
    pub clinic: Uuid,
    /// What kind.
    pub kind: AccountKind,
    /// Argon2id, PHC string.
    pub password_hash: String,
    /// Whether the demo seeder made it.
    pub demo: bool,
    /// What failed lately.
    pub failures: Failures,
    /// Whether the second factor is on.
    pub has_second_factor: bool,
    /// The time step of the last code that was used.
    pub last_step: i64,
    version: i64,
    sealed: Vec<u8>,
}

impl Account {
    /// What is sealed of it.
    pub fn secrets(&self, keys: &OwnerKeys) -> Result<Secrets, Error> {
        let text = keys.open(&spot(self.kind, self.clinic, self.id, self.version), &self.sealed)?;
        serde_json::from_str(&text).map_err(Error::internal)
    }

    /// The second factor that was set up, confirmed or not.
    pub fn second_factor(&self, keys: &OwnerKeys) -> Result<Option<Factor>, Error> {
        let Secrets { email, totp } = self.secrets(keys)?;
        totp.map(|secret| Factor::from_base32(&secret, &email)).transpose().map_err(Error::internal)
    }
}

impl From<account::Model> for Account {
    fn from(row: account::Model) -> Self {
        Self {
            id: row.id,
            clinic: row.clinic_id,
            kind: AccountKind::from_code(row.kind),
            password_hash: row.password_hash,
            demo: row.demo,
            failures: Failures {
                count: u32::try_from(row.failures).unwrap_or_default(),
                last: row.failed_at.map(Into::into),
            },
            has_second_factor: row.totp_confirmed_at.is_some(),
            last_step: row.totp_last_step,
            version: row.version,
            sealed: row.sealed,
        }
    }
}

/// The keys that what is sealed of an account is sealed with: the clinic's for a member, the patient's own.
pub async fn keys(keys: &Keys, kind: AccountKind, clinic: Uuid, id: Uuid) -> Result<Arc<OwnerKeys>, Error> {
    match kind {
        AccountKind::Patient => keys.of_patient(id).await,
        AccountKind::Member => keys.of_clinic(clinic).await,
    }
}

/// Whose address this is, by its blind index.
pub async fn find_by_email(db: &impl ConnectionTrait, index: &[u8]) -> Result<Option<Account>, Error> {
    let found = account::Entity::find().filter(Column::EmailIndex.eq(index)).filter(Column::DisabledAt.is_null());
    Ok(found.one(db).await?.map(Into::into))
}

/// An account.
pub async fn find(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<Account>, Error> {
    let found = account::Entity::find_by_id(id).filter(Column::DisabledAt.is_null());
    Ok(found.one(db).await?.map(Into::into))
}

/// An account, held until the unit ends: what is decided on its tokens and failures is decided one by one.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<Account>, Error> {
    let found = account::Entity::find_by_id(id).filter(Column::DisabledAt.is_null()).lock_exclusive();
    Ok(found.one(tx.db()).await?.map(Into::into))
}

/// Makes an account; `Error::Exists` if its address has one.
pub async fn insert(tx: &Tx, new: NewAccount, secrets: &Secrets, keys: &OwnerKeys) -> Result<(), Error> {
    let row = account::ActiveModel {
        id: Set(new.id),
        clinic_id: Set(new.clinic),
        kind: Set(new.kind.code()),
        email_index: Set(new.email_index),
        password_hash: Set(new.password_hash),
        demo: Set(new.demo),
        failures: Set(0),
        failed_at: Set(None),
        totp_confirmed_at: Set(None),
        totp_last_step: Set(0),
        version: Set(1),
        sealed: Set(seal(new.kind, new.clinic, new.id, 1, secrets, keys)?),
        created_at: Set(tx.now().into()),
        disabled_at: Set(None),
    };
    account::Entity::insert(row).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Counts one more failure.
pub async fn failed(tx: &Tx, id: Uuid) -> Result<(), Error> {
    let Some(account) = lock(tx, id).await? else { return Ok(()) };
    let failures = account.failures.and(tx.now());
    let count = i32::try_from(failures.count).unwrap_or(i32::MAX);
    let update = of(id).col_expr(Column::Failures, Expr::value(count));
    update.col_expr(Column::FailedAt, Expr::value(failures.last.map(Micros::from))).exec(tx.db()).await?;
    Ok(())
}

/// Forgets the failures, and notes the code that was used.
pub async fn succeeded(tx: &Tx, id: Uuid, step: Option<i64>) -> Result<(), Error> {
    let mut update = of(id).col_expr(Column::Failures, Expr::value(0));
    if let Some(step) = step {
        update = update.col_expr(Column::TotpLastStep, Expr::value(step));
    }
    update.exec(tx.db()).await?;
    Ok(())
}

/// Changes what is sealed of an account that this unit holds.
async fn update_secrets(tx: &Tx, account: &Account, secrets: &Secrets, keys: &OwnerKeys) -> Result<(), Error> {
    let version = account.version + 1;
    let sealed = seal(account.kind, account.clinic, account.id, version, secrets, keys)?;
    let update = of(account.id).col_expr(Column::Version, Expr::value(version));
    update.col_expr(Column::Sealed, Expr::value(sealed)).exec(tx.db()).await?;
    Ok(())
}

/// Makes an account's second factor and keeps it until a code confirms it. Asking again makes another.
pub async fn begin_second_factor(tx: &Tx, id: Uuid, keys: &OwnerKeys, request: Uuid) -> Result<Factor, Error> {
    let account = lock(tx, id).await?.ok_or(Error::Unauthenticated)?;
    if account.has_second_factor {
        return Err(Error::ImpossibleStep("the second factor is on already"));
    }
    let mut secrets = account.secrets(keys)?;
    let factor = Factor::new(&secrets.email).map_err(Error::internal)?;
    secrets.totp = Some(factor.base32());
    update_secrets(tx, &account, &secrets, keys).await?;
    audit::append(tx, audit::Entry::by_account(account.clinic, id, Some(request), "auth_mfa")).await?;
    Ok(factor)
}

/// The sign-in that goes on when all others of an account end.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// All its tokens.
    pub family: Option<Uuid>,
    /// Or its cookie.
    pub cookie: Option<Hash>,
}

/// Turns the second factor on, if this is the code that the app shows now. Whoever else is signed in with the password
/// alone is so no more. Repeating it changes nothing.
pub async fn turn_on_second_factor(
    tx: &Tx,
    id: Uuid,
    keys: &OwnerKeys,
    known: &SignIns,
    kept: Kept,
    otp: &str,
    request: Uuid,
) -> Result<(), Error> {
    let account = lock(tx, id).await?.ok_or(Error::Unauthenticated)?;
    if account.has_second_factor {
        return Ok(());
    }
    let factor = account.second_factor(keys)?;
    let factor = factor.ok_or(Error::ImpossibleStep("the second factor must be set up first"))?;
    let step = factor.step(otp, tx.now(), account.last_step);
    let step = step.ok_or_else(|| Error::invalid("/otp", "the code that the authenticator app shows now"))?;
    confirm_second_factor(tx, id, step).await?;
    sign_ins::remove_others(tx, id, kept.family, kept.cookie).await?;
    known.forget(tx, move |_, held| held.owner.account == id);
    audit::append(tx, audit::Entry::by_account(account.clinic, id, Some(request), "auth_mfa_confirm")).await
}

/// Turns the second factor on; `step` is that of the code which proved it.
pub async fn confirm_second_factor(tx: &Tx, id: Uuid, step: i64) -> Result<(), Error> {
    let update = of(id).col_expr(Column::TotpConfirmedAt, Expr::value(Micros::from(tx.now())));
    update.col_expr(Column::TotpLastStep, Expr::value(step)).exec(tx.db()).await?;
    Ok(())
}

/// Lets an account sign in no more.
pub async fn disable(tx: &Tx, id: Uuid) -> Result<(), Error> {
    of(id).col_expr(Column::DisabledAt, Expr::value(Micros::from(tx.now()))).exec(tx.db()).await?;
    Ok(())
}

/// Sets a password; for the demo, which draws a new one each time.
pub async fn set_password(tx: &Tx, id: Uuid, hash: &str) -> Result<(), Error> {
    of(id).col_expr(Column::PasswordHash, Expr::value(hash)).exec(tx.db()).await?;
    Ok(())
}

/// Whether the demo seeder made any account here: `serve` refuses such a database.
pub async fn any_demo(db: &impl ConnectionTrait) -> Result<bool, Error> {
    Ok(account::Entity::find().filter(Column::Demo.eq(true)).one(db).await?.is_some())
}

fn of(id: Uuid) -> UpdateMany<account::Entity> {
    account::Entity::update_many().filter(Column::Id.eq(id))
}

fn seal(
    kind: AccountKind,
    clinic: Uuid,
    id: Uuid,
    version: i64,
    secrets: &Secrets,
    keys: &OwnerKeys,
) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_string(secrets).map_err(Error::internal)?;
    keys.seal(&spot(kind, clinic, id, version), &text)
}

fn spot(kind: AccountKind, clinic: Uuid, row: Uuid, revision: i64) -> Spot<'static> {
    let class = match kind {
        AccountKind::Patient => Class::Profile,
        AccountKind::Member => Class::Clinic,
    };
    Spot { table: "account", column: "sealed", clinic, row, revision, class }
}
