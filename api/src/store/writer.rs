//! The unit of work: everything that one request writes, in one transaction, answered after its COMMIT.
//!
//! A writer is a thread with one connection. It takes what has gathered (at most [`GROUP`] units), gives each a savepoint
//! of its own, commits them together and only then answers. A unit that fails or panics rolls back alone. A caller that
//! hangs up changes nothing: its unit runs to its end.

use super::{
    Driver, lines,
    link::{Link, Transaction},
};
use crate::{
    clock::Clock,
    domain::notifications::{Class, NotificationState},
    error::Error,
    events::Event,
    metrics::Writing,
};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use sea_orm::DbErr;
use std::{cell::RefCell, panic::AssertUnwindSafe, pin::Pin, time::Instant};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use uuid::Uuid;

/// How many units one COMMIT serves at most.
const GROUP: usize = 64;
/// How many units may wait for a writer before callers are told to come back.
const QUEUE: usize = 4096;

/// The transaction of one unit of work.
pub struct Tx {
    savepoint: Transaction,
    clock: Clock,
    now: DateTime<Utc>,
    driver: Driver,
    events: broadcast::Sender<Event>,
    counts: Writing,
    audited: RefCell<Vec<lines::Line>>,
    afterwards: RefCell<Vec<Afterwards>>,
}

/// What is done in memory once a unit is committed.
type Afterwards = Box<dyn FnOnce()>;

impl Tx {
    /// What statements are run on.
    pub fn db(&self) -> &Transaction {
        &self.savepoint
    }

    /// The unit's instant: one for everything it writes.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new id that sorts by time.
    pub fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    /// Which database this is, for the few statements that differ.
    pub fn driver(&self) -> Driver {
        self.driver
    }

    /// How far a test has moved the clock from the machine's.
    pub(super) fn clock_offset(&self) -> TimeDelta {
        self.clock.offset()
    }

    /// Puts lines into the audit log with the unit's COMMIT.
    pub(super) fn audit(&self, lines: impl IntoIterator<Item = lines::Line>) {
        self.audited.borrow_mut().extend(lines);
    }

    /// Tells those who listen, once the unit is committed.
    pub fn announce(&self, event: Event) {
        let events = self.events.clone();
        // Nobody may be listening.
        self.after_commit(move || drop(events.send(event)));
    }

    /// Counts messages of a class that came to this, once the unit is committed.
    pub(super) fn ended(&self, class: Class, state: NotificationState, messages: u64) {
        let counts = self.counts.clone();
        self.after_commit(move || counts.ended(class, state, messages));
    }

    /// Counts a message of a class that was sent so long after its time, once the unit is committed.
    pub(super) fn sent(&self, class: Class, late: TimeDelta) {
        let counts = self.counts.clone();
        self.after_commit(move || counts.sent(class, late.to_std().unwrap_or_default()));
    }

    /// Does something in memory once the unit is committed, before its caller is answered and even if it has hung up.
    pub fn after_commit(&self, then: impl FnOnce() + 'static) {
        self.afterwards.borrow_mut().push(Box::new(then));
    }
}

/// What became of the group's COMMIT.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Committed,
    StorageFull,
    Lost,
}

impl Fate {
    fn refusal(self) -> Option<Error> {
        match self {
            Self::Committed => None,
            Self::StorageFull => Some(Error::StorageFull),
            Self::Lost => Some(Error::Unavailable("the commit failed".into())),
        }
    }

    fn of(error: DbErr) -> Self {
        tracing::error!(%error, "a transaction was lost");
        if matches!(Error::from(error), Error::StorageFull) { Self::StorageFull } else { Self::Lost }
    }
}

/// Answers the caller once the fate of the group is known.
type Answer = Box<dyn FnOnce(Fate)>;
/// What the unit came to, and its answer.
type Running<'a> = Pin<Box<dyn Future<Output = (Outcome, Answer)> + 'a>>;

/// What a unit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Kept,
    Refused,
    /// Refused because the disk is full: SQLite has then undone the whole transaction by itself.
    StorageFull,
}

trait Unit: Send {
    fn run(self: Box<Self>, tx: &Tx) -> Running<'_>;
    fn refuse(self: Box<Self>, fate: Fate);
}

struct Job<F, T> {
    unit: F,
    caller: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Unit for Job<F, T>
where
    T: Send + 'static,
    F: AsyncFnOnce(&Tx) -> Result<T, Error> + Send + 'static,
{
    fn run(self: Box<Self>, tx: &Tx) -> Running<'_> {
        let Self { unit, caller } = *self;
        Box::pin(async move {
            let made = AssertUnwindSafe(unit(tx)).catch_unwind().await;
            let made = made.unwrap_or_else(|_| Err(Error::internal("a unit of work panicked")));
            let outcome = match made {
                Ok(_) => Outcome::Kept,
                Err(Error::StorageFull) => Outcome::StorageFull,
                Err(_) => Outcome::Refused,
            };
            let answer = move |fate: Fate| {
                // A refused unit's own error says more than the group's fate; an undone one must not look done.
                let outcome = match (made, fate.refusal()) {
                    (Ok(_), Some(refusal)) => Err(refusal),
                    (made, _) => made,
                };
                // The caller may have hung up.
                drop(caller.send(outcome));
            };
            (outcome, Box::new(answer) as Answer)
        })
    }

    fn refuse(self: Box<Self>, fate: Fate) {
        let refusal = fate.refusal().unwrap_or_else(|| Error::Unavailable("the writer has ended".into()));
        drop(self.caller.send(Err(refusal)));
    }
}

/// One writer: hand it a unit, get its outcome after the COMMIT.
#[derive(Clone)]
pub(super) struct Writer(mpsc::Sender<Box<dyn Unit>>);

impl Writer {
    /// Starts the writer's thread. `lost` turns true when a SQLite COMMIT fails: the process must end then, since what
    /// the file holds is no longer known.
    pub(super) fn start(
        link: Link,
        clock: Clock,
        events: broadcast::Sender<Event>,
        lost: watch::Sender<bool>,
        counts: Writing,
    ) -> Result<Self, Error> {
        let (sender, units) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
        let line = Line { link, clock, events, lost, counts };
        std::thread::Builder::new()
            .name("afterglow-writer".into())
            .spawn(move || tokio::task::LocalSet::new().block_on(&runtime, line.serve(units)))
            .map_err(Error::internal)?;
        Ok(Self(sender))
    }

    /// Runs the unit and answers after its COMMIT.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        unit: impl AsyncFnOnce(&Tx) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (caller, outcome) = oneshot::channel();
        self.0
            .try_send(Box::new(Job { unit, caller }))
            .map_err(|_| Error::Unavailable("too many writes wait, or the writer has ended".into()))?;
        outcome.await.map_err(|_| Error::Unavailable("the unit was given up, or the writer has ended".into()))?
    }
}

struct Line {
    link: Link,
    clock: Clock,
    events: broadcast::Sender<Event>,
    lost: watch::Sender<bool>,
    counts: Writing,
}

impl Line {
    async fn serve(self, mut units: mpsc::Receiver<Box<dyn Unit>>) {
        while let Some(first) = units.recv().await {
            if *self.lost.borrow() {
                first.refuse(Fate::Lost);
            } else {
                self.group(first, &mut units).await;
            }
        }
    }

    /// One transaction for the first unit and all that wait behind it.
    async fn group(&self, first: Box<dyn Unit>, units: &mut mpsc::Receiver<Box<dyn Unit>>) {
        let group = match self.link.begin().await {
            Ok(group) => group,
            Err(error) => {
                let fate = Fate::of(error);
                first.refuse(fate);
                // Who waits behind it would wait as long again, one after the other.
                while let Ok(unit) = units.try_recv() {
                    unit.refuse(fate);
                }
                return self.link.renew();
            }
        };
        let (mut answers, mut kept) = (Vec::new(), Kept::default());
        let mut next = Some(first);
        let mut broken = None;
        while let Some(unit) = next {
            match self.one(&group, unit, &mut kept).await {
                Ok(answer) => answers.push(answer),
                Err((answer, fate)) => {
                    answers.extend(answer);
                    broken = Some(fate);
                    break;
                }
            }
            next = if answers.len() < GROUP { units.try_recv().ok() } else { None };
        }
        if broken.is_none() {
            let written = self.link.within(Box::pin(lines::write(&group, self.link.driver(), kept.audited))).await;
            broken = written.err().map(Fate::of);
        }
        let began = Instant::now();
        let fate = self.settle(group, broken).await;
        if matches!(fate, Fate::Committed) {
            self.counts.committed(answers.len(), began.elapsed());
            for then in kept.afterwards {
                then();
            }
        } else {
            // sqlx counts open transactions, and has lost count: what it called COMMIT next would be none.
            self.link.renew();
        }
        for answer in answers {
            answer(fate);
        }
    }

    /// One unit in its savepoint. An error means that the savepoint itself is gone, and the whole group with it.
    async fn one(
        &self,
        group: &Transaction,
        unit: Box<dyn Unit>,
        kept: &mut Kept,
    ) -> Result<Answer, (Option<Answer>, Fate)> {
        let savepoint = match self.link.within(group.savepoint()).await {
            Ok(savepoint) => savepoint,
            Err(error) => {
                let fate = Fate::of(error);
                unit.refuse(fate);
                return Err((None, fate));
            }
        };
        let (clock, events, driver) = (self.clock.clone(), self.events.clone(), self.link.driver());
        let now = clock.now();
        let (audited, afterwards) = Default::default();
        let counts = self.counts.clone();
        let tx = Tx { savepoint, clock, now, driver, events, counts, audited, afterwards };
        // Given up, it drops its caller's line: that is an answer too.
        let (outcome, answer) = self.link.patiently(unit.run(&tx)).await.ok_or((None, Fate::Lost))?;
        let Tx { savepoint, audited, afterwards, .. } = tx;
        let ended = match outcome {
            Outcome::Kept => self.link.within(savepoint.commit()).await,
            Outcome::Refused | Outcome::StorageFull => self.link.within(savepoint.rollback()).await,
        };
        match ended {
            // SQLite has undone more than this unit, whatever it says of the savepoint.
            _ if outcome == Outcome::StorageFull => Err((Some(answer), Fate::StorageFull)),
            Ok(()) => {
                if outcome == Outcome::Kept {
                    kept.audited.append(&mut audited.into_inner());
                    kept.afterwards.append(&mut afterwards.into_inner());
                }
                Ok(answer)
            }
            Err(error) => Err((Some(answer), Fate::of(error))),
        }
    }

    async fn settle(&self, group: Transaction, broken: Option<Fate>) -> Fate {
        let driver = self.link.driver();
        if let Some(fate) = broken {
            // What is left of it may be undone already, and a connection that fell silent is not asked once more.
            if !matches!((fate, driver), (Fate::Lost, Driver::Postgres)) {
                drop(self.link.within(group.rollback()).await);
            }
            return fate;
        }
        let fate = self.link.within(group.commit()).await.map_or_else(Fate::of, |()| Fate::Committed);
        if matches!(fate, Fate::Lost) && driver == Driver::Sqlite {
            self.lost.send_replace(true);
        }
        fate
    }
}

/// What the units of a group leave to be done when they are committed.
#[derive(Default)]
struct Kept {
    audited: Vec<lines::Line>,
    afterwards: Vec<Afterwards>,
}
