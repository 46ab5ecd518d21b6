//! All connections of a listener: how many there may be, and who gives way to a new one.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::connection::{Clock, Connection, End, Moment, Source};

/// What a connection is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Caps {
    /// In all.
    pub(in crate::server) total: usize,
    /// Of one source; `None` for a source that speaks for many.
    pub(in crate::server) of_source: Option<usize>,
    /// How long its heads may be, in bytes.
    pub(in crate::server) head: usize,
}

/// The caps for a connection from an address, as they are in force now.
pub(in crate::server) type Limit = Box<dyn Fn(SocketAddr) -> Caps + Send + Sync>;

/// How many that were told to give way may still be open: a listener takes no new connection meanwhile.
pub(super) const LEAVING: usize = 8;
/// How many idle connections are noted at one look through all.
const NOTED: usize = 64;
/// A source with no more than this part of all connections, an eighth, does not have to give way to itself first: many
/// clients may share an address, and are not to push each other out while strangers fill the rest.
const MODEST: usize = 8;
/// After a look that found nobody idle, in milliseconds, none is taken: it costs the more the more are busy.
const BARREN: u64 = 100;
/// How often connections are held against the time, in milliseconds.
pub(super) const TICK: u64 = 250;

/// The connections of one listener.
pub(in crate::server) struct Connections {
    limit: Limit,
    clock: Clock,
    open: Mutex<Open>,
    /// Told whenever one has been closed.
    closed: Notify,
    ends: [AtomicU64; End::ALL.len()],
}

#[derive(Default)]
struct Open {
    sources: HashMap<Source, Members>,
    /// Those that have not been told to give way.
    staying: usize,
    /// Those that still hold a descriptor.
    all: usize,
    longest: Longest,
    next_id: u64,
}

#[derive(Default)]
struct Members {
    connections: HashMap<u64, Arc<Connection>>,
    staying: usize,
    longest: Longest,
}

/// Those that have been idle for longest at the last look, the longest first. What has stirred since is passed over;
/// all others have been idle for less long, since time only grows.
#[derive(Default)]
struct Longest {
    noted: VecDeque<(Arc<Connection>, Moment)>,
    barren_until: u64,
}

impl Open {
    /// Notes that one has been told to give way.
    fn leaves(&mut self, told: &Connection) {
        self.staying -= 1;
        if let Some(members) = self.sources.get_mut(&told.source()) {
            members.staying -= 1;
        }
    }
}

impl Longest {
    /// Tells the longest idle one to give way.
    fn yields<'a>(&mut self, all: impl Iterator<Item = &'a Arc<Connection>>, now: u64) -> Option<Arc<Connection>> {
        if let Some(told) = self.tell() {
            return Some(told);
        }
        if now < self.barren_until {
            return None;
        }
        self.note(all, now);
        let told = self.tell();
        if told.is_none() {
            self.barren_until = now + BARREN;
        }
        told
    }

    fn tell(&mut self) -> Option<Arc<Connection>> {
        while let Some((connection, was)) = self.noted.pop_front() {
            if connection.give_way(was) {
                return Some(connection);
            }
        }
        None
    }

    fn note<'a>(&mut self, all: impl Iterator<Item = &'a Arc<Connection>>, now: u64) {
        let mut idle: Vec<_> = all
            .filter_map(|connection| connection.idle(now).map(|(moment, rank)| (rank, moment, connection)))
            .collect();
        let key = |(rank, moment, connection): &(u8, Moment, &Arc<Connection>)| (*rank, moment.since(), connection.id);
        if idle.len() > NOTED {
            idle.select_nth_unstable_by_key(NOTED, key);
            idle.truncate(NOTED);
        }
        idle.sort_unstable_by_key(key);
        // Those of the second rank are asked only where there is nobody of the first.
        let first = idle.first().map(|(rank, ..)| *rank);
        let idle = idle.into_iter().take_while(|(rank, ..)| Some(*rank) == first);
        self.noted.extend(idle.map(|(_, moment, connection)| (Arc::clone(connection), moment)));
    }
}

/// A place among the connections; given back when dropped.
pub(super) struct Place {
    registry: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
    /// How long its heads may be, in bytes.
    pub(super) head: usize,
}

impl Connections {
    /// Nobody yet.
    pub(in crate::server) fn new(limit: Limit) -> Arc<Self> {
        Arc::new(Self {
            limit,
            clock: Clock::start(),
            open: Mutex::default(),
            closed: Notify::new(),
            ends: Default::default(),
        })
    }

    /// A place for a new connection. Where a source has too many, its own that has been idle for longest gives way; where
    /// there are too many in all, anybody's, but first one of the same source if that has a good part of them. `None` if
    /// nobody is idle.
    pub(super) fn admit(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let caps = (self.limit)(peer);
        let now = self.clock.now();
        let mut open = self.open.lock();
        let open = &mut *open;
        let source = Source::of(peer.ip());
        let full = open.staying >= caps.total;
        let members = open.sources.get_mut(&source);
        let of_source = members.as_ref().map_or(0, |members| members.staying);
        if full || caps.of_source.is_some_and(|most| of_source >= most) {
            let own = !full || of_source > caps.total / MODEST;
            let members = members.filter(|_| own);
            let mut told = members.and_then(|members| members.longest.yields(members.connections.values(), now));
            // Others give way only where there are too many in all.
            if told.is_none() && full {
                let all = open.sources.values().flat_map(|members| members.connections.values());
                told = open.longest.yields(all, now);
            }
            let Some(told) = told else {
                self.count(End::Refused);
                return None;
            };
            open.leaves(&told);
        }
        open.next_id += 1;
        open.staying += 1;
        open.all += 1;
        let connection = Arc::new(Connection::new(open.next_id, peer, self.clock));
        let members = open.sources.entry(source).or_default();
        members.staying += 1;
        members.connections.insert(connection.id, Arc::clone(&connection));
        Some(Place { registry: Arc::clone(self), connection, head: caps.head })
    }

    /// Lets one that is idle go, whoever it is: there are no descriptors left.
    pub(super) fn make_room(&self) {
        let mut open = self.open.lock();
        let open = &mut *open;
        let all = open.sources.values().flat_map(|members| members.connections.values());
        if let Some(told) = open.longest.yields(all, self.clock.now()) {
            open.leaves(&told);
        }
    }

    /// Lets all that are idle go: there will be no next request.
    pub(super) fn dismiss(&self) {
        let mut open = self.open.lock();
        let open = &mut *open;
        for members in open.sources.values_mut() {
            for connection in members.connections.values() {
                // One that has stirred meanwhile is being answered, and closed after that.
                if connection.idle(u64::MAX).is_some_and(|(moment, _)| connection.give_way(moment)) {
                    members.staying -= 1;
                    open.staying -= 1;
                }
            }
        }
    }

    /// Calls on those whose time is over.
    pub(super) fn tick(&self) {
        let now = self.clock.now();
        let open = self.open.lock();
        open.sources.values().flat_map(|members| members.connections.values()).for_each(|one| one.call_on(now));
    }

    /// Waits until few enough are on their way out for a new one to be let in.
    pub(super) async fn has_room(&self) {
        loop {
            let mut closed = std::pin::pin!(self.closed.notified());
            closed.as_mut().enable();
            {
                let open = self.open.lock();
                if open.all - open.staying < LEAVING {
                    return;
                }
            }
            closed.await;
        }
    }

    /// Waits until one is closed.
    pub(super) async fn one_closed(&self) {
        self.closed.notified().await;
    }

    /// How many are open.
    pub(in crate::server) fn open(&self) -> usize {
        self.open.lock().all
    }

    /// Counts one that the gateway ended.
    pub(super) fn count(&self, end: End) {
        self.ends[end as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many the gateway has ended, by reason.
    pub(in crate::server) fn ends(&self) -> impl Iterator<Item = (End, u64)> {
        End::ALL.into_iter().map(|end| (end, self.ends[end as usize].load(Ordering::Relaxed)))
    }
}

impl Place {
    /// Counts that the gateway ended it.
    pub(super) fn ended(&self, end: End) {
        self.registry.count(end);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.registry.open.lock();
        let open = &mut *open;
        open.all -= 1;
        if self.connection.leave() {
            open.leaves(&self.connection);
        }
        let source = self.connection.source();
        if let Some(members) = open.sources.get_mut(&source) {
            members.connections.remove(&self.connection.id);
            if members.connections.is_empty() {
                open.sources.remove(&source);
            }
        }
        self.registry.closed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::Phase;
    use super::*;

    fn registry(total: usize, of_source: usize) -> Arc<Connections> {
        Connections::new(Box::new(move |peer| {
            let trusted = peer.ip().to_string() == "192.0.2.99";
            Caps { total, of_source: (!trusted).then_some(of_source), head: 1024 }
        }))
    }

    fn admit(registry: &Arc<Connections>, last: u8) -> Option<Place> {
        registry.admit(SocketAddr::from(([192, 0, 2, last], 1000)))
    }

    fn gives_way(place: &Place) -> bool {
        place.connection.phase() == Phase::GivingWay
    }

    #[test]
    fn above_the_cap_of_a_source_its_longest_idle_connection_gives_way() {
        let registry = registry(10, 2);
        let places = [1, 1, 2].map(|last| admit(&registry, last).unwrap());
        let new = admit(&registry, 1).unwrap();
        assert_eq!(places.each_ref().map(gives_way), [true, false, false]);
        assert!(!gives_way(&new));
        let trusted: Vec<_> = (0..5).map(|_| admit(&registry, 99).unwrap()).collect();
        assert!(!trusted.iter().any(gives_way), "a proxy speaks for many");
    }

    #[test]
    fn above_the_cap_of_all_one_of_the_same_source_gives_way_first_and_else_the_longest_idle() {
        let registry = registry(3, 3);
        let places = [1, 2, 3].map(|last| admit(&registry, last).unwrap());
        let new = admit(&registry, 2).unwrap();
        assert_eq!(places.each_ref().map(gives_way), [false, true, false]);
        let other = admit(&registry, 4).unwrap();
        assert_eq!(places.each_ref().map(gives_way), [true, true, false]);
        assert!(!gives_way(&new) && !gives_way(&other));
        assert_eq!(registry.ends().find(|(end, _)| *end == End::Refused), Some((End::Refused, 0)));
    }

    #[test]
    fn many_clients_of_one_address_do_not_push_each_other_out_while_others_fill_the_rest() {
        let registry = registry(24, 24);
        let honest = [1, 1, 1].map(|last| admit(&registry, last).unwrap());
        honest.iter().for_each(|place| assert!(place.connection.enter(Phase::Handling)));
        let strangers: Vec<_> = (2..23).map(|last| admit(&registry, last).unwrap()).collect();
        std::thread::sleep(std::time::Duration::from_millis(5));
        honest.iter().for_each(|place| assert!(place.connection.enter(Phase::Waiting)));
        let _new = admit(&registry, 1).unwrap();
        assert!(!honest.iter().any(gives_way), "of three among 24 none gives way to its like");
        assert!(gives_way(&strangers[0]), "but whoever has been idle for longest");
    }

    #[test]
    fn what_does_not_come_to_the_end_of_a_head_gives_way_before_what_waits_between_requests() {
        let registry = registry(8, 8);
        let served = admit(&registry, 1).unwrap();
        assert!(served.connection.enter(Phase::Waiting));
        let fresh = admit(&registry, 2).unwrap();
        let silent = admit(&registry, 3).unwrap();
        let dripping = admit(&registry, 4).unwrap();
        assert!(dripping.connection.enter(Phase::Head));
        let ranks = |at: u64| {
            [&served, &fresh, &silent, &dripping].map(|place| place.connection.idle(at).map(|(_, rank)| rank))
        };
        assert_eq!(ranks(registry.clock.now()), [Some(1), Some(1), Some(1), None]);
        assert_eq!(ranks(registry.clock.now() + 1_000), [Some(1), Some(0), Some(0), Some(0)]);
    }

    #[test]
    fn where_nobody_is_idle_the_new_one_is_refused_and_a_place_given_back_can_be_had_again() {
        let registry = registry(2, 2);
        let places = [1, 2].map(|last| admit(&registry, last).unwrap());
        places.iter().for_each(|place| assert!(place.connection.enter(Phase::Handling)));
        assert!(admit(&registry, 3).is_none());
        assert_eq!(registry.ends().find(|(end, _)| *end == End::Refused), Some((End::Refused, 1)));
        drop(places);
        assert_eq!(registry.open(), 0);
        let places = [3, 4].map(|last| admit(&registry, last).unwrap());
        assert_eq!(registry.open(), 2);
        registry.dismiss();
        assert!(places.iter().all(gives_way));
        drop(places);
        assert_eq!(registry.open(), 0);
        assert!(registry.open.lock().sources.is_empty());
    }

    #[test]
    fn one_that_has_stirred_since_the_look_is_passed_over() {
        let registry = registry(100, 4);
        let places: Vec<_> = (0..4).map(|_| admit(&registry, 1).unwrap()).collect();
        let _fifth = admit(&registry, 1).unwrap();
        assert!(gives_way(&places[0]), "the others are noted as next");
        assert!(places[1].connection.enter(Phase::Handling));
        let _sixth = admit(&registry, 1).unwrap();
        assert_eq!(places.iter().map(gives_way).collect::<Vec<_>>(), [true, false, true, false]);
    }
}
