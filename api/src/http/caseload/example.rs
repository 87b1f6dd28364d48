//! A caseload as the document shows it.

use super::shown::{CaseloadPage, Item, Item9, MoodDays, Next, OpenFlags, Patient, Phq9, Reason, Waiting};
use crate::domain::{
    instant::Instant,
    safety::{EscalationRole, Severity, Urgency},
};
use chrono::DateTime;
use poem_openapi::types::Example;
use uuid::Uuid;

impl Example for CaseloadPage {
    fn example() -> Self {
        Self { items: vec![Item::example()], next_cursor: None }
    }
}

impl Example for Item {
    fn example() -> Self {
        let patient = Patient {
            id: Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_0001),
            display_name: "Imani Okonjo-Whitfield".into(),
            name_latin: None,
            language: None,
            pronouns: Some("she/her".into()),
            phone: Some("+44 20 7946 0551".into()),
        };
        let at = |text| Instant::from(DateTime::parse_from_rfc3339(text).unwrap_or_default());
        let id = |low: u128| Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_0000 + low);
        let answered_at = at("2026-11-24T09:01:00+00:00");
        Self {
            patient,
            urgency: Urgency::Urgent,
            reasons: vec![Reason {
                text: "Thoughts of being better off dead, more than half the days".into(),
                evidence: "2 of 3, “More than half the days”. Before: 1, 0, 0. PHQ-9 total 19.".into(),
            }],
            last_mood: Some(3),
            mood_mean_7d: Some(3.57),
            mood_mean_previous_7d: Some(5.14),
            mood_60d: MoodDays((0..60).map(|day| (day % 7 != 4).then(|| f64::from(7 - day / 15))).collect()),
            dosing_days: vec![16, 30, 51],
            phq9: Phq9 {
                latest: Some(19),
                latest_at: Some(answered_at),
                current: true,
                stale_days: None,
                baseline: Some(21),
                baseline_at: Some(at("2026-08-31T10:15:00+00:00")),
                late_baseline: false,
                best: Some(8),
                best_at: Some(at("2026-10-19T08:30:00+00:00")),
                status: None,
                item_9: Some(Item9 { answer: 2, occurred_at: answered_at }),
            },
            open_flags: OpenFlags { emergency: 0, urgent: 1, watch: 1, info: 0 },
            waiting: Some(Waiting {
                flag_id: id(2),
                severity: Severity::Urgent,
                title: "Thoughts of being better off dead, more than half the days".into(),
                acknowledge_by: Some(at("2026-11-24T13:01:12+00:00")),
                nobody_told: false,
            }),
            flag_id: Some(id(2)),
            acknowledge_by: Some(at("2026-11-24T13:01:12+00:00")),
            acknowledged_at: None,
            acknowledged_by: None,
            next_in_escalation: Some(Next {
                at: at("2026-11-24T13:01:12+00:00"),
                member_id: id(5),
                name: "Tom Okafor".into(),
                role: EscalationRole::CareTeam,
            }),
            last_check_in_at: Some(answered_at),
            silent_days: None,
            next_booster_on: None,
        }
    }
}
