//! Flags and what they rest on. A row is kept as long as the patient's records; nothing closes one but a person.

mod read;
mod remarks;
mod team;
mod verbs;

pub use read::{Evidence, Shown, Which, owner_of, page, show};
pub use remarks::{Remarks, Reopened, Undone};
pub(super) use team::notices;
pub use team::{People, people, relations, team};
pub use verbs::{acknowledge, reopen, resolve};

use super::{Author, Scope, Tx, bulk};
use crate::{
    domain::safety::{Done, Facts, Finding, Flag, News, Outcome, Piece, Rule, Severity, State},
    error::Error,
};
use chrono::{DateTime, Utc};
use entities::{
    Micros,
    flag::{Column, Entity, Model},
    flag_evidence,
};
use remarks::{seal, words};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A patient's flags of some rules, resolved ones too, with their evidence.
pub async fn of_rules(tx: &Tx, scope: &Scope, rules: &[Rule]) -> Result<Vec<Flag>, Error> {
    let ids = rules.iter().map(|rule| rule.id());
    let rows = Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Rule.is_in(ids));
    let rows = rows.all(tx.db()).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let evidence = evidence_of(tx.db(), &rows).await?;
    rows.iter().map(|row| open(row, &evidence)).collect()
}

/// Stores a new flag.
pub async fn insert(tx: &Tx, scope: &Scope, flag: &Flag) -> Result<(), Error> {
    let row = row(scope.patient, flag, 1, None);
    Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
    Ok(())
}

/// Stores what a finding made of a flag; what was typed about it stays, and so does what had been done about it where the
/// finding opened it again.
pub async fn update(
    tx: &Tx,
    author: &Author,
    flag: &Flag,
    finding: &Finding,
    undone: Option<Done>,
) -> Result<(), Error> {
    let old = Entity::find_by_id((author.scope.patient, flag.id)).one(tx.db()).await?.ok_or(Error::NotFound)?;
    let mut words = words(&old, &author.keys, author.scope.clinic)?;
    if let Some(done) = undone {
        words.keep(done, tx.now(), Reopened::by(finding));
    }
    save(tx, author, &old, flag, &words).await.map(drop)
}

/// Notes what a rule found in a version of a record. A version that a flag rests on already keeps when that was and how grave
/// the flag then was, since its write was answered by that; what was seen gives way to what is graver.
pub async fn note(tx: &Tx, scope: &Scope, flag: &Flag, found: &Found, news: News) -> Result<(), Error> {
    use flag_evidence::Column as E;
    let row = evidence_row(scope.patient, flag, found)?;
    if row.counts && found.version > 1 {
        let before = E::RecordId.eq(found.finding.record).and(E::Version.lt(found.version));
        give_way(tx, scope, before.and(E::FlagId.eq(flag.id))).await?;
    }
    let key = [E::PatientId, E::FlagId, E::RecordId, E::Version];
    let insert = flag_evidence::Entity::insert(row.into_active_model());
    if news == News::Nothing {
        insert.on_conflict_do_nothing_on(key).exec_without_returning(tx.db()).await?;
    } else {
        let graver = OnConflict::columns(key).update_columns([E::OccurredAt, E::Counts, E::Facts]).to_owned();
        insert.on_conflict(graver).exec_without_returning(tx.db()).await?;
    }
    Ok(())
}

/// Some versions of a record count no more: of a record's versions one does, the gravest, and of equally grave ones the
/// newest.
async fn give_way(tx: &Tx, scope: &Scope, versions: Expr) -> Result<(), Error> {
    use flag_evidence::Column as E;
    let rows = flag_evidence::Entity::update_many().col_expr(E::Counts, Expr::val(false));
    rows.filter(E::PatientId.eq(scope.patient)).filter(versions).filter(E::Counts.eq(true)).exec(tx.db()).await?;
    Ok(())
}

/// Makes a record's new version evidence of what the one before it was evidence of, where nothing changed that rules look at;
/// answers those flags.
pub async fn carry(tx: &Tx, scope: &Scope, record: Uuid, from: i64, to: i64) -> Result<Vec<(Rule, Severity)>, Error> {
    let rows = flag_evidence::Entity::find()
        .filter(flag_evidence::Column::PatientId.eq(scope.patient))
        .filter(flag_evidence::Column::RecordId.eq(record))
        .filter(flag_evidence::Column::Version.eq(from));
    let rows = rows.all(tx.db()).await?;
    let ids = rows.iter().map(|row| row.flag_id);
    let flags = Entity::find().filter(Column::PatientId.eq(scope.patient)).filter(Column::Id.is_in(ids));
    let flags = flags.all(tx.db()).await?;
    let severity = |row: &flag_evidence::Model| {
        flags.iter().find(|flag| flag.id == row.flag_id).map_or(row.severity, |flag| flag.severity)
    };
    let carried = rows.into_iter().map(|row| {
        let severity = severity(&row);
        flag_evidence::Model { version: to, evaluated_at: tx.now().into(), severity, ..row }
    });
    bulk::insert(tx.db(), carried).await?;
    let before = flag_evidence::Column::RecordId.eq(record).and(flag_evidence::Column::Version.eq(from));
    give_way(tx, scope, before).await?;
    Ok(flags
        .iter()
        .filter_map(|flag| Some((Rule::from_id(&flag.rule)?, Severity::from_code(flag.severity)?)))
        .collect())
}

/// What a rule found in a version of a record, when, and how grave its flag then was.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What.
    pub finding: Finding,
    /// The record's version.
    pub version: i64,
    /// When the rule saw it first.
    pub at: DateTime<Utc>,
    /// How grave its flag then was.
    pub severity: Severity,
}

fn evidence_row(patient: Uuid, flag: &Flag, found: &Found) -> Result<flag_evidence::Model, Error> {
    let Found { finding, version, at, severity } = found;
    let shown = flag.evidence.get(&finding.record);
    Ok(flag_evidence::Model {
        patient_id: patient,
        flag_id: flag.id,
        record_id: finding.record,
        version: *version,
        kind: finding.kind.code(),
        occurred_at: finding.at.into(),
        evaluated_at: (*at).into(),
        severity: severity.code(),
        counts: shown.is_some_and(|shown| finding.facts.weigh(&shown.facts).is_ge()),
        facts: serde_json::to_string(&finding.facts).map_err(Error::internal)?,
    })
}

/// A flag with all that became of it, for a clinic that is made with a past.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// The flag as it is now.
    pub flag: Flag,
    /// How often it changed.
    pub version: i64,
    /// What people typed about it, and what it has been through.
    pub words: Remarks,
    /// What it rests on.
    pub evidence: Vec<Found>,
}

/// Stores the flags of a patient who has none yet.
pub async fn insert_all(tx: &Tx, author: &Author, flags: &[Past]) -> Result<(), Error> {
    let patient = author.scope.patient;
    let (mut rows, mut evidence) = (Vec::new(), Vec::new());
    for Past { flag, version, words, evidence: rests_on } in flags {
        rows.push(row(patient, flag, *version, seal(author, flag.id, *version, words)?));
        for found in rests_on {
            evidence.push(evidence_row(patient, flag, found)?);
        }
    }
    bulk::insert(tx.db(), rows).await?;
    Ok(bulk::insert(tx.db(), evidence).await?)
}

async fn save(tx: &Tx, author: &Author, old: &Model, flag: &Flag, words: &Remarks) -> Result<Model, Error> {
    let version = old.version + 1;
    let sealed = seal(author, flag.id, version, words)?;
    let row = row(author.scope.patient, flag, version, sealed);
    Entity::update(row.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
    Ok(row)
}

/// What some flags rest on. A version that gave way to another is no part of it: its row is there for the answer to its write.
async fn evidence_of(db: &impl ConnectionTrait, flags: &[Model]) -> Result<Vec<flag_evidence::Model>, Error> {
    use flag_evidence::Column as E;
    let pairs: Vec<_> = flags.iter().map(|flag| (flag.patient_id, flag.id)).collect();
    let evidence = flag_evidence::Entity::find().filter(E::Counts.eq(true));
    Ok(bulk::all_among(db, evidence, [E::PatientId, E::FlagId], &pairs).await?)
}

/// A piece of evidence for each record, with the row that it stands in.
type Pieces<'a> = BTreeMap<Uuid, (&'a flag_evidence::Model, Piece)>;

fn open(row: &Model, evidence: &[flag_evidence::Model]) -> Result<Flag, Error> {
    opened(row, &gravest(row.id, evidence)?)
}

fn opened(row: &Model, pieces: &Pieces<'_>) -> Result<Flag, Error> {
    let unknown = || Error::internal("a flag of an unknown rule, severity or state");
    Ok(Flag {
        id: row.id,
        rule: Rule::from_id(&row.rule).ok_or_else(unknown)?,
        rule_version: row.rule_version,
        instrument: row.instrument,
        severity: Severity::from_code(row.severity).ok_or_else(unknown)?,
        state: State::from_code(row.state).ok_or_else(unknown)?,
        opened_at: row.opened_at.into(),
        waits_since: row.waits_since.into(),
        acknowledge_by: row.acknowledge_by.map(Into::into),
        acknowledged: row.acknowledged_at.map(Into::into).zip(row.acknowledged_by),
        resolved: row.resolved_at.map(Into::into).zip(row.resolved_by),
        outcome: row.outcome.and_then(Outcome::from_code),
        evidence: pieces.iter().map(|(record, (_, piece))| (*record, piece.clone())).collect(),
    })
}

/// Each record of a flag's evidence as it was seen when it was gravest; of versions that weigh the same, the newest.
fn gravest(flag: Uuid, evidence: &[flag_evidence::Model]) -> Result<Pieces<'_>, Error> {
    let mut rows: Vec<_> = evidence.iter().filter(|evidence| evidence.flag_id == flag).collect();
    rows.sort_by_key(|row| row.version);
    let mut pieces = Pieces::new();
    for row in rows {
        let facts: Facts = serde_json::from_str(&row.facts).map_err(Error::internal)?;
        if pieces.get(&row.record_id).is_none_or(|(_, known)| facts.weigh(&known.facts).is_ge()) {
            pieces.insert(row.record_id, (row, Piece { at: row.occurred_at.into(), facts }));
        }
    }
    Ok(pieces)
}

fn row(patient: Uuid, flag: &Flag, version: i64, sealed: Option<Vec<u8>>) -> Model {
    Model {
        patient_id: patient,
        id: flag.id,
        rule: flag.rule.id().into(),
        rule_version: flag.rule_version,
        instrument: flag.instrument,
        severity: flag.severity.code(),
        state: flag.state.code(),
        opened_at: flag.opened_at.into(),
        waits_since: flag.waits_since.into(),
        newest_at: flag.newest_at().into(),
        acknowledge_by: flag.acknowledge_by.map(Micros::from),
        acknowledged_at: flag.acknowledged.map(|(at, _)| at.into()),
        acknowledged_by: flag.acknowledged.map(|(_, by)| by),
        resolved_at: flag.resolved.map(|(at, _)| at.into()),
        resolved_by: flag.resolved.map(|(_, by)| by),
        outcome: flag.outcome.map(Outcome::code),
        version,
        sealed,
    }
}
