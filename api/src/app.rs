//! What every part of the running service shares.

use crate::{
    clock::Clock,
    config::Config,
    error::Error,
    events::Event,
    metrics::Metrics,
    security::{guessing::Guessing, passwords::Passwords, secret::Secret},
    store::{Database, Keys, Place, SignIns},
};
use std::{ops::Deref, sync::Arc};
use tokio::sync::{broadcast, watch};

/// Events that a slow listener may fall behind before it loses some.
const EVENTS: usize = 1024;

/// A handle on everything shared. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What is shared.
pub struct Shared {
    /// The settings.
    pub config: Config,
    /// The clock.
    pub clock: Clock,
    /// The rows.
    pub db: Database,
    /// The keys of what is sealed.
    pub keys: Keys,
    /// What was just committed.
    pub events: broadcast::Sender<Event>,
    /// Turns true when the process is told to stop: what would go on for ever ends then.
    pub stopping: watch::Sender<bool>,
    /// The door to password hashing.
    pub passwords: Passwords,
    /// Who failed to sign in lately.
    pub guessing: Guessing,
    /// Who is signed in.
    pub sign_ins: SignIns,
    /// What is counted.
    pub metrics: Metrics,
}

impl App {
    /// Opens the key store and the database; proves that the master key fits.
    pub async fn open(config: Config, clock: Clock, place: &Place, master: Secret) -> Result<Self, Error> {
        let (events, _) = broadcast::channel(EVENTS);
        let (stopping, _) = watch::channel(false);
        let keys = Keys::open(place, master).await?;
        let metrics = Metrics::default();
        let db = Database::open(place, &clock, &events, &metrics.writing).await?;
        let sign_ins = SignIns::new(db.driver());
        let (passwords, guessing) = (Passwords::default(), Guessing::default());
        let shared = Shared { config, clock, db, keys, events, stopping, passwords, guessing, sign_ins, metrics };
        Ok(Self(Arc::new(shared)))
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
