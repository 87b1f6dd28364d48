//! What is expected, in words: of a field by its schema, of a parameter by its own. Nothing that was sent is repeated.

use jsonschema::{
    JsonType,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

/// Forms of text that the schemas name by a pattern, as people say them.
const PATTERNS: [(&str, &str); 9] = [
    ("^([01][0-9]|2[0-3]):[0-5][0-9]$", "a time of the day, like 08:30"),
    ("^[0-9]{6}$", "six digits"),
    ("^[A-Z]{2}$", "a country in two capital letters, like US"),
    ("^[A-Za-z]{2}$", "a country in two letters, like US"),
    ("^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", "a language tag, like en-GB"),
    ("^[0-9+() ./-]{3,40}$", "a telephone number, like +1 202 555 0133"),
    (EMAIL, "an e-mail address, like name@example.org"),
    ("^[!-~]{1,255}$", "1 to 255 visible ASCII characters"),
    (r#"^"[!#-~]*"$"#, "one ETag as it was answered, such as \"3\""),
];

/// What we take for an address, as the schemas say it.
const EMAIL: &str = "^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?([.][A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$";

/// How the pattern of a list of kinds begins.
const KINDS: &str = "^(intentions|sessions|";

/// What a pattern asks for.
pub(in crate::http) fn pattern(pattern: &str) -> Option<&'static str> {
    if pattern.starts_with(KINDS) {
        return Some("kinds of records, separated by commas, like mood-scores,sessions");
    }
    PATTERNS.iter().find(|(known, _)| *known == pattern).map(|(_, words)| *words)
}

/// What a format asks for.
fn format(name: &str) -> &'static str {
    match name {
        "date-time" => "an instant with its offset, like 2026-11-24T09:00:00+01:00",
        "date" => "a date, like 2026-11-24",
        "uuid" => "a UUID, like 0198c5d2-6f1e-7a43-9b63-0c8f0d7f5a10",
        _ => "in the format that the document names",
    }
}

/// What was expected where a value does not fit.
pub(in crate::http) fn expectation(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => format!("must be {}", kinds(kind)),
        ValidationErrorKind::Enum { options } => format!("must be one of {}", options_in_words(options)),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {}", number(limit)),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {}", number(limit)),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {}", number(limit)),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {}", number(limit)),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {}", counted(*limit, "character")),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {}", counted(*limit, "item")),
        ValidationErrorKind::UniqueItems => "must have no item twice".into(),
        ValidationErrorKind::Format { format: name } => format!("must be {}", format(name)),
        ValidationErrorKind::Pattern { pattern: known } => {
            format!("must be {}", pattern(known).unwrap_or("in the form that the document shows"))
        }
        other => format!("does not fit the schema ({})", other.keyword()),
    }
}

/// A limit as people write it: no decimal point where there is nothing behind it.
fn number(limit: &Value) -> String {
    match limit.as_f64() {
        Some(whole) if whole.fract() == 0.0 => format!("{whole:.0}"),
        _ => limit.to_string(),
    }
}

fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn kinds(kind: &TypeKind) -> String {
    let word = |kind: JsonType| match kind {
        JsonType::Array => "a list",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "text",
    };
    match kind {
        TypeKind::Single(one) => word(*one).into(),
        TypeKind::Multiple(several) => several.iter().map(word).collect::<Vec<_>>().join(" or "),
    }
}

fn options_in_words(options: &Value) -> String {
    let word = |option: &Value| option.as_str().map_or_else(|| option.to_string(), String::from);
    options.as_array().map_or_else(|| options.to_string(), |all| all.iter().map(word).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_document_has_words() {
        fn look(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    found.extend(members.get("pattern").and_then(Value::as_str).map(String::from));
                    members.values().for_each(|member| look(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| look(item, found)),
                _ => {}
            }
        }
        let document = crate::http::document().unwrap();
        let mut found = Vec::new();
        look(&document, &mut found);
        // An id in the path that is none is not found: nothing is said of its form.
        let unknown: Vec<_> =
            found.iter().filter(|text| !text.contains("[0-9a-f]{8}") && pattern(text).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn limits_are_said_as_people_write_them() {
        let number = |value: f64| super::number(&value.into());
        assert_eq!([number(10.0), number(0.5), number(-3.0)], ["10", "0.5", "-3"]);
    }
}
