//! Accepting an invitation. Whoever has the code is who was invited; guessing one counts like guessing a password.

use super::{Acceptance, OpenInvitation};
use crate::{
    app::App,
    domain::{accounts::AccountKind, clinic::zone, faults::Faults},
    error::Error,
    http::{
        auth::{Account, Entered, Entry},
        body::Small,
    },
    security::{
        access::Roles,
        passwords,
        seal::OwnerKeys,
        tokens::{Hash, Purpose},
    },
    store::{
        Tx,
        accounts::{self, NewAccount, Secrets},
        audit, clinics,
        invitations::{self, Invitation},
        members, profiles, reminders,
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
    unused(&found)?;
    let (acceptance, zone) = check(found.kind, acceptance)?;
    let turn = app.passwords.turn().await?;
    let password_hash = turn.hash(Zeroizing::new(acceptance.password)).await?;
    drop(turn);
    let id = found.patient.unwrap_or_else(|| app.clock.new_id());
    let keys = accounts::keys(&app.keys, found.kind, found.clinic, id).await?;
    let sealed = found.open(&keys)?;
    let email_index = app.keys.codes().email_index(&sealed.email);
    let account = NewAccount { id, clinic: found.clinic, kind: found.kind, email_index, password_hash, demo: false };
    let display_name = acceptance.display_name;
    let unit = async move |tx: &Tx| {
        let found = invitations::lock_by_code(tx, hash).await?.ok_or(Error::NotFound)?;
        unused(&found)?;
        if !invitations::stands(tx.db(), &found).await? {
            return Err(Error::NotFound);
        }
        let (clinic, kind) = (account.clinic, account.kind);
        let secrets = Secrets { email: sealed.email, totp: None };
        accounts::insert(tx, account, &secrets, &keys).await?;
        match kind {
            AccountKind::Patient => activate(tx, &found, id, display_name, zone, &keys).await?,
            AccountKind::Member => {
                let display_name = display_name.unwrap_or(sealed.display_name);
                let member = members::Member { id, clinic, display_name, roles: found.roles, version: 1 };
                members::insert(tx, &member, &keys).await?;
            }
        }
        invitations::accept(tx, found.id).await?;
        audit::append(tx, event(&found, id, request)).await?;
        let roles = if kind == AccountKind::Patient { Roles::PATIENT } else { found.roles };
        Ok((Entry::begin(tx, id, kind, acceptance.session).await?, Account::new(id, kind, roles)))
    };
    let (entry, account) = app.db.write(id, unit).await?;
    Ok(entry.answer(app, account))
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

fn unused(invitation: &Invitation) -> Result<(), Error> {
    if invitation.accepted_at.is_some() {
        return Err(Error::ImpossibleStep("this invitation was accepted: sign in instead"));
    }
    Ok(())
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

/// Begins the care of a patient who was invited.
async fn activate(
    tx: &Tx,
    invitation: &Invitation,
    id: Uuid,
    display_name: Option<String>,
    zone: Option<Tz>,
    keys: &OwnerKeys,
) -> Result<(), Error> {
    let mut profile = profiles::lock(tx, invitation.clinic, id, keys).await?.ok_or(Error::NotFound)?;
    if display_name.is_some() || zone.is_some() {
        profile.display_name = display_name.unwrap_or(profile.display_name);
        profile.time_zone = zone.unwrap_or(profile.time_zone);
        profile.version += 1;
        profiles::update(tx, &profile, keys).await?;
    }
    profiles::activate(tx, id).await?;
    reminders::follow_patient(tx, id).await
}

fn event(invitation: &Invitation, account: Uuid, request: Uuid) -> audit::Entry<'static> {
    let entry = audit::Entry::by_account(invitation.clinic, account, Some(request), "invitations_accept");
    let entry = entry.record(invitation.id);
    invitation.patient.map_or(entry, |patient| entry.patient(patient))
}
