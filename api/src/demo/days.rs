//! The days of a demo patient: how they are, and what they write into their journal.

use super::{
    course::Course,
    draft::{By, Draft, Entry},
    forms::rounded,
    words::{Tone, words},
};
use crate::domain::{
    journal_entries::{JournalEntry, Prompt},
    mood_scores::MoodScore,
    record::Visibility,
};
use chrono::{DateTime, FixedOffset, TimeDelta};
use uuid::Uuid;

/// What is somebody's own about their days.
struct Habit {
    /// How often they check in.
    faithful: f64,
    /// When, in minutes after midnight.
    minutes: i64,
    /// How often they write.
    writes: f64,
    /// How often they share it.
    shares: f64,
}

/// What the days before leave behind.
#[derive(Default)]
struct Weather {
    /// How far today is from what is usual.
    drift: f64,
    /// Days of a bad patch that are left, and how bad it is.
    bad_days: i64,
    bad_by: f64,
    /// Days of not writing that are left.
    away: i64,
}

impl Weather {
    fn next(&mut self, draft: &mut Draft<'_>) {
        self.drift = 0.55 * self.drift + draft.chance.around(0.65);
        self.bad_days -= 1;
        self.away -= 1;
        if self.bad_days < 0 && draft.chance.happens(0.006) {
            self.bad_days = draft.chance.whole(2, 4);
            self.bad_by = draft.chance.between(3.0, 4.6);
        }
        if self.away < 0 && draft.chance.happens(0.009) {
            self.away = draft.chance.whole(3, 8);
        }
    }
}

/// Draws all of them.
pub(super) fn draw(draft: &mut Draft<'_>) {
    let chance = &mut draft.chance;
    let minutes = if chance.happens(0.6) { chance.whole(8 * 60, 10 * 60) } else { chance.whole(19 * 60, 21 * 60) };
    let (faithful, writes, shares) = (chance.between(0.76, 0.97), chance.between(0.05, 0.14), chance.between(0.2, 0.7));
    let habit = Habit { faithful, minutes, writes, shares };
    let mut weather = Weather::default();
    for day in 0..=draft.calendar.today() {
        weather.next(draft);
        if !draft.speaks(day) || weather.away >= 0 {
            continue;
        }
        let mood = mood(draft, day, &weather);
        if draft.chance.happens(habit.faithful) {
            check_in(draft, day, &habit, mood);
        }
        if draft.chance.happens(habit.writes) {
            ordinary(draft, day, &habit, mood);
        }
    }
    for dosed in draft.dosed.clone() {
        if draft.speaks(dosed.day) && draft.chance.happens(0.75) {
            let at = dosed.at + TimeDelta::minutes(draft.chance.whole(200, 480));
            write(draft, at, Tone::AfterSession, Some(dosed.id), habit.shares.max(0.5));
        }
    }
}

/// A mood from 0 to 10 for the burden of a day.
fn mood(draft: &mut Draft<'_>, day: i64, weather: &Weather) -> f64 {
    let first: u8 = draft.baseline.iter().sum();
    let burden = f64::from(first) * draft.burden(day);
    let silent_soon = draft.silent_from.is_some_and(|from| day >= from - 5);
    let bad = if weather.bad_days >= 0 { weather.bad_by } else { 0.0 };
    let sinking = if silent_soon && draft.course == Course::GoesSilent { 2.0 } else { 0.0 };
    9.0 - 0.32 * burden + weather.drift - bad - sinking
}

fn check_in(draft: &mut Draft<'_>, day: i64, habit: &Habit, mood: f64) {
    let at = draft.calendar.at(day, habit.minutes + draft.chance.whole(-25, 70));
    send(draft, at, mood);
    if draft.chance.happens(0.05) {
        let later = at + TimeDelta::minutes(draft.chance.whole(180, 420));
        let changed = draft.chance.around(0.8);
        send(draft, later, mood + changed);
    }
}

/// Sends a check-in; some phones are offline for a while.
fn send(draft: &mut Draft<'_>, occurred_at: DateTime<FixedOffset>, mood: f64) {
    let delay =
        if draft.chance.happens(0.04) { TimeDelta::minutes(draft.chance.whole(60, 2400)) } else { TimeDelta::zero() };
    let entry = score(draft, occurred_at, mood);
    draft.add(occurred_at + delay, By::Patient, Entry::MoodScore(entry));
}

/// A check-in of a mood.
pub(super) fn score(draft: &mut Draft<'_>, occurred_at: DateTime<FixedOffset>, mood: f64) -> MoodScore {
    let time_zone = draft.zone();
    let chance = &mut draft.chance;
    let mut beside = |often: f64, expected: f64| {
        let number = rounded(expected + chance.around(0.9), 10.0);
        chance.happens(often).then_some(number)
    };
    let anxiety = beside(0.75, 8.0 - 0.65 * mood);
    let energy = beside(0.75, 0.8 * mood + 0.6);
    let hope = beside(0.6, 0.85 * mood + 0.5);
    let irritability = beside(0.45, 5.5 - 0.45 * mood);
    let half_hours = (2.0 * (4.9 + 0.32 * mood + chance.around(0.7))).round().clamp(4.0, 22.0);
    let sleep_hours = chance.happens(0.8).then_some(half_hours / 2.0);
    let note = chance.happens(0.1).then(|| chance.pick(&words().mood_notes).map(str::to_owned)).flatten();
    let mood = rounded(mood, 10.0);
    MoodScore {
        occurred_at: occurred_at.into(),
        time_zone,
        mood,
        anxiety,
        energy,
        hope,
        irritability,
        sleep_hours,
        note,
    }
}

fn ordinary(draft: &mut Draft<'_>, day: i64, habit: &Habit, mood: f64) {
    let tone = match rounded(mood, 10.0) {
        ..=3 => Tone::Low,
        4..=5 => Tone::Middling,
        _ => Tone::Good,
    };
    let at = draft.calendar.at(day, draft.chance.whole(17 * 60, 23 * 60));
    write(draft, at, tone, None, habit.shares);
}

fn write(draft: &mut Draft<'_>, at: DateTime<FixedOffset>, tone: Tone, session_id: Option<Uuid>, shares: f64) {
    let entry = entry(draft, at, tone, session_id, shares);
    let id = draft.add(at, By::Patient, Entry::JournalEntry(entry.clone()));
    // Some entries are shared only after a night.
    if entry.visibility == Visibility::Private && draft.chance.happens(0.08) {
        let later = at + TimeDelta::minutes(draft.chance.whole(600, 3000));
        draft.amend(
            later,
            By::Patient,
            id,
            Entry::JournalEntry(JournalEntry { visibility: Visibility::Shared, ..entry }),
        );
    }
}

fn entry(
    draft: &mut Draft<'_>,
    occurred_at: DateTime<FixedOffset>,
    tone: Tone,
    session_id: Option<Uuid>,
    shares: f64,
) -> JournalEntry {
    let (language, time_zone) = (&draft.person.language, draft.zone());
    let (chance, words) = (&mut draft.chance, words());
    let body = words.entry(chance, language, tone);
    let titles = if session_id.is_some() { &words.session_titles } else { &words.ordinary_titles };
    let english = language == "en";
    let title = (english && chance.happens(0.4)).then(|| chance.pick(titles).map(str::to_owned)).flatten();
    let several = |chance: &mut super::chance::Chance, often: f64, things: &[String]| {
        let count = usize::try_from(chance.whole(1, 3)).unwrap_or(1);
        chance.happens(often).then(|| chance.some(things, count))
    };
    let (themes, feelings) = (several(chance, 0.4, &words.themes), several(chance, 0.6, &words.feelings));
    let body_areas = session_id.and_then(|_| several(chance, 0.4, &words.body_areas));
    let asked = (english && session_id.is_some() && chance.happens(0.5)).then(|| {
        let questions = words.prompts.iter().take(usize::try_from(chance.whole(1, 3)).unwrap_or(1));
        let answer = |question: &super::words::Question| {
            let answer = chance.pick(&question.answers).unwrap_or_default().to_owned();
            Prompt { prompt: question.prompt.clone(), answer }
        };
        questions.map(answer).collect()
    });
    let visibility = if chance.happens(shares) { Visibility::Shared } else { Visibility::Private };
    JournalEntry {
        occurred_at: occurred_at.into(),
        time_zone,
        body,
        title,
        session_id,
        prompts: asked,
        themes,
        feelings,
        body_areas,
        visibility,
    }
}

/// Some minutes before now, on the patient's clock.
pub(super) fn ago(draft: &Draft<'_>, minutes: i64) -> DateTime<FixedOffset> {
    draft.calendar.local(draft.calendar.now) - TimeDelta::minutes(minutes)
}
