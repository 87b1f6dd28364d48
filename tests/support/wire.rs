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

/// The wire. What is connected after a silence gets through.
pub struct Wire {
    silent: Arc<Mutex<Arc<AtomicBool>>>,
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
        let silent = Arc::new(Mutex::new(Arc::new(AtomicBool::new(false))));
        let (of_new, server) = (silent.clone(), server.to_owned());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&server).await.unwrap();
                let silent = of_new.lock().unwrap().clone();
                let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                tokio::spawn(carry(near_read, far_write, silent.clone()));
                tokio::spawn(carry(far_read, near_write, silent));
            }
        });
        (Self { silent }, place.with(here))
    }

    /// Swallows from now on whatever is sent over the connections that there are.
    pub fn fall_silent(&self) {
        let mut silent = self.silent.lock().unwrap();
        silent.store(true, Ordering::SeqCst);
        *silent = Arc::new(AtomicBool::new(false));
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, silent: Arc<AtomicBool>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if silent.load(Ordering::SeqCst) {
            // Neither end hears that the other is gone.
            if read == 0 {
                return std::future::pending().await;
            }
        } else if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
