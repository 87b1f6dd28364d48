//! Reminders: what they ask for, who set them up, and that they can be kept.

use super::{
    faults::Faults,
    instant::Instant,
    numbered::numbered,
    recurrence::{Rule, Schedule, ZoneChoice},
};
use chrono::NaiveDate;
use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use uuid::Uuid;

/// How many reminders a patient may have.
pub const MOST: u64 = 100;
/// How many days ahead messages are written.
pub const PLANNED_DAYS: u64 = 2;
/// What a reminder asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum, Serialize, Deserialize)]
#[oai(rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ReminderKind {
    /// A mood score.
    CheckIn,
    /// A journal entry.
    Journal,
    /// A questionnaire.
    Assessment,
    /// Getting ready.
    Preparation,
    /// Looking back.
    Integration,
    /// A booster session.
    Booster,
    /// A home dose.
    HomeDose,
    /// An appointment.
    Appointment,
    /// Whatever its title says.
    Custom,
}

numbered!(ReminderKind {
    CheckIn = 1, Journal = 2, Assessment = 3, Preparation = 4, Integration = 5,
    Booster = 6, HomeDose = 7, Appointment = 8, Custom = 9,
});

/// Who set a reminder up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename = "ReminderSource", rename_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The patient.
    Patient,
    /// A member of the care team.
    CareTeam,
    /// Every new patient has it.
    Template,
}

numbered!(Source { Patient = 1, CareTeam = 2, Template = 3 });

/// A reminder, as clients write it.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(deny_unknown_fields, skip_serializing_if_is_none, example)]
pub struct NewReminder {
    /// What it asks for.
    pub kind: ReminderKind,
    /// A title of your own, for the inbox alone; needed by `custom`.
    #[oai(validator(min_length = 1, max_length = 200))]
    pub title: Option<String>,
    /// Whether it reminds.
    pub active: bool,
    /// When it reminds.
    pub schedule: Schedule,
}

/// A wish that can be kept. Finding that out takes a look through years: it is done before a unit of work begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keepable(NewReminder);

impl Deref for Keepable {
    type Target = NewReminder;

    fn deref(&self) -> &NewReminder {
        &self.0
    }
}

/// A reminder.
#[derive(Debug, Clone, PartialEq, Eq, Object, Serialize)]
#[oai(skip_serializing_if_is_none, example)]
pub struct Reminder {
    /// Its id.
    pub id: Uuid,
    /// Rises by one with every change; its ETag.
    pub version: i64,
    /// What it asks for.
    pub kind: ReminderKind,
    /// A title of somebody's own, for the inbox alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether it reminds.
    pub active: bool,
    /// Who set it up.
    pub source: Source,
    /// When it reminds.
    pub schedule: Schedule,
    /// When it was made.
    pub created_at: Instant,
    /// When it last changed.
    pub updated_at: Instant,
    /// The account that made it.
    pub created_by: Uuid,
}

impl Reminder {
    /// What somebody would write to get it.
    pub fn wish(&self) -> NewReminder {
        NewReminder { kind: self.kind, title: self.title.clone(), active: self.active, schedule: self.schedule.clone() }
    }
}

impl NewReminder {
    /// The wish as one that can be kept, or everything that is wrong with it.
    pub fn keepable(self) -> Result<Keepable, Faults> {
        self.check().map(|_| Keepable(self))
    }

    /// Its rule, or everything that is wrong with it.
    pub fn check(&self) -> Result<Rule, Faults> {
        let mut faults = Faults::default();
        let rule = self.schedule.check("/schedule", &mut faults);
        if self.kind == ReminderKind::Custom && self.title.is_none() {
            faults.add_between("/title", &["/kind"], "required by a custom reminder");
        }
        // A dose's time must not wander with the patient.
        if self.kind == ReminderKind::HomeDose && self.schedule.zone == Some(ZoneChoice::Follow) {
            faults.add_between("/schedule/zone", &["/kind"], "pinned, for home doses");
        }
        match rule {
            Some(rule) if faults.0.is_empty() => Ok(rule),
            _ => Err(faults),
        }
    }
}

/// The two reminders of a new patient: a daily check-in, and the journal four hours after a dosing session.
pub fn templates(today: NaiveDate) -> [NewReminder; 2] {
    let check_in = Schedule::daily("09:00", today);
    let journal = Schedule::after_dosing("PT4H");
    [(ReminderKind::Journal, journal), (ReminderKind::CheckIn, check_in)].map(|(kind, schedule)| NewReminder {
        kind,
        title: None,
        active: true,
        schedule,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_patient_gets_two_reminders_that_hold() {
        for template in templates("2026-11-24".parse().unwrap()) {
            template.check().unwrap();
        }
    }

    #[test]
    fn a_custom_reminder_needs_a_title_and_a_home_dose_a_fixed_zone() {
        let [journal, check_in] = templates("2026-11-24".parse().unwrap());
        let custom = NewReminder { kind: ReminderKind::Custom, ..journal };
        assert_eq!(custom.check().unwrap_err().0[0].pointer, "/title");
        let dose = NewReminder { kind: ReminderKind::HomeDose, ..check_in };
        assert_eq!(dose.check().unwrap_err().0[0].pointer, "/schedule/zone");
    }
}
