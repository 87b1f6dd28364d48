//! Every setting of the program: read once, checked together, named together when wrong.
//!
//! A setting is called `AFTERGLOW_LISTEN` in the environment and `listen` in the file that `AFTERGLOW_CONFIG` names.
//! A flag of the command line wins over the environment, the environment over the file, the file over the default.

mod smtp;
mod values;

pub use smtp::{Security, Smtp};

use std::{fmt, net::SocketAddr, path::PathBuf};
use url::Url;
use values::Values;
use zeroize::Zeroizing;

/// Every setting: its name in the file, and what it is.
pub const SETTINGS: &[(&str, &str)] = &[
    ("listen", "address and port to listen on (127.0.0.1:8080)"),
    ("public_url", "where people reach it; https unless it listens on loopback (from LISTEN)"),
    ("data", "folder of the embedded database and its keys (./data)"),
    ("database_url", "postgres://… for PostgreSQL (none: SQLite in DATA)"),
    (
        "smtp_url",
        "required by serve: smtp://user:password@host:587?tls=required, smtps://…; plain smtp:// on loopback only",
    ),
    ("mail_from", "sender of all mails (Afterglow <no-reply@host of PUBLIC_URL>)"),
    (
        "master_key_file",
        "file of the master key; this or the next is required with PostgreSQL (SQLite: DATA/master.key)",
    ),
    ("master_key", "the master key itself, 32 bytes in base64"),
    ("metrics_listen", "address and port of /metrics, for a private network (none; the demo's on LISTEN)"),
    ("log", "what is logged, such as info or afterglow=debug (info)"),
];

/// A text that never shows in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("(secret)")
    }
}

/// Where the master key comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum MasterKey {
    /// Not set: on SQLite a file in the data folder, on PostgreSQL a refusal to start.
    Unset,
    /// A file.
    File(PathBuf),
    /// The key itself.
    Given(Zeroizing<[u8; 32]>),
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => formatter.write_str("Unset"),
            Self::File(path) => write!(formatter, "File({})", path.display()),
            Self::Given(_) => formatter.write_str("Given(secret)"),
        }
    }
}

/// The settings, all of them right.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// Where people reach it; ends without a slash when printed by [`Config::link`].
    pub public_url: Url,
    /// Whether `public_url` was set, or follows from `listen`.
    public_url_is_set: bool,
    /// The folder of the embedded database and its keys.
    pub data: PathBuf,
    /// PostgreSQL; SQLite when absent.
    pub database_url: Option<Hidden>,
    /// The mail host.
    pub smtp: Option<Smtp>,
    /// The sender of all mails.
    pub mail_from: lettre::message::Mailbox,
    /// The master key.
    pub master_key: MasterKey,
    /// The address to answer Prometheus on.
    pub metrics_listen: Option<SocketAddr>,
    /// What is logged.
    pub log: String,
}

/// What one command asks of the settings.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Values that its flags set: they win over everything.
    pub flags: Vec<(&'static str, String)>,
    /// Defaults of its own.
    pub defaults: Vec<(&'static str, String)>,
    /// Settings that it cannot do without.
    pub required: &'static [&'static str],
}

/// Everything that is wrong with the settings, one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings that are wrong:\n{}", .0.join("\n"))]
pub struct Wrong(pub Vec<String>);

impl Config {
    /// The settings of this process: its environment, the file that it names, and what the command asks.
    /// The one place that looks at the environment.
    pub fn load(ask: &Ask) -> Result<Self, Wrong> {
        let vars: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
            .collect();
        let file = vars.iter().find(|(name, _)| name == "AFTERGLOW_CONFIG");
        let text = file.map(|(_, path)| std::fs::read_to_string(path)).transpose();
        let text = text.map_err(|error| Wrong(vec![format!("AFTERGLOW_CONFIG: the file cannot be read: {error}")]))?;
        Self::resolve(ask, vars, text.as_deref())
    }

    /// The settings of some variables and the text of a settings file.
    pub fn from(vars: impl IntoIterator<Item = (String, String)>, file: Option<&str>) -> Result<Self, Wrong> {
        Self::resolve(&Ask::default(), vars, file)
    }

    /// The same for a command that has flags, defaults or needs of its own.
    pub fn resolve(
        ask: &Ask,
        vars: impl IntoIterator<Item = (String, String)>,
        file: Option<&str>,
    ) -> Result<Self, Wrong> {
        let mut values = Values::default();
        values.take(&ask.defaults);
        values.take_file(file.unwrap_or_default());
        values.take_vars(vars);
        values.take(&ask.flags);
        for name in ask.required {
            values.require(name);
        }
        values.config()
    }

    /// A link to a path of ours, such as `/invitations/…`.
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }

    /// Follows the port that the system chose for a listener on port 0.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        if !self.public_url_is_set {
            // Cannot fail: the URL is http and has a host.
            let _ = self.public_url.set_port(Some(address.port()));
        }
        self
    }
}

#[cfg(test)]
mod tests;
