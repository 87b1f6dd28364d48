//! Sessions of a demo patient: planned by the therapist, then held, missed or still to come; and what they bring to them.

use super::{
    course::{Course, whole},
    draft::{By, Dosed, Draft, Entry},
    words::words,
};
use crate::domain::{
    dosing::Route,
    intentions::Intention,
    record::Visibility,
    sessions::{DoseLevel, Session, SessionKind, SessionSetting, SessionState},
};
use chrono::{DateTime, FixedOffset, TimeDelta};
use uuid::Uuid;

/// How many days ahead sessions are planned.
const PLANNED_AHEAD: i64 = 40;

/// Draws all of them.
pub(super) fn draw(draft: &mut Draft<'_>) {
    let first = if draft.course == Course::New { draft.chance.whole(9, 17) } else { draft.chance.whole(12, 20) };
    prepare(draft, first);
    let amount = draft.chance.whole(5, 8) * 10;
    let route = if draft.chance.happens(0.8) { Route::Intramuscular } else { Route::Intravenous };
    let mut day = draft.calendar.working_day(first);
    let mut number = 0;
    while day <= draft.calendar.today() + PLANNED_AHEAD && may_go_on(draft, number) {
        dose(draft, day, number, route, amount + if number > 3 { 10 } else { 0 });
        number += 1;
        let wait = interval(draft, number);
        day = draft.calendar.working_day(day + wait);
    }
}

/// Who does not respond is not treated for ever; who is silent cannot be asked for a new date.
fn may_go_on(draft: &Draft<'_>, number: i64) -> bool {
    match draft.course {
        Course::NeverResponds => number < 9,
        _ => number < 30,
    }
}

fn interval(draft: &mut Draft<'_>, number: i64) -> i64 {
    match (number, draft.course) {
        (..=5, _) => draft.chance.whole(4, 8),
        (_, Course::Sustained | Course::Relapses) => draft.chance.whole(30, 48),
        (_, Course::NeverResponds) => draft.chance.whole(12, 24),
        _ => draft.chance.whole(18, 32),
    }
}

fn prepare(draft: &mut Draft<'_>, first: i64) {
    for day in [first / 3, 2 * first / 3] {
        let day = draft.calendar.working_day(day.max(1));
        let session = plain(draft, SessionKind::Preparation, day);
        hold(draft, day, session, 0.02);
    }
}

fn plain(draft: &mut Draft<'_>, kind: SessionKind, day: i64) -> Session {
    let minutes = draft.chance.whole(18, 32) * 30;
    let setting = match kind {
        SessionKind::Integration if draft.chance.happens(0.4) => SessionSetting::Telehealth,
        SessionKind::Integration | SessionKind::Preparation => SessionSetting::TherapistOffice,
        SessionKind::Dosing | SessionKind::Group => SessionSetting::Clinic,
    };
    Session {
        kind,
        state: SessionState::Planned,
        starts_at: draft.calendar.at(day, minutes).into(),
        time_zone: draft.zone(),
        setting,
        route: None,
        dose_mg: None,
        dose_level: None,
        notes: None,
    }
}

fn dose(draft: &mut Draft<'_>, day: i64, number: i64, route: Route, amount: i64) {
    let level = match amount {
        ..=50 => DoseLevel::Psycholytic,
        51..=75 => DoseLevel::Moderate,
        _ => DoseLevel::High,
    };
    let session = Session {
        route: Some(route),
        dose_mg: Some(whole(amount)),
        dose_level: Some(level),
        ..plain(draft, SessionKind::Dosing, day)
    };
    let starts_at = *session.starts_at;
    let (id, held) = hold(draft, day, session, 0.03);
    if held {
        draft.dosed.push(Dosed { id, day, at: starts_at });
    }
    if draft.chance.happens(if number < 6 { 0.6 } else { 0.4 }) {
        intend(draft, starts_at, day, Some(id));
    }
    if number % 2 == 0 || draft.chance.happens(0.5) {
        let later = draft.calendar.working_day(day + 2);
        let session = plain(draft, SessionKind::Integration, later);
        hold(draft, later, session, 0.08);
    }
}

/// Plans a session and, once its day has come, says what became of it. Answers whether it took place.
fn hold(draft: &mut Draft<'_>, day: i64, session: Session, lost: f64) -> (Uuid, bool) {
    let starts_at = *session.starts_at;
    let ahead = draft.chance.whole(5, 12);
    let planned_at = draft.calendar.at(day - ahead, draft.chance.whole(9 * 60, 16 * 60));
    // Whoever has just begun has their first dates already; nothing is planned before somebody is there.
    let planned_at =
        planned_at.max(draft.calendar.at(0, 600)).min(draft.calendar.local(draft.calendar.now) - TimeDelta::hours(20));
    let planned_at = planned_at.min(starts_at - TimeDelta::hours(12));
    let id = draft.add(planned_at, By::Therapist, Entry::Session(session.clone()));
    let state = if !draft.speaks(day) || draft.chance.happens(lost / 2.0) {
        SessionState::Missed
    } else if draft.chance.happens(lost / 2.0) {
        SessionState::Cancelled
    } else {
        SessionState::Completed
    };
    let ended_at = starts_at + TimeDelta::minutes(draft.chance.whole(60, 170));
    if ended_at.to_utc() > draft.calendar.now {
        return (id, false);
    }
    let notes = if state == SessionState::Completed { note(draft, session.kind) } else { None };
    draft.amend(ended_at, By::Therapist, id, Entry::Session(Session { state, notes, ..session }));
    (id, state == SessionState::Completed)
}

fn note(draft: &mut Draft<'_>, kind: SessionKind) -> Option<String> {
    let notes = match kind {
        SessionKind::Dosing => &words().dosing_notes,
        SessionKind::Integration => &words().integration_notes,
        SessionKind::Preparation | SessionKind::Group => return None,
    };
    draft.chance.happens(0.6).then(|| draft.chance.pick(notes).map(str::to_owned)).flatten()
}

/// What the patient brings to a session, or to the whole treatment.
pub(super) fn intend(draft: &mut Draft<'_>, before: DateTime<FixedOffset>, day: i64, session_id: Option<Uuid>) {
    let occurred_at = before - TimeDelta::minutes(draft.chance.whole(40, 1400));
    if !draft.speaks(day) || occurred_at.to_utc() < draft.calendar.at(0, 0).to_utc() {
        return;
    }
    let visibility = if draft.chance.happens(0.7) { Visibility::Shared } else { Visibility::Private };
    let text = words().intention(&mut draft.chance, &draft.person.language);
    let intention =
        Intention { occurred_at: occurred_at.into(), time_zone: draft.zone(), text, session_id, visibility };
    draft.add(occurred_at, By::Patient, Entry::Intention(intention));
}
