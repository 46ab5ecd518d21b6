//! Numbers: created, changed, deleted; and the seeds of an empty store.

use std::collections::HashSet;
use std::sync::Arc;

use super::{State, Turn};
use crate::domain::audit::{Action, Deed, Facts};
use crate::domain::history::End;
use crate::domain::idempotency::Identity;
use crate::domain::tables::FoundNumber;
use crate::domain::tables::slot::NumberSlot;
use crate::domain::{
    Change, Deadline, InteractionId, Made, NewNumber, Number, NumberId, NumberPatch, NumberRecord, Refusal, Scope,
};

/// What a store is given when it is still empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Numbers, each with its scope.
    pub numbers: Vec<(Scope, NewNumber)>,
    /// Interactions that never end by themselves.
    pub interactions: Vec<(Scope, InteractionId)>,
}

impl Turn<'_> {
    /// Creates a number.
    ///
    /// # Errors
    /// [`Refusal::NumberExists`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    pub fn create_number(&mut self, scope: &Scope, new: NewNumber) -> Result<NumberId, Refusal> {
        let again = self.repeated(scope, |tables, made, now| match made {
            Made::Number(number, id) => tables.number(scope, *number, now).filter(|found| found.record.id == *id),
            _ => None,
        });
        if let Some(found) = again? {
            return Ok(found.record.id);
        }
        let scope = self.state.shared(scope);
        if self.state.tables.number(&scope, new.number, self.now).is_some() {
            return Err(Refusal::NumberExists(new.number));
        }
        let id = NumberId(self.state.next_id(&scope, |ids| &mut ids.number));
        let NewNumber { number, dnid, group, enabled } = new;
        let record = Arc::new(NumberRecord { id, number, dnid, group, enabled, freed: None });
        self.state.apply(Change::Number(Arc::clone(&scope), number, Some(Arc::clone(&record))));
        self.audit(&scope, || Deed::new(Action::NumberCreated, &number).after(Facts::from(&*record)));
        self.remember(&scope, || Made::Number(number, id));
        Ok(id)
    }

    /// Gives out ids for so many numbers that are to be imported, and tells the first of them.
    pub fn reserve_numbers(&mut self, scope: &Scope, count: u64) -> NumberId {
        let scope = self.state.shared(scope);
        NumberId(self.state.next_ids(&scope, |ids| &mut ids.number, count))
    }

    /// The places in `records` of those whose numbers exist.
    pub fn existing(&self, scope: &Scope, records: &[Arc<NumberRecord>]) -> Vec<usize> {
        let known = |record: &NumberRecord| self.state.slot(scope, record.number).is_some();
        let exist = records.iter().enumerate().filter(|(_, record)| known(record));
        exist.map(|(place, _)| place).collect()
    }

    /// Creates many numbers at once, whose ids were given out before. None of them may exist.
    pub fn import_numbers(&mut self, scope: &Scope, records: &[Arc<NumberRecord>]) {
        let scope = self.state.shared(scope);
        self.state.apply_new_numbers(&scope, records);
    }

    /// Changes what the patch names and leaves the rest. A running allocation goes on.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    pub fn update_number(&mut self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<FoundNumber, Refusal> {
        let found = self.state.tables.number(scope, number, self.now).ok_or(Refusal::NumberUnknown(number))?;
        let scope = self.state.shared(scope);
        let mut record = (*found.record).clone();
        record.dnid = patch.dnid.unwrap_or(record.dnid);
        record.group = patch.group.unwrap_or(record.group);
        record.enabled = patch.enabled.unwrap_or(record.enabled);
        if record != *found.record {
            let (before, after) = (found.record, Arc::new(record));
            self.state.apply(Change::Number(Arc::clone(&scope), number, Some(Arc::clone(&after))));
            let deed =
                || Deed::new(Action::NumberChanged, &number).before(Facts::from(&*before)).after(Facts::from(&*after));
            self.audit(&scope, deed);
        }
        self.state.tables.number(&scope, number, self.now).ok_or(Refusal::NumberUnknown(number))
    }

    /// Deletes a number that is not lent.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`], [`Refusal::NumberAllocated`].
    pub fn delete_number(&mut self, scope: &Scope, number: Number) -> Result<(), Refusal> {
        let found = self.state.tables.number(scope, number, self.now).ok_or(Refusal::NumberUnknown(number))?;
        if found.allocation.is_some() {
            return Err(Refusal::NumberAllocated(number));
        }
        let scope = self.state.shared(scope);
        // None of them is live: they are kept for late calls, which find nothing any more.
        self.state.end_allocations(&scope, number);
        let identity = Identity::Number(Arc::clone(&scope), found.record.id);
        self.state.apply(Change::Number(Arc::clone(&scope), number, None));
        self.state.finish(&identity, self.now);
        self.audit(&scope, || Deed::new(Action::NumberDeleted, &number).before(Facts::from(&*found.record)));
        Ok(())
    }

    /// Writes the seeds, if nothing was ever written before.
    ///
    /// # Errors
    /// [`Refusal::NotEmpty`]; [`Refusal::NumberExists`] and [`Refusal::InteractionExists`] where the seeds name
    /// something twice.
    pub fn seed(&mut self, seeds: &Seeds) -> Result<(), Refusal> {
        if !self.state.tables.is_empty() {
            return Err(Refusal::NotEmpty);
        }
        let mut numbers = HashSet::new();
        if let Some((_, twice)) = seeds.numbers.iter().find(|(scope, new)| !numbers.insert((scope, new.number))) {
            return Err(Refusal::NumberExists(twice.number));
        }
        let mut interactions = HashSet::new();
        if let Some((_, twice)) = seeds.interactions.iter().find(|seed| !interactions.insert(*seed)) {
            return Err(Refusal::InteractionExists(twice.clone()));
        }
        for (scope, new) in &seeds.numbers {
            self.create_number(scope, new.clone())?;
        }
        for (scope, id) in &seeds.interactions {
            self.begin_interaction(scope, id.clone(), Deadline::Never, None);
        }
        Ok(())
    }
}

impl State {
    /// Ends whatever a number carries.
    fn end_allocations(&mut self, scope: &Arc<Scope>, number: Number) {
        let carried = self.slot(scope, number).into_iter().flat_map(NumberSlot::allocations);
        let carried: Vec<_> = carried.map(|allocation| allocation.id).collect();
        for id in carried {
            self.end_allocation(scope, number, id, End::Expired, self.now);
        }
    }
}
