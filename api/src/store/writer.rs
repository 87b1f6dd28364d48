//! The unit of work: everything that one request writes, in one transaction, answered after its COMMIT.
//!
//! A writer is a thread with one connection. It takes what has gathered (at most [`GROUP`] units), gives each a savepoint
//! of its own, commits them together and only then answers. A unit that fails or panics rolls back alone. A caller that
//! hangs up changes nothing: its unit runs to its end.

use super::database::{self, Driver};
use crate::{clock::Clock, error::Error, events::Event};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use std::{cell::RefCell, panic::AssertUnwindSafe, pin::Pin};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use uuid::Uuid;

/// How many units one COMMIT serves at most.
const GROUP: usize = 64;
/// How many units may wait for a writer before callers are told to come back.
const QUEUE: usize = 4096;

/// The transaction of one unit of work.
pub struct Tx {
    savepoint: DatabaseTransaction,
    clock: Clock,
    now: DateTime<Utc>,
    driver: Driver,
    events: broadcast::Sender<Event>,
    afterwards: RefCell<Vec<Afterwards>>,
}

/// What is done in memory once a unit is committed.
type Afterwards = Box<dyn FnOnce()>;

impl Tx {
    /// What statements are run on.
    pub fn db(&self) -> &DatabaseTransaction {
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

    /// Tells those who listen, once the unit is committed.
    pub fn announce(&self, event: Event) {
        let events = self.events.clone();
        // Nobody may be listening.
        self.after_commit(move || drop(events.send(event)));
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
        connection: DatabaseConnection,
        driver: Driver,
        clock: Clock,
        events: broadcast::Sender<Event>,
        lost: watch::Sender<bool>,
    ) -> Result<Self, Error> {
        let (sender, units) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::internal)?;
        let line = Line { connection, driver, clock, events, lost };
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
        outcome.await.map_err(|_| Error::Unavailable("the writer has ended".into()))?
    }
}

struct Line {
    connection: DatabaseConnection,
    driver: Driver,
    clock: Clock,
    events: broadcast::Sender<Event>,
    lost: watch::Sender<bool>,
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
        let options = TransactionOptions {
            sqlite_transaction_mode: (self.driver == Driver::Sqlite).then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let group = match self.connection.begin_with_options(options).await {
            Ok(group) => group,
            Err(error) => {
                first.refuse(Fate::of(error));
                return database::renew(&self.connection, self.driver).await;
            }
        };
        let (mut answers, mut afterwards) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        let mut broken = None;
        while let Some(unit) = next {
            match self.one(&group, unit, &mut afterwards).await {
                Ok(answer) => answers.push(answer),
                Err((answer, fate)) => {
                    answers.extend(answer);
                    broken = Some(fate);
                    break;
                }
            }
            next = if answers.len() < GROUP { units.try_recv().ok() } else { None };
        }
        let fate = self.settle(group, broken).await;
        if matches!(fate, Fate::Committed) {
            for then in afterwards {
                then();
            }
        } else {
            // The driver counts open transactions, and has lost count: what it called COMMIT next would be none.
            database::renew(&self.connection, self.driver).await;
        }
        for answer in answers {
            answer(fate);
        }
    }

    /// One unit in its savepoint. An error means that the savepoint itself is gone, and the whole group with it.
    async fn one(
        &self,
        group: &DatabaseTransaction,
        unit: Box<dyn Unit>,
        afterwards: &mut Vec<Afterwards>,
    ) -> Result<Answer, (Option<Answer>, Fate)> {
        let savepoint = match group.begin().await {
            Ok(savepoint) => savepoint,
            Err(error) => {
                let fate = Fate::of(error);
                unit.refuse(fate);
                return Err((None, fate));
            }
        };
        let (clock, events) = (self.clock.clone(), self.events.clone());
        let now = clock.now();
        let tx = Tx { savepoint, clock, now, driver: self.driver, events, afterwards: RefCell::default() };
        let (outcome, answer) = unit.run(&tx).await;
        let Tx { savepoint, afterwards: of_unit, .. } = tx;
        let ended = match outcome {
            Outcome::Kept => savepoint.commit().await,
            Outcome::Refused | Outcome::StorageFull => savepoint.rollback().await,
        };
        match ended {
            // SQLite has undone more than this unit, whatever it says of the savepoint.
            _ if outcome == Outcome::StorageFull => Err((Some(answer), Fate::StorageFull)),
            Ok(()) => {
                if outcome == Outcome::Kept {
                    afterwards.append(&mut of_unit.into_inner());
                }
                Ok(answer)
            }
            Err(error) => Err((Some(answer), Fate::of(error))),
        }
    }

    async fn settle(&self, group: DatabaseTransaction, broken: Option<Fate>) -> Fate {
        let fate = match broken {
            None => group.commit().await.map_or_else(Fate::of, |()| Fate::Committed),
            Some(fate) => {
                // What is left of it may be undone already.
                drop(group.rollback().await);
                fate
            }
        };
        if matches!(fate, Fate::Lost) && self.driver == Driver::Sqlite {
            self.lost.send_replace(true);
        }
        fate
    }
}
