//! Who is told of a flag that waits: message rows, written with it.

use super::Raised;
use crate::{
    domain::safety::{Team, TeamMember, Told},
    error::Error,
    security::access::Roles,
    store::{Scope, Tx, notifications, patients::on_day},
};
use entities::{care_relation, clinic, member, notification};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Steps of a flag that waits anew are numbered on: messages of an earlier time stay what they were.
const ROUND: i16 = 10;

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
    Ok(steps.into_iter().flatten().max().map_or(0, |step| (step / ROUND + 1) * ROUND))
}

/// The care team of today, who is on call, and the admins; by id alone.
async fn team(tx: &Tx, scope: &Scope) -> Result<Team, Error> {
    let clinic = clinic::Entity::find_by_id(scope.clinic).one(tx.db()).await?;
    let clinic = clinic.ok_or_else(|| Error::internal("a patient without a clinic"))?;
    let zone: chrono_tz::Tz = clinic.time_zone.parse().map_err(|_| Error::internal("a clinic's zone is unknown"))?;
    let today = tx.now().with_timezone(&zone).date_naive();
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.eq(scope.patient))
        .filter(on_day(today))
        .all(tx.db())
        .await?;
    let members = member::Entity::find()
        .select_only()
        .columns([member::Column::Id, member::Column::Roles])
        .filter(member::Column::ClinicId.eq(scope.clinic))
        .filter(member::Column::EndedAt.is_null())
        .into_tuple::<(Uuid, i16)>()
        .all(tx.db())
        .await?;
    let told = |id, role| TeamMember { id, name: String::new(), role };
    let mut team: Vec<_> = relations
        .iter()
        .map(|one| told(one.member_id, if one.is_primary { Told::Primary } else { Told::CareTeam }))
        .collect();
    team.extend(clinic.on_call_member_id.map(|id| told(id, Told::OnCall)));
    team.extend(
        members
            .iter()
            .filter(|(_, roles)| Roles::from_code(*roles).meet(Roles::ADMIN))
            .map(|(id, _)| told(*id, Told::Admin)),
    );
    team.retain(|one| members.iter().any(|(id, _)| *id == one.id));
    Ok(Team(team))
}
