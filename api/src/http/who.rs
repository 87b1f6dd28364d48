//! Who may call each operation, in words: from the rights that its parameters prove, which the generator of the document
//! holds for ways to sign in.

use super::permit::{BEARER, COOKIE};
use serde_json::Value;

/// Ends the description of every operation with who may call it.
pub(super) fn tell(document: &mut Value) {
    for (_, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let who = who(&mut operation["security"]);
            let words = operation["description"].as_str().unwrap_or_default();
            operation["description"] = format!("{words}\n\nWho may: {who}.").into();
        }
    }
}

/// Takes the right out of what is shown to sign in.
fn who(security: &mut Value) -> String {
    let Some(ways) = security.as_array_mut().filter(|ways| !ways.is_empty()) else {
        return "anybody, without signing in".into();
    };
    let mut who = None;
    ways.retain(|way| {
        let right = way.as_object().and_then(|way| way.keys().find(|name| ![BEARER, COOKIE].contains(&name.as_str())));
        who = right.cloned().or(who.take());
        right.is_none()
    });
    let open = ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty));
    who.unwrap_or_else(|| if open { "anybody, signed in or not" } else { "whoever is signed in" }.into())
}
