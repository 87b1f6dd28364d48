//! What happens, as it happens: who hears of what.

use crate::{
    flags::{ASSESSMENTS, flags, phq_9, verb},
    on_both,
    reminders::worker,
    support::{Call, Clinic, Mood, Person, Post},
};
use afterglow::{
    domain::{accounts::AccountKind, sign_in::SignInKind},
    notify::Failure,
    security::access::Roles,
    store::{
        Tx,
        sign_ins::{self, Opening},
    },
};
use chrono::TimeDelta;
use poem::{Response, http::Method};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};

const EVENTS: &str = "/v1/events";
/// Far more than a stream needs to notice that its sign-in is over.
const PATIENCE: Duration = Duration::from_mins(2);

struct Listening(Lines<Box<dyn AsyncBufRead + Unpin + Send>>);

/// Listens; whatever is written from now on is heard.
async fn listen(clinic: &Clinic, who: &Person) -> Listening {
    listening(clinic.call(who, Method::GET, EVENTS)).await
}

async fn listening(call: Call<'_>) -> Listening {
    let response: Response = call.open().await;
    assert_eq!(response.content_type(), Some("text/event-stream"));
    let body: Box<dyn AsyncBufRead + Unpin + Send> =
        Box::new(BufReader::new(Box::pin(response.into_body().into_async_read())));
    Listening(body.lines())
}

impl Listening {
    /// The next event: its name and its data.
    async fn next(&mut self) -> (String, Value) {
        let mut name = String::new();
        loop {
            let line = self.0.next_line().await.unwrap().expect("the stream ended");
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return (name, serde_json::from_str(data).unwrap());
            }
        }
    }

    /// The first line, without waiting for anything to happen.
    async fn greeting(&mut self) -> String {
        self.0.next_line().await.unwrap().expect("the stream ended")
    }

    async fn ended(mut self) -> bool {
        let end = async {
            while let Some(line) = self.0.next_line().await.unwrap() {
                assert!(!line.starts_with("data:"), "{line}");
            }
        };
        tokio::time::timeout(PATIENCE, end).await.is_ok()
    }
}

/// The cookie of somebody who signs in to the pages.
async fn cookie(clinic: &Clinic, who: &Person) -> String {
    let id = who.id;
    let unit =
        async move |tx: &Tx| sign_ins::begin(tx, id, AccountKind::Patient, Roles::PATIENT, SignInKind::Cookie).await;
    let Opening::Cookie(token) = clinic.app.db.write(id, unit).await.unwrap().given else { panic!("a cookie") };
    format!("afterglow={}", token.reveal())
}

fn entry(clinic: &Clinic, visibility: &str) -> Value {
    json!({ "occurred_at": clinic.now().to_rfc3339(), "time_zone": "Europe/Berlin", "body": "x", "visibility": visibility })
}

on_both! {
    async fn the_care_team_hears_of_a_record_by_its_ids_alone(clinic: Clinic) {
        let mut therapist = listen(&clinic, &clinic.therapist).await;
        let made = clinic.post(&clinic.patient, "/v1/patients/me/mood-scores", clinic.mood(2)).await.expect(201).json();
        let heard = therapist.next().await;
        assert_eq!(heard, ("record".into(), json!({ "patient_id": clinic.patient.id.to_string(), "id": made["id"] })));
    }

    async fn whoever_listens_knows_at_once_that_they_are_connected(clinic: Clinic) {
        assert_eq!(listen(&clinic, &clinic.patient).await.greeting().await, ": listening");
    }

    async fn what_is_private_is_heard_by_the_patient_alone(clinic: Clinic) {
        let (mut therapist, mut patient) =
            (listen(&clinic, &clinic.therapist).await, listen(&clinic, &clinic.patient).await);
        let path = "/v1/patients/me/journal-entries";
        let private = clinic.post(&clinic.patient, path, entry(&clinic, "private")).await.expect(201).json();
        assert_eq!(patient.next().await.1["id"], private["id"]);
        let shared = clinic.post(&clinic.patient, path, entry(&clinic, "shared")).await.expect(201).json();
        assert_eq!(therapist.next().await.1["id"], shared["id"]);
        assert_eq!(patient.next().await.1["id"], shared["id"]);
        // Nor is anybody told that it is gone.
        for gone in [&private, &shared] {
            let path = format!("{path}/{}", gone["id"].as_str().unwrap());
            clinic.call(&clinic.patient, Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
            assert_eq!(patient.next().await.1["id"], gone["id"]);
        }
        assert_eq!(therapist.next().await.1["id"], shared["id"]);
    }

    async fn nobody_hears_of_those_they_may_not_see(clinic: Clinic) {
        let (other, admin) = (clinic.new_patient().await, clinic.admin.clone());
        let (mut listening, admin) = (listen(&clinic, &other).await, listen(&clinic, &admin).await);
        clinic.post(&clinic.patient, "/v1/patients/me/mood-scores", clinic.mood(2)).await.expect(201);
        let own = clinic.post(&other, "/v1/patients/me/mood-scores", clinic.mood(3)).await.expect(201).json();
        assert_eq!(listening.next().await.1["id"], own["id"]);
        clinic.app.stopping.send_replace(true);
        assert!(admin.ended().await);
    }

    async fn a_member_hears_of_those_in_their_care_and_a_patient_of_no_flag(clinic: Clinic) {
        let (other, member) = (clinic.new_patient().await, clinic.new_member(Roles::THERAPIST).await);
        clinic.care(&member, &other, 0..=1).await;
        let (mut member, mut patient) = (listen(&clinic, &member).await, listen(&clinic, &clinic.patient).await);
        // Raises a flag, and tells the care team of it.
        let answers = json!({ "1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1, "7": 1, "8": 1, "9": 3 });
        let form = json!({ "occurred_at": clinic.now().to_rfc3339(), "time_zone": "Europe/Berlin", "instrument": "phq-9",
                           "answers": answers, "answered_by": "self" });
        let form = clinic.post(&clinic.patient, "/v1/patients/me/assessments", form).await.expect(201).json();
        let mood = clinic.post(&clinic.patient, "/v1/patients/me/mood-scores", clinic.mood(2)).await.expect(201).json();
        let heard = [patient.next().await, patient.next().await];
        assert_eq!(heard.each_ref().map(|(name, _)| name.as_str()), ["record", "record"]);
        assert_eq!(heard.map(|(_, data)| data["id"].clone()), [form["id"].clone(), mood["id"].clone()]);
        let own = clinic.post(&other, "/v1/patients/me/mood-scores", clinic.mood(3)).await.expect(201).json();
        assert_eq!(member.next().await.1["id"], own["id"], "nothing of the other patient came before");
    }

    async fn whoever_has_a_flag_before_them_hears_that_somebody_was_not_told_of_it(clinic: Clinic) {
        for (me, is_taken_on) in [(clinic.patient.clone(), true), (clinic.new_patient().await, false)] {
            clinic.post(&me, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
            let mut found = flags(&clinic, "").await;
            found.retain(|flag| flag["patient_id"] == me.id.to_string());
            let flag = found.remove(0);
            if is_taken_on {
                verb(&clinic, &clinic.prescriber, &flag, "acknowledge", json!({})).await.expect(200);
            }
            let mut listening = listen(&clinic, &clinic.therapist).await;
            let post = Post::new();
            post.will([Mood::Refuse(Failure::Refused(550))]);
            worker(&clinic, &post).dispatch().await.unwrap();
            clinic.post(&me, "/v1/patients/me/mood-scores", clinic.mood(8)).await.expect(201);
            let (name, data) = listening.next().await;
            assert_eq!((name.as_str(), &data["id"]), ("flag", &flag["id"]), "whether or not somebody has taken it on");
        }
    }

    async fn a_stream_ends_with_its_sign_in_and_others_go_on(clinic: Clinic) {
        let (leaves, reads, ends) = (&clinic.patient, clinic.new_patient().await, &clinic.prescriber);
        let cookie = cookie(&clinic, &reads).await;
        let mut streams = [
            listen(&clinic, leaves).await,
            listen(&clinic, ends).await,
            listening(clinic.anonymous(Method::GET, EVENTS).header("Cookie", &cookie)).await,
        ];
        let mut other = listen(&clinic, &clinic.therapist).await;
        for stream in &mut streams {
            assert_eq!(stream.greeting().await, ": listening");
        }
        let [left, revoked, idle] = streams;
        clinic.call(leaves, Method::POST, "/v1/auth/logout").send().await.expect(204);
        assert!(left.ended().await, "signed out");
        let member = format!("/v1/clinic/members/{}", ends.id);
        clinic.call(&clinic.admin, Method::DELETE, &member).header("If-Match", "\"1\"").send().await.expect(204);
        assert!(revoked.ended().await, "a member no more");
        // An open stream is no use of the pages.
        clinic.clock.advance(TimeDelta::minutes(15));
        assert!(idle.ended().await, "idle for a quarter of an hour");
        let made = clinic.post(&reads, "/v1/patients/me/mood-scores", clinic.mood(3)).await.expect(201).json();
        assert_eq!(other.next().await.1["id"], made["id"]);
    }

    async fn an_account_has_so_many_streams_and_gets_them_back(clinic: Clinic) {
        let mut open = Vec::new();
        for _ in 0..64 {
            open.push(listen(&clinic, &clinic.therapist).await);
        }
        clinic.get(&clinic.therapist, EVENTS).await.problem(429, "too-many-attempts");
        open.pop();
        open.push(listen(&clinic, &clinic.therapist).await);
        clinic.anonymous(Method::GET, EVENTS).send().await.problem(401, "unauthenticated");
    }
}
