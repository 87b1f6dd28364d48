//! Questionnaires of a demo patient: the first PHQ-9 is a real person's answers, the later ones follow from it.

use super::{
    chance::Chance,
    course::{Course, whole},
    draft::{By, Draft, Entry},
};
use crate::domain::assessments::{AnsweredBy, Assessment};
use chrono::{DateTime, FixedOffset, TimeDelta};
use std::sync::LazyLock;

/// Real answers, each of a total of 10 or more; the file says whose.
static BASELINES: LazyLock<Vec<[u8; 9]>> = LazyLock::new(|| {
    let lines = include_str!("data/baselines.txt").lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.bytes().map(|digit| digit.wrapping_sub(b'0')).collect::<Vec<_>>().try_into().ok())
        .collect()
});

/// Thoughts of being better off dead.
const ITEM_9: usize = 8;

/// Whom nobody asked before their first dose.
const ASKED_LATE: usize = 4;

/// The first answers of somebody of a course.
pub(super) fn baseline(chance: &mut Chance, course: Course, index: usize) -> [u8; 9] {
    // Who stays ill is called about item 9 every fortnight; for a demo once in a while says it as well.
    let at_most = if course == Course::NeverResponds || index == 0 { 1 } else { 3 };
    let fitting: Vec<_> = BASELINES.iter().filter(|answers| answers[ITEM_9] <= at_most).collect();
    let last = i64::try_from(fitting.len()).unwrap_or_default() - 1;
    let chosen = usize::try_from(chance.whole(0, last.max(0))).unwrap_or_default();
    fitting.get(chosen).copied().copied().unwrap_or([2; 9])
}

/// Draws all of them.
pub(super) fn draw(draft: &mut Draft<'_>, index: usize) {
    let first_dose = draft.dosed.first().map(|dosed| dosed.day);
    // What the first dose did is in that baseline already.
    let mut day = first_dose.filter(|_| index == ASKED_LATE).map_or(1, |first| first + 3);
    let mut number = 0;
    while day <= draft.calendar.today() {
        if draft.speaks(day) && (number < 3 || draft.chance.happens(0.88)) {
            round(draft, day, number == 0);
        }
        number += 1;
        let weekly = first_dose.is_none_or(|first| day < first + 35);
        let next = day + if weekly { 7 } else { draft.chance.whole(12, 16) };
        if !weekly && draft.chance.happens(0.35) {
            short(draft, day + 6);
        }
        // Never without a form on the day before the first dose.
        day = first_dose.filter(|first| day < first - 1 && next >= *first).map_or(next, |first| first - 1);
    }
}

fn round(draft: &mut Draft<'_>, day: i64, is_first: bool) {
    let at = draft.calendar.at(day, draft.chance.whole(7 * 60, 22 * 60));
    let answers = phq_9(draft, day);
    let answered_by = if is_first && draft.chance.happens(0.3) { AnsweredBy::Clinician } else { AnsweredBy::Patient };
    send(draft, at, "phq-9", &answers, answered_by);
    if draft.chance.happens(0.7) {
        let worry = draft.chance.between(0.7, 1.15);
        let answers = (0..7).map(|_| Some(level(draft, day, 2.0 * worry))).collect::<Vec<_>>();
        send(draft, at + TimeDelta::minutes(4), "gad-7", &answers, answered_by);
    }
}

/// Two questions between two longer forms.
fn short(draft: &mut Draft<'_>, day: i64) {
    if draft.speaks(day) && day <= draft.calendar.today() {
        let at = draft.calendar.at(day, draft.chance.whole(7 * 60, 22 * 60));
        let answers = phq_9(draft, day);
        send(draft, at, "phq-2", &answers[..2], AnsweredBy::Patient);
    }
}

/// The answers of a day; an empty one now and then.
fn phq_9(draft: &mut Draft<'_>, day: i64) -> Vec<Option<u8>> {
    let burden = if draft.dosed.first().is_none_or(|first| day <= first.day) { 1.0 } else { draft.burden(day) };
    let baseline = draft.baseline;
    let answer = |(item, first): (usize, &u8)| {
        let first = f64::from(*first);
        let (expected, spread) =
            if item == ITEM_9 { (first * burden.powf(1.8), 0.12) } else { (first * burden + 0.1, 0.4) };
        let noise = if day <= 1 { 0.0 } else { draft.chance.around(spread) };
        let empty = day > 1 && draft.chance.happens(0.004);
        (!empty).then(|| rounded(expected + noise, 3.0))
    };
    baseline.iter().enumerate().map(answer).collect()
}

fn level(draft: &mut Draft<'_>, day: i64, first: f64) -> u8 {
    let expected = first * draft.burden(day) + draft.chance.around(0.5);
    rounded(expected, 3.0)
}

/// A number as an answer between 0 and the highest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a small range")]
pub(super) fn rounded(number: f64, highest: f64) -> u8 {
    number.round().clamp(0.0, highest) as u8
}

/// Sends a form.
pub(super) fn send(
    draft: &mut Draft<'_>,
    occurred_at: DateTime<FixedOffset>,
    instrument: &str,
    answers: &[Option<u8>],
    answered_by: AnsweredBy,
) {
    let numbered = answers.iter().zip(1_u8..).map(|(answer, number)| (number.to_string(), answer.map(i64::from)));
    let sum: i64 = answers.iter().flatten().copied().map(i64::from).sum();
    let difficulty = (instrument == "phq-9").then(|| rounded(whole(sum) / 8.0, 3.0));
    let by = if answered_by == AnsweredBy::Clinician { By::Therapist } else { By::Patient };
    let assessment = Assessment {
        occurred_at: occurred_at.into(),
        time_zone: draft.zone(),
        instrument: instrument.into(),
        answers: numbered.collect(),
        difficulty,
        answered_by,
        note: None,
    };
    draft.add(occurred_at, by, Entry::Assessment(assessment));
}
