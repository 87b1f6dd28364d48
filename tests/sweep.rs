//! What is over is forgotten, and nothing else.

use crate::{
    on_both,
    reminders::worker,
    sign_in::{PASSWORD, with_password},
    support::{Answer, Clinic, Post},
};
use afterglow::store::Tx;
use chrono::TimeDelta;
use entities::{cookie, idempotency, token};
use poem::http::Method;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

const ME: &str = "/v1/patients/me";
const MOODS: &str = "/v1/patients/me/mood-scores";

async fn sweep(clinic: &Clinic) {
    worker(clinic, &Post::new()).sweep().await.unwrap();
}

async fn login(clinic: &Clinic, email: &str, session: &str) -> Answer {
    let asked = json!({ "email": email, "password": PASSWORD, "session": session });
    clinic.anonymous(Method::POST, "/v1/auth/login").json(&asked).send().await.expect(200)
}

/// Signs in to the pages and answers the cookie.
async fn page(clinic: &Clinic, email: &str) -> String {
    let entered = login(clinic, email, "cookie").await;
    entered.headers["Set-Cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

async fn status(clinic: &Clinic, cookie: &str) -> u16 {
    clinic.anonymous(Method::GET, ME).header("Cookie", cookie).send().await.status
}

async fn cookies(clinic: &Clinic) -> u64 {
    cookie::Entity::find().count(clinic.app.db.read()).await.unwrap()
}

/// The tokens that signing in has made: not those that this clinic's people were born with.
async fn tokens(clinic: &Clinic) -> Vec<i16> {
    let made = token::Entity::find().filter(token::Column::FamilyId.ne(clinic.patient.id));
    let made = made.filter(token::Column::AccountId.eq(clinic.patient.id)).all(clinic.app.db.read()).await.unwrap();
    let mut kinds: Vec<_> = made.iter().map(|row| row.kind).collect();
    kinds.sort_unstable();
    kinds
}

on_both! {
    async fn a_repeat_is_known_for_thirty_days_and_not_longer(clinic: Clinic) {
        let post = async |key: &str, mood: i64| {
            let call = clinic.call(&clinic.patient, Method::POST, MOODS).header("Idempotency-Key", key);
            call.json(&clinic.mood(mood)).send().await
        };
        let older = post("older", 5).await.expect(201).json();
        clinic.clock.advance(TimeDelta::seconds(1));
        post("newer", 5).await.expect(201);
        clinic.clock.advance(TimeDelta::days(30));
        sweep(&clinic).await;
        let left = idempotency::Entity::find().all(clinic.app.db.read()).await.unwrap();
        assert_eq!(left.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["newer"]);
        post("newer", 6).await.problem(422, "idempotency-key-reused");
        assert_ne!(post("older", 6).await.expect(201).json()["id"], older["id"]);
    }

    async fn a_token_goes_when_it_has_expired(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let entered = login(&clinic, &email, "token").await.json();
        let refresh = async |token: &Value| {
            clinic.anonymous(Method::POST, "/v1/auth/refresh").json(&json!({ "refresh_token": token })).send().await
        };
        clinic.clock.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
        sweep(&clinic).await;
        assert_eq!(tokens(&clinic).await, [0, 1]);
        clinic.clock.advance(TimeDelta::seconds(1));
        sweep(&clinic).await;
        assert_eq!(tokens(&clinic).await, [1], "the access token is over, the sign-in is not");
        clinic.clock.advance(TimeDelta::days(29));
        sweep(&clinic).await;
        refresh(&entered["refresh_token"]).await.expect(200);
        // What was exchanged is kept as long as it would have lasted: somebody else may show it.
        sweep(&clinic).await;
        assert_eq!(tokens(&clinic).await, [0, 1, 1]);
        clinic.clock.advance(TimeDelta::days(1));
        sweep(&clinic).await;
        assert_eq!(tokens(&clinic).await, [1]);
        clinic.clock.advance(TimeDelta::days(29));
        sweep(&clinic).await;
        assert_eq!(tokens(&clinic).await, [0; 0]);
        clinic.get(&clinic.patient, ME).await.expect(200);
    }

    async fn a_cookie_goes_when_nobody_uses_it_or_its_day_is_over(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let (used, idle) = (page(&clinic, &email).await, page(&clinic, &email).await);
        // When it was used is known to the minute.
        for minute in 1..=16 {
            clinic.clock.advance(TimeDelta::minutes(1));
            sweep(&clinic).await;
            assert_eq!(status(&clinic, &used).await, 200, "in use after {minute} minutes");
            assert_eq!(cookies(&clinic).await, if minute < 16 { 2 } else { 1 });
        }
        assert_eq!(status(&clinic, &idle).await, 401);
        for _ in 0..70 {
            clinic.clock.advance(TimeDelta::minutes(10));
            assert_eq!(status(&clinic, &used).await, 200);
        }
        clinic.clock.advance(TimeDelta::minutes(4) - TimeDelta::seconds(1));
        sweep(&clinic).await;
        assert_eq!((status(&clinic, &used).await, cookies(&clinic).await), (200, 1));
        // Over, it opens nothing; it goes when it has been idle as long as any.
        clinic.clock.advance(TimeDelta::seconds(1));
        assert_eq!(status(&clinic, &used).await, 401);
        clinic.clock.advance(TimeDelta::minutes(16));
        sweep(&clinic).await;
        assert_eq!(cookies(&clinic).await, 0);
    }

    async fn years_of_what_is_over_go_at_once_however_many_rows_they_are(clinic: Clinic) {
        // More than two portions of each.
        let (rows, me, old) = (1_201_u16, clinic.patient.id, clinic.now() - TimeDelta::days(400));
        let hash = |n: u16| n.to_be_bytes().repeat(16);
        let key = |n: u16| idempotency::Model {
            owner_id: me,
            account_id: me,
            key: n.to_string(),
            fingerprint: hash(n),
            status: 201,
            record_id: me,
            version: 1,
            created_at: old.into(),
        };
        let token = |n: u16| token::ActiveModel {
            hash: Set(hash(n)),
            family_id: Set(me),
            account_id: Set(me),
            kind: Set(0),
            created_at: Set(old.into()),
            expires_at: Set(old.into()),
            ends_at: Set(old.into()),
            signed_in_at: Set(old.into()),
            ..Default::default()
        };
        let page = |n: u16| cookie::Model { hash: hash(n), account_id: me, created_at: old.into(), seen_at: old.into(), ends_at: old.into() };
        let keys: Vec<_> = (0..rows).map(|n| key(n).into_active_model()).collect();
        let tokens: Vec<_> = (0..rows).map(token).collect();
        let pages: Vec<_> = (0..rows).map(|n| page(n).into_active_model()).collect();
        let before = token::Entity::find().count(clinic.app.db.read()).await.unwrap();
        let unit = async move |tx: &Tx| {
            idempotency::Entity::insert_many(keys).exec_without_returning(tx.db()).await?;
            token::Entity::insert_many(tokens).exec_without_returning(tx.db()).await?;
            cookie::Entity::insert_many(pages).exec_without_returning(tx.db()).await?;
            Ok(())
        };
        clinic.app.db.write(clinic.id, unit).await.unwrap();
        clinic.post(&clinic.patient, MOODS, clinic.mood(5)).await.expect(201);
        sweep(&clinic).await;
        let db = clinic.app.db.read();
        assert_eq!(idempotency::Entity::find().count(db).await.unwrap(), 1, "that of the mood stays");
        assert_eq!((token::Entity::find().count(db).await.unwrap(), cookies(&clinic).await), (before, 0));
    }

    async fn whoever_uses_the_pages_stays_signed_in_whatever_is_swept(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let used = page(&clinic, &email).await;
        clinic.clock.advance(TimeDelta::seconds(59));
        assert_eq!(status(&clinic, &used).await, 200);
        clinic.clock.advance(TimeDelta::minutes(14) + TimeDelta::seconds(30));
        sweep(&clinic).await;
        assert_eq!(status(&clinic, &used).await, 200);
        // Whatever is remembered of the clinic's people is looked up anew.
        let known = clinic.app.sign_ins.clone();
        let forget = async move |tx: &Tx| {
            known.forget(tx, |_, _| true);
            Ok(())
        };
        clinic.app.db.write(clinic.id, forget).await.unwrap();
        assert_eq!(status(&clinic, &used).await, 200);
    }
}
