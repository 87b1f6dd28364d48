//! What goes out of a record: its JSON as it was spliced, under the schema that the document shows.

use super::resource::Resource;
use chrono::{DateTime, FixedOffset, Utc};
use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, Object,
    payload::Payload,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::Value;
use std::{borrow::Cow, marker::PhantomData};
use uuid::Uuid;

/// What every record carries beside its own fields.
#[derive(Debug, Clone, Object)]
pub struct Envelope {
    /// UUID of version 7 or 4; a client may choose it.
    pub id: Uuid,
    /// Rises by one with every change; the ETag.
    pub version: i64,
    /// When it happened for the patient, in the offset of `time_zone`.
    pub occurred_at: DateTime<FixedOffset>,
    /// Where the patient was: an IANA zone.
    pub time_zone: String,
    /// When the server first had it.
    pub created_at: DateTime<Utc>,
    /// When the server got this version.
    pub updated_at: DateTime<Utc>,
    /// The account that made it.
    pub created_by: Uuid,
}

/// A stored record: envelope and fields side by side, named after its resource.
pub struct Stored<R>(PhantomData<R>);

/// One page of a list of them.
pub struct PageOf<R>(PhantomData<R>);

/// JSON that is written already, in the shape of `T`.
pub struct Raw<T>(String, PhantomData<T>);

impl<T> Raw<T> {
    /// JSON of this shape.
    pub fn new(json: String) -> Self {
        Self(json, PhantomData)
    }
}

impl<R: Resource> Raw<PageOf<R>> {
    /// A page of records, spliced.
    pub fn page<'a>(items: impl Iterator<Item = &'a str>, next_cursor: Option<String>) -> Self {
        let mut json = String::from("{\"items\":[");
        for (index, item) in items.enumerate() {
            if index > 0 {
                json.push(',');
            }
            json.push_str(item);
        }
        json.push_str("],\"next_cursor\":");
        json.push_str(&next_cursor.map_or_else(|| "null".into(), |cursor| format!("\"{cursor}\"")));
        json.push('}');
        Self::new(json)
    }
}

impl<T: Type> Payload for Raw<T> {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: Send> IntoResponse for Raw<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type("application/json").body(self.0)
    }
}

/// A type that is only ever named in the document and written as JSON elsewhere.
macro_rules! named {
    ($type:ident, $resource:ident, $name:expr, |$registry:ident| $schema:expr) => {
        impl<$resource: Resource> Type for $type<$resource> {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Reference(Self::name().into_owned())
            }

            fn register($registry: &mut Registry) {
                let name = Self::name().into_owned();
                let schema = $schema;
                $registry.create_schema::<Self, _>(name, |_| schema);
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

named!(Stored, R, R::NAME, |registry| stored_schema::<R>(registry));
named!(PageOf, R, format!("{}Page", R::NAME), |registry| {
    Stored::<R>::register(registry);
    page_schema(Stored::<R>::schema_ref())
});

/// The schema of a page of some items.
pub fn page_schema(item: MetaSchemaRef) -> MetaSchema {
    let items = MetaSchema { items: Some(Box::new(item)), ..MetaSchema::new("array") };
    let cursor = MetaSchema {
        nullable: true,
        description: Some("Where the next page begins; null on the last one."),
        ..MetaSchema::new("string")
    };
    MetaSchema {
        required: vec!["items", "next_cursor"],
        properties: vec![
            ("items", MetaSchemaRef::Inline(Box::new(items))),
            ("next_cursor", MetaSchemaRef::Inline(Box::new(cursor))),
        ],
        ..MetaSchema::new("object")
    }
}

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
    MetaSchema {
        description: body.description,
        required,
        properties,
        example: example::<R>(),
        ..MetaSchema::new("object")
    }
}

/// The example of the body, as it comes back.
fn example<R: Resource>() -> Option<Value> {
    let mut example = serde_json::json!({
        "id": "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10",
        "version": 1,
        "occurred_at": "2026-03-14T08:05:00.000000+01:00",
        "time_zone": "Europe/Berlin",
        "created_at": "2026-03-14T07:05:02.118000Z",
        "updated_at": "2026-03-14T07:05:02.118000Z",
        "created_by": "0195a1c0-11d4-7c60-9f3b-5a1e0c7d2b44",
    });
    if let (Value::Object(all), Some(Value::Object(body))) = (&mut example, R::example().to_json()) {
        all.extend(body);
        all.extend(R::example().derived());
    }
    Some(example)
}

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
