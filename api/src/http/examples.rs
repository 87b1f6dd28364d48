//! What holds for the example of every record: it is right, its schema says so, and it survives being stored.

use crate::domain::{
    assessments::Assessment,
    home_doses::HomeDose,
    intentions::Intention,
    journal_entries::JournalEntry,
    mood_scores::MoodScore,
    prescriptions::Prescription,
    record::{Horizon, Record, Valid},
    sessions::Session,
};
use chrono::{TimeZone, Utc};
use poem_openapi::{
    registry::Registry,
    types::{Example, ParseFromJSON, ToJSON},
};
use serde_json::Value;
use std::fmt::Debug;

fn an_example_holds<R: Record + Example + ToJSON + ParseFromJSON + Debug>() {
    let example = R::example();
    let wire = example.to_json().unwrap();
    assert_eq!(R::parse_from_json(Some(wire.clone())).ok().as_ref(), Some(&example));

    let stored = serde_json::to_string(&example).unwrap();
    assert_eq!(serde_json::from_str::<R>(&stored).unwrap(), example);
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(members(&stored), members(&wire));
    assert!(R::SEALED.iter().all(|name| schema::<R>()["properties"].get(name).is_some()));

    let horizon =
        Horizon { now: Utc.with_ymd_and_hms(2026, 3, 20, 12, 0, 0).unwrap(), zone: chrono_tz::Europe::Berlin };
    assert!(Valid::new(example.clone(), &horizon).is_ok());
    // What the server computes reads back as the same record.
    let mut whole = stored;
    whole.as_object_mut().unwrap().extend(example.derived());
    assert_eq!(serde_json::from_value::<R>(whole).unwrap(), example);
}

fn schema<R: Record + Example + ToJSON + ParseFromJSON>() -> Value {
    let mut registry = Registry::new();
    R::register(&mut registry);
    let name = R::schema_ref().unwrap_reference().to_owned();
    serde_json::to_value(&registry.schemas[&name]).unwrap()
}

#[test]
fn every_example_is_a_record_that_can_be_stored() {
    an_example_holds::<Intention>();
    an_example_holds::<Session>();
    an_example_holds::<JournalEntry>();
    an_example_holds::<MoodScore>();
    an_example_holds::<Assessment>();
    an_example_holds::<Prescription>();
    an_example_holds::<HomeDose>();
}

#[test]
fn limits_stand_in_the_schema() {
    let entry = schema::<JournalEntry>();
    assert_eq!(entry["properties"]["body"]["maxLength"], 20_000);
    assert_eq!(entry["properties"]["themes"]["maxItems"], 50);
    assert_eq!(entry["properties"]["themes"]["items"]["type"], "string");
    assert_eq!(entry["properties"]["themes"]["items"]["maxLength"], 100);
    assert_eq!(schema::<Assessment>()["properties"]["answers"]["additionalProperties"]["type"], "integer");
    assert_eq!(schema::<HomeDose>()["properties"]["amount_mg"]["minimum"], 0.0);
    assert_eq!(schema::<Prescription>()["properties"]["max_mg_per_dose"]["exclusiveMinimum"], true);
}
