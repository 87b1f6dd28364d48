//! Whether a value fits the very schema that the document shows, and as much of it as could be read.

use super::{Notes, inside, words};
use crate::{
    domain::faults::{Faults, Given},
    error::Error,
    http::schema,
};
use jsonschema::{
    JsonType, ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use poem_openapi::types::{Example, ParseFromJSON, ToJSON, Type};
use serde_json::{Map, Value};
use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

/// A type that a body can be of.
pub trait Body: ParseFromJSON + ToJSON + Type + Example + 'static {}
impl<T: ParseFromJSON + ToJSON + Type + Example + 'static> Body for T {}

/// The value as a `T`, with everything that is wrong with its form; `again` is the same value once more. The outer error
/// is a fault of ours.
pub(super) fn given<T: Body>(value: Value, mut notes: Notes, again: impl FnOnce() -> Value) -> Result<Given<T>, Error> {
    for error in validator::<T>()?.iter_errors(&value).take(super::FAULTS) {
        describe(&error, &mut notes);
    }
    let value = if notes.is_empty() {
        if let Ok(whole) = T::parse_from_json(Some(value)) {
            return Ok(Given::whole(whole));
        }
        let value = again();
        notes.add(|| culprit::<T>(&value).unwrap_or_default(), "does not fit the schema of this operation");
        value
    } else {
        value
    };
    let faults = notes.faults();
    let (rest, stand_ins) = rest(value, &faults);
    Ok(Given::broken(rest, faults, stand_ins))
}

/// What could be read, and which members of it come from the example because they could not; `None`: all of them.
fn rest<T: Body>(value: Value, faults: &Faults) -> (T, Option<BTreeSet<String>>) {
    let wrong: BTreeSet<String> = faults.0.iter().filter_map(|fault| first_member(&fault.pointer)).collect();
    let mended = match value {
        Value::Object(mut members) => {
            let example = example::<T>();
            for name in &wrong {
                match example.get(name) {
                    Some(stand_in) => members.insert(name.clone(), stand_in.clone()),
                    None => members.remove(name),
                };
            }
            T::parse_from_json(Some(members.into())).ok()
        }
        _ => None,
    };
    mended.map_or_else(|| (T::example(), None), |mended| (mended, Some(wrong)))
}

/// The member without which the value could be read: what no schema can say, an instant of a year that is none perhaps.
fn culprit<T: Body>(value: &Value) -> Option<String> {
    let example = example::<T>();
    let readable_without = |name: &&String| {
        let mut members = value.as_object().cloned().unwrap_or_default();
        match example.get(*name) {
            Some(stand_in) => members.insert((*name).clone(), stand_in.clone()),
            None => members.remove(*name),
        };
        T::parse_from_json(Some(members.into())).is_ok()
    };
    value.as_object()?.keys().find(readable_without).map(|name| inside("", name))
}

fn example<T: Body>() -> Map<String, Value> {
    T::example().to_json().and_then(|example| example.as_object().cloned()).unwrap_or_default()
}

fn first_member(pointer: &str) -> Option<String> {
    pointer.split('/').nth(1).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

/// The compiled schema of a type, made once.
fn validator<T: Type + 'static>() -> Result<Arc<Validator>, Error> {
    static COMPILED: LazyLock<RwLock<HashMap<TypeId, Arc<Validator>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(found) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(found.clone());
    }
    let made = Arc::new(schema::compiled(&schema::of::<T>()?)?);
    COMPILED.write().unwrap_or_else(PoisonError::into_inner).insert(id, made.clone());
    Ok(made)
}

/// A fault in our words. The validator's own would repeat what was sent.
fn describe(error: &ValidationError<'_>, notes: &mut Notes) {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            notes.add(|| inside(&pointer, property.as_str().unwrap_or_default()), "is required");
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected.iter().take(super::FAULTS) {
                notes.add(|| inside(&pointer, name), "is not a field of this body");
            }
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let meant = context.iter().filter(|errors| !only_wants_null(errors));
            match meant.min_by_key(|errors| errors.len()) {
                Some(closest) if context.len() > 1 => closest.iter().for_each(|error| describe(error, notes)),
                _ => notes.add(|| pointer, "does not fit any of the forms of this field"),
            }
        }
        kind => notes.add(|| pointer, words::expectation(kind)),
    }
}

/// Whether a form is null, which nobody meant who sent something.
fn only_wants_null(errors: &[ValidationError<'_>]) -> bool {
    let null = |kind: &ValidationErrorKind| match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => *wanted == JsonType::Null,
        _ => false,
    };
    matches!(errors, [error] if null(error.kind()))
}
