//! What a flag has been through: each of its closings, and each time that somebody had taken it on and it was opened again.

use super::shown::{Actor, Around};
use crate::{
    domain::{
        instant::Instant,
        safety::{Outcome, words},
    },
    store::flags::{Reopened, Shown, Undone},
};
use poem_openapi::Object;
use uuid::Uuid;

/// One closing of a flag, and how the flag was opened again since, if it was.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagClosing", skip_serializing_if_is_none)]
pub struct Closing {
    /// What came of it.
    pub outcome: Outcome,
    /// A note beside the outcome.
    pub note: Option<String>,
    /// When it was closed.
    pub at: Instant,
    /// Who closed it.
    pub by: Actor,
    /// When the flag was opened again.
    pub reopened_at: Option<Instant>,
    /// Who opened it; absent where a rule did.
    pub reopened_by: Option<Actor>,
    /// Why it was opened again: what somebody typed; where a rule did, what it found.
    pub reason: Option<String>,
    /// The record in which a rule found it: one of the flag's evidence.
    pub record_id: Option<Uuid>,
}

/// A flag that somebody had taken on, opened again before anybody closed it.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagReturn", skip_serializing_if_is_none)]
pub struct Return {
    /// When it had been taken on.
    pub at: Instant,
    /// Who had.
    pub by: Actor,
    /// When the flag was opened again.
    pub reopened_at: Instant,
    /// Who opened it; absent where a rule did.
    pub reopened_by: Option<Actor>,
    /// Why it was opened again: what somebody typed; where a rule did, what it found.
    pub reason: String,
    /// The record in which a rule found it: one of the flag's evidence.
    pub record_id: Option<Uuid>,
}

/// How a flag was opened again, in words.
struct Cause {
    by: Option<Actor>,
    reason: String,
    record: Option<Uuid>,
}

impl Around {
    /// The closings of a flag in order of time, the one that holds last.
    pub(super) fn closings(&self, shown: &Shown) -> Vec<Closing> {
        let former = shown.words.undone.iter().filter_map(|undone| {
            let (at, by, outcome) = undone.done.resolved?;
            let Cause { by: reopened_by, reason, record } = self.cause(shown, undone);
            Some(Closing {
                outcome,
                note: undone.note.clone(),
                at: at.into(),
                by: self.member(by),
                reopened_at: Some(undone.reopened_at.into()),
                reopened_by,
                reason: Some(reason),
                record_id: record,
            })
        });
        let holds = shown.flag.resolved.zip(shown.flag.outcome).map(|((at, by), outcome)| Closing {
            outcome,
            note: shown.words.note.clone(),
            at: at.into(),
            by: self.member(by),
            reopened_at: None,
            reopened_by: None,
            reason: None,
            record_id: None,
        });
        former.chain(holds).collect()
    }

    /// The times that somebody had taken a flag on and it was opened again unclosed, in order of time.
    pub(super) fn returns(&self, shown: &Shown) -> Vec<Return> {
        let unclosed = shown.words.undone.iter().filter(|undone| undone.done.resolved.is_none());
        let returns = unclosed.filter_map(|undone| {
            let (at, by) = undone.done.acknowledged?;
            let Cause { by: reopened_by, reason, record } = self.cause(shown, undone);
            let (at, by, reopened_at) = (at.into(), self.member(by), undone.reopened_at.into());
            Some(Return { at, by, reopened_at, reopened_by, reason, record_id: record })
        });
        returns.collect()
    }

    fn cause(&self, shown: &Shown, undone: &Undone) -> Cause {
        match &undone.reopened {
            Reopened::ByMember { member, reason } => {
                Cause { by: Some(self.member(*member)), reason: reason.clone(), record: None }
            }
            Reopened::ByRule { record, piece } => {
                // What a flag rests on never leaves it.
                let rests_on = shown.evidence.iter().find(|one| one.record == *record);
                let zone = rests_on.map_or(chrono_tz::UTC, |one| one.zone);
                Cause { by: None, reason: words::detail(piece, zone, self.now), record: Some(*record) }
            }
        }
    }
}
