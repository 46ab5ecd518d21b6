//! The tree on disk: written a slice at a time, safe when synced.
//!
//! Sled's log is made of segments. After a power cut sled opens it, with all that was safe before, as long as what was
//! not yet safe lies in the segment that was being written and the one after it. Beyond that two things go wrong. Where a
//! segment is missing in front of one that says it was safe, sled takes the whole log for torn. And a segment whose
//! records have all been written anew is written over, though the new ones may not be safe. So here less than a segment of
//! the log is ever without a sync, whoever writes.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::caught::UNREADABLE;
use super::codec::{self, Sink};
use crate::domain::ValueId;

/// Most operations that are written at one time. Larger slices hold up whoever reads or writes beside them.
pub(super) const SLICE: usize = 500;

/// What sled's log is made of, in bytes; sled's own default, by which every directory was made.
const SEGMENT: usize = 512 * 1024;
/// How much of the log may be without a sync when more is written. What is written in one step comes on top of it: it is
/// meant to be half as much, and eight times that would still do no harm.
const MOST_UNSYNCED: usize = SEGMENT / 8;
/// How many operations are written in one step before it is known what they take of the log.
const FIRST_STEP: usize = 4;
/// How many are written in one step at most: a page that has records of the next kind too, and large ones, is written anew
/// with every tenth of them.
const MOST_STEP: usize = 32;
/// Sled writes a page anew after some changes of it, and all operations of a step may hit pages that are due at once. So
/// many records a page may have.
const PAGE_RECORDS: usize = 16;
/// How much of the log a step may take if all its pages are due.
const MOST_DUE: usize = SEGMENT - MOST_UNSYNCED - SEGMENT / 16;
/// As many operations as are written in one step if they are all there is, whatever they are about.
const WHOLE: usize = MOST_DUE / (PAGE_RECORDS * codec::MAX_RECORD_BYTES);

/// A key and its value.
pub(super) type Pair = (sled::IVec, sled::IVec);

/// The tree. Who may write which records is settled by their kinds: large values are the committing writer's, stages
/// the importing thread's, and everything else the checkpointer's.
pub(super) struct Tree {
    db: sled::Db,
    /// A second handle of sled's log: its own flush leaves the data in the drive's reach, but not safe from a power cut.
    log: File,
    unsynced: Mutex<Unsynced>,
}

/// What was written and is not safe yet.
struct Unsynced {
    /// How many bytes of the log it takes.
    bytes: usize,
    /// How many operations are written in one step, for each kind of record: how much of the log they take depends on
    /// what else is in the same pages, which is of the same kind.
    steps: [usize; 256],
    /// The largest record of each kind that is known.
    largest: Largest,
    /// The first failure of a write or a sync. The system tells of a failed sync once and forgets what was lost, so
    /// whoever syncs next must not be told that all is well.
    failed: Option<String>,
}

impl Tree {
    /// The tree whose files are in `directory`.
    pub(super) fn new(db: sled::Db, directory: &Path) -> io::Result<Self> {
        let largest = Largest::default();
        let unsynced = Mutex::new(Unsynced { bytes: 0, steps: [FIRST_STEP; 256], largest, failed: None });
        Ok(Self { db, log: File::open(directory.join("db"))?, unsynced })
    }

    /// Is told of the largest records that it holds already.
    pub(super) fn expect(&self, largest: &Largest) {
        let mut unsynced = self.unsynced.lock();
        unsynced.largest.0.iter_mut().zip(largest.0).for_each(|(known, largest)| *known = largest.max(*known));
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, String> {
        self.db.get(key).map_err(told)
    }

    /// The bytes of a large value; `None` if one of its chunks is gone.
    pub(super) fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for chunk in 0..codec::chunks(length) {
            match self.get(&codec::chunk_key(id, chunk))? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == length).then(|| bytes.into()))
    }

    /// The records from one key on, up to another, in the order of their keys.
    pub(super) fn range(&self, from: &[u8], to: &[u8]) -> impl DoubleEndedIterator<Item = Result<Pair, String>> {
        self.db.range(from..to).map(|record| record.map_err(told))
    }

    /// Writes a slice, one step after the other. All of it is safe after [`Tree::sync`]; some of it may be earlier, but of
    /// no more than [`WHOLE`] operations all or none.
    pub(super) fn write(&self, slice: Slice) -> Result<(), String> {
        let whole = slice.0.len() <= WHOLE;
        let mut operations = slice.0.into_iter().peekable();
        while let Some((key, _)) = operations.peek() {
            let kind = kind_of(key);
            // Between two steps others get their turn.
            let mut unsynced = self.unsynced.lock();
            if unsynced.bytes >= MOST_UNSYNCED {
                self.settle(&mut unsynced)?;
            }
            let mut step = Slice::default();
            while let Some(operation) = operations
                .next_if(|operation| whole || kind_of(&operation.0) == kind && unsynced.admits(operation, step.0.len()))
            {
                step.0.push(operation);
            }
            let taken = unsynced.attempt(|| {
                self.apply(step)?;
                self.db.flush().map_err(told)
            })?;
            unsynced.grow(kind, taken);
        }
        Ok(())
    }

    /// Writes a slice into a tree of which nothing counts yet, so that a power cut may take what it likes.
    pub(super) fn pour(&self, slice: Slice) -> Result<(), String> {
        self.unsynced.lock().attempt(|| self.apply(slice))
    }

    /// Returns when everything written is safe on disk.
    pub(super) fn sync(&self) -> Result<(), String> {
        self.settle(&mut self.unsynced.lock())
    }

    fn settle(&self, unsynced: &mut Unsynced) -> Result<(), String> {
        unsynced.attempt(|| {
            self.db.flush().map_err(told)?;
            self.log.sync_data().map_err(|error| error.to_string())
        })?;
        unsynced.bytes = 0;
        Ok(())
    }

    fn apply(&self, slice: Slice) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        for (key, value) in slice.0 {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db.apply_batch(batch).map_err(told)
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

impl Unsynced {
    /// Does something that must not fail, unless something has failed before.
    fn attempt<T>(&mut self, act: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        if let Some(reason) = &self.failed {
            return Err(reason.clone());
        }
        act().inspect_err(|reason| self.failed = Some(reason.clone()))
    }

    /// Whether an operation goes into the step that so many others of its kind are in.
    fn admits(&mut self, (key, value): &Operation, others: usize) -> bool {
        let kind = usize::from(kind_of(key));
        let largest = self.largest.0[kind].max(key.len() + value.as_ref().map_or(0, |value| value.len()));
        // Each of several removals can merge a page with one that has larger records.
        let most = if value.is_some() { self.steps[kind] } else { self.steps[kind].div_ceil(4) };
        let fits = others < most && (others + 1) * PAGE_RECORDS * largest <= MOST_DUE;
        if fits {
            self.largest.0[kind] = largest;
        }
        fits
    }

    /// A step has taken so many bytes of the log.
    fn grow(&mut self, kind: u8, bytes: usize) {
        self.bytes += bytes;
        debug_assert!(
            self.bytes < SEGMENT,
            "{} bytes of the log are not synced, {bytes} of them of one step with records of kind {kind}",
            self.bytes
        );
        let step = &mut self.steps[usize::from(kind)];
        if bytes > MOST_UNSYNCED / 2 {
            *step = (*step / 2).max(1);
        } else if bytes < MOST_UNSYNCED / 8 {
            *step = (*step * 2).min(MOST_STEP);
        }
    }
}

/// The largest record of each kind, key and value together, in bytes. Kinds that are read at no start, and may be large,
/// are taken to be.
#[derive(Clone, Debug)]
pub(super) struct Largest([usize; 256]);

impl Largest {
    /// A record with this key has so many bytes.
    pub(super) fn note(&mut self, key: &[u8], bytes: usize) {
        let largest = &mut self.0[usize::from(kind_of(key))];
        *largest = bytes.max(*largest);
    }
}

impl Default for Largest {
    fn default() -> Self {
        let kinds = std::array::from_fn(|kind| u8::try_from(kind).is_ok_and(codec::is_roomy));
        Self(kinds.map(|roomy| if roomy { codec::MAX_RECORD_BYTES } else { 0 }))
    }
}

/// The kind of the record with this key.
fn kind_of(key: &[u8]) -> u8 {
    key.first().copied().unwrap_or_default()
}

/// What an error of sled's means for the operator; of one that comes from the system, what the system says. Sled's own
/// words speak of what is inside of it, and go to the log at the level for debugging.
pub(super) fn told(error: sled::Error) -> String {
    tracing::debug!(%error, "sled");
    match error {
        sled::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the file db ends too early".to_owned()
        }
        sled::Error::Io(error) => error.to_string(),
        sled::Error::Corruption { .. } => UNREADABLE.to_owned(),
        sled::Error::Unsupported(_) => "the files are of a kind that this release cannot read".to_owned(),
        sled::Error::CollectionNotFound(_) | sled::Error::ReportableBug(_) => "the engine gave up".to_owned(),
    }
}

/// A key with its value, or without one.
type Operation = (sled::IVec, Option<sled::IVec>);

/// Operations that are written together: for each key its value, or that there is none.
#[derive(Default)]
pub(super) struct Slice(Vec<Operation>);

impl Slice {
    /// Whether it holds as much as is good for it.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= SLICE
    }
}

impl Sink for Slice {
    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.0.push((key.into(), Some(value.into())));
    }

    fn remove(&mut self, key: &[u8]) {
        self.0.push((key.into(), None));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(directory: &Path) -> Tree {
        Tree::new(sled::open(directory).unwrap(), directory).unwrap()
    }

    /// Writes records of the kind of this key: values of this length, or none.
    fn rewrite(tree: &Tree, kind: &[u8], length: Option<usize>) {
        let mut slice = Slice::default();
        for at in 0..SLICE {
            let key = [&kind[..1], &(at * 7919 % 10_007).to_be_bytes()[..]].concat();
            match length {
                Some(length) => slice.put(&key, &vec![rand::random(); length]),
                None => slice.remove(&key),
            }
        }
        tree.write(slice).unwrap();
    }

    #[test]
    fn whatever_is_written_little_of_the_log_is_unsynced() {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(directory.path());
        let (value, number) = (codec::chunk_key(ValueId(1), 0), codec::COMMIT_KEY);
        for length in [20, 4000, 900, 20, 4000] {
            for small in [20, 300] {
                // That it is never too much is asserted after each step.
                rewrite(&tree, &value, Some(length));
                rewrite(&tree, number, Some(small));
            }
            rewrite(&tree, &value, None);
            rewrite(&tree, number, None);
        }
        let step = tree.unsynced.lock().steps[usize::from(number[0])];
        assert!(step > FIRST_STEP, "what takes little is written in larger steps");
        tree.sync().unwrap();
        assert_eq!(tree.unsynced.lock().bytes, 0);
    }

    #[test]
    fn after_a_failure_no_sync_says_that_all_is_well() {
        let directory = tempfile::tempdir().unwrap();
        let tree = tree(directory.path());
        let failed: Result<(), _> = tree.unsynced.lock().attempt(|| Err("the disk is gone".to_owned()));
        assert_eq!(failed, tree.sync());
        let mut slice = Slice::default();
        slice.put(b"key", b"value");
        assert_eq!(tree.write(slice), Err("the disk is gone".to_owned()));
        assert_eq!(tree.get(b"key"), Ok(None));
    }
}
