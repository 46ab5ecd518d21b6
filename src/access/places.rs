//! Places for those who want a password verified: how many at a time, how many wait, and that nobody takes them all.
//!
//! No source takes more than half of anything: not of the places to wait in, and not of the workers. Those of one source
//! stand in a line of their own, of which only the head stands among the others. So a source with a hundred guesses
//! waiting delays the first login of another one by what is being verified, not by all that waits.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::limits::widest_network;
use crate::config;

/// All places and workers; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places {
    workers: Arc<Semaphore>,
    taken: Arc<Mutex<Taken>>,
    /// Places in all, for those who wait and those who are verified.
    most: usize,
    /// Places that one network can have.
    most_of_one: usize,
    /// Workers that one network can have.
    workers_of_one: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// The networks that have a place.
    by: HashMap<IpAddr, Share>,
}

#[derive(Debug)]
struct Share {
    places: usize,
    turns: Arc<Semaphore>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    network: IpAddr,
    turns: Arc<Semaphore>,
}

/// A busy worker, and the place that it is busy for; both are free again when this is dropped.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "held to be dropped")] (Place, [OwnedSemaphorePermit; 2]));

impl Places {
    pub(super) fn new(rules: &config::Access) -> Self {
        let most = rules.verifications + rules.waiting;
        Self {
            workers: Arc::new(Semaphore::new(rules.verifications)),
            taken: Arc::default(),
            most,
            most_of_one: most / 2,
            workers_of_one: rules.verifications.div_ceil(2),
        }
    }

    /// A place for an attempt of `source`; `None` where there is none, or where its network has its half.
    pub(super) fn take(&self, source: IpAddr) -> Option<Place> {
        let network = widest_network(source);
        let mut taken = self.taken.lock();
        let places = taken.by.get(&network).map_or(0, |share| share.places);
        if taken.all >= self.most || places >= self.most_of_one {
            return None;
        }
        taken.all += 1;
        let new = || Share { places: 0, turns: Arc::new(Semaphore::new(self.workers_of_one)) };
        let share = taken.by.entry(network).or_insert_with(new);
        share.places += 1;
        Some(Place { places: self.clone(), network, turns: share.turns.clone() })
    }

    /// Takes all places, so that everyone who needs one is sent away, until the answer is dropped.
    #[cfg(test)]
    pub(super) fn stop(&self) -> Vec<Place> {
        (0..=u8::MAX).flat_map(|last| std::iter::from_fn(move || self.take([203, 0, 113, last].into()))).collect()
    }
}

impl Place {
    /// Waits for the turn of this place among those of its network, and then for a worker; `None` only when the process
    /// goes down. `meanwhile` is asked between the two and at the end, and ends the waiting with its answer.
    pub(super) async fn worker<T>(self, meanwhile: impl Fn() -> Option<T>) -> Option<Result<Held, T>> {
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        if let Some(known) = meanwhile() {
            return Some(Err(known));
        }
        let worker = self.places.workers.clone().acquire_owned().await.ok()?;
        Some(meanwhile().map_or_else(|| Ok(Held((self, [turn, worker]))), Err))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        taken.all -= 1;
        if let Some(share) = taken.by.get_mut(&self.network) {
            share.places -= 1;
            if share.places == 0 {
                taken.by.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_immediate;

    use super::*;

    fn places(verifications: usize, waiting: usize) -> Places {
        Places::new(&config::Access { verifications, waiting, ..config::Access::default() })
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    async fn worker(place: Place) -> Option<Held> {
        let waited = poll_immediate(std::pin::pin!(place.worker(|| None::<()>))).await;
        waited.map(|held| held.unwrap().unwrap())
    }

    #[test]
    fn neither_a_48_nor_an_address_takes_more_than_half() {
        let places = places(2, 8);
        let from_all_over = |net: u16| address(&format!("2001:db8:1:{net:x}::1"));
        let of_the_48: Vec<_> = (0..100).filter_map(|net| places.take(from_all_over(net))).collect();
        assert_eq!(of_the_48.len(), 5);
        let of_the_address: Vec<_> = (0..100).filter_map(|_| places.take(address("192.0.2.1"))).collect();
        assert_eq!(of_the_address.len(), 5);
        assert!(places.take(address("192.0.2.2")).is_none(), "all are taken");
        drop(of_the_48);
        assert!(places.take(address("192.0.2.2")).is_some());
        assert!(places.take(address("192.0.2.1")).is_none(), "it still has its half");
    }

    #[test]
    fn nothing_is_remembered_of_those_who_have_left() {
        let places = places(2, 8);
        drop(places.stop());
        let taken = places.taken.lock();
        assert_eq!((taken.all, taken.by.len()), (0, 0));
    }

    #[tokio::test]
    async fn one_network_has_half_of_the_workers_and_leaves_the_rest_to_others() {
        let places = places(2, 8);
        let guesser = || places.take(address("2001:db8::1")).unwrap();
        let first = worker(guesser()).await;
        assert!(first.is_some());
        assert!(worker(guesser()).await.is_none());
        assert!(worker(places.take(address("192.0.2.1")).unwrap()).await.is_some());
        drop(first);
        assert!(worker(guesser()).await.is_some());
    }

    #[tokio::test]
    async fn of_a_long_line_only_the_head_stands_before_others() {
        let places = places(1, 100);
        let busy = worker(places.take(address("192.0.2.9")).unwrap()).await.unwrap();
        let take = |text: &str| Box::pin(places.take(address(text)).unwrap().worker(|| None::<()>));
        let mut line: Vec<_> = (0..40).map(|_| take("192.0.2.1")).collect();
        for waiting in &mut line {
            assert!(poll_immediate(waiting.as_mut()).await.is_none());
        }
        let mut other = take("192.0.2.2");
        assert!(poll_immediate(other.as_mut()).await.is_none());
        drop(busy);
        let mut served = 0;
        let other = loop {
            if let Some(held) = poll_immediate(other.as_mut()).await {
                break held;
            }
            let mut of_the_line = None;
            for waiting in &mut line {
                of_the_line = poll_immediate(waiting.as_mut()).await;
                if of_the_line.is_some() {
                    break;
                }
            }
            assert!(of_the_line.is_some(), "somebody must be served");
            drop(line.remove(0));
            served += 1;
        };
        assert!(other.unwrap().is_ok());
        assert_eq!(served, 1);
    }

    #[tokio::test]
    async fn who_had_to_wait_takes_the_verdict_that_came_meanwhile() {
        let place = places(1, 2).take(address("192.0.2.1")).unwrap();
        assert!(matches!(place.worker(|| Some("known")).await, Some(Err("known"))));
    }
}
