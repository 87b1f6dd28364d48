//! A flag: open, acknowledged, resolved; opened again by new evidence or by somebody. Only a person closes one.

use super::{Finding, Piece, Rule, Severity, clocks::acknowledge_by};
use crate::domain::business_hours::BusinessHours;
use chrono::{DateTime, Utc};
use poem_openapi::Enum;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeMap};
use uuid::Uuid;

// The numbers stand in the database: they never change.
/// Where a flag stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "FlagState", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum State {
    /// Nobody has taken it on.
    Open = 0,
    /// Somebody has.
    Acknowledged = 1,
    /// Somebody closed it, with an outcome.
    Resolved = 2,
}

impl State {
    /// Those of a flag that nobody has closed.
    pub const UNRESOLVED: [Self; 2] = [Self::Open, Self::Acknowledged];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The state of a number from the database.
    pub fn from_code(code: i16) -> Option<Self> {
        [Self::Open, Self::Acknowledged, Self::Resolved].into_iter().find(|state| state.code() == code)
    }
}

// The numbers stand in the database: they never change.
/// What came of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename = "FlagOutcome", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
#[repr(i16)]
pub enum Outcome {
    /// Somebody spoke with the patient.
    Contacted = 1,
    /// The plan was changed.
    PlanChanged = 2,
    /// The patient was referred.
    Referred = 3,
    /// Nothing had to be done.
    NoAction = 4,
    /// It was not what it looked like. New evidence still opens it again.
    FalseAlarm = 5,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Contacted, Self::PlanChanged, Self::Referred, Self::NoAction, Self::FalseAlarm];

    /// The number that stands in the database.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// The outcome of a number from the database.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

/// A flag's life, without its words.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Its id.
    pub id: Uuid,
    /// The rule.
    pub rule: Rule,
    /// The version of the rule that fired.
    pub rule_version: i16,
    /// The instrument's series, for rules that count by instrument.
    pub instrument: Option<i16>,
    /// Never falls.
    pub severity: Severity,
    /// Where it stands.
    pub state: State,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When its clock started: when it was opened, or last opened again or made graver.
    pub waits_since: DateTime<Utc>,
    /// Until when somebody should take it on; `None` for info.
    pub acknowledge_by: Option<DateTime<Utc>>,
    /// When somebody took it on, and who.
    pub acknowledged: Option<(DateTime<Utc>, Uuid)>,
    /// When somebody closed it, and who.
    pub resolved: Option<(DateTime<Utc>, Uuid)>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// The records it rests on, each as it was seen when it was gravest.
    pub evidence: BTreeMap<Uuid, Piece>,
}

/// What people had done about a flag until it was opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// When somebody had taken it on, and who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<(DateTime<Utc>, Uuid)>,
    /// When somebody had closed it, who, and what had come of it; none where it had been taken on and not closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved: Option<(DateTime<Utc>, Uuid, Outcome)>,
}

/// A step that a flag cannot take from where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impossible;

impl Flag {
    fn of(finding: &Finding, id: Uuid, now: DateTime<Utc>, hours: &BusinessHours) -> Self {
        Self {
            id,
            rule: finding.rule,
            rule_version: finding.rule.version(),
            instrument: finding.instrument,
            severity: finding.severity(),
            state: State::Open,
            opened_at: now,
            waits_since: now,
            acknowledge_by: acknowledge_by(finding.severity(), now, hours),
            acknowledged: None,
            resolved: None,
            outcome: None,
            evidence: BTreeMap::from([(finding.record, finding.piece())]),
        }
    }

    /// When its newest evidence happened.
    pub fn newest_at(&self) -> DateTime<Utc> {
        self.evidence.values().map(|piece| piece.at).max().unwrap_or(self.opened_at)
    }

    /// Whether evidence of an instant belongs to it: within the rule's window of its own evidence.
    fn takes(&self, finding: &Finding) -> bool {
        let oldest = self.evidence.values().map(|piece| piece.at).min().unwrap_or(self.opened_at);
        let same = self.rule == finding.rule && self.instrument == finding.instrument;
        same && finding
            .rule
            .debounce()
            .is_some_and(|window| (oldest - window..=self.newest_at() + window).contains(&finding.at))
    }

    /// Takes a finding as evidence. A record that is evidence already shows what was gravest in it: a correction that makes
    /// it lighter takes nothing back, since it was said once.
    fn hear(&mut self, finding: &Finding) -> News {
        let Some(known) = self.evidence.get_mut(&finding.record) else {
            self.evidence.insert(finding.record, finding.piece());
            return News::New;
        };
        let news = match finding.facts.weigh(&known.facts) {
            Ordering::Greater => News::Graver,
            Ordering::Equal if *known != finding.piece() => News::Changed,
            Ordering::Equal | Ordering::Less => return News::Nothing,
        };
        *known = finding.piece();
        news
    }

    /// Somebody takes it on. Answers whether that changed anything.
    pub fn acknowledge(&mut self, by: Uuid, now: DateTime<Utc>) -> Result<bool, Impossible> {
        match self.state {
            State::Open => {
                self.state = State::Acknowledged;
                self.acknowledged = Some((now, by));
                Ok(true)
            }
            State::Acknowledged => Ok(false),
            State::Resolved => Err(Impossible),
        }
    }

    /// Somebody closes it. Answers whether that changed anything.
    pub fn resolve(&mut self, outcome: Outcome, by: Uuid, now: DateTime<Utc>) -> bool {
        if self.state == State::Resolved {
            return false;
        }
        self.state = State::Resolved;
        self.resolved = Some((now, by));
        self.outcome = Some(outcome);
        true
    }

    /// It waits again, with a new clock. Answers what had been done about it, which is to be kept; `None` where it is open
    /// already and nothing changes.
    pub fn reopen(&mut self, now: DateTime<Utc>, hours: &BusinessHours) -> Option<Done> {
        if self.state == State::Open {
            return None;
        }
        let acknowledged = self.acknowledged.take();
        let resolved = self.resolved.take().zip(self.outcome.take()).map(|((at, by), outcome)| (at, by, outcome));
        self.state = State::Open;
        self.waits_since = now;
        self.acknowledge_by = acknowledge_by(self.severity, now, hours);
        Some(Done { acknowledged, resolved })
    }

    /// Its severity rises: whatever was done about it was done about less. Answers what that was.
    fn raise(&mut self, severity: Severity, now: DateTime<Utc>, hours: &BusinessHours) -> Option<Done> {
        let sooner = self.acknowledge_by.filter(|_| self.state == State::Open);
        self.severity = severity;
        let undone = self.reopen(now, hours);
        self.waits_since = now;
        let due = acknowledge_by(severity, now, hours);
        self.acknowledge_by = sooner.into_iter().chain(due).min();
        undone
    }
}

/// What a finding says beside what its flag rested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// Nothing more grave of this record.
    Nothing,
    /// Other numbers of a record that is evidence already, as grave as before.
    Changed,
    /// A record that is evidence already has become graver.
    Graver,
    /// One more record.
    New,
}

/// What became of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settled {
    /// The flag it belongs to: its place in the list.
    pub flag: usize,
    /// Whether the flag is new.
    pub opened: bool,
    /// What it says.
    pub news: News,
    /// Whether the flag waits anew: opened, opened again, or graver than before.
    pub waits_anew: bool,
    /// What people had done about the flag, where this opened it again.
    pub undone: Option<Done>,
}

impl Settled {
    /// Whether there is anything to write.
    pub fn changed(self) -> bool {
        self.news != News::Nothing || self.waits_anew
    }
}

/// Whether flags have heard all that a finding says: settling it would change nothing. A write looks again at every record
/// around it, and most of them are known.
pub fn is_known(flags: &[Flag], finding: &Finding) -> bool {
    let piece = finding.piece();
    let same = |flag: &&Flag| flag.rule == finding.rule && flag.instrument == finding.instrument;
    let mut heard = flags.iter().filter(same).filter_map(|flag| flag.evidence.get(&finding.record)).peekable();
    heard.peek().is_some()
        && heard.all(|known| match finding.facts.weigh(&known.facts) {
            Ordering::Less => true,
            Ordering::Equal => *known == piece,
            Ordering::Greater => false,
        })
}

/// Joins a finding to the flag it belongs to, or opens one. `flags` are the patient's flags of its rule, resolved ones too.
///
/// A record counts once in a flag; new evidence within the rule's window joins, opens a resolved flag again, and may raise
/// the severity, which opens an acknowledged one again. A record that has become graver is new evidence too: whoever closed
/// the flag has not seen it. Nothing is ever lowered or closed.
pub fn settle(
    flags: &mut Vec<Flag>,
    finding: &Finding,
    now: DateTime<Utc>,
    hours: &BusinessHours,
    new_id: impl FnOnce() -> Uuid,
) -> Settled {
    let newest = |index: &usize| flags.get(*index).map(|flag| (flag.newest_at(), flag.id));
    let same = |flag: &Flag| flag.rule == finding.rule && flag.instrument == finding.instrument;
    let among = |belongs: &dyn Fn(&Flag) -> bool| {
        (0..flags.len()).filter(|index| flags.get(*index).is_some_and(belongs)).max_by_key(newest)
    };
    let known = among(&|flag| same(flag) && flag.evidence.contains_key(&finding.record));
    let Some(index) = known.or_else(|| among(&|flag| flag.takes(finding))) else {
        flags.push(Flag::of(finding, new_id(), now, hours));
        return Settled { flag: flags.len() - 1, opened: true, news: News::New, waits_anew: true, undone: None };
    };
    let flag = &mut flags[index];
    let news = flag.hear(finding);
    let graver = finding.severity() > flag.severity;
    let undone = if graver {
        flag.raise(finding.severity(), now, hours)
    } else if matches!(news, News::New | News::Graver) && flag.state == State::Resolved {
        flag.reopen(now, hours)
    } else {
        None
    };
    Settled { flag: index, opened: false, news, waits_anew: graver || undone.is_some(), undone }
}
