//! Raw settings, from wherever they came, on their way to being right.

use super::{Config, Hidden, MasterKey, SETTINGS, Smtp, Wrong};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};
use url::{Host, Url};
use zeroize::Zeroizing;

/// What the names of the environment begin with.
const PREFIX: &str = "AFTERGLOW_";

/// Raw settings by their name in the file, and what was found wrong so far.
#[derive(Default)]
pub(super) struct Values {
    found: BTreeMap<&'static str, String>,
    wrong: Vec<String>,
}

impl Values {
    pub(super) fn take(&mut self, values: &[(&'static str, String)]) {
        self.found.extend(values.iter().cloned());
    }

    pub(super) fn take_file(&mut self, text: &str) {
        // The parser's own message would repeat the line, and with it perhaps a secret.
        let Ok(table) = text.parse::<toml::Table>() else {
            return self.wrong.push("the settings file is not TOML".into());
        };
        for (name, value) in table {
            match (known(&name), value) {
                (Some(name), toml::Value::String(value)) => {
                    self.found.insert(name, value);
                }
                (Some(name), _) => self.wrong.push(format!("{name} in the settings file: a text in quotes")),
                (None, _) => self.wrong.push(format!("{name} in the settings file: there is no such setting")),
            }
        }
    }

    pub(super) fn take_vars(&mut self, vars: impl IntoIterator<Item = (String, String)>) {
        for (full, value) in vars {
            let Some(name) = full.strip_prefix(PREFIX) else {
                continue;
            };
            match known(&name.to_ascii_lowercase()) {
                Some(known) if name == known.to_ascii_uppercase() => {
                    self.found.insert(known, value);
                }
                _ if full == "AFTERGLOW_CONFIG" => {}
                _ => self.wrong.push(format!("{full}: there is no such setting")),
            }
        }
    }

    pub(super) fn require(&mut self, name: &'static str) {
        if !self.found.contains_key(name) {
            self.say(name, "it must be set");
        }
    }

    fn say(&mut self, name: &str, what: impl fmt::Display) {
        self.wrong.push(format!("{PREFIX}{}: {what}", name.to_ascii_uppercase()));
    }

    /// The value of a setting, read by `read`, which says what it should have been.
    fn read<T, E: fmt::Display>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let value = self.found.remove(name)?;
        read(&value).map_err(|what| self.say(name, what)).ok()
    }

    pub(super) fn config(mut self) -> Result<Config, Wrong> {
        let listen = self.read("listen", address).unwrap_or(LISTEN);
        let given_url = self.found.contains_key("public_url");
        let public_url = self.read("public_url", |text| public_url(text, listen)).or_else(|| own_url(listen));
        if !given_url && !listen.ip().is_loopback() {
            self.say("public_url", "it must be set, an https URL, since the listener is not on loopback");
        }
        let both_keys = self.found.contains_key("master_key") && self.found.contains_key("master_key_file");
        if both_keys {
            self.say("master_key", "set either this or AFTERGLOW_MASTER_KEY_FILE, not both");
        }
        let file = self.read("master_key_file", path).map(MasterKey::File);
        let key = self.read("master_key", key).map(MasterKey::Given);
        let data = self.read("data", path).unwrap_or_else(|| "./data".into());
        let database_url = self.read("database_url", database);
        let smtp = self.read("smtp_url", str::parse::<Smtp>);
        let mail_from = self.read("mail_from", mailbox);
        let metrics_listen = self.read("metrics_listen", address);
        if metrics_listen.is_some_and(|metrics| meet(metrics, listen)) {
            self.say("metrics_listen", "it must be another port than that of AFTERGLOW_LISTEN");
        }
        let log = self.read("log", filter).unwrap_or_else(|| "info".into());
        let (Some(public_url), true) = (public_url, self.wrong.is_empty()) else {
            return Err(Wrong(self.wrong));
        };
        let Some(mail_from) = mail_from.or_else(|| sender(&public_url)) else {
            return Err(Wrong(vec!["AFTERGLOW_MAIL_FROM: it must be set".into()]));
        };
        Ok(Config {
            listen,
            public_url,
            public_url_is_set: given_url,
            data,
            database_url,
            smtp,
            mail_from,
            master_key: file.or(key).unwrap_or(MasterKey::Unset),
            metrics_listen,
            log,
        })
    }
}

pub(super) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

fn known(name: &str) -> Option<&'static str> {
    SETTINGS.iter().map(|(known, _)| *known).find(|known| *known == name)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "an address and a port, such as 127.0.0.1:8080")
}

/// Whether two listeners would be on one port of one address. The system gives port 0 a free one.
fn meet(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (everywhere || one.ip() == other.ip())
}

fn path(text: &str) -> Result<PathBuf, &'static str> {
    if text.is_empty() { Err("a path") } else { Ok(text.into()) }
}

fn own_url(listen: SocketAddr) -> Option<Url> {
    format!("http://{listen}").parse().ok()
}

fn public_url(text: &str, listen: SocketAddr) -> Result<Url, &'static str> {
    const SHAPE: &str = "an http or https URL of a host and perhaps a port, nothing behind it";
    let url = Url::parse(text).map_err(|_| SHAPE)?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    match url.scheme() {
        _ if !bare || !anonymous || url.host().is_none() => Err(SHAPE),
        "https" => Ok(url),
        "http" if listen.ip().is_loopback() => Ok(url),
        "http" => Err("https, since the listener is not on loopback"),
        _ => Err(SHAPE),
    }
}

fn database(text: &str) -> Result<Hidden, &'static str> {
    let url = Url::parse(text).ok();
    match url.as_ref().map(Url::scheme) {
        Some("postgres" | "postgresql") => Ok(Hidden::new(text)),
        _ => Err("postgres://user:password@host/database; for SQLite set AFTERGLOW_DATA instead"),
    }
}

fn key(text: &str) -> Result<Zeroizing<[u8; 32]>, &'static str> {
    let bytes = BASE64_STANDARD.decode(text.trim()).map(Zeroizing::new);
    let bytes: Option<[u8; 32]> = bytes.ok().and_then(|bytes| bytes.as_slice().try_into().ok());
    bytes.map(Zeroizing::new).ok_or("32 bytes in base64")
}

fn mailbox(text: &str) -> Result<lettre::message::Mailbox, &'static str> {
    text.parse().map_err(|_| "a sender, such as Afterglow <no-reply@clinic.example>")
}

/// The sender at the host that people know.
fn sender(public_url: &Url) -> Option<lettre::message::Mailbox> {
    let domain = match public_url.host() {
        Some(Host::Domain(domain)) => domain,
        _ => "localhost",
    };
    mailbox(&format!("Afterglow <no-reply@{domain}>")).ok()
}

fn filter(text: &str) -> Result<String, &'static str> {
    tracing_subscriber::EnvFilter::from_str(text)
        .map(|_| text.to_owned())
        .map_err(|_| "levels such as info, or afterglow=debug,sqlx=warn")
}
