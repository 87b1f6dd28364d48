//! The time line and what changed: everything of a patient, whatever its kind.

use crate::{
    on_both,
    support::{Clinic, Person},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use poem::http::Method;
use serde_json::{Value, json};

const MOODS: &str = "/v1/patients/me/mood-scores";
const ENTRIES: &str = "/v1/patients/me/journal-entries";
const CHANGES: &str = "/v1/patients/me/changes";

fn entry(clinic: &Clinic, body: &str, visibility: &str) -> Value {
    let now = clinic.now().to_rfc3339();
    json!({ "occurred_at": now, "time_zone": "Europe/Berlin", "body": body, "visibility": visibility })
}

/// Reads changes to their end in small pages; answers them and the last cursor.
async fn changes(clinic: &Clinic, who: &Person, path: &str, since: Option<String>) -> (Vec<Value>, String) {
    let (mut all, mut cursor) = (Vec::new(), since);
    loop {
        let since = cursor.as_ref().map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let page = clinic.get(who, &format!("{path}?limit=2{since}")).await.expect(200).json();
        all.extend(page["changes"].as_array().unwrap().iter().cloned());
        cursor = page["next"].as_str().map(String::from);
        if page["has_more"] == false {
            return (all, cursor.unwrap());
        }
    }
}

/// Reads a list to its end, as long as its pages may be; answers how many bytes each page had, and the ids in order.
async fn pages(clinic: &Clinic, who: &Person, path: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut ids, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = clinic.get(who, &format!("{path}?limit=200{cursor}")).await.expect(200);
        sizes.push(page.text.len());
        let page = page.json();
        for item in page["items"].as_array().or(page["changes"].as_array()).unwrap() {
            let id = item["record"].get("id").or(item.get("id")).unwrap();
            ids.push(id.as_str().unwrap().to_owned());
        }
        cursor = match (&page["next_cursor"], &page["next"], &page["has_more"]) {
            (Value::String(cursor), _, _) => format!("&cursor={cursor}"),
            (_, Value::String(since), Value::Bool(true)) => format!("&since={since}"),
            _ => return (sizes, ids),
        };
    }
}

on_both! {
    async fn the_time_line_shows_all_kinds_newest_first_and_to_the_care_team_only_what_is_shared(clinic: Clinic) {
        let me = clinic.patient.clone();
        clinic.post(&me, MOODS, clinic.mood(5)).await.expect(201);
        clinic.clock.advance(TimeDelta::hours(1));
        clinic.post(&me, ENTRIES, entry(&clinic, "for me", "private")).await.expect(201);
        clinic.clock.advance(TimeDelta::hours(1));
        clinic.post(&me, ENTRIES, entry(&clinic, "for both", "shared")).await.expect(201);
        clinic.clock.advance(TimeDelta::seconds(1));
        let (begins, ends) = (clinic.now() + TimeDelta::days(3), clinic.now() + TimeDelta::days(4));
        let planned = json!({ "kind": "dosing", "state": "planned", "starts_at": begins, "time_zone": "Europe/Berlin", "setting": "clinic" });
        clinic.post(&me, "/v1/patients/me/sessions", planned).await.expect(201);
        let to = ends.format("%Y-%m-%dT%H:%M:%SZ");
        let ahead = clinic.get(&me, &format!("/v1/patients/me/timeline?to={to}")).await.expect(200).json();
        assert_eq!(ahead["items"][0]["resource"], "sessions", "what is planned is there for who looks ahead, and for nobody else");
        let mine = clinic.get(&me, "/v1/patients/me/timeline").await.expect(200).json();
        let kinds: Vec<_> = mine["items"].as_array().unwrap().iter().map(|item| item["resource"].clone()).collect();
        assert_eq!(kinds, ["journal-entries", "journal-entries", "mood-scores"]);
        assert_eq!(mine["items"][0]["record"]["body"], "for both");
        let path = format!("/v1/patients/{}/timeline", me.id);
        let theirs = clinic.get(&clinic.therapist, &path).await.expect(200);
        assert_eq!(theirs.json()["items"].as_array().unwrap().len(), 2);
        assert!(!theirs.text.contains("for me"));
        let moods = clinic.get(&me, "/v1/patients/me/timeline?kinds=mood-scores,sessions").await.expect(200).json();
        assert_eq!(moods["items"].as_array().unwrap().len(), 1);
        let bad = clinic.get(&me, "/v1/patients/me/timeline?kinds=diaries").await;
        bad.problem(400, "bad-request");
        assert_eq!(bad.pointers(), ["query:kinds"]);
    }

    async fn changes_come_once_in_commit_order_and_go_on_from_the_cursor(clinic: Clinic) {
        let me = clinic.patient.clone();
        let mut ids = Vec::new();
        for mood in 0..5 {
            let made = clinic.post(&me, MOODS, clinic.mood(mood)).await.expect(201).json();
            ids.push(made["id"].as_str().unwrap().to_owned());
        }
        let path = format!("{MOODS}/{}", ids[1]);
        clinic.put(&me, &path, Some("\"1\""), clinic.mood(9)).await.expect(200);
        let delete = clinic.call(&me, Method::DELETE, &format!("{MOODS}/{}", ids[0])).header("If-Match", "\"1\"");
        delete.send().await.expect(204);
        let (all, cursor) = changes(&clinic, &me, CHANGES, None).await;
        let seen: Vec<_> = all.iter().map(|change| change["id"].as_str().unwrap().to_owned()).collect();
        let expected = [&ids[2], &ids[3], &ids[4], &ids[1], &ids[0]];
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected);
        assert_eq!((all[3]["record"]["mood"].as_i64(), all[3]["version"].as_i64()), (Some(9), Some(2)));
        assert_eq!((&all[4]["deleted"], &all[4]["record"]), (&json!(true), &Value::Null));
        assert_eq!(changes(&clinic, &me, CHANGES, Some(cursor.clone())).await, (vec![], cursor.clone()));
        clinic.post(&me, MOODS, clinic.mood(1)).await.expect(201);
        assert_eq!(changes(&clinic, &me, CHANGES, Some(cursor)).await.0.len(), 1);
    }

    async fn a_private_entry_never_was_for_the_care_team_and_goes_when_it_is_taken_back(clinic: Clinic) {
        let (me, path) = (clinic.patient.clone(), format!("/v1/patients/{}/changes", clinic.patient.id));
        clinic.post(&me, ENTRIES, entry(&clinic, "never theirs", "private")).await.expect(201);
        let shared = clinic.post(&me, ENTRIES, entry(&clinic, "theirs", "shared")).await.expect(201).json();
        let (theirs, cursor) = changes(&clinic, &clinic.therapist, &path, None).await;
        assert_eq!(theirs.len(), 1);
        let one = format!("{ENTRIES}/{}", shared["id"].as_str().unwrap());
        clinic.put(&me, &one, Some("\"1\""), entry(&clinic, "mine again", "private")).await.expect(200);
        let (theirs, _) = changes(&clinic, &clinic.therapist, &path, Some(cursor)).await;
        assert_eq!((theirs.len(), &theirs[0]["deleted"]), (1, &json!(true)));
    }

    async fn no_answer_to_staff_holds_a_word_or_an_id_of_what_is_private(clinic: Clinic) {
        let (me, path) = (clinic.patient.clone(), format!("/v1/patients/{}/changes", clinic.patient.id));
        let mut cursors = vec![String::new()];
        // From every place that there has been, in pages of every length: not a byte of it.
        let mut look = async |hidden: &[&str]| {
            let mut next = String::new();
            for (since, limit) in cursors.iter().flat_map(|since| [(since, 1), (since, 2), (since, 200)]) {
                let answer = clinic.get(&clinic.therapist, &format!("{path}?limit={limit}{since}")).await.expect(200);
                let all = format!("{:?} {}", answer.headers, answer.text);
                for bytes in ["kept to myself"].iter().chain(hidden) {
                    assert!(!all.contains(bytes) && !all.contains(&bytes.replace('-', "")), "{bytes} in {all}");
                }
                next = format!("&since={}", answer.json()["next"].as_str().unwrap());
            }
            cursors.push(next);
        };
        let write = async |body: &str, visibility: &str| {
            let made = clinic.post(&me, ENTRIES, entry(&clinic, body, visibility)).await.expect(201).json();
            made["id"].as_str().unwrap().to_owned()
        };
        let change = async |id: &str, version: i64, body: &str, visibility: &str| {
            let held = format!("\"{version}\"");
            clinic.put(&me, &format!("{ENTRIES}/{id}"), Some(&held), entry(&clinic, body, visibility)).await.expect(200);
        };
        let never = write("kept to myself", "private").await;
        look(&[&never]).await;
        let later = write("kept to myself, for now", "private").await;
        look(&[&never, &later]).await;
        let once = write("theirs, once", "shared").await;
        look(&[&never, &later]).await;
        change(&never, 1, "kept to myself, in other words", "private").await;
        change(&once, 1, "kept to myself after all", "private").await;
        look(&[&never, &later, "theirs, once"]).await;
        change(&later, 1, "theirs as well", "shared").await;
        change(&once, 2, "kept to myself for good", "private").await;
        look(&[&never, "theirs, once"]).await;
        for (id, held) in [(&never, "\"2\""), (&once, "\"3\"")] {
            clinic.call(&me, Method::DELETE, &format!("{ENTRIES}/{id}")).header("If-Match", held).send().await.expect(204);
            look(&[&never, "theirs, once"]).await;
        }
        // Such a look finds what is there: theirs is.
        let seen = clinic.get(&clinic.therapist, &path).await.expect(200).text;
        assert!(seen.contains("theirs as well") && seen.contains(&later));
        assert!(clinic.get(&me, CHANGES).await.expect(200).text.contains(&never));
    }

    async fn nothing_in_an_answer_counts_what_is_hidden(clinic: Clinic) {
        let (me, path) = (clinic.patient.clone(), format!("/v1/patients/{}/changes", clinic.patient.id));
        let first = clinic.post(&me, ENTRIES, entry(&clinic, "theirs", "shared")).await.expect(201).json();
        let (_, cursor) = changes(&clinic, &clinic.therapist, &path, None).await;
        for _ in 0..5 {
            clinic.post(&me, ENTRIES, entry(&clinic, "mine", "private")).await.expect(201);
        }
        let poll = async |since: &str| {
            clinic.get(&clinic.therapist, &format!("{path}?limit=1&since={since}")).await.expect(200).json()
        };
        // Hidden writes move nothing: neither the cursor, nor whether there is more.
        assert_eq!(poll(&cursor).await, json!({ "changes": [], "next": cursor, "has_more": false }));
        clinic.post(&me, MOODS, clinic.mood(3)).await.expect(201);
        let page = poll(&cursor).await;
        assert_eq!((page["changes"].as_array().unwrap().len(), &page["has_more"]), (1, &json!(false)));

        // What is taken back is gone once; what becomes of it then is not told, nor how often.
        let one = format!("{ENTRIES}/{}", first["id"].as_str().unwrap());
        for version in 1..=4 {
            let body = entry(&clinic, &format!("mine again, {version}"), "private");
            clinic.put(&me, &one, Some(&format!("\"{version}\"")), body).await.expect(200);
        }
        let gone = poll(page["next"].as_str().unwrap()).await;
        assert_eq!((&gone["changes"][0]["deleted"], &gone["changes"][0]["version"]), (&json!(true), &json!(2)));
        let delete = clinic.call(&me, Method::DELETE, &one).header("If-Match", "\"5\"");
        delete.send().await.expect(204);
        let next = gone["next"].as_str().unwrap();
        assert_eq!(poll(next).await, json!({ "changes": [], "next": next, "has_more": false }));
        // The number itself cannot be read out of it.
        let bytes = URL_SAFE_NO_PAD.decode(next).unwrap();
        assert!(i64::from_be_bytes(*bytes.first_chunk().unwrap()).unsigned_abs() > 1_000_000);
    }

    async fn a_page_ends_when_its_texts_grow_long_and_the_next_goes_on_behind_it(clinic: Clinic) {
        const MIB: usize = 1024 * 1024;
        let (me, theirs) = (clinic.patient.clone(), format!("/v1/patients/{}/changes", clinic.patient.id));
        // The longest that there is: four bytes for each character.
        let long = "\u{1F331}".repeat(20_000);
        let (mut entries, mut shared) = (Vec::new(), Vec::new());
        for n in 0..30 {
            let visibility = if n % 15 == 0 { "shared" } else { "private" };
            let made = clinic.post(&me, ENTRIES, entry(&clinic, &long, visibility)).await.expect(201).json();
            let id = made["id"].as_str().unwrap().to_owned();
            shared.extend((n % 15 == 0).then(|| id.clone()));
            entries.push(id);
            clinic.clock.advance(TimeDelta::minutes(1));
        }
        let (sizes, changed) = pages(&clinic, &me, CHANGES).await;
        assert_eq!((changed, sizes.len()), (entries.clone(), 3), "{sizes:?}");
        // What they may not see leaves them no trace, nor how long it is.
        assert_eq!(pages(&clinic, &clinic.therapist, &theirs).await.1, shared);
        let seen = clinic.get(&clinic.therapist, &format!("{theirs}?limit=200")).await.expect(200).json();
        assert_eq!((seen["changes"].as_array().unwrap().len(), &seen["has_more"]), (2, &json!(false)));
        entries.reverse();
        for path in [ENTRIES, "/v1/patients/me/timeline"] {
            let (sizes, listed) = pages(&clinic, &me, path).await;
            assert_eq!((listed, sizes.len()), (entries.clone(), 3), "{path}: {sizes:?}");
            assert!(sizes.iter().all(|size| *size <= MIB) && sizes[0] > MIB * 9 / 10, "{path}: {sizes:?}");
        }
    }

    async fn a_cursor_from_elsewhere_is_told_apart_from_nonsense(clinic: Clinic) {
        let (me, other) = (clinic.patient.clone(), clinic.new_patient().await);
        let (_, cursor) = changes(&clinic, &other, CHANGES, None).await;
        clinic.get(&me, &format!("{CHANGES}?since={cursor}")).await.problem(409, "foreign-cursor");
        let nonsense = clinic.get(&me, &format!("{CHANGES}?since=abc")).await;
        nonsense.problem(400, "bad-request");
        assert_eq!(nonsense.pointers(), ["query:since"]);
    }

    async fn the_counter_has_no_gap_under_many_writers(clinic: Clinic) {
        let me = clinic.patient.clone();
        let writes = (0..40).map(|n| clinic.post(&me, MOODS, clinic.mood(n % 11)));
        for answer in futures_util::future::join_all(writes).await {
            answer.expect(201);
        }
        let (all, _) = changes(&clinic, &me, CHANGES, None).await;
        assert_eq!(all.len(), 40);
        let ids: std::collections::HashSet<_> = all.iter().map(|change| change["id"].to_string()).collect();
        assert_eq!(ids.len(), 40);
    }
}
