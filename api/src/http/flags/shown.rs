//! A flag as it is answered: codes made into words, ids into names.

use super::{
    around::{Actor, Around},
    rounds::{Reopening, Round},
};
use crate::{
    domain::{
        instant::Instant,
        record::Kind,
        safety::{EscalationRole, EscalationState, Outcome, Severity, Since, State, words},
    },
    store::flags::{self, Shown},
};
use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Object, payload::Json, types::Example};
use uuid::Uuid;

/// A record that a flag rests on.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagEvidence", skip_serializing_if_is_none)]
pub struct Evidence {
    /// The kind of the record.
    pub resource: Kind,
    /// The record.
    pub id: Uuid,
    /// When it happened, in the offset of `time_zone`.
    pub occurred_at: Instant,
    /// Where the patient was: an IANA zone.
    pub time_zone: String,
    /// What was seen, and what it stands against.
    pub detail: String,
    /// What became of the record since, if anything: what was said once stays.
    pub since: Option<Since>,
}

/// Somebody who is told about a flag.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagEscalation")]
pub struct Escalated {
    /// When they are told; where they were, or were not reached, when the message to them was written.
    pub at: Instant,
    /// The member.
    pub member_id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are to the patient.
    pub role: EscalationRole,
    /// How far it has come.
    pub state: EscalationState,
}

/// A safety finding for the care team.
#[derive(Debug, Clone, Object)]
#[oai(rename = "Flag", skip_serializing_if_is_none, example)]
pub struct FlagShown {
    /// Its id.
    pub id: Uuid,
    /// Whose.
    pub patient_id: Uuid,
    /// Rises by one with every change.
    pub version: i64,
    /// The rule, for looking up: `SI-01`.
    pub rule: String,
    /// The version of the rule that fired.
    pub rule_version: i16,
    /// How grave it is; never falls.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// When it was opened.
    pub opened_at: Instant,
    /// When its clock started: when it was opened, or last opened again or made graver.
    pub waits_since: Instant,
    /// What was found, in one line: the gravest.
    pub title: String,
    /// The records that it rests on, newest first.
    pub evidence: Vec<Evidence>,
    /// Until when somebody should take it on; null for what is for context only.
    #[oai(skip_serializing_if = "never", nullable)]
    pub acknowledge_by: Option<Instant>,
    /// Who is told, and when, in order: the primary member, then the rest of the care team (the prescriber, where they are on
    /// it) and who is on call, then the admins; whatever the rule. First those who have been told since it last began to wait
    /// (`told`), or were to be (`not-reached`), then those who are next (`waiting`), or would have been (`not-needed`).
    pub escalation: Vec<Escalated>,
    /// When somebody took it on.
    pub acknowledged_at: Option<Instant>,
    /// Who.
    pub acknowledged_by: Option<Actor>,
    /// When somebody closed it.
    pub resolved_at: Option<Instant>,
    /// Who.
    pub resolved_by: Option<Actor>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// A note beside the outcome; of the last closing, though the flag may have been opened again since.
    pub note: Option<String>,
    /// Why somebody opened it again; of the last time.
    pub reason: Option<String>,
    /// What had been done about it each time before it was opened again, in order of time.
    pub earlier_rounds: Vec<Round>,
}

#[expect(clippy::ref_option, reason = "the signature that the derive asks for")]
fn never<T>(_: &Option<T>) -> bool {
    false
}

/// One page, newest first.
#[derive(Debug, Object)]
#[oai(rename = "FlagPage")]
pub struct FlagPage {
    /// The flags.
    pub items: Vec<FlagShown>,
    /// Where the next page begins; null on the last one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl Example for FlagShown {
    fn example() -> Self {
        let id = |low: u128| Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_0000 + low);
        let at = |text| Instant::from(DateTime::parse_from_rfc3339(text).unwrap_or_default());
        let opened_at = at("2026-11-24T09:01:12Z");
        Self {
            id: id(2),
            patient_id: id(1),
            version: 1,
            rule: "SI-02".into(),
            rule_version: 1,
            severity: Severity::Urgent,
            state: State::Open,
            opened_at: at("2026-11-20T09:40:00Z"),
            waits_since: opened_at,
            title: "Thoughts of being better off dead, more than half the days".into(),
            evidence: vec![Evidence {
                resource: Kind::Assessments,
                id: id(3),
                occurred_at: at("2026-11-24T09:01:00Z"),
                time_zone: "Europe/London".into(),
                detail: "2 of 3, “More than half the days”. Before: 1, 0, 0. PHQ-9 total 19.".into(),
                since: None,
            }],
            acknowledge_by: Some(at("2026-11-24T13:01:12Z")),
            escalation: vec![Escalated {
                at: opened_at,
                member_id: id(4),
                name: "Ruth Calloway".into(),
                role: EscalationRole::Primary,
                state: EscalationState::Told,
            }],
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolved_by: None,
            outcome: None,
            note: None,
            reason: None,
            earlier_rounds: vec![Round {
                acknowledged_at: None,
                acknowledged_by: None,
                resolved_at: Some(at("2026-11-20T10:20:00Z")),
                resolved_by: Some(Actor { member_id: id(4), name: "Ruth Calloway".into() }),
                outcome: Some(Outcome::Contacted),
                note: Some("Called at 10:05; her sister is with her.".into()),
                reopened: Reopening {
                    at: opened_at,
                    by: None,
                    reason: "2 of 3, “More than half the days”. Before: 1, 0, 0. PHQ-9 total 19.".into(),
                    record_id: Some(id(3)),
                },
            }],
        }
    }
}

/// The answer to a list.
#[derive(ApiResponse)]
pub enum Page {
    /// One page, newest first.
    #[oai(status = 200)]
    Page(Json<FlagPage>),
}

/// The answer to an act.
#[derive(ApiResponse)]
pub enum Acted {
    /// The flag as it is now.
    #[oai(status = 200)]
    Flag(Json<FlagShown>),
}

impl Around {
    pub(super) fn show(&self, shown: Shown) -> FlagShown {
        let title = words::title(shown.flag.rule, shown.gravest().map(|gravest| &gravest.piece.facts));
        let (steps, earlier_rounds) = (self.escalation(&shown), self.earlier_rounds(&shown));
        let Shown { patient, flag, version, words: typed, evidence, .. } = shown;
        FlagShown {
            id: flag.id,
            patient_id: patient,
            version,
            rule: flag.rule.id().into(),
            rule_version: flag.rule_version,
            severity: flag.severity,
            state: flag.state,
            opened_at: flag.opened_at.into(),
            waits_since: flag.waits_since.into(),
            title,
            evidence: evidence.iter().map(|one| shown_evidence(one, self.now)).collect(),
            acknowledge_by: flag.acknowledge_by.map(Into::into),
            escalation: steps
                .into_iter()
                .map(|step| Escalated {
                    at: step.at.into(),
                    member_id: step.member.id,
                    name: self.name(step.member.id),
                    role: step.member.role,
                    state: step.state,
                })
                .collect(),
            acknowledged_at: flag.acknowledged.map(|(at, _)| at.into()),
            acknowledged_by: self.actor(flag.acknowledged),
            resolved_at: flag.resolved.map(|(at, _)| at.into()),
            resolved_by: self.actor(flag.resolved),
            outcome: flag.outcome,
            note: typed.note,
            reason: typed.reason,
            earlier_rounds,
        }
    }
}

fn shown_evidence(evidence: &flags::Evidence, now: DateTime<Utc>) -> Evidence {
    Evidence {
        resource: evidence.kind,
        id: evidence.record,
        occurred_at: Instant::from(evidence.piece.at).in_zone(evidence.zone),
        time_zone: evidence.zone.name().to_owned(),
        detail: words::detail(&evidence.piece, evidence.zone, now),
        since: evidence.since,
    }
}
