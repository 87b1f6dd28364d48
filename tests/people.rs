//! Inviting people, being invited, and who sees whom from which day on.

use crate::{
    on_both,
    reminders::worker,
    support::{Answer, Clinic, Person, Post},
};
use afterglow::{
    cli::invite_admin::{InviteAdmin, invite},
    security::access::Roles,
    store,
};
use chrono::TimeDelta;
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use uuid::Uuid;

const PASSWORD: &str = "violet-otter-hums-softly";
const INVITATIONS: &str = "/v1/invitations";

/// The code in the mail of an invitation.
pub async fn code(clinic: &Clinic, invited: &Value) -> String {
    let id: Uuid = invited["id"].as_str().unwrap().parse().unwrap();
    let found = store::invitations::find(clinic.app.db.read(), clinic.id, id).await.unwrap().unwrap();
    let owner = found.patient.unwrap_or(clinic.id);
    let keys = store::accounts::keys(&clinic.app.keys, found.kind, clinic.id, owner).await.unwrap();
    found.open(&keys).unwrap().code
}

async fn accept(clinic: &Clinic, code: &str, body: Value) -> Answer {
    clinic.anonymous(Method::POST, &format!("{INVITATIONS}/{code}/accept")).json(&body).send().await
}

fn patient(email: &str) -> Value {
    json!({ "email": email, "kind": "patient", "display_name": "Noor" })
}

async fn patch(clinic: &Clinic, who: &Person, path: &str, tag: &str, body: Value) -> Answer {
    clinic.call(who, Method::PATCH, path).header("If-Match", tag).json(&body).send().await
}

on_both! {
    async fn a_therapist_invites_a_patient_who_accepts_and_is_in_their_care(clinic: Clinic) {
        let invited = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        assert_eq!(invited["expires_at"], "2026-03-21T09:00:00.000000+00:00");
        let listed = clinic.get(&clinic.therapist, "/v1/patients").await.expect(200).json();
        let noor = json!({ "id": invited["patient_id"], "display_name": "Noor", "state": "invited" });
        assert!(listed["items"].as_array().unwrap().contains(&noor), "{listed}");

        let code = code(&clinic, &invited).await;
        let seen = clinic.anonymous(Method::GET, &format!("{INVITATIONS}/{code}")).send().await.expect(200).json();
        assert_eq!(seen, json!({ "clinic": "Harbour Clinic", "kind": "patient" }));
        let body = json!({ "password": PASSWORD, "time_zone": "Europe/Lisbon" });
        let entered = accept(&clinic, &code, body).await.expect(200).json();
        assert_eq!(entered["account"]["patient_id"], invited["patient_id"]);
        let id = invited["patient_id"].as_str().unwrap().parse().unwrap();
        let token = entered["access_token"].as_str().unwrap().to_owned();
        let noor = Person { id, token, email: "noor@example.org".into() };
        let me = clinic.get(&noor, "/v1/patients/me").await.expect(200).json();
        let expected = json!({ "start": "22:00", "end": "07:00" });
        assert_eq!((&me["time_zone"], &me["state"], &me["quiet_hours"]), (&json!("Europe/Lisbon"), &json!("active"), &expected));
        clinic.get(&clinic.therapist, &format!("/v1/patients/{id}")).await.expect(200);
        clinic.get(&clinic.prescriber, &format!("/v1/patients/{id}")).await.problem(404, "not-found");
        let reminders = clinic.get(&noor, "/v1/patients/me/reminders").await.expect(200).json();
        let mut schedules = Vec::new();
        for reminder in reminders["items"].as_array().unwrap() {
            assert_eq!((&reminder["source"], &reminder["active"]), (&json!("template"), &json!(true)));
            schedules.push((reminder["kind"].as_str().unwrap(), reminder["schedule"].clone()));
        }
        schedules.sort_by_key(|(kind, _)| *kind);
        let daily = json!({ "type": "recurring", "rrule": "FREQ=DAILY", "times": ["09:00"], "starts_on": "2026-03-14", "zone": "follow" });
        let after = json!({ "type": "relative", "to": "dosing-session", "offset": "PT4H" });
        assert_eq!(schedules, [("check-in", daily), ("journal", after)]);
        let login = json!({ "email": "Noor@Example.org", "password": PASSWORD });
        clinic.anonymous(Method::POST, "/v1/auth/login").json(&login).send().await.expect(200);
    }

    async fn an_invitation_works_once_and_for_a_week(clinic: Clinic) {
        let invited = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        let first = code(&clinic, &invited).await;
        accept(&clinic, &first, json!({ "password": PASSWORD })).await.expect(200);
        accept(&clinic, &first, json!({ "password": PASSWORD })).await.problem(409, "impossible-step");
        clinic.anonymous(Method::GET, &format!("{INVITATIONS}/{first}")).send().await.problem(404, "not-found");

        let late = clinic.post(&clinic.therapist, INVITATIONS, patient("late@example.org")).await.expect(201).json();
        let late = code(&clinic, &late).await;
        clinic.clock.advance(TimeDelta::days(7));
        accept(&clinic, &late, json!({ "password": PASSWORD })).await.problem(404, "not-found");
        let guessed = format!("kit_{}", "A".repeat(43));
        accept(&clinic, &guessed, json!({ "password": PASSWORD })).await.problem(404, "not-found");
    }

    async fn an_invitation_is_void_once_its_inviter_may_not_invite_any_more(clinic: Clinic) {
        let boss = clinic.new_member(Roles::ADMIN.and(Roles::THERAPIST)).await;
        let staff = json!({ "email": "sam@example.org", "kind": "member", "roles": ["admin"], "display_name": "Sam" });
        let sam = clinic.post(&boss, INVITATIONS, staff).await.expect(201).json();
        let noor = clinic.post(&boss, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        let (sam, noor) = (code(&clinic, &sam).await, code(&clinic, &noor).await);
        let member = format!("/v1/clinic/members/{}", boss.id);
        let open = async |code: &str| clinic.anonymous(Method::GET, &format!("{INVITATIONS}/{code}")).send().await;

        patch(&clinic, &clinic.admin, &member, "\"1\"", json!({ "roles": ["therapist"] })).await.expect(200);
        open(&sam).await.problem(404, "not-found");
        accept(&clinic, &sam, json!({ "password": PASSWORD })).await.problem(404, "not-found");
        open(&noor).await.expect(200);
        let end = clinic.call(&clinic.admin, Method::DELETE, &member).header("If-Match", "\"2\"");
        end.send().await.expect(204);
        open(&noor).await.problem(404, "not-found");
        accept(&clinic, &noor, json!({ "password": PASSWORD })).await.problem(404, "not-found");
        // Nor is anybody written to in the name of somebody who is gone.
        let post = Post::new();
        worker(&clinic, &post).dispatch().await.unwrap();
        assert_eq!(post.mails().len(), 0);
    }

    async fn of_two_who_accept_at_once_one_is_in(clinic: Clinic) {
        let invited = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        let code = code(&clinic, &invited).await;
        let both = futures_util::join!(
            accept(&clinic, &code, json!({ "password": PASSWORD })),
            accept(&clinic, &code, json!({ "password": PASSWORD }))
        );
        let mut statuses = [both.0.status, both.1.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }

    async fn a_repeated_invitation_has_one_effect_and_one_answer(clinic: Clinic) {
        let send = async |email: &str| {
            let call = clinic.call(&clinic.therapist, Method::POST, INVITATIONS).header("Idempotency-Key", "k-1");
            call.json(&patient(email)).send().await
        };
        let first = send("noor@example.org").await.expect(201);
        assert_eq!(send("noor@example.org").await.expect(201).text, first.text);
        send("other@example.org").await.problem(422, "idempotency-key-reused");
        let rows = entities::invitation::Entity::find().all(clinic.app.db.read()).await.unwrap();
        assert_eq!((rows.len(), rows[0].mail_state), (1, 0), "its mail waits for the worker");
    }

    async fn an_address_is_invited_once_and_its_mail_is_sent_again(clinic: Clinic) {
        let first = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        let sent = entities::invitation::Column::MailState;
        let unit = entities::invitation::Entity::update_many().col_expr(sent, sea_orm::sea_query::Expr::value(1_i16));
        let sent = async move |tx: &store::Tx| Ok(unit.exec(tx.db()).await?);
        clinic.app.db.write(clinic.id, sent).await.unwrap();
        let again = clinic.post(&clinic.therapist, INVITATIONS, patient(" Noor@Example.org")).await;
        assert_eq!(again.pointers(), ["/email"], "{}", again.text);
        let again = clinic.post(&clinic.therapist, INVITATIONS, patient("Noor@Example.org")).await.expect(200).json();
        assert_eq!(again, first);
        let rows = entities::invitation::Entity::find().all(clinic.app.db.read()).await.unwrap();
        assert_eq!((rows.len(), rows[0].mail_state), (1, 0), "its mail waits for the worker again");
        // Who does not know the patient, or means somebody else, is answered without one.
        clinic.post(&clinic.prescriber, INVITATIONS, patient("noor@example.org")).await.problem(409, "exists");
        let other = json!({ "email": "noor@example.org", "kind": "patient", "display_name": "Somebody else" });
        let taken = clinic.post(&clinic.therapist, INVITATIONS, other).await.problem(409, "exists");
        assert_eq!(taken["errors"][0]["pointer"], "/email");
        assert!(taken["errors"][0]["detail"].as_str().unwrap().ends_with("until 2026-03-21T09:00:00Z"), "{taken}");
        let staff = json!({ "email": "noor@example.org", "kind": "member", "roles": ["admin"], "display_name": "Noor" });
        clinic.post(&clinic.admin, INVITATIONS, staff).await.problem(409, "exists");
        assert_eq!(clinic.post(&clinic.admin, INVITATIONS, patient("noor@example.org")).await.expect(200).json(), first);
        let listed = clinic.get(&clinic.admin, "/v1/patients").await.expect(200).json();
        assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
        // Once it has ended, the address is free again.
        clinic.clock.advance(TimeDelta::days(7));
        clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201);
    }

    async fn of_one_invitation_sent_twice_at_once_both_answers_are_the_same(clinic: Clinic) {
        let send = async |key: &str, email: &str| {
            let call = clinic.call(&clinic.therapist, Method::POST, INVITATIONS).header("Idempotency-Key", key);
            call.json(&patient(email)).send().await
        };
        for round in 0..5 {
            let (key, email) = (format!("first-{round}"), format!("noor-{round}@example.org"));
            let (one, other) = futures_util::join!(send(&key, &email), send(&key, &email));
            assert_eq!((one.status, other.status, &one.text), (201, 201, &other.text));
            let key = format!("again-{round}");
            let (one, other) = futures_util::join!(send(&key, &email), send(&key, &email));
            assert_eq!((one.status, other.status, &one.text), (200, 200, &other.text));
        }
    }

    async fn an_admin_who_treats_nobody_says_who_accompanies_the_patient_first(clinic: Clinic) {
        let alone = clinic.post(&clinic.admin, INVITATIONS, patient("noor@example.org")).await;
        alone.problem(422, "invalid");
        assert_eq!(alone.pointers(), ["/primary_member_id"]);
        assert!(alone.text.contains("is required: "), "{}", alone.text);
        let mut noor = patient("noor@example.org");
        noor["primary_member_id"] = json!(clinic.prescriber.id);
        let invited = clinic.post(&clinic.admin, INVITATIONS, noor).await.expect(201).json();
        // They are there at once, before they have said yes.
        let caseload = clinic.get(&clinic.prescriber, "/v1/caseload").await.expect(200).json();
        assert!(caseload["items"].as_array().unwrap().iter().any(|row| row["patient"]["id"] == invited["patient_id"]), "{caseload}");
    }

    async fn an_address_that_has_an_account_is_not_told_of(clinic: Clinic) {
        for _ in 0..2 {
            let invited = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201);
            let code = code(&clinic, &invited.json()).await;
            let answer = accept(&clinic, &code, json!({ "password": PASSWORD })).await;
            if answer.status != 200 {
                answer.problem(409, "exists");
                // Nothing of it was kept: the invitation still waits.
                clinic.anonymous(Method::GET, &format!("{INVITATIONS}/{code}")).send().await.expect(200);
            }
        }
    }

    async fn every_fault_of_an_invitation_is_named(clinic: Clinic) {
        let body = json!({ "email": "no address", "kind": "doctor", "display_name": "", "role": "admin" });
        let bad = clinic.post(&clinic.admin, INVITATIONS, body).await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/display_name", "/email", "/kind", "/role"]);
        let body = json!({
            "email": "a@b.example", "kind": "patient", "display_name": "A", "roles": ["therapist"],
            "time_zone": "Mars/Base", "primary_member_id": clinic.admin.id
        });
        let bad = clinic.post(&clinic.admin, INVITATIONS, body).await;
        assert_eq!(bad.pointers(), ["/primary_member_id", "/roles", "/time_zone"]);
        let body = json!({ "email": "a@b.example", "kind": "member", "display_name": "A", "country": "DE" });
        assert_eq!(clinic.post(&clinic.admin, INVITATIONS, body).await.pointers(), ["/country", "/roles"]);

        let invited = clinic.post(&clinic.therapist, INVITATIONS, patient("noor@example.org")).await.expect(201).json();
        let short = accept(&clinic, &code(&clinic, &invited).await, json!({ "password": "fourteen chars" })).await;
        short.problem(422, "invalid");
        assert_eq!(short.pointers(), ["/password"]);
    }

    async fn staff_is_invited_by_admins_alone(clinic: Clinic) {
        let body = json!({ "email": "new@clinic.example", "kind": "member", "roles": ["prescriber"], "display_name": "Dr. New" });
        clinic.post(&clinic.therapist, INVITATIONS, body.clone()).await.problem(403, "forbidden");
        let invited = clinic.post(&clinic.admin, INVITATIONS, body).await.expect(201).json();
        assert!(invited.get("patient_id").is_none());
        let code = code(&clinic, &invited).await;
        let entered = accept(&clinic, &code, json!({ "password": PASSWORD })).await.expect(200).json();
        assert_eq!((&entered["account"]["kind"], &entered["account"]["roles"]), (&json!("member"), &json!(["prescriber"])));
        let staff = clinic.get(&clinic.therapist, "/v1/clinic/members").await.expect(200).json();
        assert!(staff["items"].as_array().unwrap().iter().any(|member| member["display_name"] == "Dr. New"));
    }

    async fn an_ex_therapist_sees_nothing_from_the_next_request_on(clinic: Clinic) {
        let path = format!("/v1/patients/{}", clinic.patient.id);
        clinic.get(&clinic.therapist, &path).await.expect(200);
        let team = clinic.get(&clinic.admin, &format!("{path}/care-team")).await.expect(200).json();
        let place = team["items"].as_array().unwrap().iter().find(|one| one["member_id"] == clinic.therapist.id.to_string());
        let place = place.unwrap();
        let ended = json!({ "member_id": clinic.therapist.id, "primary": false, "from_on": "2026-03-01", "until_on": "2026-03-13" });
        let id = place["id"].as_str().unwrap();
        clinic.put(&clinic.admin, &format!("{path}/care-team/{id}"), Some("\"1\""), ended).await.expect(200);
        clinic.get(&clinic.therapist, &path).await.problem(404, "not-found");
        clinic.get(&clinic.therapist, &format!("{path}/mood-scores")).await.problem(404, "not-found");
        let listed = clinic.get(&clinic.therapist, "/v1/patients").await.expect(200).json();
        assert_eq!(listed, json!({ "items": [], "next_cursor": null }));
    }

    async fn of_a_patient_whom_nobody_accompanies_the_clinic_hears_all_the_same(clinic: Clinic) {
        let team = format!("/v1/patients/{}/care-team", clinic.patient.id);
        let listed = clinic.get(&clinic.admin, &team).await.expect(200).json();
        for place in listed["items"].as_array().unwrap() {
            let (path, tag) = (format!("{team}/{}", place["id"].as_str().unwrap()), format!("\"{}\"", place["version"]));
            // The last one too: to end somebody's sight of a patient is never refused.
            clinic.call(&clinic.admin, Method::DELETE, &path).header("If-Match", &tag).send().await.expect(204);
        }
        let answers: serde_json::Map<_, _> = (1..=9).map(|n| (n.to_string(), json!(u8::from(n == 9)))).collect();
        let form = json!({ "instrument": "phq-9", "occurred_at": clinic.now().to_rfc3339(), "time_zone": "UTC", "answers": answers });
        clinic.post(&clinic.patient, "/v1/patients/me/assessments", form).await.expect(201);
        let post = Post::new();
        worker(&clinic, &post).dispatch().await.unwrap();
        assert_eq!(post.to(&clinic.admin.email).len(), 1);
        assert!(post.to(&clinic.therapist.email).is_empty());
    }

    async fn a_care_relation_begins_and_ends_on_days_of_the_clinic(clinic: Clinic) {
        let path = format!("/v1/patients/{}", clinic.patient.id);
        let colleague = clinic.new_member(Roles::THERAPIST).await;
        let place = json!({ "member_id": colleague.id, "primary": false, "from_on": "2026-03-15", "until_on": "2026-03-16" });
        let call = clinic.call(&clinic.therapist, Method::POST, &format!("{path}/care-team")).json(&place);
        let made = call.send().await.expect(201);
        assert_eq!(made.etag.as_deref(), Some("\"1\""));
        clinic.get(&colleague, &path).await.problem(404, "not-found");
        // Berlin's midnight is at 23:00 UTC.
        clinic.clock.advance(TimeDelta::hours(13) + TimeDelta::minutes(59));
        clinic.get(&colleague, &path).await.problem(404, "not-found");
        clinic.clock.advance(TimeDelta::minutes(1));
        clinic.get(&colleague, &path).await.expect(200);
        clinic.clock.advance(TimeDelta::hours(47) + TimeDelta::minutes(59));
        clinic.get(&colleague, &path).await.expect(200);
        clinic.clock.advance(TimeDelta::minutes(1));
        clinic.get(&colleague, &path).await.problem(404, "not-found");
    }

    async fn the_last_day_of_a_place_still_counts_and_the_day_after_does_not(clinic: Clinic) {
        let path = format!("/v1/patients/{}/care-team", clinic.patient.id);
        let colleague = clinic.new_member(Roles::THERAPIST).await;
        let add = async |from: &str, until: &str| {
            let place = json!({ "member_id": colleague.id, "primary": false, "from_on": from, "until_on": until });
            clinic.call(&clinic.therapist, Method::POST, &path).json(&place).send().await
        };
        add("2026-03-15", "2026-03-16").await.expect(201);
        add("2026-03-16", "2026-03-20").await.problem(409, "exists");
        add("2026-03-14", "2026-03-15").await.problem(409, "exists");
        add("2026-03-17", "2026-03-20").await.expect(201);
        add("2026-03-14", "2026-03-14").await.expect(201);
    }

    async fn a_primary_who_begins_on_a_later_day_takes_over_on_that_day(clinic: Clinic) {
        let path = format!("/v1/patients/{}/care-team", clinic.patient.id);
        let colleague = clinic.new_member(Roles::THERAPIST).await;
        let from = clinic.now().date_naive() + chrono::Days::new(2);
        let add = async |who: &Person, whom: &Person, primary: bool| {
            let place = json!({ "member_id": whom.id, "primary": primary, "from_on": from });
            clinic.call(who, Method::POST, &path).json(&place).send().await
        };
        add(&clinic.therapist, &colleague, true).await.expect(201);
        let others = [clinic.new_member(Roles::THERAPIST).await, clinic.new_member(Roles::THERAPIST).await];
        add(&clinic.therapist, &others[0], false).await.expect(201);
        clinic.clock.advance(TimeDelta::days(2));
        add(&clinic.therapist, &others[1], false).await.problem(403, "forbidden");
        add(&colleague, &others[1], false).await.expect(201);
    }

    async fn the_primary_writes_the_care_team_and_hands_it_over(clinic: Clinic) {
        let path = format!("/v1/patients/{}/care-team", clinic.patient.id);
        let colleague = clinic.new_member(Roles::THERAPIST).await;
        let place = |primary: bool| json!({ "member_id": colleague.id, "primary": primary, "from_on": "2026-03-14" });
        let id = clinic.clock.new_id();
        let put = async |who: &Person, tag: Option<&str>, body: Value| clinic.put(who, &format!("{path}/{id}"), tag, body).await;
        put(&clinic.therapist, None, place(false)).await.expect(201);
        put(&clinic.therapist, None, place(false)).await.expect(200);
        put(&colleague, Some("\"1\""), place(true)).await.problem(403, "forbidden");
        put(&clinic.therapist, None, place(true)).await.problem(428, "precondition-required");
        put(&clinic.therapist, Some("\"7\""), place(true)).await.problem(412, "stale");
        put(&clinic.therapist, Some("\"1\""), place(true)).await.expect(200);
        let team = clinic.get(&clinic.patient, &path).await.expect(200).json();
        let primaries: Vec<_> = team["items"].as_array().unwrap().iter().filter(|one| one["primary"] == true).collect();
        assert_eq!(primaries.len(), 1);
        assert_eq!(primaries[0]["member_id"], colleague.id.to_string());
        // The one who handed it over writes no more; the new one does.
        put(&clinic.therapist, Some("\"2\""), place(false)).await.problem(403, "forbidden");
        let twice = clinic.call(&colleague, Method::POST, &path).json(&place(false)).send().await;
        twice.problem(409, "exists");
        let strangers = clinic.next_door().await;
        let bad = json!({ "member_id": strangers.therapist.id, "primary": false, "from_on": "2026-03-14", "until_on": "2026-03-01" });
        let bad = clinic.call(&colleague, Method::POST, &path).json(&bad).send().await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/member_id", "/until_on"]);
        let delete = async |tag: &str| {
            clinic.call(&clinic.admin, Method::DELETE, &format!("{path}/{id}")).header("If-Match", tag).send().await
        };
        delete("\"1\"").await.problem(412, "stale");
        delete("\"2\"").await.expect(204);
        delete("\"2\"").await.expect(204);
    }

    async fn a_profile_changes_field_by_field(clinic: Clinic) {
        let path = "/v1/patients/me";
        let before = clinic.get(&clinic.patient, path).await.expect(200);
        assert_eq!(before.etag.as_deref(), Some("\"1\""));
        let body = json!({ "pronouns": "they", "phone": "+49 30 1", "quiet_hours": { "start": "23:00", "end": "06:30" } });
        let changed = patch(&clinic, &clinic.patient, path, "\"1\"", body).await.expect(200);
        assert_eq!(changed.etag.as_deref(), Some("\"2\""));
        let changed = changed.json();
        assert_eq!((&changed["pronouns"], &changed["display_name"]), (&json!("they"), &before.json()["display_name"]));
        // Null takes away, what is left out stays, the same again is no change.
        let less = patch(&clinic, &clinic.patient, path, "\"2\"", json!({ "phone": null })).await.expect(200);
        assert!(less.json().get("phone").is_none());
        assert_eq!(less.json()["pronouns"], "they");
        let same = patch(&clinic, &clinic.patient, path, "\"3\"", json!({ "pronouns": "they" })).await.expect(200);
        assert_eq!(same.etag.as_deref(), Some("\"3\""));
        let stale = patch(&clinic, &clinic.patient, path, "\"1\"", json!({ "pronouns": "she" })).await;
        assert_eq!(stale.problem(412, "stale")["current"]["pronouns"], "they");
        let missing = clinic.call(&clinic.patient, Method::PATCH, path).json(&json!({})).send().await;
        missing.problem(428, "precondition-required");
        let bad = json!({ "time_zone": "Mars/Base", "country": null, "state": "ended", "quiet_hours": { "start": "25:00", "end": "07:00" } });
        let bad = patch(&clinic, &clinic.patient, path, "\"3\"", bad).await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/country", "/quiet_hours/start", "/state", "/time_zone"]);
    }

    async fn staff_reads_are_in_the_audit_log_before_the_answer_and_the_patients_own_are_not(clinic: Clinic) {
        let path = format!("/v1/patients/{}", clinic.patient.id);
        clinic.get(&clinic.patient, &path).await.expect(200);
        clinic.get(&clinic.therapist, &path).await.expect(200);
        clinic.get(&clinic.therapist, "/v1/patients").await.expect(200);
        let rows = entities::audit::Entity::find()
            .filter(entities::audit::Column::PatientId.eq(clinic.patient.id))
            .all(clinic.app.db.read())
            .await
            .unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.operation.as_str(), row.account_id)).collect();
        let therapist = Some(clinic.therapist.id);
        assert_eq!(seen, [("patients_read", therapist), ("patients_list", therapist)]);
    }

    async fn what_a_member_is_shown_for_want_of_the_newest_version_is_in_the_audit_log(clinic: Clinic) {
        let path = format!("/v1/patients/{}", clinic.patient.id);
        let shown = async || {
            let rows = entities::audit::Entity::find().filter(entities::audit::Column::PatientId.eq(clinic.patient.id));
            rows.filter(entities::audit::Column::Operation.contains("_read")).count(clinic.app.db.read()).await.unwrap()
        };
        let session = json!({ "kind": "dosing", "state": "planned", "starts_at": "2026-03-20T10:00:00Z",
                              "time_zone": "Europe/Berlin", "setting": "clinic" });
        let made = clinic.post(&clinic.therapist, &format!("{path}/sessions"), session.clone()).await.expect(201).json();
        let session_path = format!("{path}/sessions/{}", made["id"].as_str().unwrap());
        let mut moved = session;
        moved["starts_at"] = json!("2026-03-21T10:00:00Z");
        assert_eq!(shown().await, 0);
        clinic.put(&clinic.patient, &session_path, Some("\"9\""), moved.clone()).await.problem(412, "stale");
        assert_eq!(shown().await, 0, "what is the patient's own");
        clinic.put(&clinic.therapist, &session_path, Some("\"9\""), moved).await.problem(412, "stale");
        assert_eq!(shown().await, 1);
        clinic.call(&clinic.therapist, Method::DELETE, &session_path).header("If-Match", "\"9\"").send().await.problem(412, "stale");
        assert_eq!(shown().await, 2);
        patch(&clinic, &clinic.therapist, &path, "\"9\"", json!({ "pronouns": "she" })).await.problem(412, "stale");
        assert_eq!(shown().await, 3);
    }

    async fn an_admin_runs_the_clinic_and_a_patient_is_told_its_name(clinic: Clinic) {
        let read = clinic.get(&clinic.therapist, "/v1/clinic").await.expect(200);
        assert_eq!((read.etag.as_deref(), &read.json()["country"]), (Some("\"1\""), &json!("DE")));
        let told = clinic.get(&clinic.patient, "/v1/clinic").await.expect(200).json();
        assert_eq!(told, json!({ "id": clinic.id, "name": "Harbour Clinic" }));
        let body = json!({ "time_zone": "Asia/Tokyo", "phone": null, "on_call_member_id": clinic.prescriber.id });
        let changed = patch(&clinic, &clinic.admin, "/v1/clinic", "\"1\"", body).await.expect(200).json();
        assert_eq!(changed["on_call_member_id"], clinic.prescriber.id.to_string());
        assert!(changed.get("phone").is_none());
        let hours = json!([{ "days": ["mo"], "start": "17:00", "end": "09:00" }]);
        let bad = json!({ "time_zone": "Mars/Base", "on_call_member_id": clinic.patient.id, "business_hours": hours });
        let bad = patch(&clinic, &clinic.admin, "/v1/clinic", "\"2\"", bad).await;
        bad.problem(422, "invalid");
        assert_eq!(bad.pointers(), ["/business_hours/0/end", "/on_call_member_id", "/time_zone"]);
        // The clinic's day begins nine hours earlier now, and a relation from tomorrow with it.
        let path = format!("/v1/patients/{}", clinic.patient.id);
        let colleague = clinic.new_member(Roles::THERAPIST).await;
        clinic.care(&colleague, &clinic.patient, 1..=9).await;
        clinic.get(&colleague, &path).await.problem(404, "not-found");
        clinic.clock.advance(TimeDelta::hours(6));
        clinic.get(&colleague, &path).await.expect(200);
    }

    async fn a_membership_ends_at_once_and_a_clinic_keeps_an_admin(clinic: Clinic) {
        let members = "/v1/clinic/members";
        let therapist = format!("{members}/{}", clinic.therapist.id);
        let prescriber = json!({ "roles": ["therapist", "prescriber"] });
        patch(&clinic, &clinic.admin, &therapist, "\"1\"", prescriber).await.expect(200);
        let path = format!("/v1/patients/{}/prescriptions", clinic.patient.id);
        clinic.call(&clinic.therapist, Method::POST, &path).json(&json!({})).send().await.problem(400, "idempotency-key-required");
        let end = async |path: &str, tag: &str| {
            clinic.call(&clinic.admin, Method::DELETE, path).header("If-Match", tag).send().await
        };
        end(&therapist, "\"1\"").await.problem(412, "stale");
        end(&therapist, "\"2\"").await.expect(204);
        clinic.get(&clinic.therapist, "/v1/patients").await.problem(401, "unauthenticated");
        let team = clinic.get(&clinic.patient, "/v1/patients/me/care-team").await.expect(200).json();
        let gone = |one: &Value| one["member_id"] != clinic.therapist.id.to_string() || one["until_on"] == "2026-03-13";
        assert!(team["items"].as_array().unwrap().iter().all(gone), "{team}");
        let admin = format!("{members}/{}", clinic.admin.id);
        end(&admin, "\"1\"").await.problem(409, "impossible-step");
        patch(&clinic, &clinic.admin, &admin, "\"1\"", json!({ "roles": ["therapist"] })).await.problem(409, "impossible-step");
    }

    async fn a_new_clinic_starts_from_a_printed_link(clinic: Clinic) {
        let asked = InviteAdmin {
            email: "first@new.example".into(),
            clinic: "New Clinic".into(),
            time_zone: chrono_tz::America::Toronto,
            country: "CA".into(),
            name: "Sam".into(),
        };
        let link = invite(&clinic.app, asked).await.unwrap();
        let code = link.strip_prefix("http://127.0.0.1:8080/invitations/").unwrap();
        let entered = accept(&clinic, code, json!({ "password": PASSWORD, "session": "cookie" })).await.expect(200);
        assert!(entered.headers["Set-Cookie"].to_str().unwrap().starts_with("afterglow=kct_"));
        assert_eq!(entered.json()["account"]["roles"], json!(["admin"]));
    }
}
