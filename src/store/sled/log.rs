//! The log on disk: one commit at a time, each safe before it counts.
//!
//! A commit goes to the journal alone, except for the bytes of large values: these go straight into the tree, before
//! the commit that speaks of them, so that they are written once. Should the power fail in between, nothing speaks of
//! them, and the next start removes them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::checkpointer::{self, Checkpointer, Wait, guarded};
use super::codec::{self, Sink};
use super::journal::{CommitNumber, Journal, Record};
use super::locked::Locked;
use super::marker::Marker;
use super::ops::OpsWriter;
use super::pending::{Layer, Pending};
use super::records::DurableRecords;
use super::tree::{Slice, Tree, shutdown_checksum};
use crate::domain::{Change, Document, Timestamp};
use crate::store::engine::{Commit, Committed, Failure, Log, Pace, Status};

/// How many commits may pass before the marker is written anew.
const MARKER_EVERY: u64 = 4096;
/// How large a file of the journal becomes before the next one is begun. A larger one saves work, since of many values
/// of one key only the last is moved into the tree; a smaller one is read faster at a start.
const FILE_BYTES: usize = 16 * 1024 * 1024;
/// How large it becomes while much falls due at once: moving it takes the disk and a processor from those who wait then.
const RUSH_FILE_BYTES: usize = 2 * FILE_BYTES;
/// How large it may become while the checkpointer has the one before it in hand; then commits wait.
const MOST_FILE_BYTES: usize = 4 * FILE_BYTES;
/// Most records of what is dropped that are removed with one commit.
const FORGOTTEN_SLICE: usize = 500;
/// How long something stays in the journal alone when little happens.
const FILE_AGE: Duration = Duration::from_secs(60);

/// A data directory that has been read and may be written from now on.
pub(super) struct Opened {
    pub(super) directory: PathBuf,
    pub(super) tree: Tree,
    pub(super) journal: Journal,
    /// What a former run has left in the journal, oldest first.
    pub(super) left: Vec<Arc<Layer>>,
    pub(super) marker: Marker,
    /// The last commit that is in the tree.
    pub(super) in_tree: CommitNumber,
    pub(super) commits: CommitNumber,
    /// When the last commit was made.
    pub(super) last_commit: Timestamp,
    /// Keeps other processes out of the directory.
    pub(super) lock: Locked,
}

/// A data directory, ready to be written.
pub struct SledLog {
    directory: PathBuf,
    store: Uuid,
    records: Arc<DurableRecords>,
    journal: Journal,
    record: Record,
    checkpointer: Checkpointer,
    /// The last commit that is safe.
    commits: CommitNumber,
    /// The last commit that the marker was told of.
    marked: CommitNumber,
    /// When the first commit of the journal's file was made.
    begun: Option<Instant>,
    status: Status,
    /// Let go of last.
    lock: Locked,
}

impl SledLog {
    /// Begins to write.
    pub(super) fn new(opened: Opened, status: Status) -> io::Result<Self> {
        let Opened { directory, tree, journal, left, marker, in_tree, commits, lock, .. } = opened;
        let pending = Pending::new(left.iter().cloned(), journal.generation(), in_tree);
        let records = Arc::new(DurableRecords { tree, pending });
        let (store, marked) = (marker.store, marker.commits);
        let checkpointer = Checkpointer::start(checkpointer::Beginning {
            directory: directory.clone(),
            records: Arc::clone(&records),
            marker,
            status: status.clone(),
            left,
            active: journal.generation(),
        })?;
        let record = Record::new();
        Ok(Self {
            directory,
            store,
            records,
            journal,
            record,
            checkpointer,
            commits,
            marked,
            begun: None,
            status,
            lock,
        })
    }

    fn write(&mut self, commit: Commit<'_>) -> Result<Committed, String> {
        let forgotten =
            commit.forget_before.map_or(Ok(Vec::new()), |forget| self.records.forgotten(forget, FORGOTTEN_SLICE))?;
        let all = commit.forget_before.is_some() && forgotten.len() < FORGOTTEN_SLICE;
        // Nothing is left to remove and nothing else to write: no reason to sync.
        let idle = forgotten.is_empty() && commit.changes.is_empty() && commit.import.is_none();
        let synced = if idle { None } else { Some(self.append(commit, &forgotten)?) };
        Ok(Committed { synced, forgotten: all })
    }

    /// Writes a commit and returns when it is safe on disk; how long the syncing took.
    fn append(&mut self, commit: Commit<'_>, forgotten: &[Bytes]) -> Result<Duration, String> {
        self.record.clear();
        self.encode(commit, forgotten)?;
        let number = self.commits + 1;
        self.journal.append(number, &mut self.record).map_err(|error| error.to_string())?;
        let syncing = Instant::now();
        self.journal.sync().map_err(|error| error.to_string())?;
        let synced = syncing.elapsed();
        self.commits = number;
        self.begun.get_or_insert(syncing);
        self.records.pending.add(number, Bytes::copy_from_slice(self.record.operations()));
        if commit.import.is_some() {
            // A file ends with the import that it includes.
            self.turn_over(Wait::Yes)?;
        }
        if number - self.marked >= MARKER_EVERY {
            self.checkpointer.mark(number);
            self.marked = number;
        }
        Ok(synced)
    }

    /// Turns the changes into operations for the journal; large values go into the tree at once.
    fn encode(&mut self, commit: Commit<'_>, forgotten: &[Bytes]) -> Result<(), String> {
        let mut operations = OpsWriter(self.record.operations_mut());
        let (mut values, mut counters, mut kept) = (Slice::default(), None, false);
        for (place, change) in commit.changes.iter().enumerate() {
            match change {
                Change::Document(scope, id, Some(document)) if begins(document, &commit.changes[..place]) => {
                    codec::encode_begun(scope, *id, &mut operations);
                }
                Change::ValueKept(..) => {
                    codec::encode(change, &mut values);
                    kept = true;
                    if values.is_full() {
                        self.records.tree.write(std::mem::take(&mut values))?;
                    }
                }
                // The last of them says it all.
                Change::Counters(_) => counters = Some(change),
                _ => codec::encode(change, &mut operations),
            }
        }
        if let Some(counters) = counters {
            codec::encode(counters, &mut operations);
        }
        operations.put(codec::TIME_KEY, &codec::value(&commit.at.as_millis()));
        for key in forgotten {
            operations.remove(key);
        }
        if let Some(import) = commit.import {
            operations.include(import);
        }
        if kept {
            self.records.tree.write(values)?;
            self.records.tree.sync()?;
        }
        Ok(())
    }

    fn turn_over(&mut self, wait: Wait) -> Result<(), String> {
        if let Some(next) = self.checkpointer.next(wait)? {
            self.checkpointer.checkpoint(self.records.pending.freeze(next.generation()));
            self.journal = next;
            self.begun = None;
        }
        Ok(())
    }
}

/// Whether a document is one that comes with the interaction that was made just before, and says nothing beyond it.
fn begins(document: &Document, before: &[Change]) -> bool {
    let Some(Change::Interaction(_, _, Some(interaction))) = before.last() else { return false };
    document.entries.is_empty() && *document == Document::begun(interaction)
}

impl Log for SledLog {
    type Records = DurableRecords;

    fn records(&self) -> &Arc<DurableRecords> {
        &self.records
    }

    fn store(&self) -> Uuid {
        self.store
    }

    fn commits(&self) -> CommitNumber {
        self.commits
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Committed, Failure> {
        guarded(|| self.write(commit)).map_err(Failure::Broken)
    }

    /// Begins the next file of the journal if this one is large or old enough, so that it is moved into the tree; in a
    /// rush somewhat later.
    fn tend(&mut self, pace: Pace) -> Result<(), Failure> {
        guarded(|| match self.journal.bytes() {
            0 => Ok(()),
            MOST_FILE_BYTES.. => self.turn_over(Wait::Yes),
            FILE_BYTES..RUSH_FILE_BYTES if pace == Pace::Rush => Ok(()),
            FILE_BYTES.. => self.turn_over(Wait::No),
            _ if self.begun.is_some_and(|begun| begun.elapsed() >= FILE_AGE) => self.turn_over(Wait::No),
            _ => Ok(()),
        })
        .map_err(Failure::Broken)
    }

    /// Moves everything into the tree, if the disk still takes it, and lets go of the directory.
    fn close(mut self) {
        if self.status.failed().is_none()
            && self.journal.bytes() > 0
            && let Err(reason) = self.turn_over(Wait::Yes)
        {
            tracing::warn!(reason, "what is in the journal stays there until the next start");
        }
        self.checkpointer.mark(self.commits);
        let Self { directory, records, journal, checkpointer, status, lock, .. } = self;
        checkpointer.finish();
        drop(journal);
        let broken = status.failed().is_some();
        // Whoever still reads keeps the tree open, and what sled writes at its end is then not known here.
        if let Some(records) = Arc::into_inner(records) {
            // Whatever is wrong with the files, the next start says so.
            let released = records.tree.release(&directory).is_ok();
            if released
                && !broken
                && let Err(error) = shutdown_checksum::write(&directory)
            {
                tracing::warn!(%error, "the end could not be noted; the next start takes longer");
            }
        }
        drop(lock);
    }
}
