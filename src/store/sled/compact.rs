//! Writing a tree anew, without what its files still hold of the past: by themselves they give back nothing but what
//! is free at their end.
//!
//! Records are carried over as they are, whatever they tell of. What is left behind: large values that belong to no
//! document, and stages of imports that never took effect.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use super::codec::{self, Sink};
use super::inspect::{self, Subject};
use super::marker::Marker;
use super::opening::{OpenError, Opening};
use super::pending::Layer;
use super::replay::Extent;
use super::tree::{Slice, Tree};
use super::{replay, swap};
use crate::domain::{EntryValue, Tables, ValueId};

/// What the trees may keep in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// How many slices are written between two syncs, which let go of the memory that the tree has gathered.
const SYNC_EVERY: usize = 64;

/// What a record takes in a tree beyond its own bytes, and what an entry of the history takes, about; measured on trees
/// just written anew. An entry is taken to have a record of its own, as after a restore; in a block it takes less.
const RECORD_OVERHEAD: u64 = 160;
const HISTORY_ENTRY: u64 = 400;
/// How many times what it would take when written anew a tree may take, and how many bytes more.
const TIMES: u64 = 3;
const MARGIN: u64 = 8 * 1024 * 1024;

/// Whether a start writes a tree anew that takes far more room than it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compaction {
    /// It does.
    #[default]
    WhenLarge,
    /// It does not.
    Never,
}

/// What a compaction has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// What the directory took before, in bytes.
    pub before: u64,
    /// What it takes now.
    pub after: u64,
}

/// Writes the tree of a data directory that nobody has open anew. Whenever the process ends, the directory holds
/// everything, in the old files or in the new ones.
///
/// # Errors
/// [`OpenError`]; the directory then holds what it held.
pub fn compact(directory: &Path) -> Result<Compacted, OpenError> {
    let opening = Opening { directory, cache_bytes: CACHE_BYTES };
    let before = size(directory).map_err(|error| opening.unusable(&error))?;
    opening.compact()?;
    let after = size(directory).map_err(|error| opening.unusable(&error))?;
    Ok(Compacted { before, after })
}

/// What is to be written anew.
pub(super) struct Source<'a> {
    /// The tree.
    pub(super) tree: &'a Tree,
    /// What the journal has on top of it.
    pub(super) layers: &'a [Layer],
    /// What was loaded from both.
    pub(super) tables: &'a Tables,
    /// The marker.
    pub(super) marker: &'a Marker,
    /// The last commit.
    pub(super) commits: u64,
}

/// Writes a new tree beside the old one, reads it back, and puts it in place. The old tree must be let go of between
/// the two, so this is only the first of them; [`swap::commit`] is the second.
pub(super) fn rewrite(directory: &Path, source: &Source<'_>) -> Result<(), OpenError> {
    let unusable = |error: io::Error| Opening { directory, cache_bytes: CACHE_BYTES }.unusable(&error);
    let place = swap::begin(directory).map_err(unusable)?;
    let written = write(&place, source);
    if written.is_err() {
        // Whoever opens the directory next removes it too.
        let _ = swap::abandon(directory);
    }
    written
}

fn write(place: &Path, source: &Source<'_>) -> Result<(), OpenError> {
    let opening = Opening { directory: place, cache_bytes: CACHE_BYTES };
    let new = opening.new_tree(source.marker.store, source.commits)?;
    let copied = copy(source, &new).map_err(io::Error::other);
    copied.map_err(|error| opening.unusable(&error))?;
    opening.release(new)?;
    let new = opening.open_tree()?;
    let Source { marker, commits, .. } = *source;
    let report = inspect::inspect(&Subject { tree: &new, layers: &[], marker, commits });
    opening.release(new)?;
    match report.problems.first() {
        // Sled has written once more when it opened and closed the tree.
        None => opening.sync_files().map_err(|error| opening.unusable(&error)),
        Some(problem) => Err(opening.damaged(problem)),
    }
}

fn copy(source: &Source<'_>, new: &Tree) -> Result<(), String> {
    let kept = values(source.tables);
    let forgotten = codec::history::Forgotten::of(&source.tables.history_floors());
    let unused = source.tables.usage_floors();
    let (mut slice, mut slices) = (Slice::default(), 0usize);
    for record in replay::records(source.tree, source.layers)? {
        let (key, value) = record?;
        let wanted = match codec::chunk(&key) {
            Some(chunk) => kept.contains(&chunk.value),
            None => {
                let dropped = forgotten.has(&key) || codec::usage::is_forgotten(&key, &unused);
                !codec::is_of_directory(&key) && !dropped
            }
        };
        if !wanted {
            continue;
        }
        slice.put(&key, &value);
        if slice.is_full() {
            new.pour(std::mem::take(&mut slice))?;
            slices += 1;
            if slices.is_multiple_of(SYNC_EVERY) {
                new.sync()?;
            }
        }
    }
    new.pour(slice)?;
    new.sync()
}

/// The large values that documents name.
fn values(tables: &Tables) -> HashSet<ValueId> {
    large(tables).map(|(id, _)| id).collect()
}

/// The large values that documents name, with their lengths.
fn large(tables: &Tables) -> impl Iterator<Item = (ValueId, u64)> {
    let entries = tables.documents().flat_map(|document| document.entries.values());
    entries.filter_map(|entry| match entry.value {
        EntryValue::OutOfLine { id, length } => Some((id, length)),
        EntryValue::Inline(_) => None,
    })
}

/// Whether a tree takes so much room that writing it anew is worth the time at a start: more than three times what it
/// would take then, and 8 MiB. `loaded` tells of the records that the tables were rebuilt from.
pub(super) fn is_worthwhile(directory: &Path, loaded: &Extent, tables: &Tables, marker: &Marker) -> io::Result<bool> {
    let values: u64 = large(tables).map(|(_, length)| length).sum();
    let history = tables.history_entries() * HISTORY_ENTRY;
    let estimate = loaded.bytes + loaded.records * RECORD_OVERHEAD + history + values;
    // How large the tree was last time makes up for what is wrong with an estimate.
    let compacted = estimate.max(marker.compacted.unwrap_or_default());
    Ok(fs::metadata(directory.join("db"))?.len() > compacted * TIMES + MARGIN)
}

/// What the files of a directory take, in bytes.
pub(super) fn size(directory: &Path) -> io::Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(directory)? {
        let metadata = entry?.metadata()?;
        size += if metadata.is_file() { metadata.len() } else { 0 };
    }
    Ok(size)
}
