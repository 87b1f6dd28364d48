//! A mailbox in memory, for the demo, which shows it at `/demo/mail`, and for tests: what is sent stays here.

use super::{Channel, Failure, Letter, Offer};
use futures_util::future::BoxFuture;
use lettre::message::Mailbox as Address;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// How many mails are kept; the oldest give way.
const KEPT: usize = 500;

/// A mail that was sent.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What was to be said.
    pub letter: Letter,
    /// The whole mail, as it would have left.
    pub raw: String,
}

/// A mailbox. Cheap to clone; clones share their mails.
#[derive(Clone)]
pub struct Mailbox {
    from: Address,
    mails: Arc<Mutex<VecDeque<Kept>>>,
}

impl Mailbox {
    /// An empty one, for mails from this sender.
    pub fn new(from: Address) -> Self {
        Self { from, mails: Arc::default() }
    }

    /// The mails, oldest first.
    pub fn mails(&self) -> Vec<Kept> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Channel for Mailbox {
    fn offer<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<Box<dyn Offer>, Failure>> {
        Box::pin(async {
            // The number that a mail host gives to an address that it cannot read.
            let message = letter.message(&self.from).ok_or(Failure::Refused(553))?;
            let raw = String::from_utf8_lossy(&message.formatted()).into_owned();
            let kept = Kept { letter: letter.clone(), raw };
            Ok(Box::new(Waiting { kept, mails: self.mails.clone() }) as Box<dyn Offer>)
        })
    }
}

struct Waiting {
    kept: Kept,
    mails: Arc<Mutex<VecDeque<Kept>>>,
}

impl Offer for Waiting {
    fn hand_over(self: Box<Self>) -> BoxFuture<'static, Result<Option<u16>, Failure>> {
        Box::pin(async move {
            let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
            if mails.len() == KEPT {
                mails.pop_front();
            }
            mails.push_back(self.kept);
            Ok(Some(250))
        })
    }
}
