//! The reference cases, the real answers, and what holds for any answers at all.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

const VECTORS: &str = include_str!("../../../../tests/data/vectors.json");
const NHANES: &str = include_str!("../../../../tests/data/phq9-nhanes-2017-2018.csv");

/// The wire spells values with a hyphen.
fn wire(value: &Value) -> Value {
    match value.as_str() {
        Some(text) => text.replace('_', "-").into(),
        None => value.clone(),
    }
}

fn cases(instrument: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors["scoring"][instrument].as_array().unwrap().clone()
}

/// Answers as a body would carry them; `Err` if they are not even whole numbers.
fn answers(input: &Value) -> Result<Answers, serde_json::Error> {
    let input = input.as_array().unwrap();
    let object: serde_json::Map<_, _> =
        (1..).zip(input).map(|(number, answer): (u8, _)| (number.to_string(), answer.clone())).collect();
    serde_json::from_value(object.into())
}

fn a_case_holds(instrument: &Instrument, case: &Value) {
    let expected = &case["expected"];
    let scored = answers(&case["input"]).ok().and_then(|answers| score(instrument, &answers).ok());
    if expected["status"] == "rejected" {
        assert!(scored.is_none(), "{case}");
        return;
    }
    let scored = serde_json::to_value(scored.unwrap()).unwrap();
    let missing: Vec<_> = expected["missing"].as_array().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(scored["status"], expected["status"], "{case}");
    assert_eq!(scored["total"], expected["total"], "{case}");
    assert_eq!(scored["estimate"], expected["prorated"], "{case}");
    assert_eq!(scored["bounds"], expected["bounds"], "{case}");
    assert_eq!(scored["band"], wire(&expected["band"]), "{case}");
    assert_eq!(scored["band_of_lower_bound"], wire(&expected["bandLower"]), "{case}");
    assert_eq!(scored["missing"], Value::from(missing), "{case}");
    if let Some(algorithm) = expected.get("algorithm") {
        assert_eq!(scored["algorithm"], wire(algorithm), "{case}");
        assert_eq!(scored["subscales"]["phq-2"], expected["phq2"], "{case}");
    }
}

#[test]
fn every_reference_case_of_the_three_instruments_holds() {
    for (name, code, count) in [("PHQ-9", "phq-9", 20), ("PHQ-2", "phq-2", 6), ("GAD-7", "gad-7", 11)] {
        let cases = cases(name);
        assert_eq!(cases.len(), count);
        for case in &cases {
            a_case_holds(find(code).unwrap(), case);
        }
    }
}

#[test]
fn the_real_answers_divide_as_they_were_counted() {
    let phq_9 = find("phq-9").unwrap();
    let mut counts = [0; 3];
    for line in NHANES.lines().skip(1) {
        let cells = line.split(',').skip(1).take(9).map(|cell| cell.parse::<i64>().ok());
        let answers: Answers = (1..).zip(cells).map(|(number, answer): (u8, _)| (number.to_string(), answer)).collect();
        let scored = score(phq_9, &answers).unwrap();
        counts[scored.status as usize] += 1;
        let sum = answers.0.values().sum::<i64>();
        assert_eq!(scored.total, (scored.missing.is_empty()).then_some(u16::try_from(sum).unwrap()));
    }
    // Four of the invalid forms lack item 9, two lack others.
    assert_eq!(counts, [2536, 5, 6]);
}

#[test]
fn a_screen_is_positive_only_where_its_answers_say_so() {
    let positive = |first, second| {
        let answers: Answers = [("1".to_owned(), first), ("2".to_owned(), second)].into_iter().collect();
        score(find("phq-2").unwrap(), &answers).unwrap().positive
    };
    assert_eq!(positive(Some(1), Some(1)), Some(Positive::No));
    assert_eq!(positive(Some(2), Some(1)), Some(Positive::Yes));
    assert_eq!(positive(Some(3), None), Some(Positive::Yes));
    assert_eq!(positive(None, Some(1)), Some(Positive::Indeterminate));
}

#[test]
fn no_answers_at_all_are_an_invalid_form() {
    let scored = score(find("phq-9").unwrap(), &Answers::default()).unwrap();
    assert_eq!((scored.status, scored.bounds, scored.missing.len()), (ScoreStatus::Invalid, vec![0, 27], 9));
    assert_eq!((scored.total, scored.estimate, scored.band), (None, None, None));
}

#[test]
fn every_wrong_answer_is_named() {
    let answers = serde_json::json!({"1": 4, "2": -1, "3": null, "10": 0, "a/b~c": 1});
    let faults = score(find("phq-9").unwrap(), &serde_json::from_value(answers).unwrap()).unwrap_err();
    let mut pointers: Vec<_> = faults.0.into_iter().map(|fault| fault.pointer).collect();
    pointers.sort();
    assert_eq!(pointers, ["/answers/1", "/answers/10", "/answers/2", "/answers/a~1b~0c"]);
}

fn any_answers() -> impl Strategy<Value = (usize, Vec<Option<i64>>)> {
    (0..all().len()).prop_flat_map(|index| {
        let items = all()[index].items.len();
        (Just(index), prop::collection::vec(prop::option::weighted(0.85, 0..=3_i64), items))
    })
}

fn by_number(given: &[Option<i64>]) -> Answers {
    (1..).zip(given).map(|(number, answer): (u8, _)| (number.to_string(), *answer)).collect()
}

proptest! {
    #[test]
    fn every_number_lies_within_the_bounds((index, given) in any_answers()) {
        let instrument = &all()[index];
        let scored = score(instrument, &by_number(&given)).unwrap();
        let (low, high) = (scored.bounds[0], scored.bounds[1]);
        prop_assert!(low <= high && high <= instrument.scoring.maximum);
        prop_assert_eq!(low == high, scored.missing.is_empty());
        for number in scored.total.into_iter().chain(scored.estimate) {
            prop_assert!((low..=high).contains(&number));
        }
        prop_assert_eq!(scored.total.is_some(), scored.status == ScoreStatus::Complete);
        prop_assert_eq!(scored.estimate.is_some(), scored.status == ScoreStatus::Partial);
    }

    #[test]
    fn a_graver_answer_never_lowers_the_bounds((index, given) in any_answers(), at in any::<prop::sample::Index>()) {
        let instrument = &all()[index];
        let mut graver = given.clone();
        let answer = at.get(&given).map_or(0, |answer| (answer + 1).min(3));
        let position = at.index(given.len());
        graver[position] = Some(answer);
        let before = score(instrument, &by_number(&given)).unwrap();
        let after = score(instrument, &by_number(&graver)).unwrap();
        prop_assert!(after.bounds[0] >= before.bounds[0]);
    }

    #[test]
    fn an_item_nine_left_out_is_never_estimated(mut given in prop::collection::vec(prop::option::of(0..=3_i64), 9)) {
        given[8] = None;
        let scored = score(find("phq-9").unwrap(), &by_number(&given)).unwrap();
        prop_assert_eq!(scored.status, ScoreStatus::Invalid);
    }
}
