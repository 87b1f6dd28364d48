//! Whether a message is still wanted: looked up at the moment of sending, and when what it asks for was done.

use super::{announce, settle};
use crate::{
    domain::{
        notifications::{DeliveryState, NotificationKind, NotificationState},
        profile::PatientState,
        recurrence::Rule,
        safety::{Severity, State},
    },
    error::Error,
    security::access::Roles,
    store::{Tx, care_team, patients, reminders, zones::zone_of},
};
use entities::{
    Micros, account, care_relation, clinic, flag, member,
    notification::{Column, Entity, Model},
    patient, record, reminder,
};
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QuerySelect, sea_query::Expr};
use uuid::Uuid;

/// Skips waiting messages of a kind whose work is done. One of which that cannot be told is passed over: it stops no write.
pub(in crate::store) async fn skip_done(tx: &Tx, patient: Uuid, kind: NotificationKind) -> Result<(), Error> {
    let rows = Entity::find()
        .filter(Column::PatientId.eq(patient))
        .filter(Column::Kind.eq(kind.code()))
        .filter(Column::State.eq(NotificationState::Scheduled.code()));
    for row in rows.all(tx.db()).await? {
        match is_done(tx, &row).await {
            Ok(false) => {}
            Ok(true) => {
                settle(tx, &row, NotificationState::Skipped, DeliveryState::Suppressed).await?;
                announce(tx, &row);
            }
            Err(error @ Error::Internal(_)) => {
                tracing::error!(%error, patient = %patient, notification = %row.id, "a message cannot be read and is passed over");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a message is still wanted, looked up at the moment of sending.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::store) enum Wanted {
    /// By this account.
    Yes(Box<account::Model>),
    /// What it asks for was done.
    Done,
    /// What it follows from went away: the reminder, the session, the flag.
    Gone,
    /// There is nobody to send it to.
    Nobody,
}

/// Whether a message is wanted, and by whom.
pub(in crate::store) async fn wanted(tx: &Tx, row: &Model) -> Result<Wanted, Error> {
    let recipient = match row.recipient_id {
        None => own_recipient(tx, row).await?,
        Some(member) => team_recipient(tx, row, member).await?,
    };
    match recipient {
        Wanted::Yes(_) if is_done(tx, row).await? => Ok(Wanted::Done),
        recipient => Ok(recipient),
    }
}

async fn account(tx: &Tx, id: Uuid) -> Result<Wanted, Error> {
    let row = account::Entity::find_by_id(id).one(tx.db()).await?.filter(|row| row.disabled_at.is_none());
    Ok(row.map_or(Wanted::Nobody, |row| Wanted::Yes(Box::new(row))))
}

async fn own_recipient(tx: &Tx, row: &Model) -> Result<Wanted, Error> {
    let patient = patient::Entity::find_by_id(row.patient_id).one(tx.db()).await?;
    if patient.is_none_or(|patient| patient.state != PatientState::Active.code()) {
        return Ok(Wanted::Nobody);
    }
    let Some(id) = row.reminder_id else { return account(tx, row.patient_id).await };
    let reminder = reminder::Entity::find_by_id((row.patient_id, id)).one(tx.db()).await?;
    match reminder {
        Some(reminder) if reminder.active && !reminder.deleted => account(tx, row.patient_id).await,
        _ => Ok(Wanted::Gone),
    }
}

/// The flags that a message's mail tells of.
pub(in crate::store) async fn told_of(tx: &Tx, row: &Model) -> Result<Vec<Uuid>, Error> {
    let Some(own) = row.flag_id else { return Ok(Vec::new()) };
    let with = Entity::find().select_only().column(Column::FlagId).filter(Column::PatientId.eq(row.patient_id));
    let with: Vec<Option<Uuid>> = with.filter(Column::ToldWith.eq(row.id)).into_tuple().all(tx.db()).await?;
    Ok(with.into_iter().flatten().chain([own]).collect())
}

/// How grave the gravest flag is that a message's mail tells of and that nobody has closed; `None` where all are closed.
pub(in crate::store) async fn gravest_told(tx: &Tx, row: &Model) -> Result<Option<Severity>, Error> {
    let flags = flag::Entity::find()
        .select_only()
        .column(flag::Column::Severity)
        .filter(flag::Column::PatientId.eq(row.patient_id))
        .filter(flag::Column::Id.is_in(told_of(tx, row).await?))
        .filter(flag::Column::State.is_in(State::UNRESOLVED.map(State::code)));
    let severities: Vec<i16> = flags.into_tuple().all(tx.db()).await?;
    Ok(severities.into_iter().max().and_then(Severity::from_code))
}

/// A member is told of a flag that is not resolved, while on the care team; who is on call, and the admins, are told where
/// nobody else is there.
async fn team_recipient(tx: &Tx, row: &Model, id: Uuid) -> Result<Wanted, Error> {
    if gravest_told(tx, row).await?.is_none() {
        return Ok(Wanted::Gone);
    }
    let member = member::Entity::find_by_id(id).one(tx.db()).await?;
    let Some(member) = member.filter(|member| member.ended_at.is_none()) else { return Ok(Wanted::Nobody) };
    let clinic = patients::clinic_of(tx.db(), row.patient_id).await?.ok_or(Error::NotFound)?;
    let clinic = clinic::Entity::find_by_id(clinic).one(tx.db()).await?.ok_or(Error::NotFound)?;
    if clinic.on_call_member_id == Some(id) || Roles::from_code(member.roles).meet(Roles::ADMIN) {
        return account(tx, id).await;
    }
    let zone = zone_of(&clinic.time_zone)?;
    let relations = care_relation::Entity::find()
        .filter(care_relation::Column::PatientId.eq(row.patient_id))
        .filter(care_relation::Column::MemberId.eq(id))
        .filter(care_team::on_day(tx.now().with_timezone(&zone).date_naive()));
    if relations.count(tx.db()).await? == 0 { Ok(Wanted::Nobody) } else { account(tx, id).await }
}

/// Whether what a reminder asks for was done: since its session began, or since the slot before.
async fn is_done(tx: &Tx, row: &Model) -> Result<bool, Error> {
    let kind = NotificationKind::from_code(row.kind).and_then(NotificationKind::done_by);
    let (Some(kind), Some(reminder)) = (kind, row.reminder_id) else { return Ok(false) };
    let reminder = reminder::Entity::find_by_id((row.patient_id, reminder)).one(tx.db()).await?;
    let (Some(reminder), Some(day), Some(slot)) = (reminder, row.local_date, &row.slot) else { return Ok(false) };
    let since = match reminders::rule(&reminder)? {
        Rule::Recurring(recurring) => {
            let zone = zone_of(&row.time_zone)?;
            recurring.done_since(day, slot, zone)
        }
        Rule::Relative(_) => {
            let session = slot.parse::<Uuid>().map_err(Error::internal)?;
            let session = record::Entity::find_by_id((row.patient_id, session)).one(tx.db()).await?;
            let Some(session) = session.filter(|session| !session.deleted) else { return Ok(false) };
            session.occurred_at.into()
        }
    };
    let done = record::Entity::find()
        .filter(record::Column::PatientId.eq(row.patient_id))
        .filter(record::Column::Kind.eq(kind.code()))
        .filter(record::Column::OccurredAt.gte(Micros::from(since)))
        .filter(Expr::col(record::Column::Deleted).not());
    Ok(done.count(tx.db()).await? > 0)
}
