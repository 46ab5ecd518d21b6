//! All that is known at one point, as a list that can be carried away.
//!
//! A copy of the tables would copy their indexes too, which takes a second for a million numbers; this list shares every
//! value with them and takes the time of walking through them once. The indexes follow from what is in it.

use std::collections::HashSet;
use std::sync::Arc;

use super::scope::InteractionSlot;
use super::{ScopeTables, Tables};
use crate::domain::change::{Change, Counters, Ids};
use crate::domain::history::{Bucket, Owner};
use crate::domain::tables::routes::CallContents;
use crate::domain::usage::{Group, Running, Span};
use crate::domain::{
    Allocation, AllocationId, AuditEntry, Document, IdempotencyKey, IdempotencyRecord, Interaction, NumberRecord,
    Scope, SigningKey,
};

/// All that was known at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    counters: Counters,
    signing_key: Option<SigningKey>,
    /// Everything before is forgotten.
    history_floors: Vec<(Owner, Bucket)>,
    /// How many entries of the history each bucket has, oldest first.
    history: Vec<(Owner, Bucket, u64)>,
    /// What people did, by whom it concerns.
    audit: Vec<Arc<AuditEntry>>,
    /// All quarters, and all hours, before these days are forgotten.
    usage_floors: Vec<(Span, u32)>,
    /// How many records of use each day has.
    usage: Vec<(Span, u32, u64)>,
    /// In the order of the scopes; only those that have anything in them.
    scopes: Vec<ScopeContents>,
}

/// What one scope has. The lists come as the tables have them; [`Contents::into_changes`] puts them in order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ScopeContents {
    scope: Arc<Scope>,
    ids: Ids,
    usage: Vec<(Group, Arc<Running>)>,
    numbers: Vec<Arc<NumberRecord>>,
    interactions: Vec<Arc<Interaction>>,
    allocations: Vec<Arc<Allocation>>,
    documents: Vec<Arc<Document>>,
    calls: CallContents,
    idempotency_records: Vec<(IdempotencyKey, Arc<IdempotencyRecord>)>,
}

/// The allocations of one scope at one point.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lendings {
    /// Those that are kept.
    pub running: HashSet<AllocationId>,
    /// The last one that had begun.
    pub last: AllocationId,
}

impl Tables {
    /// All that is known now. The match is exhaustive: a new table does not compile until it is
    /// handled here, kept or left out because it follows from others.
    pub fn contents(&self) -> Contents {
        let Self { scopes, counters, signing_key, history, audit, usage } = self;
        let filled = scopes.iter().filter(|(_, tables)| !tables.is_empty());
        let mut scopes: Vec<_> = filled.map(|(scope, tables)| tables.contents(scope)).collect();
        scopes.sort_unstable_by(|one, other| one.scope.cmp(&other.scope));
        let (history_floors, history) = (history.floors(), history.counts());
        let audit = audit.entries().cloned().collect();
        let (usage_floors, usage) = (usage.floors(), usage.counts());
        Contents {
            counters: *counters,
            signing_key: signing_key.clone(),
            history_floors,
            history,
            audit,
            usage_floors,
            usage,
            scopes,
        }
    }
}

impl ScopeTables {
    fn contents(&self, scope: &Arc<Scope>) -> ScopeContents {
        let Self {
            numbers,
            dnids: _,
            allocated_dnids: _,
            lent,
            groups: _,
            interactions,
            documents,
            calls,
            idempotency_records,
            expired: _,
            usage,
            ids,
        } = self;
        let mut allocations = Vec::with_capacity(lent.len());
        let numbers = numbers.values().map(|slot| {
            allocations.extend(slot.allocations().cloned());
            Arc::clone(&slot.record)
        });
        ScopeContents {
            scope: Arc::clone(scope),
            ids: *ids,
            usage: usage.iter().map(|(group, running)| (group.clone(), Arc::clone(running))).collect(),
            numbers: numbers.collect(),
            interactions: interactions
                .values()
                .map(|InteractionSlot { record, holds: _ }| Arc::clone(record))
                .collect(),
            allocations,
            documents: documents.values().cloned().collect(),
            calls: calls.contents(),
            idempotency_records: idempotency_records
                .iter()
                .map(|(key, record)| (key.clone(), Arc::clone(record)))
                .collect(),
        }
    }
}

impl Contents {
    /// How many things there are: numbers, interactions, allocations, documents, routes, queues, keys of requests,
    /// entries of the history and of the audit, and records of use.
    pub fn len(&self) -> usize {
        let lengths = self.scopes.iter().map(|scope| {
            let ScopeContents {
                scope: _,
                ids: _,
                usage: _,
                numbers,
                interactions,
                allocations,
                documents,
                calls,
                idempotency_records,
            } = scope;
            numbers.len()
                + interactions.len()
                + allocations.len()
                + documents.len()
                + calls.len()
                + idempotency_records.len()
        });
        let ended: u64 = self.history.iter().map(|(_, _, count)| count).sum();
        let used: u64 = self.usage.iter().map(|(.., count)| count).sum();
        lengths.sum::<usize>() + self.audit.len() + usize::try_from(ended + used).unwrap_or(usize::MAX)
    }

    /// The allocations of each scope.
    pub fn lent(&self) -> impl Iterator<Item = (&Arc<Scope>, Lendings)> {
        let before = self.counters.before;
        self.scopes.iter().map(move |contents| {
            let running = contents.allocations.iter().map(|allocation| allocation.id).collect();
            (&contents.scope, Lendings { running, last: AllocationId(contents.ids.max(before).allocation) })
        })
    }

    /// How many entries of the history each bucket has, oldest first.
    pub fn history(&self) -> &[(Owner, Bucket, u64)] {
        &self.history
    }

    /// How many records of use each day has.
    pub fn usage(&self) -> &[(Span, u32, u64)] {
        &self.usage
    }

    /// The quarter of an hour of which the groups have figures that are not written down yet; all have the same.
    pub fn running_quarter(&self) -> Option<u32> {
        self.scopes.iter().flat_map(|scope| &scope.usage).map(|(_, running)| running.quarter).min()
    }

    /// Whether there is nothing but the counters.
    pub fn is_empty(&self) -> bool {
        self.scopes.is_empty() && self.history.is_empty() && self.audit.is_empty()
    }

    /// The changes that make all of it out of nothing, each after those that it speaks of, in an order that follows from
    /// what is known alone. An entry of a document follows the document; the bytes of large
    /// values, the entries of the history and the records of use are not among them.
    pub fn into_changes(self) -> impl Iterator<Item = Change> + Send {
        let counters = std::iter::once(Change::Counters(self.counters));
        let counters = counters.chain(self.signing_key.map(Change::SigningKey));
        let forgotten = self.history_floors.into_iter();
        let forgotten = forgotten.filter_map(|(owner, floor)| Some(Change::HistoryDropped(owner, floor.before()?)));
        let audit = self.audit.into_iter();
        let audit = audit.map(|entry| Change::Audited(entry.owner.clone(), entry.id, Some(entry)));
        let unused = self.usage_floors.into_iter();
        let unused = unused.map(|(span, floor)| Change::UsageDropped(span, floor.saturating_sub(1)));
        counters
            .chain(forgotten)
            .chain(audit)
            .chain(unused)
            .chain(self.scopes.into_iter().flat_map(ScopeContents::into_changes))
    }
}

impl ScopeContents {
    fn into_changes(self) -> impl Iterator<Item = Change> + Send {
        let Self {
            scope,
            ids,
            usage,
            numbers,
            mut interactions,
            mut allocations,
            mut documents,
            calls,
            mut idempotency_records,
        } = self;
        interactions.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        allocations.sort_unstable_by_key(|allocation| allocation.id);
        documents.sort_unstable_by_key(|document| document.id);
        idempotency_records.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let given = (ids != Ids::default()).then(|| Change::Ids(Arc::clone(&scope), ids));
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
        let of = Arc::clone(&scope);
        let usage = usage.into_iter().map(move |(group, running)| Change::Usage(Arc::clone(&of), group, Some(running)));
        let of = Arc::clone(&scope);
        let idempotency_records = idempotency_records
            .into_iter()
            .map(move |(key, record)| Change::IdempotencyKey(Arc::clone(&of), key, Some(record)));
        let documents = documents.into_iter().flat_map(move |document| of_document(&scope, document));
        given
            .into_iter()
            .chain(numbers)
            .chain(interactions)
            .chain(allocations)
            .chain(documents)
            .chain(calls)
            .chain(usage)
            .chain(idempotency_records)
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
