//! Numbers as people write them: 60, not 60.0.

use serde_json::Value;

/// Numbers beyond which a double no longer tells whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Every whole number in a value without a decimal point.
///
/// ```
/// use afterglow::domain::numbers::plain;
/// use serde_json::json;
///
/// let mut value = json!({ "dose_mg": 60.0, "sleep_hours": 7.5, "moods": [3.0, null], "count": 2 });
/// plain(&mut value);
/// assert_eq!(value.to_string(), json!({ "dose_mg": 60, "sleep_hours": 7.5, "moods": [3, null], "count": 2 }).to_string());
/// ```
pub fn plain(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => {
            if let Some(whole) = number.as_f64().and_then(whole) {
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Object(members) => members.values_mut().for_each(plain),
        _ => {}
    }
}

/// A number as the whole one that it is, if it is one.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and not too large")]
pub fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
}
