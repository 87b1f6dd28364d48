//! The worker: writes down what is to be said in the days to come, sends what is due, forgets what is over.
//!
//! Every part is a tick without input that reads what there is to do from the database: it may run at any time, twice
//! at once, or not for days, and what it finds is right. Any number of workers may run. A commit that causes a message
//! wakes the one in this process.

mod dispatcher;
mod planner;
mod sweeper;

pub use dispatcher::Dispatcher;

use crate::{
    app::App,
    domain::notifications::Class,
    error::Error,
    events::{Event, Subject},
    notify::Channel,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{broadcast, watch},
    task::JoinSet,
    time::{Interval, MissedTickBehavior, interval, timeout},
};

/// How often due mails are looked for, beside being woken.
const DISPATCH: Duration = Duration::from_secs(1);
/// How often recurring reminders are carried on.
const PLAN: Duration = Duration::from_mins(1);
/// How often what is over is forgotten.
const SWEEP: Duration = Duration::from_hours(1);
/// How long a stop waits for mails that are being handed over.
const DRAIN: Duration = Duration::from_secs(15);

/// The worker of one process.
#[derive(Clone)]
pub struct Worker {
    app: App,
    dispatcher: Dispatcher,
}

impl Worker {
    /// A worker that sends over one channel.
    pub fn new(app: &App, channel: Arc<dyn Channel>) -> Self {
        Self { app: app.clone(), dispatcher: Dispatcher::new(app, channel) }
    }

    /// Carries recurring reminders on.
    pub async fn plan(&self) -> Result<(), Error> {
        planner::tick(&self.app).await
    }

    /// Sends what is due, and waits until each mail has its answer.
    pub async fn dispatch(&self) -> Result<(), Error> {
        let mut mails = JoinSet::new();
        for class in [Class::Matters, Class::Routine] {
            self.dispatcher.tick(class, &mut mails).await?;
        }
        mails.join_all().await;
        Ok(())
    }

    /// Forgets what is over.
    pub async fn sweep(&self) -> Result<(), Error> {
        sweeper::tick(&self.app).await
    }

    /// Everything once.
    pub async fn tick(&self) -> Result<(), Error> {
        self.plan().await?;
        self.dispatch().await?;
        self.sweep().await
    }

    /// Works while something is served, and ends with it.
    pub async fn beside<T>(self, serving: impl Future<Output = T>) -> T {
        let stopping = self.app.stopping.clone();
        let working = tokio::spawn(self.run(stopping.subscribe()));
        let served = serving.await;
        stopping.send_replace(true);
        if working.await.is_err() {
            tracing::error!("the worker had ended");
        }
        served
    }

    /// Works until `stop` turns true.
    async fn run(self, stop: watch::Receiver<bool>) {
        let (matters, routine) = (Class::Matters, Class::Routine);
        tokio::join!(
            self.dispatching(matters, stop.clone()),
            self.dispatching(routine, stop.clone()),
            self.planning(stop)
        );
    }

    /// Sends what is due of a class; once stopped, claims nothing more, and lets what is being handed over end.
    async fn dispatching(&self, class: Class, mut stop: watch::Receiver<bool>) {
        let (mut events, mut ticks) = (self.app.events.subscribe(), every(DISPATCH));
        let mut mails = JoinSet::new();
        let work = async {
            loop {
                tokio::select! {
                    () = woken(&mut events) => {}
                    _ = ticks.tick() => {}
                }
                say(self.dispatcher.tick(class, &mut mails).await);
                while mails.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = work => {}
        }
        if timeout(DRAIN, mails.join_all()).await.is_err() {
            tracing::warn!("mails were still being handed over");
        }
    }

    /// Carries on and forgets. A tick that is cut short is taken up by the next.
    async fn planning(&self, mut stop: watch::Receiver<bool>) {
        let (mut plan, mut sweep) = (every(PLAN), every(SWEEP));
        let work = async {
            loop {
                tokio::select! {
                    _ = plan.tick() => say(self.plan().await),
                    _ = sweep.tick() => say(self.sweep().await),
                }
            }
        };
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {}
            () = work => {}
        }
    }
}

fn say(done: Result<(), Error>) {
    if let Err(error) = done {
        tracing::warn!(%error, "the worker tries again");
    }
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits for a commit that may have made a mail due. Falling behind is as good as being woken.
async fn woken(events: &mut broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event { subject: Subject::Notification | Subject::Mail, .. })
            | Err(broadcast::error::RecvError::Lagged(_)) => return,
            Ok(_) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
