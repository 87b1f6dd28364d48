//! The moods of each day, as sums: a mood can be taken out again as it was put in.

use crate::domain::record::Unreadable;
use chrono::NaiveDate;
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The sum and the number of the moods of each day that has any.
///
/// As text, the first day and then a word for each day from there: the sum of its moods, how many they are where it is not
/// one, and `-` where there is none.
///
/// ```
/// use afterglow::domain::course::Moods;
/// use chrono::NaiveDate;
///
/// let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
/// let mut moods = Moods::default();
/// for (on, mood) in [(4, 7), (1, 5), (3, 4), (3, 8)] {
///     moods.add(day(on), mood);
/// }
/// assert_eq!(moods.to_string(), "2026-03-01 5 - 12/2 7");
/// assert_eq!("2026-03-01 5 - 12/2 7".parse(), Ok(moods.clone()));
/// assert!(moods.remove(day(1), 5) && moods.remove(day(3), 8));
/// assert!(!moods.remove(day(1), 5));
/// assert_eq!(moods.means(), [(day(3), 4.0), (day(4), 7.0)]);
/// moods.forget_before(day(5));
/// assert_eq!((moods.to_string(), "".parse()), (String::new(), Ok(moods)));
/// assert!("2026-03-01 5/0".parse::<Moods>().is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moods(BTreeMap<NaiveDate, Day>);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Day {
    sum: u32,
    count: u32,
}

impl Moods {
    /// Puts a mood in.
    pub fn add(&mut self, day: NaiveDate, mood: u8) {
        let of = self.0.entry(day).or_default();
        of.sum += u32::from(mood);
        of.count += 1;
    }

    /// Takes a mood out that was put in; whether it can have been.
    pub fn remove(&mut self, day: NaiveDate, mood: u8) -> bool {
        let Some(of) = self.0.get_mut(&day).filter(|of| of.sum >= u32::from(mood)) else { return false };
        of.sum -= u32::from(mood);
        of.count -= 1;
        if of.count == 0 {
            self.0.remove(&day);
        }
        true
    }

    /// The last day that has a mood.
    pub fn last_day(&self) -> Option<NaiveDate> {
        self.0.keys().next_back().copied()
    }

    /// Forgets the days before one.
    pub fn forget_before(&mut self, first: NaiveDate) {
        self.0.retain(|day, _| *day >= first);
    }

    /// The mean of each day that has a mood, in order of time.
    pub fn means(&self) -> Vec<(NaiveDate, f64)> {
        self.0.iter().map(|(day, of)| (*day, f64::from(of.sum) / f64::from(of.count))).collect()
    }
}

impl fmt::Display for Moods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, last)) = self.0.keys().next().zip(self.0.keys().next_back()) else { return Ok(()) };
        write!(f, "{first}")?;
        for day in first.iter_days().take_while(|day| day <= last) {
            match self.0.get(&day) {
                None => f.write_str(" -")?,
                Some(Day { sum, count: 1 }) => write!(f, " {sum}")?,
                Some(Day { sum, count }) => write!(f, " {sum}/{count}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for Moods {
    type Err = Unreadable;

    fn from_str(text: &str) -> Result<Self, Unreadable> {
        let mut words = text.split_ascii_whitespace();
        let Some(first) = words.next() else { return Ok(Self::default()) };
        let unreadable = || Unreadable("the moods of some days");
        let first: NaiveDate = first.parse().map_err(|_| unreadable())?;
        let number = |text: &str| text.parse().map_err(|_| unreadable());
        let mut days = BTreeMap::new();
        for (day, word) in first.iter_days().zip(words).filter(|(_, word)| *word != "-") {
            let (sum, count) = word.split_once('/').unwrap_or((word, "1"));
            let of = Day { sum: number(sum)?, count: number(count)? };
            if of.count == 0 {
                return Err(unreadable());
            }
            days.insert(day, of);
        }
        Ok(Self(days))
    }
}
