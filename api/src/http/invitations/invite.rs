//! Making an invitation, and the patient it is for.

use super::{Invitation, NewInvitation, again};
use crate::{
    app::App,
    domain::{
        accounts::{AccountKind, Role},
        clinic::{Clinic, zone},
        faults::{Faults, Given},
        profile::{PatientState, Profile},
        recurrence::QuietHours,
    },
    error::Error,
    http::body::Checked,
    security::{
        access::{Caller, Roles, Standing},
        tokens::{Purpose, Token},
    },
    store::{
        Scope, Tx, audit,
        care_team::{self, Relation},
        clinics,
        idempotency::{self, Once},
        invitations, members, profiles,
        records::Author,
        reminders,
    },
};
use uuid::Uuid;

/// Invites; answers whether the invitation was made. The same request again answers what it answered.
pub(super) async fn invite(
    app: &App,
    standing: Standing,
    key: String,
    new: Checked<NewInvitation>,
) -> Result<(Invitation, bool), Error> {
    let caller = standing.caller.clone();
    let once = Once::new(caller.clinic, caller.account, key, new.fingerprint);
    if let Some(before) = repeated(app, &caller, once.clone()).await? {
        return Ok(before);
    }
    let new = right(app, &caller, new.given()).await?;
    may_invite(&caller, new.kind)?;
    if let Some(found) = again::find(app, &caller, &new).await? {
        return again::send(app, standing, once, found).await;
    }
    let email_index = app.keys.codes().email_index(&new.email);
    let patient = (new.kind == AccountKind::Patient).then(|| app.clock.new_id());
    let clinic_keys = app.keys.of_clinic(caller.clinic).await?;
    let keys = match patient {
        Some(patient) => app.keys.of_patient(patient).await?,
        None => clinic_keys.clone(),
    };
    // By the clinic's writer, where a repeat of the same request waits for the first.
    let owner = caller.clinic;
    let unit = async move |tx: &Tx| {
        if let Some(before) = find_repeated(tx, &caller, &once).await? {
            return Ok(before);
        }
        clinics::hold(tx, caller.clinic).await?;
        let caller = still(tx, &standing, new.kind).await?;
        if let Some(found) = invitations::find_open(tx.db(), caller.clinic, &email_index, tx.now()).await? {
            return Err(again::waits(&found));
        }
        let clinic = clinics::find(tx.db(), caller.clinic, &clinic_keys).await?.ok_or(Error::NotFound)?;
        let checked = check(tx, &caller, &clinic, &new, patient).await??;
        let code = Token::new(Purpose::Invitation);
        if let Some(Patient { profile, primary }) = checked {
            profiles::insert(tx, &profile, &keys).await?;
            if let Some(member) = primary {
                begin_care(tx, &caller, profile.id, member).await?;
            }
            let scope = Scope { clinic: caller.clinic, patient: profile.id, sees_private: false };
            let author =
                Author { scope, account: caller.account, request: caller.request, keys: keys.clone(), standing: None };
            reminders::attach_templates(tx, &author, tx.now().with_timezone(&profile.time_zone).date_naive()).await?;
        }
        let row = invitations::NewInvitation {
            id: tx.new_id(),
            clinic: caller.clinic,
            kind: new.kind,
            roles: if patient.is_some() { Roles::NONE } else { roles(&new) },
            patient,
            code: code.hash(),
            email_index,
            by: Some(caller.account),
            by_mail: true,
        };
        let sealed =
            invitations::Sealed { email: new.email, display_name: new.display_name, code: code.reveal().to_owned() };
        let made = invitations::insert(tx, row, &sealed, &keys).await?;
        idempotency::keep(tx, &once, 201, made.id, 1).await?;
        audit::append(tx, event(&caller, "invitations_create", patient, made.id)).await?;
        Ok((view(&made), true))
    };
    app.db.write(owner, unit).await
}

/// Patients are invited by everybody who works there, staff by admins alone.
fn may_invite(caller: &Caller, kind: AccountKind) -> Result<(), Error> {
    if kind == AccountKind::Member && !caller.roles.meet(Roles::ADMIN) { Err(Error::Forbidden) } else { Ok(()) }
}

/// Who invites, if they still may in the unit that does it.
pub(super) async fn still(tx: &Tx, standing: &Standing, kind: AccountKind) -> Result<Caller, Error> {
    let caller = members::still(tx, standing).await?;
    may_invite(&caller, kind).map(|()| caller)
}

/// The invitation if its form is right; else everything that is wrong with it, its meaning included.
async fn right(app: &App, caller: &Caller, given: Given<NewInvitation>) -> Result<NewInvitation, Error> {
    if given.right().is_some() {
        return Ok(given.value()?);
    }
    let (caller, (new, doubts)) = (caller.clone(), given.open());
    let (owner, keys) = (caller.clinic, app.keys.of_clinic(caller.clinic).await?);
    let unit = async move |tx: &Tx| {
        let clinic = clinics::find(tx.db(), caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
        let patient = (new.kind == AccountKind::Patient).then(|| tx.new_id());
        let checked = check(tx, &caller, &clinic, &new, patient).await?;
        Ok(doubts.settle(checked.map(|_| new))?)
    };
    app.db.write(owner, unit).await
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
    clinic: &Clinic,
    new: &NewInvitation,
    patient: Option<Uuid>,
) -> Result<Result<Option<Patient>, Faults>, Error> {
    let mut faults = Faults::default();
    let Some(id) = patient else {
        if roles(new) == Roles::NONE {
            faults.add_between("/roles", &["/kind"], "what the member will do: at least one role");
        }
        for (pointer, given) in [
            ("/time_zone", new.time_zone.is_some()),
            ("/locale", new.locale.is_some()),
            ("/country", new.country.is_some()),
            ("/primary_member_id", new.primary_member_id.is_some()),
        ] {
            if given {
                faults.add_between(pointer, &["/kind"], "is for patients alone");
            }
        }
        return Ok(faults.none().map(|()| None));
    };
    if new.roles.as_ref().is_some_and(|roles| !roles.is_empty()) {
        faults.add_between("/roles", &["/kind"], "is for members alone");
    }
    let inviting = caller.roles.meet(Roles::CLINICIAN).then_some(caller.account);
    let primary = new.primary_member_id.or(inviting);
    match (new.primary_member_id, primary) {
        (Some(member), _) => {
            members::check_clinician(tx, clinic.id, "/primary_member_id", member, &mut faults).await?;
        }
        // Nobody would be there who may open a flag of theirs.
        (None, None) => faults.add_between(
            "/primary_member_id",
            &["/kind"],
            "is required: the therapist or prescriber who accompanies this patient first",
        ),
        (None, Some(_)) => {}
    }
    let time_zone = match &new.time_zone {
        Some(name) => zone("/time_zone", name, &mut faults).unwrap_or(clinic.time_zone),
        None => clinic.time_zone,
    };
    let profile = Profile {
        id,
        clinic: clinic.id,
        display_name: new.display_name.clone(),
        name_latin: None,
        pronouns: None,
        phone: None,
        language: None,
        time_zone,
        locale: new.locale.clone().unwrap_or_else(|| "en".into()),
        country: new.country.clone().unwrap_or_else(|| clinic.country.clone()),
        quiet_hours: QuietHours::usual(),
        state: PatientState::Invited,
        version: 1,
    };
    Ok(faults.none().map(|()| Some(Patient { profile, primary })))
}

async fn begin_care(tx: &Tx, caller: &Caller, patient: Uuid, member: Uuid) -> Result<(), Error> {
    let from_on = tx.now().with_timezone(&caller.clinic_zone).date_naive();
    let relation = Relation { id: tx.new_id(), member, primary: true, from_on, until_on: None, version: 1 };
    care_team::insert(tx, &Scope { clinic: caller.clinic, patient, sees_private: false }, &relation).await
}

/// What this very request made before. Looked for ahead of the unit too, so that a repetition makes no keys for a
/// patient who will not be.
async fn repeated(app: &App, caller: &Caller, once: Once) -> Result<Option<(Invitation, bool)>, Error> {
    let caller = caller.clone();
    let owner = caller.clinic;
    app.db.write(owner, async move |tx: &Tx| find_repeated(tx, &caller, &once).await).await
}

pub(super) async fn find_repeated(tx: &Tx, caller: &Caller, once: &Once) -> Result<Option<(Invitation, bool)>, Error> {
    let Some(before) = idempotency::find(tx, once).await? else { return Ok(None) };
    let found = invitations::find(tx.db(), caller.clinic, before.record).await?;
    Ok(Some((view(&found.ok_or(Error::NotFound)?), before.status == 201)))
}

pub(super) fn roles(new: &NewInvitation) -> Roles {
    new.roles.iter().flatten().copied().collect::<Vec<Role>>().into_iter().collect()
}

pub(super) fn view(invitation: &invitations::Invitation) -> Invitation {
    Invitation { id: invitation.id, expires_at: invitation.expires_at.into(), patient_id: invitation.patient }
}

pub(super) fn event(
    caller: &Caller,
    operation: &'static str,
    patient: Option<Uuid>,
    invitation: Uuid,
) -> audit::Entry<'static> {
    let entry = audit::Entry::by_caller(caller, operation).record(invitation).version(1);
    patient.map_or(entry, |patient| entry.patient(patient))
}
