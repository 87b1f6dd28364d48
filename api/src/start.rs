//! From the settings to a service that can run: the folder, the lock on it, the master key, the log.

use crate::{
    app::App,
    clock::Clock,
    config::{Ask, Config, MasterKey},
    error::Error,
    security::secret::Secret,
    store::{Keys, Place},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustix::fs::Mode;
use std::{
    fs::{File, OpenOptions, Permissions},
    io::{IsTerminal, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// What whoever is not the owner may do with a file.
const OTHERS: Mode = Mode::RWXG.union(Mode::RWXO);

/// An open service, and the lock that keeps other processes out of its folder.
pub struct House {
    /// The service.
    pub app: App,
    _lock: Option<File>,
}

/// The settings, and the log that they ask for.
pub fn settings(ask: &Ask) -> Result<Config, Error> {
    let config = Config::load(ask).map_err(|wrong| Error::Settings(wrong.to_string()))?;
    log(&config.log);
    Ok(config)
}

/// Opens everything that the settings name.
pub async fn open(config: Config, clock: Clock) -> Result<House, Error> {
    // Whatever this process makes is for its owner alone, also what SQLite lays beside its files.
    rustix::process::umask(OTHERS);
    let (place, lock) = match &config.database_url {
        Some(url) => (Place::Url(url.reveal().to_owned()), None),
        None => {
            let lock = lock(&config.data)?;
            (Place::Folder(config.data.clone()), Some(lock))
        }
    };
    let master = master_key(&config, &place).await?;
    let app = App::open(config, clock, &place, master).await?;
    Ok(House { app, _lock: lock })
}

/// Makes the folder if need be, for its owner alone, and lets no second process in.
fn lock(folder: &Path) -> Result<File, Error> {
    let wrong = |what: std::io::Error| Error::Settings(format!("AFTERGLOW_DATA: {}: {what}", folder.display()));
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
    close_to_others(folder)?;
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("afterglow.lock"));
    let file = file.map_err(wrong)?;
    file.try_lock().map_err(|_| {
        Error::Settings(format!(
            "AFTERGLOW_DATA: {} is in use by another afterglow, and its database lets one in at a time: stop that one, run \
             this, start it again",
            folder.display()
        ))
    })?;
    Ok(file)
}

/// The folder is its owner's alone. One that is empty is made so. What lies in another may have been read already: its
/// owner is to know, and to say that this is the folder that was meant.
fn close_to_others(folder: &Path) -> Result<(), Error> {
    let wrong = |what: &dyn std::fmt::Display| Error::Settings(format!("AFTERGLOW_DATA: {}: {what}", folder.display()));
    let io = |error: std::io::Error| wrong(&error);
    let mode = Mode::from_raw_mode(std::fs::metadata(folder).map_err(io)?.permissions().mode());
    if !mode.intersects(OTHERS) {
        return Ok(());
    }
    if std::fs::read_dir(folder).map_err(io)?.next().is_some() {
        return Err(wrong(&"others on this machine may look into it; `chmod 700` it if it is the right folder"));
    }
    std::fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(io)
}

/// The master key from where the settings say. In a folder that holds no keys yet, a new one is made.
async fn master_key(config: &Config, place: &Place) -> Result<Secret, Error> {
    match (&config.master_key, place) {
        (MasterKey::Given(bytes), _) => Secret::from_bytes(&bytes[..]).ok_or_else(|| Error::internal("32 bytes")),
        (MasterKey::File(path), _) => read_key(path, "AFTERGLOW_MASTER_KEY_FILE"),
        (MasterKey::Unset, Place::Url(_)) => {
            Err(Error::Settings("AFTERGLOW_MASTER_KEY_FILE: needed with AFTERGLOW_DATABASE_URL".into()))
        }
        (MasterKey::Unset, Place::Folder(folder)) => {
            let path = folder.join("master.key");
            if !path.exists() && Keys::is_empty(place).await? {
                write_key(&path)?;
            }
            read_key(&path, "AFTERGLOW_DATA")
        }
    }
}

fn read_key(path: &Path, setting: &str) -> Result<Secret, Error> {
    let wrong = |what: &dyn std::fmt::Display| Error::Settings(format!("{setting}: {}: {what}", path.display()));
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| wrong(&error))?);
    let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| wrong(&"must be base64"))?);
    Secret::from_bytes(&bytes).ok_or_else(|| wrong(&"must be 32 bytes in base64"))
}

fn write_key(path: &Path) -> Result<(), Error> {
    let wrong = |error: std::io::Error| Error::Settings(format!("AFTERGLOW_DATA: {}: {error}", path.display()));
    let text = Zeroizing::new(STANDARD.encode(Secret::random().as_bytes()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path).map_err(wrong)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
    // The name must survive a power cut too: without the key every word is lost.
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)
}

/// Plain lines on a terminal, JSON elsewhere; to standard error, so that what a command says can be piped.
fn log(filter: &str) {
    // Each step of a schema that is up to date is no news.
    let filter = tracing_subscriber::EnvFilter::new(format!("sea_orm_migration=warn,{filter}"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, in a test, keeps the first log.
    let _ = if std::io::stderr().is_terminal() { lines.try_init() } else { lines.json().try_init() };
}
