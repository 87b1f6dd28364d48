//! Where the connections come from.

use super::Timed;
use crate::{clock::Clock, http::doors::Doors};
use poem::{
    listener::Acceptor,
    web::{LocalAddr, RemoteAddr},
};
use std::{io, time::Duration};

/// An acceptor whose connections keep the deadlines, and are no more than there are doors for.
pub struct Deadlines<A> {
    /// Where they come from.
    pub acceptor: A,
    /// What they come through.
    pub doors: Doors,
    /// Where the ids of requests come from that are refused here.
    pub clock: Clock,
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
                        return Ok((Timed::new(stream, Some(guest), &self.clock), local, remote, scheme));
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
