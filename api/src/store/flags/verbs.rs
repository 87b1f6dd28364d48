//! What members do with a flag. The patient's row is held meanwhile, so that new evidence and a member never cross.

use super::{Remarks, Reopened, evidence_of, open, save, words};
use crate::{
    domain::{
        business_hours::BusinessHours,
        safety::{Flag, Impossible, Outcome, State},
    },
    error::Error,
    events::{Event, Subject},
    store::{Author, Precondition, Tx, audit},
};
use entities::flag::{Entity, Model};
use sea_orm::EntityTrait;
use uuid::Uuid;

/// Takes a flag on.
pub async fn acknowledge(tx: &Tx, author: &Author, id: Uuid) -> Result<(), Error> {
    let (old, mut flag, words) = held(tx, author, id).await?;
    match flag.acknowledge(author.account, tx.now()) {
        Ok(true) => keep(tx, author, "flags_acknowledge", &old, &flag, &words).await,
        Ok(false) => look(tx, author, "flags_acknowledge", id).await,
        Err(Impossible) => Err(Error::ImpossibleStep("A resolved flag is reopened before it is taken on again.")),
    }
}

/// Closes a flag with what came of it; the same again changes nothing, and something else takes reopening it first. Whether
/// it was done: not where the caller names another version than there is, since then there is something they have not seen.
/// They are shown it instead, so that the unit is to stand either way.
pub async fn resolve(
    tx: &Tx,
    author: &Author,
    id: Uuid,
    held: Precondition,
    outcome: Outcome,
    note: Option<String>,
) -> Result<bool, Error> {
    let (old, mut flag, mut words) = self::held(tx, author, id).await?;
    let is_seen = held == Precondition::None || held == Precondition::Version(old.version);
    if flag.state != State::Resolved && !is_seen {
        return look(tx, author, "flags_resolve", id).await.map(|()| false);
    }
    if !flag.resolve(outcome, author.account, tx.now()) {
        let again = flag.outcome == Some(outcome) && words.note == note;
        unless(again, "This flag was resolved with another outcome or note: reopen it before resolving it anew.")?;
        return look(tx, author, "flags_resolve", id).await.map(|()| true);
    }
    words.note = note;
    keep(tx, author, "flags_resolve", &old, &flag, &words).await.map(|()| true)
}

/// Lets a flag wait again, and answers it; the same again changes nothing.
pub async fn reopen(
    tx: &Tx,
    author: &Author,
    id: Uuid,
    reason: String,
    hours: &BusinessHours,
) -> Result<Option<Flag>, Error> {
    let (old, mut flag, mut words) = held(tx, author, id).await?;
    let Some(done) = flag.reopen(tx.now(), hours) else {
        unless(words.reason.as_ref() == Some(&reason), "This flag is open already: acknowledge or resolve it.")?;
        look(tx, author, "flags_reopen", id).await?;
        return Ok(None);
    };
    words.keep(done, tx.now(), Reopened::ByMember { member: author.account, reason });
    keep(tx, author, "flags_reopen", &old, &flag, &words).await?;
    Ok(Some(flag))
}

/// A repeated request finds done what it asks for; another one asks for a step that is not there.
fn unless(again: bool, impossible: &'static str) -> Result<(), Error> {
    if again { Ok(()) } else { Err(Error::ImpossibleStep(impossible)) }
}

async fn held(tx: &Tx, author: &Author, id: Uuid) -> Result<(Model, Flag, Remarks), Error> {
    author.hold(tx).await?;
    let row = Entity::find_by_id((author.scope.patient, id)).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let evidence = evidence_of(tx.db(), std::slice::from_ref(&row)).await?;
    let (flag, words) = (open(&row, &evidence)?, words(&row, &author.keys, author.scope.clinic)?);
    Ok((row, flag, words))
}

/// Nothing changes, and the flag is answered as it is: a read like any other.
async fn look(tx: &Tx, author: &Author, operation: &str, id: Uuid) -> Result<(), Error> {
    audit::append(tx, audit::Entry::by(author, operation).record(id)).await
}

async fn keep(
    tx: &Tx,
    author: &Author,
    operation: &str,
    old: &Model,
    flag: &Flag,
    words: &Remarks,
) -> Result<(), Error> {
    let row = save(tx, author, old, flag, words).await?;
    tx.announce(Event { patient_id: row.patient_id, subject: Subject::Flag, id: row.id, private: false });
    audit::append(tx, audit::Entry::by(author, operation).record(row.id).version(row.version)).await
}
