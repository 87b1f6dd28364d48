//! The mail host, as one URL: `smtps://user:password@host`, `smtp://host:587?tls=required`, `smtp://127.0.0.1:1025`.

use super::Hidden;
use std::{path::PathBuf, str::FromStr};
use url::{Host, Url};

/// How the connection to the mail host is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Not at all: on loopback only.
    Plain,
    /// By STARTTLS, which the host must offer.
    StartTls,
    /// From the first byte.
    Tls,
}

/// A mail host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who signs in there.
    pub user: Option<(String, Hidden)>,
    /// Whom to trust beside the well-known authorities: a PEM file, `ca=` in the URL.
    pub authority: Option<PathBuf>,
}

const SHAPE: &str = "smtp://user:password@host:587?tls=required, smtps://user:password@host, \
                     or smtp://127.0.0.1:1025 for a host on loopback";

impl FromStr for Smtp {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| SHAPE)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(SHAPE)?.to_owned();
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(SHAPE);
        }
        let mut required = false;
        let mut authority = None;
        for (name, value) in url.query_pairs() {
            match (&*name, &*value) {
                ("tls", "required") => required = true,
                ("ca", path) if !path.is_empty() => authority = Some(PathBuf::from(path)),
                _ => return Err("after the ? only tls=required and ca=<PEM file>"),
            }
        }
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Tls, 465),
            "smtp" if required => (Security::StartTls, 587),
            "smtp" if on_loopback(&url) => (Security::Plain, 25),
            "smtp" => return Err("without ?tls=required only a host on loopback"),
            _ => return Err(SHAPE),
        };
        let port = url.port().unwrap_or(port);
        let user = user(&url)?;
        Ok(Self { host, port, security, user, authority })
    }
}

fn on_loopback(url: &Url) -> bool {
    // A scheme that the URL standard does not know keeps its host as text, addresses too.
    match url.host() {
        Some(Host::Domain("localhost")) => true,
        Some(Host::Domain(name)) => name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback()),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn user(url: &Url) -> Result<Option<(String, Hidden)>, &'static str> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err("a user and a password, or neither"),
        (name, Some(password)) => Ok(Some((decoded(name)?, Hidden::new(decoded(password)?)))),
    }
}

/// Undoes percent-encoding. Form decoding does it, once a plus is kept from meaning a space.
fn decoded(text: &str) -> Result<String, &'static str> {
    let kept = text.replace('+', "%2B").replace('&', "%26");
    let pair = format!("_={kept}");
    let value = url::form_urlencoded::parse(pair.as_bytes()).next();
    value.map(|(_, value)| value.into_owned()).ok_or(SHAPE)
}
