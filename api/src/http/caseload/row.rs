//! One row of the caseload: figures and flags made into what is answered.

use super::shown::{Item, Item9, MoodDays, Next, OpenFlags, Patient, Phq9, Reason, Waiting};
use crate::{
    domain::{
        caseload::{MoodLine, Place, count, due, first, index, is_current, rank, silent_days, stale_days, waiting},
        course::Course,
        instant::Instant,
        profile::Profile,
        safety::{EscalationState, Flag, Severity, Since, State, TeamMember, Urgency, nobody_told, urgency, words},
        standing::{Score, Standing, Status},
    },
    http::flags::Around,
    store::{
        flags::{Evidence, Shown},
        standing::Kept,
    },
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use std::collections::HashSet;

/// What a row is made of.
pub(super) struct Stands {
    /// Who it is.
    pub(super) profile: Profile,
    /// What is kept of them.
    pub(super) course: Course,
    /// Where they stand on the PHQ-9.
    pub(super) phq_9: Kept,
    /// Their unresolved flags.
    pub(super) flags: Vec<Shown>,
}

impl Stands {
    fn flags(&self) -> impl Iterator<Item = &Flag> + Clone {
        self.flags.iter().map(|shown| &shown.flag)
    }

    fn urgency(&self) -> Urgency {
        urgency(self.flags().map(|flag| flag.severity).max(), self.course.has_begun)
    }

    /// Where the row stands among others.
    pub(super) fn place(&self) -> Place {
        Place::of(self.urgency(), due(self.flags()), self.course.last_check_in_at, self.profile.id)
    }
}

/// A patient's row.
pub(super) fn item(now: DateTime<Utc>, stands: Stands, around: &Around) -> Item {
    let urgency = stands.urgency();
    let Stands { profile, course, phq_9, flags: shown } = stands;
    let today = day(now, profile.time_zone);
    let flags = || shown.iter().map(|shown| &shown.flag);
    let leading = first(flags());
    let line = MoodLine::until(today, &course.moods.means());
    let mut dosing_days: Vec<_> = course.dosing.iter().filter_map(|day| index(today, *day)).collect();
    dosing_days.sort_unstable();
    dosing_days.dedup();
    let counts = count(flags());
    let of = |severity: Severity| counts.get(&severity.code()).copied().unwrap_or(0);
    Item {
        urgency,
        reasons: reasons(&shown, now),
        last_mood: course.last_mood.map(|(mood, _)| i64::from(mood)),
        mood_mean_7d: line.mean(0).map(hundredths),
        mood_mean_previous_7d: line.mean(1).map(hundredths),
        mood_60d: MoodDays(line.0.into_iter().map(|mood| mood.map(hundredths)).collect()),
        dosing_days,
        phq9: phq9(&course, &phq_9, today, profile.time_zone),
        open_flags: OpenFlags {
            emergency: of(Severity::Emergency),
            urgent: of(Severity::Urgent),
            watch: of(Severity::Watch),
            info: of(Severity::Info),
        },
        waiting: shown_waiting(&shown, waiting(flags())),
        flag_id: leading.map(|flag| flag.id),
        acknowledge_by: leading.filter(|flag| waits(flag)).and_then(|flag| flag.acknowledge_by).map(Into::into),
        acknowledged_at: leading.and_then(|flag| flag.acknowledged).map(|(at, _)| at.into()),
        acknowledged_by: leading.and_then(|flag| around.actor(flag.acknowledged)),
        next_in_escalation: leading.and_then(|flag| next(shown.iter().find(|one| one.flag.id == flag.id)?, around)),
        last_check_in_at: course.last_check_in_at.map(Into::into),
        silent_days: silent_days(today, course.last_check_in_at.map(|at| day(at, profile.time_zone))),
        next_booster_on: None,
        patient: Patient {
            id: profile.id,
            display_name: profile.display_name,
            name_latin: profile.name_latin,
            language: profile.language,
            pronouns: profile.pronouns,
            phone: profile.phone,
        },
    }
}

fn waits(flag: &Flag) -> bool {
    flag.state == State::Open
}

/// The unresolved flags in words, the one that the row is about first; of those with one title, the gravest alone.
fn reasons(shown: &[Shown], now: DateTime<Utc>) -> Vec<Reason> {
    let mut shown: Vec<_> = shown.iter().collect();
    shown.sort_by(|one, other| rank(&one.flag, &other.flag));
    let mut titles = HashSet::new();
    let words = shown.into_iter().map(|shown| {
        let gravest = shown.gravest();
        Reason {
            text: words::title(shown.flag.rule, gravest.map(|gravest| &gravest.piece.facts)),
            evidence: gravest.map(|one| evidence(one, now)).unwrap_or_default(),
        }
    });
    words.filter(|reason| titles.insert(reason.text.clone())).collect()
}

/// What a finding rests on, and what became of that record since.
fn evidence(one: &Evidence, now: DateTime<Utc>) -> String {
    let detail = words::detail(&one.piece, one.zone, now);
    match one.since {
        Some(Since::Corrected) => format!("{detail} Since corrected."),
        Some(Since::Deleted) => format!("{detail} Since deleted."),
        None => detail,
    }
}

/// The flag that nobody has taken on, in words.
fn shown_waiting(shown: &[Shown], waiting: Option<&Flag>) -> Option<Waiting> {
    let found = waiting.and_then(|flag| shown.iter().find(|shown| shown.flag.id == flag.id))?;
    Some(Waiting {
        flag_id: found.flag.id,
        severity: found.flag.severity,
        title: words::title(found.flag.rule, found.gravest().map(|gravest| &gravest.piece.facts)),
        acknowledge_by: found.flag.acknowledge_by.map(Into::into),
        nobody_told: nobody_told(&found.notices),
    })
}

fn next(shown: &Shown, around: &Around) -> Option<Next> {
    let steps = around.escalation(shown);
    let step = steps.into_iter().find(|step| step.state == EscalationState::Waiting)?;
    let TeamMember { id, role } = step.member;
    Some(Next { at: step.at.into(), member_id: id, name: around.name(id), role })
}

fn phq9(course: &Course, kept: &Kept, today: NaiveDate, zone: Tz) -> Phq9 {
    let Standing { baseline, late_baseline, best, latest } = kept.standing;
    let total = |score: Option<Score>| score.map(|score| whole(score.total));
    let at = |score: Option<Score>| score.map(|score| score.at.into());
    let scored = latest.map(|score| day(score.at, zone));
    Phq9 {
        latest: total(latest),
        latest_at: at(latest),
        current: scored.is_some_and(|day| is_current(today, day)),
        stale_days: scored.and_then(|day| stale_days(today, day)),
        item_9: course.item_9.map(|(answer, at)| Item9 { answer, occurred_at: Instant::from(at).in_zone(zone) }),
        baseline: total(baseline),
        baseline_at: at(baseline),
        late_baseline,
        best: total(best),
        best_at: at(best),
        status: if latest.is_none() { Some(Status::NotMeasured) } else { kept.status },
    }
}

fn day(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// Totals of complete forms are whole.
#[expect(clippy::cast_possible_truncation, reason = "they are small")]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
