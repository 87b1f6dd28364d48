//! The demo clinic: the same for the same seed, every row one that a client could have written, its flags those that the
//! rules raise, and somebody to call at the top of the list.

mod replay;

use crate::support::{Clinic, Place};
use afterglow::{
    app::App,
    clock::Clock,
    config::Config,
    demo::{self, Ask, DemoClinic, Entry, Found, Write},
    domain::{
        assessments::Assessment,
        faults::Given,
        home_doses::HomeDose,
        intentions::Intention,
        journal_entries::JournalEntry,
        mood_scores::MoodScore,
        prescriptions::Prescription,
        record::{Horizon, Kind, Record, Valid},
        safety::{Flag, Rule, State},
        sessions::Session,
    },
    error::Error,
    security::{seal::OwnerKeys, secret::Secret},
    store::{
        After, Author, Precondition, Scope, Tx, Window, accounts,
        records::{self, Document},
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use entities::{account, audit, patient, record};
use poem::{EndpointExt, Response, endpoint::BoxEndpoint, http::StatusCode, test::TestClient};
use replay::{replay, versions, written};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Tuesday morning where the clinic is.
const NOW: &str = "2026-03-17T14:30:00Z";

fn now() -> DateTime<Utc> {
    NOW.parse().unwrap()
}

/// A service whose database holds nothing yet.
pub struct Empty {
    pub app: App,
    client: TestClient<BoxEndpoint<'static, Response>>,
    _place: Place,
}

impl Empty {
    pub async fn on(place: Place) -> Self {
        let config = Config::from([], None).unwrap();
        let app = App::open(config, Clock::fixed(now()), &place.place, Secret::random()).await.unwrap();
        let client = TestClient::new(afterglow::http::service(&app).boxed());
        Self { app, client, _place: place }
    }

    pub async fn seed(&self, patients: usize, password: &str) -> Result<Found, Error> {
        let ask = Ask { seed: 8, patients, password: Zeroizing::new(password.into()) };
        demo::seed(&self.app, &ask).await
    }

    async fn sign_in(&self, name: &str, password: &str) -> (StatusCode, Value) {
        let body = json!({ "email": format!("{name}@demo.example"), "password": password });
        let answer = self.client.post("/v1/auth/login").body_json(&body).send().await.0;
        let status = answer.status();
        (status, serde_json::from_str(&answer.into_body().into_string().await.unwrap()).unwrap())
    }

    async fn get(&self, token: &Value, path: &str) -> Value {
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let answer = self.client.get(path).header("Authorization", bearer).send().await;
        answer.assert_status_is_ok();
        serde_json::from_str(&answer.0.into_body().into_string().await.unwrap()).unwrap()
    }

    async fn patients(&self) -> Vec<patient::Model> {
        patient::Entity::find().all(self.app.db.read()).await.unwrap()
    }
}

#[test]
fn a_seed_gives_the_same_clinic_every_time() {
    let clinic = DemoClinic::draw(8, now(), 7);
    assert_eq!(clinic, DemoClinic::draw(8, now(), 7));
    assert_ne!(clinic, DemoClinic::draw(9, now(), 7));
    assert_eq!(
        clinic.patients[..3],
        DemoClinic::draw(8, now(), 3).patients[..],
        "a smaller clinic is the beginning of it"
    );
}

#[test]
fn a_year_ends_now_and_has_most_of_its_days() {
    let clinic = DemoClinic::draw(8, now(), 1);
    let moods = clinic.patients[0].writes.iter().filter(|write| matches!(write.entry, Entry::MoodScore(_)));
    assert!(moods.count() > 200);
    let (first, last) = (&clinic.patients[0].writes[0], clinic.patients[0].writes.last().unwrap());
    assert!(now() - first.at > TimeDelta::days(350) && last.at <= now() && now() - last.at < TimeDelta::days(4));
}

mod every_row_is_one_that_a_client_could_have_written {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        story(Place::folder()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        story(Place::postgres().await).await;
    }

    async fn story(place: Place) {
        let empty = Empty::on(place).await;
        assert_eq!(empty.seed(7, "demo").await.unwrap(), Found::Written);
        for patient in empty.patients().await {
            let scope = Scope { clinic: patient.clinic_id, patient: patient.id, sees_private: true };
            let keys = empty.app.keys.of_patient(patient.id).await.unwrap();
            let horizon = Horizon { now: now(), zone: patient.time_zone.parse().unwrap() };
            let documents = all(&empty.app, &keys, &scope).await;
            assert!(documents.len() > 8);
            for document in documents {
                assert!(holds(&document, &horizon), "{:?} {}", document.kind, document.json);
            }
            seqs_have_no_gap(&empty.app, &patient).await;
            flags_are_those_of_a_replay(&empty.app, patient.id).await;
        }
    }
}

async fn all(app: &App, keys: &OwnerKeys, scope: &Scope) -> Vec<Document> {
    let (mut documents, mut after): (_, Option<After>) = (Vec::new(), None);
    loop {
        let window = Window { after, limit: 200, ..Window::default() };
        let page = records::page(app.db.read(), keys, scope, &[], &window).await.unwrap();
        documents.extend(page.items);
        let Some(next) = page.next else { return documents };
        after = Some(next);
    }
}

fn holds(document: &Document, horizon: &Horizon) -> bool {
    fn is<R: Record>(document: &Document, horizon: &Horizon) -> bool {
        serde_json::from_str::<R>(&document.json).is_ok_and(|record| Valid::new(record, horizon).is_ok())
    }
    match document.kind {
        Kind::Intentions => is::<Intention>(document, horizon),
        Kind::Sessions => is::<Session>(document, horizon),
        Kind::JournalEntries => is::<JournalEntry>(document, horizon),
        Kind::MoodScores => is::<MoodScore>(document, horizon),
        Kind::Assessments => is::<Assessment>(document, horizon),
        Kind::Prescriptions => is::<Prescription>(document, horizon),
        Kind::HomeDoses => is::<HomeDose>(document, horizon),
        _ => false,
    }
}

async fn seqs_have_no_gap(app: &App, patient: &patient::Model) {
    let seqs: Vec<i64> = versions(app, patient.id).await.iter().map(|row| row.seq).collect();
    assert_eq!(seqs, (1..=patient.seq).collect::<Vec<_>>());
}

async fn flags_are_those_of_a_replay(app: &App, patient: Uuid) {
    let (raised, rows) = written(app, patient).await;
    let unresolved = |at: DateTime<Utc>| {
        rows.iter().filter(|row| Rule::from_id(&row.rule).unwrap().keeps_drops_grave()).any(|row| {
            let resolved = row.resolved_at.map(DateTime::from);
            DateTime::from(row.opened_at) < at && resolved.is_none_or(|resolved: DateTime<Utc>| resolved > at)
        })
    };
    assert_eq!(replay(app, patient, |_, at| unresolved(at)).await, raised);
}

/// Writes one by one, as phones do, and compares: the rules that read the database find what the rules in memory find.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_at_once_raises_what_single_writes_raise() {
    let drawn = DemoClinic::draw(8, now(), 4);
    let year = &drawn.patients[3];
    let clinic = Clinic::on_sqlite().await;
    let keys = clinic.app.keys.of_patient(clinic.patient.id).await.unwrap();
    let scope = Scope { clinic: clinic.id, patient: clinic.patient.id, sees_private: true };
    let author = Author { scope, account: clinic.patient.id, request: Uuid::nil(), keys, standing: None };
    // The prescriptions are older than the weeks that are worth the time.
    let limits = |write: &&Write| matches!(write.entry, Entry::Prescription(_));
    let recent = year.writes.iter().filter(|write| limits(write) || now() - write.at < TimeDelta::days(75));
    for write in recent {
        clinic.clock.advance(write.at - clinic.now());
        put(&clinic.app, &author, write).await;
    }
    let (raised, _) = written(&clinic.app, clinic.patient.id).await;
    let unresolved =
        |flags: &[Flag], _| flags.iter().any(|flag| flag.state != State::Resolved && flag.rule.keeps_drops_grave());
    assert!(raised.iter().any(|one| one.0 == Rule::Hd01));
    assert_eq!(replay(&clinic.app, clinic.patient.id, unresolved).await, raised);
}

async fn put(app: &App, author: &Author, write: &Write) {
    match write.entry.clone() {
        Entry::Intention(record) => put_one(app, author, write.id, record).await,
        Entry::Session(record) => put_one(app, author, write.id, record).await,
        Entry::JournalEntry(record) => put_one(app, author, write.id, record).await,
        Entry::MoodScore(record) => put_one(app, author, write.id, record).await,
        Entry::Assessment(record) => put_one(app, author, write.id, record).await,
        Entry::Prescription(record) => put_one(app, author, write.id, record).await,
        Entry::HomeDose(record) => put_one(app, author, write.id, record).await,
    }
}

async fn put_one<R: Record>(app: &App, author: &Author, id: Uuid, record: R) {
    let author = author.clone();
    let found = record::Entity::find_by_id((author.scope.patient, id)).one(app.db.read()).await.unwrap();
    let held = found.map_or(Precondition::None, |row| Precondition::Version(row.version));
    let patient = author.scope.patient;
    let unit = async move |tx: &Tx| records::put(tx, &author, id, held, Given::whole(record)).await.map(drop);
    app.db.write(patient, unit).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_to_call_stands_first_in_the_caseload() {
    let empty = Empty::on(Place::folder()).await;
    empty.seed(9, "demo").await.unwrap();
    let (status, therapist) = empty.sign_in("therapist", "demo").await;
    assert_eq!(status, StatusCode::OK, "no second factor is asked for: {therapist}");
    let caseload = empty.get(&therapist, "/v1/caseload").await;
    let urgencies: Vec<_> =
        caseload["items"].as_array().unwrap().iter().map(|item| item["urgency"].as_str().unwrap()).collect();
    assert_eq!(urgencies.len(), 9);
    assert_eq!(urgencies[0], "urgent");
    assert!(urgencies.contains(&"watch") && urgencies.contains(&"new"), "{urgencies:?}");
    let first = &caseload["items"][0];
    assert!(first["flag_id"].is_string() && first["acknowledge_by"].as_str().unwrap() > NOW, "{first}");
    for name in ["patient", "prescriber", "admin"] {
        assert_eq!(empty.sign_in(name, "demo").await.0, StatusCode::OK, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_baseline_is_late_and_there_are_scores_to_hold_against_it() {
    let empty = Empty::on(Place::folder()).await;
    empty.seed(6, "demo").await.unwrap();
    let (_, therapist) = empty.sign_in("therapist", "demo").await;
    let caseload = empty.get(&therapist, "/v1/caseload").await;
    let scores = caseload["items"].as_array().unwrap().iter().map(|item| &item["phq9"]);
    let late: Vec<_> = scores.filter(|phq9| phq9["late_baseline"] == true).collect();
    let [phq9] = late[..] else { panic!("{late:?}") };
    assert!(phq9["baseline_at"].as_str() < phq9["latest_at"].as_str() && phq9["current"] == true, "{phq9}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flag_that_was_opened_again_shows_how_it_had_been_closed() {
    let empty = Empty::on(Place::folder()).await;
    empty.seed(9, "demo").await.unwrap();
    let (_, therapist) = empty.sign_in("therapist", "demo").await;
    let flags = empty.get(&therapist, "/v1/flags?limit=200").await;
    let (mut undone, mut closed) = (0, 0);
    for flag in flags["items"].as_array().unwrap() {
        for round in flag["earlier_rounds"].as_array().unwrap() {
            let reopened = &round["reopened"];
            let done_at = round.get("resolved_at").or(round.get("acknowledged_at")).unwrap();
            assert!(reopened["at"].as_str() > done_at.as_str() && reopened.get("by").is_none(), "{round}");
            assert!(
                flag["evidence"].as_array().unwrap().iter().any(|one| one["id"] == reopened["record_id"]),
                "{flag}"
            );
            undone += 1;
        }
        closed += usize::from(flag["resolved_by"]["name"].is_string() && flag["note"].is_string());
    }
    assert!(undone > 0 && closed > 10, "{undone} {closed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_clinic_is_used_as_it_is_with_new_passwords() {
    let empty = Empty::on(Place::folder()).await;
    empty.seed(2, "first").await.unwrap();
    let before = empty.patients().await;
    assert_eq!(empty.seed(2, "second").await.unwrap(), Found::There);
    assert_eq!(empty.patients().await, before);
    assert_eq!(empty.sign_in("therapist", "first").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(empty.sign_in("therapist", "second").await.0, StatusCode::OK);
    assert!(accounts::any_demo(empty.app.db.read()).await.unwrap(), "serve refuses it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_clinic_that_was_cut_off_is_written_anew() {
    let empty = Empty::on(Place::folder()).await;
    empty.seed(2, "demo").await.unwrap();
    let unit = async |tx: &Tx| {
        account::Entity::delete_many().exec(tx.db()).await?;
        audit::Entity::delete_many().filter(audit::Column::Operation.eq("demo_end")).exec(tx.db()).await?;
        Ok(())
    };
    empty.app.db.write(Uuid::nil(), unit).await.unwrap();
    assert_eq!(empty.seed(3, "demo").await.unwrap(), Found::Written);
    assert_eq!(empty.patients().await.len(), 3);
    assert_eq!(empty.sign_in("patient", "demo").await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_clinic_is_left_alone() {
    let clinic = Clinic::on_sqlite().await;
    let ask = Ask { seed: 8, patients: 2, password: Zeroizing::new("demo".into()) };
    assert!(matches!(demo::seed(&clinic.app, &ask).await, Err(Error::Settings(_))));
    assert_eq!(patient::Entity::find().all(clinic.app.db.read()).await.unwrap().len(), 1);
}
