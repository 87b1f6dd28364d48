//! How long the server waits for a client: 10 s for the head of a request, 30 s for its body, 60 s for the next request,
//! 30 s for an answer to be taken. A connection that takes longer is closed.
//!
//! The framework has no such limits, and a hundred half-sent requests cost an attacker nothing. The bytes are watched
//! beneath it. A connection looks at the time only while it waits, every few seconds, so that a request pays nothing.

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

/// An acceptor whose connections keep the deadlines.
pub struct Deadlines<A>(pub A);

impl<A: Acceptor> Acceptor for Deadlines<A> {
    type Io = Timed<A::Io>;

    fn local_addr(&self) -> Vec<LocalAddr> {
        self.0.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(Self::Io, LocalAddr, RemoteAddr, poem::http::uri::Scheme)> {
        match self.0.accept().await {
            Ok((stream, local, remote, scheme)) => Ok((Timed::new(stream), local, remote, scheme)),
            Err(error) => {
                // Out of file descriptors, say: the framework would ask again at once, and burn a core.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(error)
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
}

impl<S> Timed<S> {
    fn new(stream: S) -> Self {
        let look = Box::pin(tokio::time::sleep(LOOK));
        // Who opens a connection has something to ask: the first head is due at once.
        Self { stream, stage: Stage::Head, since: Instant::now(), matched: 0, stalled: None, look }
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
    fn told(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.stalled.get_or_insert_with(Instant::now);
            return self.wait(context);
        }
        self.stalled = None;
        (self.stage, self.since) = (Stage::Idle, Instant::now());
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(Ok(())) => {
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
        this.told(written, context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(context, parts);
        this.told(written, context)
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
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Seconds until a server that reads gives up on a client that sends `first`, then a byte each second.
    async fn lasts(first: &[u8], drip: Option<u8>) -> u64 {
        let (mut client, server) = tokio::io::duplex(4096);
        let (mut server, began) = (Timed::new(server), Instant::now());
        client.write_all(first).await.unwrap();
        let dripping = tokio::spawn(async move {
            while let Some(byte) = drip {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if client.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
            std::future::pending::<()>().await;
        });
        let mut buffer = [0; 512];
        while server.read(&mut buffer).await.is_ok() {}
        dripping.abort();
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_nothing_has_ten_seconds_and_after_an_answer_a_minute() {
        assert!((10..13).contains(&lasts(b"", None).await));
        let (mut client, server) = tokio::io::duplex(4096);
        let mut server = Timed::new(server);
        let mut buffer = [0; 512];
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert!(server.read(&mut buffer).await.unwrap() > 0);
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        let began = Instant::now();
        assert!(server.read(&mut buffer).await.is_err());
        assert!((60..63).contains(&began.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_has_ten_seconds_however_it_comes() {
        assert!((10..13).contains(&lasts(b"GET / HTTP/1.1\r\n", None).await));
        assert!((10..13).contains(&lasts(b"GET / HTTP/1.1\r\nX: ", Some(b'a')).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_thirty_seconds_however_it_comes() {
        assert!((30..33).contains(&lasts(b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{", None).await));
        assert!((30..33).contains(&lasts(b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n{", Some(b' ')).await));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_has_thirty_seconds() {
        let (_client, server) = tokio::io::duplex(64);
        let (mut server, began) = (Timed::new(server), Instant::now());
        while server.write_all(&[0; 32]).await.is_ok() {}
        assert!((30..33).contains(&began.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn who_answers_in_time_stays() {
        let (mut client, server) = tokio::io::duplex(4096);
        let mut server = Timed::new(server);
        let mut buffer = [0; 512];
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(50)).await;
            client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            assert!(server.read(&mut buffer).await.unwrap() > 0);
            server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            assert!(client.read(&mut buffer).await.unwrap() > 0);
        }
    }
}
