//! Numbers: created, changed, deleted; and the seeds of an empty store.

use std::collections::HashSet;
use std::sync::Arc;

use super::{State, Turn};
use crate::domain::tables::Found;
use crate::domain::{
    Change, Deadline, InteractionId, NewNumber, Number, NumberId, NumberPatch, NumberRecord, Refusal, Scope,
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
    /// [`Refusal::NumberExists`].
    pub fn create_number(&mut self, scope: &Scope, new: NewNumber) -> Result<NumberId, Refusal> {
        let scope = self.state.shared(scope);
        if self.state.tables.number(&scope, new.number, self.now).is_some() {
            return Err(Refusal::NumberExists(new.number));
        }
        let id = NumberId(self.state.next_id(|counters| &mut counters.number));
        let NewNumber { number, dnid, group, enabled } = new;
        let record = NumberRecord { id, number, dnid, group, enabled, freed: None };
        self.state.put_number(&scope, record);
        Ok(id)
    }

    /// Changes what the patch names and leaves the rest. A running allocation goes on.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    pub fn update_number(&mut self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<Found, Refusal> {
        let found = self.state.tables.number(scope, number, self.now).ok_or(Refusal::NumberUnknown(number))?;
        let scope = self.state.shared(scope);
        let mut record = (*found.record).clone();
        record.dnid = patch.dnid.unwrap_or(record.dnid);
        record.group = patch.group.unwrap_or(record.group);
        record.enabled = patch.enabled.unwrap_or(record.enabled);
        if record != *found.record {
            self.state.take_out(&scope, &found);
            self.state.put_number(&scope, record);
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
        self.state.take_out(&scope, &found);
        self.state.apply(Change::Number(scope, number, None));
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
            self.begin_interaction(scope, id.clone(), Deadline::Never);
        }
        Ok(())
    }
}

impl State {
    /// Writes a number's record and puts the number where its pool looks for it.
    fn put_number(&mut self, scope: &Arc<Scope>, record: NumberRecord) {
        let record = Arc::new(record);
        let policy = self.rules.policy(&scope.tenant, record.group.as_ref());
        let allocation = self
            .tables
            .scope(scope)
            .and_then(|tables| tables.numbers.get(&record.number))
            .and_then(|slot| slot.allocation.clone());
        let pools = self.pools(scope);
        if !pools.is_open(&record.group) {
            pools.open(&record.group, policy, None);
        }
        match allocation {
            Some(allocation) => pools.expect_release(&record.group, allocation.deadline, record.number),
            None if record.enabled => pools.offer(&record),
            None => {}
        }
        self.apply(Change::Number(Arc::clone(scope), record.number, Some(record)));
    }

    /// Takes a number out of its pool, where it waits to be lent or to come back.
    fn take_out(&mut self, scope: &Arc<Scope>, found: &Found) {
        let pools = self.pools(scope);
        match &found.allocation {
            Some(allocation) => pools.forget_release(&found.record.group, allocation.deadline, allocation.number),
            None => pools.withdraw(&found.record),
        }
    }
}
