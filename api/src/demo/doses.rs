//! Home doses of a demo patient: the limits that the prescriber set, and what was taken; by most within them.

use super::{
    course::{Course, whole},
    draft::{By, Draft, Entry},
    forms::rounded,
    words::words,
};
use crate::domain::{
    dosing::{AdverseEffect, BloodPressure, Route},
    home_doses::HomeDose,
    prescriptions::{NoDrivingUntil, Prescription},
};
use chrono::{DateTime, FixedOffset, TimeDelta};
use uuid::Uuid;

/// A misuse becomes visible this many days before today.
const MISUSE_DAYS: i64 = 63;

/// Draws them, for those who have a prescription.
pub(super) fn draw(draft: &mut Draft<'_>, index: usize) {
    let treated = matches!(draft.course, Course::Responds | Course::Sustained) && draft.chance.happens(0.35);
    if !(treated || index == 0 || draft.course == Course::Misuses) {
        return;
    }
    let Some(begin) = draft.dosed.get(6).map(|dosed| dosed.day + 7) else { return };
    let (mut day, mut prescription) = (begin, None);
    let mut renew_on = begin;
    while day <= draft.calendar.today() {
        if day >= renew_on {
            prescription = Some(prescribe(draft, renew_on, renew_on > begin));
            renew_on += 150;
        }
        let misuses = draft.course == Course::Misuses && day > draft.calendar.today() - MISUSE_DAYS;
        take(draft, day, prescription, misuses);
        day += if misuses { draft.chance.whole(2, 9) } else { draft.chance.whole(7, 16) };
    }
}

fn prescribe(draft: &mut Draft<'_>, day: i64, again: bool) -> Uuid {
    let amount = if again { 150.0 } else { 100.0 };
    let prescription = Prescription {
        route: Route::Sublingual,
        form: "troche".into(),
        mg_per_dose: amount,
        max_mg_per_dose: amount,
        min_hours_between: 72.0,
        max_doses_per_week: 2,
        supply_doses: 16,
        starts_on: draft.calendar.date(day),
        ends_on: None,
        sitter_required: true,
        blood_pressure_required: true,
        strength_mg: Some(50.0),
        blood_pressure_hold: Some(BloodPressure { systolic: 140, diastolic: 90 }),
        blood_pressure_urgent: None,
        fasting_hours: Some(6.0),
        no_driving_until: Some(NoDrivingUntil::NextMorningAfterSleep),
        observation_minutes: Some(120),
        pharmacy: Some("Millrace Compounding Pharmacy".into()),
    };
    let at = draft.calendar.at(day, draft.chance.whole(8 * 60 + 30, 10 * 60));
    draft.add(at, By::Prescriber, Entry::Prescription(prescription))
}

fn take(draft: &mut Draft<'_>, day: i64, prescription: Option<Uuid>, misuses: bool) {
    let near = draft.dosed.iter().any(|dosed| (dosed.day - 3..=dosed.day + 4).contains(&day));
    // What was misused in the last two days is drawn apart: it must not hide whom to call.
    let too_late = misuses && day > draft.calendar.today() - 2;
    if !draft.speaks(day) || (near && !misuses) || too_late {
        return;
    }
    let at = draft.calendar.at(day, draft.chance.whole(19 * 60, 21 * 60));
    let usual = if draft.writes.iter().filter(|write| matches!(write.entry, Entry::Prescription(_))).count() > 1 {
        150.0
    } else {
        100.0
    };
    let more = if misuses && draft.chance.happens(0.3) { 50.0 * whole(draft.chance.whole(1, 2)) } else { 0.0 };
    let named = prescription.filter(|_| !(misuses && draft.chance.happens(0.12)));
    let alone = misuses && draft.chance.happens(0.4);
    log(draft, at, usual + more, named, !alone);
}

/// Logs a home dose.
pub(super) fn log(
    draft: &mut Draft<'_>,
    at: DateTime<FixedOffset>,
    amount_mg: f64,
    prescription_id: Option<Uuid>,
    sitter: bool,
) {
    let zone = draft.zone();
    let chance = &mut draft.chance;
    let pressure = |systolic: i64, diastolic: i64| BloodPressure {
        systolic: u16::try_from(systolic).unwrap_or(120),
        diastolic: u16::try_from(diastolic).unwrap_or(80),
    };
    let before = pressure(chance.whole(108, 136), chance.whole(66, 86));
    let after = pressure(chance.whole(118, 152), chance.whole(70, 94));
    let effects = if chance.happens(0.25) {
        vec![if chance.happens(0.6) { AdverseEffect::Nausea } else { AdverseEffect::Dizziness }]
    } else {
        vec![]
    };
    let dose = HomeDose {
        prescription_id,
        occurred_at: at.into(),
        time_zone: zone,
        amount_mg,
        route: Route::Sublingual,
        dose_check_id: None,
        sitter_present: Some(sitter),
        blood_pressure_before: Some(before),
        blood_pressure_after: chance.happens(0.8).then_some(after),
        blood_pressures: None,
        symptoms: None,
        substances: None,
        dissociation: Some(rounded(amount_mg / 30.0 + chance.around(1.2), 10.0)),
        adverse_effects: (!effects.is_empty()).then_some(effects),
        drove_within_24h: Some(false),
        note: chance.happens(0.35).then(|| chance.pick(&words().dose_notes).map(str::to_owned)).flatten(),
    };
    let logged_at = at + TimeDelta::minutes(chance.whole(90, 150));
    draft.add(logged_at, By::Patient, Entry::HomeDose(dose));
}
