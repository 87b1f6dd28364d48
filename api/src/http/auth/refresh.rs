//! Renewing a sign-in, and ending it.

use super::Entered;
use crate::{
    app::App,
    error::Error,
    http::sign_in::{Holder, Shown},
    security::tokens::{Hash, Purpose},
    store::{Tx, sign_ins},
};
use uuid::Uuid;

/// Exchanges a refresh token.
pub(super) async fn refresh(app: &App, token: &str, request: Uuid) -> Result<Entered, Error> {
    let hash = Hash::presented(Purpose::Refresh, token).ok_or(Error::SignInOver)?;
    let account = sign_ins::refresh_account(app.db.read(), hash).await?.ok_or(Error::SignInOver)?;
    let known = app.sign_ins.clone();
    let unit = async move |tx: &Tx| sign_ins::renew(tx, &known, account, hash, request).await;
    let grant = app.db.write(account, unit).await?.ok_or(Error::SignInOver)?;
    Ok(Entered::with(app, grant))
}

/// Ends the sign-in that was shown; answers whether it was a cookie.
pub(super) async fn logout(app: &App, holder: &Holder) -> Result<bool, Error> {
    let (held, request, known) = (holder.held, holder.request, app.sign_ins.clone());
    let cookie = match holder.shown {
        Shown::Cookie(hash) => Some(hash),
        Shown::Token(_) => None,
    };
    let unit = async move |tx: &Tx| sign_ins::sign_out(tx, &known, held, cookie, request).await;
    app.db.write(held.owner.account, unit).await?;
    Ok(cookie.is_some())
}
