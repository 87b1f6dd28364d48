//! How long the server waits for a client: 10 s for the head of a request, 30 s for its body, 60 s for the next request,
//! 30 s for an answer to be taken, and a second more for every 2 KiB of it that were. A connection that takes longer is
//! closed; so is one whose request does not say where it ends or whom it is for (`framing.rs`), once it was told.
//!
//! The framework has no such limits, and a hundred half-sent requests cost an attacker nothing. The bytes are watched
//! beneath it. A connection looks at the time only while it waits, every few seconds, so that a request pays nothing.
//! HTTP/2 is left to a proxy: its frames would hide where a request begins and ends.

mod acceptor;
mod taking;

pub use acceptor::Deadlines;

use super::{
    doors::Guest,
    framing::{Ambiguous, Framing},
    problem,
    request_id::RequestId,
};
use crate::clock::Clock;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use taking::Taking;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Duration, Instant, Sleep},
};

const HEAD: Duration = Duration::from_secs(10);
const BODY: Duration = Duration::from_secs(30);
const IDLE: Duration = Duration::from_mins(1);
/// How often a waiting connection looks at the time; how long one that was refused is heard out.
const LOOK: Duration = Duration::from_secs(2);
/// What a client is told that asked whether its body is wanted: no answer yet.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
/// How HTTP/2 begins without TLS, and no request does.
const HTTP_2: &[u8] = b"PRI * HTTP/2.0\r\n";

/// What the client owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The next request.
    Idle,
    /// The rest of a request's head.
    Head,
    /// The rest of its body, or nothing: it may be waiting for us.
    Body,
    /// To go: it was refused.
    Refused,
}

/// A connection that ends when its client takes too long.
pub struct Timed<S> {
    stream: S,
    stage: Stage,
    since: Instant,
    framing: Framing,
    taking: Taking,
    /// What is still to be said to a client that is refused.
    refusal: Vec<u8>,
    clock: Clock,
    look: Pin<Box<Sleep>>,
    /// How many bytes of the beginning of HTTP/2 have been heard; none once something else was.
    http_2: Option<usize>,
    _guest: Option<Guest>,
}

impl<S> Timed<S> {
    fn new(stream: S, guest: Option<Guest>, clock: &Clock) -> Self {
        let (look, since) = (Box::pin(tokio::time::sleep(LOOK)), Instant::now());
        let (framing, taking, refusal, clock) = (Framing::new(), Taking::default(), Vec::new(), clock.clone());
        // Who opens a connection has something to ask: the first head is due at once.
        let stage = Stage::Head;
        Self { stream, stage, since, framing, taking, refusal, clock, look, http_2: Some(0), _guest: guest }
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

    fn hear(&mut self, bytes: &[u8]) -> Result<(), Ambiguous> {
        let heads = self.framing.hear(bytes)?;
        if self.stage == Stage::Idle {
            (self.stage, self.since) = (Stage::Head, Instant::now());
        }
        if self.stage == Stage::Head && heads > 0 {
            (self.stage, self.since) = (Stage::Body, Instant::now());
        }
        Ok(())
    }

    fn overdue(&self) -> bool {
        let granted = match self.stage {
            Stage::Idle => IDLE,
            Stage::Head => HEAD,
            Stage::Body => BODY,
            Stage::Refused => LOOK,
        };
        self.since.elapsed() >= granted || self.taking.is_overdue()
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

    /// What a write came to: an answer that moves on gives the client its time for the next request anew.
    fn told(
        &mut self,
        written: Poll<io::Result<usize>>,
        is_answer: bool,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.taking.stall();
            return self.wait(context);
        }
        self.taking.go_on(&written);
        if is_answer {
            let stage = if self.framing.is_within_head() { Stage::Head } else { Stage::Idle };
            (self.stage, self.since) = (stage, Instant::now());
        }
        written
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Timed<S> {
    /// Refuses a request that does not say where it ends or whom it is for: in words if it is the first of its connection. Behind another one
    /// they could be heard as the answer to that.
    fn refuse(&mut self, why: Ambiguous) -> io::Result<()> {
        if !self.framing.is_first() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.refusal = problem::ambiguous(why, RequestId(self.clock.new_id()));
        (self.stage, self.since) = (Stage::Refused, Instant::now());
        Ok(())
    }

    /// Says so, and hears the client out for a moment: closed over what it still sends, the answer could be lost.
    fn see_off(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.refusal.is_empty() {
            match Pin::new(&mut self.stream).poll_write(context, &self.refusal) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(written) => drop(self.refusal.drain(..written?)),
                Poll::Pending => return self.wait(context),
            }
        }
        if let Poll::Ready(ended) = Pin::new(&mut self.stream).poll_shutdown(context) {
            ended?;
        }
        let mut unheard = [0; 1024];
        while !self.overdue() {
            let mut buffer = ReadBuf::new(&mut unheard);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(read) => read?,
                Poll::Pending => return self.wait(context),
            }
            if buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.stage == Stage::Refused {
            return this.see_off(context);
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {}
            Poll::Pending => return this.wait(context),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        }
        let heard = &buffer.filled()[before..];
        if this.is_foreign(heard) {
            return Poll::Ready(Err(io::ErrorKind::Unsupported.into()));
        }
        if let Err(why) = this.hear(heard) {
            buffer.set_filled(before);
            this.refuse(why)?;
            return this.see_off(context);
        }
        // Drop by drop is as slow as nothing at all.
        if this.overdue() { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Ready(Ok(())) }
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
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            // Everything there is was taken: whoever listens to events is told when there are any, and has its time anew.
            this.taking = Taking::default();
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
