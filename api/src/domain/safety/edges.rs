//! Where exactly the limits of the rules lie: equal or above, the first and the last day, one entry more or fewer.

use super::{
    Facts, Rule, Severity,
    doses::{Dose, DosingSession, History, Limits},
    moods::{self, Histogram, Mood},
    thoughts::{self, Form},
    windows::{Seen, Windows},
};
use crate::domain::{
    dosing::Route,
    record::Kind,
    sessions::{SessionSetting, completed_dosing},
};
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use uuid::Uuid;

fn noon(days_ago: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 14, 12, 0, 0).unwrap() - TimeDelta::days(days_ago)
}

fn day(days_ago: i64) -> NaiveDate {
    noon(days_ago).date_naive()
}

fn moods(entries: &[(i64, u8)]) -> Histogram {
    let mut moods = Histogram::default();
    for (days_ago, mood) in entries {
        moods.add(day(*days_ago), *mood, 1);
    }
    moods
}

/// The drop of today, by how many days ago the entries lie.
fn drop(entries: &[(i64, u8)]) -> Option<f64> {
    moods(entries).drop(day(0)).map(|drop| drop.points())
}

#[test]
fn recent_is_today_and_the_two_days_before() {
    let before = [(16, 6), (12, 6), (11, 6), (10, 6), (3, 6)];
    let with = |recent: &[(i64, u8)]| drop(&[&before[..], recent].concat());
    assert_eq!(with(&[(0, 2), (2, 2)]), Some(4.0));
    assert_eq!(with(&[(1, 2), (2, 2)]), Some(4.0), "today need not have an entry");
    assert_eq!(with(&[(0, 2), (3, 2)]), None, "of the day before those there is no recent entry");
    assert_eq!(with(&[(0, 2)]), None, "one entry is no course");
    assert_eq!(with(&[(0, 2), (-1, 2)]), None, "tomorrow is not recent");
}

#[test]
fn before_is_the_fourteen_days_before_those() {
    let recent = [(0, 2), (1, 2)];
    let with = |before: &[(i64, u8)]| drop(&[&recent[..], before].concat());
    let four = [(12, 6), (11, 6), (10, 6), (9, 6)];
    assert_eq!(with(&four), None, "four entries say little");
    for (days_ago, enough) in [(17, false), (16, true), (3, true)] {
        let found = with(&[&four[..], &[(days_ago, 6)]].concat());
        assert_eq!(found.is_some(), enough, "{days_ago} days ago");
    }
    // On the third day it counts as recent, and pulls the recent median up.
    assert_eq!(with(&[&four[..], &[(2, 6)]].concat()), None);
}

#[test]
fn three_points_are_watched_and_five_are_urgent() {
    let mood = Mood { record: Uuid::nil(), at: noon(0), day: day(0) };
    let severity = |before: f64, sessions: &[DateTime<Utc>]| {
        let drop = moods::Drop { before, recent: 2.0 };
        moods::evaluate(&mood, &drop, sessions, false).map(|finding| finding.severity())
    };
    let session = [noon(1)];
    assert_eq!((severity(4.5, &[]), severity(4.5, &session)), (None, None));
    assert_eq!((severity(5.0, &[]), severity(5.0, &session)), (Some(Severity::Watch), Some(Severity::Info)));
    assert_eq!((severity(6.5, &[]), severity(6.5, &session)), (Some(Severity::Watch), Some(Severity::Info)));
    assert_eq!((severity(7.0, &[]), severity(7.0, &session)), (Some(Severity::Urgent), Some(Severity::Urgent)));
    // Nor does an urgent one read as if it had been expected.
    let deep = moods::evaluate(&mood, &moods::Drop { before: 7.0, recent: 2.0 }, &session, false).unwrap();
    assert!(matches!(deep.facts, Facts::Drop { after_session_hours: None, .. }));
    // What falls by three is looked at; what falls by two and a half is not.
    let falls = |recent: [u8; 2]| {
        let entries = [(0, recent[0]), (1, recent[1]), (5, 6), (6, 6), (7, 6), (8, 6), (9, 6)];
        moods(&entries).falls(day(0)..=day(0)).len()
    };
    assert_eq!((falls([3, 3]), falls([3, 4])), (1, 0));
}

#[test]
fn seventy_two_hours_after_a_session_are_the_last() {
    let after = |hours_and_seconds: (i64, i64)| {
        let at = noon(0) + TimeDelta::hours(hours_and_seconds.0) + TimeDelta::seconds(hours_and_seconds.1);
        let mood = Mood { record: Uuid::nil(), at, day: at.date_naive() };
        let drop = moods::Drop { before: 6.0, recent: 2.0 };
        moods::evaluate(&mood, &drop, &[noon(0)], false).unwrap().severity()
    };
    assert_eq!((after((0, 0)), after((72, 0))), (Severity::Info, Severity::Info));
    assert_eq!((after((0, -1)), after((72, 1))), (Severity::Watch, Severity::Watch));
}

fn limits(n: u128, max_mg: f64, starts_days_ago: i64) -> Limits {
    Limits {
        record: Uuid::from_u128(n),
        route: Route::Sublingual,
        max_mg,
        min_hours: 72.0,
        max_in_week: 100,
        starts_on: day(starts_days_ago),
        ends_on: Some(day(-30)),
    }
}

fn dose(n: u128, at: DateTime<Utc>, amount_mg: f64, prescription: Option<u128>) -> Dose {
    let prescription = prescription.map(Uuid::from_u128);
    Dose { record: Uuid::from_u128(n), at, day: at.date_naive(), amount_mg, route: Route::Sublingual, prescription }
}

#[test]
fn as_much_as_is_prescribed_is_not_more() {
    let history = History { prescriptions: vec![limits(1, 200.0, 60)], ..History::default() };
    let rules = |mg| -> Vec<_> {
        history.evaluate(&dose(9, noon(0), mg, Some(1))).into_iter().map(|finding| finding.rule).collect()
    };
    assert_eq!((rules(200.0), rules(200.01)), (vec![], vec![Rule::Hd01]));
}

#[test]
fn exactly_so_many_hours_are_enough_after_a_dose_and_after_a_session() {
    let hours = |doses: Vec<Dose>, sessions: Vec<DateTime<Utc>>| {
        let given = |at: DateTime<Utc>| DosingSession { at, day: at.date_naive(), setting: SessionSetting::Clinic };
        let sessions = sessions.into_iter().map(given).collect();
        let history = History { prescriptions: vec![limits(1, 200.0, 60)], doses, sessions };
        let found = history.evaluate(&dose(9, noon(0), 100.0, Some(1)));
        found.into_iter().find_map(|finding| if let Facts::Often { hours, .. } = finding.facts { hours } else { None })
    };
    let before = |seconds: i64| noon(3) + TimeDelta::seconds(seconds);
    assert_eq!((hours(vec![], vec![before(0)]), hours(vec![], vec![before(3600)])), (None, Some(71.0)));
    let earlier = |at| vec![dose(2, at, 100.0, Some(1))];
    assert_eq!((hours(earlier(before(0)), vec![]), hours(earlier(before(3600)), vec![])), (None, Some(71.0)));
    assert!(hours(vec![], vec![before(1)]).is_some_and(|hours| hours < 72.0));
    // The nearest before counts, whichever it is; what comes after is not before.
    assert_eq!(hours(earlier(noon(1)), vec![noon(2)]), Some(24.0));
    assert_eq!(hours(earlier(noon(2)), vec![noon(1)]), Some(24.0));
    assert_eq!(hours(earlier(noon(-1)), vec![noon(0) + TimeDelta::seconds(1)]), None);
}

#[test]
fn limits_are_the_named_prescriptions_else_the_newest_that_holds() {
    let over = Limits { ends_on: Some(day(10)), ..limits(1, 100.0, 60) };
    let prescriptions = vec![over, limits(2, 300.0, 20), limits(3, 200.0, 5), limits(4, 50.0, -1)];
    let history = History { prescriptions, ..History::default() };
    let limit = |named| {
        let found = history.evaluate(&dose(9, noon(0), 1_000.0, named));
        found
            .into_iter()
            .find_map(|finding| if let Facts::Over { limit_mg, .. } = finding.facts { Some(limit_mg) } else { None })
    };
    assert_eq!(
        [limit(Some(1)), limit(Some(2)), limit(Some(3)), limit(Some(4))],
        [Some(100.0), Some(300.0), Some(200.0), Some(50.0)]
    );
    assert_eq!((limit(None), limit(Some(7))), (Some(200.0), Some(200.0)));
    let before = History { prescriptions: vec![limits(4, 50.0, -1)], ..History::default() };
    assert!(before.evaluate(&dose(9, noon(0), 1_000.0, None)).iter().all(|finding| finding.rule == Rule::Hd07));
}

#[test]
fn a_session_softens_moods_and_is_a_dose_unless_the_patient_logged_it() {
    let facts = |setting: &str| format!(r#"{{"kind":"dosing","state":"completed","setting":"{setting}"}}"#);
    let windows = |setting| {
        let seen = Seen::read(Kind::Sessions, Uuid::nil(), noon(0), day(0), &facts(setting)).unwrap();
        Windows::of(None, seen)
    };
    // The dose of the next day comes 24 hours after the session; a dose of the session's own day is logged or not.
    let hours = |setting: &str| {
        let setting = completed_dosing(&facts(setting)).unwrap().unwrap();
        let sessions = vec![DosingSession { at: noon(1), day: day(1), setting }];
        let logged = vec![dose(2, noon(1) - TimeDelta::days(3), 100.0, Some(1))];
        let of = |doses| {
            let history = History { prescriptions: vec![limits(1, 200.0, 60)], doses, sessions: sessions.clone() };
            let found = history.evaluate(&dose(9, noon(0), 100.0, Some(1)));
            found.into_iter().find_map(|one| if let Facts::Often { hours, .. } = one.facts { hours } else { None })
        };
        assert_eq!(of(logged.clone()), Some(24.0), "nothing was logged on its day");
        of([logged, vec![Dose { day: day(1), ..dose(3, noon(4), 100.0, Some(1)) }]].concat())
    };
    let counted = |setting| (windows(setting).moods.len(), windows(setting).doses.len());
    assert_eq!((counted("home"), counted("clinic"), counted("telehealth")), ((1, 1), (1, 1), (1, 1)));
    assert_eq!(["home", "clinic", "therapist-office", "telehealth"].map(hours), [None, Some(24.0), Some(24.0), None]);
    assert_eq!(completed_dosing(&facts("home")), Ok(Some(SessionSetting::Home)));
    assert_eq!(completed_dosing(&facts("home").replace("completed", "planned")), Ok(None));
    assert_eq!(completed_dosing(&facts("home").replace("dosing", "group")), Ok(None));
}

#[test]
fn one_is_thoughts_and_two_is_graver_whatever_else_was_answered() {
    let rule = |answer, total| {
        let form = Form { record: Uuid::nil(), at: noon(0), answer, total };
        thoughts::evaluate(&form, &[]).map(|finding| (finding.rule, finding.severity()))
    };
    for total in [None, Some(3), Some(27)] {
        let found = [Some(0), Some(1), Some(2), Some(3), None].map(|answer| rule(answer, total));
        let urgent = |rule| Some((rule, Severity::Urgent));
        assert_eq!(
            found,
            [None, urgent(Rule::Si01), urgent(Rule::Si02), urgent(Rule::Si02), Some((Rule::Si04, Severity::Watch))]
        );
    }
}
