//! The tables of one scope, and the indexes over its numbers: by DNID, by group, by what they carry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::mem;
use std::ops::Bound;
use std::sync::Arc;

use smallvec::SmallVec;

use super::dnids::Dnids;
use super::expired::Expired;
use crate::domain::change::Ids;
use crate::domain::hash::FastMap;
use crate::domain::tables::routes::CallTables;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::usage::{Group, Running};
use crate::domain::{
    Allocation, AllocationId, Document, DocumentId, GroupName, IdempotencyKey, IdempotencyRecord, Interaction,
    InteractionId, Number, NumberRecord, Timestamp,
};

/// Allocations of one DNID that are looked at for the numbers behind it.
const MAX_ANSWERING: usize = 1000;

/// The tables of one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct ScopeTables {
    pub(in crate::domain) numbers: BTreeMap<Number, NumberSlot>,
    /// Every number under its short form.
    pub(super) dnids: Dnids,
    /// Every allocation under the short form of its number, newest last.
    pub(super) allocated_dnids: BTreeSet<(Number, AllocationId)>,
    /// The number of every allocation, oldest first.
    pub(in crate::domain) lent: BTreeMap<AllocationId, Number>,
    pub(super) groups: BTreeMap<Option<GroupName>, GroupTable>,
    pub(in crate::domain) interactions: HashMap<InteractionId, InteractionSlot>,
    pub(in crate::domain) documents: HashMap<DocumentId, Arc<Document>>,
    pub(in crate::domain) idempotency_records: HashMap<IdempotencyKey, Arc<IdempotencyRecord>>,
    pub(in crate::domain) calls: CallTables,
    pub(super) expired: Expired,
    /// What the groups are used for in the quarter of an hour that runs.
    pub(super) usage: BTreeMap<Group, Arc<Running>>,
    pub(super) ids: Ids,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::domain) struct InteractionSlot {
    pub(in crate::domain) record: Arc<Interaction>,
    /// What it holds, oldest first; most hold one number for all their life.
    pub(in crate::domain) holds: SmallVec<[AllocationId; 2]>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct GroupTable {
    pub(super) members: BTreeSet<Number>,
}

impl ScopeTables {
    pub(super) fn is_empty(&self) -> bool {
        self.numbers.is_empty()
            && self.interactions.is_empty()
            && self.documents.is_empty()
            && self.calls.is_empty()
            && self.idempotency_records.is_empty()
            && self.ids == Ids::default()
    }

    /// See [`Tables::dialled`](super::Tables::dialled).
    pub(in crate::domain) fn dialled(&self, dialled: Number, now: Timestamp) -> Option<&NumberSlot> {
        if let Some(slot) = self.numbers.get(&dialled) {
            return Some(slot);
        }
        let live = self.allocations_of(dialled).find_map(|(id, number)| {
            let slot = self.numbers.get(&number)?;
            slot.allocation(id).filter(|allocation| allocation.live(now)).map(|_| slot)
        });
        live.or_else(|| self.numbers.get(&self.dnids.numbers(dialled).next()?))
    }

    /// See [`Tables::answering`](super::Tables::answering).
    pub(super) fn answering(&self, dialled: Number) -> Vec<&NumberSlot> {
        if let Some(slot) = self.numbers.get(&dialled) {
            return vec![slot];
        }
        let mut with_dnid = self.dnids.numbers(dialled);
        let (Some(first), second) = (with_dnid.next(), with_dnid.next()) else { return Vec::new() };
        if second.is_none() {
            return self.numbers.get(&first).into_iter().collect();
        }
        let mut found: Vec<Number> = Vec::new();
        for (_, number) in self.allocations_of(dialled).take(MAX_ANSWERING) {
            if !found.contains(&number) {
                found.push(number);
            }
        }
        // A DNID that nobody holds is known all the same.
        let found = if found.is_empty() { vec![first] } else { found };
        found.iter().filter_map(|number| self.numbers.get(number)).collect()
    }

    /// See [`Tables::with_dnid`](super::Tables::with_dnid).
    pub(super) fn with_dnid(&self, dnid: Number) -> impl Iterator<Item = &NumberSlot> {
        self.dnids.numbers(dnid).filter_map(|number| self.numbers.get(&number))
    }

    /// The allocations of the numbers with a DNID, newest first, each with its number.
    fn allocations_of(&self, dnid: Number) -> impl Iterator<Item = (AllocationId, Number)> {
        let with_dnid = (dnid, AllocationId(0))..=(dnid, AllocationId(u64::MAX));
        self.allocated_dnids.range(with_dnid).rev().filter_map(|(_, id)| Some((*id, *self.lent.get(id)?)))
    }

    pub(super) fn set_number(&mut self, number: Number, record: Option<&Arc<NumberRecord>>) {
        if let (Some(record), Some(slot)) = (record, self.numbers.get_mut(&number))
            && (&record.group, record.dnid) == (&slot.record.group, slot.record.dnid)
        {
            // The indexes stay as they are; the usual case, since every freeing writes the record.
            slot.record = Arc::clone(record);
            return;
        }
        let mut slot = self.numbers.remove(&number);
        if let Some(slot) = &slot {
            self.unlink(slot);
        }
        if let Some(record) = record {
            match &mut slot {
                Some(slot) => slot.record = Arc::clone(record),
                None => slot = Some(NumberSlot::new(Arc::clone(record))),
            }
            if let Some(slot) = slot {
                self.link(slot);
            }
        }
    }

    /// Puts in numbers that are not there yet, each once. For many of them this takes far less time and, since trees that
    /// are made of all their keys at once are full, far less room than one after the other.
    pub(super) fn add_numbers(&mut self, records: &[Arc<NumberRecord>]) {
        let slots = records.iter().map(|record| (record.number, NumberSlot::new(Arc::clone(record))));
        let mut slots: BTreeMap<_, _> = slots.collect();
        match is_many(slots.len(), self.numbers.len()) {
            true => self.numbers.append(&mut slots),
            false => self.numbers.extend(slots),
        }
        self.dnids.extend(records.iter().map(|record| (record.dnid, record.number)));
        let mut groups = FastMap::<_, Vec<Number>>::default();
        for record in records {
            groups.entry(&record.group).or_default().push(record.number);
        }
        for (group, numbers) in groups {
            let table = self.groups.entry(group.clone()).or_default();
            extend(&mut table.members, numbers.into_iter());
        }
    }

    /// Makes room of what the trees of allocations have left unused while they grew.
    pub(super) fn pack(&mut self) {
        self.lent = mem::take(&mut self.lent).into_iter().collect();
        self.allocated_dnids = mem::take(&mut self.allocated_dnids).into_iter().collect();
    }

    pub(super) fn allocate(&mut self, allocation: &Arc<Allocation>) {
        let number = allocation.number;
        if let Some(slot) = self.numbers.get_mut(&number) {
            slot.put(allocation);
            self.allocated_dnids.insert((slot.record.dnid, allocation.id));
            self.lent.insert(allocation.id, number);
        }
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction)
            && !interaction.holds.contains(&allocation.id)
        {
            let place = interaction.holds.partition_point(|held| *held < allocation.id);
            interaction.holds.insert(place, allocation.id);
        }
    }

    pub(super) fn release(&mut self, allocation: &Arc<Allocation>) {
        let number = allocation.number;
        if let Some(slot) = self.numbers.get_mut(&number) {
            slot.take(allocation.id);
            self.allocated_dnids.remove(&(slot.record.dnid, allocation.id));
            self.lent.remove(&allocation.id);
        }
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction) {
            interaction.holds.retain(|held| *held != allocation.id);
        }
    }

    /// What an interaction holds, oldest first, each with its number.
    pub(in crate::domain) fn held_by<'s>(
        &'s self,
        id: &InteractionId,
    ) -> impl Iterator<Item = (Number, AllocationId)> + use<'s> {
        let holds = self.interactions.get(id).into_iter().flat_map(|slot| &slot.holds);
        holds.filter_map(|id| Some((*self.lent.get(id)?, *id)))
    }

    /// A group, if any number is in it.
    pub(in crate::domain) fn group(&self, group: &Option<GroupName>) -> Option<&GroupTable> {
        self.groups.get(group)
    }

    /// Every group that has a number.
    pub(in crate::domain) fn groups(&self) -> impl Iterator<Item = &Option<GroupName>> {
        self.groups.keys()
    }

    pub(super) fn set_interaction(&mut self, id: &InteractionId, record: Option<&Arc<Interaction>>) {
        let Some(record) = record else {
            self.interactions.remove(id);
            return;
        };
        match self.interactions.get_mut(id) {
            Some(slot) => slot.record = Arc::clone(record),
            None => {
                let slot = InteractionSlot { record: Arc::clone(record), holds: SmallVec::new() };
                self.interactions.insert(id.clone(), slot);
            }
        }
    }

    /// Puts a number into its slot and into every index.
    fn link(&mut self, slot: NumberSlot) {
        let NumberRecord { number, dnid, .. } = *slot.record;
        self.dnids.insert(dnid, number);
        for allocation in slot.allocations() {
            self.allocated_dnids.insert((dnid, allocation.id));
        }
        let group = self.groups.entry(slot.record.group.clone()).or_default();
        group.members.insert(number);
        self.numbers.insert(number, slot);
    }

    /// Takes a slot that is no longer in `numbers` out of every index.
    fn unlink(&mut self, slot: &NumberSlot) {
        let NumberRecord { number, dnid, group, .. } = &*slot.record;
        self.dnids.remove(*dnid, *number);
        for allocation in slot.allocations() {
            self.allocated_dnids.remove(&(*dnid, allocation.id));
        }
        if let Some(table) = self.groups.get_mut(group) {
            table.members.remove(number);
            if table.members.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

/// Whether so many keys more are better put into a tree by making it anew.
fn is_many(more: usize, there: usize) -> bool {
    more >= there / 8
}

/// Puts keys into a tree, in the way that suits their number.
pub(super) fn extend<T: Ord>(tree: &mut BTreeSet<T>, more: impl Iterator<Item = T>) {
    let mut more: BTreeSet<_> = more.collect();
    match is_many(more.len(), tree.len()) {
        true => tree.append(&mut more),
        false => tree.extend(more),
    }
}

impl GroupTable {
    /// The numbers of the group within bounds.
    pub(in crate::domain) fn members_in(&self, bounds: (Bound<Number>, Bound<Number>)) -> impl Iterator<Item = Number> {
        self.members.range(bounds).copied()
    }

    /// How many numbers the group has.
    pub(in crate::domain) fn len(&self) -> usize {
        self.members.len()
    }
}
