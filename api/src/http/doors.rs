//! How many connections there may be at once: in all, and from one network address. Without a limit they take every file
//! that the process may open, and the database and the mails find none.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections in all, if the system lets the process have as many files.
const MOST: u64 = 4096;
/// Connections from one address. A proxy on this machine or in its private network brings everybody's, and is not counted.
const FROM_ONE_ADDRESS: usize = 256;
/// Files that are kept for other things: databases, mails, what the process itself has open.
const KEPT: u64 = 256;
/// Connections that there are room for in any case.
const FEWEST: u64 = 64;

/// The doors of the house. Clones share them.
#[derive(Clone)]
pub struct Doors {
    free: Arc<Semaphore>,
    by_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One who is in: makes room when dropped.
pub struct Guest {
    _place: OwnedSemaphorePermit,
    address: Option<(IpAddr, Doors)>,
}

impl Doors {
    /// As many places as the system allows; the process asks it for as many files as it may have.
    pub fn open() -> Self {
        let places = files().saturating_sub(KEPT).clamp(FEWEST, MOST);
        if places < MOST {
            tracing::warn!(connections = places, "the limit on open files is low: see `ulimit -n`");
        }
        Self::with(usize::try_from(places).unwrap_or(usize::MAX))
    }

    /// So many places.
    pub fn with(places: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(places)), by_address: Arc::default() }
    }

    /// Waits until there is a place: who comes meanwhile waits outside, in the system's own line.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.free.clone().acquire_owned().await.ok()
    }

    /// Lets somebody in who has a place, if not too many from the same address are in already.
    pub fn enter(&self, place: OwnedSemaphorePermit, from: Option<IpAddr>) -> Option<Guest> {
        let Some(address) = from.map(network).filter(|address| !is_near(*address)) else {
            return Some(Guest { _place: place, address: None });
        };
        let mut counts = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(address).or_default();
        if *count >= FROM_ONE_ADDRESS {
            return None;
        }
        *count += 1;
        Some(Guest { _place: place, address: Some((address, self.clone())) })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let Some((address, doors)) = self.address.take() else { return };
        let mut counts = doors.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

/// Whether only this machine and its neighbours have such an address.
fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(short) => short.is_loopback() || short.is_private(),
        IpAddr::V6(long) => long.is_loopback() || long.is_unique_local(),
    }
}

/// Whoever has one IPv6 address has the other 2^64 of its network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(long) if !long.is_loopback() => IpAddr::V6((long.to_bits() >> 64 << 64).into()),
        address => address,
    }
}

/// How many files the process may open, after asking for as many as it needs.
fn files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = MOST + KEPT;
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
        limit.current = Some(raised);
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::warn!(%error, "the limit on open files stays as it was");
        }
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn knock(doors: &Doors, from: &str) -> Option<Guest> {
        let place = doors.place().await.unwrap();
        doors.enter(place, Some(from.parse().unwrap()))
    }

    #[tokio::test]
    async fn one_address_gets_its_share_and_no_more() {
        let doors = Doors::with(10_000);
        let mut guests = Vec::new();
        for n in 0..FROM_ONE_ADDRESS {
            // All of one network of IPv6.
            guests.push(knock(&doors, &format!("2001:db8::{n:x}")).await.unwrap());
        }
        assert!(knock(&doors, "2001:db8::1:2:3:4").await.is_none());
        assert!(knock(&doors, "2001:db8:0:1::1").await.is_some());
        assert!(knock(&doors, "192.0.2.1").await.is_some());
        guests.pop();
        assert!(knock(&doors, "2001:db8::5").await.is_some());
        drop(guests);
        assert!(doors.by_address.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_proxy_nearby_takes_every_place_and_the_next_one_waits_for_it() {
        let doors = Doors::with(2 * FROM_ONE_ADDRESS + 2);
        let mut guests = Vec::new();
        for _ in 0..=FROM_ONE_ADDRESS {
            guests.push(knock(&doors, "127.0.0.1").await.unwrap());
            guests.push(knock(&doors, "172.17.0.2").await.unwrap());
        }
        let mut next = Box::pin(knock(&doors, "::ffff:127.0.0.1"));
        assert!(futures_util::poll!(&mut next).is_pending());
        guests.pop();
        assert!(next.await.is_some());
    }

    #[test]
    fn there_are_places_and_files_beside_them() {
        assert!(files() >= FEWEST);
    }
}
