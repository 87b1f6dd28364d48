//! The rules over a history that is held in memory: for a clinic that is made with a past, and for proving that what was
//! written one by one is what a replay of it gives.
//!
//! It looks at the same windows and asks the same rules as a write does that reads them from the database.

use super::{
    Finding,
    doses::{self, Dose, DosingSession, History, Limits},
    in_order,
    moods::{self, Histogram, Mood},
    thoughts::{self, Form},
    windows::{FORMS_AROUND, MoodWindow, Seen, Span, Windows},
};
use crate::domain::record::{Kind, Unreadable};
use chrono::{DateTime, NaiveDate, Utc};
use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
};
use uuid::Uuid;

/// What the rules read of a record.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Read {
    Mood(Mood, u8),
    Form(Form),
    Dose(Dose),
    Limits(Limits),
    DosingSession(DosingSession),
}

/// A record as it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Which.
    pub record: Uuid,
    /// Of what kind.
    pub kind: Kind,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The patient's day.
    pub day: NaiveDate,
    /// Its plain members.
    pub facts: &'a str,
    /// The number that it measures: a mood, or the total of a complete form.
    pub value: Option<f64>,
    /// A byte per answer.
    pub answers: Option<&'a [u8]>,
}

impl Stored<'_> {
    fn seen(&self) -> Result<Option<Seen>, Unreadable> {
        Seen::read(self.kind, self.record, self.at, self.day, self.facts)
    }

    fn read(&self, seen: Seen) -> Result<Read, Unreadable> {
        let Self { record, at, day, facts, .. } = *self;
        Ok(match seen {
            Seen::Mood { .. } => {
                let mood = self.value.and_then(whole).and_then(|mood| u8::try_from(mood).ok());
                Read::Mood(Mood { record, at, day }, mood.ok_or(Unreadable("a mood"))?)
            }
            Seen::Form { .. } => Read::Form(Form {
                record,
                at,
                answer: self.answers.and_then(Form::answer_of),
                total: self.value.and_then(whole),
            }),
            Seen::Dose(dose) => Read::Dose(dose),
            Seen::Prescription => Read::Limits(Limits::read(record, facts)?),
            Seen::DosingSession(given) => Read::DosingSession(given),
        })
    }
}

/// A number that is stored as a float, as the whole number that it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "moods and totals are small and never negative"
)]
fn whole(number: f64) -> Option<u16> {
    (0.0..=f64::from(u16::MAX)).contains(&number).then_some(number as u16)
}

/// A history.
#[derive(Debug, Clone, Default)]
pub struct Past {
    records: BTreeMap<Uuid, (Read, Seen)>,
    moods: BTreeMap<(DateTime<Utc>, Uuid), Mood>,
    counted: Histogram,
    forms: BTreeMap<(DateTime<Utc>, Uuid), Form>,
}

/// Where the rules look after a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    record: Uuid,
    windows: Windows,
}

impl Past {
    /// One more write: a new record, or what one is now.
    pub fn write(&mut self, record: &Stored<'_>) -> Result<Touched, Unreadable> {
        let before = self.take(record.record);
        let after = record.seen()?;
        if let Some(seen) = after {
            self.put(record.record, record.read(seen)?, seen);
        }
        Ok(Touched { record: record.record, windows: Windows::of(before, after) })
    }

    /// A record goes.
    pub fn remove(&mut self, record: Uuid) -> Touched {
        let before = self.take(record);
        Touched { record, windows: Windows::of(before, None) }
    }

    /// What the rules on thoughts and doses find at every record that was touched, in order of time: settled first.
    pub fn thoughts_and_doses(&self, touched: &Touched) -> Vec<Finding> {
        let mut found = Vec::new();
        for at in &touched.windows.forms {
            found.extend(thoughts::evaluate_at(touched.record, *at, self.forms_around(*at)));
        }
        found.extend(self.at_doses(&touched.windows));
        in_order(found)
    }

    /// The drops of mood at every record that was touched; `grave` is whether a flag that keeps them grave is unresolved,
    /// those of the same write included.
    pub fn drops(&self, touched: &Touched, grave: bool) -> Vec<Finding> {
        let lifted = touched.windows.lifted.iter().filter(|_| grave);
        let windows = touched.windows.moods.iter().chain(lifted);
        in_order(windows.flat_map(|window| self.at_moods(window, grave)).collect())
    }

    fn put(&mut self, record: Uuid, read: Read, seen: Seen) {
        match read {
            Read::Mood(mood, level) => {
                self.moods.insert((mood.at, record), mood);
                self.counted.add(mood.day, level, 1);
            }
            Read::Form(form) => drop(self.forms.insert((form.at, record), form)),
            Read::Dose(_) | Read::Limits(_) | Read::DosingSession(_) => {}
        }
        self.records.insert(record, (read, seen));
    }

    fn take(&mut self, record: Uuid) -> Option<Seen> {
        let (read, seen) = self.records.remove(&record)?;
        match read {
            Read::Mood(mood, _) => {
                self.moods.remove(&(mood.at, record));
                self.counted = Histogram::default();
                for (read, _) in self.records.values() {
                    if let Read::Mood(mood, level) = read {
                        self.counted.add(mood.day, *level, 1);
                    }
                }
            }
            Read::Form(form) => drop(self.forms.remove(&(form.at, record))),
            Read::Dose(_) | Read::Limits(_) | Read::DosingSession(_) => {}
        }
        Some(seen)
    }

    fn forms_around(&self, at: DateTime<Utc>) -> Vec<Form> {
        let (around, last) = (usize::try_from(FORMS_AROUND).unwrap_or(usize::MAX), (at, Uuid::max()));
        let until = self.forms.range(..=last).rev().take(2 * around);
        let after = self.forms.range((Excluded(last), Unbounded)).take(around);
        until.chain(after).map(|(_, form)| *form).collect()
    }

    fn at_doses(&self, windows: &Windows) -> Vec<Finding> {
        if windows.doses.is_empty() {
            return Vec::new();
        }
        let reads = || self.records.values().map(|(read, _)| read);
        let prescriptions: Vec<_> =
            reads().filter_map(|read| if let Read::Limits(limits) = read { Some(*limits) } else { None }).collect();
        let reach = doses::reach(&prescriptions);
        let mut found = Vec::new();
        for window in &windows.doses {
            let span = window.read(reach);
            let near = |at: DateTime<Utc>| span.contains(&at);
            let dose = |read: &Read| if let Read::Dose(dose) = read { Some(*dose) } else { None };
            let mut doses: Vec<_> = reads().filter_map(dose).filter(|dose| near(dose.at)).collect();
            doses.sort_by_key(|dose| (dose.at, dose.record));
            let sessions = self.sessions().filter(|session| near(session.at)).collect();
            let history = History { prescriptions: prescriptions.clone(), doses, sessions };
            let touched = window.touched(reach);
            let touched = |dose: &&Dose| touched.contains(&dose.at);
            found.extend(history.doses.iter().filter(touched).flat_map(|dose| history.evaluate(dose)));
        }
        found
    }

    fn sessions(&self) -> impl Iterator<Item = DosingSession> {
        let session = |read: &Read| if let Read::DosingSession(given) = read { Some(*given) } else { None };
        self.records.values().filter_map(move |(read, _)| session(read))
    }

    fn at_moods(&self, window: &MoodWindow, grave: bool) -> Vec<Finding> {
        let falls = self.counted.falls(window.days.clone());
        let (Some(first), Some(last)) = (falls.keys().next(), falls.keys().next_back()) else { return Vec::new() };
        let span = MoodWindow::span(&(*first..=*last));
        let softening: Span = *span.start() - moods::after_session()..=*span.end();
        let sessions: Vec<_> = self.sessions().map(|session| session.at).filter(|at| softening.contains(at)).collect();
        let moods = self.moods.range((*span.start(), Uuid::nil())..=(*span.end(), Uuid::max())).map(|(_, mood)| mood);
        let touched = moods.filter(|mood| window.within.as_ref().is_none_or(|span| span.contains(&mood.at)));
        touched.filter_map(|mood| moods::evaluate(mood, falls.get(&mood.day)?, &sessions, grave)).collect()
    }
}
