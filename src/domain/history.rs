//! Who held a number when: what is remembered of allocations that have ended.
//!
//! What has ended is no part of the tables, which would grow without end; a store keeps it in buckets by the hour in
//! which it ended, so that what is too old goes a bucket at a time. The tables know of the buckets alone, and of how many
//! entries each has: that is enough to decide what is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Allocation, AllocationId, Number, Timestamp};

const HOUR_MILLIS: u64 = 60 * 60 * 1000;
const DAY_HOURS: u32 = 24;
/// A bucket takes at most this part of all entries that are kept, so that an hour with very many of them is not lost as a
/// whole.
const BUCKETS: u64 = 16;

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRules {
    /// For how many days.
    pub days: u32,
    /// Most entries of all scopes together; none are kept where this is zero. The oldest go first, in steps of a
    /// sixteenth of this or an hour's, whichever is less.
    pub entries: u64,
}

impl Default for HistoryRules {
    fn default() -> Self {
        Self { days: 30, entries: 1_000_000 }
    }
}

/// How an allocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Somebody freed the number.
    Freed,
    /// Its call came.
    Matched,
    /// Its time was over.
    Expired,
    /// Its time was over, and its call came after that, while the number rested.
    MatchedLate,
    /// Its interaction was deleted.
    InteractionDeleted,
}

/// Where an entry is kept: the hour in which the allocation ended, since 1970, and a part of that hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bucket {
    /// The hour.
    pub hour: u32,
    /// The part; a further one begins when this one is full.
    pub part: u16,
}

impl Bucket {
    /// Where what has not ended would be: after everything that has.
    const RUNNING: Self = Self { hour: u32::MAX, part: u16::MAX };

    /// The first bucket of the hour that `at` is in.
    fn of(at: Timestamp) -> Self {
        Self { hour: u32::try_from(at.as_millis() / HOUR_MILLIS).unwrap_or(u32::MAX - 1), part: 0 }
    }

    /// The bucket that comes before this one, if there is one.
    pub fn before(self) -> Option<Self> {
        match self.part.checked_sub(1) {
            Some(part) => Some(Self { hour: self.hour, part }),
            None => Some(Self { hour: self.hour.checked_sub(1)?, part: u16::MAX }),
        }
    }

    /// The bucket that comes after this one.
    pub const fn next(self) -> Self {
        match self.part.checked_add(1) {
            Some(part) => Self { hour: self.hour, part },
            None => Self { hour: self.hour.saturating_add(1), part: 0 },
        }
    }
}

/// An allocation that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Where it is kept.
    pub bucket: Bucket,
    /// How many entries the bucket has with this one.
    pub count: u64,
    /// The allocation as it was when it ended.
    pub allocation: Arc<Allocation>,
    /// When it ended.
    pub until: Timestamp,
    /// How it ended.
    pub end: End,
}

/// An allocation with its end, if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The allocation.
    pub allocation: Arc<Allocation>,
    /// When and how it ended; `None` while it runs.
    pub ended: Option<(Timestamp, End)>,
}

impl Held {
    /// An allocation of the tables; one whose deadline has passed may still be among them.
    pub(super) fn running(allocation: &Arc<Allocation>, now: Timestamp) -> Self {
        let ended = (!allocation.live(now)).then_some((allocation.deadline, End::Expired));
        Self { allocation: Arc::clone(allocation), ended }
    }
}

impl From<&Past> for Held {
    fn from(past: &Past) -> Self {
        Self { allocation: Arc::clone(&past.allocation), ended: Some((past.until, past.end)) }
    }
}

/// A place in the history of a number: that of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The bucket.
    pub bucket: Bucket,
    /// The allocation.
    pub allocation: AllocationId,
}

/// Which part of the history of a number is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryQuery {
    /// The number, whole; it need not exist any more.
    pub number: Number,
    /// Only who held it at this time or later.
    pub from: Option<Timestamp>,
    /// Only who held it before this time.
    pub to: Option<Timestamp>,
    /// Only what comes after this place: the last of the page before.
    pub after: Option<Place>,
    /// At most so many entries.
    pub limit: usize,
}

/// A page of the history of a number, newest first: what runs, then what has ended by the hour of its end, and within an
/// hour by the order of lending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<Held>,
    /// The place of the last one, where there is more.
    pub next: Option<Place>,
}

impl HistoryQuery {
    /// Whether the holding falls into the time that is asked for.
    fn wants(&self, held: &Held) -> bool {
        let begun = self.to.is_none_or(|to| held.allocation.since < to);
        // Nobody holds a number at the very point where the allocation ends.
        let ended = self.from.zip(held.ended).is_some_and(|(from, (until, _))| until <= from);
        begun && !ended
    }

    /// The bucket to go on in, and below which allocation.
    fn begin(&self) -> Place {
        self.after.unwrap_or(Place { bucket: Bucket::RUNNING, allocation: AllocationId(u64::MAX) })
    }

    /// The page, made of what runs by the tables and of what `read` finds of the number in a bucket: newest allocation
    /// first, only those below the one given.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn page<E, I: Iterator<Item = Result<Held, E>>>(
        &self,
        known: &Known,
        mut read: impl FnMut(Bucket, AllocationId) -> Result<I, E>,
    ) -> Result<HistoryPage, E> {
        let begin = self.begin();
        let mut page = HistoryPage::default();
        let below = |bucket: Bucket| if bucket == begin.bucket { begin.allocation } else { AllocationId(u64::MAX) };
        if begin.bucket == Bucket::RUNNING {
            for held in known.running.iter().filter(|held| held.allocation.id < begin.allocation) {
                if !self.add(&mut page, Bucket::RUNNING, held.clone()) {
                    return Ok(page);
                }
            }
        }
        for bucket in known.buckets.iter().copied().filter(|bucket| *bucket <= begin.bucket) {
            for held in read(bucket, below(bucket))? {
                let held = held?;
                // What ran by the tables may have ended since.
                let told = known.running.iter().any(|running| running.allocation.id == held.allocation.id);
                if !told && !self.add(&mut page, bucket, held) {
                    return Ok(page);
                }
            }
        }
        page.next = None;
        Ok(page)
    }

    /// Puts an entry into the page if it is wanted; whether there may be more.
    fn add(&self, page: &mut HistoryPage, bucket: Bucket, held: Held) -> bool {
        if !self.wants(&held) {
            return true;
        }
        if page.entries.len() == self.limit {
            return false;
        }
        page.next = Some(Place { bucket, allocation: held.allocation.id });
        page.entries.push(held);
        true
    }
}

/// What the tables know of the history of a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// What it carries, newest first.
    pub running: Vec<Held>,
    /// The buckets in which entries of the time asked for may be, newest first.
    pub buckets: Vec<Bucket>,
}

/// The buckets that there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Buckets {
    counts: BTreeMap<Bucket, u64>,
    total: u64,
    /// Everything before this bucket is dropped, and nothing is put there any more.
    floor: Bucket,
}

impl Buckets {
    /// Where an allocation that ended at `until` is kept, and how many entries are there with it; `None` where that is
    /// no longer kept.
    pub(super) fn place(&self, until: Timestamp, now: Timestamp, rules: &HistoryRules) -> Option<(Bucket, u64)> {
        let first = Bucket::of(until);
        if rules.entries == 0 || first < oldest(now, rules) {
            return None;
        }
        let last = Bucket { part: u16::MAX, ..first };
        let latest = self.counts.range(first..=last).next_back();
        let (bucket, count) = latest.map_or((first, 0), |(bucket, count)| (*bucket, *count));
        let full = count >= (rules.entries / BUCKETS).max(1) && bucket.part < u16::MAX;
        let (bucket, count) = if full { (bucket.next(), 0) } else { (bucket, count) };
        if bucket < self.floor {
            // A part of the hour is dropped already; what is left of it begins where that ended.
            return (self.floor.hour == bucket.hour).then_some((self.floor, 1));
        }
        Some((bucket, count + 1))
    }

    /// The oldest bucket, if it is to go.
    pub(super) fn surplus(&self, now: Timestamp, rules: &HistoryRules) -> Option<Bucket> {
        let (bucket, _) = self.counts.first_key_value()?;
        (self.total > rules.entries || *bucket < oldest(now, rules)).then_some(*bucket)
    }

    /// A bucket has so many entries now.
    pub(super) fn set(&mut self, bucket: Bucket, count: u64) {
        let before = self.counts.insert(bucket, count).unwrap_or_default();
        self.total = self.total - before + count;
    }

    /// A bucket is dropped, and with it whatever might come before it.
    pub(super) fn drop(&mut self, bucket: Bucket) {
        self.total -= self.counts.remove(&bucket).unwrap_or_default();
        self.raise_floor(bucket.next());
    }

    /// Everything before this bucket is dropped.
    pub(super) fn raise_floor(&mut self, floor: Bucket) {
        self.floor = self.floor.max(floor);
    }

    pub(super) fn floor(&self) -> Bucket {
        self.floor
    }

    /// How many entries there are in all.
    pub(super) fn entries(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many entries each bucket has, oldest first.
    pub(super) fn counts(&self) -> Vec<(Bucket, u64)> {
        self.counts.iter().map(|(bucket, count)| (*bucket, *count)).collect()
    }

    /// Those in which something may be that ended after `from`, newest first.
    pub(super) fn since(&self, from: Option<Timestamp>) -> Vec<Bucket> {
        let first = from.map(Bucket::of).unwrap_or_default();
        self.counts.range(first..).rev().map(|(bucket, _)| *bucket).collect()
    }
}

/// The oldest bucket that may be kept.
fn oldest(now: Timestamp, rules: &HistoryRules) -> Bucket {
    let kept = rules.days.saturating_mul(DAY_HOURS);
    Bucket { hour: Bucket::of(now).hour.saturating_sub(kept), part: 0 }
}
