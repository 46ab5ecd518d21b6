//! The tree on disk, once it is open: written one batch at a time, each batch safe before it counts.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::codec::{self, Sink};
use super::marker::Marker;
use crate::domain::history::Bucket;
use crate::domain::{Change, ValueId};
use crate::store::loading::Values;

/// How many commits may pass before the marker is written anew.
const MARKER_EVERY: u64 = 4096;

/// Most entries of the history that are removed at a time.
const HISTORY_SLICE: usize = 500;

/// The tree, ready to be written.
pub(super) struct Disk {
    pub(super) directory: PathBuf,
    pub(super) tree: sled::Db,
    /// A second handle of sled's log: its own flush leaves the data in the drive's reach, but not safe from a power cut.
    pub(super) log: File,
    pub(super) marker: Marker,
    /// How many commits the tree has seen.
    pub(super) commits: u64,
    /// Keeps other processes out of the directory; let go of last.
    pub(super) _lock: File,
}

impl Disk {
    /// The tree, for reading the bytes of large values beside the writer.
    pub(super) fn tree(&self) -> &sled::Db {
        &self.tree
    }

    /// Writes all changes as one batch and returns when it is safe on disk; how long the syncing took.
    pub(super) fn commit(&mut self, changes: &[Change]) -> Result<Duration, String> {
        let mut batch = Batch::default();
        for change in changes {
            codec::encode(change, &mut batch);
        }
        let commits = self.commits + 1;
        batch.put(codec::COMMIT_KEY.to_vec(), codec::value(&commits));
        self.tree.apply_batch(batch.0).map_err(|error| error.to_string())?;
        let syncing = Instant::now();
        self.tree.flush().map_err(|error| error.to_string())?;
        self.log.sync_data().map_err(|error| error.to_string())?;
        let synced = syncing.elapsed();
        self.commits = commits;
        if commits - self.marker.commits >= MARKER_EVERY {
            self.write_marker();
        }
        Ok(synced)
    }

    /// Removes what is left of the history before a bucket, some of it at a time; whether there is more. It is not synced:
    /// what a power cut brings back is removed at the next start.
    pub(super) fn forget_history(&self, floor: Bucket) -> Result<bool, String> {
        let mut batch = sled::Batch::default();
        let mut removed = 0;
        for key in self.tree.range(codec::history::before(floor)).keys().take(HISTORY_SLICE) {
            batch.remove(key.map_err(|error| error.to_string())?);
            removed += 1;
        }
        self.tree.apply_batch(batch).map_err(|error| error.to_string())?;
        Ok(removed == HISTORY_SLICE)
    }

    /// Notes in the marker how far the history has come.
    pub(super) fn write_marker(&mut self) {
        let marker = Marker { commits: self.commits, ..self.marker.clone() };
        match marker.write(&self.directory) {
            Ok(()) => self.marker = marker,
            // The old marker is still true; only a loss of the commits since would go unnoticed.
            Err(error) => tracing::warn!(%error, "the marker of the data directory could not be renewed"),
        }
    }
}

/// A batch that takes encoded records.
#[derive(Default)]
struct Batch(sled::Batch);

impl Sink for Batch {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(key);
    }
}

impl Values for sled::Db {
    type Error = String;

    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for chunk in 0..codec::chunks(length) {
            match self.get(codec::chunk_key(id, chunk)).map_err(|error| error.to_string())? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == length).then(|| bytes.into()))
    }
}
