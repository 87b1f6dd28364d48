//! Who is in the demo clinic. Everybody is invented.

use super::chance::Chance;
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, de::Error};
use std::sync::LazyLock;

/// Somebody under care.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// How they are called.
    pub name: String,
    /// The same in Latin letters, where the name is in others.
    pub latin: Option<String>,
    /// How to speak of them.
    pub pronouns: String,
    /// The language they write in.
    #[serde(default = "english")]
    pub language: String,
    /// Where they live.
    #[serde(default = "new_york", deserialize_with = "zone")]
    pub zone: Tz,
}

fn english() -> String {
    "en".into()
}

fn new_york() -> Tz {
    chrono_tz::America::New_York
}

fn zone<'de, D: Deserializer<'de>>(name: D) -> Result<Tz, D::Error> {
    String::deserialize(name)?.parse().map_err(D::Error::custom)
}

static PEOPLE: LazyLock<Vec<Person>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
    serde_json::from_str(include_str!("data/people.json")).expect("people.json")
});

/// How many people there are.
pub const MOST: usize = 50;

/// The people in an order of the seed's; the first is always the one who can sign in.
pub(super) fn people(chance: &mut Chance) -> Vec<Person> {
    let mut people = PEOPLE.clone();
    if let Some((_, others)) = people.split_first_mut() {
        chance.shuffle(others);
    }
    people
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_people_have_names_of_their_own() {
        let mut names: Vec<_> = PEOPLE.iter().map(|person| person.name.clone()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), MOST);
        let latin = |name: &str| {
            name.chars().all(|letter| u32::from(letter) < 0x0250 || (0x1E00..0x2100).contains(&u32::from(letter)))
        };
        assert!(
            PEOPLE.iter().all(|person| latin(&person.name) == person.latin.is_none()),
            "name_latin where it is needed"
        );
        assert!(PEOPLE.iter().any(|person| person.name.chars().count() > 60));
    }
}
