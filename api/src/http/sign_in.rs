//! Who a request comes from: a bearer token, or the cookie of the pages.

use crate::{
    app::App,
    config::Config,
    domain::accounts::AccountKind,
    error::Error,
    http::request_id::RequestId,
    security::{
        access::Caller,
        tokens::{Hash, Purpose},
    },
    store::sign_ins::{Held, Owner},
};
use poem::{
    Request,
    http::{Method, header},
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use uuid::Uuid;

/// What a request showed of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// An access token.
    Token(Hash),
    /// The cookie of the pages.
    Cookie(Hash),
}

/// Somebody who is signed in, with the second factor or without: for what turns it on, and for signing out.
pub struct Holder {
    /// What the request showed.
    pub(super) shown: Shown,
    /// What is known of it.
    pub(super) held: Held,
    /// The request.
    pub(super) request: Uuid,
}

/// The caller, if they are signed in with everything that is asked of them.
pub(super) async fn caller(request: &Request, app: &App) -> Result<Caller, Error> {
    let Holder { held: Held { owner, .. }, .. } = holder(request, app).await?;
    if owner.kind == AccountKind::Member && !owner.second_factor && !owner.demo {
        return Err(Error::SecondFactorRequired { signed_in: true });
    }
    Ok(caller_of(&owner, request))
}

/// Whoever is signed in, with everything that is asked of them or not.
pub(super) async fn holder(request: &Request, app: &App) -> Result<Holder, Error> {
    let shown = shown(request, &app.config).ok_or(Error::Unauthenticated)?;
    let held = match shown {
        Shown::Token(hash) => app.sign_ins.of_token(&app.db, hash, app.clock.now()).await?,
        Shown::Cookie(hash) => {
            if !is_ours(request, &app.config) {
                return Err(Error::CrossSite);
            }
            app.sign_ins.of_cookie(&app.db, hash, app.clock.now()).await?
        }
    };
    Ok(Holder { shown, held: held.ok_or(Error::Unauthenticated)?, request: request_id(request) })
}

/// Whether what was shown still holds, and for whom. Not counted as use.
pub(super) async fn still(app: &App, shown: Shown, request: Uuid) -> Result<Caller, Error> {
    let (hash, is_cookie) = match shown {
        Shown::Token(hash) => (hash, false),
        Shown::Cookie(hash) => (hash, true),
    };
    let held = app.sign_ins.peek(&app.db, hash, is_cookie, app.clock.now()).await?.ok_or(Error::Unauthenticated)?;
    let Owner { account, clinic, clinic_zone, roles, .. } = held.owner;
    Ok(Caller { account, clinic, clinic_zone, roles, request })
}

fn caller_of(owner: &Owner, request: &Request) -> Caller {
    Caller {
        account: owner.account,
        clinic: owner.clinic,
        clinic_zone: owner.clinic_zone,
        roles: owner.roles,
        request: request_id(request),
    }
}

/// The request's id.
pub(super) fn request_id(request: &Request) -> Uuid {
    request.data::<RequestId>().map(|id| id.0).unwrap_or_default()
}

/// The name of the pages' cookie. Browsers take the prefix `__Host-` over https only.
pub(super) fn cookie_name(config: &Config) -> &'static str {
    if is_secure(config) { "__Host-afterglow" } else { "afterglow" }
}

/// The header that gives the pages their cookie, or takes it away.
pub(super) fn set_cookie(config: &Config, value: Option<&str>) -> String {
    let (name, secure) = (cookie_name(config), if is_secure(config) { "; Secure" } else { "" });
    let (value, end) = (value.unwrap_or_default(), if value.is_none() { "; Max-Age=0" } else { "" });
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{end}")
}

/// The network address that a request comes from. A proxy on this very machine names it in the last entry of the last
/// line; whatever stands before that, the client wrote itself.
pub(super) fn network_address(request: &Request) -> IpAddr {
    let peer = request.remote_addr().as_socket_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), SocketAddr::ip);
    // A listener for both families is told of an IPv4 peer in IPv6.
    let peer = peer.to_canonical();
    let lines = request.headers().get_all("x-forwarded-for");
    let last = lines.iter().next_back().and_then(|line| line.to_str().ok());
    let forwarded = last.and_then(|line| line.rsplit(',').next()?.trim().parse().ok());
    forwarded.filter(|_| peer.is_loopback()).unwrap_or(peer)
}

fn is_secure(config: &Config) -> bool {
    config.public_url.scheme() == "https"
}

/// What a request shows of a sign-in, if anything.
pub(super) fn shown(request: &Request, config: &Config) -> Option<Shown> {
    if let Some(value) = request.header(header::AUTHORIZATION) {
        let (_, token) = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
        return Hash::presented(Purpose::Access, token.trim()).map(Shown::Token);
    }
    let cookies = request.headers().get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == cookie_name(config))
        .find_map(|(_, value)| Hash::presented(Purpose::Cookie, value))
        .map(Shown::Cookie)
}

/// Whether a request with a cookie may have an effect: the browser says that our own pages made it.
fn is_ours(request: &Request, config: &Config) -> bool {
    let safe = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    let same_site = request.header("sec-fetch-site") == Some("same-origin");
    let origin =
        request.header(header::ORIGIN).is_some_and(|origin| origin == config.public_url.origin().ascii_serialization());
    safe || same_site || origin
}
