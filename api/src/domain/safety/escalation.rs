//! Who is told of a flag that waits, in which order, and who was told.

use super::{Flag, Severity, acknowledge_by};
use crate::domain::{business_hours::BusinessHours, notifications::NotificationState};
use chrono::{DateTime, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Numbers of the steps of a flag that waits anew begin here: messages of an earlier time stay what they were.
const ROUND: i16 = 10;

/// A member who can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamMember {
    /// The member.
    pub id: Uuid,
    /// What they are to this patient.
    pub role: EscalationRole,
}

/// What somebody who is told is to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[oai(rename = "EscalationRole", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum EscalationRole {
    /// The primary member of the care team.
    Primary,
    /// Another member of the care team.
    CareTeam,
    /// On call for the clinic.
    OnCall,
    /// An admin of the clinic, who learns whose flag waits and nothing more.
    Admin,
}

/// Who can be told about a patient's flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team(pub Vec<TeamMember>);

/// The order in which people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum EscalationStep {
    /// The primary member.
    First = 1,
    /// The other care team and who is on call.
    Second = 2,
    /// The admins.
    Third = 3,
}

impl EscalationStep {
    const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// What is added to the numbers of a flag that waits anew; `told` is the last number that was told.
    pub fn next_round(told: Option<i16>) -> i16 {
        told.map_or(0, |number| (number / ROUND + 1) * ROUND)
    }

    /// The step of a number, whichever round it is of.
    fn of_number(number: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.code() == number % ROUND)
    }

    /// What somebody is who was told at this step, where the care team does not say it any more.
    const fn role(self) -> EscalationRole {
        match self {
            Self::First => EscalationRole::Primary,
            Self::Second => EscalationRole::CareTeam,
            Self::Third => EscalationRole::Admin,
        }
    }

    fn of(role: EscalationRole) -> Self {
        match role {
            EscalationRole::Primary => Self::First,
            EscalationRole::CareTeam | EscalationRole::OnCall => Self::Second,
            EscalationRole::Admin => Self::Third,
        }
    }
}

impl Team {
    /// Whom a step reaches, each member once, at the earliest step that names them.
    pub fn at(&self, step: EscalationStep) -> impl Iterator<Item = &TeamMember> {
        self.0.iter().enumerate().filter_map(move |(index, member)| {
            let earlier = self.0.iter().enumerate().any(|(other_index, other)| {
                other.id == member.id
                    && (EscalationStep::of(other.role), other_index) < (EscalationStep::of(member.role), index)
            });
            (EscalationStep::of(member.role) == step && !earlier).then_some(member)
        })
    }

    /// Whom a new flag reaches at once: the first step that has anybody, and for an emergency the second step too.
    pub fn told_at_once(&self, severity: Severity) -> Vec<(EscalationStep, &TeamMember)> {
        let first = || EscalationStep::ALL.into_iter().find(|step| self.at(*step).next().is_some());
        let last = match severity {
            Severity::Info => return Vec::new(),
            Severity::Emergency => first().map(|step| step.max(EscalationStep::Second)),
            Severity::Watch | Severity::Urgent => first(),
        };
        let steps = EscalationStep::ALL.into_iter().filter(|step| Some(*step) <= last);
        steps.flat_map(|step| self.at(step).map(move |member| (step, member))).collect()
    }

    /// Whom a flag is told to, with the number of the step, in place of those who were not reached: whoever is first of those
    /// who were not asked since it began to wait. `None` where one of those was reached, or may still be.
    pub fn instead(&self, notices: &[Notice]) -> Option<Vec<(Uuid, i16)>> {
        let base = latest(notices).next()?.number / ROUND * ROUND;
        if !latest(notices).all(Notice::is_lost) {
            return None;
        }
        let unasked = |member: &&TeamMember| !latest(notices).any(|notice| notice.member == member.id);
        let mut steps = EscalationStep::ALL.into_iter().map(|step| {
            self.at(step).filter(unasked).map(|member| (member.id, base + step.code())).collect::<Vec<_>>()
        });
        Some(steps.find(|members| !members.is_empty()).unwrap_or_default())
    }

    /// The mails about the flags that wait anew after one write: one to each member, whatever the number of flags, the
    /// gravest first; with each flag its step, counted from the number that stands beside it.
    pub fn mails(&self, mut waiting: Vec<(&Flag, i16)>) -> Vec<(Uuid, Vec<(Uuid, i16)>)> {
        waiting.sort_by_key(|(flag, _)| std::cmp::Reverse(flag.severity));
        let mut mails: Vec<(Uuid, Vec<(Uuid, i16)>)> = Vec::new();
        for (flag, base) in waiting {
            for (step, member) in self.told_at_once(flag.severity) {
                let told = (flag.id, base + step.code());
                match mails.iter_mut().find(|(recipient, _)| *recipient == member.id) {
                    Some((_, flags)) => flags.push(told),
                    None => mails.push((member.id, vec![told])),
                }
            }
        }
        mails
    }
}

/// How far a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "EscalationState", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum EscalationState {
    /// They have been told: a message to them was written, and nothing is known to have kept it from them.
    Told,
    /// The message to them did not reach them: their address refuses it, or they are not there any more. Where that leaves
    /// nobody, whoever is next is told at once.
    NotReached,
    /// They are next in line if nobody takes the flag on.
    Waiting,
    /// Somebody took the flag on before it came to them.
    NotNeeded,
}

/// A message that told a member of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: DateTime<Utc>,
    /// Whom.
    pub member: Uuid,
    /// The number of the step, counted on with every time that the flag waits anew.
    pub number: i16,
    /// Where it stands.
    pub state: NotificationState,
}

/// Who is told, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalation {
    /// When they are told.
    pub at: DateTime<Utc>,
    /// The step.
    pub step: EscalationStep,
    /// Who.
    pub member: TeamMember,
    /// How far it has come.
    pub state: EscalationState,
}

/// The messages since a flag last began to wait.
fn latest(notices: &[Notice]) -> impl Iterator<Item = &Notice> {
    let round = notices.iter().map(|notice| notice.number / ROUND).max();
    notices.iter().filter(move |notice| Some(notice.number / ROUND) == round)
}

impl Notice {
    /// Whether it will reach nobody any more.
    fn is_lost(&self) -> bool {
        use NotificationState as N;
        match self.state {
            N::Missed | N::Skipped | N::Cancelled | N::Failed => true,
            N::Scheduled | N::Sending | N::Sent | N::Unknown => false,
        }
    }

    /// One that was taken back once the flag waited for nobody was not needed.
    fn how_far(&self, waits: bool) -> EscalationState {
        match self.state {
            NotificationState::Cancelled if !waits => EscalationState::NotNeeded,
            _ if self.is_lost() => EscalationState::NotReached,
            _ => EscalationState::Told,
        }
    }

    fn told(&self, team: &Team, waits: bool) -> Option<Escalation> {
        let step = EscalationStep::of_number(self.number)?;
        let known = team.0.iter().find(|one| one.id == self.member && EscalationStep::of(one.role) == step);
        let member = known.copied().unwrap_or(TeamMember { id: self.member, role: step.role() });
        Some(Escalation { at: self.at, step, member, state: self.how_far(waits) })
    }
}

/// Who was told about a flag and who is next, in order, since it last began to wait: those who were, or were not reached, as
/// the messages to them say, whatever became of the care team since; then each further step when the one before has had its time.
pub fn escalation(
    team: &Team,
    severity: Severity,
    notices: &[Notice],
    due: Option<DateTime<Utc>>,
    waits: bool,
    hours: &BusinessHours,
) -> Vec<Escalation> {
    let latest = || latest(notices);
    let last = latest().filter_map(|notice| EscalationStep::of_number(notice.number)).max();
    let mut steps: Vec<_> = latest().filter_map(|notice| notice.told(team, waits)).collect();
    let state = if waits { EscalationState::Waiting } else { EscalationState::NotNeeded };
    let mut at = due;
    for step in EscalationStep::ALL.into_iter().filter(|step| last.is_some_and(|last| *step > last)) {
        let Some(due) = at else { break };
        let before = steps.len();
        let next = team.at(step).filter(|member| !latest().any(|notice| notice.member == member.id));
        steps.extend(next.map(|member| Escalation { at: due, step, member: *member, state }));
        if steps.len() > before {
            at = acknowledge_by(severity, due, hours);
        }
    }
    steps
}
