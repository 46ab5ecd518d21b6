//! The state of the gateway and the decisions over it.
//!
//! A command is a method of [`Turn`]: it either refuses and changes nothing, or applies its changes and leaves them to
//! be taken with [`State::take_changes`]. Whatever has reached its deadline ends before a command is looked at, so an
//! expired allocation is free at its very deadline, whether or not anything swept.

mod documents;
mod interactions;
mod lend;
mod matching;
mod numbers;
mod pools;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rand::CryptoRng;

use super::{Allocation, Change, DocumentId, InteractionId, Number, Rules, Scope, Tables, Timestamp};
use pools::Pools;

pub use lend::{CodeLength, Holder, Lend, Lent, Repeat, Source};
pub use matching::{AfterMatch, Criteria, Match, Which};
pub use numbers::Seeds;

/// What ends by itself. Allocations end before the interactions and documents that end at the same time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    Allocation(Arc<Scope>, Number),
    Interaction(Arc<Scope>, InteractionId),
    Document(Arc<Scope>, DocumentId),
}

/// The state: what is known, and what follows from it for the next decision.
#[derive(Debug)]
pub struct State {
    tables: Tables,
    rules: Rules,
    /// One shared name for each scope, so that a record of a scope costs a pointer.
    scopes: HashMap<Scope, Arc<Scope>>,
    pools: HashMap<Arc<Scope>, Pools>,
    endings: BTreeSet<(Timestamp, Ending)>,
    /// What all documents together take of the operator's room, in bytes.
    document_bytes: u64,
    changes: Vec<Change>,
}

/// The state at one point in time, ready for one command.
pub struct Turn<'a> {
    state: &'a mut State,
    now: Timestamp,
    rng: &'a mut dyn CryptoRng,
}

impl State {
    /// A state over what is known. Only the tables are needed; everything else follows from them and the rules.
    pub fn new(tables: Tables, rules: Rules) -> Self {
        let mut state = Self {
            tables,
            rules,
            scopes: HashMap::new(),
            pools: HashMap::new(),
            endings: BTreeSet::new(),
            document_bytes: 0,
            changes: Vec::new(),
        };
        state.derive();
        state
    }

    /// What is known.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Takes over new rules from now on.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        self.derive();
    }

    /// The state at `now`: whatever has reached its deadline has ended. `now` must not go backwards.
    pub fn at<'a>(&'a mut self, now: Timestamp, rng: &'a mut dyn CryptoRng) -> Turn<'a> {
        self.end_due(now, usize::MAX);
        Turn { state: self, now, rng }
    }

    /// The changes since the last call, in their order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The earliest point at which something ends by itself.
    pub fn next_ending(&self) -> Option<Timestamp> {
        self.endings.first().map(|(at, _)| *at)
    }

    /// Ends what has reached its deadline, up to `most` things; whether there is more. A store that was down for long
    /// takes in this way what would be too much for one batch.
    pub fn end_due(&mut self, now: Timestamp, most: usize) -> bool {
        for _ in 0..most {
            let Some((at, ending)) = self.endings.first().filter(|(at, _)| *at <= now).cloned() else { return false };
            match ending {
                Ending::Allocation(scope, number) => self.end_allocation(&scope, number, at),
                Ending::Interaction(scope, id) => self.end_interaction(&scope, &id, at),
                Ending::Document(scope, id) => self.drop_document(&scope, id),
            }
        }
        self.next_ending().is_some_and(|at| at <= now)
    }

    fn apply(&mut self, change: Change) {
        self.tables.apply(&change);
        self.changes.push(change);
    }

    /// The shared name of a scope.
    fn shared(&mut self, scope: &Scope) -> Arc<Scope> {
        match self.scopes.get(scope) {
            Some(shared) => Arc::clone(shared),
            None => {
                let shared = Arc::new(scope.clone());
                self.scopes.insert(scope.clone(), Arc::clone(&shared));
                shared
            }
        }
    }

    fn pools(&mut self, scope: &Arc<Scope>) -> &mut Pools {
        self.pools.entry(Arc::clone(scope)).or_default()
    }

    /// Gives out an id from the counter that `which` picks.
    fn next_id(&mut self, which: fn(&mut super::tables::Counters) -> &mut u64) -> u64 {
        let mut counters = self.tables.counters();
        let counter = which(&mut counters);
        *counter += 1;
        let id = *counter;
        self.apply(Change::Counters(counters));
        id
    }

    /// Works out the pools, the endings and the document total anew from the tables.
    fn derive(&mut self) {
        self.pools.clear();
        self.endings.clear();
        self.scopes.clear();
        self.document_bytes = 0;
        for (scope, tables) in self.tables.scopes() {
            self.scopes.insert((**scope).clone(), Arc::clone(scope));
            let mut pools = Pools::default();
            for (group, last) in
                lent_last(tables.numbers.values().map(|slot| (&*slot.record, slot.allocation.as_deref())))
            {
                pools.open(&group, self.rules.policy(&scope.tenant, group.as_ref()), last);
            }
            for slot in tables.numbers.values() {
                match &slot.allocation {
                    Some(allocation) => {
                        pools.expect_release(&slot.record.group, allocation.deadline, allocation.number);
                        let ending = Ending::Allocation(Arc::clone(scope), allocation.number);
                        self.endings.insert((allocation.deadline, ending));
                    }
                    None if slot.record.enabled => pools.offer(&slot.record),
                    None => {}
                }
            }
            for slot in tables.interactions.values() {
                if let Some(at) = slot.record.deadline.at() {
                    self.endings.insert((at, Ending::Interaction(Arc::clone(scope), slot.record.id.clone())));
                }
            }
            for document in tables.documents.values() {
                if let Some(at) = document.deadline.at() {
                    self.endings.insert((at, Ending::Document(Arc::clone(scope), document.id)));
                }
                self.document_bytes += documents::size(&document.entries);
            }
            self.pools.insert(Arc::clone(scope), pools);
        }
    }
}

/// For every group, the number that was lent last: that of the newest allocation, running or ended.
fn lent_last<'a>(
    numbers: impl Iterator<Item = (&'a super::NumberRecord, Option<&'a Allocation>)>,
) -> HashMap<pools::Group, Option<Number>> {
    let mut newest = HashMap::new();
    for (record, allocation) in numbers {
        let running = allocation.map(|allocation| allocation.id);
        let lent = running.or(record.freed.map(|last| last.allocation));
        let entry = newest.entry(record.group.clone()).or_insert((None, None));
        if lent.is_some() && lent > entry.0 {
            *entry = (lent, Some(record.number));
        }
    }
    newest.into_iter().map(|(group, (_, number))| (group, number)).collect()
}

#[cfg(test)]
mod tests;
