//! What a flag has been through: what had been done about it each time before it was opened again.

use super::around::{Actor, Around};
use crate::{
    domain::{
        instant::Instant,
        safety::{Outcome, words},
    },
    store::flags::{Reopened, Shown, Undone},
};
use poem_openapi::Object;
use uuid::Uuid;

/// What had been done about a flag, and how it was opened again: taken on, closed, or the one and then the other.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagRound", skip_serializing_if_is_none)]
pub struct Round {
    /// When somebody had taken it on.
    pub acknowledged_at: Option<Instant>,
    /// Who.
    pub acknowledged_by: Option<Actor>,
    /// When somebody had closed it.
    pub resolved_at: Option<Instant>,
    /// Who.
    pub resolved_by: Option<Actor>,
    /// What had come of it.
    pub outcome: Option<Outcome>,
    /// The note beside the outcome.
    pub note: Option<String>,
    /// How it was opened again.
    pub reopened: Reopening,
}

/// How a flag was opened again.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagReopening", skip_serializing_if_is_none)]
pub struct Reopening {
    /// When.
    pub at: Instant,
    /// Who opened it; absent where a rule did.
    pub by: Option<Actor>,
    /// Why: what somebody typed; where a rule did, what it found.
    pub reason: String,
    /// The record in which a rule found it: one of the flag's evidence.
    pub record_id: Option<Uuid>,
}

impl Around {
    /// What had been done about a flag each time before it was opened again, in order of time.
    pub(super) fn earlier_rounds(&self, shown: &Shown) -> Vec<Round> {
        let round = |undone: &Undone| Round {
            acknowledged_at: undone.done.acknowledged.map(|(at, _)| at.into()),
            acknowledged_by: self.actor(undone.done.acknowledged),
            resolved_at: undone.done.resolved.map(|(at, ..)| at.into()),
            resolved_by: undone.done.resolved.map(|(_, by, _)| self.member(by)),
            outcome: undone.done.resolved.map(|(.., outcome)| outcome),
            note: undone.note.clone(),
            reopened: self.reopening(shown, undone),
        };
        shown.words.undone.iter().map(round).collect()
    }

    fn reopening(&self, shown: &Shown, undone: &Undone) -> Reopening {
        let at = undone.reopened_at.into();
        match &undone.reopened {
            Reopened::ByMember { member, reason } => {
                Reopening { at, by: Some(self.member(*member)), reason: reason.clone(), record_id: None }
            }
            Reopened::ByRule { record, piece } => {
                // What opened it again is among what it rests on, and never leaves it.
                let zone = shown.evidence.iter().find(|one| one.record == *record).map(|one| one.zone);
                let reason = words::detail(piece, zone.unwrap_or(chrono_tz::UTC), self.now);
                Reopening { at, by: None, reason, record_id: Some(*record) }
            }
        }
    }
}
