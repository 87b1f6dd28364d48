//! The second factor: set up, confirmed, asked for.

use super::SecondFactor;
use crate::{
    app::App,
    error::Error,
    http::sign_in::{Holder, Shown},
    security::totp::Factor,
    store::{Tx, accounts, audit, sign_ins},
};

/// What the code of a sign-in is worth.
pub(super) enum Code {
    /// The second factor is off.
    NotAsked,
    /// It is on, and no code came.
    Missing,
    /// Not the code of now, or used already.
    Wrong,
    /// The code of this time step.
    Right(i64),
}

/// Looks at the code of a sign-in.
pub(super) async fn code(app: &App, account: &accounts::Account, otp: Option<&str>) -> Result<Code, Error> {
    if !account.second_factor {
        return Ok(Code::NotAsked);
    }
    let Some(otp) = otp else { return Ok(Code::Missing) };
    let keys = accounts::keys(&app.keys, account.kind, account.clinic, account.id).await?;
    let secrets = account.secrets(&keys)?;
    let factor = factor(&secrets)?.ok_or_else(|| Error::internal("a second factor without a secret"))?;
    Ok(factor.step(otp, app.clock.now(), account.last_step).map_or(Code::Wrong, Code::Right))
}

/// Makes a secret for the authenticator app and keeps it until a code confirms it. Asking again makes another.
pub(super) async fn begin(app: &App, holder: &Holder) -> Result<SecondFactor, Error> {
    let owner = holder.held.owner;
    let keys = accounts::keys(&app.keys, owner.kind, owner.clinic, owner.account).await?;
    let unit = async move |tx: &Tx| {
        let account = accounts::lock(tx, owner.account).await?.ok_or(Error::Unauthenticated)?;
        if account.second_factor {
            return Err(Error::ImpossibleStep("the second factor is on already"));
        }
        let mut secrets = account.secrets(&keys)?;
        let factor = Factor::new(&secrets.email).map_err(Error::internal)?;
        secrets.totp = Some(factor.base32());
        accounts::update_secrets(tx, &account, &secrets, &keys).await?;
        Ok(SecondFactor { secret: factor.base32(), uri: factor.uri().map_err(Error::internal)? })
    };
    app.db.write(owner.account, unit).await
}

/// Turns the second factor on. Whoever else is signed in with the password alone is so no more. Repeating it changes
/// nothing.
pub(super) async fn confirm(app: &App, holder: &Holder, otp: String) -> Result<(), Error> {
    let (owner, request) = (holder.held.owner, holder.request);
    let (family, cookie) = match holder.shown {
        Shown::Token(_) => (holder.held.family, None),
        Shown::Cookie(hash) => (None, Some(hash)),
    };
    let keys = accounts::keys(&app.keys, owner.kind, owner.clinic, owner.account).await?;
    let known = app.sign_ins.clone();
    let unit = async move |tx: &Tx| {
        let account = accounts::lock(tx, owner.account).await?.ok_or(Error::Unauthenticated)?;
        if account.second_factor {
            return Ok(());
        }
        let set_up = factor(&account.secrets(&keys)?)?;
        let factor = set_up.ok_or(Error::ImpossibleStep("the second factor must be set up first"))?;
        let step = factor.step(&otp, tx.now(), account.last_step);
        let step = step.ok_or_else(|| Error::invalid("/otp", "the code that the authenticator app shows now"))?;
        accounts::confirm_second_factor(tx, account.id, step).await?;
        sign_ins::remove_others(tx, account.id, family, cookie).await?;
        known.forget(tx, move |_, held| held.owner.account == account.id);
        audit::append(tx, audit::Entry::by_account(account.clinic, account.id, Some(request), "auth_mfa_confirm")).await
    };
    app.db.write(owner.account, unit).await
}

fn factor(secrets: &accounts::Secrets) -> Result<Option<Factor>, Error> {
    let factor = secrets.totp.as_deref().map(|secret| Factor::from_base32(secret, &secrets.email));
    factor.transpose().map_err(Error::internal)
}
