//! Who is told of a flag that waits, in which order, and who was told.

use super::{Flag, Severity, acknowledge_by};
use crate::domain::{business_hours::BusinessHours, notifications::NotificationState};
use chrono::{DateTime, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Numbers of the steps of a flag that is told anew begin here: messages of an earlier time stay what they were.
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

impl EscalationRole {
    /// Whether they are on the care team: who may see the flag.
    const fn is_on_care_team(self) -> bool {
        matches!(self, Self::Primary | Self::CareTeam)
    }
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

    /// What is added to the numbers of a flag that is told anew; `told` is the last number that was told.
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

/// Who is told of a flag in place of those who were not reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nobody: somebody was reached since it was last told anew, or may still be, or nobody was to be.
    Reached,
    /// Those, with the number of their step.
    Tell(Vec<(Uuid, i16)>),
    /// Nobody is left of those who may see it.
    Nobody,
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

    /// Whom a flag is told to at once in place of those who were not reached: whoever is first on the care team of those who
    /// were not asked since it was last told anew. Who is on call and the admins may not see it: they wait for their time.
    pub fn instead(&self, notices: &[Notice]) -> Next {
        if !nobody_told(notices) {
            return Next::Reached;
        }
        let base = latest(notices).next().map_or(0, |notice| notice.number / ROUND * ROUND);
        let unasked = |member: &&TeamMember| !latest(notices).any(|notice| notice.member == member.id);
        let mut steps = EscalationStep::ALL.into_iter().map(|step| {
            let team = self.at(step).filter(|member| member.role.is_on_care_team());
            team.filter(unasked).map(|member| (member.id, base + step.code())).collect::<Vec<_>>()
        });
        steps.find(|members| !members.is_empty()).map_or(Next::Nobody, Next::Tell)
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

/// How far a step has come. `told`: a message to them was written, and nothing is known to have kept it from them.
/// `not-reached`: it did not reach them, since their address refuses it for good or they are not there any more; where that
/// leaves nobody, the next on the care team is told at once. `waiting`: they are next in line if nobody takes the flag on.
/// `not-needed`: somebody took it on, or closed it, before it came to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "EscalationState", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum EscalationState {
    /// They have been told.
    Told,
    /// The message to them did not reach them.
    NotReached,
    /// They are next in line.
    Waiting,
    /// Somebody took it on before it came to them.
    NotNeeded,
}

/// A message that told a member of a flag, or was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// When it was written.
    pub at: DateTime<Utc>,
    /// To whom.
    pub member: Uuid,
    /// The number of the step, counted on with every time that the flag is told anew.
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

/// The messages since a flag was last told anew: since it began to wait, or since evidence joined it of which nobody knew.
fn latest(notices: &[Notice]) -> impl Iterator<Item = &Notice> {
    let round = notices.iter().map(|notice| notice.number / ROUND).max();
    notices.iter().filter(move |notice| Some(notice.number / ROUND) == round)
}

/// Whether somebody was to be told of a flag since it last began to wait, and nobody was reached, nor will be.
pub fn nobody_told(notices: &[Notice]) -> bool {
    let mut latest = latest(notices).peekable();
    latest.peek().is_some() && latest.all(|notice| notice.state.is_lost())
}

impl Notice {
    fn how_far(&self) -> EscalationState {
        match self.state {
            NotificationState::Skipped | NotificationState::Cancelled => EscalationState::NotNeeded,
            state if state.is_lost() => EscalationState::NotReached,
            _ => EscalationState::Told,
        }
    }

    fn told(&self, team: &Team) -> Option<Escalation> {
        let step = EscalationStep::of_number(self.number)?;
        let known = team.0.iter().find(|one| one.id == self.member && EscalationStep::of(one.role) == step);
        let member = known.copied().unwrap_or(TeamMember { id: self.member, role: step.role() });
        Some(Escalation { at: self.at, step, member, state: self.how_far() })
    }
}

/// Who was told about a flag and who is next, in order, since it was last told anew: those who were, or were not reached, as
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
    let mut steps: Vec<_> = latest().filter_map(|notice| notice.told(team)).collect();
    let state = if waits { EscalationState::Waiting } else { EscalationState::NotNeeded };
    // What was lost was passed on to the care team alone: who is on call still has their place in its step.
    let passed_on = latest().any(|notice| notice.state.is_lost());
    let is_next = |step: EscalationStep, member: &TeamMember| {
        let in_place = Some(step) > last || passed_on && Some(step) == last && !member.role.is_on_care_team();
        in_place && !latest().any(|notice| notice.member == member.id)
    };
    let mut at = due.filter(|_| last.is_some());
    for step in EscalationStep::ALL {
        let Some(due) = at else { break };
        let before = steps.len();
        let next = team.at(step).filter(|member| is_next(step, member));
        steps.extend(next.map(|member| Escalation { at: due, step, member: *member, state }));
        if steps.len() > before {
            at = acknowledge_by(severity, due, hours);
        }
    }
    steps
}
