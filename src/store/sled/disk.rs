//! The disk as the writer sees it: one commit at a time, each safe before it counts.
//!
//! A commit goes to the journal alone, except for the bytes of large values: these go straight into the tree, before
//! the commit that speaks of them, so that they are written once. Should the power fail in between, nothing speaks of
//! them, and the next start removes them.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use uuid::Uuid;

use super::clean;
use super::codec::{self, Sink};
use super::folder::{Beginning, Folder, Wait};
use super::journal::{CommitNumber, Journal, Record};
use super::locked::Locked;
use super::marker::Marker;
use super::ops::{ImportId, OpsWriter};
use super::pending::{Layer, Pending, Records};
use super::tree::{Slice, Tree};
use super::writer::Status;
use crate::domain::{Change, Timestamp};

/// How many commits may pass before the marker is written anew.
const MARKER_EVERY: u64 = 4096;
/// How large a file of the journal becomes before the next one is begun. A larger one saves work, since of many values
/// of one key only the last is moved into the tree; a smaller one is read faster at a start.
const FILE_BYTES: usize = 16 * 1024 * 1024;
/// How large it becomes while much falls due at once: moving it takes the disk and a processor from those who wait then.
const RUSH_FILE_BYTES: usize = 2 * FILE_BYTES;
/// How large it may become while the folder has the one before it in hand; then commits wait.
const MOST_FILE_BYTES: usize = 4 * FILE_BYTES;
/// How long to wait at an end for sled to let go of its files.
const LETTING_GO: Duration = Duration::from_secs(10);
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
    pub(super) commits: CommitNumber,
    /// When the last commit was made.
    pub(super) last_commit: Timestamp,
    /// Keeps other processes out of the directory.
    pub(super) lock: Locked,
}

/// What one commit is to write.
#[derive(Clone, Copy)]
pub(super) struct Commit<'a> {
    /// What has changed.
    pub(super) changes: &'a [Change],
    /// An import that takes effect after them.
    pub(super) import: Option<ImportId>,
    /// Keys of the history that is dropped.
    pub(super) forgotten: &'a [Bytes],
    /// When it is made: no later start goes by an earlier time.
    pub(super) at: Timestamp,
}

/// The disk, ready to be written.
pub(super) struct Disk {
    directory: PathBuf,
    store: Uuid,
    records: Arc<Records>,
    journal: Journal,
    record: Record,
    folder: Folder,
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

impl Disk {
    /// Begins to write.
    pub(super) fn new(opened: Opened, status: Status) -> std::io::Result<Self> {
        let Opened { directory, tree, journal, left, marker, commits, lock, .. } = opened;
        let pending = Pending::new(left.iter().cloned(), journal.generation());
        let records = Arc::new(Records { tree, pending });
        let (store, marked) = (marker.store, marker.commits);
        let folder = Folder::start(Beginning {
            directory: directory.clone(),
            records: Arc::clone(&records),
            marker,
            status: Arc::clone(&status),
            left,
            active: journal.generation(),
        })?;
        let record = Record::new();
        Ok(Self { directory, store, records, journal, record, folder, commits, marked, begun: None, status, lock })
    }

    /// What is durable, for reading beside the writer.
    pub(super) fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Which store it is.
    pub(super) fn store(&self) -> Uuid {
        self.store
    }

    /// The last commit that is safe.
    pub(super) fn commits(&self) -> CommitNumber {
        self.commits
    }

    /// Writes a commit and returns when it is safe on disk; how long the syncing took.
    pub(super) fn commit(&mut self, commit: Commit<'_>) -> Result<Duration, String> {
        self.record.clear();
        self.encode(commit)?;
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
            self.folder.mark(number);
            self.marked = number;
        }
        Ok(synced)
    }

    /// Turns the changes into operations for the journal; large values go into the tree at once.
    fn encode(&mut self, commit: Commit<'_>) -> Result<(), String> {
        let mut operations = OpsWriter(self.record.operations_mut());
        let (mut values, mut counters, mut kept) = (Slice::default(), None, false);
        for change in commit.changes {
            match change {
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
        for key in commit.forgotten {
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

    /// Begins the next file of the journal if this one is large or old enough, so that it is moved into the tree; in a
    /// rush somewhat later.
    pub(super) fn tend(&mut self, rush: bool) -> Result<(), String> {
        match self.journal.bytes() {
            0 => Ok(()),
            MOST_FILE_BYTES.. => self.turn_over(Wait::Yes),
            FILE_BYTES..RUSH_FILE_BYTES if rush => Ok(()),
            FILE_BYTES.. => self.turn_over(Wait::No),
            _ if self.begun.is_some_and(|begun| begun.elapsed() >= FILE_AGE) => self.turn_over(Wait::No),
            _ => Ok(()),
        }
    }

    fn turn_over(&mut self, wait: Wait) -> Result<(), String> {
        if let Some(next) = self.folder.next(wait)? {
            self.folder.fold(self.records.pending.freeze(next.generation()));
            self.journal = next;
            self.begun = None;
        }
        Ok(())
    }

    /// Moves everything into the tree, if the disk still takes it, and lets go of the directory.
    pub(super) fn close(mut self) {
        if self.status.lock().is_none()
            && self.journal.bytes() > 0
            && let Err(reason) = self.turn_over(Wait::Yes)
        {
            tracing::warn!(reason, "what is in the journal stays there until the next start");
        }
        self.folder.mark(self.commits);
        let Self { directory, records, journal, folder, status, lock, .. } = self;
        folder.finish();
        drop(journal);
        let broken = status.lock().is_some();
        // Whoever still reads keeps the tree open, and what sled writes at its end is then not known here.
        if let Some(records) = Arc::into_inner(records) {
            drop(records);
            wait_for_sled(&directory);
            if !broken && let Err(error) = clean::note(&directory) {
                tracing::warn!(%error, "the end could not be noted; the next start takes longer");
            }
        }
        drop(lock);
    }
}

/// Waits until sled's background tasks have let go of its files: they hold them for a while after the tree is dropped,
/// and whoever opens the directory next should find them free.
fn wait_for_sled(directory: &Path) {
    let Ok(log) = File::open(directory.join("db")) else { return };
    let began = Instant::now();
    while began.elapsed() < LETTING_GO {
        match log.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
            // Whatever else is wrong with the file, the next start says so.
            _ => break,
        }
    }
    let _ = log.unlock();
}
