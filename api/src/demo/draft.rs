//! One patient's year while it is being drawn: what is written, when and by whom.

use super::{
    calendar::Calendar,
    chance::Chance,
    course::{Course, Curve, whole},
    people::Person,
};
use crate::domain::{
    assessments::Assessment, home_doses::HomeDose, intentions::Intention, journal_entries::JournalEntry,
    mood_scores::MoodScore, prescriptions::Prescription, sessions::Session,
};
use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use uuid::Uuid;

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The patient.
    Patient,
    /// Their therapist.
    Therapist,
    /// Their prescriber.
    Prescriber,
}

/// What is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// An intention.
    Intention(Intention),
    /// A session.
    Session(Session),
    /// An entry of the journal.
    JournalEntry(JournalEntry),
    /// A check-in.
    MoodScore(MoodScore),
    /// A questionnaire.
    Assessment(Assessment),
    /// A prescription.
    Prescription(Prescription),
    /// A home dose.
    HomeDose(HomeDose),
}

/// One write: a new record, or under an id that is there already its next version.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    /// When the server got it.
    pub at: DateTime<Utc>,
    /// Who wrote it.
    pub by: By,
    /// The record.
    pub id: Uuid,
    /// What it is.
    pub entry: Entry,
}

/// A dosing session that took place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dosed {
    pub(super) id: Uuid,
    pub(super) day: i64,
    pub(super) at: DateTime<FixedOffset>,
}

/// A year that is being drawn.
pub(super) struct Draft<'a> {
    pub(super) chance: Chance,
    pub(super) calendar: Calendar,
    pub(super) person: &'a Person,
    pub(super) course: Course,
    pub(super) curve: Curve,
    /// The answers to the first PHQ-9.
    pub(super) baseline: [u8; 9],
    /// The dosing sessions that took place, in order.
    pub(super) dosed: Vec<Dosed>,
    /// From this day on nothing comes from the patient.
    pub(super) silent_from: Option<i64>,
    pub(super) writes: Vec<Write>,
}

impl Draft<'_> {
    /// The zone's name, as phones send it.
    pub(super) fn zone(&self) -> String {
        self.calendar.zone.name().to_owned()
    }

    /// Whether the patient still writes on a day.
    pub(super) fn speaks(&self, day: i64) -> bool {
        self.silent_from.is_none_or(|from| day < from)
    }

    /// The burden on a day, as a share of the first.
    pub(super) fn burden(&self, day: i64) -> f64 {
        let dosing: Vec<i64> = self.dosed.iter().map(|dosed| dosed.day).collect();
        self.curve.burden(whole(day), &dosing)
    }

    /// Writes a new record.
    pub(super) fn add(&mut self, at: DateTime<FixedOffset>, by: By, entry: Entry) -> Uuid {
        let at = at.to_utc() + TimeDelta::microseconds(self.chance.whole(1_000_000, 20_000_000));
        let id = self.chance.id(at);
        self.writes.push(Write { at, by, id, entry });
        id
    }

    /// Writes the next version of a record.
    pub(super) fn amend(&mut self, at: DateTime<FixedOffset>, by: By, id: Uuid, entry: Entry) {
        let at = at.to_utc() + TimeDelta::microseconds(self.chance.whole(1_000_000, 20_000_000));
        self.writes.push(Write { at, by, id, entry });
    }
}
