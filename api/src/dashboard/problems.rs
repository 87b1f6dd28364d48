//! `/problems` and `/problems/{name}`: what each problem type means, from the same file that the repository shows.

use poem::{Request, Response, error::NotFoundError};
use pulldown_cmark::{Parser, html};

const TEXT: &str = include_str!("../../../openapi/problems.md");

/// All of them on one page.
pub(super) fn all(_: Request) -> Response {
    shown("Problems", TEXT)
}

/// One of them.
pub(super) fn one(request: Request) -> poem::Result<Response> {
    let name: String = request.path_params()?;
    let text = section(&name).ok_or(NotFoundError)?;
    Ok(shown(&name, &format!("# {text}\n[All problems](/problems)\n")))
}

/// The part of the text under this heading, the heading's line included.
fn section(name: &str) -> Option<&'static str> {
    TEXT.split("\n## ").skip(1).find(|text| text.lines().next() == Some(name))
}

fn shown(title: &str, text: &str) -> Response {
    let mut middle = String::new();
    html::push_html(&mut middle, Parser::new(text));
    // Wide examples scroll inside their frame, and are reached by keyboard.
    let middle = middle.replace("<pre>", "<pre tabindex=\"0\">");
    super::plain("document", title, &middle)
}

#[cfg(test)]
mod tests {
    use super::section;

    #[test]
    fn a_type_has_its_own_page() {
        assert!(section("invalid").is_some_and(|text| text.starts_with("invalid\n") && !text.contains("\n## ")));
        assert!(section("nothing").is_none());
    }
}
