use super::*;
use proptest::prelude::*;

const KINDS: [NotificationKind; 10] = [
    NotificationKind::CheckIn,
    NotificationKind::Journal,
    NotificationKind::Assessment,
    NotificationKind::Preparation,
    NotificationKind::Integration,
    NotificationKind::Booster,
    NotificationKind::HomeDose,
    NotificationKind::Appointment,
    NotificationKind::Custom,
    NotificationKind::Flag,
];

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

#[test]
fn what_a_mail_names_can_be_read_over_a_shoulder() {
    let silent = [
        "ketamin",
        "spravato",
        "dose",
        "dosing",
        "drug",
        "medic",
        "treatment",
        "therap",
        "session",
        "clinic",
        "doctor",
        "patient",
        "depress",
        "anxi",
        "mood",
        "suicid",
        "phq",
        "gad",
        "score",
        "diagnos",
        "trauma",
        "psych",
    ];
    for kind in KINDS {
        let act = kind.act().to_lowercase();
        assert!(silent.iter().all(|word| !act.contains(word)), "{act}");
    }
}

#[test]
fn numbers_lead_back_to_what_they_stand_for() {
    for kind in KINDS {
        assert_eq!(NotificationKind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(NotificationState::from_code(99), None);
}

#[test]
fn one_worker_at_a_time_and_never_twice_for_what_may_have_arrived() {
    use {Class::*, Stage::*, Turn::*};
    let lease = Some(at(15));
    for (class, stage, lease, now, late, expected) in [
        (Routine, Waiting, None, 0, false, Send),
        (Routine, Waiting, None, 0, true, Miss),
        (Matters, Waiting, None, 0, true, Send),
        (Routine, Claimed, lease, 14, false, Wait),
        (Routine, Claimed, lease, 14, true, Wait),
        (Routine, Claimed, lease, 15, false, Send),
        (Routine, Claimed, lease, 15, true, Miss),
        (Routine, DataStarted, lease, 14, false, Wait),
        (Routine, DataStarted, lease, 15, false, GiveUp),
        (Routine, DataStarted, lease, 15, true, GiveUp),
        (Matters, DataStarted, lease, 14, false, Wait),
        (Matters, DataStarted, lease, 15, false, Send),
    ] {
        assert_eq!(turn(class, stage, lease, at(now), late), expected, "{class:?} {stage:?} {now} {late}");
    }
    assert!(is_trusted(at(15), at(13)) && !is_trusted(at(15), at(14)));
}

#[test]
fn two_hours_late_is_in_time_and_a_second_more_is_missed() {
    assert!(!is_late(at(0), at(7_200)) && is_late(at(0), at(7_201)));
}

#[test]
fn a_greylisting_host_is_asked_again_after_five_to_fifteen_minutes() {
    assert_eq!(backoff(1, Some(451), 0), TimeDelta::minutes(5));
    assert!(backoff(1, Some(451), 999) < TimeDelta::minutes(15));
    assert!(backoff(2, Some(451), 0) < TimeDelta::minutes(2));
}

proptest! {
    #[test]
    fn waits_grow_and_stay_bounded(attempts in 1_i16..i16::MAX, jitter: u32, answer: Option<u16>) {
        let wait = backoff(attempts, answer, jitter);
        prop_assert!(wait >= TimeDelta::seconds(22) && wait <= TimeDelta::seconds(2_250));
        if answer.is_none() && attempts < 5 {
            prop_assert!(backoff(attempts + 1, None, 0) >= backoff(attempts, None, 0) * 2 - TimeDelta::milliseconds(1));
        }
    }
}
