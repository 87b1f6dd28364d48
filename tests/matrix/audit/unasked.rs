//! What is done without a request that somebody signed in has made: by the link in a mail, by the worker, from the command
//! line.

use super::{newest, since};
use crate::{
    demo::Empty,
    flags::{ASSESSMENTS, phq_9},
    on_both,
    reminders::{daily, remind, worker},
    support::{Place, Post},
};
use afterglow::{
    app::App,
    cli::invite_admin::{InviteAdmin, invite},
};
use chrono::TimeDelta;
use entities::{audit, invitation, patient};
use poem::http::Method;
use sea_orm::{EntityTrait, QueryOrder};
use uuid::Uuid;

/// What a line says of what was done: the operation, whose data, which of it, the version that was made.
fn what(line: &audit::Model) -> (&str, Option<Uuid>, Option<Uuid>, Option<i64>) {
    (line.operation.as_str(), line.patient_id, line.record_id, line.version)
}

on_both! {
    async fn a_reminder_that_is_stopped_by_its_link_leaves_one_line_and_the_worker_none(clinic: Clinic) {
        let (post, me) = (Post::new(), &clinic.patient);
        let reminder: Uuid = remind(&clinic, me, daily(&["12:00"])).await["id"].as_str().unwrap().parse().unwrap();
        clinic.post(me, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        clinic.clock.advance(TimeDelta::hours(2));
        let before = newest(&clinic).await;
        // Carries on, sends the reminder and tells the care team of the flag, and forgets what is over.
        worker(&clinic, &post).tick().await.unwrap();
        assert!(post.to(&me.email).len() == 1 && !post.to(&clinic.therapist.email).is_empty());
        assert_eq!(since(&clinic, before).await, []);
        let mail = post.to(&me.email).remove(0);
        let link = mail.letter.words.stop().unwrap().to_owned();
        let path = link.strip_prefix("http://127.0.0.1:8080").unwrap();
        for _ in 0..3 {
            let form = "List-Unsubscribe=One-Click";
            clinic.anonymous(Method::GET, path).send().await.expect(200);
            let call = clinic.anonymous(Method::POST, path).bytes("application/x-www-form-urlencoded", form);
            call.send().await.expect(200);
        }
        let [line] = since(&clinic, before).await.try_into().unwrap();
        assert_eq!(what(&line), ("reminders_stop", Some(me.id), Some(reminder), Some(2)));
        assert_eq!((line.clinic_id, line.account_id, line.request_id), (clinic.id, Some(me.id), None));
    }

    async fn a_clinic_that_is_begun_from_the_command_line_leaves_one_line(clinic: Clinic) {
        let asked = InviteAdmin {
            email: "first@new.example".into(),
            clinic: "New Clinic".into(),
            time_zone: chrono_tz::UTC,
            country: "CA".into(),
            name: "Sam".into(),
        };
        let before = newest(&clinic).await;
        invite(&clinic.app, asked).await.unwrap();
        let made = invitation::Entity::find().one(clinic.app.db.read()).await.unwrap().unwrap();
        let [line] = since(&clinic, before).await.try_into().unwrap();
        assert_eq!(what(&line), ("invite_admin", None, Some(made.id), Some(1)));
        assert_eq!((line.clinic_id, line.account_id, line.request_id), (made.clinic_id, None, None));
    }
}

mod a_demo_clinic_leaves_a_line_for_each_of_its_units {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_sqlite() {
        story(Place::folder()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn on_postgres() {
        story(Place::postgres().await).await;
    }

    async fn story(place: Place) {
        let empty = Empty::on(place).await;
        empty.seed(3, "demo").await.unwrap();
        let patients = patient::Entity::find().all(empty.app.db.read()).await.unwrap();
        let (mut lines, clinic) = (lines(&empty.app).await, patients[0].clinic_id);
        assert!(lines.iter().all(|line| (line.clinic_id, line.account_id, line.request_id) == (clinic, None, None)));
        let mut expected: Vec<_> = patients.iter().map(|one| ("demo_patient", Some(one.id), None, None)).collect();
        expected.insert(0, ("demo_begin", None, None, None));
        expected.push(("demo_end", None, None, None));
        // The patients are written side by side, in any order.
        lines[1..4].sort_by_key(|line| line.patient_id);
        expected[1..4].sort_by_key(|line| line.1);
        assert_eq!(lines.iter().map(what).collect::<Vec<_>>(), expected);
        // Used as it is with a new password, nothing of a patient is written.
        empty.seed(3, "second").await.unwrap();
        assert_eq!(self::lines(&empty.app).await.len(), 5);
    }

    async fn lines(app: &App) -> Vec<audit::Model> {
        audit::Entity::find().order_by_asc(audit::Column::Id).all(app.db.read()).await.unwrap()
    }
}
