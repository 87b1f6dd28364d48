//! Who made a record and who wrote which version of it, whoever may change it.

use crate::{on_both, support::Clinic};
use entities::{record, record_version};
use poem::http::Method;
use sea_orm::{EntityTrait, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

fn session(notes: &str) -> Value {
    json!({ "kind": "dosing", "state": "planned", "starts_at": "2026-03-20T10:00:00Z", "time_zone": "Europe/Berlin",
            "setting": "clinic", "notes": notes })
}

/// Who wrote each version, the first one first.
async fn writers(clinic: &Clinic) -> Vec<Uuid> {
    let (db, older) =
        (clinic.app.db.read(), record_version::Entity::find().order_by_asc(record_version::Column::Version));
    let mut writers: Vec<_> = older.all(db).await.unwrap().iter().map(|row| row.written_by).collect();
    writers.push(record::Entity::find().one(db).await.unwrap().unwrap().written_by);
    writers
}

on_both! {
    async fn who_made_a_record_made_it_whoever_wrote_it_since(clinic: Clinic) {
        let (me, therapist, prescriber) = (&clinic.patient, &clinic.therapist, &clinic.prescriber);
        let path = format!("/v1/patients/{}/sessions", me.id);
        let made = clinic.post(me, &path, session("As I wish it.")).await.expect(201).json();
        assert_eq!((&made["created_by"], made.get("written_by")), (&json!(me.id), None));
        let path = format!("{path}/{}", made["id"].as_str().unwrap());
        clinic.clock.advance(chrono::TimeDelta::hours(1));
        for (version, who) in [(2, therapist), (3, prescriber), (4, me)] {
            let held = format!("\"{}\"", version - 1);
            let put = clinic.put(who, &path, Some(&held), session(&format!("The words of version {version}."))).await;
            assert_eq!(put.expect(200).json()["created_by"], json!(me.id));
            for reader in [me, therapist] {
                let read = clinic.get(reader, &path).await.expect(200).json();
                assert_eq!((&read["created_by"], &read["version"]), (&json!(me.id), &json!(version)));
                assert_eq!(read["created_at"], made["created_at"]);
            }
        }
        assert_eq!(writers(&clinic).await, [me.id, therapist.id, prescriber.id, me.id]);
        clinic.call(therapist, Method::DELETE, &path).header("If-Match", "\"4\"").send().await.expect(204);
        assert_eq!(writers(&clinic).await, [me.id, therapist.id, prescriber.id, me.id, therapist.id]);
        let row = record::Entity::find().one(clinic.app.db.read()).await.unwrap().unwrap();
        assert_eq!((row.created_by, row.deleted), (me.id, true));
    }

    async fn what_a_member_makes_for_a_patient_is_the_members(clinic: Clinic) {
        let (me, therapist) = (&clinic.patient, &clinic.therapist);
        let path = format!("/v1/patients/{}/sessions/{}", me.id, clinic.clock.new_id());
        clinic.put(therapist, &path, None, session("As we agreed.")).await.expect(201);
        let put = clinic.put(me, &path, Some("\"1\""), session("A word of mine.")).await.expect(200).json();
        assert_eq!(put["created_by"], json!(therapist.id));
        assert_eq!(writers(&clinic).await, [therapist.id, me.id]);
        // The history tells the same.
        let changes = clinic.get(me, "/v1/patients/me/changes").await.expect(200).json();
        assert_eq!(changes["changes"][0]["record"]["created_by"], json!(therapist.id));
    }
}
