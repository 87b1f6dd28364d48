//! The types of problem: status, name, title, and what is the matter unless the error says more.

use crate::error::Error;
use poem::http::StatusCode as S;

/// A type of problem.
#[derive(Debug, Clone, Copy)]
pub(super) struct ProblemType {
    pub(super) status: S,
    /// The end of its address under `/problems`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) detail: &'static str,
}

const fn kind(status: S, name: &'static str, title: &'static str, detail: &'static str) -> ProblemType {
    ProblemType { status, name, title, detail }
}

const UNAUTHENTICATED: ProblemType =
    kind(S::UNAUTHORIZED, "unauthenticated", "Not signed in", "Sign in, or renew the access token.");
const SIGN_IN_OVER: ProblemType =
    kind(S::UNAUTHORIZED, "unauthenticated", "Not signed in", "This refresh token is over: sign in again.");
const SIGN_IN_REFUSED: ProblemType =
    kind(S::UNAUTHORIZED, "sign-in-refused", "Sign-in refused", "E-mail, password or code do not fit.");
const SECOND_FACTOR_AT_SIGN_IN: ProblemType = kind(
    S::UNAUTHORIZED,
    "second-factor-required",
    "Second factor required",
    "Send the code of the authenticator app as `otp`.",
);
const SECOND_FACTOR_REQUIRED: ProblemType = kind(
    S::FORBIDDEN,
    "second-factor-required",
    "Second factor required",
    "Set up the second factor first: POST /v1/auth/mfa.",
);
const CROSS_SITE: ProblemType = kind(
    S::FORBIDDEN,
    "cross-site",
    "Cross-site request",
    "With the cookie, only the pages of this server may change anything.",
);
const FORBIDDEN: ProblemType = kind(S::FORBIDDEN, "forbidden", "Forbidden", "This is not among the caller's rights.");
const NOT_FOUND: ProblemType =
    kind(S::NOT_FOUND, "not-found", "Not found", "There is no such thing, or it is not the caller's to see.");
const GONE: ProblemType = kind(S::GONE, "gone", "Gone", "This record was deleted; its id stays used.");
const ID_IN_USE: ProblemType =
    kind(S::CONFLICT, "id-in-use", "Id in use", "This id belongs to another record of the patient; choose a new one.");
const EXISTS: ProblemType =
    kind(S::CONFLICT, "exists", "Already there", "Something with this unique value exists already.");
const IMPOSSIBLE_STEP: ProblemType = kind(S::CONFLICT, "impossible-step", "Impossible step", "");
const FOREIGN_CURSOR: ProblemType = kind(
    S::CONFLICT,
    "foreign-cursor",
    "Cursor from elsewhere",
    "This cursor was not given here for this patient: begin again without one.",
);
const PRECONDITION_REQUIRED: ProblemType = kind(
    S::PRECONDITION_REQUIRED,
    "precondition-required",
    "If-Match required",
    "Send the version that this replaces as If-Match.",
);
pub(super) const STALE: ProblemType =
    kind(S::PRECONDITION_FAILED, "stale", "Another version", "If-Match does not name the current version.");
const INVALID: ProblemType = kind(
    S::UNPROCESSABLE_ENTITY,
    "invalid",
    "Invalid content",
    "Each entry of `errors` names a field and what is expected there.",
);
const BAD_REQUEST: ProblemType = kind(
    S::BAD_REQUEST,
    "bad-request",
    "Bad parameter",
    "Each entry of `errors` names a parameter or a header and what is expected there.",
);
const MALFORMED_JSON: ProblemType =
    kind(S::BAD_REQUEST, "malformed-json", "Malformed JSON", "The body is not JSON in UTF-8.");
const UNSUPPORTED_MEDIA_TYPE: ProblemType = kind(
    S::UNSUPPORTED_MEDIA_TYPE,
    "unsupported-media-type",
    "Unsupported media type",
    "Send the body as application/json.",
);
const TOO_LARGE: ProblemType =
    kind(S::PAYLOAD_TOO_LARGE, "too-large", "Too large", "A body has at most 256 KiB and 32 levels.");
const KEY_REQUIRED: ProblemType = kind(
    S::BAD_REQUEST,
    "idempotency-key-required",
    "Idempotency-Key required",
    "Send a new Idempotency-Key of 1 to 255 visible ASCII characters, and the same one when repeating.",
);
const KEY_REUSED: ProblemType = kind(
    S::UNPROCESSABLE_ENTITY,
    "idempotency-key-reused",
    "Idempotency-Key reused",
    "This key was used for another request; send a new one.",
);
const TOO_MANY_ATTEMPTS: ProblemType =
    kind(S::TOO_MANY_REQUESTS, "too-many-attempts", "Too many attempts", "Wait as long as Retry-After says.");
const UNAVAILABLE: ProblemType = kind(
    S::SERVICE_UNAVAILABLE,
    "unavailable",
    "Not available right now",
    "Nothing is lost that was acknowledged; send the same request again.",
);
const STORAGE_FULL: ProblemType = kind(
    S::INSUFFICIENT_STORAGE,
    "storage-full",
    "Storage is full",
    "Nothing was written; the operator must make room.",
);
const INTERNAL: ProblemType = kind(
    S::INTERNAL_SERVER_ERROR,
    "internal",
    "A fault of this server",
    "The operator finds the cause under this instance.",
);
/// What the router alone knows of.
pub(super) const METHOD_NOT_ALLOWED: ProblemType =
    kind(S::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", "This path does not know this method.");

impl ProblemType {
    /// The type of an error.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Unauthenticated => UNAUTHENTICATED,
            Error::SignInOver => SIGN_IN_OVER,
            Error::SignInRefused => SIGN_IN_REFUSED,
            Error::SecondFactorRequired { signed_in: false } => SECOND_FACTOR_AT_SIGN_IN,
            Error::SecondFactorRequired { signed_in: true } => SECOND_FACTOR_REQUIRED,
            Error::CrossSite => CROSS_SITE,
            Error::Forbidden => FORBIDDEN,
            Error::NotFound => NOT_FOUND,
            Error::Gone => GONE,
            Error::IdInUse => ID_IN_USE,
            Error::Exists | Error::Taken(_) => EXISTS,
            Error::ImpossibleStep(detail) => Self { detail, ..IMPOSSIBLE_STEP },
            Error::ForeignCursor => FOREIGN_CURSOR,
            Error::PreconditionRequired => PRECONDITION_REQUIRED,
            Error::Stale(_) => STALE,
            Error::Invalid(_) => INVALID,
            Error::BadRequest(_) => BAD_REQUEST,
            Error::MalformedJson => MALFORMED_JSON,
            Error::UnsupportedMediaType => UNSUPPORTED_MEDIA_TYPE,
            Error::TooLarge => TOO_LARGE,
            Error::KeyRequired => KEY_REQUIRED,
            Error::KeyReused => KEY_REUSED,
            Error::TooManyAttempts { .. } => TOO_MANY_ATTEMPTS,
            Error::Unavailable(_) => UNAVAILABLE,
            Error::StorageFull => STORAGE_FULL,
            Error::Tampered(_) | Error::Settings(_) | Error::Database(_) | Error::Internal(_) => INTERNAL,
        }
    }
}
