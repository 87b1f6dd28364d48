//! By when somebody should take a flag on, and who is told next: targets of the clinic (PROP), in the clinic's zone.
//!
//! Who is told does not depend on the rule. The primary member of the care team is told first, then the rest of the care
//! team and who is on call, then the admins. So a prescriber hears of a home dose above its limit (HD-01, HD-02, HD-07), and
//! of thoughts of being better off dead, as a member of the care team: first where they are the primary one, else in the
//! second step, with the first in an emergency. A prescriber who is on nobody's care team is not told: whoever prescribes
//! for somebody belongs on their care team.

use super::{Flag, Severity};
use crate::domain::business_hours::BusinessHours;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An emergency: within 15 minutes.
const EMERGENCY: TimeDelta = TimeDelta::minutes(15);
/// Urgent, while the clinic is open: within four hours.
const URGENT: TimeDelta = TimeDelta::hours(4);
/// Watch: the close of the second business day after.
const WATCH_BUSINESS_DAYS: usize = 2;

/// When urgent flags that rise outside business hours are due: the next 09:00, weekends too.
fn morning() -> NaiveTime {
    NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default()
}

/// By when somebody should take on a flag whose clock starts now; `None` for info.
///
/// ```
/// use afterglow::domain::{business_hours::BusinessHours, safety::{Severity, acknowledge_by}};
/// use chrono::{TimeZone, Utc};
///
/// let hours = BusinessHours::usual(chrono_tz::Europe::London);
/// let at = |day, hour, minute| Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap();
/// // Tuesday 24 November, 09:31.
/// assert_eq!(acknowledge_by(Severity::Emergency, at(24, 9, 31), &hours), Some(at(24, 9, 46)));
/// assert_eq!(acknowledge_by(Severity::Urgent, at(24, 9, 31), &hours), Some(at(24, 13, 31)));
/// assert_eq!(acknowledge_by(Severity::Watch, at(24, 9, 31), &hours), Some(at(26, 17, 0)));
/// // Friday evening: Saturday morning, and for watch the close of Tuesday.
/// assert_eq!(acknowledge_by(Severity::Urgent, at(27, 20, 0), &hours), Some(at(28, 9, 0)));
/// assert_eq!(acknowledge_by(Severity::Watch, at(27, 20, 0), &hours), Some(Utc.with_ymd_and_hms(2026, 12, 1, 17, 0, 0).unwrap()));
/// assert_eq!(acknowledge_by(Severity::Info, at(24, 9, 31), &hours), None);
/// ```
pub fn acknowledge_by(severity: Severity, now: DateTime<Utc>, hours: &BusinessHours) -> Option<DateTime<Utc>> {
    match severity {
        Severity::Emergency => Some(now + EMERGENCY),
        Severity::Urgent if hours.is_open(now) => Some(now + URGENT),
        Severity::Urgent => hours.next_time_of_day(now, morning()),
        Severity::Watch => hours.close_of_business_day(now, WATCH_BUSINESS_DAYS),
        Severity::Info => None,
    }
}

/// A member who can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamMember {
    /// The member.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// What they are to this patient.
    pub role: Told,
}

/// What somebody who is told is to the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Enum, Serialize, Deserialize)]
#[oai(rename = "EscalationRole", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Told {
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
pub enum Step {
    /// The primary member.
    First = 1,
    /// The other care team and who is on call.
    Second = 2,
    /// The admins.
    Third = 3,
}

impl Step {
    const ALL: [Self; 3] = [Self::First, Self::Second, Self::Third];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    fn of(role: Told) -> Self {
        match role {
            Told::Primary => Self::First,
            Told::CareTeam | Told::OnCall => Self::Second,
            Told::Admin => Self::Third,
        }
    }
}

impl Team {
    /// Whom a step reaches, each member once, at the earliest step that names them.
    pub fn at(&self, step: Step) -> impl Iterator<Item = &TeamMember> {
        self.0.iter().enumerate().filter_map(move |(index, member)| {
            let earlier = self.0.iter().enumerate().any(|(other_index, other)| {
                other.id == member.id && (Step::of(other.role), other_index) < (Step::of(member.role), index)
            });
            (Step::of(member.role) == step && !earlier).then_some(member)
        })
    }

    /// Whom a new flag reaches at once: the first step that has anybody, and for an emergency the second step too.
    pub fn told_at_once(&self, severity: Severity) -> Vec<(Step, &TeamMember)> {
        let first = || Step::ALL.into_iter().find(|step| self.at(*step).next().is_some());
        let last = match severity {
            Severity::Info => return Vec::new(),
            Severity::Emergency => first().map(|step| step.max(Step::Second)),
            Severity::Watch | Severity::Urgent => first(),
        };
        let steps = Step::ALL.into_iter().filter(|step| Some(*step) <= last);
        steps.flat_map(|step| self.at(step).map(move |member| (step, member))).collect()
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
pub enum StepState {
    /// They have been told.
    Told,
    /// They are next in line if nobody takes the flag on.
    Waiting,
    /// Somebody took the flag on before it came to them.
    NotNeeded,
}

/// Who is told, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// When they are told.
    pub at: DateTime<Utc>,
    /// The step.
    pub step: Step,
    /// Who.
    pub member: TeamMember,
    /// How far it has come.
    pub state: StepState,
}

/// Who is told about a flag, and when, in order. The first step with anybody is told when the clock starts, each further
/// step when the one before has had its time; an emergency begins with the second step as well.
pub fn escalation(
    team: &Team,
    severity: Severity,
    started_at: DateTime<Utc>,
    due: Option<DateTime<Utc>>,
    waits: bool,
    hours: &BusinessHours,
) -> Vec<Escalation> {
    let at_once = team.told_at_once(severity);
    let first = |(step, member): &(Step, &TeamMember)| Escalation {
        at: started_at,
        step: *step,
        member: (*member).clone(),
        state: StepState::Told,
    };
    let mut told: Vec<_> = at_once.iter().map(first).collect();
    let mut at = due;
    let last = at_once.iter().map(|(step, _)| *step).max();
    let state = if waits { StepState::Waiting } else { StepState::NotNeeded };
    for step in Step::ALL.into_iter().filter(|step| last.is_some_and(|last| *step > last)) {
        let Some(due) = at else { break };
        let before = told.len();
        told.extend(team.at(step).map(|member| Escalation { at: due, step, member: member.clone(), state }));
        if told.len() > before {
            at = acknowledge_by(severity, due, hours);
        }
    }
    told
}
