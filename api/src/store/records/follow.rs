//! What else changes with a record: the one place that says what reads records as they are written, and in which order.

use crate::{
    domain::support::Support,
    error::Error,
    store::{Author, Tx, course, reminders, safety, standing},
};
use entities::record;

/// Follows a record that was made, replaced or deleted, from what it was to what it is now; its rows, its measurement and its
/// line in the audit log stand already. Answers the support that the patient is shown, if the write is evidence of something
/// grave and the patient made it.
///
/// * **Reminders**: a session plans, moves or calls off what follows it; an entry makes needless what would ask for one.
/// * **The course**: what the caseload draws.
/// * **Standings**: those of its instrument; all of them where a dosing session comes, moves or goes.
/// * **The rules**: flags, what they rest on, who is told.
///
/// None of them reads what another one wrote.
pub(super) async fn follow(
    tx: &Tx,
    author: &Author,
    before: Option<&record::Model>,
    now: &record::Model,
) -> Result<Option<Support>, Error> {
    let after = Some(now).filter(|now| !now.deleted);
    let [was, is] = [safety::seen(before)?, safety::seen(after)?];
    reminders::follow_record(tx, now).await?;
    course::follow_record(tx, &author.scope, before, after).await?;
    standing::follow_record(tx, &author.scope, before, after, was.is_some() || is.is_some()).await?;
    safety::follow_record(tx, author, (before, was), (after, is)).await
}
