//! Reading back what the journal holds and the tree does not, at a start.

use std::ops::{Bound, Range};
use std::path::Path;

use uuid::Uuid;

use super::codec::{self, Loader};
use super::import;
use super::journal::{self, CommitNumber, Generation, Unreadable};
use super::ops::Op;
use super::pending::{Layer, Merged, Order, Overlay, Raw};
use super::tree::Tree;
use crate::domain::Tables;

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
    /// How many bytes the records have that they were rebuilt from.
    pub(super) bytes: u64,
}

/// Rebuilds the tables from the tree and what the journal has on top of it.
pub(super) fn load(tree: &Tree, layers: &[Layer]) -> Result<Loaded, LoadError> {
    let overlay = overlay(tree, layers).map_err(LoadError::Tree)?;
    let (mut loader, mut bytes) = (Loader::default(), 0);
    for Range { start: from, end: to } in codec::TABLES {
        let on_top = overlay.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        let on_top = on_top.map(|(key, value)| (key.clone(), value.clone()));
        for record in Merged::new(tree.range(from, to), on_top, Order::Ascending) {
            let (key, value) = record.map_err(LoadError::Tree)?;
            loader.take(&key, &value)?;
            bytes += (key.len() + value.len()) as u64;
        }
    }
    Ok(Loaded { tables: loader.finish(), bytes })
}

/// Every record there is, of kinds that are not loaded too: those of the tree with what the journal has on top of it.
pub(super) fn records(
    tree: &Tree,
    layers: &[Layer],
) -> Result<impl Iterator<Item = Result<(Raw, Raw), String>>, String> {
    let overlay = overlay(tree, layers)?;
    Ok(Merged::new(tree.range(&[], &[u8::MAX]), overlay.into_iter(), Order::Ascending))
}

/// All layers as one, imports included.
fn overlay(tree: &Tree, layers: &[Layer]) -> Result<Overlay, String> {
    let mut overlay = Overlay::new();
    for layer in layers {
        overlay.extend(layer.ops.iter().map(|(key, value)| (key.clone(), value.clone())));
        let Some(import) = layer.import else { continue };
        import::replay(import, tree, |op| {
            match op {
                Op::Put(key, value) => overlay.insert(key, Some(value)),
                Op::Remove(key) => overlay.insert(key, None),
                Op::Include(_) => return Err("an import that includes an import".to_owned()),
            };
            Ok(())
        })?;
    }
    Ok(overlay)
}
