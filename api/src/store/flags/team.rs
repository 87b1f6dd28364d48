//! Who can be told about a patient's flags, and who was.

use crate::{
    domain::safety::{EscalationRole, Notice, Team, TeamMember},
    error::Error,
    security::{access::Roles, seal::OwnerKeys},
    store::{
        bulk,
        care_team::{self, on_day},
        members::{self, Member},
    },
};
use chrono::NaiveDate;
use entities::{Micros, care_relation, clinic, flag::Model, notification};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Told {
    flag_id: Uuid,
    recipient_id: Option<Uuid>,
    step: Option<i16>,
    computed_at: Micros,
}

/// The messages that told members of some flags, by flag, in the order in which they were told.
pub(super) async fn notices(db: &impl ConnectionTrait, flags: &[Model]) -> Result<HashMap<Uuid, Vec<Notice>>, Error> {
    use notification::Column as N;
    let mut rows = Vec::new();
    for some in flags.chunks(bulk::PAIRS) {
        let some = notification::Entity::find()
            .select_only()
            .columns([N::FlagId, N::RecipientId, N::Step, N::ComputedAt])
            .filter(bulk::are_among([N::PatientId, N::FlagId], some.iter().map(|flag| (flag.patient_id, flag.id))))
            .order_by_asc(N::ComputedAt)
            .order_by_asc(N::Step)
            .order_by_asc(N::Id);
        rows.extend(some.into_model::<Told>().all(db).await?);
    }
    let mut notices: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let Some((member, number)) = row.recipient_id.zip(row.step) else { continue };
        let notice = Notice { at: row.computed_at.into(), member, number };
        notices.entry(row.flag_id).or_default().push(notice);
    }
    Ok(notices)
}

/// Who can be told about some patients' flags today, by patient; and the clinic's members by id.
pub async fn people(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    clinic: Uuid,
    patients: &[Uuid],
    today: NaiveDate,
) -> Result<(HashMap<Uuid, Team>, HashMap<Uuid, Member>), Error> {
    let members = members::list(db, clinic, keys).await?;
    let roles: Vec<_> = members.iter().map(|member| (member.id, member.roles)).collect();
    let teams = teams(db, clinic, patients, today, &roles).await?;
    Ok((teams, members.into_iter().map(|member| (member.id, member)).collect()))
}

/// Who of a clinic's members can be told about some patients' flags on a day: the care team, who is on call, the admins.
pub async fn teams(
    db: &impl ConnectionTrait,
    clinic: Uuid,
    patients: &[Uuid],
    today: NaiveDate,
    members: &[(Uuid, Roles)],
) -> Result<HashMap<Uuid, Team>, Error> {
    let on_call = clinic::Entity::find_by_id(clinic).one(db).await?.and_then(|clinic| clinic.on_call_member_id);
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.is_in(patients.iter().copied()))
        .filter(on_day(today))
        .order_by_asc(care_relation::Column::Id)
        .all(db)
        .await?;
    let team = |patient: &Uuid| {
        let own = relations.iter().filter(|relation| relation.patient_id == *patient);
        let primary = care_team::primary(own.clone());
        let own = own.map(|one| {
            let role = if primary == Some(one.id) { EscalationRole::Primary } else { EscalationRole::CareTeam };
            TeamMember { id: one.member_id, role }
        });
        let on_call = on_call.map(|id| TeamMember { id, role: EscalationRole::OnCall });
        let admins = members.iter().filter(|(_, roles)| roles.meet(Roles::ADMIN));
        let admins = admins.map(|(id, _)| TeamMember { id: *id, role: EscalationRole::Admin });
        let mut team: Vec<_> = own.chain(on_call).chain(admins).collect();
        team.retain(|one| members.iter().any(|(id, _)| *id == one.id));
        (*patient, Team(team))
    };
    Ok(patients.iter().map(team).collect())
}
