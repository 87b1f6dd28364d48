//! A flag as it is answered: codes made into words, ids into names.

use super::closings::{Closing, Return};
use crate::{
    app::App,
    domain::{
        business_hours::BusinessHours,
        instant::Instant,
        record::Kind,
        safety::{
            Escalation, EscalationRole, EscalationState, Outcome, Severity, Since, State, Team, escalation, words,
        },
    },
    error::Error,
    security::access::Caller,
    store::{
        clinics,
        flags::{self, Shown},
        members::Member,
    },
};
use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Object, payload::Json, types::Example};
use std::collections::HashMap;
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
    /// When they are told.
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

/// A member who did something.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagActor")]
pub struct Actor {
    /// The member.
    pub member_id: Uuid,
    /// Their name.
    pub name: String,
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
    /// The records that it rests on, newest first. Of very many within a day those that came first, and the gravest.
    pub evidence: Vec<Evidence>,
    /// Until when somebody should take it on; null for what is for context only.
    #[oai(skip_serializing_if = "never", nullable)]
    pub acknowledge_by: Option<Instant>,
    /// Who is told, and when, in order: the primary member, then the rest of the care team (the prescriber, where they are on
    /// it) and who is on call, then the admins; whatever the rule.
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
    /// Every time that it was closed, in order of time, whatever became of it since.
    pub closings: Vec<Closing>,
    /// Every time that somebody had taken it on and it was opened again before it was closed, in order of time.
    pub returns: Vec<Return>,
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
            opened_at,
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
            closings: vec![],
            returns: vec![],
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

/// Who is who, and when the clinic is open: what a flag's page needs beside its rows.
pub(in crate::http) struct Around {
    pub(super) now: DateTime<Utc>,
    hours: BusinessHours,
    teams: HashMap<Uuid, Team>,
    members: HashMap<Uuid, Member>,
}

impl Around {
    pub(in crate::http) async fn of(app: &App, caller: &Caller, patients: &[Uuid]) -> Result<Self, Error> {
        let now = app.clock.now();
        if patients.is_empty() {
            let hours = BusinessHours::usual(caller.clinic_zone);
            return Ok(Self { now, hours, teams: HashMap::new(), members: HashMap::new() });
        }
        let keys = app.keys.of_clinic(caller.clinic).await?;
        let (teams, members) = flags::people(app.db.read(), &keys, caller.clinic, patients, today(app, caller)).await?;
        Ok(Self { now, hours: hours(app, caller).await?, teams, members })
    }

    pub(in crate::http) fn actor(&self, did: Option<(DateTime<Utc>, Uuid)>) -> Option<Actor> {
        did.map(|(_, id)| self.member(id))
    }

    pub(super) fn member(&self, id: Uuid) -> Actor {
        Actor { member_id: id, name: self.name(id) }
    }

    /// What a member is called.
    pub(in crate::http) fn name(&self, id: Uuid) -> String {
        self.members.get(&id).map_or_else(|| "A former member".to_owned(), |one| one.display_name.clone())
    }

    /// Who was told about a flag and who is next, and when.
    pub(in crate::http) fn escalation(&self, shown: &Shown) -> Vec<Escalation> {
        let (nobody, flag) = (Team::default(), &shown.flag);
        let team = self.teams.get(&shown.patient).unwrap_or(&nobody);
        let waits = flag.state == State::Open;
        escalation(team, flag.severity, &shown.notices, flag.acknowledge_by, waits, &self.hours)
    }

    pub(super) fn show(&self, shown: Shown) -> FlagShown {
        let title = words::title(shown.flag.rule, shown.gravest().map(|gravest| &gravest.piece.facts));
        let (steps, closings, returns) = (self.escalation(&shown), self.closings(&shown), self.returns(&shown));
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
            closings,
            returns,
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

/// The clinic's day.
pub(in crate::http) fn today(app: &App, caller: &Caller) -> chrono::NaiveDate {
    app.clock.now().with_timezone(&caller.clinic_zone).date_naive()
}

/// When the clinic is open.
pub(super) async fn hours(app: &App, caller: &Caller) -> Result<BusinessHours, Error> {
    let keys = app.keys.of_clinic(caller.clinic).await?;
    let clinic = clinics::find(app.db.read(), caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
    Ok(BusinessHours::of(clinic.time_zone, clinic.business_hours))
}
