//! A data directory made of changes, all at once: for a restore.
//!
//! The note that says that nothing in the directory counts yet stands until everything is in it, safe on disk, and has
//! been read back. So whenever the process ends, the directory counts as empty or as whole.

use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::codec;
use super::inspect::{self, Report, Subject};
use super::locked::Locked;
use super::marker::{self, FORMAT, Marker};
use super::opening::{OpenError, Opening};
use super::private;
use super::tree::{Slice, Tree};
use crate::domain::Change;

/// How many slices are written between two syncs, which let go of the memory that the tree has gathered.
const SYNC_EVERY: usize = 64;

/// A data directory that is being made. One that is dropped unfinished leaves nothing behind.
pub struct Build {
    tree: Tree,
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
        private::close_to_others(directory).map_err(|error| opening.unusable(&error))?;
        // A store that goes its own way from here on is another store than the one that it was taken from.
        let store = Uuid::from_bytes(rand::random());
        let tree = opening.new_tree(store, 0)?;
        let marker = Marker { format: FORMAT, store, commits: 0, compacted: None };
        Ok(Self { tree, slice: Slice::default(), slices: 0, cache_bytes, marker, place })
    }

    /// Adds what a change makes.
    ///
    /// # Errors
    /// [`OpenError::Unusable`].
    pub fn add(&mut self, change: &Change) -> Result<(), OpenError> {
        codec::encode_whole(change, &mut self.slice);
        if !self.slice.is_full() {
            return Ok(());
        }
        self.slices += 1;
        let written = self.tree.pour(mem::take(&mut self.slice));
        let synced = if self.slices.is_multiple_of(SYNC_EVERY) { self.tree.sync() } else { Ok(()) };
        written.and(synced).map_err(|reason| self.place.opening(self.cache_bytes).unusable(&io::Error::other(reason)))
    }

    /// Makes what was added safe, reads it back, and lets it count.
    ///
    /// # Errors
    /// [`OpenError::Unusable`], or [`OpenError::Damaged`] where what was added does not fit together.
    pub fn finish(self) -> Result<Report, OpenError> {
        let Self { tree, slice, cache_bytes, marker, mut place, .. } = self;
        let opening = Opening { directory: &place.directory.clone(), cache_bytes };
        let unusable = |error: io::Error| opening.unusable(&error);
        tree.pour(slice).and_then(|()| tree.sync()).map_err(io::Error::other).map_err(unusable)?;
        // Closed and opened again, everything comes from the files.
        opening.release(tree)?;
        let tree = opening.open_tree()?;
        let report = inspect::inspect(&Subject { tree: &tree, layers: &[], marker: &marker, commits: 0 });
        opening.release(tree)?;
        if let Some(problem) = report.problems.first() {
            return Err(opening.damaged(problem));
        }
        // Sled has written once more when it opened and closed the tree.
        opening.sync_files().map_err(unusable)?;
        private::give_to_owner(&place.directory, !place.existed).map_err(unusable)?;
        marker.write(&place.directory).map_err(unusable)?;
        private::give_to_owner(&place.directory, false).map_err(unusable)?;
        place.kept = true;
        Ok(report)
    }
}

/// Where it is made; cleared when it is dropped, unless what is there is to be kept.
struct Place {
    directory: PathBuf,
    /// Whether the directory was there before.
    existed: bool,
    kept: bool,
    _lock: Option<Locked>,
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
