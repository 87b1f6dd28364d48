//! A PostgreSQL that falls silent, throws us out, or serves several of us at once: what was acknowledged is there, the
//! rest was refused with a word on when to come back, and the service goes on by itself.

use crate::support::{Answer, Clinic, Person, Place, Wire};
use afterglow::{
    app::App,
    config::Config,
    error::Error,
    security::{access::Roles, secret::Secret},
    store::{self, Tx},
};
use entities::{care_relation, record, record_version};
use futures_util::future::join_all;
use poem::http::Method;
use sea_orm::{
    ColumnTrait, ConnectionTrait, Database, DatabaseBackend, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, Statement, TransactionTrait,
};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use uuid::Uuid;

const MOODS: &str = "/v1/patients/me/mood-scores";
/// Far more than anybody is kept waiting, and far less than the kernel takes to tell that a peer is gone.
const PATIENCE: Duration = Duration::from_mins(3);

/// Whether a write was acknowledged; if not, then with a 503 that says when to come back.
#[track_caller]
fn acknowledged(answer: &Answer) -> bool {
    if answer.status != 201 {
        answer.problem(503, "unavailable");
        assert!(answer.headers.contains_key("Retry-After"));
    }
    answer.status == 201
}

async fn is_ready(clinic: &Clinic) -> bool {
    clinic.anonymous(Method::GET, "/health/ready").status().await == 200
}

/// It is ready, at the latest after a few askings: each finds it healed, or a connection that nobody has touched since; and
/// on a slow machine an answer may come too late.
async fn is_well(clinic: &Clinic) {
    for _ in 0..20 {
        if is_ready(clinic).await {
            return;
        }
    }
    panic!("it does not heal");
}

/// Enough patients for every writer to have some.
async fn patients(clinic: &Clinic) -> Vec<Person> {
    let mut patients = vec![clinic.patient.clone()];
    while patients.len() < 16 {
        patients.push(clinic.new_patient().await);
    }
    patients
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_fall_silent_cost_a_503_and_are_made_anew() {
    let (wire, place) = Wire::new().await;
    let clinic = Clinic::open(place).await;
    let patients = patients(&clinic).await;
    let each_writes = || {
        let each = patients.iter().map(|patient| until_acknowledged(&clinic, patient, clinic.mood(5)));
        tokio::time::timeout(PATIENCE, join_all(each))
    };
    each_writes().await.expect("it is in good health");
    is_well(&clinic).await;

    wire.fall_silent();
    assert!(!is_ready(&clinic).await, "a writer that does not answer is noticed");
    // Somebody who does not wait for the answer leaves no connection behind that nobody gets back.
    let hang_up = clinic.get(&clinic.patient, MOODS);
    assert!(tokio::time::timeout(Duration::from_millis(200), hang_up).await.is_err());
    let write = join_all(patients.iter().map(|patient| clinic.post(patient, MOODS, clinic.mood(5))));
    let written = tokio::time::timeout(PATIENCE, write).await.expect("nobody is left waiting");
    let kept = written.iter().filter(|answer| acknowledged(answer)).count();
    assert!(kept < patients.len());
    // And then it goes on, for each of them, by itself.
    each_writes().await.expect("it heals");
    is_well(&clinic).await;
    let rows = record::Entity::find().count(clinic.app.db.read()).await.unwrap();
    assert_eq!(rows as usize, 2 * patients.len() + kept);
}

/// The driver asks a connection that comes back whether it is well, and waits for the answer without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_falls_silent_on_its_way_back_is_made_anew() {
    let (wire, place) = Wire::new().await;
    let clinic = Clinic::open(place).await;
    let write = || until_acknowledged(&clinic, &clinic.patient, clinic.mood(5));
    write().await;
    is_well(&clinic).await;
    wire.fall_silent_after_commit();
    for _ in 0..2 {
        tokio::time::timeout(PATIENCE, write()).await.expect("it heals");
    }
    is_well(&clinic).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thrown_out_in_the_middle_of_the_work_it_loses_nothing_that_it_acknowledged() {
    let clinic = Clinic::on_postgres().await;
    let patients = patients(&clinic).await;
    let store::Place::Url(url) = clinic.place() else { panic!("a URL") };
    let admin = Database::connect(url).await.unwrap();
    let throw_out = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND application_name = 'afterglow'";
    let (mut kept, mut refused) = (BTreeSet::new(), 0);
    for _ in 0..10 {
        let writes = patients.iter().map(|patient| async {
            let mut kept = Vec::new();
            let mut refused = 0;
            for _ in 0..4 {
                let answer = clinic.post(patient, MOODS, clinic.mood(5)).await;
                if acknowledged(&answer) {
                    kept.push(answer.json()["id"].as_str().unwrap().parse::<Uuid>().unwrap());
                } else {
                    refused += 1;
                }
            }
            (kept, refused)
        });
        let (writes, thrown) = tokio::join!(join_all(writes), admin.execute_unprepared(throw_out));
        thrown.unwrap();
        for (ids, failures) in writes {
            kept.extend(ids);
            refused += failures;
        }
        is_well(&clinic).await;
    }
    assert!(refused > 0, "nobody was thrown out in the middle of anything");
    assert!(kept.len() > 100, "{}", kept.len());
    let rows = record::Entity::find().select_only().column(record::Column::Id).into_tuple::<Uuid>();
    let stored: BTreeSet<Uuid> = rows.all(clinic.app.db.read()).await.unwrap().into_iter().collect();
    assert!(kept.is_subset(&stored), "{:?}", kept.difference(&stored).collect::<Vec<_>>());
    for patient in &patients {
        let mut seqs = seqs(&clinic.app, patient.id).await;
        seqs.sort_unstable();
        let all: Vec<_> = (1..).take(seqs.len()).collect();
        assert_eq!(seqs, all);
    }
}

/// The numbers of all versions of a patient's records.
async fn seqs(app: &App, patient: Uuid) -> Vec<i64> {
    let now = record::Entity::find().filter(record::Column::PatientId.eq(patient));
    let now = now.select_only().column(record::Column::Seq).into_tuple::<i64>().all(app.db.read());
    let was = record_version::Entity::find().filter(record_version::Column::PatientId.eq(patient));
    let was = was.select_only().column(record_version::Column::Seq).into_tuple::<i64>().all(app.db.read());
    let (now, was) = tokio::join!(now, was);
    now.unwrap().into_iter().chain(was.unwrap()).collect()
}

/// Writes a mood as a phone does: where the server asks it to come back, because the row is held by others for too long on a
/// slow machine, the same again.
async fn until_acknowledged(through: &Clinic, patient: &Person, mood: serde_json::Value) {
    let key = through.clock.new_id().to_string();
    let post = || through.call(patient, Method::POST, MOODS).header("Idempotency-Key", &key).json(&mood).send();
    while !acknowledged(&post().await) {}
}

/// A second process on the same rows.
pub async fn another(place: &store::Place, clinic: &Clinic, master: Secret) -> App {
    let config = Config::from([], None).unwrap();
    App::open(config, clinic.clock.clone(), place, master).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_number_a_patients_records_without_gap_and_audit_in_the_order_of_their_commits() {
    let (place, master) = (Place::postgres().await, Secret::random());
    let clinic = Clinic::open_with(place, master.clone()).await;
    let beside = clinic.beside(another(clinic.place(), &clinic, master).await);
    let reader = another_reader(clinic.place()).await;
    let done = tokio::sync::Notify::new();
    // Whoever follows the log sees each line at its end: none appears later before one that was seen.
    let follow = async {
        let mut seen: Vec<i64> = Vec::new();
        let mut last = false;
        loop {
            use entities::audit::{Column, Entity};
            let ids = Entity::find().select_only().column(Column::Id).order_by_asc(Column::Id);
            let ids = ids.into_tuple::<i64>().all(&reader).await.unwrap();
            assert!(ids.starts_with(&seen), "a line came before one that was there already");
            seen = ids;
            if last {
                return seen.len();
            }
            last = tokio::time::timeout(Duration::from_millis(1), done.notified()).await.is_ok();
        }
    };
    let write = async {
        let calls = (0..400).map(|call| {
            let through = if call % 2 == 0 { &clinic } else { &beside };
            until_acknowledged(through, &clinic.patient, clinic.mood(call % 11))
        });
        join_all(calls).await;
        done.notify_one();
    };
    let (lines, ()) = tokio::join!(follow, write);
    assert!(lines >= 400);
    let mut seqs = seqs(&clinic.app, clinic.patient.id).await;
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=400).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_leave_a_clinic_its_last_admin_and_invite_an_address_once() {
    let (place, master) = (Place::postgres().await, Secret::random());
    let clinic = Clinic::open_with(place, master.clone()).await;
    let beside = clinic.beside(another(clinic.place(), &clinic, master).await);
    let demoted = json!({ "roles": ["therapist"] });
    let invitation = |round: i32| {
        json!({ "email": format!("one-{round}@home.example"), "kind": "patient", "display_name": "One",
                "time_zone": "Europe/Berlin", "primary_member_id": clinic.therapist.id })
    };
    let demote = async |through: &Clinic, by: &Person, whom: &Person| {
        let path = format!("/v1/clinic/members/{}", whom.id);
        through.call(by, Method::PATCH, &path).header("If-Match", "\"1\"").json(&demoted).send().await
    };
    let mut admin = clinic.admin.clone();
    for round in 0..6 {
        let other = clinic.new_member(Roles::ADMIN).await;
        let (a, b) = tokio::join!(demote(&clinic, &admin, &other), demote(&beside, &other, &admin));
        assert!(a.status == 200 || b.status == 200);
        assert!(a.status != 200 || b.status != 200, "each has taken the office from the other");
        if b.status == 200 {
            admin = other;
        }
        let path = "/v1/invitations";
        let (a, b) = tokio::join!(
            clinic.post(&clinic.therapist, path, invitation(round)),
            beside.post(&clinic.therapist, path, invitation(round)),
        );
        let made = [&a, &b].into_iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1, "{} {}", a.status, b.status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_ends_a_place_on_a_care_team_as_it_was_changed_last() {
    let clinic = Clinic::on_postgres().await;
    let (beside, therapist) = (another_reader(clinic.place()).await, clinic.therapist.id);
    let changing = beside.begin().await.unwrap();
    let change = "UPDATE care_relation SET is_primary = NOT is_primary, from_on = DATE '2026-01-01', version = version + 1 WHERE member_id =";
    changing.execute_unprepared(&format!("{change} '{therapist}'")).await.unwrap();
    let path = format!("/v1/clinic/members/{therapist}");
    let leave = clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", "\"1\"").send();
    let commit_once_it_waits = async {
        let waiting =
            "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = || Statement::from_string(DatabaseBackend::Postgres, waiting);
        while clinic.app.db.read().query_one_raw(waiting()).await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        changing.commit().await.unwrap();
    };
    let (left, ()) = tokio::join!(leave, commit_once_it_waits);
    left.expect(204);
    let place = care_relation::Entity::find().filter(care_relation::Column::MemberId.eq(therapist));
    let place = place.one(clinic.app.db.read()).await.unwrap().unwrap();
    assert_eq!((place.is_primary, place.version, place.until_on.is_some()), (false, 3, true));
}

/// The rows, beside the service.
pub async fn another_reader(place: &store::Place) -> sea_orm::DatabaseConnection {
    let store::Place::Url(url) = place else { panic!("a URL") };
    Database::connect(url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_acknowledges_nothing_and_the_next_one_goes_on() {
    let clinic = Clinic::on_postgres().await;
    let lazy = "CREATE TABLE lazy (number integer UNIQUE DEFERRABLE INITIALLY DEFERRED)";
    let run = |statement: &'static str| {
        let unit = async move |tx: &Tx| Ok(tx.db().execute_unprepared(statement).await.map(drop)?);
        clinic.app.db.write(clinic.patient.id, unit)
    };
    run(lazy).await.unwrap();
    let mut kept = 0;
    for _ in 0..5 {
        // What is wrong with it shows at its COMMIT alone, and takes its neighbours along.
        let (bad, beside) =
            (run("INSERT INTO lazy VALUES (1), (1)"), clinic.post(&clinic.patient, MOODS, clinic.mood(5)));
        let (bad, beside) = tokio::join!(bad, beside);
        assert!(matches!(bad, Err(Error::Unavailable(_))), "{bad:?}");
        kept += u64::from(acknowledged(&beside));
        clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await.expect(201);
        kept += 1;
        assert!(is_ready(&clinic).await);
    }
    assert_eq!(record::Entity::find().count(clinic.app.db.read()).await.unwrap(), kept);
    let seqs = seqs(&clinic.app, clinic.patient.id).await;
    assert_eq!(seqs.iter().max().copied(), i64::try_from(kept).ok());
}
