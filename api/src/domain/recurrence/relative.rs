//! A time before or after an event: `PT4H`, `-P1D` at 09:00.

use super::{
    Event, MovedBy,
    wall_clock::{TimeOfDay, resolve},
};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use std::str::FromStr;

/// An ISO 8601 duration of days on the calendar, then hours and minutes on the clock; before the event when negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offset {
    before: bool,
    days: u32,
    minutes: u32,
}

/// The longest offset, in days.
const LONGEST: u32 = 366;

const SHAPE: &str = "an ISO 8601 duration such as PT4H, P3D or -P1DT12H, at most 366 days";

impl FromStr for Offset {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (before, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let rest = rest.strip_prefix('P').ok_or(SHAPE)?;
        let (date, time) = rest.split_once('T').map_or((rest, None), |(date, time)| (date, Some(time)));
        if rest.is_empty() || time == Some("") {
            return Err(SHAPE);
        }
        let [weeks, days] = numbers(date, ['W', 'D'])?;
        let [hours, minutes] = numbers(time.unwrap_or_default(), ['H', 'M'])?;
        let days = weeks * 7 + days;
        let minutes = hours * 60 + minutes;
        if days + minutes.div_ceil(24 * 60) > LONGEST {
            return Err(SHAPE);
        }
        Ok(Self { before, days, minutes })
    }
}

/// The numbers before some designators, each at most once and in this order; 0 where absent.
fn numbers(mut text: &str, designators: [char; 2]) -> Result<[u32; 2], &'static str> {
    let mut found = [0; 2];
    for (number, designator) in found.iter_mut().zip(designators) {
        if let Some((digits, rest)) = text.split_once(designator) {
            let plain = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
            *number = digits.parse().ok().filter(|_| plain).ok_or(SHAPE)?;
            text = rest;
        }
    }
    if text.is_empty() { Ok(found) } else { Err(SHAPE) }
}

/// A checked rule that follows an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relative {
    /// The event.
    pub to: Event,
    /// How long after its start.
    pub offset: Offset,
    /// The time of that day, instead of the event's own.
    pub at: Option<TimeOfDay>,
}

impl Relative {
    /// When it falls due for an event, before quiet hours, and how the clock moved it.
    pub(super) fn due(&self, starts_at: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, Option<MovedBy>) {
        let Offset { before, days, minutes } = self.offset;
        let (mut at, mut moved) = (starts_at, None);
        if days > 0 {
            let local = starts_at.with_timezone(&zone).naive_local();
            (at, moved) = resolve(shifted(local.date(), days, before).and_time(local.time()), zone);
        }
        let minutes = TimeDelta::minutes(minutes.into());
        at = if before { at - minutes } else { at + minutes };
        match self.at {
            Some(time) => time.on(at.with_timezone(&zone).date_naive(), zone),
            None => (at, moved),
        }
    }
}

fn shifted(date: NaiveDate, days: u32, before: bool) -> NaiveDate {
    let days = Days::new(days.into());
    let moved = if before { date.checked_sub_days(days) } else { date.checked_add_days(days) };
    moved.unwrap_or(date)
}
