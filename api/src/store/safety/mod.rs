//! What the rules find in a write, inside the unit that writes it: flags, their evidence, who is told, the audit rows.
//!
//! Called after the record's row stands. A finding never refuses a record, and doing it again changes nothing.

mod history;
mod tell;

pub(super) use tell::who_is_next;

use super::{
    Author, Scope, Tx, audit,
    flags::{self, Found},
    patients,
    zones::zone_of,
};
use crate::{
    domain::{
        business_hours::BusinessHours,
        record::Kind,
        safety::{
            Finding, Flag, News, Rule, Settled, Severity, is_known, settle,
            windows::{Seen, Windows},
        },
        support::{Support, support},
    },
    error::Error,
    events::{Event, Subject},
};
use entities::{Micros, clinic, flag, flag_evidence, record};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A record before or after a write, and what it is to the rules; neither where there is none.
pub type Side<'a> = (Option<&'a record::Model>, Option<Seen>);

/// Runs the rules for a record that was made, replaced or deleted; answers the support that the patient is shown, if the
/// write is evidence of something grave and the patient made it.
pub async fn follow_record(
    tx: &Tx,
    author: &Author,
    (before, was): Side<'_>,
    (after, is): Side<'_>,
) -> Result<Option<Support>, Error> {
    if let (Some(Seen::Dose(_)), Some(old), Some(new), true) = (is, before, after, was == is) {
        // Judged when it was written. What it was evidence of it still is, and the patient is shown where to turn again.
        let known = flags::carry(tx, &author.scope, new.id, old.version, new.version).await?;
        return show(tx, author, known).await;
    }
    let windows = Windows::of(was, is);
    let Some(row) = after.or(before).filter(|_| windows != Windows::default()) else { return Ok(None) };
    let written = Occasion { patient: author.scope.patient, record: row.id, version: row.version };
    let mut raised = Raised::default();
    let found = history::thoughts_and_doses(tx, written, &windows).await?;
    raise(tx, author, written, &found, &mut raised).await?;
    // A flag about thoughts that was raised just now keeps a drop of mood from being softened.
    let found = history::drops(tx, written, &windows).await?;
    raise(tx, author, written, &found, &mut raised).await?;
    tell::those_who_are_first(tx, &author.scope, &raised).await?;
    show(tx, author, raised.by_record.iter().filter_map(|id| raised.flags.get(id)).map(grave).collect()).await
}

/// Opens a flag again for a member, and tells those who are first, as of any flag that waits anew.
pub async fn reopen(tx: &Tx, author: &Author, id: Uuid, reason: String, hours: &BusinessHours) -> Result<(), Error> {
    let Some(flag) = flags::reopen(tx, author, id, reason, hours).await? else { return Ok(()) };
    let mut raised = Raised::default();
    raised.waiting.insert(flag.id);
    raised.flags.insert(flag.id, flag);
    tell::those_who_are_first(tx, &author.scope, &raised).await
}

/// The record that was written.
#[derive(Debug, Clone, Copy)]
struct Occasion {
    patient: Uuid,
    record: Uuid,
    version: i64,
}

/// The flags that a unit touched.
#[derive(Debug, Default)]
struct Raised {
    /// As they now are.
    flags: BTreeMap<Uuid, Flag>,
    /// Those of which the written record is evidence.
    by_record: BTreeSet<Uuid>,
    /// Those that wait anew.
    waiting: BTreeSet<Uuid>,
    /// Those that took in something new.
    heard: BTreeSet<Uuid>,
}

fn grave(flag: &Flag) -> (Rule, Severity) {
    (flag.rule, flag.severity)
}

/// The support that a write answered which made a version of a record: for answering it again.
pub async fn support_again(
    tx: &Tx,
    author: &Author,
    record: Uuid,
    version: i64,
    written_at: Micros,
) -> Result<Option<Support>, Error> {
    let caused = flag_evidence::Entity::find()
        .filter(flag_evidence::Column::PatientId.eq(author.scope.patient))
        .filter(flag_evidence::Column::RecordId.eq(record))
        .filter(flag_evidence::Column::Version.eq(version))
        .filter(flag_evidence::Column::EvaluatedAt.lte(written_at));
    let caused = caused.all(tx.db()).await?;
    let ids: Vec<Uuid> = caused.iter().map(|evidence| evidence.flag_id).collect();
    if ids.is_empty() {
        return Ok(None);
    }
    let gravest = |flag: Uuid| caused.iter().filter(|one| one.flag_id == flag).map(|one| one.severity).max();
    let rows = flag::Entity::find().filter(flag::Column::PatientId.eq(author.scope.patient));
    let rows = rows.filter(flag::Column::Id.is_in(ids)).all(tx.db()).await?;
    let unknown = || Error::internal("a flag of an unknown rule or severity");
    let grave = rows.iter().map(|row| {
        let severity = gravest(row.id).and_then(Severity::from_code);
        Ok((Rule::from_id(&row.rule).ok_or_else(unknown)?, severity.ok_or_else(unknown)?))
    });
    show(tx, author, grave.collect::<Result<_, Error>>()?).await
}

/// What a record is to the rules; none where they look for nothing.
pub fn seen(row: Option<&record::Model>) -> Result<Option<Seen>, Error> {
    let Some(row) = row else { return Ok(None) };
    let kind = Kind::from_code(row.kind).ok_or_else(|| Error::internal("a record of no known kind"))?;
    Ok(Seen::read(kind, row.id, row.occurred_at.into(), row.day, &row.facts)?)
}

/// Support is for the patient; a member who entered something sees the flag instead.
async fn show(tx: &Tx, author: &Author, grave: Vec<(Rule, Severity)>) -> Result<Option<Support>, Error> {
    let by_patient = author.account == author.scope.patient;
    if !by_patient || !grave.iter().any(|(_, severity)| severity.shows_support()) {
        return Ok(None);
    }
    Ok(support(grave, &patients::country(tx.db(), author.scope.patient).await?))
}

/// Settles findings and writes what changed.
async fn raise(
    tx: &Tx,
    author: &Author,
    written: Occasion,
    findings: &[Finding],
    raised: &mut Raised,
) -> Result<(), Error> {
    if findings.is_empty() {
        return Ok(());
    }
    let hours = business_hours(tx, &author.scope).await?;
    let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
    rules.dedup();
    let mut flags = flags::of_rules(tx, &author.scope, &rules).await?;
    let unknown = findings.iter().filter(|finding| !is_known(&flags, finding));
    let versions = history::versions(tx, written, unknown.map(|finding| finding.record)).await?;
    for finding in findings {
        let itself = finding.record == written.record;
        if !itself && is_known(&flags, finding) {
            continue;
        }
        let settled = settle(&mut flags, finding, tx.now(), &hours, || tx.new_id());
        let flag = flags.get(settled.flag).ok_or_else(|| Error::internal("a finding without a flag"))?;
        if settled.changed() {
            keep(tx, author, flag, finding, settled).await?;
        }
        // What a write is answered by is kept even where it says nothing new: it may be asked for again.
        if itself || settled.news != News::Nothing {
            let version = versions.get(&finding.record).copied().unwrap_or(written.version);
            let found = Found { finding: finding.clone(), version, at: tx.now(), severity: flag.severity };
            flags::note(tx, &author.scope, flag, &found, settled.news).await?;
        }
        if itself {
            raised.by_record.insert(flag.id);
        }
        if settled.waits_anew {
            raised.waiting.insert(flag.id);
        }
        if settled.news != News::Nothing {
            raised.heard.insert(flag.id);
        }
        raised.flags.insert(flag.id, flag.clone());
    }
    Ok(())
}

async fn business_hours(tx: &Tx, scope: &Scope) -> Result<BusinessHours, Error> {
    let clinic = clinic::Entity::find_by_id(scope.clinic).one(tx.db()).await?;
    let clinic = clinic.ok_or_else(|| Error::internal("a patient without a clinic"))?;
    let zone = zone_of(&clinic.time_zone)?;
    let hours = serde_json::from_str(&clinic.business_hours).map_err(Error::internal)?;
    Ok(BusinessHours::of(zone, hours))
}

async fn keep(tx: &Tx, author: &Author, flag: &Flag, finding: &Finding, settled: Settled) -> Result<(), Error> {
    let verb = if settled.opened {
        flags::insert(tx, &author.scope, flag).await?;
        "flags_open"
    } else {
        flags::update(tx, author, flag, finding, settled.undone).await?;
        "flags_join"
    };
    tx.announce(Event { patient_id: author.scope.patient, subject: Subject::Flag, id: flag.id, private: false });
    audit::append(tx, audit::Entry::by(author, verb).record(flag.id)).await
}
