//! Everything that can go wrong, in the product's words. How it looks on the wire is `http/problem.rs`'s matter; what a
//! database's own codes mean, `store/link/faults.rs`'s.

use crate::domain::{
    faults::{Fault, Faults},
    record::Unreadable,
};
use sea_orm::DbErr;

/// What went wrong. Nothing in here repeats what a caller sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No token or cookie, or one that is not valid.
    #[error("not signed in")]
    Unauthenticated,
    /// A refresh token that opens nothing any more, or never did.
    #[error("refresh token over")]
    SignInOver,
    /// E-mail and password do not belong together.
    #[error("sign-in refused")]
    SignInRefused,
    /// The second factor is missing, or must be set up first.
    #[error("second factor required")]
    SecondFactorRequired {
        /// Whether the caller is already signed in with a password.
        signed_in: bool,
    },
    /// An unsafe request with a cookie came from another site.
    #[error("cross-site request")]
    CrossSite,
    /// Known, but not allowed.
    #[error("forbidden")]
    Forbidden,
    /// Not there, or not the caller's to know of.
    #[error("not found")]
    NotFound,
    /// It was deleted; its id stays used.
    #[error("gone")]
    Gone,
    /// The id belongs to a record of another kind.
    #[error("id in use")]
    IdInUse,
    /// The address belongs to somebody already, or another unique value does.
    #[error("already exists")]
    Exists,
    /// The same, where it may be told which value and what has it.
    #[error("already exists")]
    Taken(Vec<Fault>),
    /// A step that cannot be taken from where the thing stands; the text says which.
    #[error("impossible step: {0}")]
    ImpossibleStep(&'static str),
    /// A sync cursor that this database did not give for this patient.
    #[error("cursor of another database")]
    ForeignCursor,
    /// `If-Match` is missing.
    #[error("precondition required")]
    PreconditionRequired,
    /// `If-Match` names another version; the record as it is now, if there is one.
    #[error("stale")]
    Stale(Option<Box<serde_json::Value>>),
    /// Faults of content.
    #[error("invalid")]
    Invalid(Vec<Fault>),
    /// Faults of a query parameter or a header.
    #[error("bad request")]
    BadRequest(Vec<Fault>),
    /// The body is not JSON.
    #[error("malformed JSON")]
    MalformedJson,
    /// The body is not declared as JSON.
    #[error("unsupported media type")]
    UnsupportedMediaType,
    /// More bytes, or deeper, than allowed.
    #[error("too large")]
    TooLarge,
    /// A POST that makes something came without `Idempotency-Key`.
    #[error("idempotency key required")]
    KeyRequired,
    /// The key was used for another request.
    #[error("idempotency key reused")]
    KeyReused,
    /// Too many attempts.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Cannot be done right now: nothing was written that was acknowledged, and a retry is right.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// The disk is full.
    #[error("storage is full")]
    StorageFull,
    /// A sealed value does not open: it was exchanged, cut or set back.
    #[error("a sealed value does not open: {0}")]
    Tampered(String),
    /// Settings that cannot be started with.
    #[error("{0}")]
    Settings(String),
    /// A statement failed.
    #[error("database: {0}")]
    Database(DbErr),
    /// A fault of ours.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// A fault of ours, in words for the log.
    pub fn internal(what: impl std::fmt::Display) -> Self {
        Self::Internal(what.to_string())
    }

    /// One fault of content.
    pub fn invalid(pointer: &str, detail: &str) -> Self {
        Self::Invalid(vec![Fault::new(pointer, detail)])
    }

    /// One fault of a parameter.
    pub fn bad_request(pointer: &str, detail: &str) -> Self {
        Self::BadRequest(vec![Fault::new(pointer, detail)])
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults.0)
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        Self::internal(unreadable)
    }
}
