//! Signing in, renewing and signing out: the units of work, and what they hand out.

use super::{
    Family, Held, Pair, SignIns, find_refresh, insert, insert_cookie, remove_cookie, remove_family, replace_successor,
    spend,
};
use crate::{
    domain::{
        accounts::AccountKind,
        sign_in::{self, Decision, SignInKind},
    },
    error::Error,
    security::{
        access::Roles,
        tokens::{Hash, Purpose, Token},
    },
    store::{Tx, accounts, audit, members},
};
use uuid::Uuid;

/// What an account holds from now on.
pub struct Grant {
    /// The account.
    pub account: Uuid,
    /// What kind it is.
    pub kind: AccountKind,
    /// What it is in the clinic.
    pub roles: Roles,
    /// What opens the API for it.
    pub given: Opening,
}

/// What opens the API.
pub enum Opening {
    /// Two tokens.
    Tokens {
        /// Opens the API.
        access: Token,
        /// Exchanged for the next pair.
        refresh: Token,
        /// How many seconds the access token lasts.
        lasts: i64,
    },
    /// The cookie of the pages.
    Cookie(Token),
}

/// Begins a sign-in of an account whose password, and code of this time step, were right; none if the account is gone or
/// the code was used meanwhile. Hashing takes its time: who turned the second factor on in between is asked for it.
pub async fn sign_in(
    tx: &Tx,
    id: Uuid,
    step: Option<i64>,
    kept_as: SignInKind,
    request: Uuid,
) -> Result<Option<Grant>, Error> {
    let Some(account) = accounts::lock(tx, id).await? else { return Ok(None) };
    match step {
        None if account.has_second_factor => return Err(Error::SecondFactorRequired { signed_in: false }),
        Some(step) if step <= account.last_step => return Ok(None),
        _ => {}
    }
    accounts::succeeded(tx, id, step).await?;
    let roles = members::roles(tx.db(), account.clinic, id).await?.unwrap_or(Roles::PATIENT);
    let grant = begin(tx, id, account.kind, roles, kept_as).await?;
    audit::append(tx, audit::Entry::by_account(account.clinic, id, Some(request), "auth_login")).await?;
    Ok(Some(grant))
}

/// Begins a sign-in.
pub async fn begin(
    tx: &Tx,
    account: Uuid,
    kind: AccountKind,
    roles: Roles,
    kept_as: SignInKind,
) -> Result<Grant, Error> {
    let given = match kept_as {
        SignInKind::Cookie => {
            let cookie = Token::new(Purpose::Cookie);
            insert_cookie(tx, cookie.hash(), account).await?;
            Opening::Cookie(cookie)
        }
        SignInKind::Token => {
            let (signed_in_at, ends_at) = (tx.now(), sign_in::ends_at(kind == AccountKind::Member, tx.now()));
            next_pair(tx, &Family { id: tx.new_id(), account, ends_at, signed_in_at }, None).await?
        }
    };
    Ok(Grant { account, kind, roles, given })
}

/// Exchanges a refresh token of an account; none if it is not good, or was spent. The account's row is held, so that of
/// fifty calls at once each sees what the one before did.
pub async fn renew(tx: &Tx, known: &SignIns, account: Uuid, hash: Hash, request: Uuid) -> Result<Option<Grant>, Error> {
    let Some(account) = accounts::lock(tx, account).await? else { return Ok(None) };
    let Some((family, presented)) = find_refresh(tx, hash).await? else { return Ok(None) };
    match sign_in::refresh(&presented, tx.now()) {
        Decision::Refuse => return Ok(None),
        Decision::RevokeFamily => {
            remove_family(tx, family.id).await?;
            known.forget(tx, move |_, held| held.family == Some(family.id));
            let reused = audit::Entry::by_account(account.clinic, account.id, Some(request), "auth_refresh_reused");
            audit::append(tx, reused).await?;
            return Ok(None);
        }
        Decision::ReplaceSuccessor => {
            replace_successor(tx, family.id, hash).await?;
            known.forget(tx, move |_, held| held.family == Some(family.id));
        }
        Decision::Rotate => spend(tx, hash).await?,
    }
    let roles = members::roles(tx.db(), account.clinic, account.id).await?.unwrap_or(Roles::PATIENT);
    let given = next_pair(tx, &family, Some(hash)).await?;
    Ok(Some(Grant { account: account.id, kind: account.kind, roles, given }))
}

/// Makes the next pair of tokens of a sign-in, in exchange for a refresh token if there is one.
async fn next_pair(tx: &Tx, family: &Family, parent: Option<Hash>) -> Result<Opening, Error> {
    let (access, refresh) = (Token::new(Purpose::Access), Token::new(Purpose::Refresh));
    insert(tx, family, Pair { access: access.hash(), refresh: refresh.hash() }, parent).await?;
    let until = sign_in::expires_at(sign_in::ACCESS, family.ends_at, tx.now());
    Ok(Opening::Tokens { access, refresh, lasts: (until - tx.now()).num_seconds() })
}

/// Ends the sign-in of a token or of a cookie.
pub async fn sign_out(tx: &Tx, known: &SignIns, held: Held, cookie: Option<Hash>, request: Uuid) -> Result<(), Error> {
    match (cookie, held.family) {
        (Some(hash), _) => remove_cookie(tx, hash).await?,
        (None, Some(family)) => remove_family(tx, family).await?,
        (None, None) => {}
    }
    known.forget(tx, move |hash, other| match cookie {
        Some(cookie) => hash == cookie,
        None => other.family == held.family,
    });
    let left = audit::Entry::by_account(held.owner.clinic, held.owner.account, Some(request), "auth_logout");
    audit::append(tx, left).await
}
