//! Signing in, staying signed in, and being signed out: as phones, browsers and thieves meet it.

use crate::{
    on_both,
    reminders::worker,
    support::{Answer, Clinic, Person, Post},
};
use afterglow::{
    domain::{accounts::AccountKind, sign_in::SignInKind},
    error::Error,
    security::{passwords::Passwords, tokens::Purpose},
    store::{self, Tx, sign_ins},
};
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

pub const PASSWORD: &str = "violet-otter-hums-softly";
const ME: &str = "/v1/patients/me";

/// Gives somebody a password and takes away their second factor, as a newly accepted account has it.
pub async fn with_password(clinic: &Clinic, who: &Person) -> String {
    let turn = Passwords::default().turn().await.unwrap();
    let hash = turn.hash(Zeroizing::new(PASSWORD.into())).await.unwrap();
    let id = who.id;
    let unit = async move |tx: &Tx| {
        store::accounts::set_password(tx, id, &hash).await?;
        sea_orm::ConnectionTrait::execute_unprepared(tx.db(), "UPDATE account SET totp_confirmed_at = NULL").await?;
        Ok(())
    };
    clinic.app.db.write(id, unit).await.unwrap();
    format!("{id}@example.org")
}

async fn post(clinic: &Clinic, path: &str, body: Value) -> Answer {
    clinic.anonymous(Method::POST, path).json(&body).send().await
}

async fn login(clinic: &Clinic, email: &str, password: &str) -> Answer {
    post(clinic, "/v1/auth/login", json!({ "email": email, "password": password })).await
}

async fn refresh(clinic: &Clinic, token: &Value) -> Answer {
    post(clinic, "/v1/auth/refresh", json!({ "refresh_token": token })).await
}

async fn with_token(clinic: &Clinic, token: &Value, path: &str) -> Answer {
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    clinic.anonymous(Method::GET, path).header("Authorization", &bearer).send().await
}

pub fn authenticator(secret: &Value) -> Totp {
    let secret = Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    Builder::new().with_secret(secret).with_account_name("x").build().unwrap()
}

pub fn code(clinic: &Clinic, app: &Totp) -> String {
    app.generate(u64::try_from(clinic.now().timestamp()).unwrap()).to_string()
}

on_both! {
    async fn a_patient_signs_in_stays_and_signs_out(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let entered = login(&clinic, &format!("  {} ", email.to_uppercase()), PASSWORD).await.expect(200);
        assert!(entered.headers.get("Set-Cookie").is_none());
        let entered = entered.json();
        assert_eq!((&entered["token_type"], &entered["expires_in"]), (&json!("Bearer"), &json!(600)));
        let id = clinic.patient.id.to_string();
        assert_eq!(entered["account"], json!({ "id": id, "kind": "patient", "patient_id": id }));
        with_token(&clinic, &entered["access_token"], ME).await.expect(200);

        clinic.clock.advance(TimeDelta::minutes(10));
        with_token(&clinic, &entered["access_token"], ME).await.problem(401, "unauthenticated");
        let next = refresh(&clinic, &entered["refresh_token"]).await.expect(200).json();
        with_token(&clinic, &next["access_token"], ME).await.expect(200);

        let bearer = format!("Bearer {}", next["access_token"].as_str().unwrap());
        clinic.anonymous(Method::POST, "/v1/auth/logout").header("Authorization", &bearer).send().await.expect(204);
        with_token(&clinic, &next["access_token"], ME).await.problem(401, "unauthenticated");
        let over = refresh(&clinic, &next["refresh_token"]).await.problem(401, "unauthenticated");
        assert_eq!(over["detail"], "This refresh token is over: sign in again.");
    }

    async fn a_lost_refresh_answer_does_not_log_a_phone_out(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let first = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let lost = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        clinic.clock.advance(TimeDelta::hours(23));
        let again = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        with_token(&clinic, &again["access_token"], ME).await.expect(200);
        // What was lost opens nothing; the chain goes on from what arrived.
        with_token(&clinic, &lost["access_token"], ME).await.problem(401, "unauthenticated");
        refresh(&clinic, &again["refresh_token"]).await.expect(200);
    }

    async fn a_spent_token_that_is_used_again_ends_the_whole_sign_in(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let other = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let first = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let second = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        // The answer arrived: its access token is in use.
        with_token(&clinic, &second["access_token"], ME).await.expect(200);
        refresh(&clinic, &first["refresh_token"]).await.problem(401, "unauthenticated");
        with_token(&clinic, &second["access_token"], ME).await.problem(401, "unauthenticated");
        refresh(&clinic, &second["refresh_token"]).await.problem(401, "unauthenticated");
        // Another sign-in of the same person goes on.
        with_token(&clinic, &other["access_token"], ME).await.expect(200);
    }

    async fn that_an_answer_arrived_is_remembered_for_longer_than_its_access_token(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let first = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let second = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        with_token(&clinic, &second["access_token"], ME).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(2));
        worker(&clinic, &Post::new()).sweep().await.unwrap();
        refresh(&clinic, &first["refresh_token"]).await.problem(401, "unauthenticated");
        refresh(&clinic, &second["refresh_token"]).await.problem(401, "unauthenticated");
    }

    async fn a_token_that_was_replaced_ends_the_sign_in_when_it_shows_up(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let first = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let stolen = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        let mine = refresh(&clinic, &first["refresh_token"]).await.expect(200).json();
        refresh(&clinic, &stolen["refresh_token"]).await.problem(401, "unauthenticated");
        refresh(&clinic, &mine["refresh_token"]).await.problem(401, "unauthenticated");
    }

    async fn once_signing_out_is_answered_no_request_gets_through(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        for _ in 0..10 {
            let token = login(&clinic, &email, PASSWORD).await.expect(200).json()["access_token"].clone();
            let bearer = format!("Bearer {}", token.as_str().unwrap());
            let signed_out = std::sync::atomic::AtomicBool::new(false);
            let before = std::sync::atomic::Ordering::SeqCst;
            let hammer = async || {
                for _ in 0..20 {
                    let was_out = signed_out.load(before);
                    let answer = with_token(&clinic, &token, "/v1/clinic").await;
                    assert!(!was_out || answer.status == 401, "{}", answer.text);
                }
            };
            let leave = async {
                tokio::task::yield_now().await;
                let out = clinic.anonymous(Method::POST, "/v1/auth/logout").header("Authorization", &bearer);
                out.send().await.expect(204);
                signed_out.store(true, before);
            };
            futures_util::join!(leave, hammer(), hammer(), hammer(), hammer());
            with_token(&clinic, &token, "/v1/clinic").await.problem(401, "unauthenticated");
        }
    }

    async fn of_fifty_calls_with_one_token_the_last_answer_holds(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let first = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let calls = (0..50).map(|_| refresh(&clinic, &first["refresh_token"]));
        let answers = futures_util::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let mut alive = 0;
        for answer in &answers {
            alive += u32::from(with_token(&clinic, &answer.json()["access_token"], ME).await.status == 200);
        }
        assert_eq!(alive, 1);
    }

    async fn turning_the_second_factor_on_ends_what_was_begun_without_it(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.therapist).await;
        let cookie = page_sign_in_as(&clinic, &email).await;
        let before = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let mine = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let bearer = format!("Bearer {}", mine["access_token"].as_str().unwrap());
        let call = |path: &str, body: Value| {
            clinic.anonymous(Method::POST, path).header("Authorization", &bearer).json(&body).send()
        };
        let app = authenticator(&call("/v1/auth/mfa", json!({})).await.expect(200).json()["secret"]);
        let otp = code(&clinic, &app);
        call("/v1/auth/mfa/confirm", json!({ "otp": otp })).await.expect(204);
        with_token(&clinic, &mine["access_token"], "/v1/patients").await.expect(200);
        refresh(&clinic, &mine["refresh_token"]).await.expect(200);
        with_token(&clinic, &before["access_token"], "/v1/patients").await.problem(401, "unauthenticated");
        refresh(&clinic, &before["refresh_token"]).await.problem(401, "unauthenticated");
        clinic.anonymous(Method::GET, "/v1/clinic").header("Cookie", &cookie).send().await.problem(401, "unauthenticated");
    }

    async fn who_turns_the_second_factor_on_while_another_signs_in_is_asked_for_it(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.therapist).await;
        let mine = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let bearer = format!("Bearer {}", mine["access_token"].as_str().unwrap());
        let call = |path: &str, body: Value| {
            clinic.anonymous(Method::POST, path).header("Authorization", &bearer).json(&body).send()
        };
        let app = authenticator(&call("/v1/auth/mfa", json!({})).await.expect(200).json()["secret"]);
        let otp = code(&clinic, &app);
        call("/v1/auth/mfa/confirm", json!({ "otp": otp })).await.expect(204);
        // The unit of somebody whose password was found right, without a code, just before.
        let (id, request) = (clinic.therapist.id, clinic.clock.new_id());
        let unit = async move |tx: &Tx| {
            sign_ins::sign_in(tx, id, None, SignInKind::Token, request).await
        };
        let late = clinic.app.db.write(id, unit).await;
        assert!(matches!(late, Err(Error::SecondFactorRequired { signed_in: false })));
    }

    async fn wrong_passwords_make_the_next_try_wait(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        for _ in 0..5 {
            login(&clinic, &email, "not the password").await.problem(401, "sign-in-refused");
        }
        let wait = login(&clinic, &email, PASSWORD).await;
        assert_eq!(wait.problem(429, "too-many-attempts")["retry_after"], 1);
        assert_eq!(wait.headers["Retry-After"], "1");
        clinic.clock.advance(TimeDelta::seconds(1));
        login(&clinic, &email, "not the password").await.problem(401, "sign-in-refused");
        assert_eq!(login(&clinic, &email, PASSWORD).await.json()["retry_after"], 3);
        clinic.clock.advance(TimeDelta::seconds(3));
        login(&clinic, &email, PASSWORD).await.expect(200);
        // Being right forgives.
        login(&clinic, &email, "not the password").await.problem(401, "sign-in-refused");
        login(&clinic, &email, PASSWORD).await.expect(200);
    }

    async fn an_address_without_an_account_answers_like_one_with(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let mut known = Vec::new();
        let mut unknown = Vec::new();
        for _ in 0..7 {
            known.push(login(&clinic, &email, "not the password").await);
            unknown.push(login(&clinic, "nobody@example.org", "not the password").await);
        }
        let seen = |answers: &[Answer]| {
            let without_instance = |answer: &Answer| {
                let mut problem = answer.json();
                problem["instance"] = Value::Null;
                (answer.status, problem)
            };
            answers.iter().map(without_instance).collect::<Vec<_>>()
        };
        assert_eq!(seen(&known), seen(&unknown));
        assert_eq!(known[6].status, 429);
    }

    async fn an_address_on_the_network_has_thirty_failures_a_minute(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        for n in 0..30 {
            login(&clinic, &format!("nobody-{n}@example.org"), "x").await.problem(401, "sign-in-refused");
        }
        login(&clinic, &email, PASSWORD).await.problem(429, "too-many-attempts");
        clinic.clock.advance(TimeDelta::minutes(1));
        login(&clinic, &email, PASSWORD).await.expect(200);
    }

    async fn a_member_needs_a_second_factor_and_a_code_counts_once(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.therapist).await;
        let entered = login(&clinic, &email, PASSWORD).await.expect(200).json();
        assert_eq!(entered["account"]["roles"], json!(["therapist"]));
        with_token(&clinic, &entered["access_token"], "/v1/patients").await.problem(403, "second-factor-required");
        let call = |path: &str, body: Value| {
            let bearer = format!("Bearer {}", entered["access_token"].as_str().unwrap());
            clinic.anonymous(Method::POST, path).header("Authorization", &bearer).json(&body).send()
        };
        let made = call("/v1/auth/mfa", json!({})).await.expect(200).json();
        assert!(made["uri"].as_str().unwrap().starts_with("otpauth://totp/Afterglow:"));
        let app = authenticator(&made["secret"]);
        let wrong = call("/v1/auth/mfa/confirm", json!({ "otp": "000000" })).await;
        wrong.problem(422, "invalid");
        assert_eq!(wrong.pointers(), ["/otp"]);
        let first = code(&clinic, &app);
        call("/v1/auth/mfa/confirm", json!({ "otp": first })).await.expect(204);
        call("/v1/auth/mfa/confirm", json!({ "otp": first })).await.expect(204);
        call("/v1/auth/mfa", json!({})).await.problem(409, "impossible-step");
        with_token(&clinic, &entered["access_token"], "/v1/patients").await.expect(200);

        login(&clinic, &email, PASSWORD).await.problem(401, "second-factor-required");
        let with_code = async |otp: &str| {
            post(&clinic, "/v1/auth/login", json!({ "email": email, "password": PASSWORD, "otp": otp })).await
        };
        with_code(&first).await.problem(401, "sign-in-refused");
        clinic.clock.advance(TimeDelta::seconds(30));
        let second = code(&clinic, &app);
        with_code(&second).await.expect(200);
        with_code(&second).await.problem(401, "sign-in-refused");
        let wrong_password = json!({ "email": email, "password": "x", "otp": second });
        post(&clinic, "/v1/auth/login", wrong_password).await.problem(401, "sign-in-refused");
    }

    async fn of_two_sign_ins_with_one_code_one_enters(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.therapist).await;
        let entered = login(&clinic, &email, PASSWORD).await.expect(200).json();
        let bearer = format!("Bearer {}", entered["access_token"].as_str().unwrap());
        let call = |path: &str, body: Value| {
            clinic.anonymous(Method::POST, path).header("Authorization", &bearer).json(&body).send()
        };
        let app = authenticator(&call("/v1/auth/mfa", json!({})).await.expect(200).json()["secret"]);
        call("/v1/auth/mfa/confirm", json!({ "otp": code(&clinic, &app) })).await.expect(204);
        clinic.clock.advance(TimeDelta::seconds(60));
        let body = json!({ "email": email, "password": PASSWORD, "otp": code(&clinic, &app) });
        let both = futures_util::join!(
            post(&clinic, "/v1/auth/login", body.clone()),
            post(&clinic, "/v1/auth/login", body.clone())
        );
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401]);
    }

    async fn a_member_is_signed_out_after_twelve_hours_whatever_they_do(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.therapist).await;
        let mut token = login(&clinic, &email, PASSWORD).await.expect(200).json()["refresh_token"].clone();
        for _ in 0..11 {
            clinic.clock.advance(TimeDelta::hours(1));
            token = refresh(&clinic, &token).await.expect(200).json()["refresh_token"].clone();
        }
        clinic.clock.advance(TimeDelta::minutes(55));
        let last = refresh(&clinic, &token).await.expect(200).json();
        assert_eq!(last["expires_in"], 300);
        clinic.clock.advance(TimeDelta::minutes(5));
        refresh(&clinic, &last["refresh_token"]).await.problem(401, "unauthenticated");
    }

    async fn a_phone_stays_signed_in_for_half_a_year_if_it_is_used_every_month(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let mut token = login(&clinic, &email, PASSWORD).await.expect(200).json()["refresh_token"].clone();
        for _ in 0..6 {
            clinic.clock.advance(TimeDelta::days(29));
            token = refresh(&clinic, &token).await.expect(200).json()["refresh_token"].clone();
        }
        clinic.clock.advance(TimeDelta::days(6));
        refresh(&clinic, &token).await.problem(401, "unauthenticated");
        let unused = login(&clinic, &email, PASSWORD).await.expect(200).json();
        clinic.clock.advance(TimeDelta::days(30));
        refresh(&clinic, &unused["refresh_token"]).await.problem(401, "unauthenticated");
    }

    async fn the_pages_have_one_cookie_that_ends_when_idle_and_after_twelve_hours(clinic: Clinic) {
        let cookie = page_sign_in(&clinic).await;
        let get = async || clinic.anonymous(Method::GET, ME).header("Cookie", &cookie).send().await;
        get().await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(14));
        get().await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(14));
        get().await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(15));
        get().await.problem(401, "unauthenticated");

        let cookie = page_sign_in(&clinic).await;
        let get = async || clinic.anonymous(Method::GET, ME).header("Cookie", &cookie).send().await;
        for _ in 0..71 {
            clinic.clock.advance(TimeDelta::minutes(10));
            get().await.expect(200);
        }
        clinic.clock.advance(TimeDelta::minutes(10));
        get().await.problem(401, "unauthenticated");
    }

    async fn with_the_cookie_another_site_changes_nothing(clinic: Clinic) {
        let cookie = page_sign_in(&clinic).await;
        let send = async |header: Option<(&str, &str)>| {
            let call = clinic.anonymous(Method::POST, "/v1/patients/me/mood-scores").header("Cookie", &cookie);
            let call = call.header("Idempotency-Key", &clinic.clock.new_id().to_string());
            let call = if let Some((name, value)) = header { call.header(name, value) } else { call };
            call.json(&clinic.mood(5)).send().await
        };
        send(None).await.problem(403, "cross-site");
        send(Some(("Sec-Fetch-Site", "cross-site"))).await.problem(403, "cross-site");
        send(Some(("Sec-Fetch-Site", "same-site"))).await.problem(403, "cross-site");
        send(Some(("Origin", "https://evil.example"))).await.problem(403, "cross-site");
        send(Some(("Sec-Fetch-Site", "same-origin"))).await.expect(201);
        send(Some(("Origin", "http://127.0.0.1:8080"))).await.expect(201);
    }

    async fn signing_out_of_the_pages_takes_the_cookie_away(clinic: Clinic) {
        let cookie = page_sign_in(&clinic).await;
        let call = clinic.anonymous(Method::POST, "/v1/auth/logout").header("Cookie", &cookie);
        let left = call.header("Sec-Fetch-Site", "same-origin").send().await.expect(204);
        assert!(left.headers["Set-Cookie"].to_str().unwrap().starts_with("afterglow=; "));
        let again = clinic.anonymous(Method::GET, ME).header("Cookie", &cookie).send().await;
        again.problem(401, "unauthenticated");
    }

    async fn what_opens_something_is_not_stored(clinic: Clinic) {
        let email = with_password(&clinic, &clinic.patient).await;
        let entered = login(&clinic, &email, PASSWORD).await.expect(200).json();
        for name in ["access_token", "refresh_token"] {
            let text = entered[name].as_str().unwrap();
            let purpose = if name == "access_token" { Purpose::Access } else { Purpose::Refresh };
            assert!(text.starts_with(purpose.prefix()) && text.len() == 47, "{text}");
        }
        let row = store::accounts::find(clinic.app.db.read(), clinic.patient.id).await.unwrap().unwrap();
        assert_eq!(row.kind, AccountKind::Patient);
        assert!(row.password_hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }
}

/// Signs the patient in to the pages and answers the cookie.
async fn page_sign_in(clinic: &Clinic) -> String {
    let email = with_password(clinic, &clinic.patient).await;
    page_sign_in_as(clinic, &email).await
}

async fn page_sign_in_as(clinic: &Clinic, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD, "session": "cookie" });
    let entered = post(clinic, "/v1/auth/login", body).await.expect(200);
    let set = entered.headers["Set-Cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("afterglow=kct_") && set.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{set}");
    let entered = entered.json();
    assert_eq!(entered["expires_in"], 900);
    assert!(entered.get("access_token").is_none() && entered.get("refresh_token").is_none());
    set.split(';').next().unwrap().to_owned()
}
