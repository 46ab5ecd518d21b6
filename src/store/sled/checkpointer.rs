//! The thread that moves what is in the journal into the tree, while commits go on.
//!
//! One file of the journal at a time: what it says last of every key goes into the tree in the order of the keys, a
//! slice at a time; then the tree is synced; then a record of the tree says that this file is done; then the tree is
//! synced once more; and only then the file is removed. So after an end at any moment:
//!
//! - The tree says that a file is done only when everything of it is safe there.
//! - A file that is not done is still there whole, and saying everything in it again does no harm: operations are
//!   absolute, a later file is never begun to be moved before an earlier one is done, and what the tree has half of one
//!   file is the same that the file says.
//!
//! The order does not rest on what the tree promises of its own log, only on its syncs.
//!
//! The thread also keeps the marker up to date and has the next file of the journal ready before it is needed, so that
//! the writer makes no files while somebody waits for it.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::io::Errno;

use super::blocks::Packer;
use super::codec::{self, Sink};
use super::journal::{self, CommitNumber, Generation, Journal};
use super::marker::Marker;
use super::ops::Op;
use super::pending::Layer;
use super::records::DurableRecords;
use super::stages;
use super::tree::{Slice, Tree};
use crate::store::engine::Status;

/// How long the checkpointer waits for a descriptor before it tries again.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// What is asked of the checkpointer.
enum Work {
    /// Move a frozen layer into the tree.
    Checkpoint(Arc<Layer>),
    /// Note in the marker that the history has come this far.
    Mark(CommitNumber),
}

/// The checkpointer, as the writer sees it.
pub(super) struct Checkpointer {
    work: Sender<Work>,
    next: Receiver<Journal>,
    thread: JoinHandle<()>,
}

/// The checkpointer, as it sees itself.
struct Worker {
    directory: PathBuf,
    records: Arc<DurableRecords>,
    marker: Marker,
    status: Status,
    /// The files that are still there, oldest first.
    files: VecDeque<Generation>,
    /// The file that will be needed next.
    upcoming: Generation,
    ready: SyncSender<Journal>,
}

/// What the checkpointer begins with.
pub(super) struct Beginning {
    pub(super) directory: PathBuf,
    pub(super) records: Arc<DurableRecords>,
    pub(super) marker: Marker,
    pub(super) status: Status,
    /// What a former run has left to move, oldest first.
    pub(super) left: Vec<Arc<Layer>>,
    /// The file that is written now.
    pub(super) active: Generation,
}

impl Checkpointer {
    /// Starts the thread.
    pub(super) fn start(beginning: Beginning) -> std::io::Result<Self> {
        let Beginning { directory, records, marker, status, left, active } = beginning;
        let (work, inbox) = channel();
        let (ready, next) = sync_channel(1);
        for layer in &left {
            // The thread's end of the channel is in this function.
            let _ = work.send(Work::Checkpoint(Arc::clone(layer)));
        }
        // Some may hold nothing that counts: a commit that was cut short, or what could not be removed when it was done.
        let files = journal::generations(&directory)?.into_iter().filter(|file| *file < active).collect();
        let worker = Worker { directory, records, marker, status, files, upcoming: active + 1, ready };
        let thread = thread::Builder::new().name("store-checkpoint".to_owned());
        let thread = thread.spawn(move || worker.work(&inbox))?;
        Ok(Self { work, next, thread })
    }

    /// The next file of the journal, if it is there; with `wait`, as soon as it is. An error if there will be none.
    pub(super) fn next(&self, wait: Wait) -> Result<Option<Journal>, String> {
        use std::sync::mpsc::TryRecvError;
        match wait {
            Wait::No => match self.next.try_recv() {
                Ok(journal) => Ok(Some(journal)),
                Err(TryRecvError::Empty) => Ok(None),
                Err(TryRecvError::Disconnected) => Err(gone()),
            },
            Wait::Yes => self.next.recv().map(Some).map_err(|_| gone()),
        }
    }

    /// Moves a layer into the tree, some time.
    pub(super) fn checkpoint(&self, layer: Arc<Layer>) {
        // A checkpointer that has failed has said so in the status.
        let _ = self.work.send(Work::Checkpoint(layer));
    }

    /// Notes in the marker how far the history has come, some time.
    pub(super) fn mark(&self, commits: CommitNumber) {
        let _ = self.work.send(Work::Mark(commits));
    }

    /// Returns when everything asked for is done.
    pub(super) fn finish(self) {
        let Self { work, next, thread } = self;
        drop(work);
        drop(next);
        let _ = thread.join();
    }
}

fn gone() -> String {
    "the journal's next file could not be made".to_owned()
}

/// Whether to wait for what is not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Do without.
    No,
    /// Wait.
    Yes,
}

impl Worker {
    fn work(mut self, inbox: &Receiver<Work>) {
        let mut outcome = guarded(|| self.prepare());
        while outcome.is_ok()
            && let Ok(work) = inbox.recv()
        {
            outcome = match work {
                Work::Checkpoint(layer) => guarded(|| self.checkpoint(&layer)),
                Work::Mark(commits) => {
                    self.mark(commits);
                    Ok(())
                }
            };
        }
        if let Err(reason) = outcome {
            let reason = self.status.fail(&reason);
            tracing::error!(%reason, "what was committed stays in the journal; no further write is taken, reads go on");
        }
    }

    /// Has the next file of the journal ready.
    fn prepare(&mut self) -> Result<(), String> {
        let journal = self.create().map_err(|error| format!("making a file of the journal: {error}"))?;
        self.upcoming += 1;
        // When the writer has ended nobody needs it any more.
        let _ = self.ready.send(journal);
        Ok(())
    }

    /// Makes the next file. That the process, or the machine, is out of descriptors passes: it is waited for, and the writer
    /// goes on with the file that it has.
    fn create(&self) -> io::Result<Journal> {
        let mut waiting = false;
        loop {
            match Journal::create(&self.directory, self.marker.store, self.upcoming) {
                Err(error) if is_out_of_descriptors(&error) => {
                    if !mem::replace(&mut waiting, true) {
                        tracing::error!(%error, "the journal's next file cannot be made yet; it is tried again and again");
                    }
                    thread::sleep(TRY_AGAIN_AFTER);
                }
                made => {
                    if waiting && made.is_ok() {
                        tracing::info!("the journal's next file is made");
                    }
                    return made;
                }
            }
        }
    }

    fn checkpoint(&mut self, layer: &Layer) -> Result<(), String> {
        if layer.generation + 2 == self.upcoming {
            self.prepare()?;
        }
        if !self.files.contains(&layer.generation) {
            self.files.push_back(layer.generation);
        }
        checkpoint(layer, &self.records.tree)?;
        self.records.pending.forget(layer.generation);
        self.mark(layer.commits);
        while let Some(file) = self.files.pop_front_if(|file| *file <= layer.generation) {
            if let Err(error) = journal::remove(&self.directory, file) {
                // It is passed over at the next start.
                tracing::warn!(%error, file, "a file of the journal that is done with could not be removed");
            }
        }
        Ok(())
    }

    fn mark(&mut self, commits: CommitNumber) {
        if commits <= self.marker.commits {
            return;
        }
        let marker = Marker { commits, ..self.marker.clone() };
        match marker.write(&self.directory) {
            Ok(()) => self.marker = marker,
            // The old marker is still true; only a loss of the commits since would go unnoticed.
            Err(error) => tracing::warn!(%error, "the marker of the data directory could not be renewed"),
        }
    }
}

/// Does something with the disk. Sled panics on some of what it does not expect.
pub(super) fn guarded<T>(act: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let outcome = catch_unwind(AssertUnwindSafe(act)).unwrap_or_else(|_| Err("the engine gave up".to_owned()));
    outcome.map_err(|reason| format!("the disk failed: {reason}"))
}

/// Whether the system has no descriptor for another file, for this process or at all.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(code, Some(Errno::MFILE | Errno::NFILE))
}

/// Moves a layer into the tree, with the import it ends with, and returns when that is safe on disk.
pub(super) fn checkpoint(layer: &Layer, tree: &Tree) -> Result<(), String> {
    let (mut slice, mut history) = (Slice::default(), Packer::new(layer.commits));
    for (key, value) in layer.operations() {
        match value {
            Some(value) if codec::history::is_entry(&key) => history.add(&key, &value, &mut slice),
            Some(value) => slice.put(&key, &value),
            // Most of what is gone came since the last file and is not in the tree; a look costs far less than a write.
            None if tree.get(&key)?.is_none() => {}
            None => slice.remove(&key),
        }
        if slice.is_full() {
            tree.write(mem::take(&mut slice))?;
        }
    }
    history.finish(&mut slice);
    if let Some(import) = layer.import {
        stages::replay(import, tree, |op| {
            match op {
                Op::Put(key, value) => slice.put(key, value),
                Op::Remove(key) => slice.remove(key),
                Op::Include(_) => return Err("an import that includes an import".to_owned()),
            }
            if slice.is_full() {
                tree.write(mem::take(&mut slice))?;
            }
            Ok(())
        })?;
    }
    tree.write(slice)?;
    tree.sync()?;
    note_done(tree, layer.generation, layer.commits)?;
    match layer.import {
        Some(import) => stages::remove(import, tree),
        None => Ok(()),
    }
}

/// Writes into the tree that a file of the journal is done, and with it the commits up to its last.
pub(super) fn note_done(tree: &Tree, generation: Generation, commits: CommitNumber) -> Result<(), String> {
    let mut done = Slice::default();
    done.put(codec::COMMIT_KEY, &codec::value(&commits));
    done.put(codec::JOURNAL_KEY, &codec::value(&generation));
    tree.write(done)?;
    tree.sync()
}
