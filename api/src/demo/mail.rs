//! `/demo/mail`: the mails that the demo would have sent, newest first. Only the demo has this page.

use crate::{
    dashboard,
    notify::{Kept, Mailbox},
};
use chrono::{DateTime, Utc};
use poem::{
    IntoResponse, Request, Response, Route,
    endpoint::make_sync,
    error::NotFoundError,
    get,
    http::{HeaderValue, header},
};
use std::fmt::Write;

/// A mail's own page: styles of its own, as mail programs allow them, and nothing else; shown in our frame alone.
const MAIL: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox");

/// Adds the page and the mails behind it to the routes of the demo.
pub fn on(route: Route, mailbox: &Mailbox) -> Route {
    let (all, one) = (mailbox.clone(), mailbox.clone());
    route
        .at("/demo/mail", get(make_sync(move |_| dashboard::framing("document", "Mails", &page(&all.mails())))))
        .at("/demo/mail/:number", get(make_sync(move |request| html(&request, &one))))
}

fn html(request: &Request, mailbox: &Mailbox) -> poem::Result<Response> {
    let number: usize = request.path_params().map_err(|_| NotFoundError)?;
    let mail = mailbox.mails().into_iter().nth(number).ok_or(NotFoundError)?;
    let page = mail.letter.html().with_content_type("text/html; charset=utf-8");
    Ok(page
        .with_header(header::CONTENT_SECURITY_POLICY, MAIL)
        .with_header(header::CACHE_CONTROL, "no-store")
        .into_response())
}

fn page(mails: &[Kept]) -> String {
    let mut page =
        String::from("<h1>Mails</h1><p class=\"sub\">What the demo would have sent. Nothing left this machine.</p>");
    for (number, mail) in mails.iter().enumerate().rev() {
        one(&mut page, number, mail);
    }
    if mails.is_empty() {
        page.push_str("<p class=\"message\">No mail yet. Invite somebody, or wait for a reminder.</p>");
    }
    page
}

fn one(page: &mut String, number: usize, Kept { letter, raw }: &Kept) {
    let (subject, to) = (dashboard::escaped(letter.words.subject()), dashboard::escaped(&letter.to));
    let at = DateTime::<Utc>::from(letter.at).format("%-d %b %Y, %H:%M UTC");
    let _ = write!(
        page,
        "<section class=\"card mail\"><h2>{subject}</h2><p class=\"quiet-text\">To {to}, {at}</p><pre tabindex=\"0\">{}</pre>\
         <iframe title=\"{subject}, as HTML\" src=\"/demo/mail/{number}\" sandbox loading=\"lazy\"></iframe>\
         <details class=\"as-table\"><summary>As it would leave</summary><pre tabindex=\"0\">{}</pre></details></section>",
        linked(&letter.text()),
        dashboard::escaped(raw),
    );
}

/// The text of a mail, its addresses as links, as mail programs show them.
fn linked(text: &str) -> String {
    let word = |word: &str| match word.trim_end().strip_prefix("http") {
        Some(rest) if rest.starts_with("://") || rest.starts_with("s://") => {
            let (address, after) = word.split_at(word.trim_end().len());
            let address = dashboard::escaped(address);
            format!("<a href=\"{address}\">{address}</a>{after}")
        }
        _ => dashboard::escaped(word),
    };
    text.split_inclusive(char::is_whitespace).map(word).collect()
}
