//! The real listener, spoken to byte by byte: who dribbles, who comes in crowds, who hides behind a header.

use crate::support::Clinic;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, timeout},
};

/// What a body is granted.
const BODY: Duration = Duration::from_secs(30);
/// Far more than the server needs to notice.
const PATIENCE: Duration = Duration::from_mins(5);

/// A clinic on a port of its own.
async fn listening() -> (Clinic, std::net::SocketAddr) {
    let clinic = Clinic::on_sqlite().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (app, address) = (clinic.app.clone(), listener.local_addr().unwrap());
    tokio::spawn(async move { afterglow::server::run(&app, listener).await });
    (clinic, address)
}

/// One request on a connection of its own; the answer's first line.
async fn ask(address: std::net::SocketAddr, head: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_writes_into_the_forwarding_header_itself_does_not_count() {
    let (_clinic, address) = listening().await;
    let guess = |lines: &str| {
        let code = format!("kit_{}", "A".repeat(43));
        format!("GET /v1/invitations/{code} HTTP/1.1\r\nHost: x\r\n{lines}")
    };
    let forged = |n: u32| format!("X-Forwarded-For: 203.0.113.{n}\r\nX-Forwarded-For: 198.51.100.{n}, 192.0.2.7\r\n");
    for n in 0..30 {
        assert_eq!(ask(address, &guess(&forged(n))).await, "HTTP/1.1 404 Not Found");
    }
    assert_eq!(ask(address, &guess(&forged(99))).await, "HTTP/1.1 429 Too Many Requests");
    let another = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-For: 192.0.2.8\r\n";
    assert_eq!(ask(address, &guess(another)).await, "HTTP/1.1 404 Not Found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_to_go_on_and_then_dribbles_is_cut_off() {
    let (_clinic, address) = listening().await;
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\
                Expect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 512];
    let read = stream.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..read], b"HTTP/1.1 100 Continue\r\n\r\n");
    let (mut from, mut to) = stream.into_split();
    let dribble = async {
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let end = async { while from.read(&mut buffer).await.is_ok_and(|read| read > 0) {} };
    let cut_off = timeout(PATIENCE, async {
        tokio::select! { () = dribble => {}, () = end => {} }
    });
    cut_off.await.expect("it may go on for ever");
    assert!(began.elapsed() >= BODY, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_without_a_proxy_is_not_answered() {
    let (_clinic, address) = listening().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Closed, kindly or not.
    stream.read_to_end(&mut answer).await.ok();
    assert!(answer.is_empty());
    assert_eq!(ask(address, "GET /health/live HTTP/1.1\r\nHost: x\r\n").await, "HTTP/1.1 200 OK");
}

/// What comes back on one connection for these bytes, until it is closed.
async fn all_of(address: std::net::SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().ok();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_names_two_lengths_is_refused_and_nothing_after_it_is_read() {
    let (_clinic, address) = listening().await;
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 0\r\n",
        "Content-Length: 5, 5\r\n",
    ] {
        let head = "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        let answer = all_of(address, &format!("{head}{lengths}\r\n0\r\n\r\n{smuggled}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{lengths}: {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains("content-type: application/problem+json") && head.contains("connection: close"),
            "{head}"
        );
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["type"], "/problems/bad-request");
        assert_eq!(problem["errors"][0]["pointer"], "header:Content-Length");
        assert!(problem["instance"].as_str().unwrap().starts_with("urn:uuid:"));
    }
    // Behind a request that is in order it is not heard either.
    let bad = format!("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}");
    let answer = all_of(address, &format!("{smuggled}{bad}")).await;
    assert!(answer.matches("HTTP/1.1 200").count() <= 1, "{answer}");
    assert!(!answer.contains("HTTP/1.1 400"), "it would be heard as the answer to the first: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_does_not_name_one_host_is_refused_and_nothing_after_it_is_read() {
    let (_clinic, address) = listening().await;
    let next = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for hosts in ["", "Host: x\r\nHost: x\r\n", "Host: x\r\nhost: y\r\n", "Host: x/y\r\n"] {
        let answer = all_of(address, &format!("GET /health/live HTTP/1.1\r\n{hosts}\r\n{next}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{hosts}: {answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("connection: close"), "{head}");
        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(
            (&problem["type"], &problem["errors"][0]["pointer"]),
            (&"/problems/bad-request".into(), &"header:Host".into())
        );
    }
    let old = all_of(address, "GET /health/live HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.0 200 OK\r\n"), "who asks as before HTTP/1.1 names none: {old}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_chunks_is_the_last_of_its_connection() {
    let (_clinic, address) = listening().await;
    let head =
        "POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let next = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = all_of(address, &format!("{head}\r\n2\r\n{{}}\r\n0\r\n\r\n{next}")).await;
    assert!(answer.starts_with("HTTP/1.1 422 ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    // Nor is it one itself, whatever its bytes look like: in neither's eyes.
    let bad = "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
    for like_one in [next, bad] {
        let body = format!("{:x}\r\n{like_one}\r\n0\r\n\r\n", like_one.len());
        let answer = all_of(address, &format!("{head}\r\n{body}")).await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("/problems/malformed-json"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    let conventions = include_str!("../openapi/conventions.md");
    assert!(conventions.contains("`Transfer-Encoding: chunked`"), "whoever writes a client reads of it");
}
