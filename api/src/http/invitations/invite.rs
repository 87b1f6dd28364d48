//! Inviting, and inviting an address once more while its invitation waits: no second patient, no second link. Whoever asks
//! for the same is answered the invitation that there is, and its mail is sent again; whoever asks for something else
//! learns that there is one.

use super::Invitation;
use crate::{
    app::App,
    domain::{accounts::AccountKind, faults::Given, invitations::NewInvitation},
    error::Error,
    http::body::Checked,
    security::access::{Caller, HeldRight, Roles},
    store::{
        Tx, accounts, care_team,
        idempotency::Once,
        invitations::{self, Wish, may_invite, roles, waits},
    },
};

/// Invites; answers whether the invitation was made. The same request again answers what it answered.
pub(super) async fn invite(
    app: &App,
    standing: HeldRight,
    key: String,
    new: Checked<NewInvitation>,
) -> Result<(Invitation, bool), Error> {
    let caller = standing.caller.clone();
    let once = Once::new(caller.clinic, caller.account, key, new.fingerprint);
    if let Some(before) = repeated(app, &caller, once.clone()).await? {
        return Ok(view(before));
    }
    let new = right(app, &caller, new.given()).await?;
    may_invite(&caller, new.kind)?;
    let email_index = app.keys.codes().email_index(&new.email);
    let invited = if let Some(found) = waiting(app, &caller, &new, &email_index).await? {
        let unit = async move |tx: &Tx| invitations::remind(tx, &standing, &once, found).await;
        app.db.write(caller.clinic, unit).await?
    } else {
        let wish = wish(app, standing, once, new, email_index).await?;
        app.db.write(caller.clinic, async move |tx: &Tx| invitations::make(tx, wish).await).await?
    };
    Ok(view(invited))
}

async fn wish(
    app: &App,
    standing: HeldRight,
    once: Once,
    new: NewInvitation,
    email_index: Vec<u8>,
) -> Result<Wish, Error> {
    let patient = (new.kind == AccountKind::Patient).then(|| app.clock.new_id());
    let clinic_keys = app.keys.of_clinic(standing.caller.clinic).await?;
    let keys = match patient {
        Some(patient) => app.keys.of_patient(patient).await?,
        None => clinic_keys.clone(),
    };
    Ok(Wish { standing, once, new, email_index, patient, clinic_keys, keys })
}

/// The invitation if its form is right; else everything that is wrong with it, its meaning included.
async fn right(app: &App, caller: &Caller, given: Given<NewInvitation>) -> Result<NewInvitation, Error> {
    if given.right().is_some() {
        return Ok(given.value()?);
    }
    let (caller, keys) = (caller.clone(), app.keys.of_clinic(caller.clinic).await?);
    let owner = caller.clinic;
    app.db.write(owner, async move |tx: &Tx| invitations::settle(tx, &caller, &keys, given).await).await
}

/// What this very request made before. Looked for ahead of the unit too, so that a repetition makes no keys for a
/// patient who will not be.
async fn repeated(app: &App, caller: &Caller, once: Once) -> Result<Option<(invitations::Invitation, bool)>, Error> {
    let clinic = caller.clinic;
    app.db.write(clinic, async move |tx: &Tx| invitations::find_repeated(tx, clinic, &once).await).await
}

/// The invitation that waits for the same address, if it is the same; `Error::Taken` if it is another.
async fn waiting(
    app: &App,
    caller: &Caller,
    new: &NewInvitation,
    email_index: &[u8],
) -> Result<Option<invitations::Invitation>, Error> {
    let (db, now) = (app.db.read(), app.clock.now());
    let Some(found) = invitations::find_open(db, caller.clinic, email_index, now).await? else { return Ok(None) };
    let owner = found.patient.unwrap_or(caller.clinic);
    let keys = accounts::keys(&app.keys, found.kind, caller.clinic, owner).await?;
    let known = match found.patient {
        Some(_) if caller.roles.meet(Roles::ADMIN) => true,
        Some(patient) => care_team::care_of(db, caller, patient, now).await?.on_team,
        None => new.kind == AccountKind::Member,
    };
    let same =
        (found.kind, found.roles) == (new.kind, roles(new)) && found.open(&keys)?.display_name == new.display_name;
    if known && same { Ok(Some(found)) } else { Err(waits(&found)) }
}

fn view((invitation, made): (invitations::Invitation, bool)) -> (Invitation, bool) {
    let (id, patient_id) = (invitation.id, invitation.patient);
    (Invitation { id, expires_at: invitation.expires_at.into(), patient_id }, made)
}
