//! What has just been committed, for those who listen. Ids only.

use uuid::Uuid;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A flag was opened or changed.
    Flag,
    /// A record was written or deleted.
    Record,
    /// A notification changed.
    Notification,
    /// A message to a member, for the worker that sends it: nobody is told of it as it happens.
    Mail,
}

/// Something of a patient changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub patient_id: Uuid,
    /// What.
    pub subject: Subject,
    /// Which.
    pub id: Uuid,
    /// Whether the patient alone may know of it: a private record.
    pub private: bool,
}
