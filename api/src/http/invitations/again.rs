//! Inviting an address once more while its invitation waits: no second patient, no second link. Whoever asks for the same
//! is answered the invitation that there is, and its mail is sent again; whoever asks for something else learns that there
//! is one.

use super::{Invitation, NewInvitation, invite};
use crate::{
    app::App,
    domain::{accounts::AccountKind, faults::Fault},
    error::Error,
    security::access::{Caller, Roles, Standing},
    store::{
        Tx, accounts, audit,
        idempotency::{self, Once},
        invitations, patients,
    },
};
use chrono::SecondsFormat;

/// The invitation that waits for the same address, if it is the same; `Error::Taken` if it is another.
pub(super) async fn find(
    app: &App,
    caller: &Caller,
    new: &NewInvitation,
) -> Result<Option<invitations::Invitation>, Error> {
    let (db, now) = (app.db.read(), app.clock.now());
    let index = app.keys.codes().email_index(&new.email);
    let Some(found) = invitations::find_open(db, caller.clinic, &index, now).await? else { return Ok(None) };
    let owner = found.patient.unwrap_or(caller.clinic);
    let keys = accounts::keys(&app.keys, found.kind, caller.clinic, owner).await?;
    let known = match found.patient {
        Some(_) if caller.roles.meet(Roles::ADMIN) => true,
        Some(patient) => patients::care_of(db, caller, patient, now).await?.on_team,
        None => new.kind == AccountKind::Member,
    };
    let roles = if found.patient.is_some() { Roles::NONE } else { invite::roles(new) };
    let same = (found.kind, found.roles) == (new.kind, roles) && found.open(&keys)?.display_name == new.display_name;
    if known && same { Ok(Some(found)) } else { Err(waits(&found)) }
}

/// That an address is invited as somebody else.
pub(super) fn waits(found: &invitations::Invitation) -> Error {
    let until = found.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let why = format!("has an open invitation under another name or kind, or by another care team, until {until}");
    Error::Taken(vec![Fault::new("/email", why)])
}

/// Sends its mail again, and answers whether the invitation was made by this very request, which came twice at once.
pub(super) async fn send(
    app: &App,
    standing: Standing,
    once: Once,
    found: invitations::Invitation,
) -> Result<(Invitation, bool), Error> {
    let owner = standing.caller.clinic;
    let unit = async move |tx: &Tx| {
        if let Some(before) = invite::find_repeated(tx, &standing.caller, &once).await? {
            return Ok(before);
        }
        let caller = invite::still(tx, &standing, found.kind).await?;
        invitations::send_again(tx, found.id).await?;
        idempotency::keep(tx, &once, 200, found.id, 1).await?;
        audit::append(tx, invite::event(&caller, "invitations_send_again", found.patient, found.id)).await?;
        Ok((invite::view(&found), false))
    };
    app.db.write(owner, unit).await
}
