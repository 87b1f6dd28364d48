//! What the staff of the demo does with flags: takes them on in time, closes most of them within days. What came in within
//! the last hour waits for whoever looks at the demo.

use super::{chance::Chance, clinic::DemoClinic, words::words};
use crate::{
    domain::{
        business_hours::BusinessHours,
        safety::{
            EscalationRole, EscalationStep, Finding, Flag, News, Outcome, Rule, Severity, State, Team, TeamMember,
            settle,
        },
    },
    store::{
        flags::{self, Found, Remarks, Reopened},
        notifications,
    },
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What came in so lately was seen by nobody yet.
const UNSEEN: TimeDelta = TimeDelta::hours(1);

/// Something that somebody does with a flag.
#[derive(Debug, Clone, Copy)]
enum Act {
    TakeOn,
    Close,
}

/// What there is of a flag beside itself.
#[derive(Default)]
struct Former {
    version: i64,
    words: Remarks,
    evidence: Vec<Found>,
}

impl Former {
    /// A version that is evidence already keeps when it became so.
    fn hear(&mut self, found: Found) {
        let of = |known: &&mut Found| (known.finding.record, known.version) == (found.finding.record, found.version);
        match self.evidence.iter_mut().find(of) {
            Some(known) => known.finding = found.finding,
            None => self.evidence.push(found),
        }
    }
}

/// A patient's flags, and what becomes of them.
pub(super) struct Staff<'a> {
    chance: Chance,
    clinic: &'a DemoClinic,
    hours: &'a BusinessHours,
    now: DateTime<Utc>,
    flags: Vec<Flag>,
    past: BTreeMap<Uuid, Former>,
    /// By time, and by number where two meet.
    to_do: BTreeMap<(DateTime<Utc>, Uuid), Act>,
    told: Vec<notifications::Past>,
}

impl<'a> Staff<'a> {
    pub(super) fn new(chance: Chance, clinic: &'a DemoClinic, hours: &'a BusinessHours, now: DateTime<Utc>) -> Self {
        let (flags, past, to_do, told) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { chance, clinic, hours, now, flags, past, to_do, told }
    }

    /// Whether a flag is unresolved that keeps drops grave.
    pub(super) fn grave(&self) -> bool {
        self.flags.iter().any(|flag| flag.state != State::Resolved && flag.rule.keeps_drops_grave())
    }

    /// What a rule found when a record was written. Answers the flags that wait anew, each once.
    pub(super) fn found(
        &mut self,
        findings: &[Finding],
        at: DateTime<Utc>,
        version: impl Fn(Uuid) -> i64,
    ) -> BTreeSet<Uuid> {
        let mut waiting = BTreeSet::new();
        for finding in findings {
            let chance = &mut self.chance;
            let settled = settle(&mut self.flags, finding, at, self.hours, || chance.id(at));
            let Some(flag) = self.flags.get(settled.flag).cloned() else { continue };
            if settled.changed() {
                let past = self.past.entry(flag.id).or_default();
                past.version += 1;
                if let Some(done) = settled.undone {
                    past.words.keep(done, at, Reopened::by(finding));
                }
                if settled.news != News::Nothing {
                    let (version, severity) = (version(finding.record), flag.severity);
                    past.hear(Found { finding: finding.clone(), version, at, severity });
                }
            }
            if settled.waits_anew {
                waiting.insert(flag.id);
                self.plan(&flag, at);
            }
        }
        waiting
    }

    /// Everything that somebody does up to an instant.
    pub(super) fn work_until(&mut self, until: DateTime<Utc>) {
        while let Some(entry) = self.to_do.first_entry() {
            let (at, id) = *entry.key();
            if at > until {
                return;
            }
            let act = entry.remove();
            let Some(index) = self.flags.iter().position(|flag| flag.id == id) else { continue };
            self.act(index, act, at);
        }
    }

    fn act(&mut self, index: usize, act: Act, at: DateTime<Utc>) {
        let (Some(flag), by) = (self.flags.get_mut(index), self.clinic.therapist) else { return };
        let changed = match act {
            Act::TakeOn => flag.acknowledge(by, at).unwrap_or(false),
            Act::Close => flag.resolve(outcome(&mut self.chance, flag.rule), by, at),
        };
        let (id, closes_at) = (flag.id, at + TimeDelta::minutes(self.chance.whole(20, 4 * 24 * 60)));
        if !changed {
            return;
        }
        let past = self.past.entry(id).or_default();
        past.version += 1;
        match act {
            Act::TakeOn => drop(self.to_do.insert((self.in_hours(closes_at), id), Act::Close)),
            Act::Close => past.words.note = self.chance.pick(&words().resolved).map(str::to_owned),
        }
    }

    /// The same hour, on the next day on which somebody is there.
    fn in_hours(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        let hours = (0..240).map(|hour| at + TimeDelta::hours(hour));
        hours.into_iter().find(|at| self.hours.is_open(*at)).unwrap_or(at)
    }

    /// Tells of what one write raised: each member by one mail.
    pub(super) fn tell(&mut self, waiting: &BTreeSet<Uuid>, at: DateTime<Utc>) {
        let base = |flag: &Flag| {
            EscalationStep::next_round(self.told.iter().filter(|told| told.flag == flag.id).map(|told| told.step).max())
        };
        let waiting = self.flags.iter().filter(|flag| waiting.contains(&flag.id)).map(|flag| (flag, base(flag)));
        for (recipient, flags) in self.team().mails(waiting.collect()) {
            let mut told_with = None;
            for (flag, step) in flags {
                let (id, delivery) = (self.chance.id(at), told_with.is_none().then(|| self.chance.id(at)));
                self.told.push(notifications::Past { id, delivery, told_with, flag, recipient, step, at, sent: true });
                told_with = told_with.or(Some(id));
            }
        }
    }

    fn team(&self) -> Team {
        let member = |id, role| TeamMember { id, role };
        let (therapist, admin) = (self.clinic.therapist, self.clinic.admin);
        Team(vec![member(therapist, EscalationRole::Primary), member(admin, EscalationRole::Admin)])
    }

    /// When somebody takes it on: within its time, while they are there.
    fn plan(&mut self, flag: &Flag, at: DateTime<Utc>) {
        self.to_do.retain(|(_, id), _| *id != flag.id);
        if at > self.now - UNSEEN {
            return;
        }
        let chance = &mut self.chance;
        let takes_on = match (flag.severity, flag.acknowledge_by) {
            (Severity::Urgent | Severity::Emergency, Some(_)) if self.hours.is_open(at) => {
                at + TimeDelta::minutes(chance.whole(9, 140))
            }
            (Severity::Urgent | Severity::Emergency, Some(due)) => {
                (due - TimeDelta::minutes(chance.whole(5, 50))).max(at + TimeDelta::minutes(4))
            }
            (Severity::Watch, Some(due)) => due - TimeDelta::minutes(chance.whole(40, 420)),
            _ => self.in_hours(at + TimeDelta::hours(20)),
        };
        self.to_do.insert((takes_on, flag.id), Act::TakeOn);
    }

    /// The flags as they are now, and who was told.
    pub(super) fn end(mut self) -> (Vec<flags::Past>, Vec<notifications::Past>) {
        self.work_until(self.now);
        let Self { flags, mut past, mut told, now, .. } = self;
        for message in &mut told {
            let open = flags.iter().any(|flag| flag.id == message.flag && flag.state == State::Open);
            // What waits is sent when the demo starts: its mail is there to be looked at.
            message.sent = !(open && message.at > now - TimeDelta::days(1));
        }
        let whole = |flag: Flag| {
            let Former { version, words, evidence } = past.remove(&flag.id).unwrap_or_default();
            flags::Past { flag, version, words, evidence }
        };
        (flags.into_iter().map(whole).collect(), told)
    }
}

fn outcome(chance: &mut Chance, rule: Rule) -> Outcome {
    let often = match rule {
        Rule::Hd01 | Rule::Hd02 | Rule::Hd07 => [Outcome::Contacted, Outcome::PlanChanged, Outcome::FalseAlarm],
        Rule::Si01 | Rule::Si02 | Rule::Si04 => [Outcome::Contacted, Outcome::Contacted, Outcome::PlanChanged],
        Rule::Rd02 => [Outcome::Contacted, Outcome::NoAction, Outcome::PlanChanged],
    };
    let chosen = usize::try_from(chance.whole(0, 2)).unwrap_or_default();
    often.get(chosen).copied().unwrap_or(Outcome::Contacted)
}
