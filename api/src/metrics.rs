//! What is counted for whoever runs the service. In memory, from the start of the process; read at `/metrics`.
//!
//! Labels are names from this program alone: operations, classes of status and of messages, channels. Never an id, nor a path
//! that holds one.

use crate::domain::notifications::{Class, NotificationState};
use prometheus_client::{
    encoding::{
        EncodeLabelSet,
        text::{encode_eof, encode_registry},
    },
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use std::{sync::atomic::AtomicU64, time::Duration};

/// The form of the text: what Prometheus asks for first.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// What every name begins with.
const PREFIX: &str = "afterglow";
/// What no operation of the document answers: pages, unknown paths, `/health`.
const NO_OPERATION: &str = "none";
/// Upper ends of the classes of a request's duration, in seconds: fine where answers should lie, up to the slowest allowed.
const DURATIONS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The same for how late a message was sent: from a second, as the worker looks, to the two hours after which it is missed.
const LATENESS: [f64; 9] = [1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 7200.0];

/// The ends of a message that are counted.
const ENDS: [NotificationState; 4] =
    [NotificationState::Sent, NotificationState::Unknown, NotificationState::Missed, NotificationState::Failed];

/// One operation, as the document names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operation {
    operation: &'static str,
}

/// What an operation answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    operation: &'static str,
    status: &'static str,
}

/// How much messages matter: `routine` reminds patients, `matters` tells of flags and invites.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClass {
    class: &'static str,
}

impl From<Class> for OfClass {
    fn from(class: Class) -> Self {
        Self { class: class.name() }
    }
}

/// A way to reach people, and what became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    channel: &'static str,
    class: &'static str,
    outcome: &'static str,
}

/// What became of messages in the end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    class: &'static str,
    outcome: &'static str,
}

/// Of each class how many mails are due and not sent, and how long the oldest of them has been.
pub type Waiting = [(Class, i64, Duration); 2];

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Operation, Histogram>,
    attempts: Family<Attempted, Counter>,
    /// What the writers do.
    pub writing: Writing,
}

/// What the writers do. Clones count together.
#[derive(Debug, Clone)]
pub struct Writing {
    groups: Histogram,
    commits: Histogram,
    messages: Family<Ended, Counter>,
    lateness: Family<OfClass, Histogram>,
}

impl Writing {
    fn new() -> Self {
        let groups = Histogram::new(exponential_buckets(1.0, 2.0, 7));
        let commits = Histogram::new(exponential_buckets(0.0001, 2.0, 15));
        let messages = Family::<Ended, Counter>::default();
        // There from the start, so that the first one is seen as a rise.
        for class in Class::ALL {
            for outcome in ENDS.into_iter().filter_map(outcome) {
                drop(messages.get_or_create(&Ended { class: class.name(), outcome }));
            }
        }
        Self { groups, commits, messages, lateness: Family::new_with_constructor(|| Histogram::new(LATENESS)) }
    }

    /// A group of so many units was committed, in this time.
    pub fn committed(&self, units: usize, took: Duration) {
        self.groups.observe(u32::try_from(units).map_or(f64::INFINITY, f64::from));
        self.commits.observe(took.as_secs_f64());
    }

    /// So many messages were committed to be in this state; only those are counted that have come to an end by it.
    pub fn ended(&self, class: Class, state: NotificationState, messages: u64) {
        if let Some(outcome) = outcome(state) {
            self.messages.get_or_create(&Ended { class: class.name(), outcome }).inc_by(messages);
        }
    }

    /// It was committed that a message was sent so long after its time.
    pub fn sent(&self, class: Class, late: Duration) {
        self.lateness.get_or_create(&class.into()).observe(late.as_secs_f64());
    }
}

/// What a message that should have been sent came to in the end. One that was not wanted any more came to nothing.
fn outcome(state: NotificationState) -> Option<&'static str> {
    match state {
        NotificationState::Sent => Some("sent"),
        NotificationState::Unknown => Some("unknown"),
        NotificationState::Missed => Some("missed"),
        NotificationState::Failed => Some("failed"),
        NotificationState::Scheduled
        | NotificationState::Sending
        | NotificationState::Skipped
        | NotificationState::Cancelled => None,
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            attempts: Family::default(),
            writing: Writing::new(),
            registry: Registry::default(),
        };
        let seconds = || Unit::Seconds;
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit("request_duration", "From head to answer", seconds(), metrics.durations.clone());
        registry.register("commit_units", "Units of work in one COMMIT", metrics.writing.groups.clone());
        registry.register_with_unit("commit", "How long a COMMIT takes", seconds(), metrics.writing.commits.clone());
        registry.register("mail_attempts", "Attempts to send a mail", metrics.attempts.clone());
        registry.register("messages", "Messages that came to an end", metrics.writing.messages.clone());
        let late = "How long after its time a message was sent";
        registry.register_with_unit("message_lateness", late, seconds(), metrics.writing.lateness.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    /// A request was answered.
    pub fn answered(&self, operation: Option<&'static str>, status: u16, took: Duration) {
        let operation = operation.unwrap_or(NO_OPERATION);
        self.requests.get_or_create(&Answered { operation, status: class(status) }).inc();
        self.durations.get_or_create(&Operation { operation }).observe(took.as_secs_f64());
    }

    /// An attempt to send a mail came to this.
    pub fn attempted(&self, channel: &'static str, class: Class, outcome: &'static str) {
        self.attempts.get_or_create(&Attempted { channel, class: class.name(), outcome }).inc();
    }

    /// Everything, as `OpenMetrics` text, with what the database answered at this moment; or that it did not.
    pub fn text(&self, waiting: Option<Waiting>) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode_registry(&mut text, &self.registry)
            .and_then(|()| encode_registry(&mut text, &of_this_reading(waiting)))
            .and_then(|()| encode_eof(&mut text));
        text
    }
}

/// Gauges of one reading alone: of those that several share, one reader would find what another is just setting.
fn of_this_reading(waiting: Option<Waiting>) -> Registry {
    let (database_up, due) = (Gauge::<i64>::default(), Family::<OfClass, Gauge>::default());
    let oldest = Family::<OfClass, Gauge<f64, AtomicU64>>::default();
    database_up.set(waiting.is_some().into());
    for (class, mails, late) in waiting.into_iter().flatten() {
        due.get_or_create(&class.into()).set(mails);
        oldest.get_or_create(&class.into()).set(late.as_secs_f64());
    }
    let mut registry = Registry::with_prefix(PREFIX);
    let up = "Whether the database answered this reading; if not, nothing is told of the mails that are due";
    registry.register("database_up", up, database_up);
    registry.register("mails_due", "Mails whose time has come and that are not sent", due);
    let since = "How long the oldest of them has been due";
    registry.register_with_unit("mails_due_oldest", since, Unit::Seconds, oldest);
    registry
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
