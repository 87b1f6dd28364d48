//! What happened in the last hours: so that there is somebody to call, whenever the clinic is looked at.

use super::{
    days::{ago, score},
    doses,
    draft::{By, Draft, Entry},
    forms,
};
use crate::domain::assessments::AnsweredBy;

/// Draws what is to be seen at once in a few patients.
pub(super) fn draw(draft: &mut Draft<'_>, index: usize) {
    match index {
        // Worse, and says so.
        1 => {
            clear_last(draft, 60 * 60);
            forms::send(draft, ago(draft, 53), "phq-9", &grave(Some(2)), AnsweredBy::Patient);
            mood(draft, 51, 1.0);
        }
        // More than prescribed, and sooner.
        3 => {
            let (prescription, since) = (prescription(draft), ago(draft, 6 * 24 * 60).to_utc());
            draft.writes.retain(|write| !matches!(write.entry, Entry::HomeDose(_)) || write.at < since);
            doses::log(draft, ago(draft, 84 * 60), 150.0, prescription, true);
            doses::log(draft, ago(draft, 33 * 60), 250.0, prescription, false);
        }
        // A steep fall within three days.
        5 => {
            clear_last(draft, 72 * 60);
            for (hours, level) in
                [(300, 6.0), (270, 5.0), (240, 6.0), (210, 5.0), (180, 6.0), (150, 6.0), (52, 2.0), (28, 1.0), (4, 2.0)]
            {
                mood(draft, hours * 60, level);
            }
        }
        // The question about thoughts of being better off dead left out.
        8 => {
            forms::send(
                draft,
                ago(draft, 16 * 60),
                "phq-9",
                &grave(None).map(|answer| answer.map(|answer| answer / 2)),
                AnsweredBy::Patient,
            );
        }
        _ => {}
    }
}

fn grave(item_9: Option<u8>) -> [Option<u8>; 9] {
    [Some(2), Some(3), Some(3), Some(2), Some(1), Some(3), Some(2), Some(1), item_9]
}

fn mood(draft: &mut Draft<'_>, minutes: i64, level: f64) {
    let at = ago(draft, minutes);
    let entry = score(draft, at, level);
    draft.add(at, By::Patient, Entry::MoodScore(entry));
}

/// Takes away what chance had drawn for the last minutes, so that it does not contradict.
fn clear_last(draft: &mut Draft<'_>, minutes: i64) {
    let since = ago(draft, minutes).to_utc();
    draft.writes.retain(|write| {
        write.by != By::Patient
            || write.at < since
            || matches!(write.entry, Entry::JournalEntry(_) | Entry::Intention(_))
    });
}

/// The newest prescription.
fn prescription(draft: &Draft<'_>) -> Option<uuid::Uuid> {
    draft.writes.iter().rev().find(|write| matches!(write.entry, Entry::Prescription(_))).map(|write| write.id)
}
