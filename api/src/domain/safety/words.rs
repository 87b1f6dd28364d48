//! Words made of codes, when a flag is read: plain, short, in the present; a fact, then its evidence. What happened more
//! than a day ago names its day. Never stored.
//!
//! Never said: failed, non-compliant, abuse, refuses, risk score, safe, at no risk, all clear, we monitor, detects.

use super::{Facts, Piece, Prescribed, Rule};
use crate::domain::instruments::{self, PHQ_9_SERIES};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;

/// What is older than this is not of today: it names its day.
const OLD: TimeDelta = TimeDelta::days(1);

/// One line that says what was found, from the gravest evidence.
///
/// ```
/// use afterglow::domain::safety::{Facts, Rule, words};
///
/// let facts = Facts::Answer { item: 9, answer: 2, previous: vec![], total: Some(19) };
/// assert_eq!(words::title(Rule::Si02, Some(&facts)), "Thoughts of being better off dead, more than half the days");
/// let facts = Facts::Drop { before: 6.0, recent: 0.5, after_session_hours: None };
/// assert_eq!(words::title(Rule::Rd02, Some(&facts)), "Mood down 5.5 points in 3 days");
/// ```
pub fn title(rule: Rule, facts: Option<&Facts>) -> String {
    match facts {
        Some(Facts::Answer { answer, .. }) => {
            format!("Thoughts of being better off dead, {}", answer_text(*answer).to_lowercase())
        }
        Some(Facts::Skipped { .. }) => "The question about being better off dead was left out".into(),
        Some(Facts::Over { .. }) => "Home dose above the prescribed limit".into(),
        Some(Facts::Often { hours, in_week, .. }) => match (hours, in_week) {
            (Some(_), None) => "Home dose sooner than prescribed".into(),
            (None, Some(count)) => format!("{count} home doses in 7 days, more than prescribed"),
            _ => "Home dose sooner and more often than prescribed".into(),
        },
        Some(Facts::Unprescribed { prescribed, .. }) => match prescribed {
            Prescribed::NotNamed => "Home dose without a prescription".into(),
            Prescribed::Unknown => "Home dose under an unknown prescription".into(),
            Prescribed::NotActive => "Home dose outside the days of its prescription".into(),
            Prescribed::OtherRoute => "Home dose by another route than prescribed".into(),
        },
        Some(Facts::Drop { before, recent, .. }) => {
            format!("Mood down {} points in 3 days", number(before - recent))
        }
        None => format!("A finding of rule {}", rule.id()),
    }
}

/// The evidence in one line: what was seen, and what it stands against; if that is more than a day ago, on which day, where
/// the patient was.
///
/// ```
/// use afterglow::domain::safety::{Facts, Piece, words};
/// use chrono::{TimeZone, Utc};
///
/// let at = Utc.with_ymd_and_hms(2026, 10, 2, 22, 30, 0).unwrap();
/// let piece = Piece { at, facts: Facts::Over { amount_mg: 250.0, limit_mg: 200.0 } };
/// let read_on = |month, day| words::detail(&piece, chrono_tz::Europe::Berlin, Utc.with_ymd_and_hms(2026, month, day, 22, 30, 0).unwrap());
/// assert_eq!(read_on(10, 3), "250 mg; at most 200 mg are prescribed.");
/// assert_eq!(read_on(10, 4), "On 3 October: 250 mg; at most 200 mg are prescribed.");
/// ```
pub fn detail(piece: &Piece, zone: Tz, now: DateTime<Utc>) -> String {
    let seen = seen(&piece.facts, zone, now);
    if now - piece.at > OLD { format!("On {}: {seen}", day(piece.at, zone, now)) } else { seen }
}

fn seen(facts: &Facts, zone: Tz, now: DateTime<Utc>) -> String {
    match facts {
        Facts::Answer { answer, previous, total, .. } => {
            let before: Vec<_> = previous.iter().map(|before| before.answer.to_string()).collect();
            let before = if before.is_empty() { "none".to_owned() } else { before.join(", ") };
            let total = total.map_or_else(|| "PHQ-9 incomplete".to_owned(), |total| format!("PHQ-9 total {total}"));
            format!("{answer} of 3, “{}”. Before: {before}. {total}.", answer_text(*answer))
        }
        Facts::Skipped { previous, .. } => match previous {
            Some(before) => format!(
                "PHQ-9 item 9 has no answer. Before, on {}: {} of 3, “{}”.",
                day(before.at, zone, now),
                before.answer,
                answer_text(before.answer)
            ),
            None => "PHQ-9 item 9 has no answer, and none before.".into(),
        },
        Facts::Over { amount_mg, limit_mg } => {
            format!("{} mg; at most {} mg are prescribed.", number(*amount_mg), number(*limit_mg))
        }
        Facts::Often { hours, min_hours, in_week, max_in_week } => {
            let soon = hours.map(|hours| {
                format!("{} h after the dose before; at least {} h are prescribed.", floor(hours), number(*min_hours))
            });
            let many =
                in_week.map(|count| format!("{count} doses within 168 h; at most {max_in_week} are prescribed."));
            soon.into_iter().chain(many).collect::<Vec<_>>().join(" ")
        }
        Facts::Unprescribed { prescribed, amount_mg } => {
            let why = match prescribed {
                Prescribed::NotNamed => "The log names no prescription",
                Prescribed::Unknown => "The log names a prescription that is not on record",
                Prescribed::NotActive => "The prescription does not hold on this day",
                Prescribed::OtherRoute => "The prescription is for another route",
            };
            format!("{} mg. {why}.", number(*amount_mg))
        }
        Facts::Drop { before, recent, after_session_hours } => {
            let medians =
                format!("Median {} over 3 days, {} over the 14 days before.", number(*recent), number(*before));
            match after_session_hours {
                Some(hours) => format!("{medians} {} h after a session: expected variation, check in.", floor(*hours)),
                None => medians,
            }
        }
    }
}

/// The wording of an answer to PHQ-9 item 9.
fn answer_text(answer: u8) -> &'static str {
    instruments::of_series(PHQ_9_SERIES)
        .and_then(|phq_9| phq_9.items.last())
        .and_then(|item| item.options.iter().find(|option| option.value == answer))
        .and_then(|option| option.text.as_deref())
        .unwrap_or("answered")
}

/// `3 October`, and its year if that is over.
fn day(at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> String {
    let (at, now) = (at.with_timezone(&zone), now.with_timezone(&zone));
    let words = if at.year() == now.year() { "%-d %B" } else { "%-d %B %Y" };
    at.format(words).to_string()
}

/// At most two decimals, none where there is nothing behind the point; minus as −.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "−")
}

/// One decimal, never rounded up: 71.98 h must not read as 72.
fn floor(value: f64) -> String {
    number((value * 10.0).floor() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::safety::PreviousAnswer;
    use chrono::{TimeZone, Utc};

    /// How a detail reads some days later, in Berlin.
    fn read(facts: &Facts, days_later: i64) -> String {
        let at = Utc.with_ymd_and_hms(2026, 11, 24, 9, 0, 0).unwrap();
        let piece = Piece { at, facts: facts.clone() };
        detail(&piece, chrono_tz::Europe::Berlin, at + TimeDelta::days(days_later))
    }

    #[test]
    fn old_evidence_names_its_day_and_in_another_year_its_year() {
        let facts = Facts::Over { amount_mg: 250.0, limit_mg: 200.0 };
        let said = "250 mg; at most 200 mg are prescribed.";
        assert_eq!(read(&facts, 1), said);
        assert_eq!(read(&facts, 2), format!("On 24 November: {said}"));
        assert_eq!(read(&facts, 40), format!("On 24 November 2026: {said}"));
    }

    fn every_kind_of_facts() -> Vec<(Rule, Facts)> {
        let before = PreviousAnswer { at: Utc.with_ymd_and_hms(2026, 11, 10, 23, 30, 0).unwrap(), answer: 1 };
        let often = |hours, in_week| Facts::Often { hours, min_hours: 72.0, in_week, max_in_week: 2 };
        let unprescribed = |prescribed| Facts::Unprescribed { prescribed, amount_mg: 12.5 };
        vec![
            (Rule::Si01, Facts::Answer { item: 9, answer: 1, previous: vec![before], total: None }),
            (Rule::Si02, Facts::Answer { item: 9, answer: 3, previous: vec![], total: Some(27) }),
            (Rule::Si04, Facts::Skipped { item: 9, previous: Some(before) }),
            (Rule::Si04, Facts::Skipped { item: 9, previous: None }),
            (Rule::Hd01, Facts::Over { amount_mg: 250.0, limit_mg: 200.0 }),
            (Rule::Hd02, often(Some(71.98), None)),
            (Rule::Hd02, often(None, Some(3))),
            (Rule::Hd02, often(Some(1.0), Some(4))),
            (Rule::Hd07, unprescribed(Prescribed::NotNamed)),
            (Rule::Hd07, unprescribed(Prescribed::Unknown)),
            (Rule::Hd07, unprescribed(Prescribed::NotActive)),
            (Rule::Hd07, unprescribed(Prescribed::OtherRoute)),
            (Rule::Rd02, Facts::Drop { before: 6.0, recent: 2.0, after_session_hours: None }),
            (Rule::Rd02, Facts::Drop { before: 6.0, recent: 3.0, after_session_hours: Some(20.5) }),
        ]
    }

    #[test]
    fn no_title_and_no_detail_says_what_must_not_be_said() {
        let never = [
            "fail",
            "complian",
            "abuse",
            "refuse",
            "risk",
            "safe",
            "all clear",
            "monitor",
            "detect",
            "!",
            "please",
            "sorry",
        ];
        for (rule, facts) in every_kind_of_facts() {
            for text in [title(rule, Some(&facts)), read(&facts, 40)] {
                let lower = text.to_lowercase();
                assert!(never.iter().all(|word| !lower.contains(word)), "{text}");
            }
        }
    }

    #[test]
    fn evidence_reads_as_a_fact_and_what_it_stands_against() {
        let lines: Vec<_> = every_kind_of_facts().iter().map(|(_, facts)| read(facts, 0)).collect();
        assert_eq!(lines[0], "1 of 3, “Several days”. Before: 1. PHQ-9 incomplete.");
        assert_eq!(lines[2], "PHQ-9 item 9 has no answer. Before, on 11 November: 1 of 3, “Several days”.");
        assert_eq!(lines[4], "250 mg; at most 200 mg are prescribed.");
        assert_eq!(lines[5], "71.9 h after the dose before; at least 72 h are prescribed.");
        assert_eq!(lines[12], "Median 2 over 3 days, 6 over the 14 days before.");
    }
}
