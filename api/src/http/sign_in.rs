//! Who a request comes from: a bearer token, or the cookie of the pages.

use crate::{
    app::App,
    error::Error,
    http::request_id::RequestId,
    security::{
        access::Caller,
        tokens::{Hash, Purpose},
    },
    store::sign_ins,
};
use poem::{Request, http::header};

/// The caller, if they are signed in.
pub(super) async fn caller(request: &Request, app: &App) -> Result<Caller, Error> {
    let hash = request
        .header(header::AUTHORIZATION)
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| Hash::presented(Purpose::Access, token.trim()))
        .ok_or(Error::Unauthenticated)?;
    let found = sign_ins::by_access_token(app.db.read(), &hash.0, app.clock.now()).await?;
    let found = found.ok_or(Error::Unauthenticated)?;
    let request = request.data::<RequestId>().map(|id| id.0).unwrap_or_default();
    Ok(Caller {
        account: found.account,
        clinic: found.clinic,
        clinic_zone: found.clinic_zone,
        roles: found.roles,
        request,
    })
}
