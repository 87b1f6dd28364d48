//! The second factor: set up, confirmed, asked for.

use super::SecondFactor;
use crate::{
    app::App,
    error::Error,
    http::sign_in::{Holder, Shown},
    store::{Tx, accounts},
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
    if !account.has_second_factor {
        return Ok(Code::NotAsked);
    }
    let Some(otp) = otp else { return Ok(Code::Missing) };
    let keys = accounts::keys(&app.keys, account.kind, account.clinic, account.id).await?;
    let factor = account.second_factor(&keys)?.ok_or_else(|| Error::internal("a second factor without a secret"))?;
    Ok(factor.step(otp, app.clock.now(), account.last_step).map_or(Code::Wrong, Code::Right))
}

/// Makes a secret for the authenticator app and keeps it until a code confirms it. Asking again makes another.
pub(super) async fn begin(app: &App, holder: &Holder) -> Result<SecondFactor, Error> {
    let (owner, request) = (holder.held.owner, holder.request);
    let keys = accounts::keys(&app.keys, owner.kind, owner.clinic, owner.account).await?;
    let unit = async move |tx: &Tx| accounts::begin_second_factor(tx, owner.account, &keys, request).await;
    let factor = app.db.write(owner.account, unit).await?;
    Ok(SecondFactor { secret: factor.base32(), uri: factor.uri().map_err(Error::internal)? })
}

/// Turns the second factor on. Whoever else is signed in with the password alone is so no more. Repeating it changes
/// nothing.
pub(super) async fn confirm(app: &App, holder: &Holder, otp: String) -> Result<(), Error> {
    let (held, request, known) = (holder.held, holder.request, app.sign_ins.clone());
    let kept = match holder.shown {
        Shown::Token(_) => accounts::Kept { family: held.family, cookie: None },
        Shown::Cookie(hash) => accounts::Kept { family: None, cookie: Some(hash) },
    };
    let owner = held.owner;
    let keys = accounts::keys(&app.keys, owner.kind, owner.clinic, owner.account).await?;
    let unit = async move |tx: &Tx| {
        accounts::turn_on_second_factor(tx, owner.account, &keys, &known, kept, &otp, request).await
    };
    app.db.write(owner.account, unit).await
}
