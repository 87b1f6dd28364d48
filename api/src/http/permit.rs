//! Who calls, and the proof that they may: parameters of the handlers.

use super::{
    parameters,
    sign_in::{self, Holder},
};
use crate::{
    app::App,
    error::Error,
    security::access::{Caller, HeldRight, Right, Roles, decide},
    store::{Author, Scope, audit, care_team},
};
use poem::{Request, RequestBody, Result};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef, MetaSecurityScheme, Registry},
};
use std::marker::PhantomData;
use uuid::Uuid;

/// The names of the two ways to sign in, in the document.
pub(super) const BEARER: &str = "bearer";
pub(super) const COOKIE: &str = "cookie";

/// The proof that the caller holds the right `R` over the patient in the path.
pub struct Permit<R> {
    /// Who calls.
    pub caller: Caller,
    /// Whose rows they may touch.
    pub scope: Scope,
    right: PhantomData<R>,
}

impl<R: Right> Permit<R> {
    async fn of(request: &Request) -> Result<Self, Error> {
        let (app, caller) = (app(request)?, caller(request).await?);
        let patient = patient(request, &caller)?;
        let care = if caller.is_patient() {
            None
        } else {
            Some(care_team::care_of(app.db.read(), &caller, patient, app.clock.now()).await?)
        };
        decide::<R>(&caller, care)?;
        parameters::check(request)?;
        let scope = Scope { clinic: caller.clinic, patient, sees_private: care.is_none() };
        Ok(Self { caller, scope, right: PhantomData })
    }

    /// Whom the rows that this caller writes are by.
    pub async fn author(&self, app: &App) -> Result<Author, Error> {
        let keys = app.keys.of_patient(self.scope.patient).await?;
        let (account, request) = (self.caller.account, self.caller.request);
        Ok(Author { scope: self.scope, account, request, keys, standing: self.standing() })
    }

    /// What a member's right rests on, for the unit that makes use of it.
    pub fn standing(&self) -> Option<HeldRight> {
        (!self.caller.is_patient()).then(|| HeldRight::of::<R>(&self.caller))
    }

    /// Commits to the audit log that somebody else than the patient is about to be shown something of theirs.
    pub async fn audit_read(&self, app: &App, operation: &str, record: Option<Uuid>) -> Result<(), Error> {
        if self.caller.is_patient() {
            return Ok(());
        }
        let (caller, scope, operation) = (self.caller.clone(), self.scope, operation.to_owned());
        let unit = async move |tx: &crate::store::Tx| {
            let entry = audit::Entry::by_caller(&caller, &operation).patient(scope.patient);
            audit::append(tx, record.map_or(entry, |record| entry.record(record))).await
        };
        app.db.write(scope.patient, unit).await
    }
}

impl<R: Right> Permit<R> {
    /// What a write answers. Where that is the record as it is now, because the caller holds another version or, as `kept`
    /// tells, because it was so already, it is read, which the audit log is told first.
    pub async fn answered<T>(
        &self,
        app: &App,
        operation: &str,
        id: Option<Uuid>,
        written: Result<T, Error>,
        kept: impl FnOnce(&T) -> bool,
    ) -> Result<T, Error> {
        let shows = match &written {
            Ok(written) => kept(written),
            Err(error) => matches!(error, Error::Stale(Some(_))),
        };
        if shows {
            self.audit_read(app, operation, id).await?;
        }
        written
    }
}

/// Anybody who is signed in.
pub struct SignedIn(pub Caller);

/// Anybody at all; the caller if they are signed in. What they show that does not hold makes them nobody.
pub struct Anybody(pub Option<Caller>);

/// A member of a clinic with any of the roles in `R`.
pub struct Staff<R> {
    /// Who calls.
    pub caller: Caller,
    right: PhantomData<R>,
}

impl<R: Right> Staff<R> {
    /// What the right rests on, for the unit that makes use of it.
    pub fn standing(&self) -> HeldRight {
        HeldRight::of::<R>(&self.caller)
    }
}

/// Commits to the audit log that something of each of these patients is about to be shown.
pub(super) async fn audit_reads(
    app: &App,
    caller: &Caller,
    operation: &'static str,
    patients: &[Uuid],
) -> Result<(), Error> {
    if patients.is_empty() {
        return Ok(());
    }
    let (caller, owner, patients) = (caller.clone(), caller.clinic, patients.to_vec());
    let unit = async move |tx: &crate::store::Tx| {
        let entry = audit::Entry::by_caller(&caller, operation);
        audit::append_all(tx, patients.into_iter().map(|patient| entry.patient(patient))).await
    };
    app.db.write(owner, unit).await
}

fn app(request: &Request) -> Result<&App, Error> {
    request.data::<App>().ok_or_else(|| Error::internal("the app is not at hand"))
}

/// Who calls; 401 if that cannot be told.
async fn caller(request: &Request) -> Result<Caller, Error> {
    sign_in::caller(request, app(request)?).await
}

/// The patient in the path, as far as the caller may name one: `me` is the patient's word for themselves.
fn patient(request: &Request, caller: &Caller) -> Result<Uuid, Error> {
    let named = request.raw_path_param("patient").unwrap_or_default();
    let id = match named {
        "me" if caller.is_patient() => caller.account,
        named => named.parse().map_err(|_| Error::NotFound)?,
    };
    if caller.is_patient() && id != caller.account { Err(Error::NotFound) } else { Ok(id) }
}

fn register_schemes(registry: &mut Registry) {
    let scheme = |ty, description, scheme, name, key_in| MetaSecurityScheme {
        ty,
        description: Some(description),
        name,
        key_in,
        scheme,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    };
    let bearer = scheme("http", "The access token that a sign-in answers.", Some("bearer"), None, None);
    registry.create_security_scheme(BEARER, bearer);
    let words = "The pages' own sign-in: one opaque cookie. An unsafe method needs `Sec-Fetch-Site: same-origin` or an equal `Origin`.";
    registry.create_security_scheme(COOKIE, scheme("apiKey", words, None, Some("__Host-afterglow"), Some("cookie")));
}

impl<'a, R: Right> ApiExtractor<'a> for Permit<R> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme, ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = String;
    type ParamRawType = String;

    fn register(registry: &mut Registry) {
        register_schemes(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        // The right itself stands beside them; `who.rs` puts it in words.
        vec![BEARER, COOKIE, R::WHO]
    }

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        let schema = MetaSchema {
            description: Some("A patient's id; `me` for the patient."),
            pattern: Some("^(me|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$".into()),
            example: Some("me".into()),
            ..MetaSchema::new("string")
        };
        Some(MetaSchemaRef::Inline(Box::new(schema)))
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<String>) -> Result<Self> {
        Ok(Self::of(request).await?)
    }
}

macro_rules! signed_in {
    ($($generic:ident)? => $type:ty, $schemes:expr, $request:ident, $make:expr) => {
        impl<'a $(, $generic: Right)?> ApiExtractor<'a> for $type {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register_schemes(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                $schemes
            }

            async fn from_request(
                $request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> Result<Self> {
                let found = $make;
                parameters::check($request)?;
                Ok(found)
            }
        }
    };
}

signed_in!(=> SignedIn, vec![BEARER, COOKIE], request, Self(caller(request).await?));
signed_in!(=> Holder, vec![BEARER, COOKIE], request, sign_in::holder(request, app(request)?).await?);
signed_in!(R => Staff<R>, vec![BEARER, COOKIE, R::WHO], request, {
    let caller = caller(request).await?;
    if !caller.roles.meet(R::HOLDERS) || caller.roles.meet(Roles::PATIENT) {
        return Err(Error::Forbidden.into());
    }
    Self { caller, right: PhantomData }
});

impl<'a> ApiExtractor<'a> for Anybody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        register_schemes(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![BEARER, COOKIE]
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> Result<Self> {
        Ok(Self(caller(request).await.ok()))
    }
}
