//! The state of the gateway and the decisions over it.
//!
//! A command is a method of [`Turn`]: it either refuses and changes nothing, or applies its changes and leaves them to
//! be taken with [`State::take_changes`]. Whatever has reached its deadline ends before a command is looked at, so an
//! expired allocation is free at its very deadline, whether or not anything swept.

mod allocations;
mod audit;
mod documents;
mod follow;
mod health;
mod history;
mod idempotency;
mod interactions;
mod lend;
mod matching;
mod number_counts;
mod numbers;
mod pools;
mod resolving;
mod routes;
mod skills;
mod usage;
mod usages;

use std::collections::BTreeSet;
use std::sync::Arc;

use rand::CryptoRng;

use super::{
    Allocation, AllocationId, Change, DocumentId, IdempotencyKey, IdempotentRequest, InteractionId, Number, Rules,
    Scope, Seconds, Tables, Timestamp,
};
use crate::domain::audit::Actor;
use crate::domain::change::Ids;
use crate::domain::hash::FastMap;
use crate::domain::history::End;
use crate::domain::tables::ScopeTables;
use crate::domain::tables::slot::NumberSlot;
use pools::Pools;

pub use health::{Oldest, PoolHealth};
pub use lend::{Holder, Lend, Lent, Repeat, Source};
pub use matching::{AfterMatch, Criteria, Fit, LateCalls, Match, Which};
pub use numbers::Seeds;
pub use resolving::Taken;
pub use routes::MAX_ROUTES;
pub use skills::MAX_SKILLS;

/// What ends by itself. Allocations end before the interactions and documents that end at the same time.
///
/// Names come before scopes, since it is by them that most of what ends in one moment is told apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    /// The deadline of an allocation that is kept for late calls afterwards.
    Lapse(AllocationId, Arc<Scope>),
    /// An allocation at its deadline or, where numbers rest, when the rest after it is over.
    Allocation(AllocationId, Arc<Scope>),
    /// The rest of a number that was freed.
    Rest(Number, Arc<Scope>),
    Interaction(InteractionId, Arc<Scope>),
    Document(DocumentId, Arc<Scope>),
    /// The time for which a spent key is kept.
    IdempotencyKey(IdempotencyKey, Arc<Scope>),
}

/// The state: what is known, and what follows from it for the next decision.
#[derive(Debug)]
pub struct State {
    tables: Tables,
    rules: Rules,
    pools: FastMap<Arc<Scope>, Pools>,
    endings: BTreeSet<(Timestamp, Ending)>,
    /// The latest point in time that the state knows of.
    now: Timestamp,
    usages: usages::Usages,
    counting: usage::Counting,
    keys: idempotency::Keys,
    /// The hour in which the history of all tenants, and the audit, was last held to the rules; `None` where it must be.
    trimmed: Option<u32>,
    changes: Vec<Change>,
}

/// The state at one point in time, ready for one command.
pub struct Turn<'a> {
    state: &'a mut State,
    now: Timestamp,
    rng: &'a mut dyn CryptoRng,
    /// The key that the command came under.
    idempotency: Option<IdempotentRequest>,
    /// For whom it is decided, where the audit is to tell that.
    actor: Option<Arc<Actor>>,
}

impl State {
    /// A state over what is known. Only the tables are needed; everything else follows from them and the rules.
    pub fn new(tables: Tables, rules: Rules) -> Self {
        let mut state = Self {
            tables,
            rules,
            pools: FastMap::default(),
            endings: BTreeSet::new(),
            now: Timestamp::default(),
            usages: usages::Usages::default(),
            counting: usage::Counting::default(),
            keys: idempotency::Keys::default(),
            trimmed: None,
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

    /// The latest point in time that is known: what is decided is never decided before it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes over new rules from now on.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
        self.derive();
    }

    /// The state at `now`: whatever has reached its deadline has ended. `now` must not go backwards.
    pub fn at<'a>(&'a mut self, now: Timestamp, rng: &'a mut dyn CryptoRng) -> Turn<'a> {
        self.end_until(now);
        let mut turn = Turn { state: self, now, rng, idempotency: None, actor: None };
        turn.trim_history();
        turn.count_on();
        turn
    }

    /// The state for a look at it, as of the last decision that it knows: nothing is decided.
    pub fn as_decided<'a>(&'a mut self, rng: &'a mut dyn CryptoRng) -> Turn<'a> {
        let now = self.now;
        let passed = self.endings.iter().take_while(|(at, _)| *at <= now);
        let passed = passed.filter(|(_, ending)| matches!(ending, Ending::Lapse(..) | Ending::Rest(..)));
        for ending in passed.cloned().collect::<Vec<_>>() {
            self.endings.remove(&ending);
            self.end(ending);
        }
        Turn { state: self, now, rng, idempotency: None, actor: None }
    }

    /// The changes since the last call, in their order.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Undoes changes, the last ones that were taken, of which `before` does not know, and whatever a command has left that
    /// went no further.
    pub fn undo(&mut self, mut changes: Vec<Change>, before: &Tables) {
        changes.append(&mut self.changes);
        self.tables.go_back(&changes, before);
        if self.tables != *before {
            // The command went no further in the middle of a change.
            self.tables.clone_from(before);
        }
        self.derive();
    }

    /// The earliest point at which something ends by itself.
    pub fn next_ending(&self) -> Option<Timestamp> {
        self.endings.first().map(|(at, _)| *at)
    }

    /// Ends what has reached its deadline at `now`. Where that is more than `most` things, only the first of them end: all
    /// those up to a point in time, which is told; between one step and the next the state is as it was at that point.
    pub fn end_due(&mut self, now: Timestamp, most: usize) -> Timestamp {
        let Some(first) = self.next_ending().filter(|at| *at <= now) else { return now };
        let reached = match self.endings.iter().nth(most) {
            Some((at, _)) if *at <= now => at.just_before().max(first).max(self.now),
            _ => now,
        };
        self.end_until(reached);
        if self.next_ending().is_some_and(|at| at <= now) { reached } else { now }
    }

    fn end_until(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        while self.next_ending().is_some_and(|at| at <= now)
            && let Some((at, ending)) = self.endings.pop_first()
        {
            self.turn_usage(at);
            self.end((at, ending));
        }
    }

    fn end(&mut self, (at, ending): (Timestamp, Ending)) {
        match ending {
            Ending::Lapse(id, scope) => self.lapse(&scope, id),
            Ending::Allocation(id, scope) => {
                if let Some(number) = self.number_of(&scope, id) {
                    self.end_allocation(&scope, number, id, End::Expired, at);
                }
            }
            Ending::Rest(number, scope) => self.settle(&scope, number),
            Ending::Interaction(id, scope) => self.end_interaction(&scope, &id, at),
            Ending::Document(id, scope) => self.end_document(&scope, id),
            Ending::IdempotencyKey(key, scope) => self.forget_idempotency_key(&scope, &key),
        }
    }

    /// The shared name of a scope.
    fn shared(&self, scope: &Scope) -> Arc<Scope> {
        self.tables.shared(scope).map_or_else(|| Arc::new(scope.clone()), Arc::clone)
    }

    fn pools(&mut self, scope: &Arc<Scope>) -> &mut Pools {
        self.pools.entry(Arc::clone(scope)).or_default()
    }

    /// Gives out an id from the counter that `which` picks.
    fn next_id(&mut self, scope: &Arc<Scope>, which: fn(&mut Ids) -> &mut u64) -> u64 {
        self.next_ids(scope, which, 1)
    }

    /// Gives out so many ids of the scope, and tells the first of them.
    fn next_ids(&mut self, scope: &Arc<Scope>, which: fn(&mut Ids) -> &mut u64, count: u64) -> u64 {
        let mut ids = self.tables.ids(scope);
        let last = which(&mut ids);
        let first = *last + 1;
        *last += count;
        self.apply(Change::Ids(Arc::clone(scope), ids));
        first
    }

    /// Works out the pools, the endings and what tenants have anew from the tables.
    fn derive(&mut self) {
        self.pools.clear();
        self.endings.clear();
        self.usages = usages::Usages::of(&self.tables);
        self.keys = idempotency::Keys::default();
        self.trimmed = None;
        self.counting.begin_anew();
        let scopes: Vec<_> = self.tables.scopes().map(|(scope, _)| Arc::clone(scope)).collect();
        let latest = scopes.iter().filter_map(|scope| self.tables.scope(scope)).map(latest).max();
        self.now = self.now.max(latest.unwrap_or_default());
        for scope in scopes {
            self.derive_scope(&scope);
            self.derive_once(&scope);
        }
    }

    fn derive_scope(&mut self, scope: &Arc<Scope>) {
        let Some(tables) = self.tables.scope(scope) else { return };
        let mut pools = Pools::default();
        let mut planned = Vec::new();
        let rules = |group: &pools::Group| self.rules.group(&scope.tenant, group.as_ref()).clone();
        for (until, number) in pools.place(tables.numbers.values(), self.now, rules) {
            planned.push((until, Ending::Rest(number, Arc::clone(scope))));
        }
        for slot in tables.numbers.values().filter(|slot| slot.is_allocated()) {
            let cool_down = pools.cool_down(&slot.record.group);
            let all = slot.allocations().flat_map(|allocation| endings(scope, allocation, cool_down));
            planned.extend(all.filter(|ending| is_to_come(ending, self.now)));
        }
        for slot in tables.interactions.values() {
            if let Some(at) = slot.record.deadline.at() {
                planned.push((at, Ending::Interaction(slot.record.id.clone(), Arc::clone(scope))));
            }
        }
        for document in tables.documents.values() {
            if documents::ends_alone(document, self.now) {
                planned.push((document.kept_until, Ending::Document(document.id, Arc::clone(scope))));
            }
        }
        self.endings.append(&mut planned.into_iter().collect());
        self.pools.insert(Arc::clone(scope), pools);
    }

    fn slot(&self, scope: &Scope, number: Number) -> Option<&NumberSlot> {
        self.tables.slot(scope, number)
    }

    /// An allocation has reached its deadline and is kept for late calls.
    fn lapse(&mut self, scope: &Arc<Scope>, id: AllocationId) {
        let Some(number) = self.number_of(scope, id) else { return };
        let group = self.group_of(scope, number);
        self.pools(scope).lapse(&group, id);
        self.settle(scope, number);
    }

    /// The number that an allocation is of.
    fn number_of(&self, scope: &Scope, id: AllocationId) -> Option<Number> {
        self.tables.scope(scope)?.lent.get(&id).copied()
    }

    fn group_of(&self, scope: &Scope, number: Number) -> pools::Group {
        self.slot(scope, number)?.record.group.clone()
    }
}

/// What the clock will do to an allocation: end it when the rest after it is over and, where there is a rest, let it
/// lapse before that.
fn endings(
    scope: &Arc<Scope>,
    allocation: &Allocation,
    cool_down: Seconds,
) -> impl Iterator<Item = (Timestamp, Ending)> {
    let (id, deadline) = (allocation.id, allocation.deadline);
    let end = (deadline.after(cool_down), Ending::Allocation(id, Arc::clone(scope)));
    let lapse = (deadline < end.0).then(|| (deadline, Ending::Lapse(id, Arc::clone(scope))));
    std::iter::once(end).chain(lapse)
}

/// Whether an ending is planned: whatever has not lapsed by now is counted as lapsed already.
fn is_to_come((at, ending): &(Timestamp, Ending), now: Timestamp) -> bool {
    !matches!(ending, Ending::Lapse(..)) || now < *at
}

/// The latest point in time of which the tables tell; it has passed, whatever the time is now.
fn latest(tables: &ScopeTables) -> Timestamp {
    let used = tables.numbers.values().map(NumberSlot::last_used).max();
    let begun = tables.interactions.values().map(|slot| slot.record.since).max();
    used.max(begun).unwrap_or_default()
}

#[cfg(test)]
mod tests;
