//! Whoever guesses: by which address they are counted, and that the work of a refusal tells them nothing.

use crate::{
    on_both,
    sign_in::{PASSWORD, authenticator, code, with_password},
    support::{Answer, Clinic},
};
use poem::{
    Addr, Body, Endpoint, Request, Response,
    http::{Method, StatusCode, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// A guess at an invitation's code from a peer, with what a proxy or the peer itself has written into the forwarding header.
async fn guess(service: &impl Endpoint<Output = Response>, peer: SocketAddr, forwarded: &str) -> StatusCode {
    let path = format!("/v1/invitations/kit_{}", "A".repeat(43));
    let head = poem::http::Request::builder().method(Method::GET).uri(path).header("X-Forwarded-For", forwarded);
    let (head, ()) = head.body(()).unwrap().into_parts();
    let (here, there) = (LocalAddr(Addr::default()), RemoteAddr(Addr::socket(peer)));
    let request = Request::from_parts((head, here, there, Scheme::HTTP).into(), Body::empty());
    service.get_response(request).await.status()
}

on_both! {
    async fn a_peer_from_elsewhere_is_counted_by_its_own_address_whatever_it_claims(clinic: Clinic) {
        let service = afterglow::http::service(&clinic.app);
        for (peer, neighbour) in [("203.0.113.9:4000", "203.0.113.10:4000"), ("[2001:db8:1::9]:4000", "[2001:db8:2::9]:4000")] {
            let (peer, neighbour): (SocketAddr, SocketAddr) = (peer.parse().unwrap(), neighbour.parse().unwrap());
            for n in 0..30 {
                assert_eq!(guess(&service, peer, &format!("198.51.100.{n}")).await, StatusCode::NOT_FOUND);
            }
            assert_eq!(guess(&service, peer, "198.51.100.99").await, StatusCode::TOO_MANY_REQUESTS);
            // Nor is anybody else taken for this one.
            assert_eq!(guess(&service, neighbour, &peer.ip().to_string()).await, StatusCode::NOT_FOUND);
        }
    }

    async fn a_proxy_on_this_machine_says_who_guesses(clinic: Clinic) {
        let service = afterglow::http::service(&clinic.app);
        // The last is how a listener for both families is told of an IPv4 peer.
        for (number, proxy) in ["127.0.0.1:4000", "[::1]:4000", "[::ffff:127.0.0.1]:4000"].into_iter().enumerate() {
            let proxy = proxy.parse().unwrap();
            let (guesser, another) = (format!("192.0.2.{number}"), format!("192.0.2.10{number}"));
            for _ in 0..30 {
                assert_eq!(guess(&service, proxy, &guesser).await, StatusCode::NOT_FOUND, "{proxy}");
            }
            assert_eq!(guess(&service, proxy, &guesser).await, StatusCode::TOO_MANY_REQUESTS, "{proxy}");
            assert_eq!(guess(&service, proxy, &another).await, StatusCode::NOT_FOUND, "{proxy}");
        }
    }

    async fn a_refused_sign_in_is_the_same_work_whatever_was_wrong(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let gone = clinic.new_patient().await;
        let id = gone.id;
        let disable = async move |tx: &afterglow::store::Tx| afterglow::store::accounts::disable(tx, id).await;
        clinic.app.db.write(id, disable).await.unwrap();
        let wrong = "not the password";
        let tries = [("a wrong password", email.as_str(), wrong), ("nobody", "nobody@example.org", wrong), ("gone", gone.email.as_str(), wrong)];
        for (what, email, password) in tries {
            let before = clinic.app.passwords.computed();
            login(&clinic, json!({ "email": email, "password": password })).await.problem(401, "sign-in-refused");
            assert_eq!(clinic.app.passwords.computed() - before, 1, "{what}");
        }
        // The password is looked at before the code: whoever has guessed one of the two is not told.
        let entered = login(&clinic, json!({ "email": email, "password": PASSWORD })).await.expect(200).json();
        let otp = second_factor(&clinic, &entered).await;
        for (what, password, otp) in [("a used code", PASSWORD, otp.as_str()), ("both wrong", wrong, "000000")] {
            let before = clinic.app.passwords.computed();
            let asked = json!({ "email": email, "password": password, "otp": otp });
            login(&clinic, asked).await.problem(401, "sign-in-refused");
            assert_eq!(clinic.app.passwords.computed() - before, 1, "{what}");
        }
    }
}

async fn login(clinic: &Clinic, asked: Value) -> Answer {
    clinic.anonymous(Method::POST, "/v1/auth/login").json(&asked).send().await
}

/// Turns the second factor on, and answers the code that did it.
async fn second_factor(clinic: &Clinic, entered: &Value) -> String {
    let bearer = format!("Bearer {}", entered["access_token"].as_str().unwrap());
    let call = |path: &str, body: Value| {
        clinic.anonymous(Method::POST, path).header("Authorization", &bearer).json(&body).send()
    };
    let secret = call("/v1/auth/mfa", json!({})).await.expect(200).json()["secret"].clone();
    let otp = code(clinic, &authenticator(&secret));
    call("/v1/auth/mfa/confirm", json!({ "otp": otp })).await.expect(204);
    otp
}
