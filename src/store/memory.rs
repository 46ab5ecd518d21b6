//! The pure engine: the domain's state and nothing else. The oracle of the model test, and fast in tests of the floors
//! above. It forgets everything with the process.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use uuid::Uuid;

use super::import::{BadRow, Existing, Import, ImportRow, Imported, Staging};
use super::loading::{self, Values};
use super::snapshot::Ended;
use super::{Clock, Error, LoadedEntry, Matched, Origin, Recognised, Resolved, Result, Snapshot, Store, WithData};
use crate::domain::document::Loaded;
use crate::domain::history::{Bucket, Held, Past};
use crate::domain::route::DeletedRoutes;
use crate::domain::routes::RoutePage;
use crate::domain::state::{AfterMatch, Criteria, Lend, Lent, PoolHealth, Seeds, Taken, Turn, Which};
use crate::domain::tables::{Found, Page};
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, ApplicationName, Candidate, Change, Destination, Dialled, DocumentId,
    DocumentRef, GroupName, HistoryPage, HistoryQuery, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber,
    NewRoute, NewSkill, Number, NumberFilter, NumberId, NumberPatch, Once, Overdial, Part, Refusal, Resolve, Route,
    RouteFilter, RouteId, Routed, Rules, Scope, Seconds, SigningKey, Skill, SkillId, State, Tables, TenantUsage,
    Timestamp, ValueId,
};

/// The engine.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    inner: Mutex<Inner>,
    closed: AtomicBool,
}

/// What has ended, by where it is kept, whose it is, and number.
type Pasts = BTreeMap<(Bucket, Arc<Scope>, Number, AllocationId), Arc<Past>>;

struct Inner {
    /// Which store it is, and how many commands it has carried out.
    id: Uuid,
    commits: u64,
    state: State,
    rng: StdRng,
    values: HashMap<ValueId, Arc<[u8]>>,
    history: Pasts,
}

impl MemoryStore {
    /// An empty store whose every draw follows from `seed`.
    pub fn new(clock: Arc<dyn Clock>, rules: Rules, seed: u64) -> Self {
        let state = State::new(Tables::default(), rules);
        let (rng, values) = (StdRng::seed_from_u64(seed), HashMap::new());
        let inner =
            Inner { id: Uuid::from_u64_pair(0, seed), commits: 0, state, rng, values, history: BTreeMap::new() };
        Self { clock, inner: Mutex::new(inner), closed: AtomicBool::new(false) }
    }

    /// What a restart does to an engine that keeps its state: everything but the tables is worked out anew, and the
    /// draws follow from another seed.
    pub fn restart(&self, rules: Rules, seed: u64) {
        self.closed.store(false, Ordering::Relaxed);
        let mut inner = self.inner.lock();
        inner.state = State::new(inner.state.tables().clone(), rules);
        inner.rng = StdRng::seed_from_u64(seed);
    }

    fn write<T>(&self, command: impl FnOnce(&mut Turn<'_>) -> std::result::Result<T, Refusal>) -> Result<T> {
        self.write_with(command, |outcome, _| outcome)
    }

    /// Runs a command and lets `finish` look at the values before those are dropped that the command no longer needs.
    fn write_with<T, U>(
        &self,
        command: impl FnOnce(&mut Turn<'_>) -> std::result::Result<T, Refusal>,
        finish: impl FnOnce(T, &HashMap<ValueId, Arc<[u8]>>) -> U,
    ) -> Result<U> {
        self.open()?;
        let mut inner = self.inner.lock();
        let Inner { id: _, commits, state, rng, values, history } = &mut *inner;
        let outcome = command(&mut state.at(self.clock.now(), rng));
        let changes = state.take_changes();
        *commits += u64::from(!changes.is_empty());
        for change in &changes {
            match change {
                Change::ValueKept(id, bytes) => {
                    values.insert(*id, Arc::clone(bytes));
                }
                Change::Ended(scope, past) => {
                    let Past { bucket, allocation, .. } = &**past;
                    history.insert((*bucket, Arc::clone(scope), allocation.number, allocation.id), Arc::clone(past));
                }
                Change::HistoryDropped(dropped) => history.retain(|(bucket, ..), _| bucket > dropped),
                _ => {}
            }
        }
        let outcome = outcome.map(|outcome| finish(outcome, values));
        for change in &changes {
            if let Change::ValueDropped(id, _) = change {
                values.remove(id);
            }
        }
        Ok(outcome?)
    }

    /// Refuses what comes after the end.
    fn open(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) { Err(Error::Unavailable("the store is closed".into())) } else { Ok(()) }
    }

    fn read<T>(&self, query: impl FnOnce(&Tables, Timestamp) -> T) -> T {
        query(self.inner.lock().state.tables(), self.clock.now())
    }

    fn read_values<T>(&self, query: impl FnOnce(&Inner, Timestamp) -> std::result::Result<T, Infallible>) -> T {
        match query(&self.inner.lock(), self.clock.now()) {
            Ok(answer) => answer,
        }
    }
}

/// The candidate with its document.
fn recognised(candidate: &Candidate, values: &HashMap<ValueId, Arc<[u8]>>) -> Recognised {
    let data = candidate.document.as_ref().and_then(|document| match loading::document(document, values) {
        Ok(loaded) => loaded,
    });
    Recognised { candidate: candidate.clone(), data }
}

impl Values for HashMap<ValueId, Arc<[u8]>> {
    type Error = Infallible;

    fn value(&self, id: ValueId, _length: u64) -> std::result::Result<Option<Arc<[u8]>>, Infallible> {
        Ok(self.get(&id).cloned())
    }
}

/// What a snapshot reads beside the tables.
struct Kept {
    values: HashMap<ValueId, Arc<[u8]>>,
    history: Pasts,
}

impl Values for Kept {
    type Error = Infallible;

    fn value(&self, id: ValueId, length: u64) -> std::result::Result<Option<Arc<[u8]>>, Infallible> {
        self.values.value(id, length)
    }
}

impl Ended for Kept {
    fn ended(&self, bucket: Bucket) -> std::result::Result<Vec<(Arc<Scope>, Past)>, String> {
        let of = self.history.iter().filter(|((kept, ..), _)| *kept == bucket);
        Ok(of.map(|((_, scope, ..), past)| (Arc::clone(scope), (**past).clone())).collect())
    }
}

/// An import that is staged in memory.
struct MemoryImport<'s> {
    store: &'s MemoryStore,
    staging: Staging,
}

#[async_trait]
impl Import for MemoryImport<'_> {
    async fn stage(&mut self, rows: Vec<ImportRow>) -> Result<Vec<BadRow>> {
        let Self { store, staging } = self;
        let scope = staging.scope.clone();
        let sifted =
            store.read(|tables, now| staging.sift(rows, |number| tables.number(&scope, number, now).is_some()));
        if !sifted.fresh.is_empty() {
            let first = store.write(|turn| Ok(turn.reserve_numbers(&staging.scope, sifted.fresh.len() as u64)))?;
            staging.keep(first, sifted.fresh);
        }
        Ok(sifted.bad)
    }

    async fn commit(self: Box<Self>) -> Result<Imported> {
        let Self { store, staging } = *self;
        let outcome = store.write(|turn| {
            let exist = turn.existing(&staging.scope, staging.records());
            if !exist.is_empty() {
                return Ok(Err(exist));
            }
            turn.import_numbers(&staging.scope, staging.records());
            Ok(Ok(()))
        })?;
        Ok(staging.imported(outcome))
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create_number(&self, scope: &Scope, new: NewNumber, once: Option<Once>) -> Result<NumberId> {
        self.write(|turn| turn.under(once).create_number(scope, new))
    }

    async fn import_numbers(&self, scope: &Scope, existing: Existing) -> Result<Box<dyn Import + '_>> {
        self.open()?;
        Ok(Box::new(MemoryImport { store: self, staging: Staging::new(scope, existing) }))
    }

    async fn update_number(&self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<Found> {
        self.write(|turn| turn.update_number(scope, number, patch))
    }

    async fn delete_number(&self, scope: &Scope, number: Number) -> Result<()> {
        self.write(|turn| turn.delete_number(scope, number))
    }

    async fn lend(&self, scope: &Scope, lend: Lend, once: Option<Once>) -> Result<Lent> {
        self.write(|turn| turn.under(once).lend(scope, lend))
    }

    async fn free(&self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>> {
        self.write(|turn| turn.free(scope, dialled))
    }

    async fn hand_over(&self, scope: &Scope, dialled: Number, left: Seconds) -> Result<Option<Arc<Allocation>>> {
        self.write(|turn| turn.hand_over(scope, dialled, left))
    }

    async fn renew_allocation(&self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent> {
        self.write(|turn| turn.renew_allocation(scope, id, lasting))
    }

    async fn free_allocation(&self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>> {
        self.write(|turn| turn.free_allocation(scope, id))
    }

    async fn match_call(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>> {
        self.write_with(
            |turn| turn.match_call(scope, &criteria, which, after),
            |matches, values| {
                let with_data = |found: crate::domain::state::Match| {
                    let document = found.document.as_ref().filter(|_| data == WithData::Yes);
                    let data = document.and_then(|document| match loading::document(document, values) {
                        Ok(loaded) => loaded,
                    });
                    Matched { found, data }
                };
                matches.into_iter().map(with_data).collect()
            },
        )
    }

    async fn resolve(&self, scope: &Scope, call: &Resolve) -> Result<Resolved> {
        Ok(self.read_values(|inner, now| {
            let resolution = call.look(inner.state.tables(), inner.state.rules(), scope, now);
            let candidates = resolution.candidates.iter().map(|candidate| recognised(candidate, &inner.values));
            Ok(Resolved::of(&resolution, candidates.collect(), false))
        }))
    }

    async fn take_call(&self, scope: &Scope, call: Resolve) -> Result<Resolved> {
        self.write_with(
            |turn| Ok(turn.take_call(scope, &call)),
            |Taken { resolution, freed }, values| {
                let candidates = resolution.candidates.iter().map(|candidate| recognised(candidate, values)).collect();
                Resolved::of(&resolution, candidates, freed)
            },
        )
    }

    async fn create_interaction(
        &self,
        scope: &Scope,
        new: NewInteraction,
        once: Option<Once>,
    ) -> Result<Arc<Interaction>> {
        self.write(|turn| turn.under(once).create_interaction(scope, new))
    }

    async fn delete_interaction(&self, scope: &Scope, id: &InteractionId) -> Result<()> {
        self.write(|turn| turn.delete_interaction(scope, id))
    }

    async fn create_document(
        &self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        application: Option<ApplicationName>,
        once: Option<Once>,
    ) -> Result<DocumentId> {
        self.write(|turn| turn.under(once).create_document(scope, entries, ttl, application))
    }

    async fn merge_document(
        &self,
        scope: &Scope,
        named: DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
        once: Option<Once>,
    ) -> Result<()> {
        self.write(|turn| turn.under(once).merge_document(scope, &named, entries, ttl))
    }

    async fn delete_document(&self, scope: &Scope, named: DocumentRef) -> Result<()> {
        self.write(|turn| turn.delete_document(scope, &named))
    }

    async fn delete_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<()> {
        self.write(|turn| turn.delete_entry(scope, &named, key))
    }

    async fn number(&self, scope: &Scope, number: Number) -> Result<Option<Found>> {
        Ok(self.read(|tables, now| tables.number(scope, number, now)))
    }

    async fn dialled(&self, scope: &Scope, dialled: Number) -> Result<Option<Found>> {
        Ok(self.read(|tables, now| tables.dialled(scope, dialled, now)))
    }

    async fn numbers(&self, scope: &Scope, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page> {
        Ok(self.read(|tables, now| tables.list(scope, group, offset, limit, now)))
    }

    async fn numbers_after(
        &self,
        scope: &Scope,
        filter: &NumberFilter,
        after: Option<Number>,
        limit: usize,
    ) -> Result<Part<Found, Number>> {
        let inner = self.inner.lock();
        let rules = inner.state.rules();
        Ok(inner.state.tables().numbers_after(scope, filter, rules, after, limit, self.clock.now()))
    }

    async fn allocation(&self, scope: &Scope, id: AllocationId) -> Result<Option<Arc<Allocation>>> {
        Ok(self.read(|tables, now| tables.allocation(scope, id, now).cloned()))
    }

    async fn allocations_after(
        &self,
        scope: &Scope,
        filter: &AllocationFilter,
        after: Option<AllocationId>,
        limit: usize,
    ) -> Result<Part<Arc<Allocation>, AllocationId>> {
        Ok(self.read(|tables, now| tables.allocations_after(scope, filter, after, limit, now)))
    }

    async fn interaction(&self, scope: &Scope, id: &InteractionId) -> Result<Option<Arc<Interaction>>> {
        Ok(self.read(|tables, now| tables.interaction(scope, id, now).cloned()))
    }

    async fn document(&self, scope: &Scope, named: DocumentRef) -> Result<Option<Loaded>> {
        Ok(self.read_values(|inner, now| match inner.state.tables().document(scope, &named, now) {
            Some(document) => loading::document(document, &inner.values),
            None => Ok(None),
        }))
    }

    async fn document_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<Option<LoadedEntry>> {
        Ok(self.read_values(|inner, now| {
            let document = inner.state.tables().document(scope, &named, now);
            match document.and_then(|document| document.entries.get(key)) {
                Some(entry) => loading::entry(entry, &inner.values),
                None => Ok(None),
            }
        }))
    }

    async fn create_route(&self, scope: &Scope, new: NewRoute, once: Option<Once>) -> Result<Arc<Route>> {
        self.write(|turn| turn.under(once).create_route(scope, new))
    }

    async fn modify_route(&self, scope: &Scope, id: RouteId, destination: Destination) -> Result<Arc<Route>> {
        self.write(|turn| turn.modify_route(scope, id, destination))
    }

    async fn delete_routes(&self, scope: &Scope, dnids: Vec<u32>) -> Result<DeletedRoutes> {
        self.write(|turn| Ok(turn.delete_routes(scope, &dnids)))
    }

    async fn routes(&self, scope: &Scope, filter: &RouteFilter, offset: usize, limit: usize) -> Result<RoutePage> {
        Ok(self.read(|tables, _| tables.routes(scope, filter, offset, limit)))
    }

    async fn route(&self, scope: &Scope, id: RouteId) -> Result<Option<Arc<Route>>> {
        Ok(self.read(|tables, _| tables.route(scope, id).cloned()))
    }

    async fn routes_after(
        &self,
        scope: &Scope,
        filter: &RouteFilter,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Part<Arc<Route>, u32>> {
        Ok(self.read(|tables, _| tables.routes_after(scope, filter, after, limit)))
    }

    async fn routed(&self, scope: &Scope, dialled: &Dialled, overdial: Overdial) -> Result<Option<Routed>> {
        Ok(self.read(|tables, _| tables.routed(scope, dialled, overdial)))
    }

    async fn create_skill(&self, scope: &Scope, new: NewSkill, once: Option<Once>) -> Result<Arc<Skill>> {
        self.write(|turn| turn.under(once).create_skill(scope, new))
    }

    async fn modify_skill(&self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>> {
        self.write(|turn| turn.modify_skill(scope, id, new))
    }

    async fn delete_skills(&self, scope: &Scope, ids: Vec<SkillId>) -> Result<()> {
        self.write(|turn| turn.delete_skills(scope, &ids))
    }

    async fn skills(&self, scope: &Scope) -> Result<Vec<Arc<Skill>>> {
        Ok(self.read(|tables, _| tables.skills(scope)))
    }

    async fn skill(&self, scope: &Scope, id: SkillId) -> Result<Option<Arc<Skill>>> {
        Ok(self.read(|tables, _| tables.skill(scope, id).cloned()))
    }

    async fn signing_key(&self) -> Result<SigningKey> {
        self.write(|turn| Ok(turn.signing_key()))
    }

    async fn pool(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        self.write(|turn| Ok(turn.pool(scope, group)))
    }

    async fn group(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        self.write(|turn| Ok(turn.group(scope, group)))
    }

    async fn groups_after(
        &self,
        scope: &Scope,
        after: Option<Option<GroupName>>,
        limit: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>> {
        self.write(|turn| Ok(turn.groups_after(scope, after.as_ref(), limit)))
    }

    async fn pools(&self) -> Result<Vec<PoolHealth>> {
        self.write(|turn| Ok(turn.pools()))
    }

    async fn usages(&self) -> Result<Vec<TenantUsage>> {
        self.write(|turn| Ok(turn.usages()))
    }

    async fn history(&self, scope: &Scope, query: HistoryQuery) -> Result<HistoryPage> {
        let scope = Arc::new(scope.clone());
        Ok(self.read_values(|inner, now| {
            let known = inner.state.tables().known_history(&scope, &query, now);
            query.page(&known, |bucket, below| {
                let of = |id| (bucket, Arc::clone(&scope), query.number, id);
                let entries = inner.history.range(of(AllocationId(0))..of(below)).rev();
                Ok(entries.map(|(_, past)| Ok(Held::from(&**past))))
            })
        }))
    }

    async fn seed(&self, seeds: Seeds) -> Result<bool> {
        super::seeded(self.write(|turn| turn.seed(&seeds)))
    }

    async fn set_rules(&self, rules: Rules) -> Result<()> {
        self.inner.lock().state.set_rules(rules);
        Ok(())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    async fn sweep(&self) -> Result<()> {
        self.write(|_| Ok(()))
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        self.open()?;
        let inner = self.inner.lock();
        let origin = Origin { store: inner.id, commits: inner.commits, taken: self.clock.now() };
        let kept = Kept { values: inner.values.clone(), history: inner.history.clone() };
        Ok(Snapshot::new(origin, inner.state.tables().contents(), kept))
    }

    async fn ready(&self) -> Result<()> {
        self.open()
    }

    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}
