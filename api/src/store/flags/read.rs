//! Reading flags: of one patient, or of everybody in a member's care; with evidence, and who is told.

use super::{Remarks, evidence_of, gravest, opened, team::notices, words};
use crate::{
    domain::{
        record::Kind,
        safety::{Flag, Notice, Piece, Severity, Since, State},
    },
    error::Error,
    security::seal::OwnerKeys,
    store::{After, Keys, Page, Window, bulk, care_team::Whose, zones::zone_of},
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use entities::{
    flag::{Column, Entity, Model},
    flag_evidence, record,
};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QuerySelect};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Which of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which {
    /// Of this state.
    pub state: Option<State>,
    /// Only those that nobody has closed.
    pub unresolved: bool,
    /// Of this severity.
    pub severity: Option<Severity>,
}

/// A record that a flag rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The kind of the record.
    pub kind: Kind,
    /// The record.
    pub record: Uuid,
    /// Where the patient was.
    pub zone: Tz,
    /// When it happened, and what the rule saw.
    pub piece: Piece,
    /// What became of the record since.
    pub since: Option<Since>,
}

/// Records that are evidence, as they are now, by patient and id: clients choose the ids.
type Records = HashMap<(Uuid, Uuid), Now>;

/// A record that is evidence, as it is now.
struct Now {
    zone: Tz,
    version: i64,
    deleted: bool,
}

impl Now {
    /// What became of it since the rules saw a version. What is as grave as before is noted with its own version.
    fn since(&self, version: i64) -> Option<Since> {
        let corrected = (self.version > version).then_some(Since::Corrected);
        if self.deleted { Some(Since::Deleted) } else { corrected }
    }
}

/// A flag with everything that is told about it.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Whose.
    pub patient: Uuid,
    /// The flag.
    pub flag: Flag,
    /// Its version.
    pub version: i64,
    /// What people typed about it.
    pub words: Remarks,
    /// What it rests on, newest first.
    pub evidence: Vec<Evidence>,
    /// The messages that told members of it, or were to, in the order in which they were written.
    pub notices: Vec<Notice>,
}

impl Shown {
    /// What the flag is about: the gravest of its evidence, of equally grave what still stands, and of that the newest.
    pub fn gravest(&self) -> Option<&Evidence> {
        let stands = |one: &Evidence| one.since.is_none();
        // The newest stands first, and the last of equals is the maximum.
        self.evidence.iter().rev().max_by(|one, other| {
            one.piece.facts.weigh(&other.piece.facts).then_with(|| stands(one).cmp(&stands(other)))
        })
    }
}

fn of(whose: Whose) -> sea_orm::Select<Entity> {
    Entity::find().filter(whose.holds(Column::PatientId))
}

/// The patient whose flag it is, if a member may know of it today.
pub async fn owner_of(
    db: &impl ConnectionTrait,
    member: Uuid,
    today: NaiveDate,
    id: Uuid,
) -> Result<Option<Uuid>, Error> {
    let row = of(Whose::InCareOf(member, today)).filter(Column::Id.eq(id)).select_only().column(Column::PatientId);
    Ok(row.into_tuple().one(db).await?)
}

/// A page, newest first.
pub async fn page(
    db: &impl ConnectionTrait,
    keys: &Keys,
    clinic: Uuid,
    whose: Whose,
    which: Which,
    window: &Window,
) -> Result<Page<Shown>, Error> {
    let wanted = Condition::all()
        .add_option(which.state.map(|state| Column::State.eq(state.code())))
        .add_option(which.unresolved.then(|| Column::State.is_in(State::UNRESOLVED.map(State::code))))
        .add_option(which.severity.map(|severity| Column::Severity.eq(severity.code())));
    let place = |row: &Model| After { at: row.opened_at.into(), id: row.id };
    let page = window.page(db, of(whose).filter(wanted), (Column::OpenedAt, Column::Id), place).await?;
    let flags = shown(db, keys, clinic, &page.items).await?;
    Ok(page.of(flags))
}

/// One flag of a patient.
pub async fn show(
    db: &impl ConnectionTrait,
    keys: &Keys,
    clinic: Uuid,
    patient: Uuid,
    id: Uuid,
) -> Result<Shown, Error> {
    let row = Entity::find_by_id((patient, id)).one(db).await?.ok_or(Error::NotFound)?;
    shown(db, keys, clinic, &[row]).await?.pop().ok_or(Error::NotFound)
}

async fn shown(db: &impl ConnectionTrait, keys: &Keys, clinic: Uuid, rows: &[Model]) -> Result<Vec<Shown>, Error> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let pairs: Vec<_> = rows.iter().map(|row| (row.patient_id, row.id)).collect();
    let (evidence, mut notices) = tokio::try_join!(evidence_of(db, rows), notices(db, &pairs))?;
    let records = records(db, &evidence).await?;
    let typed: Vec<_> = rows.iter().filter(|row| row.sealed.is_some()).map(|row| row.patient_id).collect();
    let keys = keys.of_patients(&typed).await?;
    let shown = rows.iter().map(|row| {
        let shown = shown_one(row, &evidence, &records, keys.get(&row.patient_id).map(AsRef::as_ref), clinic)?;
        Ok(Shown { notices: notices.remove(&row.id).unwrap_or_default(), ..shown })
    });
    shown.collect()
}

fn shown_one(
    row: &Model,
    evidence: &[flag_evidence::Model],
    records: &Records,
    keys: Option<&OwnerKeys>,
    clinic: Uuid,
) -> Result<Shown, Error> {
    let words = match keys {
        Some(keys) => words(row, keys, clinic)?,
        None if row.sealed.is_some() => return Err(Error::internal("a flag whose keys are gone")),
        None => Remarks::default(),
    };
    let pieces = gravest(row.id, evidence)?;
    let flag = opened(row, &pieces)?;
    let own = pieces.into_values().map(|(row, piece)| seen(row, piece, records));
    let mut own: Vec<_> = own.collect::<Result<_, _>>()?;
    own.sort_by_key(|evidence| std::cmp::Reverse((evidence.piece.at, evidence.record)));
    Ok(Shown { patient: row.patient_id, flag, version: row.version, words, evidence: own, notices: Vec::new() })
}

fn seen(row: &flag_evidence::Model, piece: Piece, records: &Records) -> Result<Evidence, Error> {
    let unknown = || Error::internal("evidence of a record that is not there");
    let now = records.get(&(row.patient_id, row.record_id)).ok_or_else(unknown)?;
    Ok(Evidence {
        kind: Kind::from_code(row.kind).ok_or_else(|| Error::internal("evidence of no known kind"))?,
        record: row.record_id,
        zone: now.zone,
        piece,
        since: now.since(row.version),
    })
}

#[derive(FromQueryResult)]
struct Newest {
    patient_id: Uuid,
    id: Uuid,
    time_zone: String,
    version: i64,
    deleted: bool,
}

/// The records behind some evidence, as they are now.
async fn records(db: &impl ConnectionTrait, evidence: &[flag_evidence::Model]) -> Result<Records, Error> {
    use record::Column as R;
    let behind: BTreeSet<_> = evidence.iter().map(|one| (one.patient_id, one.record_id)).collect();
    let behind: Vec<_> = behind.into_iter().collect();
    let rows = record::Entity::find().select_only().columns([R::PatientId, R::Id, R::TimeZone, R::Version, R::Deleted]);
    let rows = bulk::all_among(db, rows, [R::PatientId, R::Id], &behind).await?;
    let parsed = |row: Newest| {
        let zone = zone_of(&row.time_zone)?;
        Ok(((row.patient_id, row.id), Now { zone, version: row.version, deleted: row.deleted }))
    };
    rows.into_iter().map(parsed).collect()
}
