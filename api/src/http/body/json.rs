//! JSON as it came in, with what a parser would swallow: members that stand there twice, and text with NUL in it.

use super::Notes;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::RefCell, fmt};

/// Levels of arrays and objects.
const DEPTH: usize = 32;

/// The value, and what is to be said against it whatever it is for. The outer error is one of JSON itself.
pub(super) fn parse(bytes: &[u8]) -> serde_json::Result<(Value, Notes)> {
    let notes = RefCell::new(Notes::default());
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { place: &Place::Root, notes: &notes }.deserialize(&mut json)?;
    json.end()?;
    Ok((value, notes.into_inner()))
}

/// Whether arrays and objects are nested too deep; looked at before anything is built of them.
pub(super) fn too_deep(bytes: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH {
            return true;
        }
    }
    false
}

/// Where the parser is; a pointer is made of it only when there is something to say.
enum Place<'a> {
    Root,
    Member(&'a Self, &'a str),
    Item(&'a Self, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => super::inside(&parent.pointer(), name),
            Self::Item(parent, index) => format!("{}/{index}", parent.pointer()),
        }
    }
}

struct Strict<'a> {
    place: &'a Place<'a>,
    notes: &'a RefCell<Notes>,
}

impl Strict<'_> {
    fn text<E>(self, text: String) -> Result<Value, E> {
        if text.contains('\0') {
            self.notes.borrow_mut().add(|| self.place.pointer(), "must not contain NUL");
        }
        Ok(Value::String(text))
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        self.text(value.to_owned())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        self.text(value)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        loop {
            let place = Place::Item(self.place, all.len());
            match items.next_element_seed(Strict { place: &place, notes: self.notes })? {
                Some(item) => all.push(item),
                None => return Ok(Value::Array(all)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let place = Place::Member(self.place, &name);
            let value = members.next_value_seed(Strict { place: &place, notes: self.notes })?;
            if all.contains_key(&name) {
                self.notes.borrow_mut().add(|| place.pointer(), "must not be there twice");
            }
            all.insert(name, value);
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(json: &str) -> Vec<(String, String)> {
        let (_, notes) = parse(json.as_bytes()).unwrap();
        notes.faults().0.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn what_a_parser_swallows_is_told_with_its_place() {
        let json = r#"{"a":1,"b":[{"c/d":1,"c/d":2},"x\u0000"],"a":2}"#;
        let places: Vec<_> = told(json).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(places, ["/b/0/c~1d", "/b/1", "/a"]);
    }

    #[test]
    fn everything_else_is_as_it_was_sent() {
        let json = r#"{"a":[1,-2,3.5,1e3,true,null,"é\"",{}],"b":18446744073709551615}"#;
        let (value, notes) = parse(json.as_bytes()).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(json).unwrap());
        assert!(notes.faults().0.is_empty());
        for broken in ["", "{", "{}x", "{\"a\":1e999}", "[1,]"] {
            assert!(parse(broken.as_bytes()).is_err(), "{broken}");
        }
    }
}
