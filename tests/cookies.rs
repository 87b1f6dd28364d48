//! The pages' cookie over https, as a browser is given it.

use crate::{
    sign_in::{PASSWORD, with_password},
    support::{Answer, Clinic, Place},
};
use poem::http::Method;
use serde_json::json;
use std::collections::BTreeSet;

const HTTPS: &str = "https://afterglow.example";
const ME: &str = "/v1/patients/me";

/// The name and value of a cookie that is set, and its attributes.
fn parts(answer: &Answer) -> (String, BTreeSet<String>) {
    let all: Vec<_> = answer.headers.get_all("Set-Cookie").iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    let mut parts = all[0].to_str().unwrap().split("; ").map(str::to_owned);
    (parts.next().unwrap(), parts.collect())
}

fn attributes(more: &[&str]) -> BTreeSet<String> {
    ["Path=/", "HttpOnly", "SameSite=Strict", "Secure"].iter().chain(more).map(|&one| one.to_owned()).collect()
}

mod over_https_it_is_of_this_host_alone_and_never_leaves_unencrypted {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        story(Clinic::at(HTTPS, Place::folder()).await).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        story(Clinic::at(HTTPS, Place::postgres().await).await).await;
    }

    async fn story(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let asked = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
        let entered = clinic.anonymous(Method::POST, "/v1/auth/login").json(&asked).send().await.expect(200);
        let (cookie, given) = parts(&entered);
        assert!(cookie.starts_with("__Host-afterglow=kct_"), "{cookie}");
        assert_eq!(given, attributes(&[]));
        let get = async |cookie: &str| clinic.anonymous(Method::GET, ME).header("Cookie", cookie).send().await;
        get(&cookie).await.expect(200);
        // Under the other name anybody on the way could have set it.
        get(cookie.trim_start_matches("__Host-")).await.problem(401, "unauthenticated");
        let leave = |origin: &str| {
            let call = clinic.anonymous(Method::POST, "/v1/auth/logout").header("Cookie", &cookie);
            call.header("Origin", origin).send()
        };
        leave("http://afterglow.example").await.problem(403, "cross-site");
        let (taken, given) = parts(&leave(HTTPS).await.expect(204));
        assert_eq!((taken.as_str(), given), ("__Host-afterglow=", attributes(&["Max-Age=0"])));
        get(&cookie).await.problem(401, "unauthenticated");
    }
}
