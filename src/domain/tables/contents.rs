//! All that is known at one point, as a list that can be carried away.
//!
//! A copy of the tables would copy their indexes too, which takes a second for a million numbers; this list shares every
//! value with them and takes the time of walking through them once. The indexes follow from what is in it.

use std::sync::Arc;

use super::{InteractionSlot, ScopeTables, Tables};
use crate::domain::change::{Change, Counters};
use crate::domain::routes::CallContents;
use crate::domain::{Allocation, Document, Interaction, NumberRecord, Scope, SigningKey};

/// All that was known at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    counters: Counters,
    signing_key: Option<SigningKey>,
    /// In the order of the scopes; only those that have anything in them.
    scopes: Vec<ScopeContents>,
}

/// What one scope has. The lists come as the tables have them; [`Contents::into_changes`] puts them in order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ScopeContents {
    scope: Arc<Scope>,
    numbers: Vec<Arc<NumberRecord>>,
    interactions: Vec<Arc<Interaction>>,
    allocations: Vec<Arc<Allocation>>,
    documents: Vec<Arc<Document>>,
    calls: CallContents,
}

impl Tables {
    /// All that is known now. Whoever adds to the tables is asked here by the compiler what of it cannot be derived.
    pub fn contents(&self) -> Contents {
        let Self { scopes, counters, signing_key, history: _ } = self;
        let filled = scopes.iter().filter(|(_, tables)| !tables.is_empty());
        let mut scopes: Vec<_> = filled.map(|(scope, tables)| tables.contents(scope)).collect();
        scopes.sort_unstable_by(|one, other| one.scope.cmp(&other.scope));
        Contents { counters: *counters, signing_key: signing_key.clone(), scopes }
    }
}

impl ScopeTables {
    fn contents(&self, scope: &Arc<Scope>) -> ScopeContents {
        let Self { numbers, dnids: _, allocated_dnids: _, lent, groups: _, interactions, documents, calls, once: _ } =
            self;
        let mut allocations = Vec::with_capacity(lent.len());
        let numbers = numbers.values().map(|slot| {
            allocations.extend(slot.allocations().cloned());
            Arc::clone(&slot.record)
        });
        ScopeContents {
            scope: Arc::clone(scope),
            numbers: numbers.collect(),
            interactions: interactions
                .values()
                .map(|InteractionSlot { record, holds: _ }| Arc::clone(record))
                .collect(),
            allocations,
            documents: documents.values().cloned().collect(),
            calls: calls.contents(),
        }
    }
}

impl Contents {
    /// How many numbers, interactions, allocations, documents, routes and queues there are.
    pub fn len(&self) -> usize {
        let lengths = self.scopes.iter().map(|scope| {
            let ScopeContents { scope: _, numbers, interactions, allocations, documents, calls } = scope;
            numbers.len() + interactions.len() + allocations.len() + documents.len() + calls.len()
        });
        lengths.sum()
    }

    /// Whether there is nothing but the counters.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// The changes that make all of it out of nothing, each after those that it speaks of, in an order that follows from
    /// what is known alone. An entry of a document follows the document; the bytes of large values are not among them.
    pub fn into_changes(self) -> impl Iterator<Item = Change> + Send {
        let counters = std::iter::once(Change::Counters(self.counters));
        let counters = counters.chain(self.signing_key.map(Change::SigningKey));
        counters.chain(self.scopes.into_iter().flat_map(ScopeContents::into_changes))
    }
}

impl ScopeContents {
    fn into_changes(self) -> impl Iterator<Item = Change> + Send {
        let Self { scope, numbers, mut interactions, mut allocations, mut documents, calls } = self;
        interactions.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        allocations.sort_unstable_by_key(|allocation| allocation.id);
        documents.sort_unstable_by_key(|document| document.id);
        let of = Arc::clone(&scope);
        let numbers =
            numbers.into_iter().map(move |record| Change::Number(Arc::clone(&of), record.number, Some(record)));
        let of = Arc::clone(&scope);
        let interactions = interactions
            .into_iter()
            .map(move |record| Change::Interaction(Arc::clone(&of), record.id.clone(), Some(record)));
        let of = Arc::clone(&scope);
        let allocations = allocations.into_iter().map(move |allocation| Change::Allocated(Arc::clone(&of), allocation));
        let calls = calls.into_changes(Arc::clone(&scope));
        let documents = documents.into_iter().flat_map(move |document| of_document(&scope, document));
        numbers.chain(interactions).chain(allocations).chain(documents).chain(calls)
    }
}

/// A document and its entries.
fn of_document(scope: &Arc<Scope>, document: Arc<Document>) -> Vec<Change> {
    let id = document.id;
    let entries: Vec<_> = document.entries.iter().map(|(key, entry)| (key.clone(), entry.clone())).collect();
    let whole = std::iter::once(Change::Document(Arc::clone(scope), id, Some(document)));
    let entries = entries.into_iter().map(|(key, entry)| Change::Entry(Arc::clone(scope), id, key, Some(entry)));
    whole.chain(entries).collect()
}
