//! A data directory made of changes, all at once: for a restore.
//!
//! The note that says that nothing in the directory counts yet stands until everything is in it, safe on disk, and has
//! been read back. So whenever the process ends, the directory counts as empty or as whole.

use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::codec::{self, Sink};
use super::inspect::{self, Report};
use super::marker::{self, FORMAT, Marker};
use super::opening::{OpenError, Opening};
use crate::domain::Change;

/// Most records that are written at one time.
const SLICE: usize = 500;
/// How many slices are written between two flushes, which let go of the memory that the tree has gathered.
const FLUSH_EVERY: usize = 64;

/// A data directory that is being made. One that is dropped unfinished leaves nothing behind.
pub struct Build {
    tree: sled::Db,
    slice: Slice,
    slices: usize,
    cache_bytes: u64,
    marker: Marker,
    place: Place,
}

impl Build {
    /// Begins in a directory that is empty or does not exist.
    ///
    /// # Errors
    /// [`OpenError::NotEmpty`], [`OpenError::InUse`], [`OpenError::Unusable`].
    pub fn begin(directory: &Path, cache_bytes: u64) -> Result<Self, OpenError> {
        let opening = Opening { directory, cache_bytes };
        let mut place = Place { directory: directory.to_owned(), existed: directory.exists(), kept: true, _lock: None };
        opening.make_directory().map_err(|error| opening.unusable(&error))?;
        place._lock = Some(opening.lock()?);
        if !opening.holds_nothing()? {
            return Err(OpenError::NotEmpty(directory.to_owned()));
        }
        place.kept = false;
        // A store that goes its own way from here on is another store than the one that it was taken from.
        let store = Uuid::from_bytes(rand::random());
        let tree = opening.new_tree(store)?;
        let marker = Marker { format: FORMAT, store, commits: 0 };
        Ok(Self { tree, slice: Slice::default(), slices: 0, cache_bytes, marker, place })
    }

    /// Adds what a change makes.
    ///
    /// # Errors
    /// [`OpenError::Unusable`].
    pub fn add(&mut self, change: &Change) -> Result<(), OpenError> {
        codec::encode(change, &mut self.slice);
        if self.slice.records < SLICE {
            return Ok(());
        }
        self.slices += 1;
        let written = write(&self.tree, mem::take(&mut self.slice), self.slices.is_multiple_of(FLUSH_EVERY));
        written.map_err(|error| self.place.opening(self.cache_bytes).unusable(&error))
    }

    /// Makes what was added safe, reads it back, and lets it count.
    ///
    /// # Errors
    /// [`OpenError::Unusable`], or [`OpenError::Damaged`] where what was added does not fit together.
    pub fn finish(self) -> Result<Report, OpenError> {
        let Self { tree, slice, cache_bytes, marker, mut place, .. } = self;
        let opening = Opening { directory: &place.directory.clone(), cache_bytes };
        let unusable = |error: io::Error| opening.unusable(&error);
        write(&tree, slice, true).map_err(unusable)?;
        // Closed and opened again, everything comes from the files.
        drop(tree);
        File::open(place.directory.join("db")).and_then(|log| log.sync_all()).map_err(unusable)?;
        let tree = opening.open_tree(&place.directory)?;
        let report = inspect::inspect(&tree, &marker);
        drop(tree);
        if let Some(problem) = report.problems.first() {
            return Err(opening.damaged(problem));
        }
        File::open(&place.directory).and_then(|directory| directory.sync_all()).map_err(unusable)?;
        marker.write(&place.directory).map_err(unusable)?;
        place.kept = true;
        Ok(report)
    }
}

/// Writes a slice, and on demand everything before it, to the files.
fn write(tree: &sled::Db, slice: Slice, flush: bool) -> io::Result<()> {
    tree.apply_batch(slice.batch)?;
    if flush {
        tree.flush()?;
    }
    Ok(())
}

/// Records that are written together.
#[derive(Default)]
struct Slice {
    batch: sled::Batch,
    records: usize,
}

impl Sink for Slice {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.batch.insert(key, value);
        self.records += 1;
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.batch.remove(key);
        self.records += 1;
    }
}

/// Where it is made; cleared when it is dropped, unless what is there is to be kept.
struct Place {
    directory: PathBuf,
    /// Whether the directory was there before.
    existed: bool,
    kept: bool,
    _lock: Option<File>,
}

impl Place {
    fn opening(&self, cache_bytes: u64) -> Opening<'_> {
        Opening { directory: &self.directory, cache_bytes }
    }

    fn clear(&self) -> io::Result<()> {
        self.opening(0).clear()?;
        match fs::remove_dir_all(self.directory.join("blobs")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        marker::forget_beginning(&self.directory)?;
        if self.existed { Ok(()) } else { fs::remove_dir(&self.directory) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.clear() {
            // It still counts as empty: the note stands.
            tracing::warn!(path = %self.directory.display(), %error, "what was begun here could not be removed");
        }
    }
}
