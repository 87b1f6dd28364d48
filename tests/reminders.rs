//! Reminders: from a planned session to a mail, and what patient and care team see of it.

use crate::{
    on_both,
    support::{Clinic, Person, Post},
};
use afterglow::{reminders::Worker, store::Tx};
use chrono::TimeDelta;
use entities::reminder;
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

const REMINDERS: &str = "/v1/patients/me/reminders";
pub const INBOX: &str = "/v1/patients/me/notifications";
const SESSION: &str = "0195a1c2-7b3e-7f01-8a55-3d2e9b6c4a10";

pub fn journal() -> Value {
    json!({ "kind": "journal", "active": true,
            "schedule": { "type": "relative", "to": "dosing-session", "offset": "PT4H" } })
}

pub fn daily(times: &[&str]) -> Value {
    json!({ "kind": "check-in", "active": true, "schedule": {
        "type": "recurring", "rrule": "FREQ=DAILY", "times": times, "starts_on": "2026-03-14", "zone": "follow" } })
}

pub fn worker(clinic: &Clinic, post: &Post) -> Worker {
    Worker::new(&clinic.app, Arc::new(post.clone()))
}

fn session(kind: &str, state: &str, starts_at: &str) -> Value {
    json!({ "kind": kind, "state": state, "starts_at": starts_at, "time_zone": "Europe/Berlin", "setting": "clinic" })
}

/// The therapist plans, moves or calls off the session.
pub async fn plan(clinic: &Clinic, held: Option<&str>, state: &str, starts_at: &str) -> String {
    let path = format!("/v1/patients/{}/sessions/{SESSION}", clinic.patient.id);
    let answer = clinic.put(&clinic.therapist, &path, held, session("dosing", state, starts_at)).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text);
    answer.etag.unwrap()
}

pub async fn inbox(clinic: &Clinic) -> Vec<Value> {
    clinic.get(&clinic.patient, INBOX).await.expect(200).json()["items"].as_array().unwrap().clone()
}

pub async fn remind(clinic: &Clinic, who: &Person, body: Value) -> Value {
    let path = format!("/v1/patients/{}/reminders", clinic.patient.id);
    clinic.call(who, Method::POST, &path).json(&body).send().await.expect(201).json()
}

fn states(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["state"].as_str().unwrap()).collect()
}

on_both! {
    async fn four_hours_after_a_dosing_session_a_mail_asks_for_the_journal(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let worker = worker(&clinic, &post);
        remind(&clinic, &me, journal()).await;
        plan(&clinic, None, "planned", "2026-03-14T11:00:00+01:00").await;
        let [message] = inbox(&clinic).await.try_into().unwrap();
        assert_eq!(message["due_at"], "2026-03-14T15:00:00.000000+01:00");
        assert_eq!((&message["state"], &message["slot"]), (&json!("scheduled"), &json!(SESSION)));
        assert_eq!(message["title"], "A few lines in your journal");
        clinic.clock.advance(TimeDelta::minutes(299));
        worker.tick().await.unwrap();
        assert_eq!(post.mails().len(), 0, "a minute early");
        clinic.clock.advance(TimeDelta::minutes(1));
        for _ in 0..3 {
            worker.tick().await.unwrap();
        }
        let [mail] = post.to(&me.email).try_into().unwrap();
        assert!(mail.letter.text().starts_with("A few lines in your journal\n"), "{}", mail.letter.text());
        assert!(mail.raw.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
        let [message] = inbox(&clinic).await.try_into().unwrap();
        assert_eq!((&message["state"], &message["deliveries"][0]["state"]), (&json!("sent"), &json!("sent")));
        assert_eq!((&message["deliveries"][0]["attempts"], &message["deliveries"][0]["answer"]), (&json!(1), &json!(250)));
    }

    async fn a_session_that_moves_takes_its_message_along_and_one_called_off_takes_it_away(clinic: Clinic) {
        remind(&clinic, &clinic.patient, journal()).await;
        let tag = plan(&clinic, None, "planned", "2026-03-14T11:00:00+01:00").await;
        let [first] = inbox(&clinic).await.try_into().unwrap();
        // To the next day, so late that quiet hours move it on to the morning after.
        let tag = plan(&clinic, Some(&tag), "planned", "2026-03-15T18:30:00+01:00").await;
        let [moved] = inbox(&clinic).await.try_into().unwrap();
        assert_eq!((&moved["id"], &moved["state"]), (&first["id"], &json!("scheduled")));
        assert_eq!((&moved["due_at"], &moved["local_date"]), (&json!("2026-03-16T07:00:00.000000+01:00"), &json!("2026-03-15")));
        let tag = plan(&clinic, Some(&tag), "cancelled", "2026-03-15T18:30:00+01:00").await;
        assert_eq!(states(&inbox(&clinic).await), ["cancelled"]);
        let tag = plan(&clinic, Some(&tag), "planned", "2026-03-15T10:00:00+01:00").await;
        let [again] = inbox(&clinic).await.try_into().unwrap();
        assert_eq!((&again["state"], &again["due_at"]), (&json!("scheduled"), &json!("2026-03-15T14:00:00.000000+01:00")));
        let path = format!("/v1/patients/{}/sessions/{SESSION}", clinic.patient.id);
        clinic.call(&clinic.therapist, Method::DELETE, &path).header("If-Match", &tag).send().await.expect(204);
        assert_eq!(states(&inbox(&clinic).await), ["cancelled"]);
    }

    async fn other_sessions_and_other_patients_cause_nothing(clinic: Clinic) {
        remind(&clinic, &clinic.patient, journal()).await;
        let path = format!("/v1/patients/{}/sessions", clinic.patient.id);
        let integration = session("integration", "planned", "2026-03-14T11:00:00+01:00");
        clinic.post(&clinic.therapist, &path, integration).await.expect(201);
        let other = clinic.new_patient().await;
        let path = format!("/v1/patients/{}/sessions", other.id);
        clinic.post(&clinic.therapist, &path, session("dosing", "planned", "2026-03-14T11:00:00+01:00")).await.expect(201);
        assert_eq!(inbox(&clinic).await.len(), 0);
    }

    async fn a_session_noted_long_afterwards_is_missed_and_a_new_reminder_lets_old_sessions_be(clinic: Clinic) {
        remind(&clinic, &clinic.patient, journal()).await;
        plan(&clinic, None, "completed", "2026-03-14T03:30:00+01:00").await;
        assert_eq!(states(&inbox(&clinic).await), ["missed"]);
        remind(&clinic, &clinic.patient, journal()).await;
        assert_eq!(inbox(&clinic).await.len(), 1);
    }

    async fn who_wrote_already_is_not_asked(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        remind(&clinic, &me, journal()).await;
        plan(&clinic, None, "completed", "2026-03-14T09:00:00+01:00").await;
        let entry = |at: &str| json!({ "occurred_at": at, "time_zone": "Europe/Berlin", "body": "The sea." });
        clinic.post(&me, "/v1/patients/me/journal-entries", entry("2026-03-14T08:59:00+01:00")).await.expect(201);
        assert_eq!(states(&inbox(&clinic).await), ["scheduled"], "written before the session");
        clinic.post(&me, "/v1/patients/me/journal-entries", entry("2026-03-14T09:30:00+01:00")).await.expect(201);
        let [message] = inbox(&clinic).await.try_into().unwrap();
        assert_eq!((&message["state"], &message["deliveries"][0]["state"]), (&json!("skipped"), &json!("suppressed")));
        clinic.clock.advance(TimeDelta::hours(4));
        worker(&clinic, &post).tick().await.unwrap();
        assert_eq!(post.mails().len(), 0);
    }

    async fn a_daily_check_in_comes_once_a_day_at_nine_on_the_patients_wall_whoever_plans(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        remind(&clinic, &me, daily(&["09:00"])).await;
        let (one, two) = (worker(&clinic, &post), worker(&clinic, &post));
        // Two weeks in steps of half an hour, over the night in which the clocks change.
        for _ in 0..(15 * 48) {
            let (first, second) = tokio::join!(one.tick(), two.tick());
            first.and(second).unwrap();
            clinic.clock.advance(TimeDelta::minutes(30));
        }
        let days: Vec<_> = inbox(&clinic).await.into_iter().filter(|message| message["state"] == "sent").collect();
        assert_eq!((days.len(), post.to(&me.email).len()), (15, 15));
        let due: Vec<_> = days.iter().rev().map(|message| message["due_at"].as_str().unwrap()).collect();
        assert_eq!((due[0], due[13]), ("2026-03-15T09:00:00.000000+01:00", "2026-03-28T09:00:00.000000+01:00"));
        assert_eq!(due[14], "2026-03-29T09:00:00.000000+02:00", "nine stays nine in summer time");
    }

    async fn after_a_standstill_the_last_two_hours_are_sent_and_the_rest_is_missed(clinic: Clinic) {
        let post = Post::new();
        remind(&clinic, &clinic.patient, daily(&["09:00", "11:30", "12:30"])).await;
        clinic.clock.advance(TimeDelta::days(5) + TimeDelta::hours(3));
        // It is 13:00 there.
        worker(&clinic, &post).tick().await.unwrap();
        assert_eq!(post.mails().len(), 2);
        let all = inbox(&clinic).await;
        let missed = all.iter().filter(|message| message["state"] == "missed").count();
        // 11:30 and 12:30 of the first day, three slots of four days, 09:00 of the last.
        assert_eq!(missed, 2 + 4 * 3 + 1, "{all:#?}");
    }

    async fn a_check_in_that_was_made_needs_no_reminder(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let worker = worker(&clinic, &post);
        remind(&clinic, &me, daily(&["12:00", "18:00"])).await;
        clinic.post(&me, "/v1/patients/me/mood-scores", clinic.mood(6)).await.expect(201);
        clinic.clock.advance(TimeDelta::hours(2));
        worker.tick().await.unwrap();
        assert_eq!(post.mails().len(), 0, "done since the day began");
        clinic.clock.advance(TimeDelta::hours(6));
        worker.tick().await.unwrap();
        assert_eq!(post.mails().len(), 1, "not done since noon");
    }

    async fn one_click_in_the_mail_stops_that_reminder_and_reading_the_page_does_not(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let worker = worker(&clinic, &post);
        let reminder = remind(&clinic, &me, daily(&["12:00"])).await;
        let other = remind(&clinic, &me, daily(&["12:00"])).await;
        clinic.clock.advance(TimeDelta::hours(2));
        worker.tick().await.unwrap();
        let mails = post.to(&me.email);
        assert_eq!(mails.len(), 2);
        let link = mails[0].letter.words.stop().unwrap().to_owned();
        assert!(mails[0].raw.contains(&format!("List-Unsubscribe: <{link}>")) || mails[0].raw.contains("List-Unsubscribe: <http"));
        let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
        for _ in 0..50 {
            let page = clinic.anonymous(Method::GET, path).send().await.expect(200);
            assert!(page.text.contains("<form method=\"post\""), "{}", page.text);
        }
        let active = async || {
            let items = clinic.get(&me, REMINDERS).await.json()["items"].as_array().unwrap().clone();
            items.iter().map(|item| (item["id"].clone(), item["active"] == true)).collect::<Vec<_>>()
        };
        assert!(active().await.iter().all(|(_, active)| *active));
        for _ in 0..3 {
            let form = "List-Unsubscribe=One-Click";
            let call = clinic.anonymous(Method::POST, path).bytes("application/x-www-form-urlencoded", form);
            call.send().await.expect(200);
        }
        let after = active().await;
        assert_eq!(after.iter().filter(|(_, active)| *active).count(), 1, "only that one");
        let stopped = after.iter().find(|(_, active)| !active).unwrap().0.clone();
        assert!(stopped == reminder["id"] || stopped == other["id"]);
        clinic.clock.advance(TimeDelta::days(1));
        worker.tick().await.unwrap();
        assert_eq!(post.to(&me.email).len(), 3);
        // A link of somebody's own making, and one that is too old.
        let forged = format!("{}A", &path[..path.len() - 1]);
        let forged = if forged == path { format!("{}B", &path[..path.len() - 1]) } else { forged };
        clinic.anonymous(Method::POST, &forged).send().await.problem(404, "not-found");
        clinic.clock.advance(TimeDelta::days(30));
        clinic.anonymous(Method::POST, path).send().await.problem(404, "not-found");
    }

    async fn the_patient_reads_puts_off_and_skips(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let worker = worker(&clinic, &post);
        remind(&clinic, &me, daily(&["12:00", "13:00"])).await;
        let today: Vec<_> = inbox(&clinic).await.into_iter().filter(|message| message["local_date"] == "2026-03-14").collect();
        let [one, noon] = today.try_into().unwrap();
        let verb = |message: &Value, verb: &str| format!("{INBOX}/{}/{verb}", message["id"].as_str().unwrap());
        let skipped = clinic.call(&me, Method::POST, &verb(&one, "skip")).send().await.expect(200).json();
        assert_eq!(skipped["state"], "skipped");
        clinic.call(&me, Method::POST, &verb(&one, "skip")).send().await.expect(200);
        let snooze = |until: &str| json!({ "until": until });
        let path = verb(&noon, "snooze");
        for wrong in ["2026-03-14T09:00:00Z", "2026-03-22T09:00:01Z"] {
            let answer = clinic.call(&me, Method::POST, &path).json(&snooze(wrong)).send().await;
            answer.problem(422, "invalid");
        }
        let later = clinic.call(&me, Method::POST, &path).json(&snooze("2026-03-14T23:00:00+01:00")).send().await;
        assert_eq!(later.expect(200).json()["due_at"], "2026-03-14T23:00:00.000000+01:00");
        clinic.clock.advance(TimeDelta::hours(4));
        worker.tick().await.unwrap();
        assert_eq!(post.mails().len(), 0);
        clinic.clock.advance(TimeDelta::hours(9));
        worker.tick().await.unwrap();
        assert_eq!(post.mails().len(), 1, "at the time of their choice, quiet hours or not");
        clinic.call(&me, Method::POST, &verb(&noon, "skip")).send().await.problem(409, "impossible-step");
        let read = clinic.call(&me, Method::POST, &verb(&noon, "read")).send().await.expect(200).json();
        assert!(read["read_at"].is_string());
        // Once more, since they ask for it: another mail, not the same one again.
        let again = clinic.call(&me, Method::POST, &path).json(&snooze("2026-03-15T10:00:00+01:00")).send().await;
        assert_eq!(again.expect(200).json()["state"], "scheduled");
        clinic.clock.advance(TimeDelta::hours(11));
        worker.tick().await.unwrap();
        let mails = post.mails();
        assert_eq!(mails.len(), 2);
        assert_ne!(mails[0].letter.id, mails[1].letter.id);
        let path = format!("/v1/patients/{}/notifications/{}/skip", me.id, one["id"].as_str().unwrap());
        clinic.call(&clinic.therapist, Method::POST, &path).send().await.problem(403, "forbidden");
    }

    async fn a_reminder_is_written_replaced_and_deleted_like_anything_else(clinic: Clinic) {
        let me = clinic.patient.clone();
        let made = remind(&clinic, &clinic.therapist, daily(&["12:00"])).await;
        assert_eq!((&made["source"], &made["version"]), (&json!("care-team"), &json!(1)));
        let path = format!("{REMINDERS}/{}", made["id"].as_str().unwrap());
        assert_eq!(clinic.get(&me, &path).await.expect(200).json(), made);
        clinic.put(&me, &path, None, daily(&["13:00"])).await.problem(428, "precondition-required");
        clinic.put(&me, &path, None, daily(&["12:00"])).await.expect(200);
        let stale = clinic.put(&me, &path, Some("\"7\""), daily(&["13:00"])).await.problem(412, "stale");
        assert_eq!(stale["current"]["id"], made["id"]);
        let replaced = clinic.put(&me, &path, Some("\"1\""), daily(&["13:00"])).await.expect(200);
        assert_eq!(replaced.etag.as_deref(), Some("\"2\""));
        assert_eq!(replaced.json()["source"], "care-team", "it stays who set it up");
        let due: Vec<_> = inbox(&clinic).await.iter().map(|message| message["slot"].clone()).collect();
        assert!(due.iter().all(|slot| slot == "13:00") && !due.is_empty(), "{due:?}");
        let mut off = daily(&["13:00"]);
        off["active"] = json!(false);
        clinic.put(&me, &path, Some("\"2\""), off).await.expect(200);
        assert!(states(&inbox(&clinic).await).iter().all(|state| *state == "cancelled"));
        clinic.put(&me, &path, Some("\"3\""), daily(&["13:00"])).await.expect(200);
        assert!(states(&inbox(&clinic).await).iter().all(|state| *state == "scheduled"));
        clinic.call(&me, Method::DELETE, &path).header("If-Match", "\"4\"").send().await.expect(204);
        clinic.call(&me, Method::DELETE, &path).header("If-Match", "\"4\"").send().await.expect(204);
        clinic.get(&me, &path).await.problem(404, "not-found");
        clinic.put(&me, &path, None, daily(&["13:00"])).await.problem(410, "gone");
        assert!(states(&inbox(&clinic).await).iter().all(|state| *state == "cancelled"));
    }

    async fn a_title_of_ones_own_stands_in_the_inbox_and_in_no_mail(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let mut custom = daily(&["12:00"]);
        (custom["kind"], custom["title"]) = (json!("custom"), json!("Call Miriam about the dose 🌊"));
        let without = json!({ "kind": "custom", "active": true, "schedule": custom["schedule"] });
        let answer = clinic.call(&me, Method::POST, REMINDERS).json(&without).send().await;
        answer.problem(422, "invalid");
        assert_eq!(answer.pointers(), ["/title"]);
        remind(&clinic, &me, custom).await;
        clinic.clock.advance(TimeDelta::hours(2));
        worker(&clinic, &post).tick().await.unwrap();
        let [mail] = post.mails().try_into().unwrap();
        assert!(!mail.raw.contains("Miriam") && !mail.letter.html().contains("Miriam"));
        assert_eq!(mail.letter.words.subject(), "A small reminder from Afterglow");
        assert!(inbox(&clinic).await.iter().all(|message| message["title"] == "Call Miriam about the dose 🌊"));
    }

    async fn every_fault_of_a_schedule_is_named_at_once(clinic: Clinic) {
        let wrong = json!({ "kind": "check-in", "active": true, "schedule": {
            "type": "recurring", "rrule": "FREQ=HOURLY", "times": ["25:00", "9:00"], "starts_on": "2026-03-14",
            "zone": "pinned", "offset": "PT4H" } });
        let answer = clinic.call(&clinic.patient, Method::POST, REMINDERS).json(&wrong).send().await;
        answer.problem(422, "invalid");
        let pointers = ["offset", "rrule", "time_zone", "times/0", "times/1"].map(|name| format!("/schedule/{name}"));
        assert_eq!(answer.pointers(), pointers);
        assert!(!answer.text.contains("HOURLY") && !answer.text.contains("25:00"));
    }

    async fn a_hundred_reminders_and_no_more(clinic: Clinic) {
        for _ in 0..100 {
            remind(&clinic, &clinic.patient, journal()).await;
        }
        let answer = clinic.call(&clinic.patient, Method::POST, REMINDERS).json(&journal()).send().await;
        answer.problem(409, "impossible-step");
    }

    async fn a_repeated_post_with_its_key_makes_one_reminder(clinic: Clinic) {
        let send = async || {
            let call = clinic.call(&clinic.patient, Method::POST, REMINDERS).header("Idempotency-Key", "once");
            call.json(&journal()).send().await.expect(201).text
        };
        assert_eq!(send().await, send().await);
        assert_eq!(clinic.get(&clinic.patient, REMINDERS).await.json()["items"].as_array().unwrap().len(), 1);
    }

    async fn nobody_else_sees_or_sets_reminders(clinic: Clinic) {
        let made = remind(&clinic, &clinic.patient, journal()).await;
        let path = format!("/v1/patients/{}/reminders/{}", clinic.patient.id, made["id"].as_str().unwrap());
        let stranger = clinic.new_patient().await;
        clinic.get(&stranger, &path).await.problem(404, "not-found");
        clinic.get(&clinic.admin, &path).await.problem(403, "forbidden");
        let own = format!("/v1/patients/me/reminders/{}", made["id"].as_str().unwrap());
        clinic.get(&stranger, &own).await.problem(404, "not-found");
        clinic.get(&clinic.therapist, &path).await.expect(200);
        clinic.anonymous(Method::GET, &path).send().await.problem(401, "unauthenticated");
    }

    async fn what_is_to_come_is_listed_as_the_sender_will_send_it(clinic: Clinic) {
        let (post, me) = (Post::new(), clinic.patient.clone());
        let made = remind(&clinic, &me, daily(&["02:30", "12:00"])).await;
        let path = format!("{REMINDERS}/{}/occurrences", made["id"].as_str().unwrap());
        let page = clinic.get(&me, &format!("{path}?from=2026-03-28&to=2026-03-30")).await.expect(200).json();
        let told: Vec<_> = page["items"].as_array().unwrap().iter().map(|item| {
            (item["due_at"].as_str().unwrap().to_owned(), item["moved_by"].as_str().map(str::to_owned))
        }).collect();
        // Quiet hours until seven move the night's slot, skipped hour or not.
        let quiet = Some("quiet-hours".to_owned());
        assert_eq!(told, [
            ("2026-03-28T07:00:00.000000+01:00".to_owned(), quiet.clone()), ("2026-03-28T12:00:00.000000+01:00".to_owned(), None),
            ("2026-03-29T07:00:00.000000+02:00".to_owned(), quiet.clone()), ("2026-03-29T12:00:00.000000+02:00".to_owned(), None),
            ("2026-03-30T07:00:00.000000+02:00".to_owned(), quiet), ("2026-03-30T12:00:00.000000+02:00".to_owned(), None),
        ]);
        let worker = worker(&clinic, &post);
        for _ in 0..(17 * 24) {
            clinic.clock.advance(TimeDelta::hours(1));
            worker.tick().await.unwrap();
        }
        let sent = clinic.get(&me, &format!("{path}?from=2026-03-28&to=2026-03-30")).await.expect(200).json();
        let done: Vec<_> = sent["items"].as_array().unwrap().iter().map(|item| item["due_at"].as_str().unwrap().to_owned()).collect();
        assert_eq!(done, told.iter().map(|(due, _)| due.clone()).collect::<Vec<_>>());
        assert!(sent["items"].as_array().unwrap().iter().all(|item| item["state"] == "sent"));
        let first = clinic.get(&me, &format!("{path}?from=2026-03-28&to=2026-03-30&limit=4")).await.json();
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = clinic.get(&me, &format!("{path}?from=2026-03-28&to=2026-03-30&limit=4&cursor={cursor}")).await.json();
        assert_eq!((second["items"].as_array().unwrap().len(), &second["next_cursor"]), (2, &Value::Null));
        clinic.get(&me, &format!("{path}?from=x")).await.problem(400, "bad-request");
        clinic.get(&me, &format!("{path}?from=2026-03-28&to=2028-03-28")).await.problem(400, "bad-request");
    }

    async fn what_is_to_come_begins_today_where_the_patient_is(clinic: Clinic) {
        let made = remind(&clinic, &clinic.patient, daily(&["09:00"])).await;
        // Half past midnight in Berlin, still yesterday in Greenwich.
        clinic.clock.advance(TimeDelta::minutes(14 * 60 + 30));
        let path = format!("{REMINDERS}/{}/occurrences", made["id"].as_str().unwrap());
        let page = clinic.get(&clinic.patient, &path).await.expect(200).json();
        assert_eq!(page["items"][0]["local_date"], "2026-03-15");
        assert_eq!(page["items"].as_array().unwrap().len(), 31);
    }

    async fn a_reminder_that_cannot_be_read_stops_nobody(clinic: Clinic) {
        let (me, other) = (clinic.patient.clone(), clinic.new_patient().await);
        // Both kinds that a journal entry and a session ask about, with messages that wait.
        let mut daily_journal = daily(&["20:00"]);
        daily_journal["kind"] = json!("journal");
        for body in [daily_journal, journal(), daily(&["09:00"])] {
            let id: Uuid = remind(&clinic, &me, body).await["id"].as_str().unwrap().parse().unwrap();
            let unit = reminder::Entity::update_many()
                .col_expr(reminder::Column::Schedule, Expr::value("{\"type\":\"tides\"}"))
                .filter(reminder::Column::Id.eq(id));
            clinic.app.db.write(me.id, async move |tx: &Tx| Ok(unit.exec(tx.db()).await?)).await.unwrap();
        }
        plan(&clinic, None, "planned", "2026-03-16T10:00:00+01:00").await;
        let entry = json!({ "occurred_at": clinic.now().to_rfc3339(), "time_zone": "Europe/Berlin", "body": "Calm.", "visibility": "private" });
        clinic.post(&me, "/v1/patients/me/journal-entries", entry).await.expect(201);
        let zone = clinic.call(&me, Method::PATCH, "/v1/patients/me").header("If-Match", "\"1\"");
        zone.json(&json!({ "time_zone": "Europe/Lisbon" })).send().await.expect(200);

        let path = "/v1/patients/me/reminders";
        let theirs = clinic.call(&other, Method::POST, path).json(&daily(&["09:00"])).send().await.expect(201).json();
        clinic.clock.advance(TimeDelta::days(3));
        worker(&clinic, &Post::new()).plan().await.unwrap();
        let path = format!("{path}/{}/occurrences", theirs["id"].as_str().unwrap());
        let planned = clinic.get(&other, &format!("{path}?from=2026-03-17&to=2026-03-18")).await.expect(200).json();
        let written: Vec<_> = planned["items"].as_array().unwrap().iter().map(|item| item["notification_id"].is_string()).collect();
        assert_eq!(written, [true, true], "{planned}");
    }

    async fn the_inbox_comes_page_by_page_latest_first(clinic: Clinic) {
        remind(&clinic, &clinic.patient, daily(&["12:00", "13:00", "14:00"])).await;
        let all = inbox(&clinic).await;
        assert_eq!(all.len(), 9);
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = clinic.get(&clinic.patient, &format!("{INBOX}?limit=4{cursor}")).await.expect(200).json();
            paged.extend(page["items"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(paged, all);
        let theirs = format!("/v1/patients/{}/notifications?to=2026-03-14T12:30:00Z", clinic.patient.id);
        assert_eq!(clinic.get(&clinic.therapist, &theirs).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
    }
}
