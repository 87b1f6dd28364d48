//! `/v1/patients/{patient}/reminders`: when the patient wants, or is meant, to be reminded. Patient and care team write.

use crate::domain::{
    recurrence::Schedule,
    reminders::{NewReminder, ReminderKind},
};
use poem_openapi::types::Example;

impl Example for NewReminder {
    fn example() -> Self {
        Self { kind: ReminderKind::Journal, title: None, active: true, schedule: Schedule::after_dosing("PT4H") }
    }
}
