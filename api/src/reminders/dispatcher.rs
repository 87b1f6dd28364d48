//! Sends what is due. A mail is claimed, its recipient is accepted by the host, that it is about to be handed over is
//! committed, it is handed over, its fate is committed. A crash in between leaves what `store/outbox` describes:
//! never a routine mail twice, never one that matters lost.

use crate::{
    app::App,
    domain::notifications::{Class, NotificationKind},
    error::Error,
    notify::{Channel, Failure, Letter, Words},
    security::stop_links,
    store::{
        accounts,
        outbox::{self, Attempt, Claim, Content, Parcel},
    },
};
use chrono::{DateTime, Utc};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};
use tracing::Instrument;

/// Routine mails under way at once: a host that keeps us waiting holds its own lane only.
const ROUTINE_LANES: usize = 12;
/// Mails that matter under way at once: in lanes of their own, so that no reminder stands before a flag. A lane costs a
/// connection to the mail host, which may take up to ten minutes over one mail; hosts allow a client some fifty.
const LANES_THAT_MATTER: usize = 32;
/// Mails looked for at once.
const PAGE: u64 = 500;
/// The one channel there is so far, as it is counted.
const CHANNEL: &str = "email";
/// How long after each attempt the fate of a mail is tried to be recorded anew.
const RECORD: Duration = Duration::from_secs(1);

/// Sends mails over one channel. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    app: App,
    channel: Arc<dyn Channel>,
    routine: Arc<Semaphore>,
    matters: Arc<Semaphore>,
}

impl Dispatcher {
    /// A dispatcher over a channel.
    pub fn new(app: &App, channel: Arc<dyn Channel>) -> Self {
        let [routine, matters] = [ROUTINE_LANES, LANES_THAT_MATTER].map(|lanes| Arc::new(Semaphore::new(lanes)));
        Self { app: app.clone(), channel, routine, matters }
    }

    /// Takes on what is due of a class, each as soon as one of its lanes is free; the mails go on in `mails`. A host that
    /// hangs holds its own lane alone.
    pub async fn tick(&self, class: Class, mails: &mut JoinSet<()>) -> Result<(), Error> {
        let lanes = match class {
            Class::Routine => &self.routine,
            Class::Matters => &self.matters,
        };
        for parcel in outbox::due(self.app.db.read(), self.app.clock.now(), class, PAGE).await? {
            let lane = lanes.clone().acquire_owned().await.map_err(Error::internal)?;
            let this = self.clone();
            mails.spawn(async move {
                if let Err(error) = this.send(parcel).await {
                    tracing::warn!(%error, "a mail waits for its next turn");
                }
                drop(lane);
            });
        }
        Ok(())
    }

    /// One mail, from the claim to its fate.
    async fn send(&self, parcel: Parcel) -> Result<(), Error> {
        let claim = self.app.db.write(parcel.owner(), async move |tx| outbox::claim(tx, parcel).await).await?;
        let Some(claim) = claim else { return Ok(()) };
        // Whatever is logged of it, by the channel too, names it.
        let mail = tracing::error_span!("mail", delivery = %claim.parcel.id(), attempt = claim.attempts);
        self.carry(&claim).instrument(mail).await
    }

    /// A claimed mail, to its fate.
    async fn carry(&self, claim: &Claim) -> Result<(), Error> {
        let attempt = match self.letter(claim).await {
            Ok(letter) => self.hand_over(claim, &letter).await?,
            Err(error) => {
                tracing::error!(%error, "a mail cannot be written");
                Some(Attempt::Closed(None))
            }
        };
        match attempt {
            Some(attempt) => {
                // It was made, whatever becomes of the record of it.
                self.app.metrics.attempted(CHANNEL, claim.class(), attempt.name());
                self.record(claim, attempt, self.app.clock.now()).await
            }
            None => Ok(()),
        }
    }

    /// What became of the letter; `None` if it was not this worker's to hand over any more.
    async fn hand_over(&self, claim: &Claim, letter: &Letter) -> Result<Option<Attempt>, Error> {
        let offer = match self.channel.offer(letter).await {
            Ok(offer) => offer,
            Err(failure) => return Ok(Some(failure.into())),
        };
        let held = claim.clone();
        if !self.app.db.write(claim.parcel.owner(), async move |tx| outbox::begin(tx, &held).await).await? {
            return Ok(None);
        }
        Ok(Some(offer.hand_over().await.map_or_else(Attempt::from, Attempt::Sent)))
    }

    /// Commits what became of an attempt. While the database is away or full it is tried again, for as long as it takes:
    /// what was sent must not look as if it was not. Its fence keeps out what comes too late.
    async fn record(&self, claim: &Claim, attempt: Attempt, at: DateTime<Utc>) -> Result<(), Error> {
        loop {
            let (claim, jitter) = (claim.clone(), rand::random());
            let owner = claim.parcel.owner();
            match self.app.db.write(owner, async move |tx| outbox::finish(tx, &claim, attempt, at, jitter).await).await
            {
                Err(Error::Unavailable(_) | Error::StorageFull) => sleep(RECORD).await,
                recorded => return recorded,
            }
        }
    }

    async fn letter(&self, claim: &Claim) -> Result<Letter, Error> {
        let (app, at) = (&self.app, self.app.clock.now());
        let (id, to, words) = match (&claim.content, claim.parcel) {
            (Content::Invitation(invitation), _) => {
                let owner = invitation.patient.unwrap_or(invitation.id);
                let keys = accounts::keys(&app.keys, invitation.kind, invitation.clinic, owner).await?;
                let sealed = invitation.open(&keys)?;
                let link = app.config.link(&format!("/invitations/{}", sealed.code));
                (invitation.id.to_string(), sealed.email, Words::Invitation { link })
            }
            (Content::Message { kind, reminder, gravest, due_at, to }, parcel) => {
                let keys = accounts::keys(&app.keys, to.kind, to.clinic, to.id).await?;
                let words = match (kind, reminder) {
                    (NotificationKind::Flag, _) | (_, None) => {
                        Words::Flag { link: app.config.link("/flags"), gravest: *gravest }
                    }
                    (kind, Some(reminder)) => {
                        let token = stop_links::make(app.keys.codes(), parcel.owner(), *reminder, at);
                        Words::Reminder { act: kind.act(), stop: app.config.link(&format!("/stop/{token}")) }
                    }
                };
                (format!("{}.{}", parcel.id(), due_at.timestamp()), to.secrets(&keys)?.email, words)
            }
        };
        Ok(Letter { id, to, at: at.into(), words })
    }
}

impl From<Failure> for Attempt {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(answer) => Self::Refused(answer),
            Failure::Later(answer) => Self::Later(answer),
            Failure::Closed(answer) => Self::Closed(answer),
            Failure::Undecided => Self::Undecided,
        }
    }
}
