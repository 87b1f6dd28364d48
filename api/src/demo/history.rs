//! What follows from a drawn year: its rows, what the rules found in it and when, where the patient stands, what was said.

use super::{
    chance::Chance,
    clinic::{DemoClinic, Year},
    draft::{By, Entry, Write},
    reminded,
    staff::Staff,
};
use crate::{
    domain::{
        business_hours::BusinessHours,
        course::Course,
        record::{Horizon, Kind, Record, Valid},
        safety::past::{self, Stored},
        sessions::is_completed_dosing,
        standing::{Score, Standing},
    },
    error::Error,
    security::seal::OwnerKeys,
    store::{Author, Scope, course, flags, notifications, records, reminders},
};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entities::{measurement, record};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// Everything that stands in the database of a patient, but the patient.
#[derive(Debug)]
pub struct History {
    /// The records, with earlier versions and measurements.
    pub records: records::Past,
    /// The flags.
    pub flags: Vec<flags::Past>,
    /// Whom they were told.
    pub told: Vec<notifications::Past>,
    /// What the caseload draws.
    pub course: Course,
    /// Where the patient stands on each instrument.
    pub standings: Vec<(i16, Standing)>,
    /// The reminders and what they said.
    pub reminders: Vec<reminders::Past>,
}

impl History {
    /// The history of a year, as it stands at a moment. Values alone: nothing is stored.
    pub fn of(
        clinic: &DemoClinic,
        year: &Year,
        keys: &Arc<OwnerKeys>,
        hours: &BusinessHours,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let mut chance = Chance::new(year.seed.0, year.seed.1);
        let (mut records, mut rules) = (records::Past::default(), past::Past::default());
        let mut staff = Staff::new(Chance::new(year.seed.0, !year.seed.1), clinic, hours, now);
        for write in &year.writes {
            staff.work_until(write.at);
            let row = store(&mut records, &author(clinic, year, write.by, keys), year.person.zone, write)?;
            let touched = rules.write(&stored(&row, records.measurements.get(&row.id)))?;
            let version = |record| records.records.get(&record).map_or(1, |row| row.version);
            let mut waiting = staff.found(&rules.thoughts_and_doses(&touched), write.at, version);
            waiting.extend(staff.found(&rules.drops(&touched, staff.grave()), write.at, version));
            staff.tell(&waiting, write.at);
        }
        let (flags, told) = staff.end();
        let (course, standings) = (drawn(&records)?, standings(&records)?);
        let reminders = reminded::draw(year, &records, &mut chance, now);
        Ok(Self { records, flags, told, course, standings, reminders })
    }
}

/// Who writes, for the store.
pub(super) fn author(clinic: &DemoClinic, year: &Year, by: By, keys: &Arc<OwnerKeys>) -> Author {
    let account = match by {
        By::Patient => year.id,
        By::Therapist => clinic.therapist,
        By::Prescriber => clinic.prescriber,
    };
    let scope = Scope { clinic: clinic.id, patient: year.id, sees_private: true };
    Author { scope, account, request: Uuid::nil(), keys: keys.clone(), standing: None }
}

fn store(records: &mut records::Past, author: &Author, zone: Tz, write: &Write) -> Result<record::Model, Error> {
    match &write.entry {
        Entry::Intention(record) => checked(records, author, zone, write, record),
        Entry::Session(record) => checked(records, author, zone, write, record),
        Entry::JournalEntry(record) => checked(records, author, zone, write, record),
        Entry::MoodScore(record) => checked(records, author, zone, write, record),
        Entry::Assessment(record) => checked(records, author, zone, write, record),
        Entry::Prescription(record) => checked(records, author, zone, write, record),
        Entry::HomeDose(record) => checked(records, author, zone, write, record),
    }
}

/// Every record passes the same constructor as a client's.
fn checked<R: Record>(
    records: &mut records::Past,
    author: &Author,
    zone: Tz,
    write: &Write,
    record: &R,
) -> Result<record::Model, Error> {
    let valid = Valid::new(record.clone(), &Horizon { now: write.at, zone })?;
    records.write(author, write.at, write.id, &valid)
}

/// A row as the rules read it.
pub fn stored<'a>(row: &'a record::Model, measured: Option<&'a measurement::Model>) -> Stored<'a> {
    Stored {
        record: row.id,
        kind: Kind::from_code(row.kind).unwrap_or(Kind::Intentions),
        at: row.occurred_at.into(),
        day: row.day,
        facts: &row.facts,
        value: measured.and_then(|measured| measured.value),
        answers: measured.and_then(|measured| measured.answers.as_deref()),
    }
}

fn drawn(records: &records::Past) -> Result<Course, Error> {
    let mut rows: Vec<_> = records.records.values().collect();
    rows.sort_by_key(|row| (row.occurred_at, row.id));
    let mut course = Course::default();
    for row in rows {
        course.follow(None, Some(&course::sign(row)?));
    }
    Ok(course)
}

fn standings(records: &records::Past) -> Result<Vec<(i16, Standing)>, Error> {
    let mut first_session = None;
    for row in records.records.values().filter(|row| row.kind == Kind::Sessions.code()) {
        if is_completed_dosing(&row.facts)? {
            let at = DateTime::from(row.occurred_at);
            first_session = Some(first_session.map_or(at, |first| at.min(first)));
        }
    }
    let mut scores: BTreeMap<i16, Vec<(Uuid, Score)>> = BTreeMap::new();
    for measured in records.measurements.values().filter(|measured| measured.answers.is_some()) {
        let of = scores.entry(measured.series).or_default();
        of.extend(measured.value.map(|total| (measured.record_id, Score { at: measured.occurred_at.into(), total })));
    }
    let standing = |(series, mut scores): (i16, Vec<(Uuid, Score)>)| {
        scores.sort_by_key(|(id, score)| (score.at, *id));
        let scores: Vec<Score> = scores.into_iter().map(|(_, score)| score).collect();
        (series, Standing::of(&scores, first_session))
    };
    Ok(scores.into_iter().map(standing).collect())
}
