//! `/v1/events`: what happens to those whom the caller may see, as it happens. Ids only: whoever hears asks for more, and
//! is answered as always. Every event is checked against today's care team when it goes out, and the sign-in every few
//! seconds; a listener that falls behind is let go, and asks anew.

use super::{
    permit::SignedIn,
    resource::Tag,
    sign_in::{self, Shown},
};
use crate::{
    app::App,
    error::Error,
    events::{Event, Subject},
    security::access::{ActOnFlags, Caller, Care, ReadRecords, decide},
    store::care_team,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use poem::{Body, IntoResponse, Request, Response, web::sse};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    payload::EventStream,
    registry::{MetaResponses, Registry},
    types::{Example, ToJSON},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{
        broadcast::{Receiver, error::TryRecvError},
        watch,
    },
    time::{Interval, interval, sleep},
};
use uuid::Uuid;

/// Streams of one account at a time: some tabs and phones. A page that was left counts until the next heartbeat finds it
/// gone, and somebody who looks quickly leaves many.
const EACH: usize = 64;
/// Streams of this process at a time.
const ALL: usize = 4_096;
/// How the stream begins.
const GREETING: &str = ": listening\n\n";
/// A comment this often keeps proxies from closing a quiet stream.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long an ended sign-in may go on listening.
const RECHECK: Duration = Duration::from_secs(5);
/// What happens within this time is looked at together: one look at the care team for each patient.
const GATHER: Duration = Duration::from_millis(100);
/// The most that is looked at together.
const BATCH: usize = 256;

/// Something of a patient changed. The kind stands in the event's name: `flag`, `record` or `notification`.
#[derive(Debug, Clone, PartialEq, Eq, Object)]
#[oai(example)]
pub struct Happened {
    /// Whose.
    pub patient_id: Uuid,
    /// Which flag, record or notification.
    pub id: Uuid,
    #[oai(skip)]
    subject: Option<Subject>,
}

impl Example for Happened {
    fn example() -> Self {
        let id = |low: u128| Uuid::from_u128(0x019d_8c0b_6f1e_7a43_9b63_0c8f_0d7f_0000 + low);
        Self { patient_id: id(1), id: id(2), subject: Some(Subject::Record) }
    }
}

/// The operation.
pub struct Events {
    app: App,
    seats: Seats,
}

impl Events {
    /// Over the events of this service.
    pub fn new(app: &App) -> Self {
        Self { app: app.clone(), seats: Seats::default() }
    }
}

#[OpenApi(tag = "Tag::Events")]
impl Events {
    /// Listen to what happens
    ///
    /// Server-sent events: `flag`, `record` or `notification`, each with the ids alone, of those whom the caller may see at
    /// that moment. A comment comes at once, and every 15 seconds. Nothing is repeated after a gap: ask again for what is shown. The stream ends when the sign-in does, or
    /// when the listener falls behind.
    #[oai(path = "/events", method = "get", operation_id = "events_listen")]
    #[expect(clippy::unused_async, reason = "handlers are async")]
    async fn listen(&self, caller: SignedIn, request: &Request) -> Result<Stream, Error> {
        let seat = self.seats.take(caller.0.account)?;
        let shown = sign_in::shown(request, &self.app.config).ok_or(Error::Unauthenticated)?;
        let (heard, stopping) = (self.app.events.subscribe(), self.app.stopping.subscribe());
        let recheck = interval(RECHECK);
        let listener =
            Listener { app: self.app.clone(), caller: caller.0, shown, heard, stopping, recheck, _seat: seat };
        let events = stream::unfold(listener, Listener::next).flat_map(stream::iter).boxed();
        Ok(Stream(EventStream::new(events).keep_alive(HEARTBEAT).to_event(named)))
    }
}

/// The stream, begun by a comment: whoever listens knows at once that they are heard.
struct Stream(EventStream<BoxStream<'static, Happened>>);

impl IntoResponse for Stream {
    fn into_response(self) -> Response {
        let (parts, events) = self.0.into_response().into_parts();
        let greeting = Body::from(GREETING).into_bytes_stream();
        Response::from_parts(parts, Body::from_bytes_stream(greeting.chain(events.into_bytes_stream())))
    }
}

impl ApiResponse for Stream {
    fn meta() -> MetaResponses {
        let mut meta = <EventStream<BoxStream<'static, Happened>> as ApiResponse>::meta();
        for answer in &mut meta.responses {
            answer.description = "What happens, as it happens; it begins with a comment.";
        }
        meta
    }

    fn register(registry: &mut Registry) {
        <EventStream<BoxStream<'static, Happened>> as ApiResponse>::register(registry);
    }
}

fn named(happened: Happened) -> sse::Event {
    let name = match happened.subject {
        Some(Subject::Flag) => "flag",
        Some(Subject::Notification) => "notification",
        Some(Subject::Record | Subject::Mail) | None => "record",
    };
    sse::Event::message(happened.to_json_string()).event_type(name)
}

struct Listener {
    app: App,
    caller: Caller,
    shown: Shown,
    heard: Receiver<Event>,
    stopping: watch::Receiver<bool>,
    recheck: Interval,
    _seat: Seat,
}

impl Listener {
    /// The next events that the caller may hear of; `None` ends the stream.
    async fn next(mut self) -> Option<(Vec<Happened>, Self)> {
        loop {
            let first = tokio::select! {
                _ = self.recheck.tick() => {
                    self.caller = sign_in::still(&self.app, self.shown, self.caller.request).await.ok()?;
                    continue;
                }
                event = self.heard.recv() => event.ok()?,
                _ = self.stopping.changed() => return None,
            };
            sleep(GATHER).await;
            let events = self.gather(first)?;
            let happened = self.allowed(events).await.ok()?;
            if !happened.is_empty() {
                return Some((happened, self));
            }
        }
    }

    /// What came meanwhile, each thing once; `None` if some of it was lost.
    fn gather(&mut self, first: Event) -> Option<Vec<Event>> {
        let mut events = vec![first];
        while events.len() < BATCH {
            match self.heard.try_recv() {
                Ok(event) if events.contains(&event) => {}
                Ok(event) => events.push(event),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Lagged(_) | TryRecvError::Closed) => return None,
            }
        }
        Some(events)
    }

    async fn allowed(&self, events: Vec<Event>) -> Result<Vec<Happened>, Error> {
        let mut cares: HashMap<Uuid, Option<Care>> = HashMap::new();
        let mut happened = Vec::new();
        for Event { patient_id, subject, id, private } in events {
            let care = match cares.get(&patient_id) {
                Some(care) => *care,
                None => *cares.entry(patient_id).or_insert(self.care(patient_id).await?),
            };
            let own = self.caller.is_patient() && self.caller.account == patient_id;
            let known = own || (care.is_some() && !private);
            let held = match subject {
                Subject::Flag => decide::<ActOnFlags>(&self.caller, care),
                Subject::Record | Subject::Notification => decide::<ReadRecords>(&self.caller, care),
                Subject::Mail => continue,
            };
            if known && held.is_ok() {
                happened.push(Happened { patient_id, id, subject: Some(subject) });
            }
        }
        Ok(happened)
    }

    /// What a member has to do with the patient today; `None` for patients, and for whom the member may not know of.
    async fn care(&self, patient: Uuid) -> Result<Option<Care>, Error> {
        if self.caller.is_patient() {
            return Ok(None);
        }
        match care_team::care_of(self.app.db.read(), &self.caller, patient, self.app.clock.now()).await {
            Ok(care) => Ok(Some(care)),
            Err(Error::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Who listens at the moment.
#[derive(Clone, Default)]
struct Seats(Arc<Mutex<HashMap<Uuid, usize>>>);

/// The right to one stream; given back when it ends.
struct Seat {
    seats: Seats,
    account: Uuid,
}

impl Seats {
    fn take(&self, account: Uuid) -> Result<Seat, Error> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= ALL {
            return Err(Error::Unavailable("too many streams".into()));
        }
        let own = taken.entry(account).or_default();
        if *own >= EACH {
            return Err(Error::TooManyAttempts { retry_after: 30 });
        }
        *own += 1;
        Ok(Seat { seats: self.clone(), account })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.account);
            }
        }
    }
}
