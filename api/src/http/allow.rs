//! The `Allow` header, which every 405 carries (RFC 9110): the methods that the document has for the path.

use super::document::document;
use poem::http::HeaderValue;
use std::sync::OnceLock;

/// The methods of a path; of one that is not in the document, those of a page.
pub(super) fn methods(path: &str) -> HeaderValue {
    static TABLE: OnceLock<Vec<(Vec<String>, HeaderValue)>> = OnceLock::new();
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &[String]| {
        template.len() == segments.len()
            && template.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let literal = |template: &[String]| template.iter().filter(|part| !part.starts_with('{')).count();
    let fitting = TABLE.get_or_init(table).iter().filter(|(template, _)| fits(template));
    let closest = fitting.max_by_key(|(template, _)| literal(template));
    closest.map_or(HeaderValue::from_static("GET, HEAD"), |(_, methods)| methods.clone())
}

fn table() -> Vec<(Vec<String>, HeaderValue)> {
    let document = document().unwrap_or_default();
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .filter_map(|(path, item)| {
            let methods: Vec<String> = item.as_object()?.keys().map(|method| method.to_uppercase()).collect();
            Some((path.split('/').map(str::to_owned).collect(), HeaderValue::from_str(&methods.join(", ")).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::methods;

    #[test]
    fn a_path_names_its_own_methods() {
        assert_eq!(methods("/v1/auth/login"), "POST");
        assert_eq!(methods("/v1/patients/me/mood-scores"), "GET, POST");
        assert_eq!(methods("/v1/patients/me/mood-scores/1"), "DELETE, GET, PUT");
        assert_eq!(methods("/flags"), "GET, HEAD");
    }
}
