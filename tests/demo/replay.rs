//! The flags that stand in a database, and those that a replay of its records gives.

use afterglow::{
    app::App,
    demo,
    domain::{
        business_hours::BusinessHours,
        safety::{Finding, Flag, Rule, Severity, past::Past, settle},
    },
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entities::{flag, flag_evidence, measurement, record, record_version};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Every version of a patient's records, in the order in which they were written.
pub async fn versions(app: &App, patient: Uuid) -> Vec<record::Model> {
    let newest = record::Entity::find().filter(record::Column::PatientId.eq(patient)).all(app.db.read()).await.unwrap();
    let earlier = record_version::Entity::find().filter(record_version::Column::PatientId.eq(patient));
    let earlier = earlier.all(app.db.read()).await.unwrap();
    let by_id: HashMap<Uuid, record::Model> = newest.iter().map(|row| (row.id, row.clone())).collect();
    let as_of = |one: record_version::Model| record::Model {
        version: one.version,
        seq: one.seq,
        occurred_at: one.occurred_at,
        day: one.day,
        updated_at: one.updated_at,
        facts: one.facts,
        ..by_id[&one.id].clone()
    };
    let mut all: Vec<_> = newest.iter().cloned().chain(earlier.into_iter().map(as_of)).collect();
    all.sort_by_key(|row| row.seq);
    all
}

/// What makes a flag this one and no other.
pub type Raised = (Rule, Option<i16>, Severity, DateTime<Utc>, BTreeSet<Uuid>);

fn hours() -> BusinessHours {
    BusinessHours::usual(Tz::America__New_York)
}

/// The flags that a replay gives; `grave` is whether a flag that keeps drops grave was unresolved at an instant.
pub async fn replay(app: &App, patient: Uuid, grave: impl Fn(&[Flag], DateTime<Utc>) -> bool) -> Vec<Raised> {
    let measured = measurement::Entity::find().filter(measurement::Column::PatientId.eq(patient));
    let measured: HashMap<Uuid, measurement::Model> =
        measured.all(app.db.read()).await.unwrap().into_iter().map(|row| (row.record_id, row)).collect();
    let (mut rules, mut flags, mut ids) = (Past::default(), Vec::new(), 0);
    for row in versions(app, patient).await {
        let at = DateTime::from(row.updated_at);
        let touched = rules.write(&demo::stored(&row, measured.get(&row.id))).unwrap();
        let mut settle_all = |flags: &mut Vec<Flag>, found: Vec<Finding>| {
            for finding in found {
                settle(flags, &finding, at, &hours(), || {
                    ids += 1;
                    Uuid::from_u128(ids)
                });
            }
        };
        settle_all(&mut flags, rules.thoughts_and_doses(&touched));
        let drops = rules.drops(&touched, grave(&flags, at));
        settle_all(&mut flags, drops);
    }
    let raised = |flag: &Flag| {
        (flag.rule, flag.instrument, flag.severity, flag.opened_at, flag.evidence.keys().copied().collect())
    };
    let mut raised: Vec<Raised> = flags.iter().map(raised).collect();
    raised.sort();
    raised
}

/// The flags that stand there.
pub async fn written(app: &App, patient: Uuid) -> (Vec<Raised>, Vec<flag::Model>) {
    let rows = flag::Entity::find().filter(flag::Column::PatientId.eq(patient)).all(app.db.read()).await.unwrap();
    let evidence = flag_evidence::Entity::find().filter(flag_evidence::Column::PatientId.eq(patient));
    let mut of: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for row in evidence.all(app.db.read()).await.unwrap() {
        of.entry(row.flag_id).or_default().insert(row.record_id);
    }
    let raised = |row: &flag::Model| {
        let (rule, severity) = (Rule::from_id(&row.rule).unwrap(), Severity::from_code(row.severity).unwrap());
        (rule, row.instrument, severity, row.opened_at.into(), of.get(&row.id).cloned().unwrap_or_default())
    };
    let mut raised: Vec<Raised> = rows.iter().map(raised).collect();
    raised.sort();
    (raised, rows)
}
