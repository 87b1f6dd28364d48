//! What is counted for whoever runs the service. In memory, from the start of the process; read at `/metrics`.
//!
//! Labels are names from this program alone: operations, classes of status, channels. Never an id, nor a path that holds one.

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
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
/// What no operation of the document answers: pages, unknown paths, `/health`.
const NO_OPERATION: &str = "none";
/// Upper ends of the classes of a request's duration, in seconds: fine where answers should lie, up to the slowest allowed.
const DURATIONS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// The same for how late a message was sent: from a second, as the worker looks, to the two hours after which it is missed.
const LATENESS: [f64; 9] = [1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 7200.0];

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

/// A way to reach people, and what became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Attempted {
    channel: &'static str,
    outcome: &'static str,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    durations: Family<Operation, Histogram>,
    attempts: Family<Attempted, Counter>,
    lateness: Histogram,
    due: Gauge,
    waiting: Gauge<f64, AtomicU64>,
    /// What the writers do.
    pub writing: Writing,
}

/// What the writers do. Clones count together.
#[derive(Debug, Clone)]
pub struct Writing {
    groups: Histogram,
    commits: Histogram,
}

impl Writing {
    fn new() -> Self {
        let groups = Histogram::new(exponential_buckets(1.0, 2.0, 7));
        Self { groups, commits: Histogram::new(exponential_buckets(0.0001, 2.0, 15)) }
    }

    /// A group of so many units was committed, in this time.
    pub fn committed(&self, units: usize, took: Duration) {
        self.groups.observe(u32::try_from(units).map_or(f64::INFINITY, f64::from));
        self.commits.observe(took.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("afterglow");
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            attempts: Family::default(),
            lateness: Histogram::new(LATENESS),
            due: Gauge::default(),
            waiting: Gauge::default(),
            writing: Writing::new(),
            registry: Registry::default(),
        };
        let seconds = || Unit::Seconds;
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register_with_unit("request_duration", "From head to answer", seconds(), metrics.durations.clone());
        registry.register("commit_units", "Units of work in one COMMIT", metrics.writing.groups.clone());
        registry.register_with_unit("commit", "How long a COMMIT takes", seconds(), metrics.writing.commits.clone());
        registry.register("mail_attempts", "Attempts to send a mail", metrics.attempts.clone());
        let late = "How long after its time a message was sent";
        registry.register_with_unit("message_lateness", late, seconds(), metrics.lateness.clone());
        registry.register("mails_due", "Mails whose time has come and that are not sent", metrics.due.clone());
        let oldest = "How long the oldest of them has been due";
        registry.register_with_unit("mails_due_oldest", oldest, seconds(), metrics.waiting.clone());
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
    pub fn attempted(&self, channel: &'static str, outcome: &'static str) {
        self.attempts.get_or_create(&Attempted { channel, outcome }).inc();
    }

    /// A message was sent so long after its time.
    pub fn sent(&self, late: Duration) {
        self.lateness.observe(late.as_secs_f64());
    }

    /// What waits to be sent at this moment.
    pub fn waiting(&self, due: i64, oldest: Duration) {
        self.due.set(due);
        self.waiting.set(oldest.as_secs_f64());
    }

    /// Everything, as `OpenMetrics` text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
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
