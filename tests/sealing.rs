//! What people typed is unreadable in every file, and a sealed value opens in its own place only.

mod classes;

use crate::{
    on_both,
    support::{Clinic, Person},
};
use afterglow::domain::{
    assessments::Assessment, home_doses::HomeDose, intentions::Intention, journal_entries::JournalEntry,
    mood_scores::MoodScore, prescriptions::Prescription, record::Record, sessions::Session,
};
use chrono::TimeDelta;
use poem::http::Method;
use poem_openapi::types::{Example, ToJSON};
use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseBackend, EntityTrait, IntoActiveModel, Statement};
use serde_json::{Value, json};
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

/// Posts the example of a kind with a word in every member that is sealed.
async fn type_everywhere<R: Record + Example + ToJSON>(clinic: &Clinic, who: &Person) {
    let mut body = R::example().to_json().unwrap();
    for name in R::SEALED {
        let words = format!("heron in {name}");
        body[name] = match *name {
            "prompts" => json!([{ "prompt": words, "answer": words }]),
            "themes" | "feelings" | "body_areas" => json!([words]),
            _ => json!(words),
        };
    }
    let path = format!("/v1/patients/{}/{}", clinic.patient.id, R::KIND.name());
    let made = clinic.post(who, &path, body).await.expect(201).json();
    for name in R::SEALED {
        assert!(made[name].to_string().contains("heron"), "{path}: {name} comes back");
    }
}

async fn patch(clinic: &Clinic, who: &Person, path: &str, body: Value) {
    clinic.call(who, Method::PATCH, path).header("If-Match", "\"1\"").json(&body).send().await.expect(200);
}

/// Everything that anybody can type, typed once.
async fn type_everything(clinic: &Clinic) {
    // The examples are of the days before.
    clinic.clock.advance(TimeDelta::days(7));
    let (me, prescriber) = (&clinic.patient, &clinic.prescriber);
    type_everywhere::<Intention>(clinic, me).await;
    type_everywhere::<Session>(clinic, me).await;
    type_everywhere::<JournalEntry>(clinic, me).await;
    type_everywhere::<MoodScore>(clinic, me).await;
    type_everywhere::<Assessment>(clinic, me).await;
    type_everywhere::<Prescription>(clinic, prescriber).await;
    type_everywhere::<HomeDose>(clinic, me).await;
    let named = json!({ "display_name": "heron", "name_latin": "heron", "pronouns": "heron", "phone": "030 7777777" });
    patch(clinic, me, "/v1/patients/me", named).await;
    patch(clinic, &clinic.admin, "/v1/clinic", json!({ "name": "heron", "phone": "030 7777777" })).await;
    let member = format!("/v1/clinic/members/{}", clinic.therapist.id);
    patch(clinic, &clinic.admin, &member, json!({ "display_name": "heron" })).await;
    let invited = json!({ "email": "heron@heron.example", "kind": "patient", "display_name": "heron" });
    clinic.post(&clinic.therapist, "/v1/invitations", invited).await.expect(201);
    let own = json!({ "kind": "custom", "title": "heron", "active": true,
                      "schedule": { "type": "relative", "to": "dosing-session", "offset": "PT4H" } });
    clinic.post(me, "/v1/patients/me/reminders", own).await.expect(201);
    let flags = clinic.get(&clinic.therapist, "/v1/flags").await.expect(200).json();
    let flag = format!("/v1/flags/{}", flags["items"][0]["id"].as_str().expect("an example raises a flag"));
    for (verb, body) in
        [("resolve", json!({ "outcome": "contacted", "note": "heron" })), ("reopen", json!({ "reason": "heron" }))]
    {
        clinic.call(&clinic.therapist, Method::POST, &format!("{flag}/{verb}")).json(&body).send().await.expect(200);
    }
}

/// The files, or the tables as text, in which these bytes stand.
async fn places_of(clinic: &Clinic, words: &str) -> Vec<String> {
    if let afterglow::store::Place::Folder(folder) = clinic.place() {
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let all: Vec<_> = files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
        assert!(all.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > 100_000, "the files were looked at");
        let holds = |bytes: &[u8]| bytes.windows(words.len()).any(|window| window == words.as_bytes());
        return all.into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect();
    }
    let db = clinic.app.db.read();
    let tables = "SELECT table_schema::text || '.' || table_name::text AS name FROM information_schema.tables \
                  WHERE table_schema IN ('public', 'keys')";
    let tables = db.query_all_raw(Statement::from_string(DatabaseBackend::Postgres, tables)).await.unwrap();
    assert!(tables.len() > 15);
    let bytea = words.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut found = Vec::new();
    for table in tables {
        let name: String = table.try_get("", "name").unwrap();
        let sql =
            format!("SELECT count(*) AS n FROM {name} t WHERE t::text LIKE '%{words}%' OR t::text LIKE '%{bytea}%'");
        let row = db.query_one_raw(Statement::from_string(DatabaseBackend::Postgres, sql)).await.unwrap().unwrap();
        if row.try_get::<i64>("", "n").unwrap() > 0 {
            found.push(name);
        }
    }
    found
}

on_both! {
    async fn nothing_that_anybody_typed_stands_in_the_clear_anywhere(clinic: Clinic) {
        type_everything(&clinic).await;
        for words in ["heron", "7777777", "Imani Okonjo", "@example.org", "Harbour Clinic", "Ada Berg"] {
            assert_eq!(places_of(&clinic, words).await, [""; 0], "{words}");
        }
        // What is plain is found, so the search works.
        assert!(!places_of(&clinic, "Europe/Berlin").await.is_empty());
    }

    async fn a_long_body_of_many_scripts_comes_back_byte_for_byte(clinic: Clinic) {
        // An emoji of several parts, right-to-left, combining marks in no canonical order, white space at both ends.
        let piece = " 👩🏽\u{200d}🚀 שָׁלוֹם مرحبا e\u{301}\u{323} ﷺ A\u{30a}Å\u{202e}abc\u{202c} \t\n";
        let body: String = piece.chars().cycle().take(10_000).collect();
        let me = clinic.patient.clone();
        let id = write(&clinic, &me, &body).await;
        let read = clinic.get(&me, &format!("{PATH}/{id}")).await.expect(200).json();
        assert_eq!(read["body"].as_str().unwrap().as_bytes(), body.as_bytes());
        let listed = clinic.get(&me, PATH).await.expect(200).json();
        assert_eq!(listed["items"][0]["body"].as_str().unwrap(), body);
    }
}
