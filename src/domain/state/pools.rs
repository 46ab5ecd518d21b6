//! The pools of one scope: the free numbers of every group, and when the lent ones come back.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;

use crate::domain::group::FreeQueue;
use crate::domain::{GroupName, Number, NumberRecord, Policy, Timestamp};

/// A group's name, or `None` for the numbers without a group.
pub(super) type Group = Option<GroupName>;

#[derive(Debug)]
struct Pool {
    free: FreeQueue,
    /// The running allocations by their deadline.
    releases: BTreeSet<(Timestamp, Number)>,
}

/// The pools of one scope.
#[derive(Debug, Default)]
pub(super) struct Pools {
    groups: BTreeMap<Group, Pool>,
    /// The groups with a free number, numbers without a group first.
    with_free: BTreeSet<Group>,
}

impl Pools {
    /// Makes the pool of a group. `last` is the number lent last, where that is known.
    pub(super) fn open(&mut self, group: &Group, policy: Policy, last: Option<Number>) {
        let pool = Pool { free: FreeQueue::new(policy, last), releases: BTreeSet::new() };
        self.groups.insert(group.clone(), pool);
    }

    pub(super) fn is_open(&self, group: &Group) -> bool {
        self.groups.contains_key(group)
    }

    /// A number may be lent.
    pub(super) fn offer(&mut self, record: &NumberRecord) {
        if let Some(pool) = self.groups.get_mut(&record.group) {
            pool.free.insert(record.number, freed_at(record));
            self.with_free.insert(record.group.clone());
        }
    }

    /// A free number may no longer be lent.
    pub(super) fn withdraw(&mut self, record: &NumberRecord) {
        if let Some(pool) = self.groups.get_mut(&record.group) {
            pool.free.remove(record.number, freed_at(record));
            if pool.free.is_empty() {
                self.with_free.remove(&record.group);
            }
        }
    }

    /// Takes the number of the group that is next by its policy.
    pub(super) fn take(&mut self, group: &Group, rng: &mut dyn Rng) -> Option<Number> {
        let pool = self.groups.get_mut(group)?;
        let number = pool.free.take(rng);
        if pool.free.is_empty() {
            self.with_free.remove(group);
        }
        number
    }

    /// The first group that has a free number.
    pub(super) fn first_with_free(&self) -> Option<&Group> {
        self.with_free.first()
    }

    pub(super) fn has_free(&self, group: &Group) -> bool {
        self.with_free.contains(group)
    }

    /// An allocation of the group ends at this deadline.
    pub(super) fn expect_release(&mut self, group: &Group, deadline: Timestamp, number: Number) {
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.insert((deadline, number));
        }
    }

    /// That allocation has ended, or has another deadline now.
    pub(super) fn forget_release(&mut self, group: &Group, deadline: Timestamp, number: Number) {
        if let Some(pool) = self.groups.get_mut(group) {
            pool.releases.remove(&(deadline, number));
        }
    }

    /// The earliest deadline among the group's allocations.
    pub(super) fn next_release(&self, group: &Group) -> Option<Timestamp> {
        self.groups.get(group)?.releases.first().map(|(deadline, _)| *deadline)
    }
}

fn freed_at(record: &NumberRecord) -> Timestamp {
    record.freed.map(|last| last.at).unwrap_or_default()
}
