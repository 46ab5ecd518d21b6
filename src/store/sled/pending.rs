//! What is in the journal and not yet in the tree, for whoever moves it there and for whoever reads in between.
//!
//! A layer belongs to one file of the journal and has what the file says. The newest layer grows with every commit; the
//! older ones are frozen and go away, oldest first, when the tree has them.
//!
//! What becomes of which record in the end is worked out when a layer is moved into the tree. Only for the kinds that are
//! read beside the writer, instead of from the tables, it is known at any time.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::codec;
use super::journal::{CommitNumber, Generation};
use super::ops::{Op, OpsReader};
use crate::store::engine::ImportId;

/// For each key its value, or that there is none.
pub(super) type Overlay = BTreeMap<Bytes, Option<Bytes>>;

/// What one file of the journal says.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// The file.
    pub(super) generation: Generation,
    /// The last commit in it.
    pub(super) commits: CommitNumber,
    /// What the commits do, oldest first.
    operations: Vec<Bytes>,
    /// What is to become of the records that are read from here.
    readable: Overlay,
    /// The import that takes effect after all of them; a file ends with the commit of an import.
    pub(super) import: Option<ImportId>,
}

impl Layer {
    /// An empty layer for a file.
    pub(super) fn new(generation: Generation) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Adds a commit; `None` if its operations cannot be read, or follow an import.
    pub(super) fn add(&mut self, commit: CommitNumber, operations: Bytes) -> Option<()> {
        self.commits = commit;
        for op in OpsReader::new(&operations) {
            if self.import.is_some() {
                return None;
            }
            match op? {
                Op::Include(import) => self.import = Some(import),
                Op::Put(key, _) | Op::Remove(key) if !is_readable(key) => {}
                op => self.readable.extend(said(op, &operations)),
            }
        }
        self.operations.push(operations);
        Some(())
    }

    /// For each key the file speaks of, what it says last.
    pub(super) fn operations(&self) -> Overlay {
        // All of them were read when they came. Of several values under one key a tree takes the last.
        let ops =
            |bytes: &'_ Bytes| OpsReader::new(bytes).flatten().filter_map(|op| said(op, bytes)).collect::<Vec<_>>();
        self.operations.iter().flat_map(ops).collect()
    }
}

/// Whether records of this kind are read beside the writer.
fn is_readable(key: &[u8]) -> bool {
    codec::history::is_entry(key) || codec::usage::is_record(key)
}

/// What an operation that is written in `bytes` says of which key.
fn said(op: Op<'_>, bytes: &Bytes) -> Option<(Bytes, Option<Bytes>)> {
    match op {
        Op::Put(key, value) => Some((bytes.slice_ref(key), Some(bytes.slice_ref(value)))),
        Op::Remove(key) => Some((bytes.slice_ref(key), None)),
        Op::Include(_) => None,
    }
}

/// The layers.
#[derive(Debug, Default)]
pub(super) struct Pending(RwLock<Layers>);

#[derive(Debug, Default)]
struct Layers {
    frozen: VecDeque<Arc<Layer>>,
    active: Layer,
    /// The last commit that is in the tree.
    moved: CommitNumber,
}

impl Pending {
    /// Frozen layers, oldest first, behind them an empty one, and before them what is in the tree up to a commit.
    pub(super) fn new(
        frozen: impl IntoIterator<Item = Arc<Layer>>,
        generation: Generation,
        moved: CommitNumber,
    ) -> Self {
        Self(RwLock::new(Layers { frozen: frozen.into_iter().collect(), active: Layer::new(generation), moved }))
    }

    /// Adds a commit that is safe on disk.
    pub(super) fn add(&self, commit: CommitNumber, operations: Bytes) {
        let added = self.0.write().active.add(commit, operations);
        debug_assert!(added.is_some(), "operations are read as they were written a moment ago");
    }

    /// Freezes what there is; later commits go into a layer of their own.
    pub(super) fn freeze(&self, next: Generation) -> Arc<Layer> {
        let layers = &mut *self.0.write();
        let frozen = Arc::new(std::mem::replace(&mut layers.active, Layer::new(next)));
        layers.frozen.push_back(Arc::clone(&frozen));
        frozen
    }

    /// Lets go of the frozen layers up to a file, because the tree has them.
    pub(super) fn forget(&self, generation: Generation) {
        let mut gone = Vec::new();
        let mut layers = self.0.write();
        while layers.frozen.front().is_some_and(|layer| layer.generation <= generation) {
            gone.extend(layers.frozen.pop_front());
        }
        layers.moved = gone.last().map_or(layers.moved, |layer| layer.commits);
        // Taking a large layer apart takes a while; nobody has to wait for it.
        drop(layers);
    }

    /// What is said of the keys from one on, up to another; and the last commit before all of it, up to which the tree
    /// has everything.
    pub(super) fn range(&self, from: &[u8], to: &[u8]) -> (Overlay, CommitNumber) {
        debug_assert!(is_readable(from), "records of this kind are not read beside the writer");
        let layers = self.0.read();
        let (active, frozen, moved) = (layers.active.between(from, to), layers.frozen.clone(), layers.moved);
        drop(layers);
        let mut overlay = Overlay::new();
        for layer in frozen {
            overlay.extend(layer.between(from, to));
        }
        overlay.extend(active);
        (overlay, moved)
    }

    /// The frozen layers, oldest first.
    #[cfg(test)]
    pub(super) fn frozen(&self) -> Vec<Arc<Layer>> {
        self.0.read().frozen.iter().cloned().collect()
    }
}

impl Layer {
    fn between(&self, from: &[u8], to: &[u8]) -> Vec<(Bytes, Option<Bytes>)> {
        let range = self.readable.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::codec::Sink;
    use crate::store::sled::ops::OpsWriter;

    fn written(write: impl FnOnce(&mut OpsWriter<'_>)) -> Bytes {
        let mut operations = Vec::new();
        write(&mut OpsWriter(&mut operations));
        operations.into()
    }

    #[test]
    fn what_a_file_says_last_of_a_record_counts() {
        let mut layer = Layer::new(1);
        layer.add(1, written(|ops| (ops.put(b"kept", b"1"), ops.put(b"gone", b"1")).0)).unwrap();
        layer.add(2, written(|ops| (ops.put(b"kept", b"2"), ops.remove(b"gone")).0)).unwrap();
        let said = layer.operations().into_iter().map(|(key, value)| (key.to_vec(), value.map(|value| value.to_vec())));
        assert_eq!(said.collect::<Vec<_>>(), [(b"gone".to_vec(), None), (b"kept".to_vec(), Some(b"2".to_vec()))]);
    }

    #[test]
    fn operations_that_cannot_be_read_are_not_taken() {
        assert_eq!(Layer::new(1).add(1, Bytes::from_static(&[9])), None);
    }
}
