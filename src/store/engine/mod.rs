//! The engine: state in memory, one writer, group commit on a log.
//!
//! Measured, one durable transaction for each request does not scale: a sync costs what it costs. So one thread owns the
//! state for writing and commits whatever has queued up while it was syncing; readers look at a published copy that holds
//! only what is durable. What makes it durable is a [`Log`], and the engine knows no more of it.

mod batch;
mod command;
mod context;
mod expiry_backlog;
mod explaining;
mod import;
mod loading;
mod log;
mod operations;
mod round;
mod searching;
mod snapshot;
mod snapshot_guards;
mod view;
mod writer;

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use tokio::sync::{Semaphore, mpsc};

use super::events::Events;
use super::{Clock, Error, Result, clock};
use crate::domain::audit::Actor;
use crate::domain::document::Loaded;
use crate::domain::history::Owner;
use crate::domain::number_health::Sightings;
use crate::domain::refusal::Miss;
use crate::domain::usage::Span;
use crate::domain::{Change, Document, DocumentRef, Number, Rules, Scope, State, Tables, Timestamp};
use command::{Message, Queued};
use expiry_backlog::ExpiryBacklog;
use snapshot_guards::SnapshotGuards;
use view::{Follower, View};
use writer::Writer;

pub(in crate::store) use context::CommandContext;
pub use loading::Values;
pub(in crate::store) use log::Status;
pub use log::{
    Commit, Committed, Failure, Foreign, Forget, ImportId, Log, News, Pace, Poke, Records, RecordsSnapshot, Stages,
    Within,
};
pub use snapshot::{Snapshot, SnapshotOrigin};

/// Most commands that wait for the writer; whoever comes then waits to be let in.
const QUEUE: usize = 16 * 1024;

/// How many large values are read at a time.
const LOADS: usize = 4;

/// Hears of every commit; for metrics.
pub trait Observer: Send + Sync {
    /// A batch of this many commands is durable; syncing took `sync`.
    fn committed(&self, commands: usize, sync: Duration);

    /// So many commits of other gateways were taken in.
    fn followed(&self, _commits: usize) {}

    /// The log was this gateway's after `wait`.
    fn locked(&self, _wait: Duration) {}

    /// Another session with the database has begun.
    fn connected(&self) {}

    /// So many commits of others are known to be there and not taken in yet.
    fn behind(&self, _commits: u64) {}

    /// So many different sets of rules are in force on the gateways that share the store.
    fn rules(&self, _sets: u64) {}
}

/// Hears nothing.
impl Observer for () {
    fn committed(&self, _commands: usize, _sync: Duration) {}
}

/// What a log keeps, for as long as the store is open: gone after closing, so that the log can let go of it.
type OpenRecords<R> = Arc<RwLock<Option<Arc<R>>>>;

/// What an engine begins with.
pub(in crate::store) struct Beginning<L> {
    /// Where commits go.
    pub(in crate::store) log: L,
    /// Whether the log takes commits.
    pub(in crate::store) status: Status,
    /// What the log has kept.
    pub(in crate::store) tables: Tables,
    /// When the last commit was made.
    pub(in crate::store) last_commit: Timestamp,
    /// The operator's rules.
    pub(in crate::store) rules: Rules,
    /// The clock that deadlines are judged by.
    pub(in crate::store) clock: Arc<dyn Clock>,
    /// Where codes and ids are drawn from.
    pub(in crate::store) rng: StdRng,
    /// Who hears of commits.
    pub(in crate::store) observer: Arc<dyn Observer>,
}

/// A store over a log; several of them are one store for several people.
pub struct Engine<L: Log> {
    core: Arc<Core<L>>,
    /// For whom everything is done; the audit tells of nobody's doing that is not.
    actor: Option<Arc<Actor>>,
}

/// What there is once for a log.
pub struct Core<L: Log> {
    queue: mpsc::Sender<Message>,
    view: Arc<RwLock<View>>,
    records: OpenRecords<L::Records>,
    /// Turns at reading large values.
    loads: Semaphore,
    clock: Arc<dyn Clock>,
    /// The rules in force, for readers.
    rules: ArcSwap<Rules>,
    status: Status,
    /// What was seen of numbers that something seems to be wrong with.
    sightings: Arc<Mutex<Sightings>>,
    events: Arc<Events>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl<L: Log> Engine<L> {
    /// Starts the writer.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(in crate::store) fn start(beginning: Beginning<L>) -> io::Result<Self> {
        let Beginning { mut log, status, tables, last_commit, rules, clock, rng, observer } = beginning;
        let view = Arc::new(RwLock::new(View { tables: tables.clone(), commits: log.commits() }));
        let to_forget = Remnant::of(&tables);
        let state = State::new(tables, rules.clone());
        clock::go_on_from(&*clock, last_commit.max(state.now()));
        let records = Arc::new(RwLock::new(Some(Arc::clone(log.records()))));
        let sightings = Arc::<Mutex<Sightings>>::default();
        let (queue, inbox) = mpsc::channel(QUEUE);
        log.attach(Poke(queue.downgrade()));
        let events = Arc::new(Events::default());
        let writer = Writer {
            state,
            log,
            view: Arc::clone(&view),
            clock: Arc::clone(&clock),
            rng,
            status: status.clone(),
            observer,
            guards: SnapshotGuards::default(),
            to_forget,
            backlog: ExpiryBacklog::default(),
            sightings: Arc::clone(&sightings),
            events: Arc::clone(&events),
        };
        let thread = std::thread::Builder::new().name("store-writer".to_owned());
        let thread = thread.spawn(move || writer.work(inbox))?;
        let core = Core {
            queue,
            view,
            records,
            loads: Semaphore::new(LOADS),
            clock,
            rules: ArcSwap::from_pointee(rules),
            status,
            sightings,
            events,
            writer: Mutex::new(Some(thread)),
        };
        Ok(Self { core: Arc::new(core), actor: None })
    }

    /// Finishes what is queued, and gives back what the log had beside the tables, and the tables.
    pub(in crate::store) fn stop(self) -> (Option<Arc<L::Records>>, Tables) {
        let (records, view) = (self.records.read().clone(), Arc::clone(&self.view));
        drop(self);
        let tables = view.read().tables.clone();
        (records, tables)
    }

    /// Queues a command and waits until its batch is durable. It may be carried out several times, each time over a state
    /// that knows nothing of the times before; the last one counts.
    pub(in crate::store) async fn write<T, F>(&self, mut command: F) -> Result<T>
    where
        F: FnMut(&mut CommandContext<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let actor = self.actor.clone();
        let (queued, outcome) = Queued::command(move |context| {
            context.actor.clone_from(&actor);
            command(context)
        });
        self.queue.send(Message::Job(queued)).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    /// Has the writer look at its state, and waits until what it may have seen is durable.
    async fn inspect<T, F>(&self, mut look: F) -> Result<T>
    where
        F: FnMut(&mut CommandContext<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        let (queued, outcome) = Queued::look(move |context| Ok(look(context)));
        self.queue.send(Message::Job(queued)).await.map_err(|_| closed())?;
        outcome.await.map_err(|_| closed())?
    }

    /// Has the writer take in what others have committed.
    async fn follow(&self, follower: Follower) -> Result<()> {
        self.queue.send(Message::Follow(Some(follower))).await.map_err(|_| closed())
    }

    /// Waits until everything that was queued before this call is durable and shown to readers.
    async fn wait_for_writer(&self) -> Result<()> {
        self.write(|context| {
            context.turn();
            Ok(())
        })
        .await
    }

    fn open_records(&self) -> Result<Arc<L::Records>> {
        self.records.read().clone().ok_or_else(closed)
    }

    /// Reads or stages records, away from the threads that serve requests.
    pub(in crate::store) async fn read_records<T, F>(&self, query: F) -> Result<T>
    where
        F: FnOnce(&L::Records) -> std::result::Result<T, String> + Send + 'static,
        T: Send + 'static,
    {
        let records = self.open_records()?;
        let outcome = tokio::task::spawn_blocking(move || query(&records)).await;
        outcome
            .unwrap_or_else(|_| Err("reading a value failed unexpectedly".to_owned()))
            .map_err(|reason| Error::Unavailable(reason.into()))
    }

    /// Reads something of a live document from the records. A value can be dropped between the look at the index and the
    /// look at the records; `query` then answers `None`, and the index is looked at again when the writer has published
    /// what dropped it.
    ///
    /// Only a few are read at a time. Whoever waited goes on with what it got in the same step in which it lets the next
    /// one in, so no more are in memory than those few and what the callers have been given already.
    async fn load<T, F>(&self, scope: &Scope, named: DocumentRef, query: F) -> Result<Option<T>>
    where
        F: Fn(&Document, &L::Records) -> std::result::Result<Option<T>, String> + Send + Sync + 'static,
        T: Send + 'static,
    {
        let _turn = self.loads.acquire().await.map_err(|_| closed())?;
        let query = Arc::new(query);
        let mut seen: Option<Arc<Document>> = None;
        while let Some(document) = self.live_document(scope, &named).await? {
            if seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &document)) {
                return Err(Error::Unavailable(
                    format!("a value of document {} is missing from the data", named.id).into(),
                ));
            }
            let (query, index) = (Arc::clone(&query), Arc::clone(&document));
            if let Some(loaded) = self.read_records(move |records| query(&index, records)).await? {
                return Ok(Some(loaded));
            }
            seen = Some(document);
            self.wait_for_writer().await?;
        }
        Ok(None)
    }

    /// A document with its texts; the records are asked only where some are kept apart.
    async fn texts(&self, scope: &Scope, document: &Document) -> Result<Option<Loaded>> {
        match loading::inline(document) {
            Some(loaded) => Ok(Some(loaded)),
            None => {
                let named = DocumentRef { ownership: document.ownership, ..document.id.into() };
                self.load(scope, named, loading::document).await
            }
        }
    }

    /// Sees that a call came for which nobody was found, unless it was one that somebody waits for or waited for just now.
    fn see_miss(&self, scope: &Scope, number: Number, miss: Option<Miss>) {
        if !matches!(miss, Some(Miss::UnknownNumber | Miss::NotLent)) {
            return;
        }
        let (found, now, scope) = self.read_known(|tables, now| {
            let shared = tables.shared(scope).map_or_else(|| Arc::new(scope.clone()), Arc::clone);
            (tables.dialled(scope, number, now), now, shared)
        });
        self.sightings.lock().miss(&scope, number, found.as_ref(), now);
    }

    async fn live_document(&self, scope: &Scope, named: &DocumentRef) -> Result<Option<Arc<Document>>> {
        self.read(|tables, now| tables.document(scope, named, now).cloned()).await
    }
}

impl<L: Log> Deref for Engine<L> {
    type Target = Core<L>;

    fn deref(&self) -> &Core<L> {
        &self.core
    }
}

/// Whoever drops a store that was not closed waits until the writer has let go of the log, so that it can be opened again,
/// or removed, at once.
impl<L: Log> Drop for Core<L> {
    fn drop(&mut self) {
        self.records.write().take();
        // Without a sender the writer finishes what is queued and stops.
        self.queue = mpsc::channel(1).0;
        if let Some(thread) = self.writer.get_mut().take() {
            let _ = thread.join();
        }
    }
}

/// What is dropped some of and may be left on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Remnant {
    /// Somebody's history.
    History(Owner),
    /// Quarters, or hours, of use.
    Usage(Span),
}

impl Remnant {
    /// Of all that anything was ever dropped of.
    fn of(tables: &Tables) -> Vec<Self> {
        let history = tables.history_floors().into_iter().map(|(owner, _)| Self::History(owner));
        history.chain(tables.usage_floors().into_iter().map(|(span, _)| Self::Usage(span))).collect()
    }

    /// What a change leaves.
    fn left_by(change: &Change) -> Option<Self> {
        match change {
            Change::HistoryDropped(owner, _) => Some(Self::History(owner.clone())),
            Change::UsageDropped(span, _) => Some(Self::Usage(*span)),
            _ => None,
        }
    }

    /// Up to where it is dropped.
    fn forget(&self, tables: &Tables) -> Forget {
        match self {
            Self::History(owner) => Forget::History(owner.clone(), tables.history_floor(owner)),
            Self::Usage(span) => Forget::Usage(*span, tables.usage_floor(*span)),
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

#[cfg(test)]
mod tests;
