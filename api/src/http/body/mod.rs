//! What comes in: `Checked<T>`. Bytes are counted, JSON is parsed, and then *every* fault is collected by validating
//! against the very schema that the document shows. The faults of content are kept until the handler asks for the value,
//! so that who may do what, and which version it is, is answered first.

mod fit;
mod json;
pub(super) mod words;

pub use fit::Body;

use crate::{
    domain::faults::{Faults, Given},
    error::Error,
};
use poem::{Request, RequestBody, Result, error::ReadBodyError};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaRequest, Registry},
};
use sha2::{Digest, Sha256};

/// Bytes of a body.
const LIMIT: usize = 256 * 1024;
/// Bytes of a body from somebody who has not signed in.
const SMALL: usize = 8 * 1024;
/// Faults that are told; a body with more is no honest mistake, and telling all would cost us more than it cost to send.
const FAULTS: usize = 100;
/// Characters of a pointer that are told.
const POINTER: usize = 200;

/// A body that was read, and either fits its schema or comes with everything that is wrong with it.
pub struct Checked<T, const BYTES: usize = LIMIT> {
    given: Given<T>,
    /// SHA-256 over method, path and bytes: two requests with the same one are the same request.
    pub fingerprint: [u8; 32],
}

/// The same from somebody who has not signed in.
pub type Small<T> = Checked<T, SMALL>;

/// The same where there is nothing that must be said: no body at all is as good.
pub struct Optional<T>(Option<Checked<T>>);

impl<T, const BYTES: usize> Checked<T, BYTES> {
    /// The value, or 422 with every fault.
    pub fn value(self) -> Result<T, Error> {
        Ok(self.given.value()?)
    }

    /// The value with its faults, for who has more to answer first, or more to check.
    pub fn given(self) -> Given<T> {
        self.given
    }
}

impl<T> Optional<T> {
    /// The value if there is one, or 422 with every fault.
    pub fn value(self) -> Result<Option<T>, Error> {
        self.0.map(Checked::value).transpose()
    }
}

impl<T: Body, const BYTES: usize> Checked<T, BYTES> {
    async fn read(request: &Request, body: &mut RequestBody) -> Result<Self, Error> {
        Self::of(request, &bytes(body, BYTES).await?)
    }

    fn of(request: &Request, bytes: &[u8]) -> Result<Self, Error> {
        if !request.content_type().is_some_and(Json::<T>::check_content_type) {
            return Err(Error::UnsupportedMediaType);
        }
        if json::too_deep(bytes) {
            return Err(Error::TooLarge);
        }
        let (value, notes) = json::parse(bytes).map_err(|_| Error::MalformedJson)?;
        let path = request.uri().path().as_bytes();
        let method = request.method().as_str().as_bytes();
        let digest = Sha256::new().chain_update(method).chain_update([0]).chain_update(path).chain_update([0]);
        let again = || json::parse(bytes).map(|(value, _)| value).unwrap_or_default();
        Ok(Self { given: fit::given(value, notes, again)?, fingerprint: digest.chain_update(bytes).finalize().into() })
    }
}

async fn bytes(body: &mut RequestBody, most: usize) -> Result<Vec<u8>, Error> {
    let read = body.take().map_err(Error::internal)?.into_bytes_limit(most).await;
    read.map(Into::into).map_err(|error| match error {
        ReadBodyError::PayloadTooLarge => Error::TooLarge,
        _ => Error::MalformedJson,
    })
}

/// The faults of a body, as many as are told, under pointers that are not too long.
#[derive(Debug, Default)]
struct Notes(Faults);

impl Notes {
    fn add(&mut self, pointer: impl FnOnce() -> String, detail: impl Into<String>) {
        if self.0.0.len() < FAULTS {
            self.0.add(pointer().chars().take(POINTER).collect::<String>(), detail);
        }
    }

    fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    fn faults(mut self) -> Faults {
        if self.0.0.len() >= FAULTS {
            self.0.add("", "more is wrong than is listed here");
        }
        self.0
    }
}

/// The pointer of a member, RFC 6901.
fn inside(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn described<T: Body>(required: bool) -> Option<MetaRequest> {
    let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
    Some(MetaRequest { description: None, content, required })
}

impl<'a, T: Body, const BYTES: usize> ApiExtractor<'a> for Checked<T, BYTES> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        described::<T>(true)
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self::read(request, body).await?)
    }
}

impl<'a, T: Body> ApiExtractor<'a> for Optional<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        described::<T>(false)
    }

    async fn from_request(request: &'a Request, body: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        let bytes = bytes(body, LIMIT).await?;
        let checked = if bytes.is_empty() { None } else { Some(Checked::of(request, &bytes)?) };
        Ok(Self(checked))
    }
}
