use super::*;
use crate::domain::faults::Faults;
use chrono::{Datelike, Days, TimeDelta, TimeZone, Weekday};
use proptest::prelude::*;

fn daily(times: &[&str]) -> Schedule {
    Schedule {
        kind: ScheduleType::Recurring,
        rrule: Some("FREQ=DAILY".into()),
        times: Some(times.iter().map(|time| (*time).to_owned()).collect()),
        starts_on: Some(day("2020-01-01")),
        ends_on: None,
        zone: Some(ZoneChoice::Follow),
        time_zone: None,
        to: None,
        offset: None,
        at: None,
    }
}

fn after(offset: &str, at: Option<&str>) -> Schedule {
    Schedule {
        kind: ScheduleType::Relative,
        rrule: None,
        times: None,
        starts_on: None,
        zone: None,
        to: Some(Event::DosingSession),
        offset: Some(offset.into()),
        at: at.map(Into::into),
        ..daily(&[])
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn recurring(schedule: &Schedule) -> Recurring {
    match schedule.rule() {
        Some(Rule::Recurring(rule)) => *rule,
        other => panic!("{other:?}"),
    }
}

fn relative(schedule: &Schedule) -> Relative {
    match schedule.rule() {
        Some(Rule::Relative(rule)) => rule,
        other => panic!("{other:?}"),
    }
}

fn place(zone: Tz) -> Whereabouts {
    Whereabouts { zone, quiet: QuietHours::NONE }
}

fn quiet(zone: Tz, start: &str, end: &str) -> Whereabouts {
    Whereabouts { zone, quiet: QuietHours { start: start.parse().unwrap(), end: end.parse().unwrap() } }
}

fn faults(schedule: &Schedule) -> Vec<String> {
    let mut faults = Faults::default();
    assert_eq!(schedule.check("/schedule", &mut faults), None);
    faults.0.into_iter().map(|fault| fault.pointer).collect()
}

fn days(rrule: &str, starts_on: &str, from: &str, to: &str) -> Vec<String> {
    let schedule = Schedule { rrule: Some(rrule.into()), starts_on: Some(day(starts_on)), ..daily(&["08:00"]) };
    let hits = recurring(&schedule).occurrences(day(from), day(to), place(Tz::UTC));
    hits.into_iter().map(|hit| hit.local_date.to_string()).collect()
}

#[test]
fn a_skipped_time_fires_as_many_minutes_later_and_a_doubled_one_the_first_time() {
    use MovedBy::{DoubledHour, SkippedHour};
    for (zone, date, time, due, moved) in [
        (Tz::Europe__Berlin, "2026-03-28", "02:30", "2026-03-28T01:30:00Z", None),
        (Tz::Europe__Berlin, "2026-03-29", "02:30", "2026-03-29T01:30:00Z", Some(SkippedHour)),
        (Tz::Europe__Berlin, "2026-03-29", "03:30", "2026-03-29T01:30:00Z", None),
        (Tz::Europe__Berlin, "2026-10-25", "02:30", "2026-10-25T00:30:00Z", Some(DoubledHour)),
        (Tz::America__New_York, "2026-03-08", "02:00", "2026-03-08T07:00:00Z", Some(SkippedHour)),
        (Tz::America__New_York, "2026-11-01", "01:59", "2026-11-01T05:59:00Z", Some(DoubledHour)),
        // Half an hour only.
        (Tz::Australia__Lord_Howe, "2026-10-04", "02:15", "2026-10-03T15:45:00Z", Some(SkippedHour)),
        // At midnight.
        (Tz::America__Santiago, "2026-09-06", "00:00", "2026-09-06T04:00:00Z", Some(SkippedHour)),
        // A whole day.
        (Tz::Pacific__Apia, "2011-12-30", "08:00", "2011-12-30T18:00:00Z", Some(SkippedHour)),
        (Tz::Asia__Kathmandu, "2026-05-05", "23:59", "2026-05-05T18:14:00Z", None),
    ] {
        let schedule = Schedule { starts_on: Some(day("2000-01-01")), ..daily(&[time]) };
        let hits = recurring(&schedule).occurrences(day(date), day(date), place(zone));
        let found: Vec<_> = hits.iter().map(|hit| (hit.due_at, hit.moved_by, hit.slot.as_str())).collect();
        assert_eq!(found, [(at(due), moved, time)], "{zone} {date} {time}");
        assert_eq!(hits[0].local_date, day(date));
    }
}

#[test]
fn quiet_hours_move_a_message_to_their_end() {
    let zone = Tz::Europe__Berlin;
    let night = quiet(zone, "22:00", "07:00");
    let noon = quiet(zone, "12:00", "13:30");
    for (time, place, due) in [
        ("21:59", night, "2026-06-01T19:59:00Z"),
        ("22:00", night, "2026-06-02T05:00:00Z"),
        ("03:00", night, "2026-06-01T05:00:00Z"),
        ("07:00", night, "2026-06-01T05:00:00Z"),
        ("12:30", noon, "2026-06-01T11:30:00Z"),
        ("13:30", noon, "2026-06-01T11:30:00Z"),
    ] {
        let hits = recurring(&daily(&[time])).occurrences(day("2026-06-01"), day("2026-06-01"), place);
        assert_eq!(hits[0].due_at, at(due), "{time}");
        let moved = !matches!(time, "21:59" | "07:00" | "13:30");
        assert_eq!(hits[0].moved_by, moved.then_some(MovedBy::QuietHours), "{time}");
        assert_eq!(hits[0].local_date, day("2026-06-01"), "the day before it was moved");
    }
}

#[test]
fn the_journal_asks_four_hours_after_the_session_began() {
    let session = Uuid::nil();
    let rule = relative(&after("PT4H", None));
    let evening = quiet(Tz::Europe__Berlin, "22:00", "07:00");
    let hit = rule.occurrence(session, at("2026-06-01T08:00:00Z"), evening);
    assert_eq!((hit.due_at, hit.moved_by), (at("2026-06-01T12:00:00Z"), None));
    assert_eq!((hit.slot, hit.local_date), (session.to_string(), day("2026-06-01")));
    let late = rule.occurrence(session, at("2026-06-01T18:00:00Z"), evening);
    assert_eq!((late.due_at, late.moved_by), (at("2026-06-02T05:00:00Z"), Some(MovedBy::QuietHours)));
    assert_eq!(late.local_date, day("2026-06-02"), "midnight lies between, quiet hours do not count");
    // Four hours are four hours, whatever the clock on the wall does.
    let night = rule.occurrence(session, at("2026-03-28T23:00:00Z"), place(Tz::Europe__Berlin));
    assert_eq!(night.due_at, at("2026-03-29T03:00:00Z"));
}

#[test]
fn days_before_and_after_an_event_are_days_of_the_calendar() {
    let zone = place(Tz::Europe__Berlin);
    for (offset, time, starts_at, due) in [
        ("-P1D", Some("09:00"), "2026-06-02T12:00:00Z", "2026-06-01T07:00:00Z"),
        // 10:00 on the wall stays 10:00, although the day has 23 hours.
        ("P1D", None, "2026-03-28T09:00:00Z", "2026-03-29T08:00:00Z"),
        ("P1W", None, "2026-06-01T09:00:00Z", "2026-06-08T09:00:00Z"),
        ("-P1DT12H", None, "2026-06-03T10:00:00Z", "2026-06-01T22:00:00Z"),
        ("PT0M", None, "2026-06-01T09:00:00Z", "2026-06-01T09:00:00Z"),
    ] {
        let hit = relative(&after(offset, time)).occurrence(Uuid::nil(), at(starts_at), zone);
        assert_eq!(hit.due_at, at(due), "{offset} {time:?}");
    }
    for wrong in
        ["", "P", "PT", "4H", "P4H", "PT4", "PT1M1H", "P367D", "PT9999H", "P-1D", "--P1D", "P1.5D", "P1M", "pt4h"]
    {
        assert_eq!(faults(&after(wrong, None)), ["/schedule/offset"], "{wrong}");
    }
}

#[test]
fn a_rule_hits_the_days_that_it_names() {
    assert_eq!(
        days("FREQ=WEEKLY;BYDAY=MO,TH", "2026-06-03", "2026-06-01", "2026-06-12"),
        ["2026-06-04", "2026-06-08", "2026-06-11"]
    );
    assert_eq!(days("FREQ=DAILY;COUNT=2", "2026-06-03", "2026-01-01", "2026-12-31"), ["2026-06-03", "2026-06-04"]);
    assert_eq!(
        days("FREQ=DAILY;UNTIL=20260604", "2026-06-03", "2026-06-01", "2026-07-01"),
        ["2026-06-03", "2026-06-04"]
    );
    assert_eq!(days("FREQ=YEARLY", "2024-02-29", "2027-03-01", "2028-03-01"), ["2028-02-29"]);
    assert_eq!(
        days("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01", "2026-02-01", "2026-03-31"),
        ["2026-02-28", "2026-03-31"]
    );
    assert_eq!(days("FREQ=MONTHLY;BYDAY=2TU", "2026-01-01", "2026-06-01", "2026-07-01"), ["2026-06-09"]);
    assert_eq!(
        days("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01", "2026-05-01", "2026-05-31"),
        ["2026-05-29"]
    );
}

#[test]
fn every_fault_of_a_schedule_is_named() {
    let mut wrong = daily(&["8:00", "08:00", "08:00", "24:00"]);
    wrong.rrule = Some("FREQ=HOURLY".into());
    wrong.zone = Some(ZoneChoice::Pinned);
    wrong.offset = Some("PT4H".into());
    let found = faults(&wrong);
    for pointer in ["times/0", "times/2", "times/3", "rrule", "time_zone", "offset"] {
        assert!(found.contains(&format!("/schedule/{pointer}")), "{pointer} in {found:?}");
    }
    assert_eq!(
        faults(&Schedule { to: None, offset: None, ..after("PT4H", None) }),
        ["/schedule/to", "/schedule/offset"]
    );
    assert_eq!(faults(&Schedule { times: Some(vec![]), ..daily(&[]) }), ["/schedule/times"]);
    assert_eq!(faults(&Schedule { ends_on: Some(day("2019-12-31")), ..daily(&["08:00"]) }), ["/schedule/ends_on"]);
    for rrule in [
        "",
        "DAILY",
        "FREQ=DAILY;",
        "FREQ=DAILY;FREQ=DAILY",
        "freq=daily",
        "FREQ=SECONDLY",
        "RRULE:FREQ=DAILY",
        "FREQ=DAILY;BYHOUR=8",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=3661",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=1001",
        "FREQ=DAILY;COUNT=2;UNTIL=20300101",
        "FREQ=DAILY;UNTIL=20300101T000000Z",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=DAILY\nEXDATE=1",
        "FREQ=DAILY;BYDAY=1MO",
        "INTERVAL=2",
        // No such day, ever.
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    ] {
        let schedule = Schedule { rrule: Some(rrule.into()), ..daily(&["08:00"]) };
        assert_eq!(faults(&schedule), ["/schedule/rrule"], "{rrule}");
    }
}

#[test]
fn a_schedule_is_kept_as_it_came() {
    let text = r#"{"type":"relative","to":"dosing-session","offset":"PT4H"}"#;
    let schedule: Schedule = serde_json::from_str(text).unwrap();
    assert_eq!(schedule, after("PT4H", None));
    assert_eq!(serde_json::to_string(&schedule).unwrap(), text);
}

#[test]
fn what_was_done_since_the_slot_before_counts() {
    let rule = recurring(&daily(&["20:00", "08:00"]));
    let zone = Tz::Europe__Berlin;
    assert_eq!(rule.done_since(day("2026-06-01"), "08:00", zone), at("2026-05-31T22:00:00Z"));
    assert_eq!(rule.done_since(day("2026-06-01"), "20:00", zone), at("2026-06-01T06:00:00Z"));
}

fn zones() -> impl Strategy<Value = Tz> {
    proptest::sample::select(chrono_tz::TZ_VARIANTS.to_vec())
}

fn dates() -> impl Strategy<Value = NaiveDate> {
    (0u64..20_000).prop_map(|days| day("2001-01-01") + Days::new(days))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_time_shows_on_the_wall_unless_the_clock_skipped_it(zone in zones(), date in dates(), minutes in 0u16..1440) {
        let time = TimeOfDay::from_minutes(minutes).unwrap();
        let (due, moved) = time.on(date, zone);
        let local = due.with_timezone(&zone).naive_local();
        let wanted = date.and_time(chrono::NaiveTime::MIN) + TimeDelta::minutes(minutes.into());
        if moved == Some(MovedBy::SkippedHour) {
            prop_assert!(local > wanted && local - wanted <= TimeDelta::hours(24));
            // As many minutes after the gap as it lay inside: the clock before it read on.
            let eve = zone.offset_from_utc_datetime(&(due - TimeDelta::hours(25)).naive_utc());
            prop_assert_eq!(due.naive_utc(), wanted - chrono::Offset::fix(&eve));
        } else {
            prop_assert_eq!(local, wanted);
        }
        if moved == Some(MovedBy::DoubledHour) {
            let latest = zone.from_local_datetime(&wanted).latest().unwrap();
            prop_assert!(due < latest.to_utc());
        }
    }

    #[test]
    fn quiet_hours_lose_nothing_and_let_nothing_through(
        zone in zones(), date in dates(), minutes in 0u16..1440, start in 0u16..1440, end in 0u16..1440,
    ) {
        let [time, start, end] = [minutes, start, end].map(|minutes| TimeOfDay::from_minutes(minutes).unwrap());
        let hours = QuietHours { start, end };
        let (due, _) = time.on(date, zone);
        let heard = hours.next_loud(due, zone);
        prop_assert!(heard >= due && heard - due <= TimeDelta::hours(49));
        let covered = hours.cover(due.with_timezone(&zone).time());
        prop_assert_eq!(heard > due, covered);
    }

    #[test]
    fn days_are_those_of_a_plain_count(
        start in dates(), ahead in 0u64..4_000, interval in 1u64..40, weekly: bool,
    ) {
        let unit = if weekly { 7 } else { 1 };
        let name = if weekly { "WEEKLY" } else { "DAILY" };
        prop_assume!(start.year() < 2040);
        let schedule = Schedule {
            rrule: Some(format!("FREQ={name};INTERVAL={interval}")),
            starts_on: Some(start),
            ..daily(&["08:00"])
        };
        let from = start + Days::new(ahead);
        let to = from + Days::new(90);
        let found: Vec<_> = recurring(&schedule).dates.between(from, to);
        let counted: Vec<_> = from
            .iter_days()
            .take_while(|day| *day <= to)
            .filter(|day| (*day - start).num_days() % (interval * unit).cast_signed() == 0)
            .collect();
        prop_assert_eq!(found, counted);
    }

    #[test]
    fn named_weekdays_of_every_other_week(start in dates(), ahead in 0u64..4_000) {
        prop_assume!(start.year() < 2040);
        let schedule = Schedule {
            rrule: Some("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU".into()),
            starts_on: Some(start),
            ..daily(&["08:00"])
        };
        let from = start + Days::new(ahead);
        let to = from + Days::new(60);
        let monday = start.week(Weekday::Mon).first_day();
        let found: Vec<_> = recurring(&schedule).dates.between(from, to);
        let counted: Vec<_> = from
            .iter_days()
            .take_while(|day| *day <= to)
            .filter(|day| matches!(day.weekday(), Weekday::Mon | Weekday::Sun))
            .filter(|day| (day.week(Weekday::Mon).first_day() - monday).num_weeks() % 2 == 0)
            .collect();
        prop_assert_eq!(found, counted);
    }

    #[test]
    fn no_text_makes_a_rule_run_away(text in "FREQ=(DAILY|WEEKLY|MONTHLY|YEARLY)(;(INTERVAL|COUNT|BYDAY|BYMONTH|BYMONTHDAY|BYSETPOS|WKST)=[-+0-9MOTUSEA,]{1,8}){0,4}") {
        let schedule = Schedule { rrule: Some(text), ..daily(&["08:00", "20:00"]) };
        if let Some(Rule::Recurring(rule)) = schedule.rule() {
            let far = rule.occurrences(day("2020-01-01"), day("2999-01-01"), place(Tz::UTC));
            prop_assert!(far.len() <= 2 * 401);
        }
    }
}
