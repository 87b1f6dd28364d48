//! Mails under bad hosts and dying workers: each once, or known not to be.

use crate::{
    metrics::read,
    on_both,
    reminders::{daily, inbox, remind, worker},
    support::{Clinic, Mood, Post},
};
use afterglow::{
    notify::Failure,
    store::{Tx, idempotency, notifications},
};
use chrono::TimeDelta;
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use uuid::Uuid;

/// A check-in that is due, and nothing else.
async fn due(clinic: &Clinic) -> Post {
    remind(clinic, &clinic.patient, daily(&["12:00"])).await;
    clinic.clock.advance(TimeDelta::hours(2));
    Post::new()
}

/// Today's message.
async fn message(clinic: &Clinic) -> Value {
    inbox(clinic).await.into_iter().find(|message| message["local_date"] == "2026-03-14").unwrap()
}

/// Does something to the database itself, on its writer. What shares its COMMIT with a unit that finds no room fails with
/// it, and is done again.
async fn run(clinic: &Clinic, statement: &'static str) {
    for _ in 0..1_000 {
        let unit = async move |tx: &Tx| {
            Ok(sea_orm::ConnectionTrait::execute_unprepared(tx.db(), statement).await.map(drop)?)
        };
        match clinic.app.db.write(clinic.patient.id, unit).await {
            Err(afterglow::error::Error::StorageFull) => {}
            done => return done.unwrap(),
        }
    }
    panic!("there was never room for {statement}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_is_known_as_sent_although_the_disk_was_full_when_it_left() {
    let clinic = Clinic::on_sqlite().await;
    let post = due(&clinic).await;
    let worker = worker(&clinic, &post);
    // To write down the fate of a mail takes more room than there is.
    run(&clinic, "CREATE TABLE filler (bytes blob)").await;
    let full = "CREATE TRIGGER fill AFTER UPDATE OF lease_until ON delivery WHEN new.lease_until IS NULL
                BEGIN INSERT INTO filler VALUES (zeroblob(4000000)); END";
    run(&clinic, full).await;
    run(&clinic, "PRAGMA max_page_count = 1").await;
    let sending = tokio::spawn(async move { worker.dispatch().await });
    while post.mails().is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..50 {
        run(&clinic, "SELECT 1").await;
    }
    assert_eq!(message(&clinic).await["state"], "sending");
    let counted =
        async |name: &str| read(&clinic).await.1.contains(&format!("\nafterglow_message_lateness_seconds_{name}"));
    assert!(!counted("count").await, "nor is anything counted that was not committed");
    run(&clinic, "PRAGMA max_page_count = 1000000").await;
    sending.await.unwrap().unwrap();
    assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("sent"), 1));
    assert!(counted("count{class=\"routine\"} 1\n").await);
}

on_both! {
    async fn a_host_that_is_not_there_is_asked_again_and_the_mail_arrives_once(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([None, Some(451), Some(421)].map(|answer| Mood::Refuse(Failure::Later(answer))));
        for attempt in 1..=3 {
            worker.tick().await.unwrap();
            assert_eq!(post.asked.load(Ordering::SeqCst), attempt);
            assert_eq!(message(&clinic).await["deliveries"][0]["attempts"], attempt);
            worker.tick().await.unwrap();
            assert_eq!(post.asked.load(Ordering::SeqCst), attempt, "not at once");
            clinic.clock.advance(TimeDelta::minutes(15));
        }
        worker.tick().await.unwrap();
        let sent = message(&clinic).await;
        assert_eq!((&sent["state"], &sent["deliveries"][0]["attempts"]), (&json!("sent"), &json!(4)));
        assert_eq!(post.mails().len(), 1);
    }

    async fn a_host_that_never_answers_makes_it_missed_in_the_end(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([Mood::Refuse(Failure::Later(None)); 1_000]);
        for _ in 0..130 {
            worker.dispatch().await.unwrap();
            clinic.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(message(&clinic).await["state"], "missed");
        let asked = post.asked.load(Ordering::SeqCst);
        assert!((6..=14).contains(&asked), "{asked} attempts in two hours");
    }

    async fn a_refused_address_is_not_tried_again(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([Mood::Refuse(Failure::Refused(550))]);
        for _ in 0..5 {
            worker.tick().await.unwrap();
            clinic.clock.advance(TimeDelta::minutes(10));
        }
        let failed = message(&clinic).await;
        assert_eq!((&failed["state"], &failed["deliveries"][0]["answer"]), (&json!("failed"), &json!(550)));
        assert_eq!((post.asked.load(Ordering::SeqCst), post.mails().len()), (1, 0));
    }

    async fn a_host_that_refuses_our_password_burns_no_attempt(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([Mood::Refuse(Failure::Closed(Some(535))); 30]);
        for _ in 0..30 {
            worker.tick().await.unwrap();
            clinic.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(message(&clinic).await["deliveries"][0]["attempts"], 0);
        worker.tick().await.unwrap();
        assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("sent"), 1));
    }

    async fn a_worker_that_dies_before_the_text_left_is_replaced(clinic: Clinic) {
        let post = due(&clinic).await;
        let (one, two) = (worker(&clinic, &post), worker(&clinic, &post));
        post.will([Mood::Stall]);
        let dying = tokio::spawn(async move { one.dispatch().await });
        post.stalled.notified().await;
        dying.abort();
        two.dispatch().await.unwrap();
        assert_eq!(post.mails().len(), 0, "the dead worker's lease still holds");
        clinic.clock.advance(TimeDelta::seconds(16));
        two.dispatch().await.unwrap();
        two.dispatch().await.unwrap();
        assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("sent"), 1));
    }

    async fn a_worker_that_dies_while_the_text_leaves_is_not_replaced(clinic: Clinic) {
        let post = due(&clinic).await;
        let (one, two) = (worker(&clinic, &post), worker(&clinic, &post));
        post.will([Mood::Hang]);
        let dying = tokio::spawn(async move { one.dispatch().await });
        post.hanging.notified().await;
        dying.abort();
        for _ in 0..12 {
            clinic.clock.advance(TimeDelta::minutes(1));
            two.dispatch().await.unwrap();
        }
        let unknown = message(&clinic).await;
        assert_eq!((&unknown["state"], &unknown["deliveries"][0]["state"]), (&json!("unknown"), &json!("unknown")));
        assert_eq!((post.asked.load(Ordering::SeqCst), post.mails().len()), (1, 0));
    }

    async fn a_host_that_hangs_up_after_the_text_may_have_it_and_gets_it_once(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([Mood::TakeAndHangUp]);
        for _ in 0..4 {
            worker.tick().await.unwrap();
            clinic.clock.advance(TimeDelta::minutes(20));
        }
        assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("unknown"), 1));
    }

    async fn a_worker_that_was_paused_cannot_send_what_another_has_sent(clinic: Clinic) {
        let post = due(&clinic).await;
        let (paused, other) = (worker(&clinic, &post), worker(&clinic, &post));
        post.will([Mood::Stall]);
        let resumed = tokio::spawn(async move { paused.dispatch().await });
        post.stalled.notified().await;
        clinic.clock.advance(TimeDelta::seconds(16));
        other.dispatch().await.unwrap();
        assert_eq!(post.mails().len(), 1);
        post.release.notify_one();
        resumed.await.unwrap().unwrap();
        assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("sent"), 1));
    }

    async fn what_is_stopped_while_a_host_dawdles_is_not_sent(clinic: Clinic) {
        let post = due(&clinic).await;
        let worker = worker(&clinic, &post);
        post.will([Mood::Stall]);
        let sending = tokio::spawn(async move { worker.dispatch().await });
        post.stalled.notified().await;
        let me = clinic.patient.clone();
        let reminder = clinic.get(&me, "/v1/patients/me/reminders").await.json()["items"][0].clone();
        let path = format!("/v1/patients/me/reminders/{}", reminder["id"].as_str().unwrap());
        clinic.call(&me, poem::http::Method::DELETE, &path).header("If-Match", "\"1\"").send().await.expect(204);
        post.release.notify_one();
        sending.await.unwrap().unwrap();
        assert_eq!(post.mails().len(), 0);
        crate::reminders::worker(&clinic, &post).dispatch().await.unwrap();
        assert_eq!((&message(&clinic).await["state"], post.mails().len()), (&json!("cancelled"), 0));
    }

    async fn many_workers_and_many_messages_each_arrives_once(clinic: Clinic) {
        for minute in 0..60 {
            remind(&clinic, &clinic.patient, daily(&[&format!("12:{minute:02}")])).await;
        }
        clinic.clock.advance(TimeDelta::hours(3));
        let post = Post::new();
        let workers = [(); 4].map(|()| worker(&clinic, &post));
        let [a, b, c, d] = &workers;
        let (a, b, c, d) = tokio::join!(a.dispatch(), b.dispatch(), c.dispatch(), d.dispatch());
        a.and(b).and(c).and(d).unwrap();
        workers[0].dispatch().await.unwrap();
        let mut ids: Vec<_> = post.mails().into_iter().map(|mail| mail.letter.id).collect();
        assert_eq!(ids.len(), 60);
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 60);
    }

    async fn a_member_is_told_of_a_flag_once_and_only_while_on_the_care_team(clinic: Clinic) {
        let (post, patient) = (Post::new(), clinic.patient.id);
        let flag = flagged(&clinic).await;
        let (therapist, prescriber) = (clinic.therapist.clone(), clinic.prescriber.clone());
        let outsider = clinic.new_member(afterglow::security::access::Roles::THERAPIST).await;
        let told = [therapist.id, prescriber.id, outsider.id];
        for _ in 0..2 {
            let unit = async move |tx: &Tx| {
                for member in told {
                    notifications::tell(tx, patient, member, &[(flag, 1)]).await?;
                }
                Ok(())
            };
            clinic.app.db.write(patient, unit).await.unwrap();
        }
        // A host without an answer: what matters comes again, under the same id.
        post.will([Mood::TakeAndHangUp]);
        let worker = worker(&clinic, &post);
        for _ in 0..3 {
            worker.tick().await.unwrap();
            clinic.clock.advance(TimeDelta::minutes(1));
        }
        let mails = post.mails();
        assert_eq!(mails.len(), 3, "one of them twice");
        assert_eq!(post.to(&outsider.email).len(), 0);
        let ids: std::collections::HashSet<_> = mails.iter().map(|mail| (&mail.letter.to, &mail.letter.id)).collect();
        assert_eq!(ids.len(), 2);
        assert!(mails.iter().all(|mail| !mail.raw.contains("List-Unsubscribe") && !mail.raw.contains("Imani")));
        assert_eq!(inbox(&clinic).await.len(), 0, "none of the patient's business");
    }

    async fn reminders_at_hosts_that_hang_hold_up_no_flag(clinic: Clinic) {
        for minute in 0..20 {
            remind(&clinic, &clinic.patient, daily(&[&format!("12:{minute:02}")])).await;
        }
        clinic.clock.advance(TimeDelta::hours(3));
        let post = Post::new();
        post.will([Mood::Hang; 12]);
        let worker = worker(&clinic, &post);
        let stuck = worker.clone();
        let stuck = tokio::spawn(async move { stuck.dispatch().await });
        let asked = || post.asked.load(std::sync::atomic::Ordering::SeqCst);
        while asked() < 12 {
            tokio::task::yield_now().await;
        }
        let (patient, therapist, flag) = (clinic.patient.id, clinic.therapist.id, flagged(&clinic).await);
        let unit = async move |tx: &Tx| notifications::tell(tx, patient, therapist, &[(flag, 1)]).await;
        clinic.app.db.write(patient, unit).await.unwrap();
        let told = async {
            while post.to(&clinic.therapist.email).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = told => {}
            done = worker.dispatch() => done.unwrap(),
        }
        assert_eq!((post.mails().len(), asked()), (1, 13), "the reminders still wait");
        stuck.abort();
    }

    async fn ten_hosts_that_hang_hold_up_no_other_flag(clinic: Clinic) {
        let (patient, therapist, flag) = (clinic.patient.id, clinic.therapist.id, flagged(&clinic).await);
        let unit = async move |tx: &Tx| {
            for step in 1..=11 {
                notifications::tell(tx, patient, therapist, &[(flag, step)]).await?;
            }
            Ok(())
        };
        clinic.app.db.write(patient, unit).await.unwrap();
        let post = Post::new();
        post.will([Mood::Hang; 10]);
        let worker = worker(&clinic, &post);
        let told = async {
            while post.to(&clinic.therapist.email).is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = told => {}
            done = worker.dispatch() => done.unwrap(),
            () = tokio::time::sleep(std::time::Duration::from_mins(1)) => panic!("they hold up the eleventh"),
        }
    }

    async fn what_is_over_is_forgotten(clinic: Clinic) {
        clinic.post(&clinic.patient, "/v1/patients/me/mood-scores", clinic.mood(5)).await.expect(201);
        let worker = worker(&clinic, &Post::new());
        let kept = async || entities::idempotency::Entity::find().all(clinic.app.db.read()).await.unwrap().len();
        clinic.clock.advance(TimeDelta::days(30));
        worker.sweep().await.unwrap();
        assert_eq!(kept().await, 1);
        clinic.clock.advance(TimeDelta::minutes(1));
        worker.sweep().await.unwrap();
        assert_eq!(kept().await, 0);
    }
}

on_both! {
    async fn what_is_over_is_forgotten_in_portions(clinic: Clinic) {
        let (owner, account, made) = (clinic.id, clinic.patient.id, clinic.now());
        let row = move |n: u32| entities::idempotency::ActiveModel {
            owner_id: Set(owner),
            account_id: Set(account),
            key: Set(n.to_string()),
            fingerprint: Set(vec![0; 32]),
            status: Set(201),
            record_id: Set(account),
            version: Set(1),
            created_at: Set(made.into()),
        };
        clinic.app.db.write(owner, async move |tx: &Tx| {
            entities::idempotency::Entity::insert_many((0..1200).map(row)).exec_without_returning(tx.db()).await?;
            Ok(())
        }).await.unwrap();
        let kept = async || entities::idempotency::Entity::find().all(clinic.app.db.read()).await.unwrap().len();
        clinic.clock.advance(TimeDelta::days(31));
        let more = clinic.app.db.write(owner, async |tx: &Tx| idempotency::sweep(tx).await).await.unwrap();
        assert_eq!((more, kept().await), (true, 700));
        worker(&clinic, &Post::new()).sweep().await.unwrap();
        assert_eq!(kept().await, 0);
    }
}

/// An open flag of the patient.
async fn flagged(clinic: &Clinic) -> Uuid {
    let (patient, id, now) = (clinic.patient.id, clinic.clock.new_id(), clinic.now());
    let row = entities::flag::ActiveModel {
        patient_id: Set(patient),
        id: Set(id),
        rule: Set("SI-01".into()),
        rule_version: Set(1),
        severity: Set(2),
        state: Set(0),
        opened_at: Set(now.into()),
        waits_since: Set(now.into()),
        newest_at: Set(now.into()),
        version: Set(1),
        ..Default::default()
    };
    let unit = async move |tx: &Tx| {
        entities::flag::Entity::insert(row.into_active_model()).exec_without_returning(tx.db()).await?;
        Ok(())
    };
    clinic.app.db.write(patient, unit).await.unwrap();
    id
}
