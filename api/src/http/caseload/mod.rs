//! `/v1/caseload`: everybody in a member's care, most urgent first, and why. Figures, flags and words; a page makes lines
//! of them. One audit row for each patient shown.

mod shown;

use super::{
    cursor,
    flags::{Around, today},
    permit::{Staff, audit_reads},
    resource::Tag,
};
use crate::{
    app::App,
    domain::{
        caseload::{MoodLine, Place, count, first, index, rank},
        profile::Profile,
        safety::{Flag, Severity, State, StepState, urgency, words},
        standing::Status,
    },
    error::Error,
    security::access::{ActOnFlags, Caller},
    store::{
        Window,
        caseload::{self, Course},
        flags::{self, Shown, Which, Whose},
        profiles,
    },
};
use chrono::{DateTime, Utc};
use poem_openapi::{OpenApi, param::Query, payload::Json};
use shown::{CaseloadPage, Item, MoodDays, Next, OpenFlags, Page, Patient, Phq9, Reason};
use std::collections::HashMap;
use uuid::Uuid;

/// The most unresolved flags that a caseload is made of; there is no limit short of absurdity.
const FLAGS: u64 = 100_000;

/// The caseload.
pub struct Caseload(pub App);

/// The caseload.
#[OpenApi(tag = "Tag::Flags")]
impl Caseload {
    /// Read one's caseload
    ///
    /// Everybody on whose care team the caller is today, most urgent first: by the gravest unresolved flag, then the sooner
    /// due, then the longer without a check-in.
    #[oai(path = "/caseload", method = "get", operation_id = "caseload_read")]
    async fn read(
        &self,
        staff: Staff<ActOnFlags>,
        /// How many at most; 200 unless told.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u64>>,
        /// Where the page begins: the `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Page, Error> {
        let after = cursor.0.as_deref().map(cursor::place).transpose()?;
        let mut all = everybody(&self.0, &staff.caller).await?;
        all.sort_by_key(|(place, _)| *place);
        let limit = limit.0.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(200);
        let mut rest = all.into_iter().filter(|(place, _)| after.is_none_or(|after| *place > after)).peekable();
        let page: Vec<_> = rest.by_ref().take(limit).collect();
        let next = rest.peek().and(page.last()).map(|(place, _)| cursor::of_place(place));
        let shown: Vec<_> = page.iter().map(|(place, _)| place.patient).collect();
        audit_reads(&self.0, &staff.caller, "caseload_read", &shown).await?;
        Ok(Page::Page(Json(CaseloadPage {
            items: page.into_iter().map(|(_, item)| item).collect(),
            next_cursor: next,
        })))
    }
}

async fn everybody(app: &App, caller: &Caller) -> Result<Vec<(Place, Item)>, Error> {
    let (db, today) = (app.db.read(), today(app, caller));
    let mut courses = caseload::courses(db, caller.account, today, app.clock.now()).await?;
    let (which, window) =
        (Which { unresolved: true, ..Which::default() }, Window { limit: FLAGS, ..Window::default() });
    let whose = Whose::InCareOf(caller.account, today);
    let shown = flags::page(db, &app.keys, caller.clinic, whose, which, &window).await?.items;
    let mut flags: HashMap<Uuid, Vec<Shown>> = HashMap::new();
    for one in shown {
        flags.entry(one.patient).or_default().push(one);
    }
    let around = Around::of(app, caller, &flags.keys().copied().collect::<Vec<_>>()).await?;
    let whose = profiles::Whose::Member(caller.account, today);
    let profiles = profiles::page(db, &app.keys, caller.clinic, whose, None, u64::from(u32::MAX)).await?.items;
    let mut all = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let (course, flags) = (courses.remove(&profile.id), flags.remove(&profile.id).unwrap_or_default());
        // Somebody who has just joined the care is there at the next look.
        all.extend(course.map(|course| item(app.clock.now(), profile, &course, &flags, &around)));
    }
    Ok(all)
}

fn item(now: DateTime<Utc>, profile: Profile, course: &Course, shown: &[Shown], around: &Around) -> (Place, Item) {
    let today = now.with_timezone(&profile.time_zone).date_naive();
    let flags = || shown.iter().map(|shown| &shown.flag);
    let urgency = urgency(flags().map(|flag| flag.severity).max(), course.has_begun);
    let leading = first(flags());
    let due = leading.and_then(|flag| flag.acknowledge_by).filter(|_| leading.is_some_and(waits));
    let place = Place::of(urgency, due, course.last_check_in_at, profile.id);
    let line = MoodLine::until(today, &course.moods);
    let mut dosing_days: Vec<_> = course.dosing.iter().filter_map(|day| index(today, *day)).collect();
    dosing_days.sort_unstable();
    dosing_days.dedup();
    let counts = count(flags());
    let of = |severity: Severity| counts.get(&severity.code()).copied().unwrap_or(0);
    let item = Item {
        urgency,
        reasons: reasons(shown, now),
        last_mood: course.last_mood,
        mood_mean_7d: line.mean(0).map(hundredths),
        mood_mean_previous_7d: line.mean(1).map(hundredths),
        mood_60d: MoodDays(line.0.into_iter().map(|mood| mood.map(hundredths)).collect()),
        dosing_days,
        phq9: phq9(course),
        open_flags: OpenFlags {
            emergency: of(Severity::Emergency),
            urgent: of(Severity::Urgent),
            watch: of(Severity::Watch),
            info: of(Severity::Info),
        },
        flag_id: leading.map(|flag| flag.id),
        acknowledge_by: due,
        acknowledged_at: leading.and_then(|flag| flag.acknowledged).map(|(at, _)| at),
        acknowledged_by: leading.and_then(|flag| around.actor(flag.acknowledged)),
        next_in_escalation: leading.and_then(|flag| next(profile.id, flag, around)),
        last_check_in_at: course.last_check_in_at,
        next_booster_on: None,
        patient: Patient {
            id: profile.id,
            display_name: profile.display_name,
            name_latin: profile.name_latin,
            language: profile.language,
            pronouns: profile.pronouns,
            phone: profile.phone,
        },
    };
    (place, item)
}

fn waits(flag: &Flag) -> bool {
    flag.state == State::Open
}

/// The unresolved flags in words, the one that the row is about first.
fn reasons(shown: &[Shown], now: DateTime<Utc>) -> Vec<Reason> {
    let mut shown: Vec<_> = shown.iter().collect();
    shown.sort_by_key(|shown| rank(&shown.flag));
    let words = shown.into_iter().map(|shown| {
        let gravest = shown.gravest();
        Reason {
            text: words::title(shown.flag.rule, gravest.map(|gravest| &gravest.piece.facts)),
            evidence: gravest.map(|one| words::detail(&one.piece, one.zone, now)).unwrap_or_default(),
        }
    });
    words.collect()
}

fn next(patient: Uuid, flag: &Flag, around: &Around) -> Option<Next> {
    let steps = around.escalation(patient, flag);
    let step = steps.into_iter().find(|step| step.state == StepState::Waiting)?;
    Some(Next { at: step.at, member_id: step.member.id, name: step.member.name, role: step.member.role })
}

fn phq9(course: &Course) -> Phq9 {
    Phq9 {
        latest: course.latest,
        latest_at: course.latest_at,
        baseline: course.baseline,
        best: course.best,
        status: match course.latest {
            None => Some(Status::NotMeasured),
            Some(_) => course.status.and_then(Status::from_code),
        },
    }
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
