//! The pools of one scope: the numbers of every group that may be lent next, those that rest, and when what is lent
//! comes back.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;

use crate::domain::group::FreeQueue;
use crate::domain::{
    Allocation, AllocationId, GroupName, GroupRules, Number, NumberRecord, Seconds, Sharing, Timestamp,
};

/// A group's name, or `None` for the numbers without a group.
pub(super) type Group = Option<GroupName>;

#[derive(Debug)]
pub(super) struct Pool {
    rules: GroupRules,
    /// The numbers that may be lent.
    free: FreeQueue,
    /// The numbers that rest, by the time at which they may be lent again.
    resting: BTreeSet<(Timestamp, Number)>,
    /// The allocations by their deadline.
    releases: BTreeSet<(Timestamp, AllocationId)>,
    /// When each allocation began, oldest first.
    begun: BTreeMap<AllocationId, Timestamp>,
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

impl Pool {
    pub(super) fn rules(&self) -> &GroupRules {
        &self.rules
    }

    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// Allocations whose deadline has passed but whose number still rests.
    pub(super) fn expired(&self, now: Timestamp) -> usize {
        self.releases.range(..=(now, AllocationId(u64::MAX))).count()
    }

    /// How many allocations there are, expired ones included.
    pub(super) fn allocations(&self) -> usize {
        self.releases.len()
    }

    /// When the oldest allocation began.
    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.begun.first_key_value().map(|(_, since)| *since)
    }

    /// The earliest time at which a number comes back by itself.
    pub(super) fn next_release(&self) -> Option<Timestamp> {
        let released = self.releases.first().map(|(deadline, _)| deadline.after(self.rules.cool_down));
        let rested = self.resting.first().map(|(until, _)| *until);
        released.into_iter().chain(rested).min()
    }
}

impl Pools {
    /// Makes the pool of a group. `last` is the number lent last, where that is known.
    pub(super) fn open(&mut self, group: &Group, rules: &GroupRules, last: Option<Number>) {
        let pool = Pool {
            rules: rules.clone(),
            free: FreeQueue::new(rules.policy, last),
            resting: BTreeSet::new(),
            releases: BTreeSet::new(),
            begun: BTreeMap::new(),
        };
        self.groups.insert(group.clone(), pool);
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

    /// An enabled number that carries nothing, or is shared, may be lent, unless it is reserved or has to rest first.
    pub(super) fn offer(&mut self, record: &NumberRecord, now: Timestamp) -> Offered {
        let Some(pool) = self.groups.get_mut(&record.group) else { return Offered::Withheld };
        if pool.rules.reserved.contains(&record.number) {
            return Offered::Withheld;
        }
        let rested = record.freed.map(|last| last.at.after(pool.rules.cool_down));
        if let Some(until) = rested.filter(|until| *until > now && pool.rules.sharing == Sharing::Exclusive) {
            pool.resting.insert((until, record.number));
            return Offered::Resting(until);
        }
        pool.free.insert(record.number, freed_at(record));
        if pool.rules.sharing == Sharing::Exclusive {
            self.with_free.insert(record.group.clone());
        }
        Offered::Free
    }

    /// A number may no longer be lent. Until when it rested, if it did.
    pub(super) fn withdraw(&mut self, record: &NumberRecord) -> Option<Timestamp> {
        let pool = self.groups.get_mut(&record.group)?;
        pool.free.remove(record.number);
        if pool.free.is_empty() {
            self.with_free.remove(&record.group);
        }
        let until = record.freed?.at.after(pool.rules.cool_down);
        pool.resting.remove(&(until, record.number)).then_some(until)
    }

    /// Takes the number of the group that is next by its policy. A shared number stays where it is.
    pub(super) fn take(&mut self, group: &Group, now: Timestamp, rng: &mut dyn Rng) -> Option<Number> {
        let pool = self.groups.get_mut(group)?;
        let number = pool.free.take(rng)?;
        if pool.rules.sharing == Sharing::Shared {
            // As if it had come back at once: the one lent longest ago is the next.
            pool.free.insert(number, now);
        }
        if pool.free.is_empty() {
            self.with_free.remove(group);
        }
        Some(number)
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
            pool.releases.insert((allocation.deadline, allocation.id));
            pool.begun.insert(allocation.id, allocation.since);
        }
    }

    /// That allocation has ended, or is about to get another deadline or group.
    pub(super) fn forget(&mut self, group: &Group, allocation: &Allocation) {
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.remove(&(allocation.deadline, allocation.id));
            pool.begun.remove(&allocation.id);
        }
    }
}

fn freed_at(record: &NumberRecord) -> Timestamp {
    record.freed.map(|last| last.at).unwrap_or_default()
}
