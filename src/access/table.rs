//! A table of bounded size whose entries end by themselves.
//!
//! Everything that this layer remembers of strangers lies in one of these, so that nobody can fill the memory. What it
//! gives up when it is full is what would have ended first, a sixteenth of it at a time: one walk through the table then
//! serves many new entries, also for a stranger who makes new ones as fast as the network carries them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::time::Instant;

/// The part of a full table that makes room at a time.
const PART: usize = 16;

/// Entries by key, each until a moment of its own.
#[derive(Debug)]
pub(super) struct Table<K, V, S = RandomState>(HashMap<K, Entry<V>, S>);

/// A table whose keys are digests under a key of the process: nobody chooses them, so a fast hash will do.
pub(super) type Digests<K> = Table<K, (), foldhash::fast::RandomState>;

#[derive(Debug)]
struct Entry<V> {
    value: V,
    end: Instant,
}

impl<K, V, S: Default> Default for Table<K, V, S> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash, V, S: BuildHasher> Table<K, V, S> {
    /// The value under `key`, if it has not ended by `now`.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<&V> {
        self.0.get(key).filter(|entry| entry.end > now).map(|entry| &entry.value)
    }

    /// Whether there is something under `key` that has not ended by `now`; if so, it is there until `end`.
    pub(super) fn renew(&mut self, key: &K, end: Instant, now: Instant) -> bool {
        let entry = self.0.get_mut(key).filter(|entry| entry.end > now);
        entry.map(|entry| entry.end = end).is_some()
    }

    /// Takes the value under `key` out, if it has not ended by `now`.
    pub(super) fn take(&mut self, key: &K, now: Instant) -> Option<V> {
        self.0.remove(key).filter(|entry| entry.end > now).map(|entry| entry.value)
    }

    /// Puts a value under `key` until `end`. The table has at most `most` entries afterwards, of which
    /// there must be one.
    pub(super) fn put(&mut self, key: K, value: V, end: Instant, most: usize, now: Instant) {
        if self.0.len() >= most && !self.0.contains_key(&key) {
            self.make_room(most, now);
        }
        self.0.insert(key, Entry { value, end });
    }

    fn make_room(&mut self, most: usize, now: Instant) {
        self.0.retain(|_, entry| entry.end > now);
        let keep = most - (most / PART).max(1);
        let Some(mut left) = self.0.len().checked_sub(keep).filter(|more| *more > 0) else { return };
        let mut ends: Vec<Instant> = self.0.values().map(|entry| entry.end).collect();
        let (_, &mut last, _) = ends.select_nth_unstable(left - 1);
        self.0.retain(|_, entry| {
            let goes = left > 0 && entry.end <= last;
            left -= usize::from(goes);
            !goes
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_entry_is_there_until_its_end() {
        let (mut table, start) = (<Table<_, _>>::default(), Instant::now());
        let end = start + Duration::from_secs(5);
        table.put("a", 1, end, 10, start);
        let just_before = end.checked_sub(Duration::from_millis(1)).unwrap();
        assert_eq!(table.get(&"a", just_before), Some(&1));
        assert_eq!(table.get(&"a", end), None);
        assert_eq!(table.take(&"a", just_before), Some(1));
        assert_eq!(table.get(&"a", start), None);
    }

    #[test]
    fn the_table_stays_bounded_and_gives_up_what_ends_first() {
        for most in [1, 2, 3, 16, 100] {
            let (mut table, start) = (<Table<_, _>>::default(), Instant::now());
            for key in 0..1000_u64 {
                // The first ones last longest.
                table.put(key, (), start + Duration::from_secs(10_000 - key), most, start);
                assert!(table.len() <= most, "{most}");
                assert!(table.get(&key, start).is_some(), "{most}: the new one is there");
            }
            let kept = most - (most / PART).max(1);
            assert!((0..kept as u64).all(|key| table.get(&key, start).is_some()), "{most}");
        }
    }

    #[test]
    fn making_room_is_a_walk_for_many_new_entries_and_not_for_each() {
        let (mut table, start, most) = (<Table<_, _>>::default(), Instant::now(), 1600);
        let mut shrunk = 0;
        for key in 0..16_000_u64 {
            let before = table.len();
            table.put(key, (), start + Duration::from_secs(1 + key), most, start);
            shrunk += usize::from(table.len() <= before);
        }
        assert_eq!(shrunk, (16_000 - most) / (most / PART));
    }

    #[test]
    fn what_has_ended_makes_room_before_anything_else() {
        let (mut table, start) = (<Table<_, _>>::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        table.put("short", (), at(1), 3, start);
        table.put("long", (), at(100), 3, start);
        table.put("longer", (), at(200), 3, start);
        table.put("new", (), at(300), 3, at(2));
        assert_eq!(table.len(), 3);
        assert!(table.get(&"long", at(2)).is_some());
    }
}
