//! The whole demo clinic as values: drawn from a seed and the moment at which it is looked at, without a database.

use super::{
    calendar::Calendar,
    chance::Chance,
    course::{Course, Curve},
    days, doses,
    draft::{Draft, Write},
    forms,
    people::{Person, people},
    recent, sessions,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Streams of chance before the first patient's.
const CLINIC_STREAMS: u64 = 16;

/// The first patient who is new.
const FIRST_NEW: usize = 6;

/// A demo clinic.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoClinic {
    /// The clinic.
    pub id: Uuid,
    /// The therapist.
    pub therapist: Uuid,
    /// The prescriber.
    pub prescriber: Uuid,
    /// The admin.
    pub admin: Uuid,
    /// The patients; the first can sign in.
    pub patients: Vec<Year>,
}

/// A patient and their year.
#[derive(Debug, Clone, PartialEq)]
pub struct Year {
    /// Their id.
    pub id: Uuid,
    /// Who they are.
    pub person: Person,
    /// How they fare.
    pub course: Course,
    /// Their first moment in care.
    pub began_at: DateTime<Utc>,
    /// Everything that was written, in the order in which the server got it.
    pub writes: Vec<Write>,
    /// Chance for what follows from it.
    pub seed: (u64, u64),
}

impl DemoClinic {
    /// The clinic of a seed, as it is at a moment, with its first patients.
    pub fn draw(seed: u64, now: DateTime<Utc>, patients: usize) -> Self {
        let mut chance = Chance::new(seed, 0);
        let [id, therapist, prescriber, admin] = std::array::from_fn(|_| chance.id(now));
        let people = people(&mut chance).into_iter().take(patients).enumerate();
        let patients = people.map(|(index, person)| year(seed, now, index, person)).collect();
        Self { id, therapist, prescriber, admin, patients }
    }
}

fn year(seed: u64, now: DateTime<Utc>, index: usize, person: Person) -> Year {
    let stream = CLINIC_STREAMS + 2 * u64::try_from(index).unwrap_or_default();
    let mut chance = Chance::new(seed, stream);
    let course = Course::of(index);
    let days = match (course, index) {
        // Nobody who came a week ago has had a dose.
        (Course::New, FIRST_NEW) => 6,
        (Course::New, _) => chance.whole(5, 24),
        _ => 364,
    };
    let calendar = Calendar::ending(now, person.zone, days.unsigned_abs());
    let (began_at, today) = (calendar.at(0, 8 * 60).to_utc(), calendar.today());
    let id = chance.id(began_at);
    let curve = Curve::draw(&mut chance, course, today);
    let baseline = forms::baseline(&mut chance, course, index);
    let silent_from = (course == Course::GoesSilent).then(|| today - chance.whole(5, 17));
    let mut draft = Draft {
        chance,
        calendar,
        person: &person,
        course,
        curve,
        baseline,
        dosed: vec![],
        silent_from,
        writes: vec![],
    };
    let first = draft.calendar.at(3, 20 * 60);
    sessions::intend(&mut draft, first, 3, None);
    sessions::draw(&mut draft);
    forms::draw(&mut draft, index);
    days::draw(&mut draft);
    doses::draw(&mut draft, index);
    recent::draw(&mut draft, index);
    let mut writes = draft.writes;
    writes.retain(|write| write.at <= now);
    writes.sort_by_key(|write| (write.at, write.id));
    Year { id, person, course, began_at, writes, seed: (seed, stream + 1) }
}
