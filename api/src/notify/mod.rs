//! The roads out of the house: what a mail says, and the channels that carry it. Knows no patient, no row and no rule.

mod email;
mod letters;
mod mailbox;

pub use email::Email;
pub use letters::{Letter, Words};
pub use mailbox::{Kept, Mailbox};

use futures_util::future::BoxFuture;

/// Why a message was not, or perhaps not, taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// For good: the address, or this message, is not wanted there.
    #[error("refused for good ({0})")]
    Refused(u16),
    /// Not now, with the host's answer if it gave one; nothing was handed over.
    #[error("not now ({0:?})")]
    Later(Option<u16>),
    /// The host does not let us in at all: no fault of the message, and no attempt of its own.
    #[error("the host refuses us ({0:?})")]
    Closed(Option<u16>),
    /// The text was handed over and no answer came: it may have arrived, or not.
    #[error("handed over, no answer")]
    Undecided,
}

/// A way to reach people.
///
/// Sending has two steps, so that what cannot be taken back is written down before it happens: while an offer stands,
/// nothing has left; once [`Offer::hand_over`] has begun, only its answer tells whether the message arrived.
pub trait Channel: Send + Sync {
    /// Gets the recipient accepted.
    fn offer<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Result<Box<dyn Offer>, Failure>>;
}

/// A message whose recipient was accepted, not yet handed over.
pub trait Offer: Send {
    /// Hands the text over, and waits for the answer; the host's number if it gives one.
    fn hand_over(self: Box<Self>) -> BoxFuture<'static, Result<Option<u16>, Failure>>;
}
