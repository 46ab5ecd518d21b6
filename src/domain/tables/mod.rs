//! What is known: numbers, allocations, interactions and documents of every scope, and the questions readers ask.
//!
//! A table changes in one way only, by applying a [`Change`]. The state applies each change as it decides it, a store
//! applies the same changes to the copy its readers see once they are durable, and a start replays them from disk; so
//! all three agree by construction. Values are shared between the copies, not cloned.

mod contents;
mod dnids;
mod expired;
pub mod routes;
mod scope;
pub(in crate::domain) mod slot;
mod undo;

use std::cmp::Reverse;
use std::sync::Arc;

use super::audit;
use super::change::{Change, Counters, Ids};
use super::hash::FastMap;
use super::history::{Bucket, End, HistoryQuery, Kept, Known, Owner};
use super::usage::{self, Group, Running, Span};
use super::{
    AccessCode, AuditEntry, AuditId, AuditQuery, Dialled, Document, DocumentId, DocumentRef, GroupName, IdempotencyKey,
    IdempotencyRecord, Interaction, InteractionId, Number, NumberRecord, Overdial, Part, Route, RouteFilter, RouteId,
    Scope, Sharing, SigningKey, Skill, SkillId, Timestamp,
};
use routes::{CallTables, RoutePage, Routed};
use slot::NumberSlot;

pub use contents::{Contents, Lendings};
pub(super) use scope::ScopeTables;
pub use slot::FoundNumber;

/// A page of a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many numbers the whole list has.
    pub total: usize,
    /// The numbers of this page, in the order of the numbers.
    pub numbers: Vec<FoundNumber>,
}

/// What is known of every scope.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    scopes: FastMap<Arc<Scope>, ScopeTables>,
    counters: Counters,
    signing_key: Option<SigningKey>,
    history: Kept,
    audit: audit::Kept,
    usage: usage::Kept,
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
            Change::IdempotencyKey(scope, key, record) => {
                let keys = &mut self.scope_mut(scope).idempotency_records;
                match record {
                    Some(record) => keys.insert(key.clone(), Arc::clone(record)),
                    None => keys.remove(key),
                };
            }
            Change::Skill(scope, id, skill) => self.scope_mut(scope).calls.set_skill(*id, skill.as_ref()),
            Change::Route(scope, dnid, route) => self.scope_mut(scope).calls.set_route(*dnid, route.as_ref()),
            Change::Numbering(scope, numbering) => self.scope_mut(scope).calls.numbering = *numbering,
            Change::SigningKey(key) => self.signing_key = Some(key.clone()),
            Change::Ended(scope, past) => {
                self.history.set(Some(&scope.tenant), past.bucket, past.count);
                if past.end == End::Expired {
                    self.scope_mut(scope).expired.note(past.allocation.number, past.until);
                }
            }
            Change::HistoryDropped(owner, bucket) => self.history.drop(owner.as_ref(), *bucket),
            Change::Audited(owner, id, entry) => self.audit.set(owner, *id, entry.as_ref()),
            Change::Usage(scope, group, running) => {
                let usage = &mut self.scope_mut(scope).usage;
                match running {
                    Some(running) => drop(usage.insert(group.clone(), Arc::clone(running))),
                    None => drop(usage.remove(group)),
                }
            }
            Change::Used(_, record) => self.usage.set(record.span, record.span.day(record.slot), record.count),
            Change::UsageDropped(span, day) => self.usage.drop(*span, *day),
            Change::Ids(scope, ids) => self.scope_mut(scope).ids = *ids,
            Change::Counters(counters) => self.counters = *counters,
            Change::Entry(..) | Change::ValueKept(..) | Change::ValueDropped(..) => {}
        }
    }

    /// Makes changes part of what is known, one after the other. Many new numbers in a row take little time in this way.
    pub fn apply_all(&mut self, changes: &[Change]) {
        for run in changes.chunk_by(Self::goes_on) {
            match (&run[0], self.new_numbers(run)) {
                (Change::Number(scope, ..), Some(records)) => self.add_numbers(scope, &records),
                _ => run.iter().for_each(|change| self.apply(change)),
            }
        }
    }

    /// Puts in numbers that are not there yet, each once.
    pub fn add_numbers(&mut self, scope: &Arc<Scope>, records: &[Arc<NumberRecord>]) {
        self.scope_mut(scope).add_numbers(records);
    }

    /// Whether a change goes on with the numbers of a scope that another one before it makes.
    pub(super) fn goes_on(one: &Change, other: &Change) -> bool {
        match (one, other) {
            (Change::Number(one, _, Some(_)), Change::Number(other, _, Some(_))) => one == other,
            _ => false,
        }
    }

    /// The numbers of one scope that changes speak of, if none of them is there yet and none comes twice.
    pub(super) fn new_numbers(&self, changes: &[Change]) -> Option<Vec<Arc<NumberRecord>>> {
        let known = |scope, number| self.slot(scope, number).is_some();
        let new = changes.iter().map(|change| match change {
            Change::Number(scope, number, Some(record)) if !known(scope, *number) => Some(Arc::clone(record)),
            _ => None,
        });
        let mut records = new.collect::<Option<Vec<_>>>()?;
        records.sort_unstable_by_key(|record| record.number);
        records.is_sorted_by(|one, other| one.number < other.number).then_some(records)
    }

    /// Makes room of what has grown key by key; worth its time after a load.
    pub fn pack(&mut self) {
        self.scopes.values_mut().for_each(ScopeTables::pack);
    }

    fn scope_mut(&mut self, scope: &Arc<Scope>) -> &mut ScopeTables {
        // Counting one more owner costs a tenth of a second look-up.
        self.scopes.entry(Arc::clone(scope)).or_default()
    }

    pub(super) fn scope(&self, scope: &Scope) -> Option<&ScopeTables> {
        self.scopes.get(scope)
    }

    /// The one shared name of a scope that has or had anything in it, so that a record of a scope costs a pointer.
    pub fn shared(&self, scope: &Scope) -> Option<&Arc<Scope>> {
        self.scopes.get_key_value(scope).map(|(shared, _)| shared)
    }

    /// Every scope that has or had anything in it.
    pub(super) fn scopes(&self) -> impl Iterator<Item = (&Arc<Scope>, &ScopeTables)> {
        self.scopes.iter()
    }

    /// The last ids given out in a scope.
    pub fn ids(&self, scope: &Scope) -> Ids {
        self.scope(scope).map(|scope| scope.ids).unwrap_or_default().max(self.counters.before)
    }

    /// The last ids given out that are counted for all scopes together.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Whether nothing was ever written, but for what the audit tells of the configuration.
    pub fn is_empty(&self) -> bool {
        self.counters == Counters::default() && self.scopes.values().all(ScopeTables::is_empty)
    }

    /// Looks a number up by its whole digits.
    pub fn number(&self, scope: &Scope, number: Number, now: Timestamp) -> Option<FoundNumber> {
        self.scope(scope)?.numbers.get(&number).map(|slot| slot.found(now))
    }

    /// Looks a number up as a caller dialled it: by its whole digits, else by its DNID. Of several numbers with one
    /// DNID the one allocated latest counts, else the first.
    pub fn dialled(&self, scope: &Scope, dialled: Number, now: Timestamp) -> Option<FoundNumber> {
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
            Some(group) => match scope.group(&Some(group.clone())) {
                None => Page { total: 0, numbers: Vec::new() },
                Some(table) => {
                    let members = table.members.iter().skip(offset).take(limit);
                    let numbers = members.filter_map(|number| scope.numbers.get(number)).map(|slot| slot.found(now));
                    Page { total: table.members.len(), numbers: numbers.collect() }
                }
            },
        }
    }

    /// The numbers that a call to `dialled` may be for: the one with these whole digits, else those with this DNID. Where
    /// several have it, only the allocated ones, newest allocation first and bounded.
    pub(super) fn answering(&self, scope: &Scope, dialled: Number) -> Vec<&NumberSlot> {
        self.scope(scope).map(|scope| scope.answering(dialled)).unwrap_or_default()
    }

    /// The numbers with a DNID, lent or not, in their order.
    pub(super) fn with_dnid(&self, scope: &Scope, dnid: Number) -> impl Iterator<Item = &NumberSlot> {
        self.scope(scope).into_iter().flat_map(move |scope| scope.with_dnid(dnid))
    }

    pub(super) fn slot(&self, scope: &Scope, number: Number) -> Option<&NumberSlot> {
        self.scope(scope)?.numbers.get(&number)
    }

    /// Whether the last allocation of a number that carries none has expired, as far as that is still known.
    pub(super) fn has_just_expired(&self, scope: &Scope, slot: &NumberSlot) -> bool {
        let expired = self.scope(scope).and_then(|scope| scope.expired.at(slot.record.number));
        expired.is_some() && expired == slot.record.freed.map(|last| last.at)
    }

    /// Whether an allocation fits on a number beside those that are there: one that wants it for itself fits only where
    /// none does so, and no two have the same code.
    pub fn takes(&self, scope: &Scope, number: Number, sharing: Sharing, code: Option<&AccessCode>) -> bool {
        self.slot(scope, number).is_some_and(|slot| slot.takes(sharing, code))
    }

    /// Whether any number of the scope carries the group's name.
    pub fn has_group(&self, scope: &Scope, group: &GroupName) -> bool {
        self.scope(scope).is_some_and(|scope| scope.group(&Some(group.clone())).is_some())
    }

    /// The id of an interaction that is kept, its deadline passed or not.
    pub fn known_interaction(&self, scope: &Scope, id: &InteractionId) -> Option<&InteractionId> {
        self.scope(scope)?.interactions.get(id).map(|slot| &slot.record.id)
    }

    /// A live interaction.
    pub fn interaction(&self, scope: &Scope, id: &InteractionId, now: Timestamp) -> Option<&Arc<Interaction>> {
        let slot = self.scope(scope)?.interactions.get(id)?;
        Some(&slot.record).filter(|record| record.live(now))
    }

    /// Every document that is kept, live or not.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.scopes.values().flat_map(|scope| scope.documents.values())
    }

    /// A document that is kept, live or not.
    pub fn kept_document(&self, scope: &Scope, id: DocumentId) -> Option<&Arc<Document>> {
        self.scope(scope)?.documents.get(&id)
    }

    pub(super) fn history(&self) -> &Kept {
        &self.history
    }

    /// How many entries the history has.
    pub fn history_entries(&self) -> u64 {
        self.history.total()
    }

    /// The bucket before which everything of an owner's history is dropped.
    pub fn history_floor(&self, owner: &Owner) -> Bucket {
        self.history.floor(owner.as_ref())
    }

    /// The layers of all of whose history anything was dropped.
    pub fn history_floors(&self) -> Vec<(Owner, Bucket)> {
        self.history.floors()
    }

    /// A start finds so many entries of somebody's history in a bucket.
    pub fn set_history(&mut self, owner: &Owner, bucket: Bucket, count: u64) {
        self.history.set(owner.as_ref(), bucket, count);
    }

    /// A start finds that everything of somebody's history before this bucket is dropped.
    pub fn set_history_floor(&mut self, owner: &Owner, floor: Bucket) {
        self.history.raise_floor(owner.as_ref(), floor);
    }

    /// What is known here of the history that is asked for.
    pub fn known_history(&self, scope: &Scope, query: &HistoryQuery, now: Timestamp) -> Known {
        let slot = self.slot(scope, query.number);
        let mut running: Vec<_> = slot.into_iter().flat_map(|slot| slot.held(now)).collect();
        running.sort_by_key(|held| Reverse(held.allocation.id));
        Known { running, buckets: self.history.since(&scope.tenant, query.from) }
    }

    /// What is remembered of a key.
    pub fn idempotency_record(&self, scope: &Scope, key: &IdempotencyKey) -> Option<&Arc<IdempotencyRecord>> {
        self.scope(scope)?.idempotency_records.get(key)
    }

    /// A live document, to whoever names it rightly.
    pub fn document(&self, scope: &Scope, named: &DocumentRef, now: Timestamp) -> Option<&Arc<Document>> {
        let scope = self.scope(scope)?;
        let document = scope.documents.get(&named.id)?;
        let holder = || document.interaction.as_ref().and_then(|id| scope.interactions.get(id));
        let live = now < document.kept_until || holder().is_some_and(|holder| holder.record.live(now));
        let answers = document.ownership == named.ownership && named.asker.reaches(document.application.as_ref());
        Some(document).filter(|_| live && answers)
    }
}

/// What the groups are used for.
impl Tables {
    /// In the quarter of an hour that runs.
    pub(super) fn usage(&self, scope: &Scope, group: &Group) -> Option<&Arc<Running>> {
        self.scope(scope)?.usage.get(group)
    }

    /// The same of all groups of which there is anything.
    pub(super) fn usages(&self) -> impl Iterator<Item = (&Arc<Scope>, &Group, &Arc<Running>)> {
        self.scopes.iter().flat_map(|(scope, tables)| tables.usage.iter().map(move |(group, it)| (scope, group, it)))
    }

    pub(super) fn kept_usage(&self) -> &usage::Kept {
        &self.usage
    }

    /// What is known here of the use of a group from `from` on, before `to`.
    pub fn known_usage(&self, scope: &Scope, group: &Group, from: Timestamp, to: Timestamp) -> usage::Known {
        usage::Known { running: self.usage(scope, group).cloned(), days: self.usage.days(from, to) }
    }

    /// The day before which all quarters, or hours, are dropped.
    pub fn usage_floor(&self, span: Span) -> u32 {
        self.usage.floor(span)
    }

    /// Of what anything was dropped, and up to which day.
    pub fn usage_floors(&self) -> Vec<(Span, u32)> {
        self.usage.floors()
    }

    /// A start finds so many records of a day.
    pub fn set_usage(&mut self, span: Span, day: u32, count: u64) {
        self.usage.set(span, day, count);
    }

    /// A start finds that everything before this day is dropped.
    pub fn set_usage_floor(&mut self, span: Span, floor: u32) {
        self.usage.raise_floor(span, floor);
    }
}

/// Called routes and the queues that somebody made.
impl Tables {
    pub(super) fn calls(&self, scope: &Scope) -> Option<&CallTables> {
        self.scope(scope).map(|scope| &scope.calls)
    }

    /// Where a dialled number goes: the whole number, else the hotline it begins with if digits too many are allowed.
    pub fn routed(&self, scope: &Scope, dialled: &Dialled, overdial: Overdial) -> Option<Routed> {
        self.calls(scope)?.routed(dialled, overdial)
    }

    /// Whether a route fits beside those that are there: no two have one dialled number, one id or one configuration
    /// number.
    pub fn takes_route(&self, scope: &Scope, route: &Route) -> bool {
        self.calls(scope).is_none_or(|calls| {
            calls.of_dialled(&route.dialled()).is_none()
                && calls.of_id(route.id).is_none()
                && calls.of_dnid(route.dnid).is_none()
        })
    }

    /// Looks a route up by its id.
    pub fn route(&self, scope: &Scope, id: RouteId) -> Option<&Arc<Route>> {
        self.calls(scope)?.of_id(id)
    }

    /// Lists the routes that the filter shows, in the order of their configuration numbers.
    pub fn routes(&self, scope: &Scope, filter: &RouteFilter, offset: usize, limit: usize) -> RoutePage {
        self.calls(scope).map(|calls| calls.page(filter, offset, limit)).unwrap_or_default()
    }

    /// The queues that somebody made, in the order of their ids. The configured ones are not among them.
    pub fn skills(&self, scope: &Scope) -> Vec<Arc<Skill>> {
        self.calls(scope).map(|calls| calls.skills.values().cloned().collect()).unwrap_or_default()
    }

    /// Looks up a queue that somebody made.
    pub fn skill(&self, scope: &Scope, id: SkillId) -> Option<&Arc<Skill>> {
        self.calls(scope)?.skills.get(&id)
    }

    /// What people did, as far as it is kept: newest first.
    pub fn audit_part(&self, query: &AuditQuery) -> Part<Arc<AuditEntry>, AuditId> {
        self.audit.part(query)
    }

    pub(super) fn audit(&self) -> &audit::Kept {
        &self.audit
    }

    /// The key that tokens are signed with, if one was made.
    pub fn signing_key(&self) -> Option<&SigningKey> {
        self.signing_key.as_ref()
    }
}
