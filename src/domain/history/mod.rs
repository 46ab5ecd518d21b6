//! Who held a number when: what is remembered of allocations that have ended.
//!
//! What has ended is no part of the tables, which would grow without end; a store keeps it in buckets by the tenant and the
//! hour in which it ended, so that what is too old goes a bucket at a time. The tables know of the buckets alone, and of how
//! many entries each has: that is enough to decide what is dropped.

mod kept;
mod search;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Allocation, AllocationId, GroupName, Number, Timestamp};

pub(super) use kept::Kept;
pub use kept::Owner;
pub use search::{Found, HistoryFilter, HistorySearch, Newest};

const HOUR_MILLIS: u64 = 60 * 60 * 1000;

/// How much history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRules {
    /// For how many days.
    pub days: u32,
    /// Most entries of all tenants together; none are kept where this is zero. What a tenant may have of it is in its
    /// quotas. Of a tenant the oldest go first, in steps of a sixteenth of what it may have, an hour's or 50 000, whichever is least.
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

/// Where an entry of a tenant is kept: the hour in which the allocation ended, since 1970, and a part of that hour.
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
    pub(super) fn of(at: Timestamp) -> Self {
        Self { hour: u32::try_from(at.as_millis() / HOUR_MILLIS).unwrap_or(u32::MAX - 1), part: 0 }
    }

    /// When its hour began.
    pub fn begins(self) -> Timestamp {
        Timestamp::from_millis(u64::from(self.hour) * HOUR_MILLIS)
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
    /// The group that its number was in then; `None` where it was in none, or an older release wrote the entry.
    pub group: Option<GroupName>,
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
    /// The group of its number: when it ended or, while it runs, now.
    pub group: Option<GroupName>,
    /// When and how it ended; `None` while it runs.
    pub ended: Option<(Timestamp, End)>,
}

impl Held {
    /// An allocation of the tables; one whose deadline has passed may still be among them.
    pub(super) fn running(allocation: &Arc<Allocation>, group: Option<&GroupName>, now: Timestamp) -> Self {
        let ended = (!allocation.live(now)).then_some((allocation.deadline, End::Expired));
        Self { allocation: Arc::clone(allocation), group: group.cloned(), ended }
    }
}

impl From<&Past> for Held {
    fn from(past: &Past) -> Self {
        Self {
            allocation: Arc::clone(&past.allocation),
            group: past.group.clone(),
            ended: Some((past.until, past.end)),
        }
    }
}

/// A place in a history: that of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The bucket.
    pub bucket: Bucket,
    /// The allocation.
    pub allocation: AllocationId,
}

impl Place {
    /// The bucket to go on in after a place, and below which allocation; without one, from the beginning.
    fn begin(after: Option<Self>) -> Self {
        after.unwrap_or(Self { bucket: Bucket::RUNNING, allocation: AllocationId(u64::MAX) })
    }
}

/// Whether somebody held a number at `from` or later, and before `to`.
fn falls_within(held: &Held, from: Option<Timestamp>, to: Option<Timestamp>) -> bool {
    let begun = to.is_none_or(|to| held.allocation.since < to);
    // Nobody holds a number at the very point where the allocation ends.
    let ended = from.zip(held.ended).is_some_and(|(from, (until, _))| until <= from);
    begun && !ended
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

/// A page of a history, newest first: what runs, then what has ended by the hour of its end, and within an
/// hour by the order of lending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryPage {
    /// The entries.
    pub entries: Vec<Held>,
    /// The place of the last one, where there is more.
    pub next: Option<Place>,
}

impl HistoryQuery {
    /// The page, made of what runs by the tables and of what `read` finds of the number in a bucket of an owner: newest
    /// allocation first, only those below the one given.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn page<E, I: Iterator<Item = Result<Held, E>>>(
        &self,
        known: &Known,
        mut read: impl FnMut(Owner, Bucket, AllocationId) -> Result<I, E>,
    ) -> Result<HistoryPage, E> {
        let begin = Place::begin(self.after);
        let mut page = HistoryPage::default();
        let below = |bucket: Bucket| if bucket == begin.bucket { begin.allocation } else { AllocationId(u64::MAX) };
        if begin.bucket == Bucket::RUNNING {
            for held in known.running.iter().filter(|held| held.allocation.id < begin.allocation) {
                if !self.add(&mut page, Bucket::RUNNING, held.clone()) {
                    return Ok(page);
                }
            }
        }
        for (owner, bucket) in known.buckets.iter().filter(|(_, bucket)| *bucket <= begin.bucket) {
            for held in read(owner.clone(), *bucket, below(*bucket))? {
                let held = held?;
                // What ran by the tables may have ended since.
                let told = known.running.iter().any(|running| running.allocation.id == held.allocation.id);
                if !told && !self.add(&mut page, *bucket, held) {
                    return Ok(page);
                }
            }
        }
        page.next = None;
        Ok(page)
    }

    /// Puts an entry into the page if it is wanted; whether there may be more.
    fn add(&self, page: &mut HistoryPage, bucket: Bucket, held: Held) -> bool {
        if !falls_within(&held, self.from, self.to) {
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
    /// The buckets in which entries of the time asked for may be, newest first, and whose they are.
    pub buckets: Vec<(Owner, Bucket)>,
}
