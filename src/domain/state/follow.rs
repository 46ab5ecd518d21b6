//! What follows from the tables follows every change, whoever decided it: the places of numbers in their pools, what ends
//! when, the keys of what lives, and what tenants have.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::pools::{Group, Pools};
use super::{Ending, State, documents, endings, is_to_come};
use crate::domain::idempotency::KEPT_AFTER_END;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    Allocation, Change, Document, DocumentId, IdempotencyKey, IdempotencyRecord, InteractionId, Number, NumberRecord,
    Scope, Tables, Timestamp,
};

impl State {
    /// Makes a change that was decided here.
    pub(super) fn apply(&mut self, change: Change) {
        self.follow(&change);
        self.changes.push(change);
    }

    /// Takes in a commit that another has decided as of `at` over the same history. Nothing is decided and nothing is left to
    /// be taken; from now on nothing is decided as of an earlier time.
    pub fn follow_commit(&mut self, changes: &[Change], at: Timestamp) {
        self.now = self.now.max(at);
        for run in changes.chunk_by(Tables::goes_on) {
            match (&run[0], self.tables.new_numbers(run)) {
                (Change::Number(scope, ..), Some(records)) => self.follow_new_numbers(scope, &records),
                _ => run.iter().for_each(|change| self.follow(change)),
            }
        }
    }

    /// Makes a change part of what is known, and lets everything that follows from the tables follow it.
    pub(super) fn follow(&mut self, change: &Change) {
        self.usages.follow(&self.tables, change);
        match change {
            Change::Number(scope, number, record) => self.follow_number(scope, *number, record.as_deref(), change),
            Change::Allocated(scope, allocation) | Change::Released(scope, allocation) => {
                self.follow_allocation(scope, allocation, change);
            }
            Change::Interaction(scope, id, _) => self.follow_interaction(scope, id, change),
            Change::Document(scope, id, document) => self.follow_document(scope, *id, document.as_deref(), change),
            Change::IdempotencyKey(scope, key, record) => {
                self.follow_idempotency_key(scope, key, record.as_deref(), change);
            }
            _ => self.tables.apply(change),
        }
    }

    /// Makes many new numbers at once, which takes little time in this way.
    pub(super) fn apply_new_numbers(&mut self, scope: &Arc<Scope>, records: &[Arc<NumberRecord>]) {
        let change =
            |record: &Arc<NumberRecord>| Change::Number(Arc::clone(scope), record.number, Some(Arc::clone(record)));
        self.changes.extend(records.iter().map(change));
        self.follow_new_numbers(scope, records);
    }

    fn follow_new_numbers(&mut self, scope: &Arc<Scope>, records: &[Arc<NumberRecord>]) {
        self.tables.add_numbers(scope, records);
        let slots: Vec<_> = records.iter().map(|record| NumberSlot::new(Arc::clone(record))).collect();
        let rules = |group: &Group| self.rules.group(&scope.tenant, group.as_ref()).clone();
        let resting = self.pools.entry(Arc::clone(scope)).or_default().place(&slots, self.now, rules);
        debug_assert!(resting.is_empty(), "what was never lent does not rest");
    }

    fn follow_number(&mut self, scope: &Arc<Scope>, number: Number, record: Option<&NumberRecord>, change: &Change) {
        // The usual case: every freeing writes the record, and nothing that it carries is looked for elsewhere.
        let stays = self
            .slot(scope, number)
            .zip(record)
            .is_some_and(|(slot, record)| (&slot.record.group, slot.record.enabled) == (&record.group, record.enabled));
        if !stays && let Some(mut place) = self.place(scope, number) {
            place.slot.allocations().for_each(|allocation| place.unplan(allocation));
            place.leave();
        }
        self.tables.apply(change);
        if !stays {
            self.open_pool(scope, record);
        }
        let Some(mut place) = self.place(scope, number) else { return };
        if !stays {
            place.slot.allocations().for_each(|allocation| place.plan(allocation));
        }
        place.settle();
    }

    fn follow_allocation(&mut self, scope: &Arc<Scope>, allocation: &Allocation, change: &Change) {
        let mut is_new = true;
        if let Some(mut place) = self.place(scope, allocation.number)
            && let Some(before) = place.slot.allocation(allocation.id)
        {
            is_new = false;
            place.unplan(before);
        }
        self.tables.apply(change);
        let Some(mut place) = self.place(scope, allocation.number) else { return };
        if matches!(change, Change::Allocated(..)) {
            place.plan(allocation);
            if is_new {
                place.pools.go_on_after(&place.slot.record);
            }
        }
        place.settle();
    }

    fn follow_interaction(&mut self, scope: &Arc<Scope>, id: &InteractionId, change: &Change) {
        let deadline = |state: &Self| {
            let slot = state.tables.scope(scope)?.interactions.get(id)?;
            slot.record.deadline.at()
        };
        let before = deadline(self);
        self.tables.apply(change);
        let after = deadline(self);
        if before == after {
            return;
        }
        let ending = Ending::Interaction(id.clone(), Arc::clone(scope));
        if let Some(at) = before {
            self.endings.remove(&(at, ending.clone()));
        }
        if let Some(at) = after {
            self.endings.insert((at, ending));
        }
    }

    fn follow_document(&mut self, scope: &Arc<Scope>, id: DocumentId, document: Option<&Document>, change: &Change) {
        let ending = || Ending::Document(id, Arc::clone(scope));
        if let Some(before) = self.tables.kept_document(scope, id) {
            self.endings.remove(&(before.kept_until, ending()));
        }
        self.tables.apply(change);
        if let Some(document) = document.filter(|document| documents::ends_alone(document, self.now)) {
            self.endings.insert((document.kept_until, ending()));
        }
    }

    fn follow_idempotency_key(
        &mut self,
        scope: &Arc<Scope>,
        key: &IdempotencyKey,
        record: Option<&IdempotencyRecord>,
        change: &Change,
    ) {
        let ending = |record: &IdempotencyRecord| {
            let at = record.ended?.after(KEPT_AFTER_END);
            Some((at, Ending::IdempotencyKey(key.clone(), Arc::clone(scope))))
        };
        if let Some(before) = self.tables.idempotency_record(scope, key) {
            self.keys.remove(scope, key, before);
            if let Some(ending) = ending(before) {
                self.endings.remove(&ending);
            }
        }
        self.tables.apply(change);
        if let Some(record) = record {
            self.keys.add(scope, key, record);
            self.endings.extend(ending(record));
        }
    }

    /// Opens the pool of a number's group, if it is not open.
    fn open_pool(&mut self, scope: &Arc<Scope>, record: Option<&NumberRecord>) {
        let Some(NumberRecord { group, .. }) = record else { return };
        let pools = self.pools.entry(Arc::clone(scope)).or_default();
        if !pools.is_open(group) {
            pools.open(group, self.rules.group(&scope.tenant, group.as_ref()));
        }
    }

    /// Gives a number the place in its pool that it has now.
    pub(super) fn settle(&mut self, scope: &Arc<Scope>, number: Number) {
        if let Some(mut place) = self.place(scope, number) {
            place.settle();
        }
    }

    /// Where a number stands, if it is known.
    fn place<'s>(&'s mut self, scope: &'s Arc<Scope>, number: Number) -> Option<Place<'s>> {
        let (pools, slot) = (self.pools.get_mut(scope)?, self.tables.slot(scope, number)?);
        Some(Place { scope, slot, pools, endings: &mut self.endings, now: self.now })
    }
}

/// A number, the pools of its scope, and what ends when.
struct Place<'s> {
    scope: &'s Arc<Scope>,
    slot: &'s NumberSlot,
    pools: &'s mut Pools,
    endings: &'s mut BTreeSet<(Timestamp, Ending)>,
    now: Timestamp,
}

impl Place<'_> {
    /// Plans the end of an allocation: at its deadline or, in a group whose numbers rest, when the rest after it is
    /// over. Until then readers see it as expired, and late calls find it.
    fn plan(&mut self, allocation: &Allocation) {
        self.pools.note(&self.slot.record, allocation, self.now);
        let cool_down = self.pools.cool_down(&self.slot.record.group);
        let now = self.now;
        self.endings.extend(endings(self.scope, allocation, cool_down).filter(|ending| is_to_come(ending, now)));
    }

    /// The opposite of planning: before an allocation ends or gets another deadline or group.
    fn unplan(&mut self, allocation: &Allocation) {
        self.pools.forget(&self.slot.record.group, allocation);
        let cool_down = self.pools.cool_down(&self.slot.record.group);
        for ending in endings(self.scope, allocation, cool_down) {
            self.endings.remove(&ending);
        }
    }

    /// Gives the number the place in its pool that it has now: among those that may be lent, among those that rest, or
    /// none.
    fn settle(&mut self) {
        let (before, after) = self.pools.settle(self.slot, self.now);
        if before != after {
            self.rest(before, after);
        }
    }

    /// The number leaves its group.
    fn leave(&mut self) {
        let rested = self.pools.remove(&self.slot.record.group, self.slot.record.number);
        self.rest(rested, None);
    }

    /// The number rested until one time, and rests until another now.
    fn rest(&mut self, before: Option<Timestamp>, after: Option<Timestamp>) {
        let ending = |until| (until, Ending::Rest(self.slot.record.number, Arc::clone(self.scope)));
        if let Some(until) = before {
            self.endings.remove(&ending(until));
        }
        self.endings.extend(after.map(ending));
    }
}
