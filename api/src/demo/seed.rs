//! Writing a demo clinic into a database: each patient's year is one unit of work. The accounts come last, so that a
//! clinic whose writing was cut off is known by having none.

use super::{
    clinic::{DemoClinic, Year},
    draft::By,
    history::{self, History},
    reminded::quiet_hours,
};
use crate::{
    app::App,
    domain::{
        accounts::AccountKind,
        business_hours::BusinessHours,
        clinic::Clinic,
        profile::{PatientState, Profile},
    },
    error::Error,
    security::{access::Roles, seal::OwnerKeys},
    store::{
        Tx,
        accounts::{self, NewAccount, Secrets},
        audit, care_team, clinics, course, demo, flags,
        members::{self, Member},
        notifications, profiles, reminders, standing,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use std::sync::Arc;
use tokio::task::JoinSet;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Where the clinic is.
const ZONE: Tz = Tz::America__New_York;

/// The four people who can sign in: the name before `@demo.example`.
pub const LOGINS: [&str; 4] = ["patient", "therapist", "prescriber", "admin"];

/// What is to be seeded.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Decides everything that is drawn.
    pub seed: u64,
    /// How many patients, at most [`super::MOST`].
    pub patients: usize,
    /// The password of the four.
    pub password: Zeroizing<String>,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or a demo clinic whose writing was cut off: it was written.
    Written,
    /// A demo clinic: it is used as it is.
    There,
}

/// Makes sure that the database holds a demo clinic, and that the four can sign in with the password.
/// A database of any other clinic is refused.
pub async fn seed(app: &App, ask: &Ask) -> Result<Found, Error> {
    match demo::holds(app.db.read()).await? {
        demo::Holds::Another => {
            return Err(Error::Settings(
                "AFTERGLOW_DATA: this database holds a clinic that is not a demo; name an empty folder with --data"
                    .into(),
            ));
        }
        demo::Holds::Demo => {
            set_passwords(app, &ask.password).await?;
            return Ok(Found::There);
        }
        demo::Holds::CutOff => {
            let unit = async |tx: &Tx| demo::clear(tx).await;
            app.db.write(Uuid::nil(), unit).await?;
        }
        demo::Holds::Nothing => {}
    }
    let (seed, now, patients) = (ask.seed, app.clock.now(), ask.patients);
    let drawn = tokio::task::spawn_blocking(move || DemoClinic::draw(seed, now, patients)).await;
    let clinic = Arc::new(drawn.map_err(Error::internal)?);
    begin(app, &clinic).await?;
    let ids: Vec<Uuid> = clinic.patients.iter().map(|year| year.id).collect();
    app.keys.make_for_patients(&ids).await?;
    let mut units = JoinSet::new();
    for index in 0..clinic.patients.len() {
        units.spawn(patient(app.clone(), clinic.clone(), index, now));
    }
    while let Some(done) = units.join_next().await {
        done.map_err(Error::internal)??;
    }
    finish(app, &clinic, &ask.password).await?;
    Ok(Found::Written)
}

/// The clinic and its members.
async fn begin(app: &App, drawn: &DemoClinic) -> Result<(), Error> {
    let keys = app.keys.of_clinic(drawn.id).await?;
    let clinic = Clinic {
        id: drawn.id,
        name: "Millrace Clinic".into(),
        phone: Some("+1 802 555 0100".into()),
        time_zone: ZONE,
        country: "US".into(),
        business_hours: BusinessHours::usual(ZONE).hours,
        on_call_member_id: Some(drawn.prescriber),
        clinical_lead_member_id: Some(drawn.prescriber),
        safeguarding_member_id: Some(drawn.admin),
        version: 1,
    };
    let member = |id, name: &str, roles| Member { id, clinic: drawn.id, display_name: name.into(), roles, version: 1 };
    let members = [
        member(drawn.therapist, "Miriam Oyelaran", Roles::THERAPIST),
        member(drawn.prescriber, "Dr. Jonas Hallgren", Roles::PRESCRIBER),
        member(drawn.admin, "Odette Marchand", Roles::ADMIN),
    ];
    let unit = async move |tx: &Tx| {
        clinics::insert(tx, &clinic, &keys).await?;
        for one in &members {
            members::insert(tx, one, &keys).await?;
        }
        note(tx, clinic.id, demo::BEGIN, None).await
    };
    app.db.write(drawn.id, unit).await
}

async fn note(tx: &Tx, clinic: Uuid, operation: &str, patient: Option<Uuid>) -> Result<(), Error> {
    let entry = audit::Entry::by_service(clinic, operation);
    audit::append(tx, patient.map_or(entry, |patient| entry.patient(patient))).await
}

/// A patient and their year, in one unit.
async fn patient(app: App, drawn: Arc<DemoClinic>, index: usize, now: DateTime<Utc>) -> Result<(), Error> {
    let Some(id) = drawn.patients.get(index).map(|year| year.id) else { return Ok(()) };
    let keys = app.keys.of_patient(id).await?;
    let worked_out = tokio::task::spawn_blocking({
        let (drawn, keys) = (drawn.clone(), keys.clone());
        move || {
            drawn
                .patients
                .get(index)
                .map(|year| History::of(&drawn, year, &keys, &BusinessHours::usual(ZONE), now))
                .transpose()
        }
    });
    let Some(history) = worked_out.await.map_err(Error::internal)?? else { return Ok(()) };
    let unit = async move |tx: &Tx| {
        let Some(year) = drawn.patients.get(index) else { return Ok(()) };
        write(tx, &drawn, year, index, history, &keys).await
    };
    app.db.write(id, unit).await
}

async fn write(
    tx: &Tx,
    drawn: &DemoClinic,
    year: &Year,
    index: usize,
    history: History,
    keys: &Arc<OwnerKeys>,
) -> Result<(), Error> {
    let author = history::author(drawn, year, By::Patient, keys);
    profiles::insert(tx, &profile(drawn, year, index), keys).await?;
    let from_on = year.began_at.with_timezone(&ZONE).date_naive();
    let team = [(drawn.therapist, true), (drawn.prescriber, false)];
    for (member, primary) in team.into_iter().filter(|(_, primary)| *primary || index % 3 != 2) {
        let relation = relation(year.id, member, primary, from_on);
        care_team::insert(tx, &author.scope, &relation).await?;
    }
    let History { records, flags, told, course, standings, reminders } = history;
    records.insert(tx, year.id).await?;
    flags::insert_all(tx, &author, &flags).await?;
    notifications::insert_past(tx, year.id, &told).await?;
    course::save(tx, year.id, &course).await?;
    standing::insert_all(tx, year.id, &standings).await?;
    reminders::insert_all(tx, &author, &reminders).await?;
    note(tx, drawn.id, demo::PATIENT, Some(year.id)).await
}

/// A relation whose id follows from whom it joins.
fn relation(patient: Uuid, member: Uuid, primary: bool, from_on: NaiveDate) -> care_team::Relation {
    let mut bytes = *patient.as_bytes();
    bytes[15] ^= if primary { 0x55 } else { 0xAA };
    care_team::Relation { id: Uuid::from_bytes(bytes), member, primary, from_on, until_on: None, version: 1 }
}

fn profile(drawn: &DemoClinic, year: &Year, index: usize) -> Profile {
    let person = &year.person;
    Profile {
        id: year.id,
        clinic: drawn.id,
        display_name: person.name.clone(),
        name_latin: person.latin.clone(),
        pronouns: Some(person.pronouns.clone()),
        phone: Some(format!("+1 802 555 {:04}", 101 + index)),
        language: Some(person.language.clone()),
        time_zone: person.zone,
        locale: if person.language == "en" { "en-US".into() } else { format!("{}-US", person.language) },
        country: if person.zone == Tz::America__Halifax { "CA".into() } else { "US".into() },
        quiet_hours: quiet_hours(),
        state: PatientState::Active,
        version: 1,
    }
}

/// A password for those who named none.
pub fn drawn_password() -> String {
    // No letter or digit that is read as another.
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let letter = |_| LETTERS.get(rand::random_range(0..LETTERS.len())).map_or('x', |letter| char::from(*letter));
    let part = || (0..4).map(letter).collect::<String>();
    format!("{}-{}-{}-{}", part(), part(), part(), part())
}

fn address(name: &str) -> String {
    format!("{name}@demo.example")
}

/// The four accounts: the last unit.
async fn finish(app: &App, drawn: &DemoClinic, password: &Zeroizing<String>) -> Result<(), Error> {
    let hash = app.passwords.turn().await?.hash(password.clone()).await?;
    let patient = drawn.patients.first().map(|year| year.id);
    let ids = [patient, Some(drawn.therapist), Some(drawn.prescriber), Some(drawn.admin)];
    let mut new = Vec::new();
    for (name, id) in LOGINS.into_iter().zip(ids) {
        let Some(id) = id else { continue };
        let kind = if Some(id) == patient { AccountKind::Patient } else { AccountKind::Member };
        let email_index = app.keys.codes().email_index(&address(name));
        let account = NewAccount { id, clinic: drawn.id, kind, email_index, password_hash: hash.clone(), demo: true };
        let keys = accounts::keys(&app.keys, kind, drawn.id, id).await?;
        new.push((account, Secrets { email: address(name), totp: None }, keys));
    }
    let clinic = drawn.id;
    let unit = async move |tx: &Tx| {
        for (account, secrets, keys) in new {
            accounts::insert(tx, account, &secrets, &keys).await?;
        }
        note(tx, clinic, demo::END, None).await
    };
    app.db.write(clinic, unit).await
}

/// Sets the password of the four anew.
async fn set_passwords(app: &App, password: &Zeroizing<String>) -> Result<(), Error> {
    let hash = app.passwords.turn().await?.hash(password.clone()).await?;
    for name in LOGINS {
        let index = app.keys.codes().email_index(&address(name));
        let Some(account) = accounts::find_by_email(app.db.read(), &index).await? else { continue };
        let hash = hash.clone();
        let unit = async move |tx: &Tx| {
            accounts::set_password(tx, account.id, &hash).await?;
            accounts::succeeded(tx, account.id, None).await
        };
        app.db.write(account.clinic, unit).await?;
    }
    Ok(())
}
