use super::{Files, PAGES, on, page};
use poem::{Route, test::TestClient};

fn pages() -> TestClient<Route> {
    TestClient::new(on(Route::new()))
}

fn ours(end: &str) -> impl Iterator<Item = (String, String)> {
    let end = end.to_owned();
    Files::iter().filter(move |path| path.ends_with(&end) && !path.starts_with("assets/docs/")).map(|path| {
        let text = String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap();
        (path.into_owned(), text)
    })
}

#[tokio::test]
async fn every_page_allows_files_of_this_host_alone() {
    for (path, _) in PAGES {
        let response = pages().get(path.replace(":patient", "x").replace(":code", "x")).send().await;
        response.assert_status_is_ok();
        let policy = response.0.header("content-security-policy").unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("//"), "{path}: {policy}");
        response.assert_header("x-content-type-options", "nosniff");
        response.assert_header("referrer-policy", "no-referrer");
        response.assert_header("cache-control", "no-cache");
    }
}

#[tokio::test]
async fn a_page_is_sent_again_only_when_it_has_changed() {
    let first = pages().get("/").send().await;
    let tag = first.0.header("etag").unwrap().to_owned();
    let again = pages().get("/").header("if-none-match", tag).send().await;
    again.assert_status(poem::http::StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_file_is_kept_for_ever_under_the_address_of_this_build_only() {
    let html = page("caseload", "");
    let at = html.find("/assets/").unwrap();
    let script = &html[at..at + html[at..].find('"').unwrap()];
    let response = pages().get(script).send().await;
    response.assert_status_is_ok();
    response.assert_header("cache-control", "public, max-age=31536000, immutable");
    let old = pages().get("/assets/older/js/dom.js").send().await;
    old.assert_header("cache-control", "no-cache");
    old.assert_header("content-type", "text/javascript; charset=utf-8");
}

#[tokio::test]
async fn nothing_outside_the_files_can_be_had() {
    for path in
        ["/assets/x/../pages/head.html", "/assets/x/%2e%2e/pages/head.html", "/assets/x/no.js", "/problems/none"]
    {
        pages().get(path).send().await.assert_status(poem::http::StatusCode::NOT_FOUND);
    }
}

#[test]
fn no_page_has_a_script_or_style_in_it_or_names_a_file_that_is_not_there() {
    for (path, text) in ours(".html") {
        assert!(
            [" style=", "<style", " onload=", " onclick=", " onerror=", " onsubmit="]
                .iter()
                .all(|never| !text.contains(never)),
            "{path}"
        );
        assert!(text.split("<script").skip(1).all(|tag| tag.split('>').next().unwrap().contains("src=")), "{path}");
        for named in text.split("\"/assets/").skip(1) {
            let file = format!("assets/{}", named.split('"').next().unwrap());
            assert!(Files::get(&file).is_some(), "{path} names {file}");
        }
    }
}

#[test]
fn no_script_of_ours_makes_markup_or_code_of_text() {
    for (path, text) in ours(".js") {
        for never in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "http://",
            "https://",
        ] {
            let allowed = path == "assets/js/dom.js" && text.contains("http://www.w3.org/2000/svg");
            let text = text.replace("without innerHTML", "");
            assert!(!text.contains(never) || (allowed && never == "http://"), "{path} has {never}");
        }
    }
}
