//! The tables of one scope, and the indexes over its numbers: by DNID, by group, by what they carry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::domain::routes::CallTables;
use crate::domain::slot::NumberSlot;
use crate::domain::{
    Allocation, AllocationId, Document, DocumentId, GroupName, Interaction, InteractionId, Number, NumberRecord,
    OnceKey, OnceRecord, Timestamp,
};

/// Allocations of one DNID that are looked at for the numbers behind it.
const MAX_ANSWERING: usize = 1000;

/// The tables of one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::domain) struct ScopeTables {
    pub(in crate::domain) numbers: BTreeMap<Number, NumberSlot>,
    /// Every number under its short form.
    pub(super) dnids: BTreeSet<(Number, Number)>,
    /// Every allocated number under its short form, newest allocation last.
    pub(super) allocated_dnids: BTreeSet<(Number, AllocationId, Number)>,
    /// The number of every allocation, oldest first.
    pub(in crate::domain) lent: BTreeMap<AllocationId, Number>,
    pub(super) groups: BTreeMap<Option<GroupName>, GroupTable>,
    pub(in crate::domain) interactions: HashMap<InteractionId, InteractionSlot>,
    pub(in crate::domain) documents: HashMap<DocumentId, Arc<Document>>,
    pub(in crate::domain) once: HashMap<OnceKey, Arc<OnceRecord>>,
    pub(in crate::domain) calls: CallTables,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::domain) struct InteractionSlot {
    pub(in crate::domain) record: Arc<Interaction>,
    /// What it holds, oldest allocation first.
    pub(in crate::domain) holds: Vec<(Number, AllocationId)>,
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
            && self.once.is_empty()
    }

    /// See [`Tables::dialled`](super::Tables::dialled).
    pub(in crate::domain) fn dialled(&self, dialled: Number, now: Timestamp) -> Option<&NumberSlot> {
        if let Some(slot) = self.numbers.get(&dialled) {
            return Some(slot);
        }
        let with_dnid = (dialled, AllocationId(0), Number::MIN)..=(dialled, AllocationId(u64::MAX), Number::MAX);
        let mut newest_first = self.allocated_dnids.range(with_dnid).rev();
        let live = newest_first.find_map(|(_, id, number)| {
            let slot = self.numbers.get(number)?;
            slot.allocation(*id).filter(|allocation| allocation.live(now)).map(|_| slot)
        });
        live.or_else(|| {
            let (dnid, number) = self.dnids.range((dialled, Number::MIN)..).next()?;
            self.numbers.get(number).filter(|_| *dnid == dialled)
        })
    }

    /// See [`Tables::answering`](super::Tables::answering).
    pub(super) fn answering(&self, dialled: Number) -> Vec<&NumberSlot> {
        if let Some(slot) = self.numbers.get(&dialled) {
            return vec![slot];
        }
        let mut with_dnid = self.dnids.range((dialled, Number::MIN)..=(dialled, Number::MAX));
        let (Some((_, first)), second) = (with_dnid.next(), with_dnid.next()) else { return Vec::new() };
        if second.is_none() {
            return self.numbers.get(first).into_iter().collect();
        }
        let with_dnid = (dialled, AllocationId(0), Number::MIN)..=(dialled, AllocationId(u64::MAX), Number::MAX);
        let newest_first = self.allocated_dnids.range(with_dnid).rev();
        let mut found: Vec<Number> = Vec::new();
        for (_, _, number) in newest_first.take(MAX_ANSWERING) {
            if !found.contains(number) {
                found.push(*number);
            }
        }
        // A DNID that nobody holds is known all the same.
        let found = if found.is_empty() { vec![*first] } else { found };
        found.iter().filter_map(|number| self.numbers.get(number)).collect()
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

    pub(super) fn allocate(&mut self, allocation: &Arc<Allocation>) {
        let number = allocation.number;
        if let Some(slot) = self.numbers.get_mut(&number) {
            slot.put(allocation);
            self.allocated_dnids.insert((slot.record.dnid, allocation.id, number));
            self.lent.insert(allocation.id, number);
        }
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction)
            && !interaction.holds.contains(&(number, allocation.id))
        {
            interaction.holds.push((number, allocation.id));
        }
    }

    pub(super) fn release(&mut self, allocation: &Arc<Allocation>) {
        let number = allocation.number;
        if let Some(slot) = self.numbers.get_mut(&number) {
            slot.take(allocation.id);
            self.allocated_dnids.remove(&(slot.record.dnid, allocation.id, number));
            self.lent.remove(&allocation.id);
        }
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction) {
            interaction.holds.retain(|held| *held != (number, allocation.id));
        }
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
        match (record, self.interactions.get_mut(id)) {
            (Some(record), Some(slot)) => slot.record = Arc::clone(record),
            (Some(record), None) => {
                let slot = InteractionSlot { record: Arc::clone(record), holds: Vec::new() };
                self.interactions.insert(id.clone(), slot);
            }
            (None, _) => {
                self.interactions.remove(id);
            }
        }
    }

    /// Puts a number into its slot and into every index.
    fn link(&mut self, slot: NumberSlot) {
        let NumberRecord { number, dnid, .. } = *slot.record;
        self.dnids.insert((dnid, number));
        for allocation in slot.allocations() {
            self.allocated_dnids.insert((dnid, allocation.id, number));
        }
        let group = self.groups.entry(slot.record.group.clone()).or_default();
        group.members.insert(number);
        self.numbers.insert(number, slot);
    }

    /// Takes a slot that is no longer in `numbers` out of every index.
    fn unlink(&mut self, slot: &NumberSlot) {
        let NumberRecord { number, dnid, group, .. } = &*slot.record;
        self.dnids.remove(&(*dnid, *number));
        for allocation in slot.allocations() {
            self.allocated_dnids.remove(&(*dnid, allocation.id, *number));
        }
        if let Some(table) = self.groups.get_mut(group) {
            table.members.remove(number);
            if table.members.is_empty() {
                self.groups.remove(group);
            }
        }
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
