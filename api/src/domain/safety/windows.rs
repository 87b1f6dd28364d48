//! What a write can touch: which records the rules must look at again, and what must be read for that.
//!
//! A record written late touches the windows of later ones, and so does one that moves or goes: a write is therefore
//! looked at both where the record was and where it now is.

use super::{
    doses::{Dose, DosingSession},
    moods,
};
use crate::domain::{
    assessments::instrument_of,
    instruments::PHQ_9_SERIES,
    record::{Kind, Unreadable},
    sessions::completed_dosing,
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use std::ops::RangeInclusive;
use uuid::Uuid;

/// A stretch of time, both ends included.
pub type Span = RangeInclusive<DateTime<Utc>>;

/// What a record is to the rules, before or after a write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// A mood on a day.
    Mood {
        /// The patient's day.
        day: NaiveDate,
    },
    /// A PHQ-9.
    Form {
        /// When it was filled in.
        at: DateTime<Utc>,
    },
    /// A home dose.
    Dose(Dose),
    /// A completed dosing session.
    DosingSession(DosingSession),
    /// A prescription.
    Prescription,
}

impl Seen {
    /// What a record is, by its kind and its plain members; `None` where no rule looks.
    pub fn read(
        kind: Kind,
        record: Uuid,
        at: DateTime<Utc>,
        day: NaiveDate,
        facts: &str,
    ) -> Result<Option<Self>, Unreadable> {
        Ok(match kind {
            Kind::MoodScores => Some(Self::Mood { day }),
            Kind::HomeDoses => Some(Self::Dose(Dose::read(record, at, day, facts)?)),
            Kind::Prescriptions => Some(Self::Prescription),
            Kind::Sessions => {
                completed_dosing(facts)?.map(|setting| Self::DosingSession(DosingSession { at, day, setting }))
            }
            Kind::Assessments => (instrument_of(facts)?.series == PHQ_9_SERIES).then_some(Self::Form { at }),
            _ => None,
        })
    }

    /// Whether what is seen here is all that the rules look at: seen the same again, there is nothing to look at anew. The
    /// number of a mood and the answers of a form are not seen here.
    fn is_all(&self) -> bool {
        matches!(self, Self::Dose(_) | Self::DosingSession(_))
    }
}

/// Moods to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoodWindow {
    /// The days whose moods are touched.
    pub days: RangeInclusive<NaiveDate>,
    /// Only moods within it are touched, where there is one.
    pub within: Option<Span>,
}

impl MoodWindow {
    /// The moods of a stretch of time, whatever day it is where they were entered.
    fn within(span: Span) -> Self {
        let day = Days::new(1);
        let days = earlier(span.start().date_naive(), day)..=later(span.end().date_naive(), day);
        Self { days, within: Some(span) }
    }

    /// The days whose moods must be counted for it.
    pub fn counted(&self) -> RangeInclusive<NaiveDate> {
        earlier(*self.days.start(), moods::look_back())..=*self.days.end()
    }

    /// A stretch of time that holds these days in every zone.
    pub fn span(days: &RangeInclusive<NaiveDate>) -> Span {
        let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
        midnight(earlier(*days.start(), Days::new(1)))..=midnight(later(*days.end(), Days::new(2)))
    }
}

/// Home doses to look at: those from an instant on, as far as doses reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DoseWindow(pub DateTime<Utc>);

impl DoseWindow {
    /// The doses that are touched.
    pub fn touched(&self, reach: TimeDelta) -> Span {
        self.0..=self.0 + reach
    }

    /// The doses and sessions that must be read: a day more each way, since a session is asked for the doses of its day.
    pub fn read(&self, reach: TimeDelta) -> Span {
        let reach = reach + TimeDelta::days(1);
        self.0 - reach..=self.0 + reach
    }
}

/// How many forms before and after a changed one are read.
pub const FORMS_AROUND: u64 = 8;

/// The windows that one write touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Windows {
    /// Moods.
    pub moods: Vec<MoodWindow>,
    /// Moods that are looked at again while a flag that keeps drops grave is unresolved: what was softened there no longer is.
    pub lifted: Vec<MoodWindow>,
    /// Instants around which PHQ-9 forms are looked at, [`FORMS_AROUND`] each way.
    pub forms: Vec<DateTime<Utc>>,
    /// Home doses.
    pub doses: Vec<DoseWindow>,
}

impl Windows {
    /// The windows of a write, by what the record was before it and is after it. A dose is judged by the limits that stood
    /// when it was written: a new note beside it is no reason to judge it by the limits of today.
    pub fn of(before: Option<Seen>, after: Option<Seen>) -> Self {
        let mut windows = Self::default();
        if before == after && after.is_none_or(|seen| seen.is_all()) {
            return windows;
        }
        let changed = if before == after { None } else { before };
        for seen in changed.into_iter().chain(after) {
            windows.add(seen);
        }
        windows.doses.dedup();
        windows
    }

    fn add(&mut self, seen: Seen) {
        match seen {
            Seen::Mood { day } => {
                self.moods.push(MoodWindow { days: day..=later(day, moods::look_back()), within: None });
            }
            Seen::Form { at } => {
                self.forms.push(at);
                self.lifted.push(MoodWindow::within(at - moods::after_session()..=at + moods::after_session()));
            }
            Seen::Dose(Dose { at, .. }) => self.doses.push(DoseWindow(at)),
            Seen::DosingSession(DosingSession { at, .. }) => {
                self.moods.push(MoodWindow::within(at..=at + moods::after_session()));
                self.doses.push(DoseWindow(at));
            }
            // A dose is judged by the limits that stood when it was written: a limit that is lowered later makes no lawful
            // dose of the past a finding.
            Seen::Prescription => {}
        }
    }
}

fn earlier(day: NaiveDate, days: Days) -> NaiveDate {
    day.checked_sub_days(days).unwrap_or(NaiveDate::MIN)
}

fn later(day: NaiveDate, days: Days) -> NaiveDate {
    day.checked_add_days(days).unwrap_or(NaiveDate::MAX)
}
