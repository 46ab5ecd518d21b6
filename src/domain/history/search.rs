//! Looking through the history of all numbers of a scope: which entries are told, and in pages of which order.
//!
//! The order is that of a number's history, so that a page is found by the place at which the one before ended: what runs,
//! newest first, then a bucket after the other, newest first, and within a bucket by the order of lending.

use std::collections::BTreeMap;

use super::{Bucket, End, Held, HistoryPage, Owner, Place, falls_within};
use crate::domain::listing::Part;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    Allocation, AllocationId, ApplicationName, Caller, GroupName, InteractionId, LentBy, Number, Scope, Tables,
    Timestamp,
};

/// Most entries that are looked at for one page. A page ends early rather than keep its caller waiting for longer than this
/// takes.
const LOOKED_AT: u64 = 2_000_000;

/// Which entries are told; what is left out does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Those of this number, whole; it need not exist any more.
    pub number: Option<Number>,
    /// Those whose number was in this group when they ended or, while they run, is in it. Entries of older releases do not
    /// tell, and are in none.
    pub group: Option<GroupName>,
    /// Those of this caller.
    pub caller: Option<Caller>,
    /// Those of this interaction.
    pub interaction: Option<InteractionId>,
    /// This allocation.
    pub allocation: Option<AllocationId>,
    /// Those that this dialect lent.
    pub origin: Option<LentBy>,
    /// Those that this application asked for. Entries of older releases do not tell.
    pub application: Option<ApplicationName>,
    /// Those that ended so.
    pub end: Option<End>,
}

impl HistoryFilter {
    /// Whether an entry is told.
    fn takes(&self, held: &Held) -> bool {
        fn is<T: PartialEq>(asked: Option<&T>, there: Option<&T>) -> bool {
            asked.is_none_or(|asked| there == Some(asked))
        }
        let Allocation { id, number, interaction, caller, origin, application, .. } = &*held.allocation;
        is(self.number.as_ref(), Some(number))
            && is(self.allocation.as_ref(), Some(id))
            && is(self.interaction.as_ref(), Some(interaction))
            && is(self.origin.as_ref(), Some(origin))
            && is(self.caller.as_ref(), caller.as_ref())
            && is(self.application.as_ref(), application.as_ref())
            && is(self.group.as_ref(), held.group.as_ref())
            && is(self.end.as_ref(), held.ended.as_ref().map(|(_, end)| end))
    }
}

/// What is asked of the history of all numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistorySearch {
    /// Which entries.
    pub filter: HistoryFilter,
    /// Only who held a number at this time or later.
    pub from: Option<Timestamp>,
    /// Only who held a number before this time.
    pub to: Option<Timestamp>,
    /// Only what comes after this place: the last of the page before.
    pub after: Option<Place>,
    /// At most so many entries.
    pub limit: usize,
}

/// What the tables know of what is asked.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What runs and is wanted, newest first; no more than the page has room for.
    pub running: Vec<Held>,
    /// The buckets in which entries of the time asked for may be, newest first, whose they are, and how many they have.
    pub buckets: Vec<(Owner, Bucket, u64)>,
}

impl HistorySearch {
    /// Whether an entry is told, on whatever page.
    pub fn wants(&self, held: &Held) -> bool {
        falls_within(held, self.from, self.to) && self.filter.takes(held)
    }

    /// Below which allocation the page begins among what runs; `None` where it begins behind that.
    pub fn running_below(&self) -> Option<AllocationId> {
        let begin = Place::begin(self.after);
        (begin.bucket == Bucket::RUNNING).then_some(begin.allocation)
    }

    /// The page, made of what the tables know and of what `read` finds in a bucket of an owner: the newest of those that are
    /// wanted, at most so many, only those below the allocation given.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn page<E>(
        &self,
        found: &Found,
        mut read: impl FnMut(&Owner, Bucket, AllocationId, usize) -> Result<Vec<Held>, E>,
    ) -> Result<HistoryPage, E> {
        let begin = Place::begin(self.after);
        let mut page = HistoryPage::default();
        page.take(Bucket::RUNNING, found.running.iter().take(self.limit).cloned());
        let told: Vec<AllocationId> = page.entries.iter().map(|held| held.allocation.id).collect();
        let mut looked_at = 0;
        for (owner, bucket, count) in found.buckets.iter().filter(|(_, bucket, _)| *bucket <= begin.bucket) {
            if page.entries.len() >= self.limit || looked_at >= LOOKED_AT {
                return Ok(page);
            }
            let below = if *bucket == begin.bucket { begin.allocation } else { AllocationId(u64::MAX) };
            let room = self.limit - page.entries.len();
            // What ran by the tables may have ended since.
            let mut ended = read(owner, *bucket, below, room + told.len())?;
            ended.retain(|held| !told.contains(&held.allocation.id));
            let all = ended.len() <= room;
            page.take(*bucket, ended.into_iter().take(room));
            if all && page.entries.len() < self.limit {
                page.next = Some(Place { bucket: *bucket, allocation: AllocationId(0) });
            }
            looked_at += count;
        }
        if page.entries.len() < self.limit {
            page.next = None;
        }
        Ok(page)
    }
}

impl HistoryPage {
    /// Puts entries of a bucket behind those that are there.
    fn take(&mut self, bucket: Bucket, entries: impl Iterator<Item = Held>) {
        self.entries.extend(entries);
        if let Some(last) = self.entries.last() {
            let place = Place { bucket, allocation: last.allocation.id };
            self.next = Some(place);
        }
    }
}

/// The newest of entries that come in any order.
#[derive(Debug)]
pub struct Newest {
    most: usize,
    entries: BTreeMap<AllocationId, Held>,
}

impl Newest {
    /// At most so many.
    pub fn new(most: usize) -> Self {
        Self { most, entries: BTreeMap::new() }
    }

    /// Whether an entry of this allocation would be among them.
    pub fn takes(&self, id: AllocationId) -> bool {
        self.entries.len() < self.most || self.entries.first_key_value().is_some_and(|(oldest, _)| *oldest < id)
    }

    /// Takes an entry, in the place of the oldest where there is no room.
    pub fn add(&mut self, held: Held) {
        self.entries.insert(held.allocation.id, held);
        if self.entries.len() > self.most {
            self.entries.pop_first();
        }
    }

    /// All of them, newest first.
    pub fn into_entries(self) -> Vec<Held> {
        self.entries.into_values().rev().collect()
    }
}

impl Tables {
    /// What runs below an allocation and is wanted, newest first: at most `most`, and fewer where too much would have to be
    /// looked at for more.
    pub fn search_running(
        &self,
        scope: &Scope,
        search: &HistorySearch,
        below: AllocationId,
        most: usize,
        now: Timestamp,
    ) -> Part<Held, AllocationId> {
        let Some(tables) = self.scope(scope) else { return Part::end() };
        let filter = &search.filter;
        let of_one = match (filter.allocation, &filter.interaction, filter.number) {
            (Some(id), ..) => Some(tables.lent.get(&id).map(|number| (id, *number)).into_iter().collect()),
            (_, Some(interaction), _) => {
                Some(tables.held_by(interaction).map(|(number, id)| (id, number)).collect::<Vec<_>>())
            }
            (.., Some(number)) => {
                let slot = self.slot(scope, number).into_iter();
                Some(slot.flat_map(NumberSlot::allocations).map(|held| (held.id, number)).collect())
            }
            _ => None,
        };
        let candidates: Box<dyn Iterator<Item = (AllocationId, Number)>> = match of_one {
            Some(mut few) => {
                few.sort_unstable_by(|one, other| other.cmp(one));
                Box::new(few.into_iter().filter(|(id, _)| *id < below))
            }
            None => Box::new(tables.lent.range(..below).rev().map(|(id, number)| (*id, *number))),
        };
        let held = |(id, number): (AllocationId, Number)| {
            let slot = tables.numbers.get(&number)?;
            let held = Held::running(slot.allocation(id)?, slot.record.group.as_ref(), now);
            search.wants(&held).then_some(held)
        };
        Part::of(candidates, most, |(id, _)| *id, held)
    }

    /// The buckets in which entries that are asked for may be, newest first, and how many they have.
    pub fn searched_buckets(&self, scope: &Scope, search: &HistorySearch) -> Vec<(Owner, Bucket, u64)> {
        self.history().counted_since(&scope.tenant, search.from)
    }
}
