//! JSON that is written already, under the schema that the document shows: records are spliced, not mapped twice.

use crate::error::Error;
use poem::{IntoResponse, Response};
use poem_openapi::{
    payload::Payload,
    registry::{MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};
use serde::Serialize;
use serde_json::Value;
use std::marker::PhantomData;

/// JSON in the shape of `T`.
pub struct Raw<T>(String, PhantomData<T>);

impl<T> Raw<T> {
    /// JSON of this shape.
    pub fn new(json: String) -> Self {
        Self(json, PhantomData)
    }

    /// A long answer, written once: poem-openapi would make a map of each object first.
    pub fn of(value: &T) -> Result<Self, Error>
    where
        T: Serialize,
    {
        serde_json::to_string(value).map(Self::new).map_err(Error::internal)
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

/// A JSON array of objects that are written already.
pub(super) fn splice<T: AsRef<str>>(items: impl Iterator<Item = T>) -> String {
    let mut json = String::new();
    splice_onto(&mut json, items);
    json
}

/// A page of objects that are written already.
pub(super) fn splice_page<T: AsRef<str>>(items: impl Iterator<Item = T>, next_cursor: Option<String>) -> String {
    let mut json = String::from("{\"items\":");
    splice_onto(&mut json, items);
    match next_cursor {
        Some(cursor) => json.push_str(&format!(",\"next_cursor\":\"{cursor}\"}}")),
        None => json.push_str(",\"next_cursor\":null}"),
    }
    json
}

fn splice_onto<T: AsRef<str>>(json: &mut String, items: impl Iterator<Item = T>) {
    json.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            json.push(',');
        }
        json.push_str(item.as_ref());
    }
    json.push(']');
}

/// The schema of a list.
pub(super) fn array_schema(item: MetaSchemaRef) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(MetaSchema { items: Some(Box::new(item)), ..MetaSchema::new("array") }))
}

/// The schema of a page of some items.
pub(super) fn page_schema(item: MetaSchemaRef, example: Value) -> MetaSchema {
    let cursor = MetaSchema {
        nullable: true,
        description: Some(
            "Where the next page begins; null on the last one, and on no other: a page whose texts are long ends before \
             its `limit`.",
        ),
        ..MetaSchema::new("string")
    };
    MetaSchema {
        required: vec!["items", "next_cursor"],
        properties: vec![("items", array_schema(item)), ("next_cursor", MetaSchemaRef::Inline(Box::new(cursor)))],
        example: Some(example),
        ..MetaSchema::new("object")
    }
}

/// A type that is only named in the document; its JSON is written elsewhere.
macro_rules! schema_only {
    ($(@$resource:ident)? $type:ty, $name:expr, |$registry:ident| $schema:expr) => {
        impl$(<$resource: $crate::http::resource::Resource>)? poem_openapi::types::Type for $type {
            const IS_REQUIRED: bool = true;
            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                poem_openapi::registry::MetaSchemaRef::Reference(<Self as poem_openapi::types::Type>::name().into_owned())
            }

            fn register($registry: &mut poem_openapi::registry::Registry) {
                let name = <Self as poem_openapi::types::Type>::name().into_owned();
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
pub(super) use schema_only;
