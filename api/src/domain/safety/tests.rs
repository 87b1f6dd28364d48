//! The reference cases of the rules, and what holds for any history.

use super::{
    doses::{Dose, History, Limits},
    moods::{Histogram, Mood},
    thoughts::Form,
    windows::{Seen, Windows},
    *,
};
use crate::domain::dosing::Route;
use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use serde_json::Value;
use uuid::Uuid;

const VECTORS: &str = include_str!("../../../../tests/data/vectors.json");

fn hour(hour: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 0, 0, 0).unwrap() + TimeDelta::hours(hour)
}

fn day(n: i64) -> NaiveDate {
    hour(24 * n).date_naive()
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[test]
fn every_reference_case_of_a_mood_drop_holds() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    for case in vectors["trends"]["rapid_mood_drop"].as_array().unwrap() {
        let mut moods = Histogram::default();
        let mut add = |name: &str, on| {
            for mood in case[name].as_array().unwrap() {
                moods.add(day(on), u8::try_from(mood.as_u64().unwrap()).unwrap(), 1);
            }
        };
        add("prior14Days", 10);
        add("last3Days", 20);
        let drop = moods.drop(day(20));
        let expected = &case["expected"];
        if expected == "insufficient_data" {
            assert_eq!(drop, None, "{case}");
            continue;
        }
        let drop = drop.unwrap();
        assert!((drop.points() - expected["drop"].as_f64().unwrap()).abs() < f64::EPSILON, "{case}");
        let mood = Mood { record: id(1), at: hour(480), day: day(20) };
        let severity = moods::evaluate(&mood, &drop, &[], false).map(|finding| finding.severity());
        let level = match expected["level"].as_str().unwrap() {
            "watch" => Some(Severity::Watch),
            "urgent" => Some(Severity::Urgent),
            _ => None,
        };
        assert_eq!(severity, level, "{case}");
    }
}

#[test]
fn every_reference_case_of_home_dosing_holds_for_limits_intervals_and_routes() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let route = |value: &Value| serde_json::from_value::<Route>(value.clone()).unwrap();
    let prescribed = &vectors["home_dosing"]["prescription"];
    let limits = Limits {
        record: id(1),
        route: route(&prescribed["route"]),
        max_mg: prescribed["maxMg"].as_f64().unwrap(),
        min_hours: prescribed["minHours"].as_f64().unwrap(),
        max_in_week: u16::try_from(prescribed["maxPer7d"].as_u64().unwrap()).unwrap(),
        starts_on: day(0),
        ends_on: None,
    };
    let dose = |n: u128, at: &Value, log: &Value| {
        let at = hour(at.as_i64().unwrap());
        let amount_mg = log["mg"].as_f64().unwrap();
        Dose {
            record: id(n),
            at,
            day: at.date_naive(),
            amount_mg,
            route: route(&log["route"]),
            prescription: Some(id(1)),
        }
    };
    for case in vectors["home_dosing"]["cases"].as_array().unwrap() {
        let log = &case["log"];
        let before = case["previousDoseHours"].as_array().unwrap();
        let doses = (100..).zip(before).map(|(n, at)| dose(n, at, log)).collect();
        let history = History { prescriptions: vec![limits], doses, sessions: vec![] };
        let mut found = Vec::new();
        for finding in history.evaluate(&dose(2, &log["t"], log)) {
            match finding.facts {
                Facts::Over { .. } => found.push("HD-OVER"),
                Facts::Often { hours, in_week, .. } => {
                    found.extend(hours.map(|_| "HD-SOON"));
                    found.extend(in_week.map(|_| "HD-FREQ"));
                }
                Facts::Unprescribed { prescribed: Prescribed::OtherRoute, .. } => found.push("HD-ROUTE"),
                other => panic!("{other:?}"),
            }
        }
        let ours = ["HD-OVER", "HD-SOON", "HD-FREQ", "HD-ROUTE"];
        let expected = case["expected"].as_array().unwrap().iter().filter_map(Value::as_str);
        assert!(expected.filter(|code| ours.contains(code)).eq(found), "{case}");
    }
}

#[test]
fn every_reference_case_of_a_phq_9_raises_its_rule() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    for case in vectors["scoring"]["PHQ-9"].as_array().unwrap() {
        if case["expected"]["status"] == "rejected" {
            continue;
        }
        let answer = case["input"][8].as_u64().map(|answer| u8::try_from(answer).unwrap());
        let form = Form { record: id(1), at: hour(0), answer, total: None };
        let rule = thoughts::evaluate(&form, &[]).map(|finding| finding.rule.id());
        assert_eq!(rule, case["expected"]["rule"].as_str(), "{case}");
    }
}

#[test]
fn a_drop_after_a_session_is_for_context_unless_thoughts_are_open_or_it_is_deep() {
    let mood = Mood { record: id(1), at: hour(172), day: day(7) };
    let severity = |before, sessions: &[i64], grave| {
        let sessions: Vec<_> = sessions.iter().map(|at| hour(*at)).collect();
        let drop = moods::Drop { before, recent: 2.0 };
        moods::evaluate(&mood, &drop, &sessions, grave).map(|finding| finding.severity())
    };
    assert_eq!(severity(4.5, &[], false), None);
    assert_eq!(severity(5.0, &[], false), Some(Severity::Watch));
    assert_eq!(severity(5.0, &[100], false), Some(Severity::Info));
    assert_eq!(severity(5.0, &[99], false), Some(Severity::Watch));
    assert_eq!(severity(5.0, &[173], false), Some(Severity::Watch));
    assert_eq!(severity(5.0, &[150], true), Some(Severity::Watch));
    assert_eq!(severity(7.0, &[150], false), Some(Severity::Urgent));
}

#[test]
fn a_prescription_holds_until_its_last_day_or_the_next_of_its_route() {
    let limits = |n, route, starts, ends_on| Limits {
        record: id(n),
        route,
        max_mg: 100.0,
        min_hours: 0.0,
        max_in_week: 100,
        starts_on: day(starts),
        ends_on,
    };
    let history = History {
        prescriptions: vec![
            limits(1, Route::Sublingual, 0, None),
            limits(2, Route::Oral, 5, Some(day(9))),
            limits(3, Route::Sublingual, 10, None),
        ],
        ..History::default()
    };
    let state = |prescription, route, on: i64| {
        let dose = Dose { record: id(9), at: hour(24 * on), day: day(on), amount_mg: 1.0, route, prescription };
        let facts = history.evaluate(&dose).into_iter().map(|finding| finding.facts).next();
        facts.map(|facts| match facts {
            Facts::Unprescribed { prescribed, .. } => prescribed,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(state(Some(id(1)), Route::Sublingual, 9), None);
    assert_eq!(state(Some(id(1)), Route::Sublingual, 10), Some(Prescribed::NotActive));
    assert_eq!(state(Some(id(2)), Route::Oral, 9), None);
    assert_eq!(state(Some(id(2)), Route::Oral, 10), Some(Prescribed::NotActive));
    assert_eq!(state(Some(id(3)), Route::Oral, 12), Some(Prescribed::OtherRoute));
    assert_eq!(state(Some(id(7)), Route::Oral, 12), Some(Prescribed::Unknown));
    assert_eq!(state(None, Route::Sublingual, 12), Some(Prescribed::NotNamed));
}

#[test]
fn a_form_written_late_touches_the_skipped_ones_after_it() {
    let form = |n, at, answer| Form { record: id(n), at: hour(at), answer, total: None };
    let around =
        vec![form(1, 0, Some(0)), form(2, 10, Some(2)), form(3, 20, None), form(4, 30, None), form(5, 40, Some(0))];
    let found = thoughts::evaluate_at(id(2), hour(10), around);
    let found: Vec<_> = found.iter().map(|finding| (finding.record, finding.rule, finding.severity())).collect();
    let urgent = |n, rule| (id(n), rule, Severity::Urgent);
    assert_eq!(found, [urgent(2, Rule::Si02), urgent(3, Rule::Si04), urgent(4, Rule::Si04)]);
}

#[test]
fn a_write_that_does_not_move_a_record_is_looked_at_once() {
    let dose = |at: i64, amount_mg| {
        let (record, at, day, route) = (id(1), hour(at), day(0), Route::Oral);
        Some(Seen::Dose(Dose { record, at, day, amount_mg, route, prescription: None }))
    };
    let mood = Some(Seen::Mood { day: day(0) });
    assert_eq!(Windows::of(mood, mood).moods.len(), 1);
    assert_eq!(Windows::of(dose(0, 1.0), dose(0, 1.0)).doses.len(), 0, "judged when it was written");
    assert_eq!(Windows::of(dose(0, 1.0), dose(0, 2.0)).doses.len(), 1);
    assert_eq!(Windows::of(dose(0, 1.0), dose(1, 1.0)).doses.len(), 2);
    assert_eq!(Windows::of(None, None), Windows::default());
}

proptest! {
    #[test]
    fn a_median_does_not_ask_for_the_order(mut moods in prop::collection::vec((0..20_i64, 0..=10_u8), 0..60)) {
        let count = |moods: &[(i64, u8)]| {
            let mut histogram = Histogram::default();
            for (on, mood) in moods {
                histogram.add(day(*on), *mood, 1);
            }
            histogram.drop(day(19))
        };
        let drop = count(&moods);
        moods.reverse();
        prop_assert_eq!(count(&moods), drop);
        if let Some(drop) = drop {
            prop_assert!((-10.0..=10.0).contains(&drop.points()));
        }
    }

    #[test]
    fn a_median_by_counting_is_the_median_by_sorting(moods in prop::collection::vec(0..=10_u8, 2..40)) {
        let mut histogram = Histogram::default();
        for mood in &moods {
            histogram.add(day(19), *mood, 1);
        }
        histogram.add(day(10), 10, 5);
        let mut sorted = moods;
        sorted.sort_unstable();
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        let median = f64::midpoint(f64::from(low), f64::from(high));
        prop_assert_eq!(histogram.drop(day(19)).map(|drop| drop.recent), Some(median));
    }

    #[test]
    fn more_is_never_less_grave(mg in 0.0..500.0_f64, more in 0.0..100.0_f64, gap in 0..200_i64) {
        let limits = Limits {
            record: id(1), route: Route::Oral, max_mg: 200.0, min_hours: 72.0, max_in_week: 2,
            starts_on: day(0), ends_on: None,
        };
        let dose = |n, at: i64, amount_mg| Dose {
            record: id(n), at: hour(at), day: day(at / 24), amount_mg, route: Route::Oral, prescription: Some(id(1)),
        };
        let history = History { prescriptions: vec![limits], doses: vec![dose(2, 300, 1.0)], sessions: vec![] };
        let rules = |mg, gap| -> Vec<_> {
            history.evaluate(&dose(3, 300 + gap, mg)).into_iter().map(|finding| finding.rule).collect()
        };
        let found = rules(mg, gap);
        prop_assert!(found.iter().all(|rule| rules(mg + more, gap).contains(rule)));
        prop_assert!(found.iter().all(|rule| rules(mg, gap / 2).contains(rule)));
        prop_assert_eq!(found.contains(&Rule::Hd02), gap < 72);
    }
}
