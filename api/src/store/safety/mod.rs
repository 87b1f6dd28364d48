//! What the rules find in a write, inside the unit that writes it: flags, their evidence, who is told, the audit rows.
//!
//! Called after the record's row stands. A finding never refuses a record, and doing it again changes nothing.

mod history;
mod tell;

use super::{Tx, audit, flags, records::Author, safety::history::Changed, standing};
use crate::{
    domain::{
        business_hours::BusinessHours,
        record::Kind,
        safety::{
            Finding, Flag, Rule, Settled, Severity, settle,
            windows::{Seen, Windows},
        },
        support::{Support, support},
    },
    error::Error,
    events::{Event, Subject},
};
use entities::{Micros, clinic, flag, flag_evidence, patient, record};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Runs the rules for a record that was made, replaced or deleted, and keeps standings; answers the support that the
/// patient is shown, if the write is evidence of something grave and the patient made it.
pub async fn follow_record(
    tx: &Tx,
    author: &Author,
    before: Option<&record::Model>,
    after: Option<&record::Model>,
) -> Result<Option<Support>, Error> {
    let (was, is) = (before.and_then(seen), after.and_then(seen));
    standing::follow_record(tx, &author.scope, before, after, was.is_some() || is.is_some()).await?;
    let windows = Windows::of(was, is);
    let Some(row) = after.or(before).filter(|_| windows != Windows::default()) else { return Ok(None) };
    let changed = Changed { patient: author.scope.patient, record: row.id };
    let findings = history::findings(tx, changed, &windows).await?;
    if findings.is_empty() {
        return Ok(None);
    }
    let flags = raise(tx, author, &findings).await?;
    let caused = findings.iter().zip(&flags).filter(|(finding, _)| finding.record == row.id);
    let grave: Vec<_> = caused.map(|(_, flag)| (flag.rule, flag.severity)).collect();
    show(tx, author, grave).await
}

/// The support that a write answered which made a version of a record: for answering it again.
pub async fn support_again(
    tx: &Tx,
    author: &Author,
    record: Uuid,
    written_at: Micros,
) -> Result<Option<Support>, Error> {
    let caused = flag_evidence::Entity::find()
        .filter(flag_evidence::Column::PatientId.eq(author.scope.patient))
        .filter(flag_evidence::Column::RecordId.eq(record))
        .filter(flag_evidence::Column::EvaluatedAt.lte(written_at));
    let caused = caused.all(tx.db()).await?;
    let ids: Vec<Uuid> = caused.iter().map(|evidence| evidence.flag_id).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let gravest = |flag: Uuid| caused.iter().filter(|one| one.flag_id == flag).map(|one| one.severity).max();
    let rows = flag::Entity::find().filter(flag::Column::PatientId.eq(author.scope.patient));
    let rows = rows.filter(flag::Column::Id.is_in(ids)).all(tx.db()).await?;
    let grave = rows.iter().filter_map(|row| Some((Rule::from_id(&row.rule)?, Severity::from_code(gravest(row.id)?)?)));
    show(tx, author, grave.collect()).await
}

fn seen(row: &record::Model) -> Option<Seen> {
    if row.deleted {
        return None;
    }
    Seen::read(Kind::from_code(row.kind)?, row.occurred_at.into(), row.day, &row.facts)
}

/// Support is for the patient; a member who entered something sees the flag instead.
async fn show(tx: &Tx, author: &Author, grave: Vec<(Rule, Severity)>) -> Result<Option<Support>, Error> {
    let by_patient = author.account == author.scope.patient;
    if !by_patient || !grave.iter().any(|(_, severity)| severity.shows_support()) {
        return Ok(None);
    }
    Ok(support(grave, &country(tx.db(), author.scope.patient).await?))
}

async fn country(db: &impl ConnectionTrait, patient: Uuid) -> Result<String, Error> {
    let row = patient::Entity::find_by_id(patient).select_only().column(patient::Column::Country);
    Ok(row.into_tuple().one(db).await?.unwrap_or_default())
}

/// Settles findings and writes what changed; answers the flag of each finding as it then is.
async fn raise(tx: &Tx, author: &Author, findings: &[Finding]) -> Result<Vec<Flag>, Error> {
    let scope = &author.scope;
    let clinic = clinic::Entity::find_by_id(scope.clinic).one(tx.db()).await?;
    let clinic = clinic.ok_or_else(|| Error::internal("a patient without a clinic"))?;
    let zone = clinic.time_zone.parse().map_err(|_| Error::internal("a clinic's zone is unknown"))?;
    let hours = serde_json::from_str(&clinic.business_hours).map_err(Error::internal)?;
    let hours = BusinessHours::of(zone, hours);
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    let mut flags = flags::of_rules(tx, scope, &rules).await?;
    let mut of = Vec::with_capacity(findings.len());
    for finding in findings {
        let settled = settle(&mut flags, finding, tx.now(), &hours, || tx.new_id());
        let flag = flags.get(settled.flag).cloned().ok_or_else(|| Error::internal("a finding without a flag"))?;
        if settled.changed() {
            write(tx, author, &flag, settled, finding).await?;
        }
        if settled.waits_anew {
            tell::those_who_are_first(tx, scope, &clinic, &flag, settled.opened).await?;
        }
        of.push(flag);
    }
    Ok(of)
}

async fn write(tx: &Tx, author: &Author, flag: &Flag, settled: Settled, finding: &Finding) -> Result<(), Error> {
    let verb = if settled.opened {
        flags::insert(tx, &author.scope, flag).await?;
        "flags_open"
    } else {
        flags::update(tx, author, flag).await?;
        "flags_join"
    };
    if settled.new_evidence {
        flags::add_evidence(tx, &author.scope, flag, finding).await?;
    }
    tx.announce(Event { patient_id: author.scope.patient, subject: Subject::Flag, id: flag.id, private: false });
    audit::append(tx, audit::Entry::by(author, verb).record(flag.id)).await
}
