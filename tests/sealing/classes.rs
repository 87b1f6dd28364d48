//! Under which key what somebody typed lies. Destroying one, or giving one away, is to say what it says: the patient's own
//! words, what the care team reads, names and addresses, the clinic's.

use super::{PATH, type_everything, write};
use crate::{on_both, support::Clinic};
use afterglow::{
    domain::{accounts::AccountKind, record::Visibility},
    security::seal::Class,
    store::Place,
};
use entities::{account, clinic, flag, invitation, member, patient, record, record_version, reminder};
use poem::http::Method;
use sea_orm::{ConnectionTrait, Database, DatabaseBackend, EntityTrait, Statement};
use serde_json::json;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Whose each key is, and what it opens, as the key store says.
struct KeyStore(HashMap<Uuid, (Uuid, i16)>);

impl KeyStore {
    async fn read(clinic: &Clinic) -> Self {
        let columns = "SELECT id, owner_id, class FROM";
        Self(match clinic.place() {
            Place::Folder(folder) => {
                let file = rusqlite::Connection::open(folder.join("keys.db")).unwrap();
                let mut rows = file.prepare(&format!("{columns} wrapped_key")).unwrap();
                let id = |bytes: Vec<u8>| Uuid::from_slice(&bytes).unwrap();
                let key = |row: &rusqlite::Row| Ok((id(row.get(0)?), (id(row.get(1)?), row.get(2)?)));
                rows.query_map([], key).unwrap().map(Result::unwrap).collect()
            }
            Place::Url(url) => {
                let sql = format!("{columns} keys.wrapped_key");
                let statement = Statement::from_string(DatabaseBackend::Postgres, sql);
                let rows = Database::connect(url).await.unwrap().query_all_raw(statement).await.unwrap();
                let key = |row: &sea_orm::QueryResult| {
                    let whose = (row.try_get("", "owner_id").unwrap(), row.try_get("", "class").unwrap());
                    (row.try_get("", "id").unwrap(), whose)
                };
                rows.iter().map(key).collect()
            }
        })
    }

    /// Whose key a value is sealed under, and of which class: its id stands behind version and algorithm.
    fn of(&self, value: &[u8]) -> (Uuid, i16) {
        self.0[&Uuid::from_slice(&value[2..18]).unwrap()]
    }
}

/// The class of a record's words.
fn class(visibility: i16) -> Class {
    if visibility == Visibility::Shared.code() { Class::Shared } else { Class::Private }
}

/// The rows of a table.
macro_rules! rows {
    ($clinic:ident, $table:ident) => {
        $table::Entity::find().all($clinic.app.db.read()).await.unwrap()
    };
}

on_both! {
    async fn the_patients_own_words_and_the_shared_ones_lie_under_different_keys(clinic: Clinic) {
        type_everything(&clinic).await;
        let me = &clinic.patient;
        let entry = |body: &str, visibility: &str| {
            json!({ "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC", "body": body, "visibility": visibility })
        };
        // For oneself, then for both, then for oneself again, then gone: each version keeps the key that it was written under.
        let path = format!("{PATH}/{}", write(&clinic, me, "for myself").await);
        clinic.put(me, &path, Some("\"1\""), entry("for both", "shared")).await.expect(200);
        clinic.put(me, &path, Some("\"2\""), entry("for myself again", "private")).await.expect(200);
        clinic.call(me, Method::DELETE, &path).header("If-Match", "\"3\"").send().await.expect(204);

        let (keys, mut seen) = (KeyStore::read(&clinic).await, BTreeSet::new());
        for row in rows!(clinic, record) {
            let Some(sealed) = row.sealed else { continue };
            let class = class(row.visibility).code();
            assert_eq!(keys.of(&sealed), (me.id, class), "{row:?}", row = (row.kind, row.visibility));
            seen.insert((row.kind, class));
        }
        assert_eq!(seen.iter().map(|(kind, _)| kind).collect::<BTreeSet<_>>().len(), 7, "{seen:?}");
        assert_eq!(seen.iter().map(|(_, class)| *class).collect::<BTreeSet<_>>(), [Class::Shared.code(), Class::Private.code()].into());
        let mut versions = rows!(clinic, record_version);
        versions.sort_by_key(|row| row.version);
        let under: Vec<_> = versions.iter().map(|row| keys.of(row.sealed.as_ref().unwrap())).collect();
        let [private, shared] = [Class::Private, Class::Shared].map(|class| (me.id, class.code()));
        assert_eq!(under, [private, shared, private]);
    }

    async fn names_and_addresses_lie_under_the_profiles_key_and_the_clinics_words_under_its_own(clinic: Clinic) {
        type_everything(&clinic).await;
        let keys = KeyStore::read(&clinic).await;
        let (house, profile) = (Class::Clinic.code(), Class::Profile.code());
        for row in rows!(clinic, patient) {
            assert_eq!(keys.of(&row.sealed), (row.id, profile), "a profile");
        }
        let of = |kind, patient| match AccountKind::from_code(kind) {
            AccountKind::Patient => (patient, profile),
            AccountKind::Member => (clinic.id, house),
        };
        for row in rows!(clinic, account) {
            assert_eq!(keys.of(&row.sealed), of(row.kind, row.id), "an account");
        }
        let invited = json!({ "email": "sam@example.org", "kind": "member", "roles": ["admin"], "display_name": "Sam" });
        clinic.post(&clinic.admin, "/v1/invitations", invited).await.expect(201);
        let invitations = rows!(clinic, invitation);
        assert_eq!(invitations.len(), 2, "of a patient and of a member");
        for row in invitations {
            assert_eq!(keys.of(&row.sealed), of(row.kind, row.patient_id.unwrap_or_default()), "an invitation");
        }
        for row in rows!(clinic, member) {
            assert_eq!(keys.of(&row.sealed), (clinic.id, house), "a member");
        }
        for row in rows!(clinic, clinic) {
            assert_eq!(keys.of(&row.sealed), (row.id, house), "a clinic");
        }
    }

    async fn what_the_care_team_works_with_lies_under_the_shared_key(clinic: Clinic) {
        type_everything(&clinic).await;
        let (keys, shared) = (KeyStore::read(&clinic).await, (clinic.patient.id, Class::Shared.code()));
        let mut sealed: Vec<_> = rows!(clinic, flag).into_iter().filter_map(|row| row.sealed).collect();
        assert!(!sealed.is_empty(), "a note and a reason");
        let titles = rows!(clinic, reminder).into_iter().filter(|row| row.patient_id == clinic.patient.id);
        sealed.extend(titles.filter_map(|row| row.sealed));
        assert!(sealed.len() > 1, "a title of the patient's own");
        assert!(sealed.iter().all(|value| keys.of(value) == shared));
    }
}
