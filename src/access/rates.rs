//! How often something happened within a window, and a block for whoever reaches the limit.

use std::collections::VecDeque;
use std::hash::Hash;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::table::Table;
use crate::domain::Seconds;

/// So many events within a window begin a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// The events that begin it, at least one.
    pub(super) most: usize,
    /// The time in which they count.
    pub(super) window: Seconds,
    /// How long the block lasts.
    pub(super) block: Seconds,
    /// Keys that are remembered at most.
    pub(super) kept: usize,
}

/// The events of the last window by key, in a table of bounded size.
#[derive(Debug)]
pub(super) struct Rates<K>(Mutex<Table<K, Record>>);

#[derive(Debug, Default)]
struct Record {
    events: VecDeque<Instant>,
    blocked_until: Option<Instant>,
}

impl<K> Default for Rates<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Rates<K> {
    /// How long `key` is still blocked, in seconds rounded up; `None` if it is not.
    pub(super) fn blocked(&self, key: &K, now: Instant) -> Option<Seconds> {
        let until = self.0.lock().get(key, now)?.blocked_until?;
        let left = until.checked_duration_since(now).filter(|left| !left.is_zero())?;
        Some(Seconds::new(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }

    /// Counts an event; `true` when it is the one that begins a block.
    ///
    /// One during a block (of an attempt that began before it) changes nothing.
    pub(super) fn count(&self, key: K, rate: &Rate, now: Instant) -> bool {
        let (window, block) = (Duration::from_secs(rate.window.get()), Duration::from_secs(rate.block.get()));
        let mut table = self.0.lock();
        let mut record = table.take(&key, now).unwrap_or_default();
        let blocked = record.blocked_until.filter(|until| *until > now);
        let begins = blocked.is_none() && {
            record.events.retain(|event| *event + window > now);
            record.events.push_back(now);
            record.events.len() >= rate.most
        };
        if begins {
            record.events.clear();
        }
        record.blocked_until = blocked.or_else(|| begins.then(|| now + block));
        let end = record.blocked_until.unwrap_or(now + window);
        table.put(key, record, end, rate.kept, now);
        begins
    }

    /// Forgets what was counted of `key`.
    pub(super) fn forget(&self, key: &K, now: Instant) {
        self.0.lock().take(key, now);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { most: 3, window: Seconds::new(60), block: Seconds::new(60), kept: 100 };

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_event_that_reaches_the_limit_begins_the_block_and_its_end_is_exact() {
        let (rates, start) = (Rates::default(), Instant::now());
        assert!(!rates.count("a", &RATE, start));
        assert!(!rates.count("a", &RATE, start + seconds(1)));
        assert_eq!(rates.blocked(&"a", start + seconds(2)), None);
        assert!(rates.count("a", &RATE, start + seconds(2)));
        assert_eq!(rates.blocked(&"a", start + seconds(2)), Some(Seconds::new(60)));
        assert_eq!(rates.blocked(&"a", start + Duration::from_millis(61_999)), Some(Seconds::new(1)));
        assert_eq!(rates.blocked(&"a", start + seconds(62)), None);
        assert_eq!(rates.blocked(&"b", start + seconds(2)), None, "another one");
    }

    #[test]
    fn after_a_block_counting_starts_again() {
        let (rates, start) = (Rates::default(), Instant::now());
        for _ in 0..3 {
            rates.count("a", &RATE, start);
        }
        assert!(!rates.count("a", &RATE, start + seconds(30)), "an event during the block");
        assert_eq!(rates.blocked(&"a", start + seconds(30)), Some(Seconds::new(30)), "which does not prolong it");
        assert!(!rates.count("a", &RATE, start + seconds(60)));
        assert!(!rates.count("a", &RATE, start + seconds(61)));
        assert!(rates.count("a", &RATE, start + seconds(62)));
    }

    #[test]
    fn events_outside_the_window_do_not_count() {
        let (rates, start) = (Rates::default(), Instant::now());
        for time in [0, 30, 60, 91] {
            assert!(!rates.count("a", &RATE, start + seconds(time)), "{time}");
        }
        assert!(rates.count("a", &RATE, start + seconds(100)));
    }

    #[test]
    fn what_is_forgotten_is_neither_counted_nor_blocked() {
        let (rates, start) = (Rates::default(), Instant::now());
        for _ in 0..3 {
            rates.count("a", &RATE, start);
        }
        rates.forget(&"a", start);
        assert_eq!(rates.blocked(&"a", start), None);
        assert!(!rates.count("a", &RATE, start));
    }

    #[test]
    fn the_table_stays_bounded_and_remembers_the_latest() {
        let (rates, start) = (Rates::default(), Instant::now());
        let rate = Rate { most: 2, kept: 4, ..RATE };
        for key in 0..100_u64 {
            rates.count(key, &rate, start + Duration::from_millis(key));
            assert!(rates.len() <= 4);
        }
        assert!(rates.count(99, &rate, start + seconds(1)));
    }
}
