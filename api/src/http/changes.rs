//! `/v1/patients/{patient}/changes`: what changed since, for a phone that was offline.

use super::{
    every::EveryRecord,
    permit::Permit,
    raw::{Raw, array_schema, schema_only, splice},
    reply::{EXAMPLE_ID, example},
    resource::{PATIENT, Tag},
};
use crate::{
    app::App,
    domain::{mood_scores::MoodScore, record::Kind},
    error::Error,
    security::access::ReadRecords,
    store::records::{self, Change, Changes},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use poem_openapi::{
    ApiResponse, OpenApi,
    param::Query,
    registry::{MetaSchema, MetaSchemaRef},
};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// Bytes of the code in a cursor.
const CODE: usize = 12;

/// What changed since.
pub struct ChangesPage;

schema_only!(ChangesPage, "ChangesPage", |registry| {
    EveryRecord::register(registry);
    Kind::register(registry);
    let record = MetaSchema {
        all_of: vec![EveryRecord::schema_ref()],
        nullable: true,
        description: Some("The record as it is now; null once it is gone."),
        ..MetaSchema::ANY
    };
    let change = MetaSchema {
        required: vec!["resource", "id", "version", "deleted", "record"],
        properties: vec![
            ("resource", Kind::schema_ref()),
            ("id", Uuid::schema_ref()),
            ("version", i64::schema_ref()),
            ("deleted", bool::schema_ref()),
            ("record", MetaSchemaRef::Inline(Box::new(record))),
        ],
        ..MetaSchema::new("object")
    };
    let has_more = MetaSchema {
        description: Some(
            "False at the end, and nowhere else: an answer whose texts are long ends before its `limit`.",
        ),
        ..MetaSchema::new("boolean")
    };
    MetaSchema {
        required: vec!["changes", "next", "has_more"],
        properties: vec![
            ("changes", array_schema(MetaSchemaRef::Inline(Box::new(change)))),
            ("next", String::schema_ref()),
            ("has_more", MetaSchemaRef::Inline(Box::new(has_more))),
        ],
        example: Some(shown()),
        ..MetaSchema::new("object")
    }
});

/// A record that was written, and one that was deleted.
fn shown() -> Value {
    let written = json!({ "resource": Kind::MoodScores, "id": EXAMPLE_ID, "version": 1, "deleted": false, "record": example::<MoodScore>() });
    let deleted = json!({ "resource": Kind::Sessions, "id": "0195a1c3-0d52-7a19-b1f0-6e4c2d9a8b37", "version": 2, "deleted": true, "record": null });
    json!({ "changes": [written, deleted], "next": "AAAAAAAAAAyPq0Q5cHlzdG9yZWQhIQ", "has_more": false })
}

/// An answer to what changed.
#[derive(ApiResponse)]
enum Since {
    /// Every record that changed, once, in commit order.
    #[oai(status = 200)]
    Changed(Raw<ChangesPage>),
}

/// What changed since.
pub struct ChangesSince(App);

impl ChangesSince {
    /// The operation, over the app.
    pub fn new(app: &App) -> Self {
        Self(app.clone())
    }
}

#[OpenApi(prefix_path = PATIENT, tag = "Tag::Timeline")]
impl ChangesSince {
    /// Read what changed
    ///
    /// Every record that was made, changed or deleted since the cursor, each once as it is now, in the order of the
    /// commits: no gap and no double, whoever writes meanwhile. Without a cursor: from the beginning.
    #[oai(path = "/changes", method = "get", operation_id = "changes_list")]
    async fn list(
        &self,
        permit: Permit<ReadRecords>,
        /// The `next` of the answer before.
        since: Query<Option<String>>,
        /// How many at most; 100 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
    ) -> Result<Since, Error> {
        let patient = permit.scope.patient;
        let seq = since.0.as_deref().map_or(Ok(0), |cursor| decode(&self.0, patient, cursor))?;
        let keys = self.0.keys.of_patient(patient).await?;
        let limit = limit.0.unwrap_or(100);
        let since = records::changes_since(self.0.db.read(), &keys, &permit.scope, seq, limit).await?;
        permit.audit_read(&self.0, "changes_list", None).await?;
        Ok(Since::Changed(Raw::new(written(&since, &encode(&self.0, patient, since.next)))))
    }
}

fn written(since: &Changes, next: &str) -> String {
    let changes = splice(since.changes.iter().map(change));
    format!("{{\"changes\":{changes},\"next\":\"{next}\",\"has_more\":{}}}", since.has_more)
}

fn change(change: &Change) -> String {
    let record = change.document.as_ref().map_or("null", |document| &document.json);
    format!(
        "{{\"resource\":\"{}\",\"id\":\"{}\",\"version\":{},\"deleted\":{},\"record\":{record}}}",
        change.kind.name(),
        change.id,
        change.version,
        change.document.is_none(),
    )
}

/// The number, veiled, with a code that only this installation can make for this patient: a cursor that is kept after the
/// database was set up anew must not be taken for a place in it. The number counts all of a patient's writes, private ones
/// too: it is for nobody to read.
fn encode(app: &App, patient: Uuid, seq: i64) -> String {
    let code = app.keys.codes().code("changes", &[&patient.as_bytes()[..], &seq.to_be_bytes()].concat());
    let veiled = seq ^ veil(app, patient, &code[..CODE]);
    URL_SAFE_NO_PAD.encode([&veiled.to_be_bytes()[..], &code[..CODE]].concat())
}

fn decode(app: &App, patient: Uuid, cursor: &str) -> Result<i64, Error> {
    let wrong = || Error::bad_request("query:since", "must be the `next` of an earlier answer");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (veiled, code) = bytes.split_first_chunk::<8>().filter(|(_, code)| code.len() == CODE).ok_or_else(wrong)?;
    let seq = i64::from_be_bytes(*veiled) ^ veil(app, patient, code);
    let same: bool = encode(app, patient, seq).as_bytes().ct_eq(cursor.as_bytes()).into();
    if same { Ok(seq) } else { Err(Error::ForeignCursor) }
}

/// What hides a number: another one for every code.
fn veil(app: &App, patient: Uuid, code: &[u8]) -> i64 {
    let veil = app.keys.codes().code("changes veil", &[&patient.as_bytes()[..], code].concat());
    veil.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes))
}
