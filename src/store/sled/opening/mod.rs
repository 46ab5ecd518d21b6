//! Opening a data directory: with distrust, never silently empty, and without harm where it is refused.
//!
//! First the directory is locked and looked at. Then the tree is opened on a copy, held against the marker, and read
//! together with the journal. Only what has passed is opened in place. The copy is spared where a note says that every
//! file is as it was when the store was closed.

mod error;
mod examine;
mod files;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codec::{self, Sink, Unreadable};
use super::compact::{self, Compaction};
use super::journal::{CommitNumber, Generation, Journal};
use super::log::Opened;
use super::marker::{self, FORMAT, Marker};
use super::replay::{Active, Extent, Replayed};
use super::tree::{self, Slice, Tree, TreeError, shutdown_checksum};
use super::{private, stages, swap};
use crate::domain::{Tables, Timestamp, ValueId};

use files::{Files, NO_TREE};

pub use error::OpenError;

/// Opens a data directory, makes it if it does not exist, and reads what is in it.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(directory: &Path, cache_bytes: u64, compaction: Compaction) -> Result<(Opened, Tables), OpenError> {
    Opening { directory, cache_bytes }.open(compaction)
}

/// The record in the tree that says which store it is.
#[derive(Serialize, Deserialize)]
struct Identity {
    format: u32,
    store: Uuid,
}

/// What a tree and its journal have proved to be.
struct Contents {
    tables: Tables,
    /// When the last commit was made.
    last_commit: Timestamp,
    /// What the records are like that the tables were rebuilt from.
    extent: Extent,
    marker: Marker,
    /// The last commit that is in the tree.
    in_tree: CommitNumber,
    replayed: Replayed,
    since: Since,
}

/// Which releases wrote the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// One that kept everything in the tree.
    BeforeJournal,
    /// One that keeps a journal.
    Journal,
}

/// The number of the journal's first file.
const FIRST_FILE: Generation = 1;

/// What a tree says of itself: which store it is, and that it is written in today's format.
fn identity_of(store: Uuid) -> Slice {
    let mut slice = Slice::default();
    slice.put(codec::FORMAT_KEY, &codec::value(&Identity { format: FORMAT, store }));
    slice
}

/// Writes into the tree which store it is, and that its journal begins with the first file.
fn write_identity(tree: &Tree, store: Uuid, commits: CommitNumber) -> io::Result<()> {
    let mut slice = identity_of(store);
    slice.put(codec::COMMIT_KEY, &codec::value(&commits));
    slice.put(codec::JOURNAL_KEY, &codec::value(&(FIRST_FILE - 1)));
    tree.write(slice).and_then(|()| tree.sync()).map_err(io::Error::other)
}

/// Says in the tree that what is written from now on is in today's format, so that the release that wrote it keeps out. What
/// is there stays as it is: every format is read for ever.
fn raise_format(tree: &Tree, marker: &mut Marker) -> io::Result<()> {
    tree.write(identity_of(marker.store)).and_then(|()| tree.sync()).map_err(io::Error::other)?;
    marker.format = FORMAT;
    Ok(())
}

/// A data directory that is being opened.
pub(super) struct Opening<'a> {
    pub(super) directory: &'a Path,
    pub(super) cache_bytes: u64,
}

impl Opening<'_> {
    fn open(&self, compaction: Compaction) -> Result<(Opened, Tables), OpenError> {
        self.make_directory().map_err(|error| self.unusable(&error))?;
        let lock = self.lock()?;
        let marker = self.read_marker()?;
        swap::finish(self.directory).map_err(|error| self.unusable(&error))?;
        let files = self.look().map_err(|error| self.unusable(&error))?;
        if !matches!(files, Files::Foreign) {
            private::close_to_others(self.directory).map_err(|error| self.unusable(&error))?;
        }
        let (tree, contents) = match (files, &marker) {
            (Files::Tree, marker) => self.open_existing(marker.as_ref())?,
            (_, Some(_)) | (Files::Remains, None) => return Err(self.damaged(NO_TREE)),
            (Files::Foreign, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
            (Files::None | Files::Unfinished, None) => self.create()?,
        };
        let (tree, contents) = match compaction {
            Compaction::WhenLarge => self.compact_if_large(tree, contents)?,
            Compaction::Never => (tree, contents),
        };
        tree.expect(&contents.extent.largest);
        self.clean_up(&tree, &contents)?;
        let commits = contents.replayed.commits;
        let recovered = commits.saturating_sub(contents.in_tree);
        tracing::info!(commits, recovered, "the data directory is open; recovered: commits read from the journal");
        let Contents { tables, last_commit, marker, in_tree, replayed, .. } = contents;
        let journal = match replayed.active {
            Active::Empty(generation) => Journal::reopen(self.directory, marker.store, generation),
            Active::Missing(generation) => Journal::create(self.directory, marker.store, generation),
        };
        let opened = Opened {
            directory: self.directory.to_owned(),
            tree,
            journal: journal.map_err(|error| self.unusable(&error))?,
            left: replayed.layers.into_iter().map(Arc::new).collect(),
            marker,
            in_tree,
            commits: replayed.commits,
            last_commit,
            lock,
        };
        Ok((opened, tables))
    }

    /// Writes the tree anew.
    pub(super) fn compact(&self) -> Result<(), OpenError> {
        let _lock = self.lock()?;
        // What a newer release has left is not carried over.
        self.read_marker()?;
        swap::finish(self.directory).map_err(|error| self.unusable(&error))?;
        let marker = self.existing()?;
        let (tree, contents) = self.open_existing(marker.as_ref())?;
        self.rewrite(&tree, &contents)?;
        let (tree, _) = self.swap(tree, contents)?;
        self.release(tree)?;
        private::give_to_owner(self.directory, false).map_err(|error| self.unusable(&error))
    }

    /// Writes the tree anew if it takes far more room than it needs. Where that fails, it stays as it is.
    fn compact_if_large(&self, tree: Tree, contents: Contents) -> Result<(Tree, Contents), OpenError> {
        let Contents { tables, extent, marker, .. } = &contents;
        let worthwhile = compact::is_worthwhile(self.directory, extent, tables, marker);
        if !worthwhile.map_err(|error| self.unusable(&error))? {
            return Ok((tree, contents));
        }
        tracing::info!("the files of the data directory have become large; they are written anew");
        match self.rewrite(&tree, &contents) {
            Ok(()) => self.swap(tree, contents),
            Err(error) => {
                tracing::warn!(%error, "the files could not be written anew; they stay as they are");
                Ok((tree, contents))
            }
        }
    }

    /// Writes a new tree beside the one that there is.
    fn rewrite(&self, tree: &Tree, contents: &Contents) -> Result<(), OpenError> {
        let Contents { tables, marker, replayed: Replayed { layers, commits, .. }, .. } = contents;
        compact::rewrite(self.directory, &compact::Source { tree, layers, tables, marker, commits: *commits })
    }

    /// Puts the new tree in place of the one that there is.
    fn swap(&self, tree: Tree, contents: Contents) -> Result<(Tree, Contents), OpenError> {
        self.release(tree)?;
        swap::commit(self.directory).map_err(|error| self.unusable(&error))?;
        let size = fs::metadata(self.directory.join("db")).map_err(|error| self.unusable(&error))?.len();
        let marker = Marker { compacted: Some(size), ..contents.marker };
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree()?;
        let commits = contents.replayed.commits;
        let replayed = Replayed { layers: Vec::new(), commits, active: Active::Empty(FIRST_FILE) };
        Ok((tree, Contents { in_tree: commits, replayed, marker, ..contents }))
    }

    /// Removes what was written for a commit that never came about: large values, and the stages of imports.
    fn clean_up(&self, tree: &Tree, contents: &Contents) -> Result<(), OpenError> {
        let first_free = ValueId(contents.tables.counters().value + 1);
        let included: Vec<_> = contents.replayed.layers.iter().filter_map(|layer| layer.import).collect();
        let removed = tree
            .remove_range(&codec::chunk_key(first_free, 0), codec::END_OF_VALUES)
            .and_then(|()| stages::remove_others(&included, tree));
        removed.map_err(|reason| self.unusable(&io::Error::other(reason)))
    }

    /// Opens a tree that exists: first a copy of it, and only if that holds what it must, the tree itself.
    fn open_existing(&self, marker: Option<&Marker>) -> Result<(Tree, Contents), OpenError> {
        let tried = match shutdown_checksum::verify(self.directory).map_err(|error| self.unusable(&error))? {
            true => None,
            false => tree::try_on_copy(self.directory, |copy| self.examine(copy, marker))
                .map_err(|error| self.tree_error(error))?
                .transpose()?,
        };
        tree::remove_left_over(self.directory).map_err(|error| self.unusable(&error))?;
        shutdown_checksum::remove(self.directory).map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree()?;
        // A process that was killed has left what it had not synced in the system's memory. From here on it counts, so it
        // must not go with the power while what builds on it stays.
        self.sync_files().map_err(|error| self.unusable(&error))?;
        let mut contents = match tried {
            Some(contents) if self.commits_in(&tree)? == contents.in_tree => contents,
            Some(_) => return Err(self.damaged("the files and the copy of them have come to differ")),
            None => self.examine(&tree, marker)?,
        };
        if contents.since == Since::BeforeJournal {
            self.begin_journal(&tree, &mut contents).map_err(|error| self.unusable(&error))?;
        } else if contents.marker.format < FORMAT {
            raise_format(&tree, &mut contents.marker).map_err(|error| self.unusable(&error))?;
        }
        if marker.is_none() {
            tracing::warn!("the marker of the data directory is missing; a new one is written");
        }
        if marker != Some(&contents.marker) {
            contents.marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        }
        Ok((tree, contents))
    }

    /// Gives a directory of an earlier release its journal. From the moment the tree says so the earlier release can no
    /// longer open it, since it would not see what is in the journal.
    fn begin_journal(&self, tree: &Tree, contents: &mut Contents) -> io::Result<()> {
        let Marker { store, .. } = contents.marker;
        Journal::create(self.directory, store, FIRST_FILE)?;
        write_identity(tree, store, contents.in_tree)?;
        contents.marker.format = FORMAT;
        contents.replayed.active = Active::Empty(FIRST_FILE);
        Ok(())
    }

    /// Makes a new store.
    fn create(&self) -> Result<(Tree, Contents), OpenError> {
        let store = Uuid::from_bytes(rand::random());
        let tree = self.new_tree(store, 0)?;
        let marker = Marker { format: FORMAT, store, commits: 0, compacted: None };
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        let replayed = Replayed { layers: Vec::new(), commits: 0, active: Active::Empty(FIRST_FILE) };
        let tables = Tables::default();
        let (last_commit, extent) = (Timestamp::default(), Extent::default());
        let contents = Contents { tables, last_commit, extent, marker, in_tree: 0, replayed, since: Since::Journal };
        Ok((tree, contents))
    }

    /// Makes a tree that knows which store it is of, and an empty journal. Until the marker stands, a note says that
    /// nothing in the directory counts yet.
    pub(super) fn new_tree(&self, store: Uuid, commits: CommitNumber) -> Result<Tree, OpenError> {
        marker::begin(self.directory).map_err(|error| self.unusable(&error))?;
        self.clear().map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree()?;
        let made = Journal::create(self.directory, store, FIRST_FILE);
        let made = made
            .and_then(|_| write_identity(&tree, store, commits))
            .and_then(|()| self.sync_files())
            .and_then(|()| self.sync_names());
        made.map_err(|error| self.unusable(&error))?;
        Ok(tree)
    }

    /// Opens the tree.
    pub(super) fn open_tree(&self) -> Result<Tree, OpenError> {
        Tree::open(self.directory, self.cache_bytes).map_err(|error| self.tree_error(error))
    }

    /// Lets go of the tree's files.
    pub(super) fn release(&self, tree: Tree) -> Result<(), OpenError> {
        tree.release(self.directory).map_err(|error| self.tree_error(error))
    }

    pub(super) fn tree_error(&self, error: TreeError) -> OpenError {
        match error {
            TreeError::Io(error) => self.unusable(&error),
            TreeError::InUse => OpenError::InUse(self.directory.to_owned()),
            TreeError::Damaged(reason) => self.damaged(&reason),
        }
    }

    pub(super) fn unusable(&self, error: &io::Error) -> OpenError {
        OpenError::Unusable { path: self.directory.to_owned(), reason: error.to_string() }
    }

    fn newer(&self, reason: &str) -> OpenError {
        OpenError::Newer { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn damaged(&self, reason: &str) -> OpenError {
        OpenError::Damaged { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    fn unreadable(&self, error: &Unreadable) -> OpenError {
        match error {
            Unreadable::Newer(_) => self.newer(&error.to_string()),
            Unreadable::Damaged { .. } => self.damaged(&error.to_string()),
        }
    }
}
