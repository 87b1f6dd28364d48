//! Renewing a sign-in, and ending it.

use super::{Account, Entered, Entry};
use crate::{
    app::App,
    domain::sign_in::{Decision, refresh as decide},
    error::Error,
    http::sign_in::{Holder, Shown},
    security::{
        access::Roles,
        tokens::{Hash, Purpose},
    },
    store::{Tx, accounts, audit, members, sign_ins},
};
use uuid::Uuid;

/// Exchanges a refresh token. The account's row is held, so that of fifty calls at once each sees what the one before did.
pub(super) async fn refresh(app: &App, token: &str, request: Uuid) -> Result<Entered, Error> {
    let hash = Hash::presented(Purpose::Refresh, token).ok_or(Error::Unauthenticated)?;
    let account = sign_ins::refresh_account(app.db.read(), hash).await?.ok_or(Error::Unauthenticated)?;
    let known = app.sign_ins.clone();
    let unit = async move |tx: &Tx| {
        let Some(account) = accounts::lock(tx, account).await? else { return Ok(None) };
        let Some((family, presented)) = sign_ins::find_refresh(tx, hash).await? else { return Ok(None) };
        match decide(&presented, tx.now()) {
            Decision::Refuse => return Ok(None),
            Decision::RevokeFamily => {
                sign_ins::remove_family(tx, family.id).await?;
                known.forget(tx, move |_, held| held.family == Some(family.id));
                let reused = audit::Entry::by_account(account.clinic, account.id, Some(request), "auth_refresh_reused");
                audit::append(tx, reused).await?;
                return Ok(None);
            }
            Decision::ReplaceSuccessor => {
                sign_ins::replace_successor(tx, family.id, hash).await?;
                known.forget(tx, move |_, held| held.family == Some(family.id));
            }
            Decision::Rotate => sign_ins::spend(tx, hash).await?,
        }
        let roles = members::roles(tx.db(), account.clinic, account.id).await?.unwrap_or(Roles::PATIENT);
        let entry = Entry::go_on(tx, &family, Some(hash)).await?;
        Ok(Some((entry, Account::new(account.id, account.kind, roles))))
    };
    let (entry, account) = app.db.write(account, unit).await?.ok_or(Error::Unauthenticated)?;
    Ok(entry.answer(app, account))
}

/// Ends the sign-in that was shown; answers whether it was a cookie.
pub(super) async fn logout(app: &App, holder: &Holder) -> Result<bool, Error> {
    let (shown, held, request) = (holder.shown, holder.held, holder.request);
    let known = app.sign_ins.clone();
    let unit = async move |tx: &Tx| {
        match (shown, held.family) {
            (Shown::Cookie(hash), _) => sign_ins::remove_cookie(tx, hash).await?,
            (Shown::Token(_), Some(family)) => sign_ins::remove_family(tx, family).await?,
            (Shown::Token(_), None) => {}
        }
        known.forget(tx, move |hash, other| match shown {
            Shown::Cookie(cookie) => hash == cookie,
            Shown::Token(_) => other.family == held.family,
        });
        let left = audit::Entry::by_account(held.owner.clinic, held.owner.account, Some(request), "auth_logout");
        audit::append(tx, left).await
    };
    app.db.write(held.owner.account, unit).await?;
    Ok(matches!(shown, Shown::Cookie(_)))
}
