//! What a flag keeps sealed: what people typed about it, and all that had been done about it before it was opened again.

use crate::{
    domain::safety::{Done, Finding, Piece},
    error::Error,
    security::seal::{Class, OwnerKeys, Spot},
    store::Author,
};
use chrono::{DateTime, Utc};
use entities::flag::Model;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What people typed about a flag, and what it has been through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Remarks {
    /// Beside the outcome; of the last closing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Why somebody opened it again; of the last time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What had been done about it each time that it was opened again, in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<Undone>,
}

/// What had been done about a flag, and how that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undone {
    /// What it was.
    #[serde(flatten)]
    pub done: Done,
    /// The note of its closing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When the flag was opened again.
    pub reopened_at: DateTime<Utc>,
    /// Who or what opened it.
    pub reopened: Reopened,
}

/// Who or what opened a flag again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reopened {
    /// A member, and why.
    ByMember {
        /// Who.
        member: Uuid,
        /// What they typed.
        reason: String,
    },
    /// A rule, by what it found.
    ByRule {
        /// The record in which.
        record: Uuid,
        /// What that then was.
        piece: Piece,
    },
}

impl Reopened {
    /// A rule, by its finding.
    pub fn by(finding: &Finding) -> Self {
        Self::ByRule { record: finding.record, piece: finding.piece() }
    }
}

impl Remarks {
    /// Keeps what had been done about a flag that has been opened again.
    pub fn keep(&mut self, done: Done, reopened_at: DateTime<Utc>, reopened: Reopened) {
        // The note of an earlier closing is not that of one who has only taken it on.
        let note = self.note.clone().filter(|_| done.resolved.is_some());
        if let Reopened::ByMember { reason, .. } = &reopened {
            self.reason = Some(reason.clone());
        }
        self.undone.push(Undone { done, note, reopened_at, reopened });
    }
}

pub(super) fn words(row: &Model, keys: &OwnerKeys, clinic: Uuid) -> Result<Remarks, Error> {
    let Some(sealed) = &row.sealed else { return Ok(Remarks::default()) };
    let text = keys.open(&spot(clinic, row.id, row.version), sealed)?;
    serde_json::from_str(&text).map_err(Error::internal)
}

pub(super) fn seal(author: &Author, flag: Uuid, version: i64, words: &Remarks) -> Result<Option<Vec<u8>>, Error> {
    if *words == Remarks::default() {
        return Ok(None);
    }
    let text = serde_json::to_string(words).map_err(Error::internal)?;
    author.keys.seal(&spot(author.scope.clinic, flag, version), &text).map(Some)
}

fn spot(clinic: Uuid, row: Uuid, revision: i64) -> Spot<'static> {
    Spot { table: "flag", column: "sealed", clinic, row, revision, class: Class::Shared }
}
