//! Schemas as the document shows them, which are those that bodies are checked against.

use crate::{domain::numbers, error::Error};
use jsonschema::Validator;
use poem_openapi::{
    registry::{MetaSchemaRef, Registry},
    types::Type,
};
use serde_json::{Value, json};
use uuid::Uuid;

/// The schema of a type with everything that it refers to, in the manner of the document.
pub(super) fn of<T: Type>() -> Result<Value, Error> {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let mut root = match T::schema_ref() {
        MetaSchemaRef::Inline(schema) => serde_json::to_value(&schema).map_err(Error::internal)?,
        MetaSchemaRef::Reference(name) => json!({ "allOf": [{ "$ref": format!("#/components/schemas/{name}") }] }),
    };
    let mut schemas = serde_json::to_value(&registry.schemas).map_err(Error::internal)?;
    for schema in schemas.as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        for_requests(schema);
    }
    root["components"] = json!({ "schemas": schemas });
    plain(&mut root);
    as_json_schema(&mut root);
    Ok(root)
}

/// A schema ready to be checked against.
pub(super) fn compiled(schema: &Value) -> Result<Validator, Error> {
    let options = jsonschema::draft4::options().should_validate_formats(true);
    options.with_format("uuid", |text: &str| Uuid::parse_str(text).is_ok()).build(schema).map_err(Error::internal)
}

/// In the words that everybody knows: a day is a `date`, and a whole number has no decimal point.
pub(super) fn plain(value: &mut Value) {
    numbers::plain(value);
    name_days(value);
}

fn name_days(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "format" && *member == "naive-date" {
                    *member = "date".into();
                } else {
                    name_days(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(name_days),
        _ => {}
    }
}

/// What holds for everything that comes in: a field that may be left out may as well be null, since many clients cannot
/// leave out; a field that is not named is a mistake, and told.
pub(super) fn for_requests(schema: &mut Value) {
    optional_may_be_null(schema);
    if is_object(schema) && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = false.into();
        // Where none are named, whatever is there is told by its name all the same.
        if schema.get("properties").is_none() {
            schema["properties"] = json!({});
        }
    }
}

/// Whether a schema is that of an object with fields of its own, or with none; not of one of several forms.
fn is_object(schema: &Value) -> bool {
    let forms = ["allOf", "anyOf", "oneOf"].iter().any(|word| schema.get(word).is_some());
    schema.get("properties").is_some() || (schema["type"] == "object" && !forms)
}

/// In answers too, a field that is not required may stand there as null.
pub(super) fn optional_may_be_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties {
        if required.iter().any(|other| other == name) {
            continue;
        }
        if let Some(reference) = property.as_object_mut().and_then(|object| object.remove("$ref")) {
            *property = json!({ "allOf": [{ "$ref": reference }] });
        }
        property["nullable"] = true.into();
    }
}

/// OpenAPI 3.0 in JSON Schema's words: what is nullable is of either form.
fn as_json_schema(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(as_json_schema);
            if members.remove("nullable").is_some_and(|nullable| nullable == true) {
                let form = Value::Object(std::mem::take(members));
                *schema = json!({ "anyOf": [{ "type": "null" }, form] });
            }
        }
        Value::Array(items) => items.iter_mut().for_each(as_json_schema),
        _ => {}
    }
}
