//! The embedded engine: state in memory, one writer, group commit on a sled tree.
//!
//! Measured, one durable transaction for each request does not scale: a sync costs what it costs. So one thread owns
//! the state for writing and commits whatever has queued up while it was syncing; readers look at a published copy
//! that holds only what is durable.

mod arrears;
mod build;
mod bulk;
mod caught;
mod clean;
mod codec;
mod command;
mod compact;
mod disk;
mod folder;
mod history;
mod import;
mod inspect;
mod journal;
mod locked;
mod marker;
mod opening;
mod operations;
mod ops;
mod pending;
mod pins;
mod private;
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
use parking_lot::{Mutex, RwLock};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{Semaphore, mpsc};

use super::loading::{self, Values};
use super::snapshot::Ended;
use super::{Clock, Error, Result, Store, clock};
use crate::domain::document::Loaded;
use crate::domain::history::{Bucket, Past};
use crate::domain::{Document, DocumentRef, Rules, Scope, State, Tables, Timestamp, ValueId};
use arrears::Arrears;
use command::{Message, Queued};
use disk::Disk;
use pending::Records;
use pins::{Pin, Pins};
use tree::Tree;
use writer::{Desk, Status, Writer};

pub use build::Build;
pub use compact::{Compacted, Compaction, compact};
pub use inspect::Report;
pub use opening::OpenError;
pub use verify::verify;

/// Most commands that wait for the writer; whoever comes then waits to be let in.
const QUEUE: usize = 16 * 1024;

/// How many large values are read at a time.
const LOADS: usize = 4;

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
            cache_bytes: 8 * 1024 * 1024,
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
    /// Turns at reading large values.
    loads: Semaphore,
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
        let state = State::new(tables, options.rules.clone());
        clock::go_on_from(&*options.clock, opened.last_commit.max(state.now()));
        let status = Status::default();
        let unstarted = |thread: &str, error: &std::io::Error| OpenError::Unusable {
            path: options.directory.clone(),
            reason: format!("the {thread}'s thread did not start: {error}"),
        };
        let disk = Disk::new(opened, Arc::clone(&status)).map_err(|error| unstarted("folder", &error))?;
        let records = Arc::clone(disk.records());
        let (queue, inbox) = mpsc::channel(QUEUE);
        let rules = ArcSwap::from_pointee(options.rules);
        let writer = Writer {
            state,
            disk,
            view: Arc::clone(&view),
            clock: Arc::clone(&options.clock),
            rng: options.rng,
            status: Arc::clone(&status),
            observer: options.observer,
            pins: Pins::default(),
            forgotten: None,
            arrears: Arrears::default(),
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || writer.work(inbox)).map_err(|error| unstarted("writer", &error))?;
        Ok(Self {
            queue,
            view,
            records: Arc::new(RwLock::new(Some(records))),
            loads: Semaphore::new(LOADS),
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
        let (queued, outcome) = Queued::new(command);
        self.queue.send(Message::Job(queued)).await.map_err(|_| closed())?;
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
    ///
    /// Only a few are read at a time. Whoever waited goes on with what it got in the same step in which it lets the next
    /// one in, so no more are in memory than those few and what the callers have been given already.
    async fn load<T, F>(&self, scope: &Scope, named: DocumentRef, query: F) -> Result<Option<T>>
    where
        F: Fn(&Document, &Tree) -> std::result::Result<Option<T>, String> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let _turn = self.loads.acquire().await.map_err(|_| closed())?;
        let query = Arc::new(query);
        let mut seen: Option<Arc<Document>> = None;
        while let Some(document) = self.live_document(scope, &named) {
            if seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &document)) {
                return Err(Error::Unavailable(
                    format!("a value of document {} is missing from the data", named.id).into(),
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
                let named = DocumentRef { ownership: document.ownership, ..document.id.into() };
                self.load(scope, named, loading::document).await
            }
        }
    }

    fn live_document(&self, scope: &Scope, named: &DocumentRef) -> Option<Arc<Document>> {
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

#[cfg(test)]
mod tests;
