//! A wire between the service and its PostgreSQL that can fall silent: nobody is told, nothing arrives.

use super::place::Place;
use afterglow::store;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What PostgreSQL answers when it has committed.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// The wire. What is connected after a silence gets through, unless it stays silent.
#[derive(Clone)]
pub struct Wire {
    silent: Arc<Mutex<Arc<AtomicBool>>>,
    /// Whether it falls silent once a COMMIT has been answered.
    after_commit: Arc<AtomicBool>,
}

impl Wire {
    /// A database of one's own, and the wire that leads to it.
    pub async fn new() -> (Self, Place) {
        let place = Place::postgres().await;
        let store::Place::Url(url) = &place.place else { panic!("a URL") };
        let (user, rest) = url.split_once('@').unwrap();
        let (server, database) = rest.split_once('/').unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = store::Place::Url(format!("{user}@{}/{database}", listener.local_addr().unwrap()));
        let wire = Self { silent: Arc::default(), after_commit: Arc::default() };
        let (of_new, server) = (wire.clone(), server.to_owned());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&server).await.unwrap();
                let silent = of_new.silent.lock().unwrap().clone();
                let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                tokio::spawn(of_new.clone().carry(near_read, far_write, silent.clone()));
                tokio::spawn(of_new.clone().carry(far_read, near_write, silent));
            }
        });
        (wire, place.with(here))
    }

    /// Swallows from now on whatever is sent over the connections that there are.
    pub fn fall_silent(&self) {
        let mut silent = self.silent.lock().unwrap();
        silent.store(true, Ordering::SeqCst);
        *silent = Arc::default();
    }

    /// The same, and over whatever connections are to come.
    pub fn stay_silent(&self) {
        self.silent.lock().unwrap().store(true, Ordering::SeqCst);
    }

    /// Falls silent when the next COMMIT has been answered.
    pub fn fall_silent_after_commit(&self) {
        self.after_commit.store(true, Ordering::SeqCst);
    }

    async fn carry(self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from.read(&mut buffer).await.unwrap_or(0);
            if silent.load(Ordering::SeqCst) {
                // Neither end hears that the other is gone.
                if read == 0 {
                    return std::future::pending().await;
                }
                continue;
            }
            let committed = buffer[..read].windows(COMMITTED.len()).any(|some| some == COMMITTED);
            if committed && self.after_commit.swap(false, Ordering::SeqCst) {
                self.fall_silent();
            }
            if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
    }
}
