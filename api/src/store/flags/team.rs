//! Who can be told about a patient's flags, and who was.

use crate::{
    domain::{
        clinic::Clinic,
        notifications::NotificationState,
        safety::{EscalationRole, Notice, Team, TeamMember},
    },
    error::Error,
    security::{access::Roles, seal::OwnerKeys},
    store::{
        bulk,
        care_team::{self, on_day},
        clinics,
        members::{self, Member},
    },
};
use chrono::NaiveDate;
use entities::{Micros, care_relation, notification};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Told {
    flag_id: Uuid,
    recipient_id: Option<Uuid>,
    step: Option<i16>,
    computed_at: Micros,
    state: i16,
}

/// The messages that told members of some patients' flags, or were to, by flag, in the order in which they were written.
pub(in crate::store) async fn notices(
    db: &impl ConnectionTrait,
    flags: &[(Uuid, Uuid)],
) -> Result<HashMap<Uuid, Vec<Notice>>, Error> {
    use notification::Column as N;
    let rows = notification::Entity::find()
        .select_only()
        .columns([N::FlagId, N::RecipientId, N::Step, N::ComputedAt, N::State])
        .order_by_asc(N::ComputedAt)
        .order_by_asc(N::Step)
        .order_by_asc(N::Id);
    let rows: Vec<Told> = bulk::all_among(db, rows, [N::PatientId, N::FlagId], flags).await?;
    let mut notices: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let Some((member, number)) = row.recipient_id.zip(row.step) else { continue };
        let state =
            NotificationState::from_code(row.state).ok_or_else(|| Error::internal("a message in no known state"))?;
        let notice = Notice { at: row.computed_at.into(), member, number, state };
        notices.entry(row.flag_id).or_default().push(notice);
    }
    Ok(notices)
}

/// A clinic, its members, and who of them can be told about some patients' flags.
pub struct People {
    /// The clinic.
    pub clinic: Clinic,
    /// Its members, by id.
    pub members: HashMap<Uuid, Member>,
    /// Who can be told, by patient.
    pub teams: HashMap<Uuid, Team>,
}

/// A clinic's people, and who of them can be told about some patients' flags today.
pub async fn people(
    db: &impl ConnectionTrait,
    keys: &OwnerKeys,
    clinic: Uuid,
    patients: &[Uuid],
    today: NaiveDate,
) -> Result<People, Error> {
    let (clinic, members, relations) = tokio::try_join!(
        clinics::find(db, clinic, keys),
        members::list(db, clinic, keys),
        relations(db, patients, today)
    )?;
    let clinic = clinic.ok_or(Error::NotFound)?;
    let roles: Vec<_> = members.iter().map(|member| (member.id, member.roles)).collect();
    let team = |patient: &Uuid| (*patient, team(*patient, &relations, clinic.on_call_member_id, &roles));
    let teams = patients.iter().map(team).collect();
    Ok(People { teams, members: members.into_iter().map(|member| (member.id, member)).collect(), clinic })
}

/// Who is on some patients' care teams on a day.
pub async fn relations(
    db: &impl ConnectionTrait,
    patients: &[Uuid],
    day: NaiveDate,
) -> Result<Vec<care_relation::Model>, Error> {
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.is_in(patients.iter().copied()))
        .filter(on_day(day))
        .order_by_asc(care_relation::Column::Id);
    Ok(relations.all(db).await?)
}

/// Who can be told about a patient's flags: the care team, who is on call, the admins; as far as they are still members.
pub fn team(
    patient: Uuid,
    relations: &[care_relation::Model],
    on_call: Option<Uuid>,
    members: &[(Uuid, Roles)],
) -> Team {
    let own = relations.iter().filter(|relation| relation.patient_id == patient);
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
    Team(team)
}
