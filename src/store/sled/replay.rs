//! Reading back what the journal holds and the tree does not, at a start.

use std::mem;
use std::ops::{Bound, Range};
use std::path::Path;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use bytes::Bytes;
use uuid::Uuid;

use super::codec::{self, Loader};
use super::journal::{self, CommitNumber, Generation, Unreadable};
use super::merged::{Merged, Raw};
use super::ops::Op;
use super::pending::{Layer, Overlay};
use super::stages;
use super::tree::{Largest, Tree, UNREADABLE, caught};
use crate::domain::{Tables, Timestamp};

/// What the journal has on top of the tree.
pub(super) struct Replayed {
    /// What is to be moved into the tree, oldest first.
    pub(super) layers: Vec<Layer>,
    /// The last commit.
    pub(super) commits: CommitNumber,
    /// Where the next commit goes.
    pub(super) active: Active,
}

/// The file that the next commit goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Active {
    /// This one is there and empty.
    Empty(Generation),
    /// This one has to be made.
    Missing(Generation),
}

/// Reads every file of the journal after those that the tree is `done` with; its last commit is `commits`.
pub(super) fn read(
    directory: &Path,
    store: Uuid,
    done: Generation,
    commits: CommitNumber,
) -> Result<Replayed, Unreadable> {
    let mut replayed = Replayed { layers: Vec::new(), commits, active: Active::Empty(done + 1) };
    let files = journal::generations(directory)?.into_iter().filter(|file| *file > done);
    let last = files.max().unwrap_or(done + 1);
    for file in done + 1..=last {
        let contents = journal::read(directory, store, file)?;
        let contents = contents.ok_or_else(|| damaged(format!("file {file} of the journal is missing")))?;
        if contents.torn || !contents.commits.is_empty() {
            let next = file + 1;
            replayed.active = if file < last { Active::Empty(next) } else { Active::Missing(next) };
        }
        let mut layer = Layer::new(file);
        for (commit, operations) in contents.commits {
            let expected = replayed.commits + 1;
            if commit != expected {
                return Err(damaged(format!("the journal has commit {commit} in place of commit {expected}")));
            }
            let added = layer.add(commit, operations);
            added.ok_or_else(|| damaged(format!("commit {commit} in the journal cannot be read")))?;
            replayed.commits = commit;
        }
        if layer.commits > 0 {
            replayed.layers.push(layer);
        }
    }
    Ok(replayed)
}

fn damaged(reason: String) -> Unreadable {
    Unreadable::Damaged(reason)
}

/// Why the tables cannot be rebuilt.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    /// The tree cannot be read.
    #[error("{0}")]
    Tree(String),
    /// A record cannot be read.
    #[error(transparent)]
    Record(#[from] codec::Unreadable),
}

/// What was loaded.
pub(super) struct Loaded {
    /// The tables.
    pub(super) tables: Tables,
    /// When the last commit was made; 0 where no release has said so yet.
    pub(super) last_commit: Timestamp,
    /// What the records are like that they were rebuilt from.
    pub(super) extent: Extent,
}

/// What loaded records are like.
#[derive(Clone, Debug, Default)]
pub(super) struct Extent {
    /// How many there are.
    pub(super) records: u64,
    /// How many bytes they have, keys and values.
    pub(super) bytes: u64,
    /// The largest of each kind.
    pub(super) largest: Largest,
}

/// Records on their way from the thread that reads them to the one that makes tables of them.
type Batch = Result<Vec<(Raw, Raw)>, String>;
/// How many records a batch has, and how many batches wait at most.
const BATCH: usize = 512;
const BATCHES: usize = 16;

/// Rebuilds the tables from the tree and what the journal has on top of it. Reading takes about as long as what is done
/// with what was read, so a thread of its own reads ahead.
pub(super) fn load(tree: &Tree, layers: &[Layer]) -> Result<Loaded, LoadError> {
    let overlay = &overlay(tree, layers).map_err(LoadError::Tree)?;
    let last_commit = last_commit(tree, overlay)?;
    thread::scope(|scope| {
        let (sender, batches) = mpsc::sync_channel::<Batch>(BATCHES);
        scope.spawn(move || {
            let read = caught(|| read_ahead(tree, overlay, &sender));
            if let Err(reason) = read.unwrap_or_else(|| Err(UNREADABLE.to_owned())) {
                // Whoever has met something worse does not listen any more.
                let _ = sender.send(Err(reason));
            }
        });
        let (mut loader, mut extent) = (Loader::default(), Extent::default());
        for batch in batches {
            for (key, value) in batch.map_err(LoadError::Tree)? {
                loader.take(&key, &value)?;
                extent.records += 1;
                extent.bytes += (key.len() + value.len()) as u64;
                extent.largest.note(&key, key.len() + value.len());
            }
        }
        Ok(Loaded { tables: loader.finish(), last_commit, extent })
    })
}

/// When the last commit was made, as the journal says or, before it, the tree.
fn last_commit(tree: &Tree, overlay: &Overlay) -> Result<Timestamp, LoadError> {
    let in_journal = overlay.get(codec::TIME_KEY).cloned().flatten();
    let record = match in_journal {
        Some(record) => Some(record),
        None => tree.get(codec::TIME_KEY).map_err(LoadError::Tree)?.map(|record| Bytes::copy_from_slice(&record)),
    };
    let milliseconds = record.map(|record| codec::fields(codec::TIME_KEY, &record)).transpose()?;
    Ok(Timestamp::from_millis(milliseconds.unwrap_or_default()))
}

/// Reads every record that tables are made of, until nobody wants more.
fn read_ahead(tree: &Tree, overlay: &Overlay, batches: &SyncSender<Batch>) -> Result<(), String> {
    let mut batch = Vec::with_capacity(BATCH);
    for Range { start: from, end: to } in codec::TABLES {
        let on_top = overlay.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let on_top = on_top.map(|(key, value)| (key.clone(), value.clone()));
        for record in Merged::new(tree.range(from, to), on_top) {
            batch.push(record?);
            if batch.len() == BATCH && batches.send(Ok(mem::replace(&mut batch, Vec::with_capacity(BATCH)))).is_err() {
                return Ok(());
            }
        }
    }
    let _ = batches.send(Ok(batch));
    Ok(())
}

/// Every record there is, of kinds that are not loaded too: those of the tree with what the journal has on top of it. Blocks
/// of the history that are made of what is still in the journal are passed over.
pub(super) fn records(
    tree: &Tree,
    layers: &[Layer],
) -> Result<impl Iterator<Item = Result<(Raw, Raw), String>>, String> {
    let overlay = overlay(tree, layers)?;
    let moved = tree.get(codec::COMMIT_KEY)?.map(|record| codec::fields(codec::COMMIT_KEY, &record)).transpose();
    let moved: CommitNumber = moved.map_err(|error| error.to_string())?.unwrap_or_default();
    let counts = move |key: &[u8]| codec::history::block(key).is_none_or(|block| block.commit <= moved);
    let records = Merged::new(tree.range(&[], &[u8::MAX]), overlay.into_iter());
    Ok(records.filter(move |record| record.as_ref().map_or(true, |(key, _)| counts(key))))
}

/// All layers as one, imports included.
fn overlay(tree: &Tree, layers: &[Layer]) -> Result<Overlay, String> {
    let mut overlay = Overlay::new();
    for layer in layers {
        overlay.extend(layer.operations());
        let Some(import) = layer.import else { continue };
        stages::replay(import, tree, |op| {
            match op {
                Op::Put(key, value) => overlay.insert(Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value))),
                Op::Remove(key) => overlay.insert(Bytes::copy_from_slice(key), None),
                Op::Include(_) => return Err("an import that includes an import".to_owned()),
            };
            Ok(())
        })?;
    }
    Ok(overlay)
}
