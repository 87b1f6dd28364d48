//! What people typed is unreadable in every file, and a sealed value opens in its own place only.

use crate::{
    on_both,
    support::{Clinic, Person},
};
use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, Statement};
use serde_json::json;
use uuid::Uuid;

const PATH: &str = "/v1/patients/me/journal-entries";

async fn write(clinic: &Clinic, who: &Person, body: &str) -> Uuid {
    let now = clinic.now().to_rfc3339();
    let entry =
        json!({ "occurred_at": now, "time_zone": "UTC", "body": body, "title": "Kestrel", "visibility": "private" });
    clinic.post(who, PATH, entry).await.expect(201).json()["id"].as_str().unwrap().parse().unwrap()
}

async fn sealed(clinic: &Clinic, patient: Uuid, id: Uuid) -> Vec<u8> {
    entities::record::Entity::find_by_id((patient, id))
        .one(clinic.app.db.read())
        .await
        .unwrap()
        .unwrap()
        .sealed
        .unwrap()
}

/// Does what somebody with the database in their hands could do.
async fn overwrite(clinic: &Clinic, patient: Uuid, id: Uuid, value: Vec<u8>) {
    let row = entities::record::Entity::find_by_id((patient, id)).one(clinic.app.db.read()).await.unwrap().unwrap();
    let unit = async move |tx: &afterglow::store::Tx| {
        let mut row = row.into_active_model();
        row.sealed = sea_orm::ActiveValue::Set(Some(value));
        row.update(tx.db()).await?;
        Ok(())
    };
    clinic.app.db.write(patient, unit).await.unwrap();
}

on_both! {
    async fn an_exchanged_value_opens_nowhere_and_shows_nothing(clinic: Clinic) {
        let (me, other) = (clinic.patient.clone(), clinic.new_patient().await);
        let (mine, second) = (write(&clinic, &me, "under the old pier").await, write(&clinic, &me, "nobody knows").await);
        let theirs = write(&clinic, &other, "a different life").await;
        let values = [
            ("of another row", sealed(&clinic, me.id, second).await),
            ("of another patient", sealed(&clinic, other.id, theirs).await),
            ("cut short", { let mut value = sealed(&clinic, me.id, mine).await; value.pop(); value }),
            ("of one byte", vec![1]),
            ("with a flipped bit", { let mut value = sealed(&clinic, me.id, mine).await; value[90] ^= 1; value }),
        ];
        for (what, value) in values {
            overwrite(&clinic, me.id, mine, value).await;
            let answer = clinic.get(&me, &format!("{PATH}/{mine}")).await;
            answer.problem(500, "internal");
            for words in ["pier", "nobody", "different", "Kestrel"] {
                assert!(!answer.text.contains(words), "{what}: {}", answer.text);
            }
        }
    }

    async fn an_earlier_value_set_back_does_not_open(clinic: Clinic) {
        let me = clinic.patient.clone();
        let id = write(&clinic, &me, "the first thought").await;
        let first = sealed(&clinic, me.id, id).await;
        let now = clinic.now().to_rfc3339();
        let entry = json!({ "occurred_at": now, "time_zone": "UTC", "body": "the second thought", "visibility": "private" });
        clinic.put(&me, &format!("{PATH}/{id}"), Some("\"1\""), entry).await.expect(200);
        overwrite(&clinic, me.id, id, first).await;
        clinic.get(&me, &format!("{PATH}/{id}")).await.problem(500, "internal");
    }

    async fn sharing_seals_anew_and_the_earlier_version_stays_private(clinic: Clinic) {
        let me = clinic.patient.clone();
        let id = write(&clinic, &me, "at first for me").await;
        let now = clinic.now().to_rfc3339();
        let entry = json!({ "occurred_at": now, "time_zone": "UTC", "body": "now for both", "visibility": "shared" });
        clinic.put(&me, &format!("{PATH}/{id}"), Some("\"1\""), entry).await.expect(200);
        let path = format!("/v1/patients/{}/journal-entries/{id}", me.id);
        let read = clinic.get(&clinic.therapist, &path).await.expect(200);
        assert!(read.text.contains("now for both") && !read.text.contains("at first"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sentence_stands_in_any_file() {
    let clinic = Clinic::on_sqlite().await;
    let me = clinic.patient.clone();
    for number in 0..20 {
        write(&clinic, &me, &format!("the heron stood still {number}")).await;
    }
    let mut mood = clinic.mood(4);
    mood["note"] = json!("the heron flew");
    clinic.post(&me, "/v1/patients/me/mood-scores", mood).await.expect(201);
    let afterglow::store::Place::Folder(folder) = clinic.place() else { unreachable!() };
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for words in ["heron", "Kestrel", "Imani Okonjo", "@example.org", "Harbour Clinic", "Ada Berg"] {
            assert!(!bytes.windows(words.len()).any(|window| window == words.as_bytes()), "{words}");
        }
        seen += bytes.len();
    }
    assert!(seen > 100_000, "the files were looked at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sentence_stands_in_any_table() {
    let clinic = Clinic::on_postgres().await;
    write(&clinic, &clinic.patient.clone(), "the heron stood still").await;
    let db = clinic.app.db.read();
    let tables = "SELECT table_name::text AS name FROM information_schema.tables WHERE table_schema = 'public'";
    let tables = db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, tables)).await.unwrap();
    assert!(tables.len() > 15);
    for table in tables {
        let name: String = table.try_get("", "name").unwrap();
        let bytea = "heron".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
        let sql =
            format!("SELECT count(*) AS n FROM {name} t WHERE t::text LIKE '%heron%' OR t::text LIKE '%{bytea}%'");
        let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 0, "{name}");
    }
}
