//! Who is told of a flag that waits: message rows, written with it.

use crate::{
    domain::safety::{Flag, Team, TeamMember, Told},
    error::Error,
    security::access::Roles,
    store::{Scope, Tx, notifications, patients::on_day},
};
use entities::{care_relation, clinic, member, notification};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Steps of a flag that waits anew are numbered on: messages of an earlier time stay what they were.
const ROUND: i16 = 10;

/// Writes the messages of the first step. Later steps are told when their time comes.
pub(super) async fn those_who_are_first(
    tx: &Tx,
    scope: &Scope,
    clinic: &clinic::Model,
    flag: &Flag,
    is_new: bool,
) -> Result<(), Error> {
    let team = team(tx, scope, clinic).await?;
    let base = if is_new { 0 } else { next_round(tx, scope.patient, flag.id).await? };
    for (step, member) in team.told_at_once(flag.severity) {
        notifications::tell(tx, scope.patient, flag.id, member.id, base + step.code()).await?;
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
async fn team(tx: &Tx, scope: &Scope, clinic: &clinic::Model) -> Result<Team, Error> {
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
