//! Who is told of a flag that waits: message rows, written with it.

use super::Raised;
use crate::{
    domain::safety::{EscalationStep, Team},
    error::Error,
    store::{Scope, Tx, flags, members, notifications, zones::zone_of},
};
use entities::{clinic, notification};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Writes the messages of the first step: of whatever a unit raised, each member gets one mail. Later steps are told when
/// their time comes.
pub(super) async fn those_who_are_first(tx: &Tx, scope: &Scope, raised: &Raised) -> Result<(), Error> {
    let mut waiting = Vec::new();
    for (id, opened) in &raised.waiting {
        let Some(flag) = raised.flags.get(id) else { continue };
        let base = if *opened { 0 } else { next_round(tx, scope.patient, *id).await? };
        waiting.push((flag, base));
    }
    if waiting.is_empty() {
        return Ok(());
    }
    for (member, flags) in team(tx, scope).await?.mails(waiting) {
        notifications::tell(tx, scope.patient, member, &flags).await?;
    }
    Ok(())
}

async fn next_round(tx: &Tx, patient: Uuid, flag: Uuid) -> Result<i16, Error> {
    let steps = notification::Entity::find()
        .select_only()
        .column(notification::Column::Step)
        .filter(notification::Column::PatientId.eq(patient))
        .filter(notification::Column::FlagId.eq(flag));
    let steps: Vec<Option<i16>> = steps.into_tuple().all(tx.db()).await?;
    Ok(EscalationStep::next_round(steps.into_iter().flatten().max()))
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
