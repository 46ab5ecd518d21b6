//! A number with everything it carries now.
//!
//! A number of an exclusive group carries one allocation, one of a shared group as many as there are interactions on
//! it; those are found by their code or caller without looking at the others. A million numbers are in memory, most of
//! them free, so what a free number takes here is one empty pointer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::history::Held;
use crate::domain::{AccessCode, Allocation, AllocationId, Caller, NumberRecord, Sharing, Timestamp};

/// A number and the allocation it carries now, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNumber {
    /// The number.
    pub record: Arc<NumberRecord>,
    /// Its live allocation.
    pub allocation: Option<Arc<Allocation>>,
    /// When the last of its allocations ended, if none is live; `None` if none ever was.
    pub ended: Option<Timestamp>,
}

/// A number and its allocations. Allocations whose deadline has passed may still be among them.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::domain) struct NumberSlot {
    pub(in crate::domain) record: Arc<NumberRecord>,
    carried: Option<Box<Carried>>,
}

/// The allocations of a number that has any.
#[derive(Clone, Debug, Default, PartialEq)]
struct Carried {
    exclusive: Option<Arc<Allocation>>,
    shared: Option<Box<Shared>>,
}

/// The allocations of a number that many interactions share.
#[derive(Clone, Debug, Default, PartialEq)]
struct Shared {
    by_id: BTreeMap<AllocationId, Arc<Allocation>>,
    by_code: HashMap<AccessCode, AllocationId>,
    by_caller: BTreeSet<(Caller, AllocationId)>,
}

impl NumberSlot {
    /// A number that carries nothing.
    pub(in crate::domain) fn new(record: Arc<NumberRecord>) -> Self {
        Self { record, carried: None }
    }

    fn exclusive(&self) -> Option<&Arc<Allocation>> {
        self.carried.as_ref()?.exclusive.as_ref()
    }

    fn shared(&self) -> Option<&Shared> {
        self.carried.as_ref()?.shared.as_deref()
    }

    /// The number with its newest live allocation.
    pub(in crate::domain) fn found(&self, now: Timestamp) -> FoundNumber {
        let live = self.newest_first().find(|allocation| allocation.live(now));
        // Expired allocations may still be here, to be recognised by a late call; each ended at its deadline.
        let expired = live.is_none().then(|| self.allocations().map(|allocation| allocation.deadline));
        let ended = expired.into_iter().flatten().chain(self.record.freed.map(|last| last.at)).max();
        FoundNumber { record: Arc::clone(&self.record), allocation: live.cloned(), ended }
    }

    /// Everything the number carries, as its history tells it.
    pub(in crate::domain) fn held(&self, now: Timestamp) -> impl Iterator<Item = Held> {
        self.allocations().map(move |allocation| Held::running(allocation, self.record.group.as_ref(), now))
    }

    /// Whether the number carries any allocation.
    pub(in crate::domain) fn is_allocated(&self) -> bool {
        self.carried.is_some()
    }

    /// Which allocation of the number is the newest, running or ended.
    pub(in crate::domain) fn newest(&self) -> Option<AllocationId> {
        let ended = self.record.freed.map(|last| last.allocation);
        self.newest_first().next().map(|allocation| allocation.id).max(ended)
    }

    /// When the number last began or ceased to be lent; the epoch if it never was.
    pub(in crate::domain) fn last_used(&self) -> Timestamp {
        let ended = self.record.freed.map(|last| last.at);
        self.newest_first().next().map(|allocation| allocation.since).max(ended).unwrap_or_default()
    }

    /// Everything the number carries, oldest of the shared first.
    pub(in crate::domain) fn allocations(&self) -> impl Iterator<Item = &Arc<Allocation>> {
        let shared = self.shared().into_iter().flat_map(|shared| shared.by_id.values());
        self.exclusive().into_iter().chain(shared)
    }

    /// The ids of what the number carries from `first` on, oldest first.
    pub(in crate::domain) fn allocations_from(&self, first: AllocationId) -> impl Iterator<Item = AllocationId> {
        let exclusive = self.exclusive().map(|allocation| allocation.id).filter(|id| *id >= first).into_iter();
        let shared = self.shared().into_iter().flat_map(move |shared| shared.by_id.range(first..)).map(|(id, _)| *id);
        exclusive.chain(shared)
    }

    /// One of the allocations.
    pub(in crate::domain) fn allocation(&self, id: AllocationId) -> Option<&Arc<Allocation>> {
        match self.exclusive() {
            Some(allocation) if allocation.id == id => Some(allocation),
            _ => self.shared()?.by_id.get(&id),
        }
    }

    /// Whether an allocation fits beside those that are there.
    pub(in crate::domain) fn takes(&self, sharing: Sharing, code: Option<&AccessCode>) -> bool {
        let alone = sharing == Sharing::Exclusive && self.exclusive().is_some();
        !alone && code.is_none_or(|code| !self.has_code(code.as_str()))
    }

    /// Whether an allocation of the number carries this code.
    pub(in crate::domain) fn has_code(&self, code: &str) -> bool {
        let exclusive = self.exclusive().and_then(|allocation| allocation.code.as_ref());
        let shared = || self.shared().is_some_and(|shared| shared.by_code.contains_key(code));
        exclusive.is_some_and(|own| own.as_str() == code) || shared()
    }

    /// How many allocations of the number carry a code.
    pub(in crate::domain) fn codes(&self) -> usize {
        let exclusive = self.exclusive().is_some_and(|allocation| allocation.code.is_some());
        usize::from(exclusive) + self.shared().map_or(0, |shared| shared.by_code.len())
    }

    /// Everything the number carries that has a code, in any order.
    pub(in crate::domain) fn coded(&self) -> impl Iterator<Item = &Arc<Allocation>> {
        let exclusive = self.exclusive().filter(|allocation| allocation.code.is_some());
        let shared = self.shared().into_iter();
        exclusive.into_iter().chain(shared.flat_map(|it| it.by_code.values().filter_map(|id| it.by_id.get(id))))
    }

    /// The allocations that a call with this code and caller may belong to, newest first: a superset of those that
    /// fit, as small as the indexes allow.
    pub(in crate::domain) fn candidates<'a>(
        &'a self,
        code: Option<&str>,
        caller: Option<&'a Caller>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Allocation>> + 'a> {
        let exclusive = self.exclusive().into_iter();
        let Some(shared) = self.shared() else { return Box::new(exclusive) };
        match (code, caller) {
            (Some(code), _) => {
                let coded = shared.by_code.get(code).and_then(|id| shared.by_id.get(id));
                Box::new(coded.into_iter().chain(exclusive))
            }
            (None, Some(caller)) => {
                let range = (caller.clone(), AllocationId(0))..=(caller.clone(), AllocationId(u64::MAX));
                let called = shared.by_caller.range(range).rev().filter_map(|(_, id)| shared.by_id.get(id));
                Box::new(called.chain(exclusive))
            }
            (None, None) => Box::new(self.newest_first()),
        }
    }

    /// Everything the number carries, newest first: whatever is exclusive was lent before the number was shared.
    fn newest_first(&self) -> impl Iterator<Item = &Arc<Allocation>> {
        let shared = self.shared().into_iter().flat_map(|shared| shared.by_id.values().rev());
        shared.chain(self.exclusive())
    }

    /// Puts an allocation in, in place of the one with the same id.
    pub(in crate::domain) fn put(&mut self, allocation: &Arc<Allocation>) {
        let carried = self.carried.get_or_insert_default();
        match allocation.sharing {
            Sharing::Exclusive => carried.exclusive = Some(Arc::clone(allocation)),
            Sharing::Shared => carried.shared.get_or_insert_default().put(allocation),
        }
    }

    /// Takes an allocation out.
    pub(in crate::domain) fn take(&mut self, id: AllocationId) {
        let Some(carried) = &mut self.carried else { return };
        carried.exclusive.take_if(|allocation| allocation.id == id);
        if let Some(shared) = &mut carried.shared {
            shared.take(id);
        }
        carried.shared.take_if(|shared| shared.by_id.is_empty());
        self.carried.take_if(|carried| carried.exclusive.is_none() && carried.shared.is_none());
    }
}

impl Shared {
    fn put(&mut self, allocation: &Arc<Allocation>) {
        let id = allocation.id;
        self.take(id);
        if let Some(code) = &allocation.code {
            self.by_code.insert(code.clone(), id);
        }
        if let Some(caller) = &allocation.caller {
            self.by_caller.insert((caller.clone(), id));
        }
        self.by_id.insert(id, Arc::clone(allocation));
    }

    fn take(&mut self, id: AllocationId) {
        let Some(allocation) = self.by_id.remove(&id) else { return };
        if let Some(code) = &allocation.code {
            self.by_code.remove(code);
        }
        if let Some(caller) = &allocation.caller {
            self.by_caller.remove(&(caller.clone(), id));
        }
    }
}
