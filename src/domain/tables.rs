//! What is known: numbers, allocations, interactions and documents of every scope, and the questions readers ask.
//!
//! A table changes in one way only, by applying a [`Change`]. The state applies each change as it decides it, a store
//! applies the same changes to the copy its readers see once they are durable, and a start replays them from disk; so
//! all three agree by construction. Values are shared between the copies, not cloned.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Allocation, AllocationId, Document, DocumentId, Entry, EntryKey, GroupName, Interaction, InteractionId, Number,
    NumberRecord, Scope, Timestamp, ValueId,
};

/// One thing that has changed. A list of changes is the whole outcome of a command for a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A number was created, changed, or (`None`) deleted.
    Number(Arc<Scope>, Number, Option<Arc<NumberRecord>>),
    /// A number was lent, or its allocation changed.
    Allocated(Arc<Scope>, Arc<Allocation>),
    /// An allocation has ended.
    Released(Arc<Scope>, Arc<Allocation>),
    /// An interaction began, changed, or (`None`) ended.
    Interaction(Arc<Scope>, InteractionId, Option<Arc<Interaction>>),
    /// A document began, changed, or (`None`) ended. Readers take it whole; a store keeps it without its entries.
    Document(Arc<Scope>, DocumentId, Option<Arc<Document>>),
    /// An entry of a document was written or (`None`) removed; follows the document's own change.
    Entry(Arc<Scope>, DocumentId, EntryKey, Option<Entry>),
    /// The bytes of a large value are to be kept.
    ValueKept(ValueId, Arc<[u8]>),
    /// The bytes of a large value, this many, are no longer needed.
    ValueDropped(ValueId, u64),
    /// Ids were given out.
    Counters(Counters),
}

/// The last ids given out. An id is never given twice, not even after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Of numbers.
    pub number: u64,
    /// Of allocations.
    pub allocation: u64,
    /// Of interactions that the gateway named.
    pub interaction: u64,
    /// Of large values.
    pub value: u64,
}

/// A number and the allocation it carries now, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number.
    pub record: Arc<NumberRecord>,
    /// Its live allocation.
    pub allocation: Option<Arc<Allocation>>,
}

/// A page of a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many numbers the whole list has.
    pub total: usize,
    /// The numbers of this page, in the order of the numbers.
    pub numbers: Vec<Found>,
}

/// Counts of one group's numbers; every number is in exactly one of the three states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCounts {
    /// Whose group.
    pub scope: Arc<Scope>,
    /// The group; `None` for the numbers without one.
    pub group: Option<GroupName>,
    /// Numbers that can be lent now.
    pub free: usize,
    /// Numbers that are lent, disabled ones among them.
    pub allocated: usize,
    /// Numbers that are neither lent nor may be.
    pub disabled: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct NumberSlot {
    pub(super) record: Arc<NumberRecord>,
    pub(super) allocation: Option<Arc<Allocation>>,
}

impl NumberSlot {
    fn found(&self, now: Timestamp) -> Found {
        let allocation = self.allocation.as_ref().filter(|allocation| allocation.live(now)).cloned();
        Found { record: Arc::clone(&self.record), allocation }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct InteractionSlot {
    pub(super) record: Arc<Interaction>,
    /// The numbers it holds, oldest allocation first.
    pub(super) holds: Vec<Number>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct GroupTable {
    members: BTreeSet<Number>,
    allocated: usize,
    disabled: usize,
}

/// The tables of one scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ScopeTables {
    pub(super) numbers: BTreeMap<Number, NumberSlot>,
    /// Every number under its short form.
    dnids: BTreeSet<(Number, Number)>,
    /// Every allocated number under its short form, newest allocation last.
    allocated_dnids: BTreeSet<(Number, AllocationId, Number)>,
    groups: BTreeMap<Option<GroupName>, GroupTable>,
    pub(super) interactions: HashMap<InteractionId, InteractionSlot>,
    pub(super) documents: HashMap<DocumentId, Arc<Document>>,
}

/// What is known of every scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    scopes: HashMap<Arc<Scope>, ScopeTables>,
    counters: Counters,
}

impl Tables {
    /// Makes `change` part of what is known.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Number(scope, number, record) => self.scope_mut(scope).set_number(*number, record.as_ref()),
            Change::Allocated(scope, allocation) => self.scope_mut(scope).allocate(allocation),
            Change::Released(scope, allocation) => self.scope_mut(scope).release(allocation),
            Change::Interaction(scope, id, record) => self.scope_mut(scope).set_interaction(id, record.as_ref()),
            Change::Document(scope, id, record) => {
                let documents = &mut self.scope_mut(scope).documents;
                match record {
                    Some(record) => documents.insert(*id, Arc::clone(record)),
                    None => documents.remove(id),
                };
            }
            Change::Counters(counters) => self.counters = *counters,
            Change::Entry(..) | Change::ValueKept(..) | Change::ValueDropped(..) => {}
        }
    }

    fn scope_mut(&mut self, scope: &Arc<Scope>) -> &mut ScopeTables {
        // An entry by reference: a scope is cloned once in its life, not once a change.
        if !self.scopes.contains_key(scope) {
            self.scopes.insert(Arc::clone(scope), ScopeTables::default());
        }
        self.scopes.get_mut(scope).expect("the scope was put in above")
    }

    pub(super) fn scope(&self, scope: &Scope) -> Option<&ScopeTables> {
        self.scopes.get(scope)
    }

    /// Every scope that has or had anything in it.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (&Arc<Scope>, &ScopeTables)> {
        self.scopes.iter()
    }

    /// The last ids given out.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether nothing was ever written.
    pub fn is_empty(&self) -> bool {
        self.counters == Counters::default() && self.scopes.values().all(ScopeTables::is_empty)
    }

    /// Looks a number up by its whole digits.
    pub fn number(&self, scope: &Scope, number: Number, now: Timestamp) -> Option<Found> {
        self.scope(scope)?.numbers.get(&number).map(|slot| slot.found(now))
    }

    /// Looks a number up as a caller dialled it: by its whole digits, else by its DNID. Of several numbers with one
    /// DNID the one allocated latest counts, else the first.
    pub fn dialled(&self, scope: &Scope, dialled: Number, now: Timestamp) -> Option<Found> {
        let scope = self.scope(scope)?;
        scope.dialled(dialled, now).map(|slot| slot.found(now))
    }

    /// Lists the numbers of a scope, or of one of its groups, in their order.
    pub fn list(&self, scope: &Scope, group: Option<&GroupName>, offset: usize, limit: usize, now: Timestamp) -> Page {
        let Some(scope) = self.scope(scope) else {
            return Page { total: 0, numbers: Vec::new() };
        };
        match group {
            None => {
                let numbers = scope.numbers.values().skip(offset).take(limit).map(|slot| slot.found(now)).collect();
                Page { total: scope.numbers.len(), numbers }
            }
            Some(group) => match scope.groups.get(&Some(group.clone())) {
                None => Page { total: 0, numbers: Vec::new() },
                Some(table) => {
                    let members = table.members.iter().skip(offset).take(limit);
                    let numbers = members.filter_map(|number| scope.numbers.get(number)).map(|slot| slot.found(now));
                    Page { total: table.members.len(), numbers: numbers.collect() }
                }
            },
        }
    }

    /// Whether any number of the scope carries the group's name.
    pub fn has_group(&self, scope: &Scope, group: &GroupName) -> bool {
        self.scope(scope).is_some_and(|scope| scope.groups.contains_key(&Some(group.clone())))
    }

    /// Whether an interaction is kept, its deadline passed or not.
    pub fn has_interaction(&self, scope: &Scope, id: &InteractionId) -> bool {
        self.scope(scope).is_some_and(|scope| scope.interactions.contains_key(id))
    }

    /// A live interaction.
    pub fn interaction(&self, scope: &Scope, id: &InteractionId, now: Timestamp) -> Option<&Arc<Interaction>> {
        let slot = self.scope(scope)?.interactions.get(id)?;
        Some(&slot.record).filter(|record| record.live(now))
    }

    /// A live document.
    pub fn document(&self, scope: &Scope, id: DocumentId, now: Timestamp) -> Option<&Arc<Document>> {
        self.scope(scope)?.documents.get(&id).filter(|document| document.live(now))
    }

    /// Counts the numbers of every group that has any.
    pub fn group_counts(&self) -> Vec<GroupCounts> {
        let groups = self.scopes.iter().flat_map(|(scope, tables)| {
            tables.groups.iter().map(move |(group, table)| GroupCounts {
                scope: Arc::clone(scope),
                group: group.clone(),
                free: table.members.len() - table.allocated - table.disabled,
                allocated: table.allocated,
                disabled: table.disabled,
            })
        });
        groups.collect()
    }
}

impl ScopeTables {
    fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.interactions.is_empty() && self.documents.is_empty()
    }

    pub(super) fn dialled(&self, dialled: Number, now: Timestamp) -> Option<&NumberSlot> {
        if let Some(slot) = self.numbers.get(&dialled) {
            return Some(slot);
        }
        let with_dnid = (dialled, AllocationId(0), Number::MIN)..=(dialled, AllocationId(u64::MAX), Number::MAX);
        let newest_first = self.allocated_dnids.range(with_dnid).rev();
        let live = newest_first
            .filter_map(|(_, _, number)| self.numbers.get(number))
            .find(|slot| slot.allocation.as_ref().is_some_and(|allocation| allocation.live(now)));
        live.or_else(|| {
            let (dnid, number) = self.dnids.range((dialled, Number::MIN)..).next()?;
            self.numbers.get(number).filter(|_| *dnid == dialled)
        })
    }

    fn set_number(&mut self, number: Number, record: Option<&Arc<NumberRecord>>) {
        let allocation = match self.numbers.remove(&number) {
            Some(slot) => {
                self.unlink(&slot);
                slot.allocation
            }
            None => None,
        };
        if let Some(record) = record {
            self.put(NumberSlot { record: Arc::clone(record), allocation });
        }
    }

    fn allocate(&mut self, allocation: &Arc<Allocation>) {
        self.set_allocation(allocation.number, Some(allocation));
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction)
            && !interaction.holds.contains(&allocation.number)
        {
            interaction.holds.push(allocation.number);
        }
    }

    fn release(&mut self, allocation: &Arc<Allocation>) {
        self.set_allocation(allocation.number, None);
        if let Some(interaction) = self.interactions.get_mut(&allocation.interaction) {
            interaction.holds.retain(|held| *held != allocation.number);
        }
    }

    fn set_allocation(&mut self, number: Number, allocation: Option<&Arc<Allocation>>) {
        let Some(slot) = self.numbers.get_mut(&number) else { return };
        let Some(group) = self.groups.get_mut(&slot.record.group) else { return };
        group.forget_state(slot);
        if let Some(ended) = slot.allocation.take() {
            self.allocated_dnids.remove(&(slot.record.dnid, ended.id, number));
        }
        slot.allocation = allocation.cloned();
        if let Some(begun) = &slot.allocation {
            self.allocated_dnids.insert((slot.record.dnid, begun.id, number));
        }
        group.count_state(slot);
    }

    fn set_interaction(&mut self, id: &InteractionId, record: Option<&Arc<Interaction>>) {
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
    fn put(&mut self, slot: NumberSlot) {
        let NumberRecord { number, dnid, .. } = *slot.record;
        self.dnids.insert((dnid, number));
        let group = self.groups.entry(slot.record.group.clone()).or_default();
        group.members.insert(number);
        group.count_state(&slot);
        if let Some(allocation) = &slot.allocation {
            self.allocated_dnids.insert((dnid, allocation.id, number));
        }
        self.numbers.insert(number, slot);
    }

    /// Takes a slot that is no longer in `numbers` out of every index.
    fn unlink(&mut self, slot: &NumberSlot) {
        let NumberRecord { number, dnid, group, .. } = &*slot.record;
        self.dnids.remove(&(*dnid, *number));
        if let Some(allocation) = &slot.allocation {
            self.allocated_dnids.remove(&(*dnid, allocation.id, *number));
        }
        if let Some(table) = self.groups.get_mut(group) {
            table.members.remove(number);
            table.forget_state(slot);
            if table.members.is_empty() {
                self.groups.remove(group);
            }
        }
    }
}

impl GroupTable {
    fn count_state(&mut self, slot: &NumberSlot) {
        if let Some(count) = self.counter(slot) {
            *count += 1;
        }
    }

    fn forget_state(&mut self, slot: &NumberSlot) {
        if let Some(count) = self.counter(slot) {
            *count -= 1;
        }
    }

    /// The counter of the state the number is in; free numbers are what is left.
    fn counter(&mut self, slot: &NumberSlot) -> Option<&mut usize> {
        match (&slot.allocation, slot.record.enabled) {
            (Some(_), _) => Some(&mut self.allocated),
            (None, false) => Some(&mut self.disabled),
            (None, true) => None,
        }
    }
}
