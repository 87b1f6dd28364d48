//! Who is in the clinic, who cares for whom, and who is signed in.

use super::{Line, Log, id, line};
use crate::{
    matrix::audit::{newest, since},
    sign_in::{PASSWORD, authenticator, code, with_password},
};
use afterglow::security::access::Roles;
use chrono::TimeDelta;
use entities::reminder;
use poem::http::Method;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use serde_json::{Value, json};
use uuid::Uuid;

/// Places on a care team.
pub async fn care_teams(log: &mut Log<'_>) {
    let (clinic, patient) = (log.clinic, log.clinic.patient.id);
    let (admin, colleague) = (&clinic.admin, clinic.new_member(Roles::THERAPIST).await);
    let path = format!("/v1/patients/{patient}/care-team");
    let today = clinic.now().date_naive();
    let place = |primary: bool| json!({ "member_id": colleague.id, "primary": primary, "from_on": today });
    let ceded = log.place(&clinic.therapist, patient).await;
    let (made, lines) = log.told(admin.id, log.call(admin, Method::POST, &path, None, place(true))).await;
    let made = id(&made);
    // Who was the primary one until now is so no more.
    let expected = [
        line("care_team_replace").patient(patient).record(ceded).version(2),
        line("care_team_create").patient(patient).record(made).version(1),
    ];
    assert_eq!(lines, expected);
    let path = format!("{path}/{made}");
    let (_, lines) = log.told(colleague.id, log.call(&colleague, Method::PUT, &path, Some(1), place(false))).await;
    assert_eq!(lines, [line("care_team_replace").patient(patient).record(made).version(2)]);
    let (_, lines) = log.told(admin.id, log.call(admin, Method::DELETE, &path, Some(2), Value::Null)).await;
    assert_eq!(lines, [line("care_team_delete").patient(patient).record(made).version(2)]);
}

/// Inviting, and being invited.
pub async fn invitations(log: &mut Log<'_>) {
    let (clinic, path) = (log.clinic, "/v1/invitations");
    let noor = json!({ "email": "noor@example.org", "kind": "patient", "display_name": "Noor" });
    let (made, lines) = log.told(clinic.therapist.id, log.post(&clinic.therapist, path, &noor)).await;
    let (invitation, patient): (_, Uuid) = (id(&made), made["patient_id"].as_str().unwrap().parse().unwrap());
    let own =
        reminder::Entity::find().filter(reminder::Column::PatientId.eq(patient)).order_by_asc(reminder::Column::Id);
    let own = own.all(clinic.app.db.read()).await.unwrap();
    let mut expected =
        vec![line("care_team_create").patient(patient).record(log.place(&clinic.therapist, patient).await).version(1)];
    expected.extend(own.iter().map(|row| line("reminders_create").patient(patient).record(row.id).version(1)));
    expected.push(line("invitations_create").patient(patient).record(invitation).version(1));
    assert_eq!((lines, own.len()), (expected, 2));
    let (_, lines) = log.told(clinic.therapist.id, log.post(&clinic.therapist, path, &noor)).await;
    assert_eq!(lines, [line("invitations_send_again").patient(patient).record(invitation).version(1)]);
    let accept = async |log: &mut Log<'_>, made: &Value| {
        let path = format!("{path}/{}/accept", crate::people::code(clinic, made).await);
        let call = clinic.anonymous(Method::POST, &path).json(&json!({ "password": PASSWORD }));
        let before = newest(clinic).await;
        let account = call.send().await.expect(200).json()["account"]["id"].as_str().unwrap().parse().unwrap();
        let [line] = since(clinic, before).await.try_into().unwrap();
        assert_eq!((line.account_id, line.request_id.is_some()), (Some(account), true));
        log.operations.insert(line.operation.clone());
        Line::from(line)
    };
    assert_eq!(accept(log, &made).await, line("invitations_accept").patient(patient).record(invitation));
    let sam = json!({ "email": "sam@example.org", "kind": "member", "roles": ["admin"], "display_name": "Sam" });
    let (made, lines) = log.told(clinic.admin.id, log.post(&clinic.admin, path, &sam)).await;
    assert_eq!(lines, [line("invitations_create").record(id(&made)).version(1)]);
    assert_eq!(accept(log, &made).await, line("invitations_accept").record(id(&made)));
}

/// A profile, the clinic, its members.
pub async fn the_house(log: &mut Log<'_>) {
    let (clinic, patient, admin) = (log.clinic, log.clinic.patient.id, &log.clinic.admin);
    let path = format!("/v1/patients/{patient}");
    for (version, who) in (1..).zip([&clinic.patient, &clinic.therapist, admin]) {
        let body = json!({ "pronouns": format!("they {version}") });
        let (_, lines) = log.told(who.id, log.call(who, Method::PATCH, &path, Some(version), body)).await;
        assert_eq!(lines, [line("patients_update").patient(patient).version(version + 1)]);
    }
    let call = log.call(admin, Method::PATCH, "/v1/clinic", Some(1), json!({ "phone": "+49 30 1" }));
    assert_eq!(log.told(admin.id, call).await.1, [line("clinic_update").record(clinic.id).version(2)]);
    let member = format!("/v1/clinic/members/{}", clinic.prescriber.id);
    let call = log.call(admin, Method::PATCH, &member, Some(1), json!({ "display_name": "Dr. Ada Bergmann" }));
    assert_eq!(log.told(admin.id, call).await.1, [line("members_update").record(clinic.prescriber.id).version(2)]);
    let (held, other) = (log.place(&clinic.prescriber, patient).await, clinic.new_patient().await);
    let new = log.place(&clinic.prescriber, other.id).await;
    // What had begun on another day ends, what begins today is taken back.
    let mut expected = [
        line("care_team_replace").patient(patient).record(held).version(2),
        line("care_team_delete").patient(other.id).record(new).version(1),
    ];
    expected.sort_by_key(|line| line.record);
    let (_, lines) = log.told(admin.id, log.call(admin, Method::DELETE, &member, Some(2), Value::Null)).await;
    assert_eq!(lines[..2], expected);
    assert_eq!(lines[2..], [line("members_delete").record(clinic.prescriber.id).version(2)]);
}

/// Signing in, staying so, and signing out.
pub async fn sign_ins(log: &mut Log<'_>) {
    let (clinic, me) = (log.clinic, log.clinic.patient.id);
    let email = with_password(clinic, &clinic.patient).await;
    let post = |path: &str, body: Value| clinic.anonymous(Method::POST, path).json(&body);
    let of_account = |operation: &str| [line(operation)];
    let login = post("/v1/auth/login", json!({ "email": email, "password": PASSWORD }));
    let (first, lines) = log.told(me, login).await;
    assert_eq!(lines, of_account("auth_login"));
    let refresh = || post("/v1/auth/refresh", json!({ "refresh_token": first["refresh_token"] }));
    let (second, lines) = log.told(me, refresh()).await;
    assert_eq!(lines, []);
    let bearer = format!("Bearer {}", second["access_token"].as_str().unwrap());
    let call = |path: &str, body: Value| post(path, body).header("Authorization", &bearer);
    let (secret, lines) = log.told(me, call("/v1/auth/mfa", json!({}))).await;
    assert_eq!(lines, of_account("auth_mfa"));
    let otp = code(clinic, &authenticator(&secret["secret"]));
    let (_, lines) = log.told(me, call("/v1/auth/mfa/confirm", json!({ "otp": otp }))).await;
    assert_eq!(lines, of_account("auth_mfa_confirm"));
    assert_eq!(log.told(me, call("/v1/auth/mfa/confirm", json!({ "otp": otp }))).await.1, []);
    // A refresh token that comes back although what it was exchanged for is in use.
    let (status, _, lines) = log.of_call(me, refresh()).await;
    assert_eq!((status, lines.as_slice()), (401, of_account("auth_refresh_reused").as_slice()));
    clinic.clock.advance(TimeDelta::seconds(30));
    let otp = code(clinic, &authenticator(&secret["secret"]));
    let login = post("/v1/auth/login", json!({ "email": email, "password": PASSWORD, "otp": otp }));
    let (third, lines) = log.told(me, login).await;
    assert_eq!(lines, of_account("auth_login"));
    let bearer = format!("Bearer {}", third["access_token"].as_str().unwrap());
    let leave = clinic.anonymous(Method::POST, "/v1/auth/logout").header("Authorization", &bearer);
    assert_eq!(log.told(me, leave).await.1, of_account("auth_logout"));
}
