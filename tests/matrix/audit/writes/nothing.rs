//! What changes nothing: refused, or done already.

use super::{Line, Log, id, line};
use crate::{
    flags::{ASSESSMENTS, phq_9},
    matrix::{
        ACTORS, World,
        audit::{newest, operations, since},
    },
    on_both,
    reminders::journal,
    support::{Clinic, Person},
};
use poem::http::Method;
use serde_json::{Value, json};

on_both! {
    async fn what_is_refused_leaves_no_line(clinic: Clinic) {
        let document = afterglow::http::document().unwrap();
        let world = World::new(&clinic, &document).await;
        let (mut wrong, mut refused) = (Vec::new(), 0);
        for operation in operations(&document).into_iter().filter(|one| one.method != Method::GET) {
            let path = world.path(&clinic, &operation.path);
            for actor in ACTORS {
                let before = newest(&clinic).await;
                let status = world.status(&clinic, actor, &operation, &path).await;
                let lines = since(&clinic, before).await;
                refused += u32::from(status >= 400);
                if status >= 400 && !lines.is_empty() {
                    wrong.push(format!("{} as {actor:?}, {status}: {lines:?}", operation.id));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(refused > 400, "{refused} refusals are too few to have proved anything");
    }

    async fn what_could_be_and_is_not_done_leaves_no_line(clinic: Clinic) {
        let mut log = Log::of(&clinic);
        let (patient, staff, admin) = (clinic.patient.id, &clinic.therapist, &clinic.admin);
        let sessions = format!("/v1/patients/{patient}/sessions");
        let made = clinic.post(staff, &sessions, session(&clinic, 1)).await.expect(201).json();
        let made = format!("{sessions}/{}", id(&made));
        clinic.post(&clinic.patient, ASSESSMENTS, phq_9(clinic.now(), Some(2))).await.expect(201);
        let flags = clinic.get(staff, "/v1/flags").await.expect(200).json();
        let flag = format!("/v1/flags/{}", id(&flags["items"][0]));
        let place = json!({ "member_id": staff.id, "primary": true, "from_on": clinic.now().date_naive() });
        let admin_path = format!("/v1/clinic/members/{}", admin.id);
        let calls = [
            (staff, log.post(staff, &sessions, &json!({ "kind": "dosing" })), 422),
            (staff, log.call(staff, Method::PUT, &made, None, session(&clinic, 2)), 428),
            (staff, log.call(staff, Method::POST, &format!("{flag}/reopen"), None, json!({ "reason": "x" })), 409),
            (staff, log.call(staff, Method::PATCH, &format!("/v1/patients/{patient}"), Some(1), json!({ "phone": 1 })), 422),
            (admin, log.call(admin, Method::POST, &format!("/v1/patients/{patient}/care-team"), None, place), 409),
            (admin, log.call(admin, Method::DELETE, &admin_path, Some(1), Value::Null), 409),
        ];
        for (who, call, status) in calls {
            let (answered, body, lines) = log.of_call(who.id, call).await;
            assert_eq!((answered, lines), (status, vec![]), "{body}");
        }
    }

    async fn what_was_so_already_is_a_read_of_whoever_is_shown_it_and_is_not_the_patient(clinic: Clinic) {
        let mut log = Log::of(&clinic);
        let (staff, patient) = (&clinic.therapist, clinic.patient.id);
        let root = format!("/v1/patients/{patient}");
        for (kind, body) in [("sessions", session(&clinic, 1)), ("reminders", journal())] {
            for (who, is_read) in [(staff, true), (&clinic.patient, false)] {
                let read = |of| if is_read { vec![line(&format!("{kind}_read")).patient(patient).record(of)] } else { vec![] };
                let key = clinic.clock.new_id().to_string();
                let path = format!("{root}/{kind}");
                let post = || clinic.call(who, Method::POST, &path).header("Idempotency-Key", &key).json(&body);
                let made = id(&post().send().await.expect(201).json());
                assert_eq!(again(&mut log, who, post()).await, read(made), "{path}");
                let own = clinic.clock.new_id();
                let path = format!("{path}/{own}");
                let put = || clinic.call(who, Method::PUT, &path).json(&body);
                put().send().await.expect(201);
                assert_eq!(again(&mut log, who, put()).await, read(own), "{path}");
                assert_eq!(again(&mut log, who, put().header("If-Match", "\"1\"")).await, read(own), "{path}");
                let delete = || clinic.call(who, Method::DELETE, &path).header("If-Match", "\"1\"");
                delete().send().await.expect(204);
                assert_eq!(again(&mut log, who, delete()).await, [], "nothing is shown");
            }
        }
        let own = clinic.clock.new_id();
        let place = json!({ "member_id": clinic.new_member(afterglow::security::access::Roles::THERAPIST).await.id,
                            "primary": false, "from_on": clinic.now().date_naive() });
        let path = format!("{root}/care-team/{own}");
        let put = || clinic.call(&clinic.admin, Method::PUT, &path).json(&place);
        put().send().await.expect(201);
        assert_eq!(again(&mut log, &clinic.admin, put()).await, [line("care_team_read").patient(patient).record(own)]);
        for (who, lines) in [(staff, vec![line("patients_read").patient(patient)]), (&clinic.patient, vec![])] {
            let same = log.call(who, Method::PATCH, &root, Some(1), json!({ "pronouns": null }));
            assert_eq!(again(&mut log, who, same).await, lines);
        }
        // Nothing of a patient is shown, or only the ids that whoever asks has been given before.
        let same = log.call(&clinic.admin, Method::PATCH, "/v1/clinic", Some(1), json!({ "name": "Harbour Clinic" }));
        assert_eq!(again(&mut log, &clinic.admin, same).await, []);
        let noor = json!({ "email": "noor@example.org", "kind": "patient", "display_name": "Noor" });
        let invite = || clinic.call(staff, Method::POST, "/v1/invitations").header("Idempotency-Key", "k").json(&noor);
        invite().send().await.expect(201);
        assert_eq!(again(&mut log, staff, invite()).await, []);
    }
}

/// The lines of a call that changes nothing.
async fn again(log: &mut Log<'_>, who: &Person, call: crate::support::Call<'_>) -> Vec<Line> {
    log.told(who.id, call).await.1
}

fn session(clinic: &Clinic, days: i64) -> Value {
    let starts_at = (clinic.now() + chrono::TimeDelta::days(days)).to_rfc3339();
    json!({ "kind": "dosing", "state": "planned", "starts_at": starts_at, "time_zone": "UTC", "setting": "clinic" })
}
