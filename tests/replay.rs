//! What the rules made of writes as they came is what a replay of the kept versions gives: in order of `seq`, with each
//! version's `updated_at` as the clock. Random histories: written late, moved, changed and deleted.

use crate::{
    on_both,
    support::{Clinic, Person},
};
use afterglow::domain::{
    business_hours::BusinessHours,
    record::Kind,
    safety::{
        Finding, Flag, Piece, Rule, Severity, State,
        past::{Past, Stored},
        settle,
    },
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use entities::{flag, flag_evidence, record, record_version};
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A generator of one's own: the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn number(&mut self, sides: u64) -> i64 {
        i64::try_from(self.roll(sides)).unwrap()
    }
}

/// A write of some kind, some time in the last three weeks.
fn body(dice: &mut Dice, now: DateTime<Utc>, prescription: Uuid) -> (&'static str, Value) {
    let at = (now - TimeDelta::minutes(dice.number(21 * 24 * 60))).to_rfc3339();
    let when = json!({ "occurred_at": at, "time_zone": "Europe/Berlin" });
    let (path, more) = match dice.roll(10) {
        0..6 => ("mood-scores", json!({ "mood": dice.roll(11) })),
        6 | 7 => {
            let mut answers: serde_json::Map<_, _> =
                (1..=8).map(|number| (number.to_string(), json!(dice.roll(4)))).collect();
            answers.insert(
                "9".into(),
                [json!(0), json!(0), json!(1), json!(2), Value::Null][dice.roll(5) as usize].clone(),
            );
            ("assessments", json!({ "instrument": "phq-9", "answers": answers }))
        }
        8 => {
            let named = [json!(prescription), json!(prescription), Value::Null][dice.roll(3) as usize].clone();
            (
                "home-doses",
                json!({ "amount_mg": 100 + 50 * dice.roll(4), "route": "sublingual", "prescription_id": named }),
            )
        }
        _ => {
            let state = ["completed", "planned"][dice.roll(2) as usize];
            let setting = ["clinic", "home"][dice.roll(2) as usize];
            let session = json!({ "starts_at": at, "time_zone": "Europe/Berlin", "kind": "dosing", "state": state, "setting": setting });
            return ("sessions", session);
        }
    };
    let mut body = when;
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (path, body)
}

async fn live(clinic: &Clinic, patient: &Person, seed: u64, writes: usize) {
    let mut dice = Dice(seed);
    let prescription = clinic.clock.new_id();
    let limits = |max: u64, starts_on: &str| {
        json!({
            "route": "sublingual", "form": "troche", "mg_per_dose": 100, "max_mg_per_dose": max, "min_hours_between": 48,
            "max_doses_per_week": 2, "supply_doses": 8, "starts_on": starts_on, "sitter_required": false,
            "blood_pressure_required": false,
        })
    };
    let path = format!("/v1/patients/{}/prescriptions/{prescription}", patient.id);
    let mut made: Vec<(&str, Uuid)> = Vec::new();
    for write in 0..writes {
        clinic.clock.advance(TimeDelta::minutes(7 + dice.number(600)));
        if write == writes / 3 {
            clinic.put(&clinic.prescriber, &path, None, limits(200, "2026-03-01")).await.expect(201);
        }
        if write == 2 * writes / 3 {
            clinic.put(&clinic.prescriber, &path, Some("\"1\""), limits(120, "2026-03-05")).await.expect(200);
        }
        let (mut kind, body) = body(&mut dice, clinic.now(), prescription);
        let again = made.iter().filter(|(other, _)| *other == kind).nth(dice.roll(12) as usize).copied();
        let id = again.map_or_else(|| clinic.clock.new_id(), |(_, id)| id);
        let record = format!("/v1/patients/me/{kind}/{id}");
        let tag = clinic.get(patient, &record).await.etag;
        if again.is_some() && dice.roll(4) == 0 {
            let call = clinic.call(patient, Method::DELETE, &record).header("If-Match", tag.as_deref().unwrap());
            call.send().await.expect(204);
            made.retain(|(_, other)| *other != id);
            kind = "";
        } else {
            let status = clinic.put(patient, &record, tag.as_deref(), body).await.status;
            assert!(status == 200 || status == 201);
        }
        if again.is_none() && !kind.is_empty() {
            made.push((kind, id));
        }
    }
}

/// One version of one record, or its end.
struct Version {
    seq: i64,
    record: Uuid,
    kind: Kind,
    at: DateTime<Utc>,
    day: NaiveDate,
    written_at: DateTime<Utc>,
    facts: Option<String>,
}

async fn versions(clinic: &Clinic, patient: Uuid) -> Vec<Version> {
    let db = clinic.app.db.read();
    let rows = record::Entity::find().filter(record::Column::PatientId.eq(patient)).all(db).await.unwrap();
    let kinds: BTreeMap<_, _> = rows.iter().map(|row| (row.id, Kind::from_code(row.kind).unwrap())).collect();
    let earlier = record_version::Entity::find().filter(record_version::Column::PatientId.eq(patient));
    let earlier = earlier.all(db).await.unwrap().into_iter().map(|row| Version {
        seq: row.seq,
        record: row.id,
        kind: kinds[&row.id],
        at: row.occurred_at.into(),
        day: row.day,
        written_at: row.updated_at.into(),
        facts: Some(row.facts),
    });
    let newest = rows.iter().map(|row| Version {
        seq: row.seq,
        record: row.id,
        kind: kinds[&row.id],
        at: row.occurred_at.into(),
        day: row.day,
        written_at: row.updated_at.into(),
        facts: (!row.deleted).then(|| row.facts.clone()),
    });
    let mut all: Vec<_> = earlier.chain(newest).collect();
    all.sort_by_key(|version| version.seq);
    let seqs: Vec<_> = all.iter().map(|version| version.seq).collect();
    assert_eq!(seqs, (1..=i64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    all
}

/// A flag without its id.
#[derive(Debug, PartialEq)]
struct Bare {
    rule: Rule,
    instrument: Option<i16>,
    severity: Severity,
    state: State,
    opened_at: DateTime<Utc>,
    waits_since: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
    evidence: BTreeMap<Uuid, Piece>,
}

fn replay(versions: &[Version]) -> Vec<Bare> {
    let hours = BusinessHours::usual(chrono_tz::Europe::Berlin);
    let (mut past, mut flags, mut ids) = (Past::default(), Vec::<Flag>::new(), 0_u128);
    for version in versions {
        let touched = match &version.facts {
            None => past.remove(version.record),
            Some(facts) => {
                let members: Value = serde_json::from_str(facts).unwrap();
                let answers: Option<Vec<u8>> = members.get("answers").map(|answers| {
                    (1..=9)
                        .map(|n| answers[n.to_string()].as_u64().map_or(0xFF, |answer| u8::try_from(answer).unwrap()))
                        .collect()
                });
                past.write(&Stored {
                    record: version.record,
                    kind: version.kind,
                    at: version.at,
                    day: version.day,
                    facts,
                    value: members["mood"].as_f64().or_else(|| members["score"]["total"].as_f64()),
                    answers: answers.as_deref(),
                })
                .unwrap()
            }
        };
        let mut settle_all = |flags: &mut Vec<Flag>, found: Vec<Finding>| {
            for finding in found {
                ids += 1;
                settle(flags, &finding, version.written_at, &hours, || Uuid::from_u128(ids));
            }
        };
        settle_all(&mut flags, past.thoughts_and_doses(&touched));
        let unresolved = |flag: &Flag| flag.state != State::Resolved && flag.rule.keeps_drops_grave();
        let drops = past.drops(&touched, flags.iter().any(unresolved));
        settle_all(&mut flags, drops);
    }
    let bare = flags.into_iter().map(|flag| Bare {
        rule: flag.rule,
        instrument: flag.instrument,
        severity: flag.severity,
        state: flag.state,
        opened_at: flag.opened_at,
        waits_since: flag.waits_since,
        due: flag.acknowledge_by,
        evidence: flag.evidence,
    });
    sorted(bare.collect())
}

fn sorted(mut flags: Vec<Bare>) -> Vec<Bare> {
    let first = |flag: &Bare| flag.evidence.iter().map(|(record, piece)| (piece.at, *record)).min();
    flags.sort_by_key(|flag| (flag.rule, flag.opened_at, first(flag)));
    flags
}

async fn stored(clinic: &Clinic, patient: Uuid) -> Vec<Bare> {
    let db = clinic.app.db.read();
    let rows = flag::Entity::find().filter(flag::Column::PatientId.eq(patient)).all(db).await.unwrap();
    let evidence =
        flag_evidence::Entity::find().filter(flag_evidence::Column::PatientId.eq(patient)).all(db).await.unwrap();
    let bare = rows.into_iter().map(|row| {
        let mut own: Vec<_> = evidence.iter().filter(|one| one.flag_id == row.id).collect();
        own.sort_by_key(|one| one.version);
        // Of a record's versions the gravest counts, of equally grave ones the newest.
        let mut pieces: BTreeMap<Uuid, Piece> = BTreeMap::new();
        for one in own {
            let piece = Piece { at: one.occurred_at.into(), facts: serde_json::from_str(&one.facts).unwrap() };
            if pieces.get(&one.record_id).is_none_or(|known| piece.facts.weigh(&known.facts).is_ge()) {
                pieces.insert(one.record_id, piece);
            }
        }
        Bare {
            rule: Rule::from_id(&row.rule).unwrap(),
            instrument: row.instrument,
            severity: Severity::from_code(row.severity).unwrap(),
            state: State::from_code(row.state).unwrap(),
            opened_at: row.opened_at.into(),
            waits_since: row.waits_since.into(),
            due: row.acknowledge_by.map(Into::into),
            evidence: pieces,
        }
    });
    sorted(bare.collect())
}

on_both! {
    async fn a_replay_of_the_versions_gives_the_same_flags(clinic: Clinic) {
        let mut rules = BTreeSet::new();
        for seed in 1..=4 {
            let patient = clinic.new_patient().await;
            live(&clinic, &patient, seed, 90).await;
            let versions = versions(&clinic, patient.id).await;
            assert!(versions.iter().any(|version| version.facts.is_none()));
            let (was, is) = (stored(&clinic, patient.id).await, replay(&versions));
            assert_eq!(was, is, "seed {seed}");
            rules.extend(was.iter().map(|flag| flag.rule.id()));
        }
        // Every rule had something to say, so that each was compared.
        assert_eq!(rules.len(), Rule::ALL.len(), "{rules:?}");
    }
}
