//! The reference cases of the rules, and what holds for any history.

use super::{
    doses::{Dose, History, Limits},
    moods::{Histogram, Mood},
    thoughts::Form,
    windows::{Seen, Windows},
    *,
};
use crate::domain::{business_hours::BusinessHours, dosing::Route};
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

fn hours() -> BusinessHours {
    BusinessHours::usual(chrono_tz::Europe::Berlin)
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
    let dose = Some(Seen::Dose { at: hour(0) });
    assert_eq!(Windows::of(dose, dose).doses.len(), 1);
    assert_eq!(Windows::of(dose, Some(Seen::Dose { at: hour(1) })).doses.len(), 2);
    assert_eq!(Windows::of(None, None), Windows::default());
}

fn finding(rule: Rule, n: u128, at: i64, severity: Severity) -> Finding {
    weighing(rule, n, at, severity, 0.0)
}

/// A finding of a severity, by some numbers graver than others of it.
fn weighing(rule: Rule, n: u128, at: i64, severity: Severity, weight: f64) -> Finding {
    let drop = |points, after_session_hours| Facts::Drop { before: points, recent: 0.0, after_session_hours };
    let facts = match severity {
        Severity::Info => drop(3.0 + weight, Some(1.0)),
        Severity::Watch => drop(3.0 + weight, None),
        Severity::Urgent | Severity::Emergency => drop(5.0 + weight, None),
    };
    Finding {
        rule,
        instrument: None,
        kind: crate::domain::record::Kind::MoodScores,
        record: id(n),
        at: hour(at),
        facts,
    }
}

struct Inbox(Vec<Flag>, u128);

impl Inbox {
    fn settle(&mut self, finding: &Finding, now: i64) -> Settled {
        self.1 += 1;
        let new = id(1000 + self.1);
        settle(&mut self.0, finding, hour(now), &hours(), || new)
    }
}

#[test]
fn evidence_within_the_window_joins_and_outside_opens() {
    let mut inbox = Inbox(vec![], 0);
    assert!(inbox.settle(&finding(Rule::Rd02, 1, 0, Severity::Watch), 0).opened);
    assert!(!inbox.settle(&finding(Rule::Rd02, 2, 48, Severity::Watch), 48).opened);
    assert!(!inbox.settle(&finding(Rule::Rd02, 3, 96, Severity::Watch), 96).opened);
    assert!(!inbox.settle(&finding(Rule::Rd02, 4, -48, Severity::Watch), 97).opened);
    assert!(inbox.settle(&finding(Rule::Rd02, 5, 145, Severity::Watch), 145).opened);
    assert_eq!(inbox.0[0].evidence.len(), 4);
    // Rules without a window: every event is a flag of its own, but once.
    assert!(inbox.settle(&finding(Rule::Hd01, 6, 0, Severity::Urgent), 0).opened);
    assert!(inbox.settle(&finding(Rule::Hd01, 7, 0, Severity::Urgent), 0).opened);
    assert!(!inbox.settle(&finding(Rule::Hd01, 7, 0, Severity::Urgent), 1).changed());
}

#[test]
fn an_acknowledged_flag_waits_anew_only_when_it_gets_graver_and_a_resolved_one_always() {
    let mut inbox = Inbox(vec![], 0);
    inbox.settle(&finding(Rule::Rd02, 1, 0, Severity::Watch), 0);
    inbox.0[0].acknowledge(id(5), hour(1)).unwrap();
    let joined = inbox.settle(&finding(Rule::Rd02, 2, 1, Severity::Watch), 2);
    assert!(joined.news == News::New && !joined.waits_anew);
    assert_eq!(inbox.0[0].state, State::Acknowledged);
    assert!(inbox.settle(&finding(Rule::Rd02, 3, 2, Severity::Urgent), 3).waits_anew);
    assert_eq!((inbox.0[0].state, inbox.0[0].severity), (State::Open, Severity::Urgent));
    assert!(inbox.0[0].resolve(Outcome::FalseAlarm, id(5), hour(4)));
    assert!(!inbox.settle(&finding(Rule::Rd02, 3, 2, Severity::Urgent), 5).changed());
    assert!(inbox.settle(&finding(Rule::Rd02, 4, 3, Severity::Info), 6).waits_anew);
    assert_eq!((inbox.0[0].state, inbox.0[0].severity), (State::Open, Severity::Urgent));
}

#[test]
fn a_record_that_gets_graver_is_heard_anew_and_one_that_gets_lighter_takes_nothing_back() {
    let mut inbox = Inbox(vec![], 0);
    inbox.settle(&finding(Rule::Rd02, 1, 0, Severity::Watch), 0);
    inbox.0[0].acknowledge(id(5), hour(1)).unwrap();
    // As grave, a little deeper: the evidence says so, and whoever took it on still has it.
    let deeper = weighing(Rule::Rd02, 1, 0, Severity::Watch, 1.0);
    let heard = inbox.settle(&deeper, 2);
    assert_eq!((heard.news, heard.waits_anew, inbox.0[0].state), (News::Graver, false, State::Acknowledged));
    assert_eq!(inbox.0[0].evidence[&id(1)], deeper.piece());
    // Lighter: nothing.
    assert!(!inbox.settle(&finding(Rule::Rd02, 1, 0, Severity::Info), 3).changed());
    assert_eq!(inbox.0[0].evidence[&id(1)], deeper.piece());
    // Severity rises: it waits again, with the clock of now.
    let urgent = finding(Rule::Rd02, 1, 0, Severity::Urgent);
    let heard = inbox.settle(&urgent, 40);
    assert_eq!((heard.news, heard.waits_anew, inbox.0[0].state), (News::Graver, true, State::Open));
    assert_eq!(inbox.0[0].acknowledge_by, acknowledge_by(Severity::Urgent, hour(40), &hours()));
    assert_eq!((inbox.0[0].severity, inbox.0[0].acknowledged), (Severity::Urgent, None));
    // Closed, and graver than what it was closed for.
    inbox.0[0].resolve(Outcome::Contacted, id(5), hour(41));
    assert!(!inbox.settle(&urgent, 42).changed());
    assert!(inbox.settle(&weighing(Rule::Rd02, 1, 0, Severity::Urgent, 1.0), 43).waits_anew);
    // The same weight in other numbers is told, and wakes nobody.
    inbox.0[0].resolve(Outcome::Contacted, id(5), hour(44));
    let mut moved = weighing(Rule::Rd02, 1, 0, Severity::Urgent, 1.0);
    moved.at = hour(1);
    let heard = inbox.settle(&moved, 45);
    assert_eq!((heard.news, heard.waits_anew, inbox.0[0].newest_at()), (News::Changed, false, hour(1)));
}

#[test]
fn facts_weigh_by_severity_and_then_by_their_numbers() {
    let answer = |answer| Facts::Answer { item: 9, answer, previous: vec![], total: None };
    let before = |answer| PreviousAnswer { at: hour(0), answer };
    let skipped = |answer: Option<u8>| Facts::Skipped { item: 9, previous: answer.map(before) };
    let over = |amount_mg, limit_mg| Facts::Over { amount_mg, limit_mg };
    let often = |hours, in_week| Facts::Often { hours, min_hours: 72.0, in_week, max_in_week: 2 };
    let without = |amount_mg| Facts::Unprescribed { prescribed: Prescribed::NotNamed, amount_mg };
    let drop = |recent, after_session_hours| Facts::Drop { before: 7.0, recent, after_session_hours };
    let rising = [
        vec![answer(2), answer(3)],
        vec![skipped(Some(0)), skipped(Some(1)), skipped(Some(3))],
        vec![over(210.0, 200.0), over(250.0, 200.0), over(250.0, 100.0)],
        vec![
            often(Some(71.0), None),
            often(Some(1.0), None),
            often(None, Some(3)),
            often(Some(71.0), Some(3)),
            often(None, Some(4)),
        ],
        vec![without(10.0), without(20.0)],
        vec![
            drop(4.0, Some(3.0)),
            drop(3.5, Some(1.0)),
            drop(4.0, None),
            drop(3.0, None),
            drop(2.0, None),
            drop(1.0, Some(2.0)),
        ],
    ];
    for list in rising {
        for (index, one) in list.iter().enumerate() {
            let lighter = list[..index].iter().all(|other| one.weigh(other).is_gt() && other.weigh(one).is_lt());
            assert!(lighter && one.weigh(one).is_eq(), "{one:?}");
        }
    }
    assert!(skipped(None).weigh(&skipped(Some(0))).is_eq(), "an answer of 0 before makes a skipped one no graver");
    assert_eq!(drop(4.0, Some(3.0)).severity(), Severity::Info);
    assert_eq!(drop(2.0, Some(3.0)).severity(), Severity::Urgent, "5 points are never softened");
}

#[test]
fn several_flags_of_one_write_are_one_mail_to_each_with_the_gravest_first() {
    let mut inbox = Inbox(vec![], 0);
    for (n, severity) in [(1, Severity::Watch), (2, Severity::Info), (3, Severity::Emergency), (4, Severity::Urgent)] {
        inbox.settle(&finding(Rule::Hd01, n, 0, severity), 0);
    }
    inbox.0[2].severity = Severity::Emergency;
    let flag = |index: usize| &inbox.0[index];
    let member = |n, role| TeamMember { id: id(n), name: String::new(), role };
    let team = Team(vec![member(1, Told::Primary), member(2, Told::CareTeam), member(3, Told::Admin)]);
    let waiting = vec![(flag(0), 0), (flag(1), 0), (flag(2), 10), (flag(3), 0)];
    let ids = |told: &[(usize, i16)]| -> Vec<_> { told.iter().map(|(index, step)| (flag(*index).id, *step)).collect() };
    assert_eq!(team.mails(waiting), [(id(1), ids(&[(2, 11), (3, 1), (0, 1)])), (id(2), ids(&[(2, 12)]))]);
    assert_eq!(team.mails(vec![(flag(1), 0)]), [], "what is for context is told to nobody");
}

#[test]
fn steps_of_a_flag_that_cannot_be_are_refused_and_repeated_ones_are_fine() {
    let mut flag = Inbox(vec![], 0);
    flag.settle(&finding(Rule::Hd01, 1, 0, Severity::Urgent), 0);
    let flag = &mut flag.0[0];
    assert_eq!(flag.acknowledge(id(5), hour(1)), Ok(true));
    assert_eq!(flag.acknowledge(id(6), hour(2)), Ok(false));
    assert_eq!(flag.acknowledged, Some((hour(1), id(5))));
    assert!(flag.resolve(Outcome::Contacted, id(5), hour(3)));
    assert!(!flag.resolve(Outcome::NoAction, id(6), hour(4)));
    assert_eq!(flag.outcome, Some(Outcome::Contacted));
    assert_eq!(flag.acknowledge(id(5), hour(5)), Err(Impossible));
    assert!(flag.reopen(hour(6), &hours()));
    assert!(!flag.reopen(hour(7), &hours()));
    assert_eq!((flag.state, flag.resolved, flag.outcome), (State::Open, None, None));
}

#[test]
fn people_are_told_in_order_and_each_once() {
    let member = |n, role| TeamMember { id: id(n), name: n.to_string(), role };
    let team = Team(vec![
        member(1, Told::Primary),
        member(2, Told::CareTeam),
        member(2, Told::OnCall),
        member(3, Told::Admin),
        member(1, Told::Admin),
    ]);
    let at_once = |team: &Team, severity| -> Vec<_> {
        team.told_at_once(severity).into_iter().map(|(step, member)| (step, member.id)).collect()
    };
    assert_eq!(at_once(&team, Severity::Info), []);
    assert_eq!(at_once(&team, Severity::Urgent), [(Step::First, id(1))]);
    assert_eq!(at_once(&team, Severity::Emergency), [(Step::First, id(1)), (Step::Second, id(2))]);
    let alone = Team(vec![member(3, Told::Admin)]);
    assert_eq!(at_once(&alone, Severity::Urgent), [(Step::Third, id(3))]);
    // Monday 09:00 in Berlin.
    let started = hour(8);
    let due = acknowledge_by(Severity::Urgent, started, &hours());
    let steps = escalation(&team, Severity::Urgent, started, due, true, &hours());
    let steps: Vec<_> = steps.iter().map(|step| (step.at, step.member.id, step.state)).collect();
    let waiting = |at, n| (hour(at), id(n), StepState::Waiting);
    assert_eq!(steps, [(started, id(1), StepState::Told), waiting(12, 2), waiting(16, 3)]);
}

prop_compose! {
    fn any_finding()(
        rule in prop::sample::select(vec![Rule::Rd02, Rule::Si01, Rule::Hd01]),
        n in 0..12_u128, at in 0..200_i64, severity in prop::sample::select(Severity::ALL.to_vec()), weight in 0..2_u8,
    ) -> Finding {
        weighing(rule, n, at, severity, f64::from(weight))
    }
}

proptest! {
    #[test]
    fn settling_is_idempotent_and_never_lowers(findings in prop::collection::vec(any_finding(), 1..30)) {
        let mut inbox = Inbox(vec![], 0);
        for (now, found) in (0..).zip(&findings) {
            let before: Vec<_> = inbox.0.iter().map(|flag| (flag.severity, flag.evidence.len())).collect();
            let settled = inbox.settle(found, now);
            prop_assert!(inbox.0[settled.flag].evidence.contains_key(&found.record));
            prop_assert!(inbox.0[settled.flag].severity >= found.severity());
            prop_assert!(inbox.0[settled.flag].evidence[&found.record].facts.weigh(&found.facts).is_ge());
            for (flag, (severity, evidence)) in inbox.0.iter().zip(before) {
                prop_assert!(flag.severity >= severity && flag.evidence.len() >= evidence);
            }
            let once = inbox.0.clone();
            prop_assert!(!inbox.settle(found, now + 1).changed());
            prop_assert_eq!(&inbox.0, &once);
        }
    }

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
