//! How people fare: seven courses, as the burden of their illness from day to day. A picture to look at, not a model.

use super::chance::Chance;

/// What becomes of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Better with every session, worse again before the next.
    Responds,
    /// Well, and it stays.
    Sustained,
    /// Well for months, then worse again.
    Relapses,
    /// Nothing changes much.
    NeverResponds,
    /// Better, then nothing more is heard.
    GoesSilent,
    /// Takes home doses otherwise than prescribed.
    Misuses,
    /// Just begun.
    New,
}

use Course::{GoesSilent, Misuses, NeverResponds, New, Relapses, Responds, Sustained};

/// The courses of a clinic, in an order in which the first few show all of them.
#[rustfmt::skip]
const COURSES: [Course; 50] = [
    Responds, Relapses, GoesSilent, Misuses, Sustained, NeverResponds, New,
    Responds, Sustained, Responds, Relapses, Sustained, NeverResponds, Responds,
    New, Responds, Sustained, GoesSilent, Responds, Relapses, Sustained,
    Misuses, Responds, NeverResponds, New, Responds, Sustained, Responds,
    Relapses, GoesSilent, Sustained, Responds, NeverResponds, New, Responds,
    Sustained, Responds, Relapses, Misuses, Sustained, Responds, NeverResponds,
    New, GoesSilent, Responds, Sustained, Relapses, Responds, NeverResponds, Responds,
];

impl Course {
    /// The course of the nth patient.
    pub(super) fn of(index: usize) -> Self {
        COURSES[index % COURSES.len()]
    }
}

/// The burden from day to day: 1 is where somebody began, 0 is none.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    /// What lasts, once all sessions are done.
    lasting: f64,
    /// What one session adds for some days.
    brief: f64,
    /// In how many days half of that is gone.
    half_life: f64,
    /// The day on which things turn, if they do.
    turns_on: Option<i64>,
}

impl Curve {
    /// The curve of somebody whose last day is `today`, counted from their first.
    pub(super) fn draw(chance: &mut Chance, course: Course, today: i64) -> Self {
        let (lasting, brief, half_life) = match course {
            Responds => (chance.between(0.40, 0.55), chance.between(0.22, 0.34), chance.between(6.0, 11.0)),
            Sustained | Relapses => (chance.between(0.70, 0.86), chance.between(0.12, 0.22), chance.between(9.0, 15.0)),
            NeverResponds => (chance.between(0.0, 0.12), chance.between(0.06, 0.14), chance.between(2.0, 4.0)),
            GoesSilent | Misuses => (chance.between(0.30, 0.50), chance.between(0.20, 0.30), chance.between(5.0, 9.0)),
            New => (0.10, chance.between(0.20, 0.35), chance.between(5.0, 9.0)),
        };
        let turns_on = (course == Relapses).then(|| today - chance.whole(16, 45));
        Self { lasting, brief, half_life, turns_on }
    }

    /// The burden on a day, by the days of the dosing sessions so far.
    pub(super) fn burden(&self, day: f64, dosing: &[i64]) -> f64 {
        let ages = dosing.iter().map(|dosed| day - whole(*dosed)).filter(|age| *age >= 0.0);
        let (count, nearest) = ages.fold((0.0, f64::MAX), |(count, nearest), age| (count + 1.0, age.min(nearest)));
        // Six sessions bring most of what lasts.
        let built = 1.0 - 0.62_f64.powf(count);
        let turned = self.turns_on.map_or(0.0, |on| ((day - whole(on)) / 18.0).clamp(0.0, 0.95));
        let lasts = self.lasting * built * (1.0 - turned);
        let brief = if count > 0.0 { self.brief * 0.5_f64.powf(nearest / self.half_life) } else { 0.0 };
        (1.0 - lasts - brief * (1.0 - turned / 2.0)).clamp(0.04, 1.1)
    }
}

/// A small whole number as a float.
#[expect(clippy::cast_precision_loss, reason = "days are few")]
pub(super) fn whole(number: i64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_few_patients_show_every_course() {
        let mut shown: Vec<_> = COURSES[..7].to_vec();
        shown.sort();
        shown.dedup();
        assert_eq!(shown.len(), 7);
    }

    #[test]
    fn a_session_lifts_and_the_lift_fades() {
        let curve = Curve::draw(&mut Chance::new(3, 0), Responds, 300);
        let (before, after, later) = (curve.burden(10.0, &[]), curve.burden(11.0, &[10]), curve.burden(40.0, &[10]));
        assert!(after < later && later < before, "{before} {after} {later}");
    }

    #[test]
    fn who_relapses_was_well_before() {
        let curve = Curve::draw(&mut Chance::new(3, 0), Relapses, 300);
        let dosing: Vec<i64> = (0..6).map(|week| 20 + 7 * week).collect();
        assert!(curve.burden(150.0, &dosing) < 0.4);
        assert!(curve.burden(300.0, &dosing) > 0.7);
    }
}
