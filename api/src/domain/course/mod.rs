//! The course of a patient as the caseload draws it: kept up to date by each write, so that nobody reads a history for it.
//!
//! What a record adds is known from the record. What is left once the newest of something is changed or taken away is not:
//! that is [`Lost`], and must be looked up among the records.

mod moods;

pub use moods::Moods;

use super::{
    assessments,
    instruments::PHQ_9_SERIES,
    mood_scores,
    record::{Kind, Unreadable},
    safety::thoughts,
    sessions::is_completed_dosing,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use std::collections::BTreeSet;

/// The days that are kept: those that are drawn, in a zone that is ahead or behind too.
const REACH: Days = Days::new(62);

/// The kinds whose time says that the patient was there: everything that they write themselves, a word in the journal as
/// much as a mood or a dose. The time of a session is the appointment's, and prescriptions are not theirs.
pub fn check_ins() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| !matches!(kind, Kind::Sessions | Kind::Prescriptions))
}

/// What one record says to a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sign {
    at: DateTime<Utc>,
    day: NaiveDate,
    is_check_in: bool,
    mood: Option<u8>,
    item_9: Option<u8>,
    dose: Option<Dose>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dose {
    Session,
    Home,
}

impl Sign {
    /// Reads a record's plain members. `is_told` is whether the patient wrote it, and the care team may know that it is there.
    pub fn read(
        kind: Kind,
        (at, day): (DateTime<Utc>, NaiveDate),
        facts: &str,
        is_told: bool,
    ) -> Result<Self, Unreadable> {
        let is_check_in = is_told && check_ins().any(|one| one == kind);
        let nothing = Self { at, day, is_check_in, mood: None, item_9: None, dose: None };
        Ok(match kind {
            Kind::MoodScores => Self { mood: Some(mood_scores::mood_of(facts)?), ..nothing },
            Kind::Assessments => Self { item_9: assessments::answer(facts, PHQ_9_SERIES, thoughts::ITEM)?, ..nothing },
            Kind::HomeDoses => Self { dose: Some(Dose::Home), ..nothing },
            Kind::Sessions => Self { dose: is_completed_dosing(facts)?.then_some(Dose::Session), ..nothing },
            _ => nothing,
        })
    }
}

/// A part of a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The moods of the days that are kept, and the newest.
    Moods,
    /// The newest check-in.
    CheckIn,
    /// The newest answer to item 9.
    Item9,
    /// The doses.
    Doses,
}

impl Part {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Moods, Self::CheckIn, Self::Item9, Self::Doses];
}

/// What must be looked up among the records.
pub type Lost = BTreeSet<Part>;

/// A value and when it was so.
pub type Dated = (u8, DateTime<Utc>);

/// What is kept of a patient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course {
    /// The moods of the last two months.
    pub moods: Moods,
    /// The newest mood.
    pub last_mood: Option<Dated>,
    /// When the newest record happened that the patient wrote themselves, as far as the care team may know of it.
    pub last_check_in_at: Option<DateTime<Utc>>,
    /// Days of the last two months with a completed dosing session.
    pub dosing: BTreeSet<NaiveDate>,
    /// Whether any dose was given yet.
    pub has_begun: bool,
    /// The newest answer to PHQ-9 item 9, of whatever form: complete or not.
    pub item_9: Option<Dated>,
}

impl Course {
    /// Takes in that a record was written, changed or deleted.
    ///
    /// ```
    /// use afterglow::domain::{course::{Course, Lost, Part, Sign}, record::Kind};
    /// use chrono::{TimeZone, Utc};
    ///
    /// let at = |day| Utc.with_ymd_and_hms(2026, 3, day, 8, 0, 0).unwrap();
    /// let mood = |day, facts| Sign::read(Kind::MoodScores, (at(day), at(day).date_naive()), facts, true).unwrap();
    /// let (low, high) = (mood(1, r#"{"mood":2}"#), mood(2, r#"{"mood":7}"#));
    /// let mut course = Course::default();
    /// assert_eq!(course.follow(None, Some(&high)), Lost::default());
    /// assert_eq!(course.follow(None, Some(&low)), Lost::default());
    /// assert_eq!(course.last_mood, Some((7, at(2))));
    /// // Which one is the newest once this is gone, the course cannot know.
    /// assert_eq!(course.follow(Some(&high), None), Lost::from([Part::Moods, Part::CheckIn]));
    /// assert_eq!(course.moods.means(), [(at(1).date_naive(), 2.0)]);
    /// ```
    pub fn follow(&mut self, before: Option<&Sign>, after: Option<&Sign>) -> Lost {
        let mut lost = before.map(|old| self.remove(old)).unwrap_or_default();
        if let Some(new) = after {
            self.add(new, &mut lost);
        }
        self.forget();
        lost
    }

    /// The first day that is kept, seen from the last that anything is known of: a clock that went wrong takes nothing away.
    pub fn first_day(&self) -> Option<NaiveDate> {
        let last = self.moods.last_day().max(self.dosing.last().copied());
        last.and_then(|last| last.checked_sub_days(REACH))
    }

    /// Forgets the days that are too old to be drawn.
    pub fn forget(&mut self) {
        if let Some(first) = self.first_day() {
            self.moods.forget_before(first);
            self.dosing.retain(|day| *day >= first);
        }
    }

    fn remove(&mut self, old: &Sign) -> Lost {
        let is_kept = self.first_day().is_none_or(|first| old.day >= first);
        let newest = |kept: Option<Dated>| kept.is_some_and(|(_, at)| at == old.at);
        let moods = old.mood.is_some_and(|mood| {
            let was_in = self.moods.remove(old.day, mood);
            newest(self.last_mood) || (is_kept && !was_in)
        });
        let lost = [
            (Part::Moods, moods),
            (Part::CheckIn, old.is_check_in && self.last_check_in_at == Some(old.at)),
            (Part::Item9, old.item_9.is_some() && newest(self.item_9)),
            (Part::Doses, old.dose.is_some()),
        ];
        lost.into_iter().filter_map(|(part, is_lost)| is_lost.then_some(part)).collect()
    }

    fn add(&mut self, new: &Sign, lost: &mut Lost) {
        if let Some(mood) = new.mood {
            self.moods.add(new.day, mood);
            if put_newest(&mut self.last_mood, (mood, new.at)) {
                lost.insert(Part::Moods);
            }
        }
        if let Some(answer) = new.item_9
            && put_newest(&mut self.item_9, (answer, new.at))
        {
            lost.insert(Part::Item9);
        }
        if new.is_check_in {
            self.last_check_in_at = self.last_check_in_at.max(Some(new.at));
        }
        if let Some(dose) = new.dose {
            self.has_begun = true;
            if dose == Dose::Session {
                self.dosing.insert(new.day);
            }
        }
    }
}

/// Keeps the newer one; whether both are of one instant, so that their records must say which counts.
fn put_newest(kept: &mut Option<Dated>, new: Dated) -> bool {
    let is_tie = kept.is_some_and(|(_, at)| at == new.1);
    if kept.is_none_or(|(_, at)| at <= new.1) {
        *kept = Some(new);
    }
    is_tie
}
