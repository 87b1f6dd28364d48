//! How long one may keep another waiting on PostgreSQL, and what was decided while they waited.

use crate::{
    flags::{ASSESSMENTS, MOODS, flags, phq_9},
    postgres::{another, another_reader},
    support::{Clinic, Place},
};
use afterglow::{
    error::Error,
    security::secret::Secret,
    store::{Scope, Tx, patients},
};
use chrono::TimeDelta;
use poem::http::Method;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, Statement, TransactionTrait};
use serde_json::json;
use std::time::Duration;

/// Far more than anybody waits for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// Until so many sessions wait for a lock that another one holds.
async fn wait_for(db: &DatabaseConnection, waiting: i64) {
    let count = "SELECT count(*) AS waiting FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let wait = async {
        loop {
            let counted = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, count)).await.unwrap();
            if counted.unwrap().try_get::<i64>("", "waiting").unwrap() >= waiting {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("nobody waits");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_closes_a_flag_in_one_process_while_evidence_for_it_arrives_in_another() {
    let (place, master) = (Place::postgres().await, Secret::random());
    let clinic = Clinic::open_with(place, master.clone()).await;
    let beside = clinic.beside(another(clinic.place(), &clinic, master).await);
    let now = clinic.now();
    clinic.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::hours(2), Some(1))).await.expect(201);
    let flag = flags(&clinic, "").await.remove(0);
    // The other process stops between the flag and its evidence, for as long as this is held.
    let db = another_reader(clinic.place()).await;
    let stop = "CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NEW; END $$";
    db.execute_unprepared(stop).await.unwrap();
    let stop = "CREATE TRIGGER stop BEFORE INSERT ON flag_evidence FOR EACH ROW EXECUTE FUNCTION stop()";
    db.execute_unprepared(stop).await.unwrap();
    let holding = db.begin().await.unwrap();
    holding.execute_unprepared("SELECT pg_advisory_xact_lock(7)").await.unwrap();

    let evidence = beside.post(&clinic.patient, ASSESSMENTS, phq_9(now - TimeDelta::hours(1), Some(1)));
    let close = async {
        wait_for(&db, 1).await;
        let path = format!("/v1/flags/{}/resolve", flag["id"].as_str().unwrap());
        let seen = format!("\"{}\"", flag["version"]);
        let call = clinic.call(&clinic.therapist, Method::POST, &path).header("If-Match", &seen);
        call.json(&json!({ "outcome": "contacted" })).send().await
    };
    let go_on = async {
        wait_for(&db, 2).await;
        holding.commit().await.unwrap();
    };
    let (evidence, closed, ()) = tokio::join!(evidence, close, go_on);
    evidence.expect(201);
    closed.problem(412, "stale");
    let flag = flags(&clinic, "").await.remove(0);
    assert_eq!((&flag["state"], flag["evidence"].as_array().map(Vec::len)), (&json!("open"), Some(2)));
}

/// Why a unit or a read was refused with a word on when to come back.
#[track_caller]
fn why<T: std::fmt::Debug>(refused: Result<T, Error>) -> String {
    match refused {
        Err(Error::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_ended_by_the_server_and_costs_a_503() {
    let clinic = Clinic::on_postgres().await;
    let db = another_reader(clinic.place()).await;
    // Longer than a statement may take, shorter than a server that answers nothing is waited for.
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(8); RETURN NEW; END $$";
    db.execute_unprepared(slow).await.unwrap();
    let slow = "CREATE TRIGGER slow BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION slow()";
    db.execute_unprepared(slow).await.unwrap();
    let write = clinic.post(&clinic.patient, MOODS, clinic.mood(5));
    let read = clinic.app.db.read().execute_unprepared("SELECT pg_sleep(8)");
    let (written, read) = tokio::join!(write, read);
    written.problem(503, "unavailable");
    assert!(written.headers.contains_key("Retry-After"));
    let ended = why(read.map_err(Error::from));
    assert!(ended.contains("statement timeout"), "{ended}");
    db.execute_unprepared("DROP TRIGGER slow ON record").await.unwrap();
    clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_holds_for_too_long_is_not_waited_for() {
    let clinic = Clinic::on_postgres().await;
    let db = another_reader(clinic.place()).await;
    let (holding, patient) = (db.begin().await.unwrap(), clinic.patient.id);
    holding.execute_unprepared(&format!("SELECT 1 FROM patient WHERE id = '{patient}' FOR UPDATE")).await.unwrap();
    let scope = Scope { clinic: clinic.id, patient, sees_private: false };
    let unit = async move |tx: &Tx| patients::lock(tx, &scope).await;
    let given_up = why(clinic.app.db.write(patient, unit).await);
    assert!(given_up.contains("lock timeout"), "{given_up}");
    let refused = clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await;
    refused.problem(503, "unavailable");
    assert!(refused.headers.contains_key("Retry-After"));
    holding.rollback().await.unwrap();
    clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await.expect(201);
}
