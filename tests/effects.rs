//! What a request brings about, once: its effects stand or fall with its record, and a repetition adds nothing.

use crate::{
    on_both,
    support::{Clinic, Person, Place},
};
use afterglow::{app::App, config::Config, security::secret::Secret, store::Tx};
use futures_util::future::join_all;
use poem::http::Method;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait};
use serde_json::{Map, Value, json};

/// A questionnaire that raises a flag.
fn grave(clinic: &Clinic) -> Value {
    let answers: Map<_, _> = (1..=9).map(|number| (number.to_string(), json!(u8::from(number == 9)))).collect();
    json!({ "instrument": "phq-9", "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC", "answers": answers })
}

/// How many rows each table has that a grave answer writes to.
async fn rows(clinic: &Clinic) -> [u64; 6] {
    let db = clinic.app.db.read();
    [
        entities::record::Entity::find().count(db).await.unwrap(),
        entities::flag::Entity::find().count(db).await.unwrap(),
        entities::flag_evidence::Entity::find().count(db).await.unwrap(),
        entities::notification::Entity::find().count(db).await.unwrap(),
        entities::delivery::Entity::find().count(db).await.unwrap(),
        entities::audit::Entity::find().count(db).await.unwrap(),
    ]
}

/// Makes every write to a table fail, as a fault in the middle of a unit would.
async fn break_table(clinic: &Clinic, table: &str) {
    let statement = match clinic.app.db.driver() {
        afterglow::store::Driver::Sqlite => {
            format!("CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'broken'); END")
        }
        afterglow::store::Driver::Postgres => {
            format!("ALTER TABLE {table} ADD CONSTRAINT broken CHECK (false) NOT VALID")
        }
    };
    run(clinic, statement).await;
}

async fn mend_table(clinic: &Clinic, table: &str) {
    let statement = match clinic.app.db.driver() {
        afterglow::store::Driver::Sqlite => "DROP TRIGGER broken".to_owned(),
        afterglow::store::Driver::Postgres => format!("ALTER TABLE {table} DROP CONSTRAINT broken"),
    };
    run(clinic, statement).await;
}

async fn run(clinic: &Clinic, statement: String) {
    let unit = async move |tx: &Tx| Ok(tx.db().execute_unprepared(&statement).await.map(drop)?);
    clinic.app.db.write(clinic.patient.id, unit).await.unwrap();
}

async fn post_with(clinic: &Clinic, who: &Person, path: &str, key: &str, body: &Value) -> crate::support::Answer {
    clinic.call(who, Method::POST, path).header("Idempotency-Key", key).json(body).send().await
}

const FORMS: &str = "/v1/patients/me/assessments";

on_both! {
    async fn a_flag_its_evidence_who_is_told_and_the_audit_row_stand_or_fall_with_the_record(clinic: Clinic) {
        let before = rows(&clinic).await;
        let form = grave(&clinic);
        // The audit log comes last: by then everything else is written.
        for table in ["audit", "delivery", "notification", "flag_evidence", "flag", "measurement", "idempotency"] {
            break_table(&clinic, table).await;
            let answer = post_with(&clinic, &clinic.patient, FORMS, "k", &form).await;
            assert!(answer.status >= 500, "{table}: {}", answer.text);
            mend_table(&clinic, table).await;
            assert_eq!(rows(&clinic).await, before, "{table}");
        }
        let made = post_with(&clinic, &clinic.patient, FORMS, "k", &form).await.expect(201).json();
        assert!(made["support"].is_object());
        let after = rows(&clinic).await;
        assert!(after.iter().zip(before).all(|(after, before)| *after > before), "{before:?} {after:?}");
    }

    async fn of_twenty_at_once_with_one_key_one_writes_and_all_answer_alike(clinic: Clinic) {
        let form = grave(&clinic);
        let calls = (0..20).map(|_| post_with(&clinic, &clinic.patient, FORMS, "one", &form));
        let answers = join_all(calls).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && answer.text == answers[0].text));
        assert_eq!(rows(&clinic).await[..2], [1, 1]);
        let other = post_with(&clinic, &clinic.patient, FORMS, "one", &json!({ "instrument": "phq-9" })).await;
        other.problem(422, "idempotency-key-reused");
    }

    async fn a_key_belongs_to_one_account_and_one_patient(clinic: Clinic) {
        let (form, other) = (grave(&clinic), clinic.new_patient().await);
        let path = |patient: &Person| format!("/v1/patients/{}/assessments", patient.id);
        let calls = [
            (&clinic.patient, path(&clinic.patient)),
            (&other, path(&other)),
            (&clinic.therapist, path(&clinic.patient)),
            (&clinic.therapist, path(&other)),
            (&clinic.prescriber, path(&other)),
        ];
        let mut made = std::collections::HashSet::new();
        for _ in 0..2 {
            for (who, path) in &calls {
                let answer = post_with(&clinic, who, path, "same", &form).await.expect(201).json();
                made.insert(answer["id"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(made.len(), calls.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_comes_to_two_processes_at_once_has_one_effect() {
    let master = Secret::random();
    let clinic = Clinic::open_with(Place::postgres().await, master.clone()).await;
    let app = App::open(Config::from([], None).unwrap(), clinic.clock.clone(), clinic.place(), master).await.unwrap();
    let beside = clinic.beside(app);
    let form = grave(&clinic);
    for round in 0..10 {
        let key = format!("round {round}").replace(' ', "-");
        let (one, other) = tokio::join!(
            post_with(&clinic, &clinic.patient, FORMS, &key, &form),
            post_with(&beside, &beside.patient, FORMS, &key, &form),
        );
        assert_eq!((one.status, other.status), (201, 201), "{} {}", one.text, other.text);
        assert_eq!(one.json()["id"], other.json()["id"]);
    }
    assert_eq!(rows(&clinic).await[0], 10);
}
