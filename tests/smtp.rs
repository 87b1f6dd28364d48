//! Mails over a real mail host: plain, STARTTLS, TLS, and hosts that refuse, stall and hang up.

use crate::{
    reminders::{daily, inbox, remind},
    support::{Clinic, MailHost},
};
use afterglow::{notify::Email, reminders::Worker};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

const PLAIN: &str = "smtp://127.0.0.1:$";

/// A clinic with check-ins that are due.
async fn due(times: &[&str]) -> Clinic {
    let clinic = Clinic::on_sqlite().await;
    remind(&clinic, &clinic.patient, daily(times)).await;
    clinic.clock.advance(TimeDelta::minutes(140));
    clinic
}

fn worker(clinic: &Clinic, email: &Email) -> Worker {
    Worker::new(&clinic.app, Arc::new(email.clone()))
}

/// State, attempts and answer of the message that is due.
async fn fate(clinic: &Clinic) -> Value {
    let all = inbox(clinic).await;
    let message = all.iter().find(|message| message["local_date"] == "2026-03-14").unwrap();
    json!([message["state"], message["deliveries"][0]["attempts"], message["deliveries"][0]["answer"]])
}

#[tokio::test]
async fn a_reminder_leaves_as_text_and_html_with_a_link_that_stops_it() {
    let (clinic, host) = (due(&["12:00"]).await, MailHost::start("plain", &[]));
    worker(&clinic, &host.channel(PLAIN)).tick().await.unwrap();
    let mail = host.wait("message");
    assert_eq!(mail["to"], json!([clinic.patient.email]));
    let head = &mail["message"];
    assert_eq!(head["Subject"], "A small reminder from Afterglow");
    assert_eq!(head["From"], "Afterglow <no-reply@afterglow.example>");
    assert_eq!(head["List-Unsubscribe-Post"], "List-Unsubscribe=One-Click");
    assert_eq!(head["Auto-Submitted"], "auto-generated");
    assert!(head["Message-ID"].as_str().unwrap().ends_with("@afterglow.example>"));
    let link = head["List-Unsubscribe"].as_str().unwrap().trim_matches(['<', '>']);
    for kind in ["text/plain", "text/html"] {
        let text = mail["parts"][kind].as_str().unwrap();
        assert!(text.contains("A short check-in") && text.contains(link), "{text}");
    }
    let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
    clinic.anonymous(poem::http::Method::GET, path).send().await.expect(200);
    assert_eq!(fate(&clinic).await, json!(["sent", 1, 250]));
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_which_mail_which_host_and_what_is_wrong_and_no_address() {
    let log = Log::default();
    let writer = log.clone();
    let logged = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let (clinic, host) = (due(&["12:00"]).await, MailHost::start("plain", &[]));
    let email = host.channel("smtp://127.0.0.1:1");
    let telling = tracing::subscriber::set_default(logged);
    worker(&clinic, &email).tick().await.unwrap();
    drop(telling);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for word in ["127.0.0.1", "no connection", "delivery=", "attempt=1"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(!text.contains('@'), "{text}");
}

#[tokio::test]
async fn several_mails_share_a_connection() {
    let (clinic, host) = (due(&["11:55"]).await, MailHost::start("plain", &[]));
    let worker = worker(&clinic, &host.channel(PLAIN));
    worker.tick().await.unwrap();
    host.wait("message");
    for _ in 0..3 {
        remind(&clinic, &clinic.patient, daily(&["12:40"])).await;
        clinic.clock.advance(TimeDelta::days(1));
        worker.plan().await.unwrap();
        worker.dispatch().await.unwrap();
        host.wait("message");
    }
    let hellos = host.said().iter().filter(|line| line.get("hello").is_some()).count();
    assert!(hellos < 4, "{hellos} connections");
}

#[tokio::test]
async fn tls_is_what_it_says() {
    for (security, url) in [("starttls", "smtp://localhost:$?tls=required&ca=CA"), ("tls", "smtps://localhost:$?ca=CA")]
    {
        let (clinic, host) = (due(&["12:00"]).await, MailHost::start(security, &[]));
        worker(&clinic, &host.channel(url)).tick().await.unwrap();
        assert_eq!(host.wait("message")["tls"], true, "{security}");
        assert_eq!(fate(&clinic).await, json!(["sent", 1, 250]), "{security}");
    }
}

#[tokio::test]
async fn nothing_leaves_for_a_host_that_nobody_vouches_for_or_that_offers_no_tls() {
    for (security, url) in [
        ("starttls", "smtp://localhost:$?tls=required"),
        ("tls", "smtps://localhost:$"),
        ("plain", "smtp://localhost:$?tls=required"),
    ] {
        let (clinic, host) = (due(&["12:00"]).await, MailHost::start(security, &[]));
        worker(&clinic, &host.channel(url)).tick().await.unwrap();
        assert!(host.said().iter().all(|line| line.get("message").is_none()), "{security}");
        assert_eq!(fate(&clinic).await, json!(["scheduled", 0, null]), "{security}");
    }
}

#[tokio::test]
async fn a_password_that_is_refused_burns_no_attempt_and_the_right_one_is_taken() {
    let host = MailHost::start("plain", &["me", "right"]);
    let clinic = due(&["12:00"]).await;
    worker(&clinic, &host.channel("smtp://me:wrong@127.0.0.1:$")).tick().await.unwrap();
    assert_eq!(fate(&clinic).await, json!(["scheduled", 0, 535]));
    clinic.clock.advance(TimeDelta::minutes(2));
    worker(&clinic, &host.channel("smtp://me:right@127.0.0.1:$")).tick().await.unwrap();
    host.wait("message");
    assert_eq!(fate(&clinic).await, json!(["sent", 1, 250]));
}

#[tokio::test]
async fn what_a_host_answers_decides_what_comes_next() {
    for (told, then) in [
        ("mail 550", json!(["scheduled", 0, 550])),
        ("mail 451", json!(["scheduled", 1, 451])),
        ("rcpt 450", json!(["scheduled", 1, 450])),
        ("rcpt 421", json!(["scheduled", 1, 421])),
        ("rcpt 550", json!(["failed", 1, 550])),
        ("dot 451", json!(["scheduled", 1, 451])),
        ("dot 552", json!(["failed", 1, 552])),
        ("dot hangup", json!(["unknown", 1, null])),
    ] {
        let (clinic, mut host) = (due(&["12:00"]).await, MailHost::start("plain", &[]));
        let worker = worker(&clinic, &host.channel(PLAIN));
        host.will(told);
        worker.tick().await.unwrap();
        assert_eq!(fate(&clinic).await, then, "{told}");
        clinic.clock.advance(TimeDelta::minutes(16));
        worker.tick().await.unwrap();
        let arrived = host.said().iter().filter(|line| line.get("message").is_some()).count();
        let scheduled = then[0] == "scheduled";
        assert_eq!(arrived, usize::from(scheduled || told == "dot hangup"), "{told}");
        assert_eq!(fate(&clinic).await[0], if scheduled { "sent" } else { then[0].as_str().unwrap() }, "{told}");
    }
}

#[tokio::test]
async fn a_host_that_stalls_or_is_away_is_asked_again_later() {
    let (clinic, mut host) = (due(&["12:00"]).await, MailHost::start("plain", &[]));
    let worker = worker(&clinic, &host.channel(PLAIN));
    host.will("rcpt stall");
    worker.tick().await.unwrap();
    assert_eq!(fate(&clinic).await, json!(["scheduled", 1, null]));
    let nowhere = host.channel("smtp://127.0.0.1:1");
    clinic.clock.advance(TimeDelta::minutes(1));
    self::worker(&clinic, &nowhere).tick().await.unwrap();
    assert_eq!(fate(&clinic).await, json!(["scheduled", 2, null]));
    clinic.clock.advance(TimeDelta::minutes(2));
    worker.tick().await.unwrap();
    assert_eq!(fate(&clinic).await, json!(["sent", 3, 250]));
}
