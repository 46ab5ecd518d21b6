//! The pools of one scope: the numbers of every group that may be lent next, those that rest, and when what is lent
//! comes back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rand::CryptoRng;

use crate::domain::group::FreeQueue;
use crate::domain::slot::NumberSlot;
use crate::domain::{Allocation, AllocationId, GroupName, GroupRules, Number, Seconds, Sharing, Timestamp};

/// A group's name, or `None` for the numbers without a group.
pub(super) type Group = Option<GroupName>;

#[derive(Debug)]
pub(super) struct Pool {
    rules: GroupRules,
    /// The numbers that may be lent.
    free: FreeQueue,
    rests: Rests,
    /// The allocations by their deadline.
    releases: BTreeSet<(Timestamp, AllocationId, Number)>,
    /// When each allocation began and until when it lasts, oldest first.
    begun: BTreeMap<AllocationId, (Timestamp, Timestamp)>,
}

/// The numbers that rest before they are lent again.
#[derive(Debug, Default)]
struct Rests {
    by_end: BTreeSet<(Timestamp, Number)>,
    until: HashMap<Number, Timestamp>,
}

/// The pools of one scope.
#[derive(Debug, Default)]
pub(super) struct Pools {
    groups: BTreeMap<Group, Pool>,
    /// The exclusive groups with a free number, numbers without a group first.
    with_free: BTreeSet<Group>,
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
    fn new(rules: GroupRules, last: Option<Number>) -> Self {
        Self {
            free: FreeQueue::new(rules.policy, last),
            rules,
            rests: Rests::default(),
            releases: BTreeSet::new(),
            begun: BTreeMap::new(),
        }
    }

    pub(super) fn rules(&self) -> &GroupRules {
        &self.rules
    }

    /// How many numbers rest that carry no allocation any more.
    pub(super) fn resting(&self) -> usize {
        self.rests.until.len()
    }

    /// The numbers of the allocations whose deadline has passed and that are kept for late calls, one for each
    /// allocation.
    pub(super) fn expired(&self, now: Timestamp) -> impl Iterator<Item = Number> {
        self.releases.range(..=(now, AllocationId(u64::MAX), Number::MAX)).map(|(_, _, number)| *number)
    }

    /// How many allocations there are, expired ones included.
    pub(super) fn allocations(&self) -> usize {
        self.releases.len()
    }

    /// When the oldest live allocation began.
    pub(super) fn oldest(&self, now: Timestamp) -> Option<Timestamp> {
        self.begun.values().find(|(_, deadline)| now < *deadline).map(|(since, _)| *since)
    }

    /// The earliest time at which a number comes back by itself. A shared number has no rest: there it is the earliest
    /// end of an allocation.
    pub(super) fn next_release(&self, now: Timestamp) -> Option<Timestamp> {
        match self.rules.sharing {
            Sharing::Shared => {
                let live = (now, AllocationId(u64::MAX), Number::MAX)..;
                self.releases.range(live).next().map(|(deadline, _, _)| *deadline)
            }
            Sharing::Exclusive => {
                let released = self.releases.first().map(|(deadline, _, _)| deadline.after(self.rules.cool_down));
                let rested = self.rests.by_end.first().map(|(until, _)| *until);
                released.into_iter().chain(rested).min()
            }
        }
    }

    /// Takes a number in that is not in yet, or gives it its new place. A shared number has no rest, and it may be lent
    /// whatever it carries.
    fn offer(&mut self, slot: &NumberSlot, now: Timestamp) -> Offered {
        let number = slot.record.number;
        let occupied = self.rules.sharing == Sharing::Exclusive && slot.is_allocated();
        if !slot.record.enabled || occupied || self.rules.reserved.contains(&number) {
            return Offered::Withheld;
        }
        let rested = slot.record.freed.map(|last| last.at.after(self.rules.cool_down));
        if let Some(until) = rested.filter(|until| now < *until && self.rules.sharing == Sharing::Exclusive) {
            self.rests.begin(number, until);
            return Offered::Resting(until);
        }
        self.free.insert(number, slot.last_used());
        Offered::Free
    }
}

impl Pools {
    /// Makes the pool of a group. `last` is the number lent last, where that is known.
    pub(super) fn open(&mut self, group: &Group, rules: &GroupRules, last: Option<Number>) {
        self.groups.insert(group.clone(), Pool::new(rules.clone(), last));
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

    /// Gives a number to the pool of its group: for lending, or for a rest before that.
    pub(super) fn offer(&mut self, slot: &NumberSlot, now: Timestamp) -> Offered {
        let group = &slot.record.group;
        let Some(pool) = self.groups.get_mut(group) else { return Offered::Withheld };
        let offered = pool.offer(slot, now);
        if matches!(offered, Offered::Free) && pool.rules.sharing == Sharing::Exclusive {
            self.with_free.insert(group.clone());
        }
        offered
    }

    /// A number may no longer be lent. Until when it rested, if it did.
    pub(super) fn withdraw(&mut self, group: &Group, number: Number) -> Option<Timestamp> {
        let pool = self.groups.get_mut(group)?;
        pool.free.remove(number);
        if pool.free.is_empty() {
            self.with_free.remove(group);
        }
        pool.rests.end(number)
    }

    /// Takes the first number of the group, in the order of its policy, of which `fits` makes something. A shared number
    /// stays where it is.
    pub(super) fn take<T>(
        &mut self,
        group: &Group,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
        fits: impl FnMut(Number, &mut dyn CryptoRng) -> Option<T>,
    ) -> Option<(Number, T)> {
        let pool = self.groups.get_mut(group)?;
        let (number, made) = pool.free.take(rng, fits)?;
        if pool.rules.sharing == Sharing::Shared {
            // As if it had come back at once: the one lent longest ago is the next.
            pool.free.insert(number, now);
        }
        if pool.free.is_empty() {
            self.with_free.remove(group);
        }
        Some((number, made))
    }

    /// The first exclusive group that has a free number.
    pub(super) fn first_with_free(&self) -> Option<&Group> {
        self.with_free.first()
    }

    /// Whether the group can lend a number now.
    pub(super) fn can_lend(&self, group: &Group) -> bool {
        self.pool(group).is_some_and(|pool| !pool.free.is_empty())
    }

    /// An allocation of the group runs.
    pub(super) fn note(&mut self, group: &Group, allocation: &Allocation) {
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.insert((allocation.deadline, allocation.id, allocation.number));
            pool.begun.insert(allocation.id, (allocation.since, allocation.deadline));
        }
    }

    /// That allocation has ended, or is about to get another deadline or group.
    pub(super) fn forget(&mut self, group: &Group, allocation: &Allocation) {
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.remove(&(allocation.deadline, allocation.id, allocation.number));
            pool.begun.remove(&allocation.id);
        }
    }
}
