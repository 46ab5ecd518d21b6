//! What is in the journal and not yet in the tree, for whoever moves it there and for whoever reads in between.
//!
//! A layer belongs to one file of the journal and knows, for every key the file speaks of, what it said last. The
//! newest layer grows with every commit; the older ones are frozen and go away, oldest first, when the tree has them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::RwLock;

use super::journal::{CommitNumber, Generation};
use super::ops::{ImportId, Op, OpsReader};
use super::tree::{Pair, Tree};

/// For each key its value, or that there is none.
pub(super) type Overlay = BTreeMap<Bytes, Option<Bytes>>;

/// What one file of the journal says.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    /// The file.
    pub(super) generation: Generation,
    /// The last commit in it.
    pub(super) commits: CommitNumber,
    /// What is to become of the records.
    pub(super) ops: Overlay,
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
        for op in OpsReader::new(operations) {
            if self.import.is_some() {
                return None;
            }
            match op? {
                Op::Put(key, value) => self.ops.insert(key, Some(value)),
                Op::Remove(key) => self.ops.insert(key, None),
                Op::Include(import) => {
                    self.import = Some(import);
                    continue;
                }
            };
        }
        Some(())
    }
}

/// The layers.
#[derive(Debug, Default)]
pub(super) struct Pending(RwLock<Layers>);

#[derive(Debug, Default)]
struct Layers {
    frozen: VecDeque<Arc<Layer>>,
    active: Layer,
}

impl Pending {
    /// Frozen layers, oldest first, and behind them an empty one.
    pub(super) fn new(frozen: impl IntoIterator<Item = Arc<Layer>>, generation: Generation) -> Self {
        Self(RwLock::new(Layers { frozen: frozen.into_iter().collect(), active: Layer::new(generation) }))
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
        // Taking a large layer apart takes a while; nobody has to wait for it.
        drop(layers);
    }

    /// What is said of the keys from one on, up to another.
    fn range(&self, from: &[u8], to: &[u8]) -> Overlay {
        let layers = self.0.read();
        let (active, frozen) = (layers.active.between(from, to), layers.frozen.clone());
        drop(layers);
        let mut overlay = Overlay::new();
        for layer in frozen {
            overlay.extend(layer.between(from, to));
        }
        overlay.extend(active);
        overlay
    }
}

impl Layer {
    fn between(&self, from: &[u8], to: &[u8]) -> Vec<(Bytes, Option<Bytes>)> {
        let range = self.ops.range::<[u8], _>((Bound::Included(from), Bound::Excluded(to)));
        range.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}

/// The order in which records are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// Every durable record, wherever it lies now: those of the tree, and over them what is pending.
///
/// What an import has staged shows here only when it is in the tree. So this is for the kinds of records that no import
/// writes: history, and whatever else is read from disk instead of from the tables.
pub(super) struct Records {
    pub(super) tree: Tree,
    pub(super) pending: Pending,
}

impl Records {
    /// The first `limit` records from one key on, up to another.
    pub(super) fn range(
        &self,
        from: &[u8],
        to: &[u8],
        order: Order,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, String> {
        // What is pending is looked at first: what moves into the tree meanwhile is then seen twice, never missed.
        let overlay = self.pending.range(from, to);
        let copy = |raw: Raw| match raw {
            Raw::Tree(bytes) => Bytes::copy_from_slice(&bytes),
            Raw::Pending(bytes) => bytes,
        };
        let copied = |record: Result<(Raw, Raw), String>| record.map(|(key, value)| (copy(key), copy(value)));
        match order {
            Order::Ascending => {
                Merged::new(self.tree.range(from, to), overlay.into_iter(), order).map(copied).take(limit).collect()
            }
            Order::Descending => {
                let (tree, overlay) = (self.tree.range(from, to).rev(), overlay.into_iter().rev());
                Merged::new(tree, overlay, order).map(copied).take(limit).collect()
            }
        }
    }
}

/// Bytes of a record, where they happen to lie.
pub(super) enum Raw {
    /// In the tree's cache.
    Tree(sled::IVec),
    /// In the memory of a layer.
    Pending(Bytes),
}

impl std::ops::Deref for Raw {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Tree(bytes) => bytes,
            Self::Pending(bytes) => bytes,
        }
    }
}

/// The records of the tree with those of an overlay in place of them.
pub(super) struct Merged<T: Iterator, O: Iterator> {
    tree: Peekable<T>,
    overlay: Peekable<O>,
    order: Order,
}

impl<T, O> Merged<T, O>
where
    T: Iterator<Item = Result<Pair, String>>,
    O: Iterator<Item = (Bytes, Option<Bytes>)>,
{
    /// Both have to come in this order.
    pub(super) fn new(tree: T, overlay: O, order: Order) -> Self {
        Self { tree: tree.peekable(), overlay: overlay.peekable(), order }
    }

    /// Which of the two comes next; `Equal` if both do, with the same key.
    fn next_is(&mut self) -> Option<Ordering> {
        match (self.tree.peek(), self.overlay.peek()) {
            (None, None) => None,
            (Some(Err(_)) | Some(_), None) | (Some(Err(_)), _) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some(Ok((tree, _))), Some((overlay, _))) => Some(match self.order {
                Order::Ascending => tree[..].cmp(&overlay[..]),
                Order::Descending => overlay[..].cmp(&tree[..]),
            }),
        }
    }
}

impl<T, O> Iterator for Merged<T, O>
where
    T: Iterator<Item = Result<Pair, String>>,
    O: Iterator<Item = (Bytes, Option<Bytes>)>,
{
    type Item = Result<(Raw, Raw), String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_is()? {
                Ordering::Less => {
                    let record = self.tree.next()?;
                    return Some(record.map(|(key, value)| (Raw::Tree(key), Raw::Tree(value))));
                }
                Ordering::Equal => {
                    self.tree.next();
                }
                Ordering::Greater => {
                    if let (key, Some(value)) = self.overlay.next()? {
                        return Some(Ok((Raw::Pending(key), Raw::Pending(value))));
                    }
                }
            }
        }
    }
}
