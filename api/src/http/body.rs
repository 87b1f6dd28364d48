//! What comes in: `Checked<T>`. Bytes are counted, JSON is parsed, and then *every* fault is collected by validating
//! against the very schema that the document shows. The faults of content are kept until the handler asks for the value,
//! so that who may do what, and which version it is, is answered first.

use super::schema;
use crate::{domain::faults::Faults, error::Error};
use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use poem::{Request, RequestBody, Result, error::ReadBodyError};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaRequest, Registry},
    types::{ParseFromJSON, Type},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

/// Bytes of a body.
const LIMIT: usize = 256 * 1024;
/// Bytes of a body from somebody who has not signed in.
const SMALL: usize = 8 * 1024;
/// Faults that are told; a body with more is no honest mistake, and telling all would cost us more than it cost to send.
const FAULTS: usize = 100;
/// Characters of a pointer that are told.
const POINTER: usize = 200;
/// Levels of arrays and objects.
const DEPTH: usize = 32;

/// A body that was read, and either fits its schema or comes with everything that is wrong with it.
pub struct Checked<T, const BYTES: usize = LIMIT> {
    value: Result<T, Faults>,
    /// SHA-256 over method, path and bytes: two requests with the same one are the same request.
    pub fingerprint: [u8; 32],
}

/// The same from somebody who has not signed in.
pub type Small<T> = Checked<T, SMALL>;

impl<T, const BYTES: usize> Checked<T, BYTES> {
    /// The value, or 422 with every fault.
    pub fn value(self) -> Result<T, Error> {
        Ok(self.value?)
    }

    /// The value or its faults, for who has more to answer first.
    pub fn outcome(self) -> Result<T, Faults> {
        self.value
    }
}

impl<T: ParseFromJSON + Type + 'static, const BYTES: usize> Checked<T, BYTES> {
    async fn read(request: &Request, body: &mut RequestBody) -> Result<Self, Error> {
        let declared = request.content_type().is_some_and(Json::<T>::check_content_type);
        let bytes =
            body.take().map_err(Error::internal)?.into_bytes_limit(BYTES).await.map_err(|error| match error {
                ReadBodyError::PayloadTooLarge => Error::TooLarge,
                _ => Error::MalformedJson,
            })?;
        if !declared {
            return Err(Error::UnsupportedMediaType);
        }
        if too_deep(&bytes) {
            return Err(Error::TooLarge);
        }
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| Error::MalformedJson)?;
        let path = request.original_uri().path().as_bytes();
        let method = request.method().as_str().as_bytes();
        let digest = Sha256::new().chain_update(method).chain_update([0]).chain_update(path).chain_update([0]);
        Ok(Self { value: check(value)?, fingerprint: digest.chain_update(&bytes).finalize().into() })
    }
}

/// Everything that is wrong with a value, or the value as a `T`. The outer error is a fault of ours.
fn check<T: ParseFromJSON + Type + 'static>(value: Value) -> Result<Result<T, Faults>, Error> {
    let mut faults = Faults::default();
    for error in validator::<T>()?.iter_errors(&value).take(FAULTS) {
        describe(&error, &mut faults);
    }
    find_nul(&value, &mut String::new(), &mut faults);
    if faults.0.len() >= FAULTS {
        faults.add("", "more is wrong than is listed here");
    }
    if let Err(faults) = faults.none() {
        return Ok(Err(faults));
    }
    Ok(T::parse_from_json(Some(value)).map_err(|_| {
        let mut faults = Faults::default();
        faults.add("", "does not fit the schema of this operation");
        faults
    }))
}

/// The compiled schema of a type, made once.
fn validator<T: Type + 'static>() -> Result<Arc<Validator>, Error> {
    static COMPILED: LazyLock<RwLock<HashMap<TypeId, Arc<Validator>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(found) = COMPILED.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Ok(found.clone());
    }
    let schema = schema::of::<T>()?;
    let made = jsonschema::draft4::options().should_validate_formats(true).build(&schema).map_err(Error::internal)?;
    let made = Arc::new(made);
    COMPILED.write().unwrap_or_else(PoisonError::into_inner).insert(id, made.clone());
    Ok(made)
}

/// Notes a fault, while there is room, under a pointer that is not too long.
fn note(faults: &mut Faults, pointer: &str, detail: impl Into<String>) {
    if faults.0.len() < FAULTS {
        faults.add(pointer.chars().take(POINTER).collect::<String>(), detail);
    }
}

/// A fault in our words. The validator's own would repeat what was sent.
fn describe(error: &ValidationError<'_>, faults: &mut Faults) {
    let pointer = error.instance_path().to_string();
    let inside = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            note(faults, &inside(property.as_str().unwrap_or_default()), "is required");
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for name in unexpected.iter().take(FAULTS) {
                note(faults, &inside(name), "is not a field of this body");
            }
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let meant = context.iter().filter(|errors| !only_wants_null(errors));
            match meant.min_by_key(|errors| errors.len()) {
                Some(closest) if context.len() > 1 => closest.iter().for_each(|error| describe(error, faults)),
                _ => note(faults, &pointer, "does not fit any of the forms of this field"),
            }
        }
        kind => note(faults, &pointer, expectation(kind)),
    }
}

/// Whether a form is null, which nobody meant who sent something.
fn only_wants_null(errors: &[ValidationError<'_>]) -> bool {
    let null = |kind: &ValidationErrorKind| match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(wanted) } => *wanted == jsonschema::JsonType::Null,
        _ => false,
    };
    matches!(errors, [error] if null(error.kind()))
}

fn expectation(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => match kind {
            TypeKind::Single(one) => format!("must be of type {one}"),
            TypeKind::Multiple(several) => {
                let names: Vec<_> = several.iter().map(|one| one.to_string()).collect();
                format!("must be of type {}", names.join(" or "))
            }
        },
        ValidationErrorKind::Enum { options } => format!("must be one of {options}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} items"),
        ValidationErrorKind::UniqueItems => "must have no item twice".into(),
        ValidationErrorKind::Format { format } => format!("must be a {format}"),
        ValidationErrorKind::Pattern { pattern } => format!("must match {pattern}"),
        other => format!("does not fit the schema ({})", other.keyword()),
    }
}

/// NUL cannot be stored everywhere that text goes, and no keyboard types it.
fn find_nul(value: &Value, pointer: &mut String, faults: &mut Faults) {
    let mut inside = |name: &str, value: &Value, faults: &mut Faults| {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        find_nul(value, pointer, faults);
        pointer.truncate(length);
    };
    match value {
        Value::String(text) if text.contains('\0') => {
            note(faults, pointer, "must not contain NUL");
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                inside(&index.to_string(), item, faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                inside(name, member, faults);
            }
        }
        _ => {}
    }
}

/// Whether arrays and objects are nested too deep; looked at before anything is built of them.
fn too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return true;
        }
    }
    false
}

impl<'a, T: ParseFromJSON + Type + 'static, const BYTES: usize> ApiExtractor<'a> for Checked<T, BYTES> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }],
            required: true,
        })
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self::read(request, body).await?)
    }
}
