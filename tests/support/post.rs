//! Mail hosts as a test needs them: one that keeps what it gets, one that fails as told, one that never answers.

use afterglow::notify::{Channel, Failure, Kept, Letter, Mailbox, Offer};
use futures_util::future::BoxFuture;
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// What a host does with the next mail, instead of taking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Refuses the recipient, or is not there.
    Refuse(Failure),
    /// Keeps the sender waiting before the recipient is accepted, until released.
    Stall,
    /// Takes the text and never answers, as if one of the two had died.
    Hang,
    /// Takes the text, keeps it, and hangs up before it answers.
    TakeAndHangUp,
}

/// A mail host.
#[derive(Clone)]
pub struct Post {
    mailbox: Mailbox,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    pub asked: Arc<AtomicUsize>,
    pub stalled: Arc<Notify>,
    pub release: Arc<Notify>,
    pub hanging: Arc<Notify>,
}

impl Post {
    pub fn new() -> Self {
        Self {
            mailbox: Mailbox::new("Afterglow <no-reply@afterglow.example>".parse().unwrap()),
            moods: Arc::default(),
            asked: Arc::default(),
            stalled: Arc::default(),
            release: Arc::default(),
            hanging: Arc::default(),
        }
    }

    /// What it does with the next mails, one each.
    pub fn will(&self, moods: impl IntoIterator<Item = Mood>) {
        self.moods.lock().unwrap().extend(moods);
    }

    /// What arrived.
    pub fn mails(&self) -> Vec<Kept> {
        self.mailbox.mails()
    }

    /// What arrived for somebody.
    pub fn to(&self, address: &str) -> Vec<Kept> {
        self.mails().into_iter().filter(|mail| mail.letter.to == address).collect()
    }
}

impl Channel for Post {
    fn offer<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<Box<dyn Offer>, Failure>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            let mood = self.moods.lock().unwrap().pop_front();
            match mood {
                None => self.mailbox.offer(letter).await,
                Some(Mood::Refuse(failure)) => Err(failure),
                Some(Mood::Stall) => {
                    self.stalled.notify_one();
                    self.release.notified().await;
                    self.mailbox.offer(letter).await
                }
                Some(Mood::Hang) => Ok(Box::new(Hanging(self.hanging.clone())) as Box<dyn Offer>),
                Some(Mood::TakeAndHangUp) => {
                    Ok(Box::new(HangingUp(self.mailbox.offer(letter).await?)) as Box<dyn Offer>)
                }
            }
        })
    }
}

struct Hanging(Arc<Notify>);

impl Offer for Hanging {
    fn hand_over(self: Box<Self>) -> BoxFuture<'static, Result<Option<u16>, Failure>> {
        Box::pin(async move {
            self.0.notify_one();
            std::future::pending().await
        })
    }
}

struct HangingUp(Box<dyn Offer>);

impl Offer for HangingUp {
    fn hand_over(self: Box<Self>) -> BoxFuture<'static, Result<Option<u16>, Failure>> {
        Box::pin(async move {
            self.0.hand_over().await?;
            Err(Failure::Undecided)
        })
    }
}
