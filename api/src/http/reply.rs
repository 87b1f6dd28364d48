//! What goes out of a record: its JSON as it was spliced, under the schema that the document shows.

use super::{
    raw::{Raw, page_schema, schema_only},
    resource::Resource,
};
use crate::domain::{
    instant::Instant,
    record::{Horizon, Valid},
    support::Support,
};
use chrono::{DateTime, TimeDelta};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;
use std::marker::PhantomData;
use uuid::Uuid;

/// What every record carries beside its own fields.
#[derive(Debug, Clone, Object)]
pub struct Envelope {
    /// UUID of version 7 or 4; a client may choose it.
    pub id: Uuid,
    /// Rises by one with every change; the ETag.
    pub version: i64,
    /// When it happened for the patient, in the offset of `time_zone`.
    pub occurred_at: Instant,
    /// Where the patient was: an IANA zone.
    pub time_zone: String,
    /// When the server first had it.
    pub created_at: Instant,
    /// When the server got this version.
    pub updated_at: Instant,
    /// The account that made it.
    pub created_by: Uuid,
}

/// A stored record: envelope and fields side by side, named after its resource.
pub struct Stored<R>(PhantomData<R>);

/// One page of a list of them.
pub struct PageOf<R>(PhantomData<R>);

schema_only!(@R Stored<R>, R::NAME, |registry| stored_schema::<R>(registry));
schema_only!(@R PageOf<R>, format!("{}Page", R::NAME), |registry| {
    Stored::<R>::register(registry);
    let example = serde_json::json!({ "items": [example::<R>()], "next_cursor": null });
    page_schema(Stored::<R>::schema_ref(), example)
});

/// The fields of the envelope and of the body, and what the server adds.
fn stored_schema<R: Resource>(registry: &mut Registry) -> MetaSchema {
    let (envelope, body) = (registry.create_fake_schema::<Envelope>(), registry.create_fake_schema::<R>());
    let derived = R::derived_schema(registry);
    let mut required = envelope.required;
    required.extend(body.required.iter().filter(|name| !required.contains(name)).copied().collect::<Vec<_>>());
    required.extend(derived.iter().map(|(name, _)| *name));
    let mut properties = envelope.properties;
    properties.extend(body.properties.into_iter().filter(|(name, _)| !matches!(*name, "occurred_at" | "time_zone")));
    properties.extend(derived);
    properties.push(("support", support_schema(registry)));
    MetaSchema {
        description: body.description,
        required,
        properties,
        example: example::<R>(),
        ..MetaSchema::new("object")
    }
}

/// What only the answer to a write may carry.
fn support_schema(registry: &mut Registry) -> MetaSchemaRef {
    Support::register(registry);
    Support::schema_ref().merge(MetaSchema {
        description: Some(
            "In the answer to a write alone, to the patient alone: what to do now, because the record is evidence of \
             something grave.",
        ),
        ..MetaSchema::ANY
    })
}

/// A clock by which every example has happened.
fn horizon() -> Horizon {
    let now = DateTime::from_timestamp(1_774_008_000, 0).unwrap_or_default();
    Horizon { now, zone: chrono_tz::Europe::Berlin }
}

/// The example of the body as it comes back, checked and completed as any other.
pub(super) fn example<R: Resource>() -> Option<Value> {
    let valid = Valid::new(R::example(), &horizon()).ok()?;
    let (record, occurrence) = (valid.record(), *valid.occurrence());
    let written_at = Instant::from(occurrence.at + TimeDelta::milliseconds(2_118));
    let mut example = serde_json::json!({
        "id": EXAMPLE_ID,
        "version": 1,
        "occurred_at": Instant::from(occurrence),
        "time_zone": occurrence.zone.name(),
        "created_at": written_at,
        "updated_at": written_at,
        "created_by": "0195a1c0-11d4-7c60-9f3b-5a1e0c7d2b44",
    });
    if let (Value::Object(all), Some(Value::Object(mut body))) = (&mut example, record.to_json()) {
        body.remove("occurred_at");
        all.extend(body);
        all.extend(record.derived());
    }
    Some(example)
}

/// The id of the record that examples show.
pub(super) const EXAMPLE_ID: &str = "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10";

/// One record.
#[derive(ApiResponse)]
pub enum One<R: Resource> {
    /// The record, with its version as ETag.
    #[oai(status = 200)]
    Found(Raw<Stored<R>>, #[oai(header = "ETag")] String),
}

/// A record that was just made, or made by the same request before.
#[derive(ApiResponse)]
pub enum Made<R: Resource> {
    /// The record was made.
    #[oai(status = 201)]
    Made(Raw<Stored<R>>, #[oai(header = "ETag")] String),
}

/// A record that was made or replaced.
#[derive(ApiResponse)]
pub enum Put<R: Resource> {
    /// The record was replaced, or was so already.
    #[oai(status = 200)]
    Replaced(Raw<Stored<R>>, #[oai(header = "ETag")] String),
    /// The record was made.
    #[oai(status = 201)]
    Made(Raw<Stored<R>>, #[oai(header = "ETag")] String),
}

/// A page.
#[derive(ApiResponse)]
pub enum Many<R: Resource> {
    /// One page, newest first.
    #[oai(status = 200)]
    Page(Raw<PageOf<R>>),
}

/// Nothing more to say.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}
