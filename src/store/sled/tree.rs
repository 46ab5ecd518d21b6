//! The tree on disk: written a slice at a time, safe when synced.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::codec::{self, Sink};
use crate::domain::ValueId;
use crate::store::loading::Values;

/// Most operations that are written at one time. Larger slices hold up whoever reads or writes beside them.
pub(super) const SLICE: usize = 500;

/// A key and its value.
pub(super) type Pair = (sled::IVec, sled::IVec);

/// The tree. Who may write which records is settled by their kinds: large values are the committing writer's, stages
/// the importing thread's, and everything else the folder's.
pub(super) struct Tree {
    db: sled::Db,
    /// A second handle of sled's log: its own flush leaves the data in the drive's reach, but not safe from a power cut.
    log: File,
}

impl Tree {
    /// The tree whose files are in `directory`.
    pub(super) fn new(db: sled::Db, directory: &Path) -> io::Result<Self> {
        Ok(Self { db, log: File::open(directory.join("db"))? })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, String> {
        self.db.get(key).map_err(|error| error.to_string())
    }

    /// The records from one key on, up to another, in the order of their keys.
    pub(super) fn range(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = Result<Pair, String>> {
        self.db.range(from..to).map(|record| record.map_err(|error| error.to_string()))
    }

    /// Writes a slice: all of it or, should the process end now, none.
    pub(super) fn write(&self, slice: Slice) -> Result<(), String> {
        self.db.apply_batch(slice.batch).map_err(|error| error.to_string())
    }

    /// Returns when everything written is safe on disk.
    pub(super) fn sync(&self) -> Result<(), String> {
        self.db.flush().map_err(|error| error.to_string())?;
        self.log.sync_data().map_err(|error| error.to_string())
    }

    /// Removes records, a slice at a time, and syncs.
    pub(super) fn remove_range(&self, from: &[u8], to: &[u8]) -> Result<(), String> {
        let mut slice = Slice::default();
        for record in self.range(from, to) {
            slice.remove(&record?.0);
            if slice.is_full() {
                self.write(std::mem::take(&mut slice))?;
            }
        }
        self.write(slice)?;
        self.sync()
    }
}

/// Operations that are written together.
#[derive(Default)]
pub(super) struct Slice {
    batch: sled::Batch,
    operations: usize,
}

impl Slice {
    /// Whether it holds as much as is good for it.
    pub(super) fn is_full(&self) -> bool {
        self.operations >= SLICE
    }
}

impl Sink for Slice {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.batch.insert(key, value);
        self.operations += 1;
    }

    fn remove(&mut self, key: &[u8]) {
        self.batch.remove(key);
        self.operations += 1;
    }
}

impl Values for Tree {
    type Error = String;

    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for chunk in 0..codec::chunks(length) {
            match self.get(&codec::chunk_key(id, chunk))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == length).then(|| bytes.into()))
    }
}
