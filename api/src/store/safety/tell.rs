//! Who is told of a flag that waits: message rows, written with it, and with what kept one of them from its member.

use super::Raised;
use crate::{
    domain::safety::{EscalationStep, Next, State, Team, nobody_told},
    error::Error,
    events::{Event, Subject},
    store::{Scope, Tx, flags, members, notifications, patients, zones::zone_of},
};
use entities::{clinic, flag, notification};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Writes the messages of the first step: of whatever a unit raised, each member gets one mail. Later steps are told when
/// their time comes. What joins a flag that waits is for whoever knows of it: where nobody does, it is told anew.
pub(super) async fn those_who_are_first(tx: &Tx, scope: &Scope, raised: &Raised) -> Result<(), Error> {
    let told: Vec<_> = raised.waiting.union(&raised.heard).map(|flag| (scope.patient, *flag)).collect();
    let notices = flags::notices(tx.db(), &told).await?;
    let anew = raised.flags.values().filter_map(|flag| {
        let notices = notices.get(&flag.id).map(Vec::as_slice).unwrap_or_default();
        let unheard = flag.state == State::Open && raised.heard.contains(&flag.id) && nobody_told(notices);
        let round = || EscalationStep::next_round(notices.iter().map(|notice| notice.number).max());
        (raised.waiting.contains(&flag.id) || unheard).then(|| (flag, round()))
    });
    let anew: Vec<_> = anew.collect();
    if anew.is_empty() {
        return Ok(());
    }
    for (member, flags) in team(tx, scope).await?.mails(anew) {
        notifications::tell(tx, scope.patient, member, &flags).await?;
    }
    Ok(())
}

/// A message did not reach its member, and will not. Of the flags of which it told, those that still wait and of which nobody
/// was told since they began to are told at once to the next on the care team: the time of a step is for somebody who knows
/// of it.
pub(in crate::store) async fn who_is_next(tx: &Tx, lost: &notification::Model) -> Result<(), Error> {
    let patient = lost.patient_id;
    let clinic = patients::clinic_of(tx.db(), patient).await?.ok_or(Error::NotFound)?;
    let scope = Scope { clinic, patient, sees_private: false };
    // Of two that are lost at once the second sees the first, and nobody takes the flag on meanwhile.
    patients::lock(tx, &scope).await?;
    let told = notifications::told_of(tx, lost).await?;
    for flag in &told {
        // Whoever has it before them sees that somebody was not reached.
        tx.announce(Event { patient_id: patient, subject: Subject::Flag, id: *flag, private: false });
    }
    let waiting = flag::Entity::find().filter(flag::Column::PatientId.eq(patient)).filter(flag::Column::Id.is_in(told));
    let waiting = waiting.filter(flag::Column::State.eq(State::Open.code())).select_only().column(flag::Column::Id);
    let waiting: Vec<Uuid> = waiting.into_tuple().all(tx.db()).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let pairs: Vec<_> = waiting.iter().map(|flag| (patient, *flag)).collect();
    let (notices, team) = (flags::notices(tx.db(), &pairs).await?, team(tx, &scope).await?);
    let mut mails: BTreeMap<Uuid, Vec<(Uuid, i16)>> = BTreeMap::new();
    for flag in waiting {
        match team.instead(notices.get(&flag).map(Vec::as_slice).unwrap_or_default()) {
            Next::Reached => {}
            Next::Tell(members) => {
                for (member, step) in members {
                    mails.entry(member).or_default().push((flag, step));
                }
            }
            Next::Nobody => tracing::error!(%patient, %flag, "nobody can be told of a flag"),
        }
    }
    for (member, flags) in mails {
        notifications::tell(tx, patient, member, &flags).await?;
    }
    Ok(())
}

/// The care team of today, who is on call, and the admins.
async fn team(tx: &Tx, scope: &Scope) -> Result<Team, Error> {
    let clinic = clinic::Entity::find_by_id(scope.clinic).one(tx.db()).await?;
    let clinic = clinic.ok_or_else(|| Error::internal("a patient without a clinic"))?;
    let zone = zone_of(&clinic.time_zone)?;
    let today = tx.now().with_timezone(&zone).date_naive();
    let members = members::roles_of_all(tx.db(), scope.clinic).await?;
    let relations = flags::relations(tx.db(), &[scope.patient], today).await?;
    Ok(flags::team(scope.patient, &relations, clinic.on_call_member_id, &members))
}
