//! `/v1/patients/{patient}/reminders`: when the patient wants, or is meant, to be reminded. Patient and care team write.

use crate::domain::{
    recurrence::Schedule,
    reminders::{NewReminder, Reminder, ReminderKind, Source},
};
use chrono::DateTime;
use poem_openapi::types::Example;
use uuid::Uuid;

impl Example for NewReminder {
    fn example() -> Self {
        Self { kind: ReminderKind::Journal, title: None, active: true, schedule: Schedule::after_dosing("PT4H") }
    }
}

impl Example for Reminder {
    fn example() -> Self {
        let at = DateTime::from_timestamp(1_772_870_400, 0).unwrap_or_default();
        let NewReminder { kind, title, active, schedule } = NewReminder::example();
        Self {
            id: Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_4d5e),
            version: 1,
            kind,
            title,
            active,
            source: Source::Template,
            schedule,
            created_at: at,
            updated_at: at,
            created_by: Uuid::from_u128(0x0195_96f3_2b80_7a41_9c5d_3f6a_1b2c_0001),
        }
    }
}
