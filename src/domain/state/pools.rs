//! The pools of one scope: the numbers of every group that may be lent next, those that rest, and when what is lent
//! comes back.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rand::CryptoRng;

use super::number_counts::{NumberCounts, NumberState};
use crate::domain::group::FreeQueue;
use crate::domain::hash::FastMap;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    Allocation, AllocationId, GroupName, GroupRules, Number, NumberRecord, Seconds, Sharing, Timestamp,
};

/// A group's name, or `None` for the numbers without a group.
pub(super) type Group = Option<GroupName>;

#[derive(Debug)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct Pool {
    rules: GroupRules,
    /// The numbers that may be lent.
    free: FreeQueue,
    rests: Rests,
    /// The allocations after which a number may be lent again, by their deadline: those of numbers that are enabled and
    /// not kept back.
    releases: BTreeSet<(Timestamp, AllocationId, Number)>,
    /// The allocations whose deadline has not passed, oldest first.
    live: BTreeMap<AllocationId, Number>,
    number_counts: NumberCounts,
}

/// The numbers that rest before they are lent again.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(PartialEq))]
struct Rests {
    by_end: BTreeSet<(Timestamp, Number)>,
    until: FastMap<Number, Timestamp>,
}

/// The pools of one scope.
#[derive(Debug, Default)]
pub(super) struct Pools {
    groups: FastMap<Group, Pool>,
    /// The exclusive groups with a free number, numbers without a group first.
    with_free: BTreeSet<Group>,
}

/// A pool and the numbers that come into it together.
struct Arrivals {
    pool: Pool,
    /// Those that may be lent, and when they came back.
    free: Vec<(Number, Timestamp)>,
    /// The newest allocation of any of them, running or ended.
    newest: Option<(AllocationId, Number)>,
}

/// What an offered number does next.
pub(super) enum Offered {
    /// It may be lent.
    Free,
    /// It rests until then.
    Resting(Timestamp),
    /// It is not lent at all.
    Withheld,
}

impl Rests {
    fn begin(&mut self, number: Number, until: Timestamp) {
        self.end(number);
        self.until.insert(number, until);
        self.by_end.insert((until, number));
    }

    /// Until when the number would have rested, if it did.
    fn end(&mut self, number: Number) -> Option<Timestamp> {
        let until = self.until.remove(&number)?;
        self.by_end.remove(&(until, number));
        Some(until)
    }
}

impl Pool {
    fn new(rules: GroupRules) -> Self {
        Self {
            free: FreeQueue::new(rules.policy),
            rules,
            rests: Rests::default(),
            releases: BTreeSet::new(),
            live: BTreeMap::new(),
            number_counts: NumberCounts::default(),
        }
    }

    pub(super) fn rules(&self) -> &GroupRules {
        &self.rules
    }

    /// How many numbers are in this state.
    pub(super) fn count(&self, standing: NumberState) -> usize {
        self.number_counts.count(standing)
    }

    /// How many live allocations there are.
    pub(super) fn allocations(&self) -> usize {
        self.live.len()
    }

    /// The oldest live allocation and its number.
    pub(super) fn oldest(&self) -> Option<(AllocationId, Number)> {
        self.live.first_key_value().map(|(id, number)| (*id, *number))
    }

    /// The earliest time at which a number may be lent again by itself; what is disabled or kept back does not count.
    /// `last_end` is when the last of a number's allocations ends. A shared number has no rest: there it is the earliest
    /// end of an allocation.
    pub(super) fn next_release(
        &self,
        now: Timestamp,
        last_end: impl Fn(Number) -> Option<Timestamp>,
    ) -> Option<Timestamp> {
        if self.rules.sharing == Sharing::Shared {
            let live = (now, AllocationId(u64::MAX), Number::MAX)..;
            return self.releases.range(live).next().map(|(deadline, _, _)| *deadline);
        }
        // A number that was shared before carries several allocations and comes back with the last of them.
        let (mut earliest, mut seen) = (None::<Timestamp>, HashSet::new());
        for (deadline, _, number) in &self.releases {
            if earliest.is_some_and(|earliest| earliest <= *deadline) {
                break;
            }
            if seen.insert(*number) {
                earliest = earliest.into_iter().chain(last_end(*number)).min();
            }
        }
        let released = earliest.map(|end| end.after(self.rules.cool_down));
        let rested = self.rests.by_end.first().map(|(until, _)| *until);
        released.into_iter().chain(rested).min()
    }

    /// Whether a number of the group is ever lent.
    fn lends(&self, record: &NumberRecord) -> bool {
        record.enabled && !self.rules.reserved.contains(&record.number)
    }

    /// In which state a number is; `None` if it is free.
    fn standing(&self, slot: &NumberSlot) -> Option<NumberState> {
        let number = slot.record.number;
        if self.number_counts.is_held(number) {
            Some(NumberState::Allocated)
        } else if !slot.record.enabled {
            Some(NumberState::Disabled)
        } else if self.rules.reserved.contains(&number) {
            Some(NumberState::Reserved)
        } else {
            let rests = slot.is_allocated() || self.rests.until.contains_key(&number);
            // A shared number may be lent whatever it carries.
            (rests && self.rules.sharing == Sharing::Exclusive).then_some(NumberState::Cooling)
        }
    }

    /// An allocation of a number of the group runs, or is kept for late calls after its deadline.
    fn note(&mut self, record: &NumberRecord, allocation: &Allocation, now: Timestamp) {
        if self.lends(record) {
            self.releases.insert((allocation.deadline, allocation.id, allocation.number));
        }
        if allocation.live(now) && self.live.insert(allocation.id, allocation.number).is_none() {
            self.number_counts.hold(allocation.number);
        }
    }

    /// Counts a number anew, in the state that it is in now.
    fn recount(&mut self, slot: &NumberSlot) {
        let standing = self.standing(slot);
        self.number_counts.set(slot.record.number, standing);
    }

    /// Gives a number the place that it has now. Until when it rested before, and until when it rests now, if it does.
    fn settle(&mut self, slot: &NumberSlot, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let number = slot.record.number;
        let before = self.rests.end(number);
        let after = match self.judge(slot, now) {
            Offered::Free => {
                self.free.insert(number, slot.last_used());
                None
            }
            Offered::Resting(until) => {
                self.free.remove(number);
                self.rests.begin(number, until);
                Some(until)
            }
            Offered::Withheld => {
                self.free.remove(number);
                None
            }
        };
        self.recount(slot);
        (before, after)
    }

    /// What a number does next. A shared number has no rest, and it may be lent whatever it carries.
    fn judge(&self, slot: &NumberSlot, now: Timestamp) -> Offered {
        let occupied = self.rules.sharing == Sharing::Exclusive && slot.is_allocated();
        if occupied || !self.lends(&slot.record) {
            return Offered::Withheld;
        }
        let rested = slot.record.freed.map(|last| last.at.after(self.rules.cool_down));
        if let Some(until) = rested.filter(|until| now < *until && self.rules.sharing == Sharing::Exclusive) {
            return Offered::Resting(until);
        }
        Offered::Free
    }
}

impl Arrivals {
    /// Takes one of the numbers. Until when it rests, if it does.
    fn take(&mut self, slot: &NumberSlot, now: Timestamp) -> Option<(Timestamp, Number)> {
        let number = slot.record.number;
        self.newest = slot.newest().map(|newest| (newest, number)).max(self.newest);
        for allocation in slot.allocations() {
            self.pool.note(&slot.record, allocation, now);
        }
        let rests = match self.pool.judge(slot, now) {
            Offered::Free => {
                self.free.push((number, slot.last_used()));
                None
            }
            Offered::Resting(until) => {
                self.pool.rests.begin(number, until);
                Some((until, number))
            }
            Offered::Withheld => None,
        };
        self.pool.recount(slot);
        rests
    }

    /// The pool with all of them.
    fn finish(self) -> Pool {
        let Self { mut pool, free, newest } = self;
        pool.free.insert_all(free);
        if let Some((_, number)) = newest {
            pool.free.go_on_after(number);
        }
        pool
    }
}

impl Pools {
    /// Makes the pool of a group.
    pub(super) fn open(&mut self, group: &Group, rules: &GroupRules) {
        self.groups.insert(group.clone(), Pool::new(rules.clone()));
    }

    pub(super) fn is_open(&self, group: &Group) -> bool {
        self.groups.contains_key(group)
    }

    pub(super) fn pool(&self, group: &Group) -> Option<&Pool> {
        self.groups.get(group)
    }

    /// How long a number of the group rests.
    pub(super) fn cool_down(&self, group: &Group) -> Seconds {
        self.pool(group).map(|pool| pool.rules.cool_down).unwrap_or_default()
    }

    pub(super) fn sharing(&self, group: &Group) -> Sharing {
        self.pool(group).map(|pool| pool.rules.sharing).unwrap_or_default()
    }

    /// Gives a number the place in the pool of its group that it has now. Until when it rested before, and until when it
    /// rests now, if it does.
    pub(super) fn settle(&mut self, slot: &NumberSlot, now: Timestamp) -> (Option<Timestamp>, Option<Timestamp>) {
        let group = &slot.record.group;
        let Some(pool) = self.groups.get_mut(group) else { return (None, None) };
        let had_none = pool.free.is_empty();
        let rests = pool.settle(slot, now);
        if pool.free.is_empty() {
            self.with_free.remove(group);
        } else if had_none && pool.rules.sharing == Sharing::Exclusive {
            self.with_free.insert(group.clone());
        }
        rests
    }

    /// A number was lent; its group goes on after it.
    pub(super) fn go_on_after(&mut self, record: &NumberRecord) {
        if let Some(pool) = self.groups.get_mut(&record.group) {
            pool.free.go_on_after(record.number);
        }
    }

    /// Takes in many numbers that are not in yet, with what they carry, and opens the pools that it takes. Those that rest,
    /// and until when.
    pub(super) fn place<'s>(
        &mut self,
        slots: impl IntoIterator<Item = &'s NumberSlot>,
        now: Timestamp,
        rules: impl Fn(&Group) -> GroupRules,
    ) -> Vec<(Timestamp, Number)> {
        let (mut arrivals, mut resting) = (FastMap::<&Group, Arrivals>::default(), Vec::new());
        for slot in slots {
            let group = &slot.record.group;
            let arrivals = arrivals.entry(group).or_insert_with(|| {
                let pool = self.groups.remove(group).unwrap_or_else(|| Pool::new(rules(group)));
                Arrivals { pool, free: Vec::new(), newest: None }
            });
            resting.extend(arrivals.take(slot, now));
        }
        for (group, arrivals) in arrivals {
            let pool = arrivals.finish();
            if !pool.free.is_empty() && pool.rules.sharing == Sharing::Exclusive {
                self.with_free.insert(group.clone());
            }
            self.groups.insert(group.clone(), pool);
        }
        resting
    }

    /// A number leaves the group. Until when it rested, if it did.
    pub(super) fn remove(&mut self, group: &Group, number: Number) -> Option<Timestamp> {
        let pool = self.groups.get_mut(group)?;
        pool.free.remove(number);
        if pool.free.is_empty() {
            self.with_free.remove(group);
        }
        pool.number_counts.set(number, None);
        pool.rests.end(number)
    }

    /// Takes the first number of the group, in the order of its policy, of which `fits` makes something. It has its place
    /// again when the change that lends it is followed.
    pub(super) fn take<T>(
        &mut self,
        group: &Group,
        rng: &mut dyn CryptoRng,
        fits: impl FnMut(Number, &mut dyn CryptoRng) -> Option<T>,
    ) -> Option<(Number, T)> {
        self.groups.get_mut(group)?.free.take(rng, fits)
    }

    /// The first exclusive group that has a free number.
    pub(super) fn first_with_free(&self) -> Option<&Group> {
        self.with_free.first()
    }

    /// Whether the group can lend a number now.
    pub(super) fn can_lend(&self, group: &Group) -> bool {
        self.pool(group).is_some_and(|pool| !pool.free.is_empty())
    }

    /// Every exclusive group that has or had a number, in order; the numbers without a group first.
    pub(super) fn exclusive_groups(&self) -> Vec<&Group> {
        let exclusive = self.groups.iter().filter(|(_, pool)| pool.rules.sharing == Sharing::Exclusive);
        let mut exclusive: Vec<_> = exclusive.map(|(group, _)| group).collect();
        exclusive.sort_unstable();
        exclusive
    }

    /// An allocation of a number of the group runs, or is kept for late calls after its deadline.
    pub(super) fn note(&mut self, record: &NumberRecord, allocation: &Allocation, now: Timestamp) {
        if let Some(pool) = self.groups.get_mut(&record.group) {
            pool.note(record, allocation, now);
        }
    }

    /// The deadline of an allocation has passed; it may be kept for late calls.
    pub(super) fn lapse(&mut self, group: &Group, id: AllocationId) {
        if let Some(pool) = self.groups.get_mut(group)
            && let Some(number) = pool.live.remove(&id)
        {
            pool.number_counts.let_go(number);
        }
    }

    /// That allocation has ended, or is about to get another deadline or group.
    pub(super) fn forget(&mut self, group: &Group, allocation: &Allocation) {
        self.lapse(group, allocation.id);
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.remove(&(allocation.deadline, allocation.id, allocation.number));
        }
    }
}

#[cfg(test)]
impl Pools {
    /// Whether these are the same, but for groups that have lost their last number.
    pub(super) fn check_same(&self, other: &Self) {
        assert_eq!(self.with_free, other.with_free);
        for (group, pool) in &other.groups {
            match self.groups.get(group) {
                Some(same) => assert_eq!(same, pool, "{group:?}"),
                None => assert!(pool.free.is_empty() && pool.live.is_empty() && pool.releases.is_empty(), "{group:?}"),
            }
        }
    }
}
