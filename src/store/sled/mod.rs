//! The embedded engine: state in memory, one writer, group commit on a sled tree.
//!
//! Measured, one durable transaction for each request does not scale: a sync costs what it costs. So one thread owns
//! the state for writing and commits whatever has queued up while it was syncing; readers look at a published copy
//! that holds only what is durable.

mod build;
mod bulk;
mod clean;
mod codec;
mod compact;
mod disk;
mod folder;
mod history;
mod import;
mod inspect;
mod journal;
mod marker;
mod opening;
mod ops;
mod pending;
mod pins;
mod replay;
mod scratch;
mod swap;
mod tree;
mod verify;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{mpsc, oneshot};

use super::import::{Existing, Import};
use super::loading::{self, Values};
use super::snapshot::Ended;
use super::{Clock, Error, LoadedEntry, Matched, Recognised, Resolved, Result, Snapshot, Store, WithData};
use crate::domain::document::Loaded;
use crate::domain::history::{Bucket, Past};
use crate::domain::route::DeletedRoutes;
use crate::domain::routes::RoutePage;
use crate::domain::state::{AfterMatch, Criteria, Lend, Lent, PoolHealth, Seeds, Taken, Which};
use crate::domain::tables::{Found, Page};
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, Destination, Dialled, Document, DocumentId, DocumentRef, GroupName,
    HistoryPage, HistoryQuery, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber, NewRoute, NewSkill,
    Number, NumberFilter, NumberId, NumberPatch, Once, Overdial, Part, Refusal, Resolve, Route, RouteFilter, RouteId,
    Routed, Rules, Scope, Seconds, SigningKey, Skill, SkillId, State, Tables, Timestamp, ValueId,
};
use disk::Disk;
use pending::Records;
use pins::{Pin, Pins};
use tree::Tree;
use writer::{Command, Desk, Message, Status, Writer};

pub use build::Build;
pub use compact::{Compacted, Compaction, compact};
pub use inspect::Report;
pub use opening::OpenError;
pub use verify::verify;

/// Most commands that wait for the writer; whoever comes then waits to be let in.
const QUEUE: usize = 16 * 1024;

/// Hears of every commit; for metrics.
pub trait Observer: Send + Sync {
    /// A batch of this many commands is on disk; syncing took `sync`.
    fn committed(&self, commands: usize, sync: Duration);
}

/// Hears nothing.
impl Observer for () {
    fn committed(&self, _commands: usize, _sync: Duration) {}
}

/// What the engine is opened with.
pub struct Options {
    /// The data directory; made if it does not exist.
    pub directory: PathBuf,
    /// Memory that the tree may use for its cache, in bytes.
    pub cache_bytes: u64,
    /// Whether files that have become large are written anew first.
    pub compaction: Compaction,
    /// The operator's rules.
    pub rules: Rules,
    /// The clock that deadlines are judged by.
    pub clock: Arc<dyn Clock>,
    /// Where codes and ids are drawn from; by default a generator seeded by the operating system.
    pub rng: StdRng,
    /// Who hears of commits.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// The usual options for a directory.
    pub fn new(directory: impl Into<PathBuf>, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory: directory.into(),
            cache_bytes: 64 * 1024 * 1024,
            compaction: Compaction::default(),
            rules,
            clock,
            rng: rand::make_rng(),
            observer: Arc::new(()),
        }
    }

    /// The same with draws that follow from `seed`; for tests and replays.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.rng = StdRng::seed_from_u64(seed);
        self
    }
}

/// The engine.
pub struct SledStore {
    queue: mpsc::Sender<Message>,
    view: Arc<RwLock<Tables>>,
    /// For the bytes of large values; gone after closing, so that the directory is let go of.
    records: Arc<RwLock<Option<Arc<Records>>>>,
    clock: Arc<dyn Clock>,
    /// The rules in force, for readers.
    rules: ArcSwap<Rules>,
    status: Status,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SledStore {
    /// Opens a data directory and starts the writer.
    ///
    /// # Errors
    /// [`OpenError`]; a directory that cannot be trusted is left as it is.
    pub fn open(options: Options) -> std::result::Result<Self, OpenError> {
        let (opened, tables) = opening::open(&options.directory, options.cache_bytes, options.compaction)?;
        let view = Arc::new(RwLock::new(tables.clone()));
        let status = Status::default();
        let unstarted = |thread: &str, error: &std::io::Error| OpenError::Unusable {
            path: options.directory.clone(),
            reason: format!("the {thread}'s thread did not start: {error}"),
        };
        let disk = Disk::new(opened, Arc::clone(&status)).map_err(|error| unstarted("folder", &error))?;
        let records = Arc::clone(disk.records());
        let (queue, inbox) = mpsc::channel(QUEUE);
        let rules = ArcSwap::from_pointee(options.rules.clone());
        let writer = Writer {
            state: State::new(tables, options.rules),
            disk,
            view: Arc::clone(&view),
            clock: Arc::clone(&options.clock),
            rng: options.rng,
            status: Arc::clone(&status),
            observer: options.observer,
            pins: Pins::default(),
            forgotten: None,
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || writer.work(inbox)).map_err(|error| unstarted("writer", &error))?;
        Ok(Self {
            queue,
            view,
            records: Arc::new(RwLock::new(Some(records))),
            clock: options.clock,
            rules,
            status,
            writer: Mutex::new(Some(thread)),
        })
    }

    /// Queues a command and waits until its batch is durable.
    async fn write<T, F>(&self, command: F) -> Result<T>
    where
        F: FnOnce(&mut Desk<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (command, outcome) = Command::new(command);
        self.queue.send(Message::Job(Box::new(command))).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    fn read<T>(&self, query: impl FnOnce(&Tables, Timestamp) -> T) -> T {
        query(&self.view.read(), self.clock.now())
    }

    /// Reads records, away from the threads that serve requests.
    async fn read_records<T, F>(&self, query: F) -> Result<T>
    where
        F: FnOnce(&Records) -> std::result::Result<T, String> + Send + 'static,
        T: Send + 'static,
    {
        let records = self.records.read().clone().ok_or_else(closed)?;
        let outcome = tokio::task::spawn_blocking(move || query(&records)).await;
        outcome
            .unwrap_or_else(|_| Err("reading a value failed unexpectedly".to_owned()))
            .map_err(|reason| Error::Unavailable(reason.into()))
    }

    /// Reads something of a live document from the tree. A value can be dropped between the look at the index and the
    /// look at the tree; `query` then answers `None`, and the index is looked at again when the writer has published
    /// what dropped it.
    async fn load<T, F>(&self, scope: &Scope, named: DocumentRef, query: F) -> Result<Option<T>>
    where
        F: Fn(&Document, &Tree) -> std::result::Result<Option<T>, String> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let query = Arc::new(query);
        let mut seen: Option<Arc<Document>> = None;
        while let Some(document) = self.live_document(scope, named) {
            if seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &document)) {
                return Err(Error::Unavailable(
                    format!("a value of document {} is missing from the tree", named.id).into(),
                ));
            }
            let (query, index) = (Arc::clone(&query), Arc::clone(&document));
            if let Some(loaded) = self.read_records(move |records| query(&index, &records.tree)).await? {
                return Ok(Some(loaded));
            }
            seen = Some(document);
            self.sweep().await?;
        }
        Ok(None)
    }

    /// A document with its texts; the tree is asked only where some are kept apart.
    async fn texts(&self, scope: &Scope, document: &Document) -> Result<Option<Loaded>> {
        match loading::inline(document) {
            Some(loaded) => Ok(Some(loaded)),
            None => {
                let named = DocumentRef { id: document.id, ownership: document.ownership };
                self.load(scope, named, loading::document).await
            }
        }
    }

    fn live_document(&self, scope: &Scope, named: DocumentRef) -> Option<Arc<Document>> {
        self.read(|tables, now| tables.document(scope, named, now).cloned())
    }
}

/// Whoever drops a store that was not closed waits until the writer has let go of the directory, so that it can be opened
/// again, or removed, at once.
impl Drop for SledStore {
    fn drop(&mut self) {
        self.records.write().take();
        // Without a sender the writer finishes what is queued and stops.
        self.queue = mpsc::channel(1).0;
        if let Some(thread) = self.writer.get_mut().take() {
            let _ = thread.join();
        }
    }
}

/// The large values and the history as long as the store is open, those that were there when the pin was made.
struct Pinned {
    records: Arc<RwLock<Option<Arc<Records>>>>,
    _pin: Pin,
}

impl Values for Pinned {
    type Error = String;

    fn value(&self, id: ValueId, length: u64) -> std::result::Result<Option<Arc<[u8]>>, String> {
        let records = self.records.read().clone();
        records.ok_or_else(|| closed().to_string())?.tree.value(id, length)
    }
}

impl Ended for Pinned {
    fn ended(&self, bucket: Bucket) -> std::result::Result<Vec<(Arc<Scope>, Past)>, String> {
        let records = self.records.read().clone().ok_or_else(|| closed().to_string())?;
        history::of_bucket(&records, bucket)
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

#[async_trait]
impl Store for SledStore {
    async fn create_number(&self, scope: &Scope, new: NewNumber, once: Option<Once>) -> Result<NumberId> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).create_number(&scope, new)?)).await
    }

    async fn import_numbers(&self, scope: &Scope, existing: Existing) -> Result<Box<dyn Import + '_>> {
        self.ready().await?;
        Ok(Box::new(bulk::SledImport::begin(self, scope, existing)?))
    }

    async fn update_number(&self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<Found> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().update_number(&scope, number, patch)?)).await
    }

    async fn delete_number(&self, scope: &Scope, number: Number) -> Result<()> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().delete_number(&scope, number)?)).await
    }

    async fn lend(&self, scope: &Scope, lend: Lend, once: Option<Once>) -> Result<Lent> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).lend(&scope, lend)?)).await
    }

    async fn free(&self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().free(&scope, dialled)?)).await
    }

    async fn renew_allocation(&self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().renew_allocation(&scope, id, lasting)?)).await
    }

    async fn free_allocation(&self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().free_allocation(&scope, id)?)).await
    }

    async fn match_call(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>> {
        // A call that nothing durable fits needs no writer to be told so.
        if let Err(miss) = self.read(|tables, now| criteria.may_match(tables, scope, now)) {
            return Err(Refusal::NoMatch(miss).into());
        }
        let scope = scope.clone();
        self.write(move |desk| {
            let matches = desk.turn().match_call(&scope, &criteria, which, after)?;
            let mut matched = Vec::with_capacity(matches.len());
            for found in matches {
                let data = match (data, &found.document) {
                    (WithData::Yes, Some(document)) => desk.load(document)?,
                    _ => None,
                };
                matched.push(Matched { found, data });
            }
            Ok(matched)
        })
        .await
    }

    async fn resolve(&self, scope: &Scope, call: &Resolve) -> Result<Resolved> {
        let rules = self.rules.load();
        let resolution = self.read(|tables, now| call.look(tables, &rules, scope, now));
        let mut candidates = Vec::with_capacity(resolution.candidates.len());
        for candidate in &resolution.candidates {
            let data = match &candidate.document {
                Some(document) => self.texts(scope, document).await?,
                None => None,
            };
            candidates.push(Recognised { candidate: candidate.clone(), data });
        }
        Ok(Resolved::of(&resolution, candidates, false))
    }

    async fn take_call(&self, scope: &Scope, call: Resolve) -> Result<Resolved> {
        let scope = scope.clone();
        self.write(move |desk| {
            let Taken { resolution, freed } = desk.turn().take_call(&scope, &call);
            let mut candidates = Vec::with_capacity(resolution.candidates.len());
            for candidate in &resolution.candidates {
                let data = candidate.document.as_ref().map(|document| desk.load(document)).transpose()?.flatten();
                candidates.push(Recognised { candidate: candidate.clone(), data });
            }
            Ok(Resolved::of(&resolution, candidates, freed))
        })
        .await
    }

    async fn create_interaction(
        &self,
        scope: &Scope,
        new: NewInteraction,
        once: Option<Once>,
    ) -> Result<Arc<Interaction>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).create_interaction(&scope, new)?)).await
    }

    async fn delete_interaction(&self, scope: &Scope, id: &InteractionId) -> Result<()> {
        let (scope, id) = (scope.clone(), id.clone());
        self.write(move |desk| Ok(desk.turn().delete_interaction(&scope, &id)?)).await
    }

    async fn create_document(
        &self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        once: Option<Once>,
    ) -> Result<DocumentId> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).create_document(&scope, entries, ttl)?)).await
    }

    async fn merge_document(
        &self,
        scope: &Scope,
        named: DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
        once: Option<Once>,
    ) -> Result<()> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).merge_document(&scope, named, entries, ttl)?)).await
    }

    async fn delete_document(&self, scope: &Scope, named: DocumentRef) -> Result<()> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().delete_document(&scope, named)?)).await
    }

    async fn delete_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<()> {
        let (scope, key) = (scope.clone(), key.to_owned());
        self.write(move |desk| Ok(desk.turn().delete_entry(&scope, named, &key)?)).await
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
        let rules = self.rules.load();
        Ok(self.read(|tables, now| tables.numbers_after(scope, filter, &rules, after, limit, now)))
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
        match self.live_document(scope, named) {
            Some(document) => self.texts(scope, &document).await,
            None => Ok(None),
        }
    }

    async fn document_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<Option<LoadedEntry>> {
        let key = key.to_owned();
        let entry = self.load(scope, named, move |document, tree| match document.entries.get(key.as_str()) {
            Some(entry) => Ok(loading::entry(entry, tree)?.map(Some)),
            None => Ok(Some(None)),
        });
        Ok(entry.await?.flatten())
    }

    async fn create_route(&self, scope: &Scope, new: NewRoute, once: Option<Once>) -> Result<Arc<Route>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).create_route(&scope, new)?)).await
    }

    async fn modify_route(&self, scope: &Scope, id: RouteId, destination: Destination) -> Result<Arc<Route>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().modify_route(&scope, id, destination)?)).await
    }

    async fn delete_routes(&self, scope: &Scope, dnids: Vec<u32>) -> Result<DeletedRoutes> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().delete_routes(&scope, &dnids))).await
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
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().under(once).create_skill(&scope, new)?)).await
    }

    async fn modify_skill(&self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().modify_skill(&scope, id, new)?)).await
    }

    async fn delete_skills(&self, scope: &Scope, ids: Vec<SkillId>) -> Result<()> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().delete_skills(&scope, &ids)?)).await
    }

    async fn skills(&self, scope: &Scope) -> Result<Vec<Arc<Skill>>> {
        Ok(self.read(|tables, _| tables.skills(scope)))
    }

    async fn skill(&self, scope: &Scope, id: SkillId) -> Result<Option<Arc<Skill>>> {
        Ok(self.read(|tables, _| tables.skill(scope, id).cloned()))
    }

    async fn signing_key(&self) -> Result<SigningKey> {
        if let Some(key) = self.read(|tables, _| tables.signing_key().cloned()) {
            return Ok(key);
        }
        self.write(|desk| Ok(desk.turn().signing_key())).await
    }

    async fn pool(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        let (scope, group) = (scope.clone(), group.clone());
        self.write(move |desk| Ok(desk.turn().pool(&scope, &group))).await
    }

    async fn group(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>> {
        let (scope, group) = (scope.clone(), group.clone());
        self.write(move |desk| Ok(desk.turn().group(&scope, &group))).await
    }

    async fn groups_after(
        &self,
        scope: &Scope,
        after: Option<Option<GroupName>>,
        limit: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>> {
        let scope = scope.clone();
        self.write(move |desk| Ok(desk.turn().groups_after(&scope, after.as_ref(), limit))).await
    }

    async fn pools(&self) -> Result<Vec<PoolHealth>> {
        self.write(|desk| Ok(desk.turn().pools())).await
    }

    async fn history(&self, scope: &Scope, query: HistoryQuery) -> Result<HistoryPage> {
        let known = self.read(|tables, now| tables.known_history(scope, &query, now));
        let scope = scope.clone();
        self.read_records(move |records| {
            query.page(&known, |bucket, below| Ok(history::of_number(records, bucket, &scope, query.number, below)))
        })
        .await
    }

    async fn seed(&self, seeds: Seeds) -> Result<bool> {
        super::seeded(self.write(move |desk| Ok(desk.turn().seed(&seeds)?)).await)
    }

    async fn set_rules(&self, rules: Rules) -> Result<()> {
        let for_readers = Arc::new(rules.clone());
        self.write(move |desk| {
            desk.set_rules(rules);
            Ok(())
        })
        .await?;
        self.rules.store(for_readers);
        Ok(())
    }

    async fn sweep(&self) -> Result<()> {
        self.write(|desk| {
            desk.turn();
            Ok(())
        })
        .await
    }

    async fn snapshot(&self) -> Result<Snapshot> {
        let (origin, contents, pin) = self.write(|desk| Ok(desk.all())).await?;
        Ok(Snapshot::new(origin, contents, Pinned { records: Arc::clone(&self.records), _pin: pin }))
    }

    async fn ready(&self) -> Result<()> {
        match &*self.status.lock() {
            Some(reason) => Err(Error::Unavailable(Arc::clone(reason))),
            None if self.queue.is_closed() => Err(closed()),
            None => Ok(()),
        }
    }

    async fn close(&self) {
        let (told, closed) = oneshot::channel();
        self.records.write().take();
        if self.queue.send(Message::Close(told)).await.is_ok() {
            let _ = closed.await;
        }
        let thread = self.writer.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

#[cfg(test)]
mod tests;
