//! Making an invitation, and the patient it is for: one unit, by the clinic's writer, where a repeat of the same request
//! waits for the first.

use super::{Invitation, Row, Sealed, find, find_open, insert, send_again};
use crate::{
    domain::{
        accounts::AccountKind,
        clinic::Clinic,
        faults::{Fault, Faults, Given},
        invitations::NewInvitation,
        profile::Profile,
    },
    error::Error,
    security::{
        access::{Caller, HeldRight, Roles},
        seal::OwnerKeys,
        tokens::{Purpose, Token},
    },
    store::{
        Author, Scope, Tx, audit,
        care_team::{self, Relation},
        clinics,
        idempotency::{self, Once},
        members, profiles, reminders,
    },
};
use chrono::SecondsFormat;
use std::sync::Arc;
use uuid::Uuid;

/// Who invites whom.
pub struct Wish {
    /// Who invites, and by what right.
    pub standing: HeldRight,
    /// The request, which has one effect however often it comes.
    pub once: Once,
    /// Whom.
    pub new: NewInvitation,
    /// The blind index of the address.
    pub email_index: Vec<u8>,
    /// The id of the patient who is made with it.
    pub patient: Option<Uuid>,
    /// The clinic's keys.
    pub clinic_keys: Arc<OwnerKeys>,
    /// The keys of whoever is invited: the patient's own, a member's clinic's.
    pub keys: Arc<OwnerKeys>,
}

/// Invites; answers whether the invitation was made by this very request, now or before.
pub async fn make(tx: &Tx, wish: Wish) -> Result<(Invitation, bool), Error> {
    let Wish { standing, once, new, email_index, patient, clinic_keys, keys } = wish;
    let clinic = standing.caller.clinic;
    if let Some(before) = find_repeated(tx, clinic, &once).await? {
        return Ok(before);
    }
    clinics::hold(tx, clinic).await?;
    let caller = still(tx, &standing, new.kind).await?;
    if let Some(found) = find_open(tx.db(), clinic, &email_index, tx.now()).await? {
        return Err(waits(&found));
    }
    let checked = check(tx, &caller, &clinic_keys, &new, patient).await??;
    if let Some(patient) = checked {
        welcome(tx, &caller, patient, keys.clone()).await?;
    }
    let code = Token::new(Purpose::Invitation);
    let row = Row {
        id: tx.new_id(),
        clinic,
        kind: new.kind,
        roles: roles(&new),
        patient,
        code: code.hash(),
        email_index,
        by: Some(caller.account),
        by_mail: true,
    };
    let sealed = Sealed { email: new.email, display_name: new.display_name, code: code.reveal().to_owned() };
    let made = insert(tx, row, &sealed, &keys).await?;
    idempotency::keep(tx, &once, 201, made.id, 1).await?;
    note(tx, &caller, "invitations_create", &made).await?;
    Ok((made, true))
}

/// Sends the mail of an invitation again; answers whether it was made by this very request, which came twice at once.
pub async fn remind(
    tx: &Tx,
    standing: &HeldRight,
    once: &Once,
    found: Invitation,
) -> Result<(Invitation, bool), Error> {
    if let Some(before) = find_repeated(tx, standing.caller.clinic, once).await? {
        return Ok(before);
    }
    let caller = still(tx, standing, found.kind).await?;
    send_again(tx, found.id).await?;
    idempotency::keep(tx, once, 200, found.id, 1).await?;
    note(tx, &caller, "invitations_send_again", &found).await?;
    Ok((found, false))
}

/// What this very request came to before, and whether it made it.
pub async fn find_repeated(tx: &Tx, clinic: Uuid, once: &Once) -> Result<Option<(Invitation, bool)>, Error> {
    let Some(before) = idempotency::find(tx, once).await? else { return Ok(None) };
    let found = find(tx.db(), clinic, before.record).await?.ok_or(Error::NotFound)?;
    Ok(Some((found, before.status == 201)))
}

/// An invitation if its form is right; else everything that is wrong with it, its meaning included.
pub async fn settle(
    tx: &Tx,
    caller: &Caller,
    clinic_keys: &OwnerKeys,
    given: Given<NewInvitation>,
) -> Result<NewInvitation, Error> {
    let (new, doubts) = given.open();
    let patient = (new.kind == AccountKind::Patient).then(|| tx.new_id());
    let checked = check(tx, caller, clinic_keys, &new, patient).await?;
    Ok(doubts.settle(checked.map(|_| new))?)
}

/// Patients are invited by everybody who works there, staff by admins alone.
pub fn may_invite(caller: &Caller, kind: AccountKind) -> Result<(), Error> {
    if kind == AccountKind::Member && !caller.roles.meet(Roles::ADMIN) { Err(Error::Forbidden) } else { Ok(()) }
}

/// What a member will do; a patient has no role.
pub fn roles(new: &NewInvitation) -> Roles {
    if new.kind == AccountKind::Patient { Roles::NONE } else { new.roles().collect() }
}

/// That an address is invited as somebody else.
pub fn waits(found: &Invitation) -> Error {
    let until = found.expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let why = format!("has an open invitation under another name or kind, or by another care team, until {until}");
    Error::Taken(vec![Fault::new("/email", why)])
}

/// Who invites, if they still may in the unit that does it.
async fn still(tx: &Tx, standing: &HeldRight, kind: AccountKind) -> Result<Caller, Error> {
    let caller = members::still(tx, standing).await?;
    may_invite(&caller, kind).map(|()| caller)
}

/// A patient who is about to be made, and who accompanies them first.
struct Patient {
    profile: Profile,
    primary: Option<Uuid>,
}

/// The patient to be made, none for a member, or everything that is wrong with the invitation.
async fn check(
    tx: &Tx,
    caller: &Caller,
    clinic_keys: &OwnerKeys,
    new: &NewInvitation,
    patient: Option<Uuid>,
) -> Result<Result<Option<Patient>, Faults>, Error> {
    let clinic: Clinic = clinics::find(tx.db(), caller.clinic, clinic_keys).await?.ok_or(Error::NotFound)?;
    let mut faults = Faults::default();
    let Some(id) = patient else {
        new.check_member(&mut faults);
        return Ok(faults.none().map(|()| None));
    };
    let inviting = caller.roles.meet(Roles::CLINICIAN).then_some(caller.account);
    let primary = new.check_patient(inviting, &mut faults);
    if let Some(member) = new.primary_member_id {
        members::check_clinician(tx, clinic.id, "/primary_member_id", member, &mut faults).await?;
    }
    let profile = new.profile(id, &clinic, &mut faults);
    Ok(faults.none().map(|()| Some(Patient { profile, primary })))
}

/// Makes the patient, with who accompanies them and the reminders that everybody begins with.
async fn welcome(tx: &Tx, caller: &Caller, patient: Patient, keys: Arc<OwnerKeys>) -> Result<(), Error> {
    let Patient { profile, primary } = patient;
    profiles::insert(tx, &profile, &keys).await?;
    let scope = Scope { clinic: caller.clinic, patient: profile.id, sees_private: false };
    if let Some(member) = primary {
        let from_on = tx.now().with_timezone(&caller.clinic_zone).date_naive();
        let relation = Relation { id: tx.new_id(), member, primary: true, from_on, until_on: None, version: 1 };
        care_team::begin(tx, caller, &scope, &relation).await?;
    }
    let author = Author { scope, account: caller.account, request: caller.request, keys, standing: None };
    let today = tx.now().with_timezone(&profile.time_zone).date_naive();
    reminders::attach_templates(tx, &author, today).await
}

async fn note(tx: &Tx, caller: &Caller, operation: &'static str, of: &Invitation) -> Result<(), Error> {
    let entry = audit::Entry::by_caller(caller, operation).record(of.id).version(1);
    audit::append(tx, of.patient.map_or(entry, |patient| entry.patient(patient))).await
}
