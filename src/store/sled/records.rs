//! Every durable record, wherever it lies now: what is read and staged beside the writer.

use std::iter;
use std::sync::Arc;

use bytes::Bytes;

use super::codec;
use super::merged::{Merged, Order, Raw};
use super::pending::Pending;
use super::stages;
use super::tree::Tree;
use crate::domain::history::{Bucket, Held, Owner, Past};
use crate::domain::{AllocationId, Change, Number, Scope, ValueId};
use crate::store::engine::{Records, Stages, Values};

/// How many entries of the history are read at a time.
const SLICE: usize = 200;

/// Every durable record, wherever it lies now: those of the tree, and over them what is pending.
///
/// What an import has staged shows here only when it is in the tree. So this is for the kinds of records that no import
/// writes and that are read from disk instead of from the tables: the history.
pub struct DurableRecords {
    pub(super) tree: Tree,
    pub(super) pending: Pending,
}

impl DurableRecords {
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

    /// Some of what a bucket of an owner's history has of a number, newest allocation first, only those below `below`.
    fn some_of_number(
        &self,
        owner: &Owner,
        bucket: Bucket,
        scope: &Scope,
        number: Number,
        below: AllocationId,
    ) -> Result<Vec<Held>, String> {
        let (from, to) = codec::history::of_number(owner.as_ref(), bucket, scope, number, below);
        let records = self.range(&from, &to, Order::Descending, SLICE)?;
        let read = |(key, value): &(Bytes, Bytes)| codec::history::read(number, key, value);
        records.iter().map(read).collect::<Result<_, _>>().map_err(|error| error.to_string())
    }
}

impl Values for DurableRecords {
    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        self.tree.value(id, length)
    }
}

impl Records for DurableRecords {
    fn of_number<'a>(
        &'a self,
        owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = Result<Held, String>> + 'a {
        let some = move |below| self.some_of_number(&owner, bucket, scope, number, below);
        let slices = iter::successors(Some(some(below)), move |before| {
            let last = before.as_ref().ok().filter(|held| held.len() == SLICE)?.last()?;
            Some(some(last.allocation.id))
        });
        slices.flat_map(|slice| match slice {
            Ok(held) => held.into_iter().map(Ok).collect(),
            Err(reason) => vec![Err(reason)],
        })
    }

    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String> {
        let (mut from, to) = codec::history::of_bucket(owner.as_ref(), bucket);
        let mut entries: Vec<(Arc<Scope>, Past)> = Vec::new();
        loop {
            let slice = self.range(&from, &to, Order::Ascending, SLICE)?;
            for (key, value) in &slice {
                let codec::history::Entry { scope, past, .. } =
                    codec::history::entry(key, value).map_err(|error| error.to_string())?;
                // Entries of one scope lie side by side.
                let before = entries.last().filter(|(before, _)| **before == scope);
                let scope = before.map_or_else(|| Arc::new(scope), |(before, _)| Arc::clone(before));
                entries.push((scope, past));
            }
            match slice.last().filter(|_| slice.len() == SLICE) {
                // The smallest key that is greater.
                Some((last, _)) => from = [&last[..], &[0]].concat(),
                None => return Ok(entries),
            }
        }
    }

    fn stage(&self, stages: &mut Stages, changes: &[Change]) -> Result<(), String> {
        stages::stage(stages, changes, &self.tree)
    }

    fn abandon(&self, stages: Stages) -> Result<(), String> {
        stages::remove(stages.import, &self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sled::codec::Sink;
    use crate::store::sled::ops::OpsWriter;
    use crate::store::sled::tree::Slice;

    /// The key of an entry of the history, as far as it matters here.
    fn key(name: u8) -> [u8; 2] {
        [codec::history::before(None, Default::default()).0[0], name]
    }

    fn written(write: impl FnOnce(&mut OpsWriter<'_>)) -> Bytes {
        let mut operations = Vec::new();
        write(&mut OpsWriter(&mut operations));
        operations.into()
    }

    #[test]
    fn records_are_read_wherever_they_lie_in_either_order() {
        let directory = tempfile::tempdir().unwrap();
        let tree = Tree::new(sled::open(directory.path()).unwrap(), directory.path()).unwrap();
        let mut slice = Slice::default();
        slice.put(&key(b'2'), b"tree");
        slice.put(&key(b'3'), b"tree");
        slice.put(&key(b'4'), b"tree");
        tree.write(slice).unwrap();
        let records = DurableRecords { tree, pending: Pending::new([], 1) };
        // One is removed, one has a new value, one is new; some of it in a frozen layer.
        records.pending.add(1, written(|ops| ops.remove(&key(b'2'))));
        records.pending.freeze(2);
        records.pending.add(2, written(|ops| ops.put(&key(b'1'), b"pending")));
        records.pending.add(3, written(|ops| ops.put(&key(b'4'), b"pending")));
        let read = |order: Order, limit: usize| {
            let read = records.range(&key(0), &key(u8::MAX), order, limit).unwrap();
            read.into_iter().map(|(key, value)| (key[1], value[0])).collect::<Vec<_>>()
        };
        assert_eq!(read(Order::Ascending, 9), [(b'1', b'p'), (b'3', b't'), (b'4', b'p')]);
        assert_eq!(read(Order::Descending, 9), [(b'4', b'p'), (b'3', b't'), (b'1', b'p')]);
        assert_eq!(read(Order::Descending, 1), [(b'4', b'p')]);
    }
}
