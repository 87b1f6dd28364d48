//! Accepting an invitation. Whoever has the code is who was invited; guessing one counts like guessing a password.

use super::{Acceptance, OpenInvitation};
use crate::{
    app::App,
    domain::{accounts::AccountKind, clinic::zone, faults::Faults, sign_in::SignInKind},
    error::Error,
    http::{auth::Entered, body::Small},
    security::{
        passwords,
        tokens::{Hash, Purpose},
    },
    store::{
        Tx,
        accounts::{self, NewAccount},
        clinics,
        invitations::{self, Accepted, Invitation},
    },
};
use chrono_tz::Tz;
use std::net::IpAddr;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What an invitation is to.
pub(super) async fn read(app: &App, code: &str, from: IpAddr) -> Result<OpenInvitation, Error> {
    let (found, _) = find(app, code, from).await?;
    if found.accepted_at.is_some() || !invitations::stands(app.db.read(), &found).await? {
        return Err(Error::NotFound);
    }
    let keys = app.keys.of_clinic(found.clinic).await?;
    let clinic = clinics::find(app.db.read(), found.clinic, &keys).await?.ok_or(Error::NotFound)?;
    Ok(OpenInvitation { clinic: clinic.name, kind: found.kind })
}

/// Makes the account and signs in.
pub(super) async fn accept(
    app: &App,
    code: &str,
    from: IpAddr,
    acceptance: Small<Acceptance>,
    request: Uuid,
) -> Result<Entered, Error> {
    let (found, hash) = find(app, code, from).await?;
    found.is_unused()?;
    let (acceptance, zone) = check(found.kind, acceptance)?;
    let turn = app.passwords.turn().await?;
    let password_hash = turn.hash(Zeroizing::new(acceptance.password)).await?;
    drop(turn);
    let id = found.patient.unwrap_or_else(|| app.clock.new_id());
    let keys = accounts::keys(&app.keys, found.kind, found.clinic, id).await?;
    let sealed = found.open(&keys)?;
    let email_index = app.keys.codes().email_index(&sealed.email);
    let account = NewAccount { id, clinic: found.clinic, kind: found.kind, email_index, password_hash, demo: false };
    let (display_name, kept_as) = (acceptance.display_name, acceptance.session.unwrap_or(SignInKind::Token));
    let accepted = Accepted { account, sealed, display_name, zone, kept_as };
    let unit = async move |tx: &Tx| invitations::accept(tx, hash, accepted, &keys, request).await;
    Ok(Entered::with(app, app.db.write(id, unit).await?))
}

/// The invitation of a code, accepted or not, as long as it has not ended.
async fn find(app: &App, code: &str, from: IpAddr) -> Result<(Invitation, Hash), Error> {
    let now = app.clock.now();
    if let Some(retry_after) = app.guessing.address_waits(from, now) {
        return Err(Error::TooManyAttempts { retry_after });
    }
    let found = match Hash::presented(Purpose::Invitation, code) {
        Some(hash) => invitations::find_by_code(app.db.read(), hash).await?.map(|found| (found, hash)),
        None => None,
    };
    let found = found.filter(|(found, _)| now < found.expires_at);
    found.ok_or_else(|| {
        app.guessing.address_failed(from, now);
        Error::NotFound
    })
}

/// The acceptance with its zone, or everything that is wrong with it.
fn check(kind: AccountKind, acceptance: Small<Acceptance>) -> Result<(Acceptance, Option<Tz>), Error> {
    let (acceptance, doubts) = acceptance.given().open();
    let mut faults = Faults::default();
    // The second factor is not on yet, whoever it is.
    if let Some(expected) = passwords::fault(&acceptance.password, false) {
        faults.add("/password", expected);
    }
    let named = acceptance.time_zone.as_deref();
    if named.is_some() && kind == AccountKind::Member {
        faults.add("/time_zone", "is for patients alone");
    }
    let zone = named.and_then(|name| zone("/time_zone", name, &mut faults));
    Ok(doubts.settle(faults.none().map(|()| (acceptance, zone)))?)
}
