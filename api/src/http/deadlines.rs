//! How long the server waits for a client: 10 s for the head of a request, 30 s for its body, 60 s for the next request,
//! 30 s for an answer to be taken. A connection that takes longer is closed.
//!
//! The framework has no such limits, and a hundred half-sent requests cost an attacker nothing. The bytes are watched
//! beneath it. A connection looks at the time only while it waits, every few seconds, so that a request pays nothing.
//! HTTP/2 is left to a proxy: its frames would hide where a request begins and ends.

use super::doors::{Doors, Guest};
use poem::{
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Duration, Instant, Sleep},
};

const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_mins(1);
const TAKE: Duration = Duration::from_secs(30);
/// How often a waiting connection looks at the time.
const LOOK: Duration = Duration::from_secs(2);
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// What a client is told that asked whether its body is wanted: no answer yet.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// How HTTP/2 begins without TLS, and no request does.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

/// An acceptor whose connections keep the deadlines, and are no more than there are doors for.
pub struct Deadlines<A> {
    /// Where they come from.
    pub acceptor: A,
    /// What they come through.
    pub doors: Doors,
}

impl<A: Acceptor> Acceptor for Deadlines<A> {
    type Io = Timed<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.acceptor.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, poem::http::uri::Scheme)> {
        loop {
            let place = self.doors.place().await.ok_or(io::ErrorKind::NotConnected)?;
            match self.acceptor.accept().await {
                Ok((stream, local, remote, scheme)) => {
                    let from = remote.as_socket_addr().map(std::net::SocketAddr::ip);
                    // Who is not let in finds the connection closed.
                    if let Some(guest) = self.doors.enter(place, from) {
                        return Ok((Timed::new(stream, Some(guest)), local, remote, scheme));
                    }
                }
                Err(error) => {
                    // Out of file descriptors, say: the framework would ask again at once, and burn a core.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return Err(error);
                }
            }
        }
    }
}

/// What the client owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The next request.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The rest of its body, or nothing: it may be waiting for us.
    Body,
}

/// A connection that ends when its client takes too long.
pub struct Timed<S> {
    stream: S,
    stage: Stage,
    since: Instant,
    /// How many bytes of the head's end have been seen.
    matched: usize,
    stalled: Option<Instant>,
    look: Pin<Box<Sleep>>,
    /// How many bytes of the beginning of HTTP/2 have been heard; none once something else was.
    http_2: Option<usize>,
    _guest: Option<Guest>,
}

impl<S> Timed<S> {
    fn new(stream: S, guest: Option<Guest>) -> Self {
        let (look, since) = (Box::pin(tokio::time::sleep(LOOK)), Instant::now());
        // Who opens a connection has something to ask: the first head is due at once.
        let stage = Stage::Head;
        Self { stream, stage, since, matched: 0, stalled: None, look, http_2: Some(0), _guest: guest }
    }

    /// Whether the connection has begun as HTTP/2 does.
    fn is_foreign(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            let Some(heard) = self.http_2 else { return false };
            self.http_2 = HTTP_2.get(heard).filter(|next| *next == byte).map(|_| heard + 1);
            if self.http_2 == Some(HTTP_2.len()) {
                return true;
            }
        }
        false
    }

    fn hear(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Idle {
            (self.stage, self.since, self.matched) = (Stage::Head, Instant::now(), 0);
        }
        if self.stage == Stage::Head && self.ends_head(bytes) {
            (self.stage, self.since) = (Stage::Body, Instant::now());
        }
    }

    fn ends_head(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().any(|byte| {
            let next = END_OF_HEAD[self.matched] == *byte;
            self.matched = if next { self.matched + 1 } else { usize::from(*byte == b'\r') };
            self.matched == END_OF_HEAD.len()
        })
    }

    fn overdue(&self) -> bool {
        let granted = match self.stage {
            Stage::Idle => IDLE,
            Stage::Head => HEAD,
            Stage::Body => BODY,
        };
        self.since.elapsed() >= granted || self.stalled.is_some_and(|since| since.elapsed() >= TAKE)
    }

    /// While there is nothing to read or no room to write: an error once the client is overdue.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        loop {
            ready!(self.look.as_mut().poll(context));
            if self.overdue() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.look.as_mut().reset(Instant::now() + LOOK);
        }
    }

    /// What a write came to: an answer that moves on is not stalled, and gives the client its time anew.
    fn told(
        &mut self,
        written: Poll<io::Result<usize>>,
        is_answer: bool,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.stalled.get_or_insert_with(Instant::now);
            return self.wait(context);
        }
        self.stalled = None;
        if is_answer {
            (self.stage, self.since) = (Stage::Idle, Instant::now());
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
                if this.is_foreign(&buffer.filled()[before..]) {
                    return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
                }
                this.hear(&buffer.filled()[before..]);
                // Drop by drop is as slow as nothing at all.
                if this.overdue() { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Ready(Ok(())) }
            }
            Poll::Pending => this.wait(context),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.told(written, bytes != CONTINUE, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        let is_answer = !matches!(parts, [only] if **only == *CONTINUE);
        this.told(written, is_answer, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
