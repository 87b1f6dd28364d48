//! From findings to flags: what joins, what opens, what waits anew, and who is told.

use super::*;
use crate::domain::{business_hours::BusinessHours, notifications::NotificationState};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use uuid::Uuid;

fn hour(hour: i64) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, 5, 0, 0, 0).unwrap() + TimeDelta::hours(hour)
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn hours() -> BusinessHours {
    BusinessHours::usual(chrono_tz::Europe::Berlin)
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
    let raised = inbox.settle(&finding(Rule::Rd02, 3, 2, Severity::Urgent), 3);
    let taken_on = Done { acknowledged: Some((hour(1), id(5))), resolved: None };
    assert_eq!((raised.waits_anew, raised.undone), (true, Some(taken_on)));
    assert_eq!((inbox.0[0].state, inbox.0[0].severity), (State::Open, Severity::Urgent));
    assert!(inbox.0[0].resolve(Outcome::FalseAlarm, id(5), hour(4)));
    assert!(!inbox.settle(&finding(Rule::Rd02, 3, 2, Severity::Urgent), 5).changed());
    let again = inbox.settle(&finding(Rule::Rd02, 4, 3, Severity::Info), 6);
    let closed = Done { acknowledged: None, resolved: Some((hour(4), id(5), Outcome::FalseAlarm)) };
    assert_eq!((again.waits_anew, again.undone), (true, Some(closed)));
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
    assert_eq!((inbox.0[0].opened_at, inbox.0[0].waits_since), (hour(0), hour(40)));
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
fn what_flags_have_heard_is_known_and_settling_it_changes_nothing() {
    let mut inbox = Inbox(vec![], 0);
    let (watch, graver) =
        (finding(Rule::Rd02, 1, 0, Severity::Watch), weighing(Rule::Rd02, 1, 0, Severity::Watch, 1.0));
    assert!(!is_known(&inbox.0, &watch), "nothing is known yet");
    inbox.settle(&watch, 0);
    let mut moved = watch.clone();
    moved.at = hour(1);
    for (other, known) in [
        (watch.clone(), true),
        (finding(Rule::Rd02, 1, 0, Severity::Info), true),
        (graver, false),
        (moved, false),
        (finding(Rule::Rd02, 2, 0, Severity::Watch), false),
        (finding(Rule::Hd01, 1, 0, Severity::Watch), false),
    ] {
        assert_eq!(is_known(&inbox.0, &other), known, "{other:?}");
        let mut later = Inbox(inbox.0.clone(), inbox.1);
        assert_eq!(later.settle(&other, 1).changed(), !known, "{other:?}");
    }
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
    let member = |n, role| TeamMember { id: id(n), role };
    let team = Team(vec![
        member(1, EscalationRole::Primary),
        member(2, EscalationRole::CareTeam),
        member(3, EscalationRole::Admin),
    ]);
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
    // What had been done about it is answered, for whoever keeps it.
    let done = Done { acknowledged: Some((hour(1), id(5))), resolved: Some((hour(3), id(5), Outcome::Contacted)) };
    assert_eq!(flag.reopen(hour(6), &hours()), Some(done));
    assert_eq!(flag.reopen(hour(7), &hours()), None);
    assert_eq!((flag.state, flag.resolved, flag.outcome), (State::Open, None, None));
}

#[test]
fn people_are_told_in_order_and_each_once() {
    let member = |n, role| TeamMember { id: id(n), role };
    let team = Team(vec![
        member(1, EscalationRole::Primary),
        member(2, EscalationRole::CareTeam),
        member(2, EscalationRole::OnCall),
        member(3, EscalationRole::Admin),
        member(1, EscalationRole::Admin),
    ]);
    let at_once = |team: &Team, severity| -> Vec<_> {
        team.told_at_once(severity).into_iter().map(|(step, member)| (step, member.id)).collect()
    };
    assert_eq!(at_once(&team, Severity::Info), []);
    assert_eq!(at_once(&team, Severity::Urgent), [(EscalationStep::First, id(1))]);
    assert_eq!(at_once(&team, Severity::Emergency), [(EscalationStep::First, id(1)), (EscalationStep::Second, id(2))]);
    let alone = Team(vec![member(3, EscalationRole::Admin)]);
    assert_eq!(at_once(&alone, Severity::Urgent), [(EscalationStep::Third, id(3))]);
    // Monday 09:00 in Berlin.
    let started = hour(8);
    let due = acknowledge_by(Severity::Urgent, started, &hours());
    let steps = |team: &Team, notices: &[Notice]| -> Vec<_> {
        let steps = escalation(team, Severity::Urgent, notices, due, true, &hours());
        steps.iter().map(|step| (step.at, step.member.id, step.state)).collect()
    };
    let told = |at, n| (at, id(n), EscalationState::Told);
    let waiting = |at, n| (hour(at), id(n), EscalationState::Waiting);
    let notice = |at, n, number| Notice { at, member: id(n), number, state: NotificationState::Sent };
    assert_eq!(steps(&team, &[notice(started, 1, 1)]), [told(started, 1), waiting(12, 2), waiting(16, 3)]);
    assert_eq!(steps(&team, &[]), [], "of what is for context nobody is told");
    // Another team since: who was told was told, and is not next as well.
    let other = Team(vec![
        member(4, EscalationRole::Primary),
        member(1, EscalationRole::CareTeam),
        member(3, EscalationRole::Admin),
    ]);
    let changed = escalation(&other, Severity::Urgent, &[notice(started, 1, 1)], due, true, &hours());
    assert_eq!(changed[0].member, TeamMember { id: id(1), role: EscalationRole::Primary });
    assert_eq!(steps(&other, &[notice(started, 1, 1)]), [told(started, 1), waiting(12, 3)]);
    // It waits anew: told again, the second step is yet to come, and what was before is over.
    let twice = [notice(hour(2), 1, 1), notice(hour(3), 2, 2), notice(started, 1, 11)];
    let again = [told(started, 1), waiting(12, 2), waiting(16, 3)];
    assert_eq!(steps(&team, &twice), again);
    assert_eq!((EscalationStep::next_round(None), EscalationStep::next_round(Some(12))), (0, 20));
}

#[test]
fn the_next_on_the_care_team_is_told_in_place_of_those_who_were_not_reached() {
    use NotificationState::{Cancelled, Failed, Missed, Scheduled, Sending, Sent, Skipped, Unknown};
    let member = |n, role| TeamMember { id: id(n), role };
    let (first, second) = (member(1, EscalationRole::Primary), member(2, EscalationRole::CareTeam));
    let (on_call, admin) = (member(3, EscalationRole::OnCall), member(4, EscalationRole::Admin));
    let team = Team(vec![first, second, on_call, admin, member(1, EscalationRole::Admin)]);
    let notice = |n, number, state| Notice { at: hour(8), member: id(n), number, state };
    let lost = [notice(1, 11, Failed)];
    assert_eq!(team.instead(&lost), Next::Tell(vec![(id(2), 12)]));
    assert_eq!(team.instead(&[notice(1, 1, Sent), lost[0]]), Next::Tell(vec![(id(2), 12)]), "it waits anew");
    for gone in [Missed, Skipped, Cancelled] {
        assert_eq!(team.instead(&[notice(1, 1, gone)]), Next::Tell(vec![(id(2), 2)]));
    }
    for other in [Scheduled, Sending, Sent, Unknown] {
        assert_eq!(team.instead(&[lost[0], notice(2, 12, other)]), Next::Reached, "somebody was, or may be");
    }
    let nobody = [lost[0], notice(2, 12, Failed)];
    assert_eq!(team.instead(&nobody), Next::Nobody, "who is on call and the admins may not see it");
    assert_eq!((team.instead(&[]), nobody_told(&[]), nobody_told(&nobody)), (Next::Reached, false, true));
    // Of several at one step all are told at once; where one of them is lost, whoever else was told there knows.
    let both = Team(vec![first, second, member(6, EscalationRole::CareTeam), on_call, admin]);
    assert_eq!(both.instead(&lost), Next::Tell(vec![(id(2), 12), (id(6), 12)]));
    assert_eq!(both.instead(&nobody), Next::Tell(vec![(id(6), 12)]), "who joined the team since was not asked yet");
    assert_eq!(both.instead(&[nobody[0], nobody[1], notice(6, 12, Scheduled)]), Next::Reached);
    // Another is first since: they come before the second.
    let changed = Team(vec![member(5, EscalationRole::Primary), second]);
    assert_eq!(changed.instead(&lost), Next::Tell(vec![(id(5), 11)]));
    // Who is on call still has their place, whoever of the care team was told at once in another's.
    let steps = |notices: &[Notice], waits| -> Vec<_> {
        let steps = escalation(&team, Severity::Urgent, notices, Some(hour(12)), waits, &hours());
        steps.iter().map(|step| (step.member.id, step.state, step.at)).collect()
    };
    let (lost, waiting) = (EscalationState::NotReached, EscalationState::Waiting);
    let then = [(id(3), waiting, hour(12)), (id(4), waiting, hour(16))];
    let told = [(id(1), lost, hour(8)), (id(2), EscalationState::Told, hour(8))];
    assert_eq!(steps(&[nobody[0], notice(2, 12, Sent)], true), [told, then].concat());
    assert_eq!(steps(&nobody, true), [[told[0], (id(2), lost, hour(8))], then].concat());
    let over = steps(&nobody, false).into_iter().map(|(_, state, _)| state);
    assert_eq!(over.collect::<Vec<_>>(), [lost, lost, EscalationState::NotNeeded, EscalationState::NotNeeded]);
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
}
