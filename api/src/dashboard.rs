//! The pages at `/`: static files inside the binary, under a content security policy that allows this host alone.
//! They hold no data of anybody; what they show, they ask `/v1` for with the reader's cookie.

mod problems;

use poem::{
    IntoResponse, Request, Response, Route,
    endpoint::make_sync,
    error::NotFoundError,
    get,
    http::{HeaderValue, StatusCode, header},
};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::LazyLock};

#[derive(RustEmbed)]
#[folder = "dashboard/"]
struct Files;

/// Scripts, styles and fonts are files of this host: no inline code, no other host, no frame around a page.
macro_rules! policy {
    ($more:literal) => {
        concat!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            $more
        )
    };
}

/// Nor does any string become markup: what patients wrote stays text even where a page errs.
const POLICY: &str = policy!("; require-trusted-types-for 'script'; trusted-types 'none'");
/// A page that frames documents of this host.
const FRAMING: &str = policy!("; frame-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'");
/// Swagger UI makes its markup from strings, of our own document alone.
const DOCS: &str = policy!("");

/// Asked again each time, answered 304 while it is the same.
const REVALIDATED: &str = "no-cache";
/// The address changes with the content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The pages' addresses and the files behind them.
const PAGES: [(&str, &str); 7] = [
    ("/", "caseload"),
    ("/flags", "flags"),
    ("/patients/:patient", "patient"),
    ("/invite", "invite"),
    ("/sign-in", "sign-in"),
    ("/invitations/:code", "invitation"),
    ("/docs", "docs"),
];

/// Adds the pages and their files to the routes of the service.
pub fn on(route: Route) -> Route {
    let route = PAGES.into_iter().fold(route, |route, (path, name)| {
        let (html, policy) = (page(name, ""), if name == "docs" { DOCS } else { POLICY });
        route.at(path, get(make_sync(move |request| answer(&request, &html, policy))))
    });
    route
        .at("/problems", get(make_sync(problems::all)))
        .at("/problems/:name", get(make_sync(problems::one)))
        .at("/assets/:version/*path", get(make_sync(asset)))
}

/// A page of the house with a title and something in its middle, both of them HTML.
pub(crate) fn plain(name: &str, title: &str, middle: &str) -> Response {
    secured(document(page(name, middle).replace("<!-- title -->", title)), POLICY)
}

/// What somebody sees in a browser at an address where nothing is.
pub(crate) fn nothing() -> Response {
    let middle = "<h1>Nothing here</h1>\n<p>There is no page at this address. It may have been mistyped, or belong to something that \
                  has ended.</p>\n<p class=\"acts\"><a class=\"button primary\" href=\"/\">To the caseload</a></p>";
    let mut response = plain("document", "Nothing here", middle);
    response.set_status(StatusCode::NOT_FOUND);
    response
}

/// The same, made anew each time, with frames around documents of this host.
pub(crate) fn framing(name: &str, title: &str, middle: &str) -> Response {
    let page = page(name, middle).replace("<!-- title -->", title);
    let response = document(page).with_header(header::CACHE_CONTROL, "no-store").into_response();
    secured(response, FRAMING)
}

/// Text inside HTML.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A page from its file: the parts that all share, and addresses of assets that name this very build.
fn page(name: &str, middle: &str) -> String {
    text(&format!("pages/{name}.html"))
        .replace("<!-- head -->", text("pages/head.html").trim())
        .replace("<!-- bar -->", text("pages/bar.html").trim())
        .replace("\"/assets/", &format!("\"/assets/{}/", *VERSION))
        .replace("<!-- middle -->", middle)
}

fn text(path: &str) -> String {
    Files::get(path).map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()
}

/// A name for the content of all assets together.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    for path in Files::iter().filter(|path| path.starts_with("assets/")) {
        digest.update(path.as_bytes());
        digest.update(Files::get(&path).map(|file| file.metadata.sha256_hash()).unwrap_or_default());
    }
    hex(&digest.finalize()[..6])
});

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A page that is the same for everybody, or 304 for who has it.
fn answer(request: &Request, html: &str, policy: &'static str) -> Response {
    let tag = format!("\"{}\"", hex(&Sha256::digest(html)[..12]));
    let has_it = request.header(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag));
    let response = if has_it { StatusCode::NOT_MODIFIED.into_response() } else { document(html.to_owned()) };
    secured(response.with_header(header::ETAG, tag).into_response(), policy)
}

fn document(html: String) -> Response {
    html.with_content_type("text/html; charset=utf-8").with_header(header::CACHE_CONTROL, REVALIDATED).into_response()
}

/// A file of the pages. An older page may still ask by an older version; it gets today's file, but may not keep it.
fn asset(request: Request) -> poem::Result<Response> {
    let path: String = request.path_params::<(String, String)>().map(|(_, path)| path)?;
    let EmbeddedFile { data, .. } = Files::get(&format!("assets/{path}")).ok_or(NotFoundError)?;
    let kept = if request.uri().path().contains(VERSION.as_str()) { FOR_EVER } else { REVALIDATED };
    let response = data.into_owned().with_content_type(kind(&path)).with_header(header::CACHE_CONTROL, kept);
    Ok(secured(response.into_response(), POLICY))
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        _ => "text/plain; charset=utf-8",
    }
}

/// The headers that every page and file carries.
fn secured(mut response: Response, policy: &'static str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // An invitation's code stands in the address: no other page learns it.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("permissions-policy"),
            "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
        ),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests;
