//! Changes of single members: what is left out stays, null takes away.

use super::faults::Faults;
use poem_openapi::types::MaybeUndefined;

/// Changes what must have a value.
pub fn set<T>(pointer: &str, to: &mut T, value: MaybeUndefined<T>, faults: &mut Faults) {
    match value {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => faults.add(pointer, "may be left out, but not taken away"),
        MaybeUndefined::Value(value) => *to = value,
    }
}

/// Changes what may have none.
pub fn set_or_clear<T>(to: &mut Option<T>, value: MaybeUndefined<T>) {
    if !value.is_undefined() {
        *to = value.take();
    }
}
