//! `/v1/patients/{patient}/flags` and `/v1/flags`: findings of one patient, findings of everybody in a member's care, and
//! what members do with them. For therapists and prescribers of the care team; titles and details are made of codes when
//! they are read.

use super::{
    body::Checked,
    cursor,
    permit::{Permit, Staff},
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        business_hours::BusinessHours,
        record::Kind,
        safety::{Escalation, Flag, Outcome, Severity, State, StepState, Team, Told, escalation, words},
    },
    error::Error,
    security::access::{ActOnFlags, Caller},
    store::{
        Scope, audit, clinics,
        flags::{self, Shown, Whose, Window},
        members::Member,
        records::Author,
    },
};
use chrono::{DateTime, FixedOffset, Utc};
use poem_openapi::{
    Object, OpenApi,
    param::{Path, Query},
    payload::Json,
    types::Example,
};
use std::collections::HashMap;
use uuid::Uuid;

/// A record that a flag rests on.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagEvidence")]
pub struct Evidence {
    /// The kind of the record.
    pub resource: Kind,
    /// The record.
    pub id: Uuid,
    /// When it happened, in the offset of `time_zone`.
    pub occurred_at: DateTime<FixedOffset>,
    /// Where the patient was: an IANA zone.
    pub time_zone: String,
    /// What was seen, and what it stands against.
    pub detail: String,
}

/// Somebody who is told about a flag.
#[derive(Debug, Clone, Object)]
#[oai(rename = "FlagEscalation")]
pub struct Escalated {
    /// When they are told.
    pub at: DateTime<Utc>,
    /// The member.
    pub member_id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are to the patient.
    pub role: Told,
    /// How far it has come.
    pub state: StepState,
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
    pub opened_at: DateTime<Utc>,
    /// What was found, in one line.
    pub title: String,
    /// The records that it rests on, newest first.
    pub evidence: Vec<Evidence>,
    /// Until when somebody should take it on; null for what is for context only.
    #[oai(skip_serializing_if = "never", nullable)]
    pub acknowledge_by: Option<DateTime<Utc>>,
    /// Who is told, and when, in order.
    pub escalation: Vec<Escalated>,
    /// When somebody took it on.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// Who.
    pub acknowledged_by: Option<Actor>,
    /// When somebody closed it.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Who.
    pub resolved_by: Option<Actor>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// A note beside the outcome.
    pub note: Option<String>,
    /// Why it was opened again.
    pub reason: Option<String>,
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

/// Taking a flag on: nothing more to say.
#[derive(Debug, Object)]
#[oai(rename = "FlagAcknowledge", deny_unknown_fields, example)]
pub struct Acknowledge {}

/// Closing a flag.
#[derive(Debug, Object)]
#[oai(rename = "FlagResolve", deny_unknown_fields, example)]
pub struct Resolve {
    /// What came of it.
    pub outcome: Outcome,
    /// A note beside it, up to 4,000 characters.
    #[oai(validator(max_length = 4000))]
    pub note: Option<String>,
}

/// Opening a flag again.
#[derive(Debug, Object)]
#[oai(rename = "FlagReopen", deny_unknown_fields, example)]
pub struct Reopen {
    /// Why, up to 4,000 characters.
    #[oai(validator(min_length = 1, max_length = 4000))]
    pub reason: String,
}

impl Example for Acknowledge {
    fn example() -> Self {
        Self {}
    }
}

impl Example for Resolve {
    fn example() -> Self {
        Self { outcome: Outcome::Contacted, note: Some("Called at 10:05; comes in tomorrow at 9.".into()) }
    }
}

impl Example for Reopen {
    fn example() -> Self {
        Self { reason: "Not reached after all.".into() }
    }
}

impl Example for FlagShown {
    fn example() -> Self {
        let id = |low: u128| Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_0000 + low);
        let at = |text| DateTime::parse_from_rfc3339(text).unwrap_or_default();
        let opened_at = at("2026-11-24T09:01:12Z").to_utc();
        Self {
            id: id(2),
            patient_id: id(1),
            version: 1,
            rule: "SI-02".into(),
            rule_version: 1,
            severity: Severity::Urgent,
            state: State::Open,
            opened_at,
            title: "Thoughts of being better off dead, more than half the days".into(),
            evidence: vec![Evidence {
                resource: Kind::Assessments,
                id: id(3),
                occurred_at: at("2026-11-24T09:01:00Z"),
                time_zone: "Europe/London".into(),
                detail: "2 of 3, “More than half the days”. Before: 1, 0, 0. PHQ-9 total 19.".into(),
            }],
            acknowledge_by: Some(at("2026-11-24T13:01:12Z").to_utc()),
            escalation: vec![Escalated {
                at: opened_at,
                member_id: id(4),
                name: "Ruth Calloway".into(),
                role: Told::Primary,
                state: StepState::Told,
            }],
            acknowledged_at: None,
            acknowledged_by: None,
            resolved_at: None,
            resolved_by: None,
            outcome: None,
            note: None,
            reason: None,
        }
    }
}

/// Who is who, and when the clinic is open: what a flag's page needs beside its rows.
pub(super) struct Around {
    hours: BusinessHours,
    teams: HashMap<Uuid, Team>,
    members: HashMap<Uuid, Member>,
}

impl Around {
    pub(super) async fn of(app: &App, caller: &Caller, patients: &[Uuid]) -> Result<Self, Error> {
        if patients.is_empty() {
            let hours = BusinessHours::usual(caller.clinic_zone);
            return Ok(Self { hours, teams: HashMap::new(), members: HashMap::new() });
        }
        let keys = app.keys.of_clinic(caller.clinic).await?;
        let (teams, members) = flags::people(app.db.read(), &keys, caller.clinic, patients, today(app, caller)).await?;
        Ok(Self { hours: hours(app, caller).await?, teams, members })
    }

    pub(super) fn actor(&self, did: Option<(DateTime<Utc>, Uuid)>) -> Option<Actor> {
        let (_, id) = did?;
        let name = self.members.get(&id).map_or_else(|| "A former member".to_owned(), |one| one.display_name.clone());
        Some(Actor { member_id: id, name })
    }

    /// Who is told about a flag, and when.
    pub(super) fn escalation(&self, patient: Uuid, flag: &Flag) -> Vec<Escalation> {
        let Some(team) = self.teams.get(&patient) else { return Vec::new() };
        let waits = flag.state == State::Open;
        escalation(team, flag.severity, flag.opened_at, flag.acknowledge_by, waits, &self.hours)
    }

    fn show(&self, shown: Shown) -> FlagShown {
        let Shown { patient, flag, version, words: typed, evidence } = shown;
        let steps = self.escalation(patient, &flag);
        FlagShown {
            id: flag.id,
            patient_id: patient,
            version,
            rule: flag.rule.id().into(),
            rule_version: flag.rule_version,
            severity: flag.severity,
            state: flag.state,
            opened_at: flag.opened_at,
            title: words::title(flag.rule, evidence.first().map(|newest| &newest.facts)),
            evidence: evidence.iter().map(shown_evidence).collect(),
            acknowledge_by: flag.acknowledge_by,
            escalation: steps
                .into_iter()
                .map(|step| Escalated {
                    at: step.at,
                    member_id: step.member.id,
                    name: step.member.name,
                    role: step.member.role,
                    state: step.state,
                })
                .collect(),
            acknowledged_at: flag.acknowledged.map(|(at, _)| at),
            acknowledged_by: self.actor(flag.acknowledged),
            resolved_at: flag.resolved.map(|(at, _)| at),
            resolved_by: self.actor(flag.resolved),
            outcome: flag.outcome,
            note: typed.note,
            reason: typed.reason,
        }
    }
}

fn shown_evidence(evidence: &flags::Evidence) -> Evidence {
    Evidence {
        resource: evidence.kind,
        id: evidence.record,
        occurred_at: evidence.at.with_timezone(&evidence.zone).fixed_offset(),
        time_zone: evidence.zone.name().to_owned(),
        detail: words::detail(&evidence.facts, evidence.zone),
    }
}

pub(super) fn today(app: &App, caller: &Caller) -> chrono::NaiveDate {
    app.clock.now().with_timezone(&caller.clinic_zone).date_naive()
}

async fn hours(app: &App, caller: &Caller) -> Result<BusinessHours, Error> {
    let keys = app.keys.of_clinic(caller.clinic).await?;
    let clinic = clinics::find(app.db.read(), caller.clinic, &keys).await?.ok_or(Error::NotFound)?;
    Ok(BusinessHours::of(clinic.time_zone, clinic.business_hours))
}

async fn page(app: &App, caller: &Caller, whose: Whose, window: &Window) -> Result<FlagPage, Error> {
    let (shown, next) = flags::page(app.db.read(), &app.keys, caller.clinic, whose, window).await?;
    let mut patients: Vec<_> = shown.iter().map(|shown| shown.patient).collect();
    patients.sort_unstable();
    patients.dedup();
    let around = Around::of(app, caller, &patients).await?;
    audit_shown(app, caller, "flags_list", patients).await?;
    let items = shown.into_iter().map(|shown| around.show(shown)).collect();
    Ok(FlagPage { items, next_cursor: next.map(cursor::encode) })
}

/// Commits one audit row for each patient of whom something is about to be shown.
pub(super) async fn audit_shown(
    app: &App,
    caller: &Caller,
    operation: &'static str,
    patients: Vec<Uuid>,
) -> Result<(), Error> {
    if patients.is_empty() {
        return Ok(());
    }
    let (caller, owner) = (caller.clone(), caller.clinic);
    let unit = async move |tx: &crate::store::Tx| {
        let entries = patients.into_iter().map(|patient| audit::Entry {
            clinic: caller.clinic,
            account: Some(caller.account),
            operation,
            patient: Some(patient),
            record: None,
            version: None,
            request: Some(caller.request),
        });
        audit::append_all(tx, entries).await
    };
    app.db.write(owner, unit).await
}

/// The flags of one patient.
pub struct PatientFlags(pub App);

/// The flags of one patient.
#[OpenApi(prefix_path = "/patients/:patient", tag = "Tag::Flags")]
impl PatientFlags {
    /// List the flags of a patient
    ///
    /// Newest first, a page at a time, each with its evidence and who is told. For the care team.
    #[oai(path = "/flags", method = "get", operation_id = "patient_flags_list")]
    async fn list(
        &self,
        permit: Permit<ActOnFlags>,
        /// Of this state.
        state: Query<Option<State>>,
        /// Of this severity.
        severity: Query<Option<Severity>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Json<FlagPage>, Error> {
        let window = window(state.0, severity.0, limit.0, cursor.0.as_deref())?;
        page(&self.0, &permit.caller, Whose::Patient(permit.scope.patient), &window).await.map(Json)
    }
}

fn window(
    state: Option<State>,
    severity: Option<Severity>,
    limit: Option<u64>,
    cursor: Option<&str>,
) -> Result<Window, Error> {
    let after = cursor.map(cursor::decode).transpose()?;
    Ok(Window { state, severity, after, limit: limit.unwrap_or(50), unresolved: false })
}

/// The flags of everybody in a member's care.
pub struct Flags(pub App);

/// The flags of everybody in a member's care, and their life.
#[OpenApi(prefix_path = "/flags", tag = "Tag::Flags")]
impl Flags {
    /// List the flags of everybody in one's care
    ///
    /// Newest first, a page at a time. One audit row for each patient shown.
    #[oai(path = "/", method = "get", operation_id = "flags_list")]
    async fn list(
        &self,
        staff: Staff<ActOnFlags>,
        /// Of this state.
        state: Query<Option<State>>,
        /// Of this severity.
        severity: Query<Option<Severity>>,
        /// How many at most; 50 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Json<FlagPage>, Error> {
        let window = window(state.0, severity.0, limit.0, cursor.0.as_deref())?;
        let whose = Whose::InCareOf(staff.caller.account, today(&self.0, &staff.caller));
        page(&self.0, &staff.caller, whose, &window).await.map(Json)
    }

    /// Take a flag on
    ///
    /// Stops its clock. Repeating it changes nothing; a resolved flag is reopened first.
    #[oai(path = "/:id/acknowledge", method = "post", operation_id = "flags_acknowledge")]
    async fn acknowledge(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        body: Checked<Acknowledge>,
    ) -> Result<Json<FlagShown>, Error> {
        let (id, author) = self.found(&staff.caller, &id.0).await?;
        body.value()?;
        let by = author.clone();
        let unit = async move |tx: &crate::store::Tx| flags::acknowledge(tx, &by, id).await;
        self.0.db.write(author.scope.patient, unit).await?;
        self.shown(&staff.caller, &author.scope, id).await
    }

    /// Close a flag
    ///
    /// With what came of it. A flag that nobody has taken on can be closed too; repeating it changes nothing.
    #[oai(path = "/:id/resolve", method = "post", operation_id = "flags_resolve")]
    async fn resolve(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        body: Checked<Resolve>,
    ) -> Result<Json<FlagShown>, Error> {
        let (id, author) = self.found(&staff.caller, &id.0).await?;
        let (Resolve { outcome, note }, by) = (body.value()?, author.clone());
        let unit = async move |tx: &crate::store::Tx| flags::resolve(tx, &by, id, outcome, note).await;
        self.0.db.write(author.scope.patient, unit).await?;
        self.shown(&staff.caller, &author.scope, id).await
    }

    /// Open a flag again
    ///
    /// It waits anew, with a new clock. Repeating it changes nothing.
    #[oai(path = "/:id/reopen", method = "post", operation_id = "flags_reopen")]
    async fn reopen(
        &self,
        staff: Staff<ActOnFlags>,
        /// The flag's id.
        id: Path<String>,
        body: Checked<Reopen>,
    ) -> Result<Json<FlagShown>, Error> {
        let (id, author) = self.found(&staff.caller, &id.0).await?;
        let (Reopen { reason }, by) = (body.value()?, author.clone());
        let hours = hours(&self.0, &staff.caller).await?;
        let unit = async move |tx: &crate::store::Tx| flags::reopen(tx, &by, id, reason, &hours).await;
        self.0.db.write(author.scope.patient, unit).await?;
        self.shown(&staff.caller, &author.scope, id).await
    }
}

impl Flags {
    /// The flag that a member means, if its patient is in their care today.
    async fn found(&self, caller: &Caller, id: &str) -> Result<(Uuid, Author), Error> {
        let id = id.parse().map_err(|_| Error::NotFound)?;
        let owner = flags::owner_of(self.0.db.read(), caller.account, today(&self.0, caller), id).await?;
        let patient = owner.ok_or(Error::NotFound)?;
        let scope = Scope { clinic: caller.clinic, patient, sees_private: false };
        let keys = self.0.keys.of_patient(patient).await?;
        Ok((id, Author { scope, account: caller.account, request: caller.request, keys }))
    }

    async fn shown(&self, caller: &Caller, scope: &Scope, id: Uuid) -> Result<Json<FlagShown>, Error> {
        let shown = flags::show(self.0.db.read(), &self.0.keys, scope.clinic, scope.patient, id).await?;
        let around = Around::of(&self.0, caller, &[scope.patient]).await?;
        Ok(Json(around.show(shown)))
    }
}
