//! The messages that reminders and flags produce: how they live, and when they are sent.
//!
//! A message exists once for its reminder, day and slot. It is claimed by one worker at a time, under a number (the
//! fence) that rises with every claim, so that a worker which was paused cannot finish what another has taken over.
//! Between handing a text to a mail host and reading its answer nobody knows whether it arrived: there a routine
//! message is given up as `unknown`, one that matters is sent again under the same id.

use super::{numbered::numbered, record::Kind, reminders::ReminderKind};
use chrono::{DateTime, TimeDelta, Utc};
use poem_openapi::Enum;

/// How late a routine message may be; then it is missed.
pub const GRACE: TimeDelta = TimeDelta::hours(2);
/// How far ahead a message can be put off.
pub const LONGEST_SNOOZE: TimeDelta = TimeDelta::days(7);
/// How long a worker has for getting a recipient accepted.
pub const CLAIM: TimeDelta = TimeDelta::seconds(15);
/// How long it has for handing the text over: longer than the longest wait for the answer.
pub const HAND_OVER: TimeDelta = TimeDelta::seconds(660);
/// How much earlier than its lease ends a worker stops trusting it.
const MARGIN: TimeDelta = TimeDelta::seconds(1);

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum NotificationKind {
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
    /// Whatever the reminder's title says.
    Custom,
    /// A flag, told to a member of the care team.
    Flag,
}

numbered!(NotificationKind {
    CheckIn = 1, Journal = 2, Assessment = 3, Preparation = 4, Integration = 5, Booster = 6, HomeDose = 7,
    Appointment = 8, Custom = 9, Flag = 20,
});

impl From<ReminderKind> for NotificationKind {
    fn from(kind: ReminderKind) -> Self {
        match kind {
            ReminderKind::CheckIn => Self::CheckIn,
            ReminderKind::Journal => Self::Journal,
            ReminderKind::Assessment => Self::Assessment,
            ReminderKind::Preparation => Self::Preparation,
            ReminderKind::Integration => Self::Integration,
            ReminderKind::Booster => Self::Booster,
            ReminderKind::HomeDose => Self::HomeDose,
            ReminderKind::Appointment => Self::Appointment,
            ReminderKind::Custom => Self::Custom,
        }
    }
}

impl NotificationKind {
    /// What to do, in a few words that anybody may read over a shoulder.
    pub const fn act(self) -> &'static str {
        match self {
            Self::CheckIn => "A short check-in",
            Self::Journal => "A few lines in your journal",
            Self::Assessment => "A few questions that wait for you",
            Self::Preparation => "A few minutes to get ready",
            Self::Integration => "A quiet moment to look back",
            Self::Booster => "A date in your plan",
            Self::HomeDose => "Something that you planned for today",
            Self::Appointment => "An appointment in your plan",
            Self::Custom => "A reminder of your own",
            Self::Flag => "A flag waits in Afterglow",
        }
    }

    /// A sentence for the inbox.
    pub const fn text(self) -> &'static str {
        match self {
            Self::CheckIn => "How is it right now? A number is enough.",
            Self::Journal => "While it is fresh: what stayed with you?",
            Self::Assessment => "They take a few minutes.",
            Self::Preparation => "Look at what you wanted to have ready.",
            Self::Integration => "What would you like to keep?",
            Self::Booster => "Your care team has confirmed a date.",
            Self::HomeDose => "Look at your plan before you begin.",
            Self::Appointment => "It is in your calendar.",
            Self::Custom => "You wanted to be reminded of it.",
            Self::Flag => "Sign in to see who needs a look, and why.",
        }
    }

    /// Records of this kind, made since the slot before, make the reminder needless.
    pub const fn done_by(self) -> Option<Kind> {
        match self {
            Self::Journal => Some(Kind::JournalEntries),
            Self::CheckIn => Some(Kind::MoodScores),
            Self::Assessment => Some(Kind::Assessments),
            _ => None,
        }
    }

    /// How it is treated where nobody knows whether it arrived, and when it is late.
    pub const fn class(self) -> Class {
        match self {
            Self::Flag => Class::Matters,
            _ => Class::Routine,
        }
    }
}

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Better lost than sent twice, and of no use when late.
    Routine,
    /// Better sent twice than lost, however late.
    Matters,
}

impl Class {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Routine, Self::Matters];

    /// What it is called where messages are counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Matters => "matters",
        }
    }
}

/// Where a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum NotificationState {
    /// It waits for its time.
    Scheduled,
    /// A worker is at it.
    Sending,
    /// It was handed over.
    Sent,
    /// It was handed over, and nobody knows whether it arrived.
    Unknown,
    /// Its time passed without a way to send it.
    Missed,
    /// Not needed any more: done already, or skipped by the patient.
    Skipped,
    /// Its reason went away: the reminder was stopped, the session called off.
    Cancelled,
    /// There is no address that takes it.
    Failed,
}

numbered!(NotificationState {
    Scheduled = 0, Sending = 1, Sent = 2, Unknown = 3, Missed = 4, Skipped = 5, Cancelled = 6, Failed = 7,
});

/// A way to reach a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename = "DeliveryChannel", rename_all = "kebab-case")]
pub enum Channel {
    /// Mail.
    Email,
}

numbered!(Channel { Email = 1 });

/// Where a message stands on one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Enum)]
#[oai(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// To be sent, or sent again.
    Queued,
    /// Taken by the channel.
    Sent,
    /// Handed over, no answer.
    Unknown,
    /// Not sent, on purpose.
    Suppressed,
    /// Refused for good, or too late.
    Failed,
}

numbered!(DeliveryState { Queued = 0, Sent = 1, Unknown = 2, Suppressed = 3, Failed = 4 });

/// How far the sending of a queued delivery got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody is at it.
    Waiting,
    /// A worker holds it; nothing has left.
    Claimed,
    /// The text is being handed over: from here on it may have arrived.
    DataStarted,
}

numbered!(Stage { Waiting = 0, Claimed = 1, DataStarted = 2 });

/// What a worker does with a delivery that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Claim and send it.
    Send,
    /// Another worker is at it.
    Wait,
    /// Its worker vanished while handing it over: give it up.
    GiveUp,
    /// Too late for it.
    Miss,
}

/// What to do with a queued delivery, by the leases' own clock.
pub fn turn(
    class: Class,
    stage: Stage,
    lease_until: Option<DateTime<Utc>>,
    lease_now: DateTime<Utc>,
    late: bool,
) -> Turn {
    match (stage, class) {
        (Stage::Claimed | Stage::DataStarted, _) if lease_until.is_some_and(|until| lease_now < until) => Turn::Wait,
        (Stage::DataStarted, Class::Routine) => Turn::GiveUp,
        (_, Class::Routine) if late => Turn::Miss,
        _ => Turn::Send,
    }
}

/// Whether a routine message that was due then is of no use any more.
pub fn is_late(due_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - due_at > GRACE
}

/// Whether a worker may still act on its lease.
pub fn is_trusted(lease_until: DateTime<Utc>, lease_now: DateTime<Utc>) -> bool {
    lease_now + MARGIN < lease_until
}

/// How long to wait before the next attempt. `jitter` is any number: it spreads the attempts of many messages.
///
/// 30 s, then doubling up to 30 minutes, give or take a quarter. A host that asks to come back (greylisting, 450 and
/// 451) is asked again after 5 to 15 minutes.
pub fn backoff(attempts: i16, answer: Option<u16>, jitter: u32) -> TimeDelta {
    let part = i64::from(jitter % 1_000);
    if attempts <= 1 && matches!(answer, Some(450 | 451)) {
        return TimeDelta::milliseconds(5 * 60_000 + 10 * 60 * part);
    }
    let doubled = 30_000_i64 << attempts.clamp(1, 10).saturating_sub(1);
    let base = doubled.min(30 * 60_000);
    TimeDelta::milliseconds(base * 3 / 4 + base / 2 * part / 1_000)
}

/// When to try again at the latest: a moment after a routine message has become useless, so that it shows as missed.
pub fn try_again(class: Class, due_at: DateTime<Utc>, wished: DateTime<Utc>) -> DateTime<Utc> {
    match class {
        Class::Routine => wished.min(due_at + GRACE + TimeDelta::seconds(1)),
        Class::Matters => wished,
    }
}

/// How long a host that does not let us in at all is left alone.
pub const CLOSED: TimeDelta = TimeDelta::minutes(1);

impl NotificationState {
    /// Whether it reaches nobody any more.
    pub const fn is_lost(self) -> bool {
        match self {
            Self::Missed | Self::Skipped | Self::Cancelled | Self::Failed => true,
            Self::Scheduled | Self::Sending | Self::Sent | Self::Unknown => false,
        }
    }

    /// Putting it off until later, and whether that changes it; `same` if it already waits for that time.
    pub fn snooze(self, same: bool) -> Result<bool, &'static str> {
        match self {
            Self::Scheduled if same => Ok(false),
            Self::Scheduled | Self::Sent | Self::Unknown | Self::Missed => Ok(true),
            Self::Sending => Err("it is being sent right now"),
            Self::Skipped => Err("it was skipped"),
            Self::Cancelled => Err("it was cancelled"),
            Self::Failed => Err("it could not be sent"),
        }
    }

    /// Leaving it out, and whether that changes it.
    pub fn skip(self) -> Result<bool, &'static str> {
        match self {
            Self::Scheduled => Ok(true),
            Self::Skipped => Ok(false),
            Self::Sending => Err("it is being sent right now"),
            Self::Sent | Self::Unknown => Err("it was sent already"),
            Self::Missed => Err("it was missed already"),
            Self::Cancelled => Err("it was cancelled"),
            Self::Failed => Err("it could not be sent"),
        }
    }
}

#[cfg(test)]
mod tests;
