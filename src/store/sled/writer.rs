//! The one thread that writes: it takes all that is queued, applies it to its private state, commits the changes as
//! one batch, shows them to the readers, and only then answers everybody, refusals included.
//!
//! A refusal may rest on something another command of the same batch has done; answered early it would tell of what
//! is not yet durable.

use std::collections::HashMap;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Observer;
use super::arrears::{Arrears, GIVEN_WAY};
use super::codec;
use super::command::{Job, Message, answer_all};
use super::disk::{Commit, Disk};
use super::ops::ImportId;
use super::pending::{Order, Records};
use super::pins::{Pin, Pins};
use crate::domain::document::Loaded;
use crate::domain::history::Bucket;
use crate::domain::state::Turn;
use crate::domain::tables::Contents;
use crate::domain::{Change, Document, Rules, State, Tables, Timestamp, ValueId};
use crate::store::loading::{self, Values};
use crate::store::{Clock, Error, Origin, Result};

/// Most commands in one batch.
const MAX_COMMANDS: usize = 4096;
/// A batch with more changes than this takes no further command.
const MAX_CHANGES: usize = 20_000;
/// A batch with more bytes of large values than this takes no further command.
const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

/// Most entries of the history that are removed with one commit.
const HISTORY_SLICE: usize = 500;

/// Why the store takes no writes, if it does not.
pub(super) type Status = Arc<Mutex<Option<Arc<str>>>>;

/// What a command may work with.
pub(super) struct Desk<'a> {
    state: &'a mut State,
    now: Timestamp,
    rng: &'a mut StdRng,
    values: BatchValues<'a>,
    pins: &'a mut Pins,
    /// Which store it is, and which commit this batch will be in.
    store: Uuid,
    commits: u64,
    /// An import that this command includes, and what had changed before.
    included: &'a mut Option<(ImportId, Vec<Change>)>,
}

impl Desk<'_> {
    /// The state at the current time.
    pub(super) fn turn(&mut self) -> Turn<'_> {
        self.state.at(self.now, self.rng)
    }

    /// A document with its texts, as it is before anything of this batch is dropped.
    pub(super) fn load(&self, document: &Document) -> Result<Option<Loaded>> {
        loading::document(document, &self.values).map_err(|reason| Error::Unavailable(reason.into()))
    }

    /// All that is known, with a pin that keeps the large values of it.
    pub(super) fn all(&mut self) -> (Origin, Contents, Pin) {
        let origin = Origin { store: self.store, commits: self.commits, taken: self.now };
        (origin, self.state.tables().contents(), self.pins.pin())
    }

    /// Says that the changes which this command leaves from here on are staged already, all of them, and take effect
    /// with this commit. Nothing is done after it in the same batch.
    pub(super) fn include(&mut self, import: ImportId) {
        // What ends by itself ends now, so that it is not taken for something that was staged.
        self.turn();
        *self.included = Some((import, self.state.take_changes()));
    }

    /// Takes over new rules.
    pub(super) fn set_rules(&mut self, rules: Rules) {
        self.state.set_rules(rules);
    }
}

/// The large values of the batch and, behind them, those of the tree.
struct BatchValues<'a> {
    new: &'a HashMap<ValueId, Arc<[u8]>>,
    records: &'a Records,
}

impl Values for BatchValues<'_> {
    type Error = String;

    fn value(&self, id: ValueId, length: u64) -> std::result::Result<Option<Arc<[u8]>>, String> {
        match self.new.get(&id) {
            Some(bytes) => Ok(Some(Arc::clone(bytes))),
            None => self.records.tree.value(id, length),
        }
    }
}

/// The changes of the batch that is being gathered.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    values: HashMap<ValueId, Arc<[u8]>>,
    value_bytes: usize,
    /// An import that comes after all that, with its changes.
    import: Option<(ImportId, Vec<Change>)>,
}

impl Batch {
    fn take(&mut self, changes: Vec<Change>) {
        for change in &changes {
            if let Change::ValueKept(id, bytes) = change {
                self.value_bytes += bytes.len();
                self.values.insert(*id, Arc::clone(bytes));
            }
        }
        self.changes.extend(changes);
    }

    fn include(&mut self, import: ImportId, changes: Vec<Change>) {
        let (unstaged, staged) =
            changes.into_iter().partition(|change| matches!(change, Change::Ids(..) | Change::Counters(_)));
        self.take(unstaged);
        self.import = Some((import, staged));
    }

    fn is_full(&self) -> bool {
        self.import.is_some() || self.changes.len() >= MAX_CHANGES || self.value_bytes >= MAX_VALUE_BYTES
    }
}

/// The writer.
pub(super) struct Writer {
    pub(super) state: State,
    pub(super) disk: Disk,
    pub(super) view: Arc<RwLock<Tables>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: StdRng,
    pub(super) status: Status,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) pins: Pins,
    /// Before this bucket nothing of the history is left on disk; `None` before the first look.
    pub(super) forgotten: Option<Bucket>,
    /// What is due to end.
    pub(super) arrears: Arrears,
}

impl Writer {
    /// Works until the queue is closed or somebody asks it to close.
    pub(super) fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = self.next(&mut queue) else { break };
            closing = self.serve(first, &mut queue);
        }
        self.drop_what_waits();
        // Whoever comes from now on hears at once that nobody is here.
        drop(queue);
        self.disk.close();
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// At the end nobody can read any more. What stays because this fails is a loss of room and of nothing else.
    fn drop_what_waits(&mut self) {
        let changes = mem::take(&mut self.pins).give_up();
        if self.status.lock().is_none() {
            self.commit(Batch { changes, ..Batch::default() }, 0);
        }
    }

    /// The next message. While nobody waits, what is overdue ends, and what is left of dropped history is removed.
    fn next(&mut self, queue: &mut mpsc::Receiver<Message>) -> Option<Message> {
        loop {
            match queue.try_recv() {
                Ok(message) => return Some(message),
                // Whether any of this failed is in the status.
                Err(_) if self.status.lock().is_some() => return queue.blocking_recv(),
                Err(_) if self.arrears.gives_way() => thread::sleep(GIVEN_WAY),
                Err(_) if self.arrears.as_of().is_some() => {
                    let mut batch = Batch::default();
                    self.arrears.hurry();
                    drop(self.catch_up(&mut batch).or_else(|| self.commit(batch, 0)).or_else(|| self.tend()));
                }
                Err(_) if self.is_to_forget() => drop(self.write(&Batch::default(), 0).or_else(|| self.tend())),
                Err(_) => return queue.blocking_recv(),
            }
        }
    }

    /// Whether history that is dropped may be left on disk, and nobody reads it.
    fn is_to_forget(&mut self) -> bool {
        self.forgotten != Some(self.state.tables().history_floor()) && !self.pins.are_held()
    }

    /// Some of the history that is dropped and still on disk.
    fn history_to_forget(&self) -> std::result::Result<Vec<Bytes>, String> {
        let (from, to) = codec::history::before(self.state.tables().history_floor());
        let records = self.disk.records().range(&from, &to, Order::Ascending, HISTORY_SLICE)?;
        Ok(records.into_iter().map(|(key, _)| key).collect())
    }

    /// Gathers a batch that begins with `message`, commits and answers it.
    fn serve(&mut self, message: Message, queue: &mut mpsc::Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let mut jobs = Vec::new();
        let mut batch = Batch::default();
        let broken = self.status.lock().clone();
        let mut failed = broken.or_else(|| self.catch_up(&mut batch));
        let mut closing = None;
        let mut next = Some(message);
        while let Some(message) = next.take() {
            match message {
                Message::Close(closed) => closing = Some(closed),
                Message::Job(mut queued) => {
                    if failed.is_none() {
                        failed = self.run(&mut *queued.job, &mut batch);
                    }
                    jobs.push(queued);
                }
            }
            if closing.is_none() && failed.is_none() && jobs.len() < MAX_COMMANDS && !batch.is_full() {
                next = queue.try_recv().ok();
            }
        }
        let failed = failed.or_else(|| self.commit(batch, jobs.len()));
        if !jobs.is_empty() {
            answer_all(jobs, failed.as_ref());
            self.arrears.answered();
        }
        if failed.is_none() {
            self.tend();
        }
        closing
    }

    /// Ends some of what is due, as part of a batch that is empty yet, and before that what is long overdue, in batches of
    /// its own; the reason if that failed.
    fn catch_up(&mut self, batch: &mut Batch) -> Option<Arc<str>> {
        loop {
            let now = self.clock.now();
            // Where it is the turn of commands nothing ends, and so nothing fails.
            let most = self.arrears.begin(self.state.next_ending(), now)?;
            let reached = self.state.end_due(now, most);
            batch.take(self.state.take_changes());
            if self.arrears.reach(reached, now) {
                return None;
            }
            let failed = self.commit(mem::take(batch), 0).or_else(|| self.tend());
            if failed.is_some() {
                return failed;
            }
        }
    }

    /// Begins the next file of the journal if it is time; the reason if that failed.
    fn tend(&mut self) -> Option<Arc<str>> {
        let rush = self.arrears.as_of().is_some();
        self.disk.tend(rush).err().map(|reason| self.give_up(&reason))
    }

    /// Runs a command. After a panic nobody knows what the state is worth, so the whole batch is given up and the state
    /// made anew from what is durable.
    fn run(&mut self, job: &mut dyn Job, batch: &mut Batch) -> Option<Arc<str>> {
        let mut included = None;
        let mut desk = Desk {
            state: &mut self.state,
            now: self.arrears.as_of().unwrap_or_else(|| self.clock.now()),
            rng: &mut self.rng,
            values: BatchValues { new: &batch.values, records: self.disk.records() },
            pins: &mut self.pins,
            store: self.disk.store(),
            commits: self.disk.commits() + u64::from(!batch.changes.is_empty()),
            included: &mut included,
        };
        match catch_unwind(AssertUnwindSafe(|| job.run(&mut desk))) {
            Ok(()) => {
                let changes = self.state.take_changes();
                match included {
                    Some((import, before)) => {
                        batch.take(before);
                        batch.include(import, changes);
                    }
                    None => batch.take(changes),
                }
                None
            }
            Err(_) => {
                tracing::error!("a command panicked; its batch is given up and the state is made anew from disk");
                self.state = State::new(self.view.read().clone(), self.state.rules().clone());
                Some("a command failed unexpectedly; nothing of its batch was done".into())
            }
        }
    }

    /// Makes a batch durable and shows it to the readers; the reason if that failed.
    fn commit(&mut self, mut batch: Batch, commands: usize) -> Option<Arc<str>> {
        self.pins.sift(&mut batch.changes);
        if batch.changes.is_empty() && batch.import.is_none() && !self.is_to_forget() {
            return None;
        }
        self.write(&batch, commands)
    }

    /// As [`Self::commit`], if only to remove some of the history that is dropped.
    fn write(&mut self, batch: &Batch, commands: usize) -> Option<Arc<str>> {
        let import = batch.import.as_ref().map(|(import, _)| *import);
        let to_forget = self.is_to_forget();
        let committed = catch_unwind(AssertUnwindSafe(|| {
            let forgotten = if to_forget { self.history_to_forget()? } else { Vec::new() };
            let commit = Commit { changes: &batch.changes, import, forgotten: &forgotten, at: self.clock.now() };
            // Nothing is left to remove and nothing else to write: no reason to sync.
            let idle = forgotten.is_empty() && batch.changes.is_empty() && import.is_none();
            let synced = if idle { None } else { Some(self.disk.commit(commit)?) };
            Ok((synced, forgotten.len()))
        }));
        match committed.unwrap_or_else(|_| Err("the engine gave up".to_owned())) {
            Ok((synced, forgotten)) => {
                if to_forget && forgotten < HISTORY_SLICE {
                    self.forgotten = Some(self.state.tables().history_floor());
                }
                if let Some(synced) = synced {
                    self.observer.committed(commands, synced);
                }
                let mut view = self.view.write();
                batch.changes.iter().for_each(|change| view.apply(change));
                if let Some((_, staged)) = &batch.import {
                    view.apply_all(staged);
                }
                None
            }
            Err(reason) => Some(self.give_up(&reason)),
        }
    }

    /// Takes no further write.
    fn give_up(&self, reason: &str) -> Arc<str> {
        let reason: Arc<str> = format!("the disk failed: {reason}").into();
        tracing::error!(%reason, "no further write is taken; reads go on");
        Arc::clone(self.status.lock().get_or_insert(reason))
    }
}
