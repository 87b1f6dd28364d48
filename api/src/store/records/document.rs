//! A row and the JSON document that it stands for.

use crate::{
    domain::{
        instant::Instant,
        numbers,
        record::{Kind, Occurrence, Record, Valid, Visibility},
    },
    error::Error,
    security::seal::{Class, OwnerKeys, Spot},
    store::zones::zone_of,
};
use chrono::{DateTime, Utc};
use entities::{Micros, record, record_version};
use sea_orm::DerivePartialModel;
use serde_json::{Map, Value};
use std::fmt::Write;
use uuid::Uuid;

/// The columns that a reply is made of. A page reads no other: each costs as much as sealing a value does.
#[derive(DerivePartialModel)]
#[sea_orm(entity = "record::Entity")]
pub(super) struct Row {
    pub(super) id: Uuid,
    kind: i16,
    version: i64,
    pub(super) occurred_at: Micros,
    time_zone: String,
    created_at: Micros,
    updated_at: Micros,
    created_by: Uuid,
    visibility: i16,
    facts: String,
    sealed: Option<Vec<u8>>,
}

/// About what the envelope of a document takes, in bytes.
const ENVELOPE: usize = 320;

/// About what a document takes, in bytes: what is sealed is no shorter than what it says.
pub(super) fn bytes(facts: &str, sealed: Option<&[u8]>) -> usize {
    ENVELOPE + facts.len() + sealed.map_or(0, <[u8]>::len)
}

impl Row {
    /// About what its document takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        bytes(&self.facts, self.sealed.as_deref())
    }
}

impl From<&record::Model> for Row {
    fn from(row: &record::Model) -> Self {
        let record::Model { id, kind, version, occurred_at, created_at, updated_at, created_by, visibility, .. } = *row;
        let (time_zone, facts, sealed) = (row.time_zone.clone(), row.facts.clone(), row.sealed.clone());
        Self {
            id,
            kind,
            version,
            occurred_at,
            time_zone,
            created_at,
            updated_at,
            created_by,
            visibility,
            facts,
            sealed,
        }
    }
}

/// An opened record, as its reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its kind.
    pub kind: Kind,
    /// Its id.
    pub id: Uuid,
    /// Its version, which is its ETag.
    pub version: i64,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When the server got this version.
    pub updated_at: DateTime<Utc>,
    /// The JSON object: envelope and members.
    pub json: String,
}

impl Document {
    /// Adds a member that belongs to the answer, not to the record.
    pub fn with_member(mut self, name: &str, value: &impl serde::Serialize) -> Result<Self, Error> {
        self.json.pop();
        self.json.push_str(&format!(",\"{name}\":{}}}", serde_json::to_string(value).map_err(Error::internal)?));
        Ok(self)
    }

    /// As a JSON value, for where it stands inside another.
    pub fn to_value(&self) -> Result<Value, Error> {
        serde_json::from_str(&self.json).map_err(Error::internal)
    }

    /// Opens a row.
    pub(super) fn open(row: &Row, keys: &OwnerKeys, clinic: Uuid) -> Result<Self, Error> {
        let kind = Kind::from_code(row.kind).ok_or_else(|| Error::internal("a record of no known kind"))?;
        let words = match &row.sealed {
            None => String::new(),
            Some(sealed) => keys.open(&spot(clinic, row.id, row.version, row.visibility), sealed)?,
        };
        let occurred_at = DateTime::from(row.occurred_at);
        let json = splice(row, &words)?;
        let updated_at = row.updated_at.into();
        Ok(Self { kind, id: row.id, version: row.version, occurred_at, updated_at, json })
    }
}

/// A row's members as a record of its kind.
pub(super) fn decode<R: Record>(document: &Document) -> Result<R, Error> {
    serde_json::from_str(&document.json).map_err(|error| Error::internal(format!("a stored record: {error}")))
}

/// What a record is stored as, beside its columns.
pub(super) struct Parts {
    pub(super) facts: String,
    pub(super) words: Option<String>,
}

/// Divides a record into what may stand in the clear and what a person typed.
pub(super) fn divide<R: Record>(valid: &Valid<R>) -> Result<Parts, Error> {
    let Value::Object(mut facts) = serde_json::to_value(valid.record()).map_err(Error::internal)? else {
        return Err(Error::internal("a record is an object"));
    };
    for column in ["occurred_at", "time_zone"] {
        facts.remove(column);
    }
    let words: Map<String, Value> =
        R::SEALED.iter().filter_map(|name| Some(((*name).to_owned(), facts.remove(*name)?))).collect();
    facts.extend(valid.record().derived());
    let mut facts = Value::Object(facts);
    numbers::plain(&mut facts);
    Ok(Parts {
        facts: facts.to_string(),
        words: if words.is_empty() { None } else { Some(serde_json::to_string(&words).map_err(Error::internal)?) },
    })
}

/// Where a record's words lie: their key's class follows who may read them.
pub(super) fn spot(clinic: Uuid, row: Uuid, revision: i64, visibility: i16) -> Spot<'static> {
    let class = if visibility == Visibility::Shared.code() { Class::Shared } else { Class::Private };
    Spot { table: "record", column: "sealed", clinic, row, revision, class }
}

/// An earlier version as if it were the newest.
pub(super) fn as_of(version: record_version::Model, newest: &Row) -> Row {
    Row {
        id: newest.id,
        kind: newest.kind,
        version: version.version,
        occurred_at: version.occurred_at,
        time_zone: version.time_zone,
        created_at: newest.created_at,
        updated_at: version.updated_at,
        created_by: newest.created_by,
        visibility: version.visibility,
        facts: version.facts,
        sealed: version.sealed,
    }
}

fn splice(row: &Row, words: &str) -> Result<String, Error> {
    let zone = zone_of(&row.time_zone)?;
    let occurred_at = Instant::from(Occurrence { at: row.occurred_at.into(), zone });
    let mut json = String::with_capacity(ENVELOPE + row.facts.len() + words.len());
    write!(
        json,
        "{{\"id\":\"{}\",\"version\":{},\"occurred_at\":\"{occurred_at}\",\"time_zone\":\"{}\",\
         \"created_at\":\"{}\",\"updated_at\":\"{}\",\"created_by\":\"{}\"",
        row.id,
        row.version,
        row.time_zone,
        server(row.created_at),
        server(row.updated_at),
        row.created_by,
    )
    .map_err(Error::internal)?;
    for object in [row.facts.as_str(), words] {
        let members = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        if !members.is_empty() {
            json.push(',');
            json.push_str(members);
        }
    }
    json.push('}');
    Ok(json)
}

/// An instant of the server's.
fn server(at: Micros) -> Instant {
    DateTime::<Utc>::from(at).into()
}
