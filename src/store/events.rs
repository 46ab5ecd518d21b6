//! What has just happened: numbers that were lent, how allocations ended, and what came to nothing.
//!
//! The last events of each tenant are kept in memory for whoever follows them. They are no state: a start begins anew, and an
//! event names the start that it is of, so that whoever comes back with one of another start is told that something is
//! missing. What is committed, here or by other gateways that share the store, is told when readers see it; what came to
//! nothing is known to the gateway that was asked alone.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::domain::history::End;
use crate::domain::refusal::Miss;
use crate::domain::{
    Allocation, Caller, Change, EnvironmentName, GroupName, Number, Scope, Tables, TenantId, Timestamp,
};

/// How many events of a tenant are kept.
pub const KEPT: usize = 10_000;
/// Most who follow one tenant at a time.
const FOLLOWERS: usize = 100;
/// Most events that are told at a time.
const AT_A_TIME: usize = 200;

/// Names an event: the start of the gateway, and a count within the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId {
    start: u64,
    count: u64,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.start, self.count)
    }
}

/// A text that names no event of any start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the id of an event")]
pub struct InvalidEventId;

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let (start, count) = text.split_once('-').filter(|(start, _)| start.len() == 16).ok_or(InvalidEventId)?;
        let start = u64::from_str_radix(start, 16).map_err(|_| InvalidEventId)?;
        Ok(Self { start, count: count.parse().map_err(|_| InvalidEventId)? })
    }
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// In which environment of the tenant.
    pub environment: Option<EnvironmentName>,
    /// The group of the number, or the one that was asked for, as far as there is one.
    pub group: Option<GroupName>,
    /// What it was.
    pub what: What,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A number was lent.
    Lent(Arc<Allocation>),
    /// An allocation has ended, and how.
    Ended(Arc<Allocation>, End),
    /// A call was not recognised.
    Refused {
        /// The number that was dialled.
        number: Number,
        /// The caller, if it was told.
        caller: Option<Caller>,
        /// Why.
        miss: Miss,
    },
    /// There was no number to lend.
    Exhausted,
}

/// What somebody who follows is told next.
#[derive(Debug)]
pub enum News {
    /// Events, oldest first.
    Events(Vec<Arc<Event>>),
    /// Something is missing between what was told before and what follows.
    Reset,
    /// Nothing follows: the gateway stops.
    End,
}

/// The last events of every tenant.
pub struct Events {
    start: u64,
    closed: AtomicBool,
    rings: Mutex<HashMap<TenantId, Arc<Ring>>>,
}

/// Those of one tenant.
struct Ring {
    kept: Mutex<Kept>,
    /// The count of the last one.
    news: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    last: u64,
    events: VecDeque<Arc<Event>>,
}

impl Default for Events {
    fn default() -> Self {
        Self { start: rand::random(), closed: AtomicBool::new(false), rings: Mutex::default() }
    }
}

/// Somebody who follows the events of a tenant.
pub struct Follower {
    events: Arc<Events>,
    ring: Arc<Ring>,
    news: watch::Receiver<u64>,
    /// The count of the last one that was told.
    told: u64,
    /// Whether something is missing already.
    reset: bool,
}

impl Events {
    fn ring(&self, tenant: &TenantId) -> Arc<Ring> {
        let mut rings = self.rings.lock();
        let new = || Arc::new(Ring { kept: Mutex::default(), news: watch::channel(0).0 });
        Arc::clone(rings.entry(tenant.clone()).or_insert_with(new))
    }

    /// Notes something that has happened.
    fn note(&self, scope: &Scope, at: Timestamp, group: Option<GroupName>, what: What) {
        let ring = self.ring(&scope.tenant);
        let count = {
            let mut kept = ring.kept.lock();
            kept.last += 1;
            let id = EventId { start: self.start, count: kept.last };
            if kept.events.len() == KEPT {
                kept.events.pop_front();
            }
            kept.events.push_back(Arc::new(Event { id, at, environment: scope.environment.clone(), group, what }));
            kept.last
        };
        ring.news.send_replace(count);
    }

    /// Notes that a call to a number was not recognised.
    pub(super) fn refused(&self, scope: &Scope, at: Timestamp, number: Number, caller: Option<&Caller>, miss: Miss) {
        self.note(scope, at, None, What::Refused { number, caller: caller.cloned(), miss });
    }

    /// Notes that there was no number to lend.
    pub(super) fn exhausted(&self, scope: &Scope, at: Timestamp, group: Option<&GroupName>) {
        self.note(scope, at, group.cloned(), What::Exhausted);
    }

    /// Notes what a commit has brought; `happened` is what [`happened`] made of it.
    pub(super) fn committed(&self, happened: Vec<Happened>) {
        for Happened { scope, at, group, what } in happened {
            self.note(&scope, at, group, what);
        }
    }

    /// Follows the events of a tenant: those after `after`, or from now on. `None` where too many do already.
    pub fn follow(self: &Arc<Self>, tenant: &TenantId, after: Option<EventId>) -> Option<Follower> {
        let ring = self.ring(tenant);
        if ring.news.receiver_count() >= FOLLOWERS {
            return None;
        }
        let news = ring.news.subscribe();
        let last = ring.kept.lock().last;
        let known = after.filter(|id| id.start == self.start && id.count <= last);
        let told = known.map_or(last, |id| id.count);
        Some(Follower { events: Arc::clone(self), ring, news, told, reset: after.is_some() && known.is_none() })
    }

    /// The calls of a scope that were not recognised since a point in time, newest first.
    pub fn refused_since(&self, scope: &Scope, since: Timestamp, most: usize) -> Vec<Arc<Event>> {
        let ring = self.ring(&scope.tenant);
        let kept = ring.kept.lock();
        let recent = kept.events.iter().rev().take_while(|event| event.at >= since);
        let own = recent.filter(|event| event.environment == scope.environment);
        own.filter(|event| matches!(event.what, What::Refused { .. })).take(most).cloned().collect()
    }

    /// Ends all following.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.rings.lock().values().for_each(|ring| ring.news.send_modify(|_| {}));
    }
}

impl Follower {
    /// What happens next; waits until something does. What is not taken is told again.
    pub async fn next(&mut self) -> News {
        loop {
            if std::mem::take(&mut self.reset) {
                return News::Reset;
            }
            if self.events.closed.load(Ordering::Relaxed) {
                return News::End;
            }
            self.news.borrow_and_update();
            if let Some(news) = self.waiting() {
                return news;
            }
            if self.news.changed().await.is_err() {
                return News::End;
            }
        }
    }

    /// What has happened already.
    fn waiting(&mut self) -> Option<News> {
        let kept = self.ring.kept.lock();
        let missing = usize::try_from(kept.last - self.told).unwrap_or(usize::MAX);
        if missing > kept.events.len() {
            self.told = kept.last - kept.events.len() as u64;
            return Some(News::Reset);
        }
        let events: Vec<_> = kept.events.range(kept.events.len() - missing..).take(AT_A_TIME).cloned().collect();
        self.told += events.len() as u64;
        (!events.is_empty()).then_some(News::Events(events))
    }
}

/// Something that a commit has brought.
pub(super) struct Happened {
    scope: Arc<Scope>,
    at: Timestamp,
    group: Option<GroupName>,
    what: What,
}

/// What the changes of a commit mean to whoever watches; `before` are the tables without them.
pub(super) fn happened(changes: &[Change], before: &Tables) -> Vec<Happened> {
    let of = |change: &Change| match change {
        // An allocation that is there already has only been prolonged.
        Change::Allocated(scope, held) if before.allocation(scope, held.id, Timestamp::default()).is_none() => {
            let found = before.number(scope, held.number, Timestamp::default());
            let group = found.and_then(|found| found.record.group.clone());
            Some(Happened { scope: Arc::clone(scope), at: held.since, group, what: What::Lent(Arc::clone(held)) })
        }
        Change::Ended(scope, past) => {
            let what = What::Ended(Arc::clone(&past.allocation), past.end);
            Some(Happened { scope: Arc::clone(scope), at: past.until, group: past.group.clone(), what })
        }
        _ => None,
    };
    changes.iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(tenant: &str) -> Scope {
        Scope { tenant: TenantId::new(tenant).unwrap(), environment: None }
    }

    fn refuse(events: &Events, tenant: &str, number: u64) {
        let number = Number::new(&number.to_string()).unwrap();
        events.refused(&scope(tenant), Timestamp::from_millis(1), number, None, Miss::NotLent);
    }

    /// What was told, as counts; -1 for a reset.
    async fn told(follower: &mut Follower, most: usize) -> Vec<i64> {
        let mut told = Vec::new();
        while told.len() < most {
            match follower.next().await {
                News::Events(events) => told.extend(events.iter().map(|event| i64::try_from(event.id.count).unwrap())),
                News::Reset => told.push(-1),
                News::End => break,
            }
        }
        told
    }

    #[tokio::test]
    async fn whoever_comes_back_is_told_what_happened_meanwhile_and_nothing_of_other_tenants() {
        let events = Arc::new(Events::default());
        let mut follower = events.follow(&scope("a").tenant, None).unwrap();
        for number in 1..=3 {
            refuse(&events, "a", number);
            refuse(&events, "b", number);
        }
        assert_eq!(told(&mut follower, 3).await, [1, 2, 3]);
        let second = EventId { start: events.start, count: 2 };
        assert_eq!(second.to_string().parse(), Ok(second));
        assert_eq!(told(&mut events.follow(&scope("a").tenant, Some(second)).unwrap(), 1).await, [3]);
        refuse(&events, "a", 4);
        assert_eq!(told(&mut follower, 1).await, [4]);
        events.close();
        assert!(told(&mut follower, 1).await.is_empty(), "the end is told");
    }

    #[tokio::test]
    async fn an_id_that_is_gone_of_another_start_or_of_the_future_begins_with_a_reset() {
        let events = Arc::new(Events::default());
        for number in 0..KEPT as u64 + 5 {
            refuse(&events, "a", number);
        }
        let id = |start, count| EventId { start, count };
        let tenant = scope("a").tenant;
        let mut oldest = events.follow(&tenant, Some(id(events.start, 5))).unwrap();
        assert_eq!(told(&mut oldest, 1).await[0], 6, "the oldest that is kept");
        let mut gone = events.follow(&tenant, Some(id(events.start, 4))).unwrap();
        assert_eq!(told(&mut gone, 2).await[..2], [-1, 6]);
        for other in [id(events.start ^ 1, 7), id(events.start, KEPT as u64 + 6)] {
            let mut follower = events.follow(&tenant, Some(other)).unwrap();
            assert_eq!(told(&mut follower, 1).await, [-1]);
        }
        assert_eq!(events.ring(&tenant).kept.lock().events.len(), KEPT);
    }

    #[test]
    fn no_more_than_so_many_follow_one_tenant() {
        let events = Arc::new(Events::default());
        let following: Vec<_> = (0..FOLLOWERS).map(|_| events.follow(&scope("a").tenant, None).unwrap()).collect();
        assert!(events.follow(&scope("a").tenant, None).is_none());
        assert!(events.follow(&scope("b").tenant, None).is_some());
        drop(following);
        assert!(events.follow(&scope("a").tenant, None).is_some());
    }

    #[test]
    fn a_text_that_is_no_id_is_refused() {
        for wrong in
            ["", "1", "0123456789abcdef", "0123456789abcdef-", "0123456789abcdef-x", "123-4", "0123456789abcdeg-1"]
        {
            assert_eq!(wrong.parse::<EventId>(), Err(InvalidEventId), "{wrong}");
        }
    }
}
