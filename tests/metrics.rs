//! What Prometheus reads: how much is done and how fast, of nobody in particular.

use crate::{
    flags::{ASSESSMENTS, phq_9},
    on_both,
    reminders::{daily, remind, worker},
    support::{Clinic, Mood, Place, Post, Wire},
};
use afterglow::{
    app::App,
    clock::Clock,
    config::Config,
    domain::notifications::Class,
    http,
    security::secret::Secret,
    server,
    store::{
        Tx,
        outbox::{self, Attempt},
    },
};
use chrono::TimeDelta;
use poem::{Route, http::Method, test::TestClient};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Duration, timeout},
};

/// What is answered there, and in what form.
pub async fn read(clinic: &Clinic) -> (String, String) {
    let answer = TestClient::new(http::metrics::service(&clinic.app)).get("/metrics").send().await.0;
    let form = answer.headers()["content-type"].to_str().unwrap().to_owned();
    (form, answer.into_body().into_string().await.unwrap())
}

/// The value of a line.
#[track_caller]
fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
}

/// Of reminders.
fn routine(name: &str) -> String {
    format!("{name}{{class=\"routine\"}}")
}

/// How many messages of a class came to this.
#[track_caller]
fn ended(text: &str, class: &str, outcome: &str) -> i64 {
    value(text, &format!("afterglow_messages_total{{class=\"{class}\",outcome=\"{outcome}\"}}")) as i64
}

on_both! {
    async fn what_is_done_is_counted_by_operation_and_names_nobody(clinic: Clinic) {
        let moods = format!("/v1/patients/{}/mood-scores", clinic.patient.id);
        let made = clinic.post(&clinic.patient, &moods, clinic.mood(5)).await.expect(201).json();
        let id = made["id"].as_str().unwrap().to_owned();
        clinic.get(&clinic.therapist, &format!("{moods}/{id}")).await.expect(200);
        clinic.post(&clinic.patient, &moods, clinic.mood(50)).await.problem(422, "invalid");
        clinic.get(&clinic.admin, &moods).await.problem(403, "forbidden");
        clinic.get(&clinic.patient, &format!("/v1/nothing/{id}")).await.problem(404, "not-found");
        clinic.anonymous(Method::GET, "/v1/instruments?page=2").send().await.problem(400, "bad-request");
        let (form, text) = read(&clinic).await;
        assert_eq!(form, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        for (operation, status) in [
            ("mood_scores_create", "2xx"),
            ("mood_scores_create", "4xx"),
            ("mood_scores_read", "2xx"),
            ("mood_scores_list", "4xx"),
            ("instruments_list", "4xx"),
            ("none", "4xx"),
        ] {
            let name = format!("afterglow_requests_total{{operation=\"{operation}\",status=\"{status}\"}}");
            assert_eq!(value(&text, &name) as i64, 1, "{name}");
        }
        let took = |operation| value(&text, &format!("afterglow_request_duration_seconds_count{{operation=\"{operation}\"}}"));
        assert_eq!(took("mood_scores_create") as i64, 2);
        // One after the other, each unit is committed by itself: a write is one, and so is what staff reads.
        let written = |text: &str| {
            let names = ["afterglow_commit_units_sum", "afterglow_commit_units_count", "afterglow_commit_seconds_count"];
            names.map(|name| value(text, name) as i64)
        };
        clinic.post(&clinic.patient, &moods, clinic.mood(6)).await.expect(201);
        clinic.get(&clinic.therapist, &format!("{moods}/{id}")).await.expect(200);
        clinic.get(&clinic.patient, &format!("{moods}/{id}")).await.expect(200);
        let (before, after) = (written(&text), written(&read(&clinic).await.1));
        assert_eq!([0, 1, 2].map(|index| after[index] - before[index]), [2, 2, 2]);
        assert!(text.ends_with("# EOF\n"), "{text}");
        for person in [&clinic.patient, &clinic.therapist, &clinic.admin] {
            assert!(!text.contains(&person.id.to_string()) && !text.contains(&person.email), "{text}");
        }
        assert!(!text.contains(&id) && !text.contains(&clinic.id.to_string()) && !text.contains("/v1/"), "{text}");
    }

    async fn what_waits_to_be_sent_and_how_late_it_leaves_is_told(clinic: Clinic) {
        remind(&clinic, &clinic.patient, daily(&["12:00"])).await;
        let text = read(&clinic).await.1;
        assert_eq!((value(&text, "afterglow_database_up") as i64, value(&text, &routine("afterglow_mails_due")) as i64), (1, 0));
        clinic.clock.advance(TimeDelta::minutes(125));
        let text = read(&clinic).await.1;
        let (due, late) = (value(&text, &routine("afterglow_mails_due")), value(&text, &routine("afterglow_mails_due_oldest_seconds")));
        // It was due at noon in Berlin, and it is five past.
        assert_eq!((due as i64, late as i64), (1, 300));
        assert_eq!(value(&text, "afterglow_mails_due{class=\"matters\"}") as i64, 0);
        worker(&clinic, &Post::new()).dispatch().await.unwrap();
        let text = read(&clinic).await.1;
        assert_eq!(value(&text, &routine("afterglow_mails_due")) as i64, 0);
        let sent = value(&text, "afterglow_mail_attempts_total{channel=\"email\",class=\"routine\",outcome=\"sent\"}");
        let lateness = |what: &str| value(&text, &routine(&format!("afterglow_message_lateness_seconds_{what}"))) as i64;
        assert_eq!((sent as i64, lateness("count"), lateness("sum")), (1, 1, 300));
    }

    async fn each_of_those_who_read_at_once_is_told_all(clinic: Clinic) {
        let reading = (0..4).map(|_| {
            let reader = TestClient::new(http::metrics::service(&clinic.app));
            tokio::spawn(async move {
                for _ in 0..200 {
                    let text = reader.get("/metrics").send().await.0.into_body().into_string().await.unwrap();
                    assert_eq!(value(&text, "afterglow_database_up") as i64, 1);
                    for class in ["routine", "matters"] {
                        for name in ["afterglow_mails_due", "afterglow_mails_due_oldest_seconds"] {
                            assert_eq!(value(&text, &format!("{name}{{class=\"{class}\"}}")) as i64, 0);
                        }
                    }
                }
            })
        });
        for read in futures_util::future::join_all(reading).await {
            read.unwrap();
        }
    }

    async fn a_flag_that_nobody_was_told_of_is_told_apart_from_reminders(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(3))).await.expect(201);
        clinic.clock.advance(TimeDelta::minutes(3));
        let text = read(&clinic).await.1;
        let of = |name: &str, class: &str| value(&text, &format!("afterglow_mails_due{name}{{class=\"{class}\"}}")) as i64;
        assert_eq!((of("", "matters"), of("_oldest_seconds", "matters"), of("", "routine")), (1, 180, 0));
        let post = Post::new();
        post.will([Mood::TakeAndHangUp]);
        worker(&clinic, &post).dispatch().await.unwrap();
        let text = read(&clinic).await.1;
        let attempts = value(&text, "afterglow_mail_attempts_total{channel=\"email\",class=\"matters\",outcome=\"unknown\"}");
        assert_eq!(attempts as i64, 1);
        assert_eq!(ended(&text, "matters", "unknown"), 0, "it is sent again");
    }

    async fn what_a_worker_sent_that_another_had_replaced_is_not_counted(clinic: Clinic) {
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(3))).await.expect(201);
        let parcel = outbox::due(clinic.app.db.read(), clinic.now(), Class::Matters, 1).await.unwrap().remove(0);
        let claim = async || {
            let claimed = clinic.app.db.write(parcel.owner(), async move |tx: &Tx| outbox::claim(tx, parcel).await);
            claimed.await.unwrap().unwrap()
        };
        let replaced = claim().await;
        clinic.clock.advance(TimeDelta::seconds(16));
        let (at, claimed) = (clinic.now(), claim().await);
        // It is as late as it was when the host took it, however long that took to be written down.
        clinic.clock.advance(TimeDelta::seconds(5));
        for claim in [replaced, claimed] {
            let unit = async move |tx: &Tx| outbox::finish(tx, &claim, Attempt::Sent(Some(250)), at, 0).await;
            clinic.app.db.write(parcel.owner(), unit).await.unwrap();
        }
        let text = read(&clinic).await.1;
        let lateness = |what: &str| value(&text, &format!("afterglow_message_lateness_seconds_{what}{{class=\"matters\"}}")) as i64;
        assert_eq!((lateness("count"), lateness("sum")), (1, 16));
        assert!(!text.contains("afterglow_message_lateness_seconds_count{class=\"routine\"}"), "{text}");
    }

    async fn reminders_that_were_missed_or_of_which_nobody_knows_are_counted(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let worker = worker(&clinic, &post);
        assert_eq!(ended(&read(&clinic).await.1, "routine", "missed"), 0, "there from the start");
        remind(&clinic, &me, daily(&["12:00"])).await;
        clinic.clock.advance(TimeDelta::minutes(125));
        post.will([Mood::TakeAndHangUp]);
        worker.dispatch().await.unwrap();
        let text = read(&clinic).await.1;
        assert_eq!((ended(&text, "routine", "unknown"), ended(&text, "routine", "missed")), (1, 0), "{text}");
        // A day later the host was away for too long; and of the days of a standstill each is missed as it is written.
        clinic.clock.advance(TimeDelta::hours(27));
        worker.dispatch().await.unwrap();
        assert_eq!(ended(&read(&clinic).await.1, "routine", "missed"), 1);
        clinic.clock.advance(TimeDelta::days(4));
        worker.plan().await.unwrap();
        worker.dispatch().await.unwrap();
        let missed = ended(&read(&clinic).await.1, "routine", "missed");
        let inbox = clinic.get(&me, "/v1/patients/me/notifications").await.expect(200).json();
        let stored = inbox["items"].as_array().unwrap().iter().filter(|message| message["state"] == "missed").count();
        assert!(missed >= 4 && Ok(missed) == i64::try_from(stored), "{missed} {inbox:#}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_silent_is_told_in_time_with_all_that_is_known_without_it() {
    let (wire, place) = Wire::new().await;
    let clinic = Clinic::open(place).await;
    let text = read(&clinic).await.1;
    assert_eq!(value(&text, "afterglow_database_up") as i64, 1);
    assert_eq!(value(&text, &routine("afterglow_mails_due")) as i64, 0);
    // The pool may reach for another connection.
    wire.stay_silent();
    clinic.anonymous(Method::GET, "/v1/instruments?page=2").send().await.problem(400, "bad-request");
    let text = timeout(Duration::from_secs(2), read(&clinic)).await.expect("whoever watches does not wait longer").1;
    assert_eq!(value(&text, "afterglow_database_up") as i64, 0);
    assert_eq!(value(&text, "afterglow_requests_total{operation=\"instruments_list\",status=\"4xx\"}") as i64, 1);
    assert!(!text.contains("afterglow_mails_due{"), "nobody knows: {text}");
}

/// The first line of an answer on a connection of its own.
async fn ask(port: u16, path: &str) -> String {
    let connect = async {
        loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
                return stream;
            }
            tokio::task::yield_now().await;
        }
    };
    let mut stream = timeout(Duration::from_secs(10), connect).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_told_on_their_own_listener_and_not_to_the_world() {
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (place, port) = (Place::folder(), free());
    let vars = [("LISTEN", "127.0.0.1:0".into()), ("METRICS_LISTEN", format!("127.0.0.1:{port}"))];
    let config = Config::from(vars.map(|(name, value)| (format!("AFTERGLOW_{name}"), value)), None).unwrap();
    let app = App::open(config, Clock::system(), &place.place, Secret::random()).await.unwrap();
    let listener = server::listen(&app.config).await.unwrap();
    let main = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move { server::run(&app, listener).await });
    assert_eq!(ask(port, "/metrics").await, "HTTP/1.1 200 OK");
    assert_eq!(ask(port, "/v1/instruments").await, "HTTP/1.1 404 Not Found");
    assert_eq!(ask(main, "/metrics").await, "HTTP/1.1 404 Not Found");
    serving.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_tells_them_beside_its_pages() {
    let clinic = Clinic::on_sqlite().await;
    let service = http::service_with(&clinic.app, http::metrics::on(Route::new()));
    let answer = TestClient::new(service).get("/metrics").send().await.0;
    assert_eq!(answer.status().as_u16(), 200);
}
