//! The tree on disk, and everything that is as it is only because sled 0.34 is the tree.
//!
//! What was measured of sled, or read in its source, and the code that answers it:
//!
//! | what sled does | what answers it |
//! |---|---|
//! | Its flush leaves data where a power cut takes it: it calls `sync_file_range`, which syncs neither a file's length nor the drive | [`Tree::sync`] syncs the log by a handle of its own |
//! | After a power cut it opens only if what was not safe lies in one segment of its log and the next; a segment whose records were all written anew is written over | [`steps`]: less than a segment is ever without a sync |
//! | `flush_async` deadlocks with eight or more callers | nobody calls it; `tests/architecture.rs` holds that |
//! | Nodes that are large go into files (`blobs`) which it never syncs | no record is larger than 4 KiB; large values are cut (`codec`) |
//! | It writes its settings into a file (`conf`) once, never syncs it, and does not open without it | `Opening::sync_files` |
//! | Opening repairs, and takes damage for a torn end of the log | [`try_on_copy`]: the first opening is that of a copy |
//! | Of a temporary tree it syncs nothing, which is quick, and removes the files some time after the drop | the copy is one; [`Tree::wait_until_removed`] |
//! | Copying and reading a large log takes long | [`shutdown_checksum`]: files that are as they were at a proper end are not tried on a copy |
//! | A summary of the log (`snap`) that is half-written, or wrong, keeps it from opening | [`Tree::open`] removes or sets aside the summaries, and sees that the log alone leads as far |
//! | On some damage it panics where it should return an error | [`caught`], and `guarded` in the checkpointer |
//! | Its background threads hold the files for a while after the drop, and may write to them | [`Tree::release`] |
//! | A long batch keeps readers and other writers waiting | [`SLICE`] |
//! | Each write of its log wakes all seven threads of its pool | [`steps`]: larger steps, since segments are larger |
//! | A record takes it about ten microseconds, however small it is | `blocks`, and documents without a record (`codec`) |
//! | Its log gives back room only at its end | `compact` writes a new tree |

mod caught;
mod open;
mod scratch;
pub(super) mod shutdown_checksum;
mod steps;
mod try_on_copy;

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::codec::{self, Sink};
use crate::domain::ValueId;
use steps::{Unsynced, WHOLE, kind_of};

pub(super) use caught::{UNREADABLE, caught};
pub(super) use open::TreeError;
pub(super) use scratch::{Scratch, is_tree_file, owns, remove_left_over};
pub(super) use steps::Largest;
pub(super) use try_on_copy::try_on_copy;

/// Most operations that are written at one time. Larger slices hold up whoever reads or writes beside them.
pub(super) const SLICE: usize = 500;

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

impl Tree {
    /// The tree whose files are in `directory`, with a log of such segments.
    fn new(db: sled::Db, directory: &Path, segment: usize) -> io::Result<Self> {
        Ok(Self { db, log: File::open(directory.join("db"))?, unsynced: Mutex::new(Unsynced::of(segment)) })
    }

    /// Learns of the largest records that it holds already.
    pub(super) fn expect(&self, largest: &Largest) {
        self.unsynced.lock().expect(largest);
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, String> {
        self.db.get(key).map_err(words)
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
        self.db.range(from..to).map(|record| record.map_err(words))
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
            if unsynced.is_full() {
                self.sync_log(&mut unsynced)?;
            }
            let mut step = Slice::default();
            while let Some(operation) = operations
                .next_if(|operation| whole || kind_of(&operation.0) == kind && unsynced.admits(operation, step.0.len()))
            {
                step.0.push(operation);
            }
            let taken = unsynced.attempt(|| {
                self.apply(step)?;
                self.db.flush().map_err(words)
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
        self.sync_log(&mut self.unsynced.lock())
    }

    fn sync_log(&self, unsynced: &mut Unsynced) -> Result<(), String> {
        unsynced.attempt(|| {
            self.db.flush().map_err(words)?;
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
        self.db.apply_batch(batch).map_err(words)
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

/// What an error of sled's means for the operator; of one that comes from the system, what the system says. Sled's own
/// words speak of what is inside of it, and go to the log at the level for debugging.
pub(super) fn words(error: sled::Error) -> String {
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
type TreeWrite = (sled::IVec, Option<sled::IVec>);

/// Operations that are written together: for each key its value, or that there is none.
#[derive(Default)]
pub(super) struct Slice(Vec<TreeWrite>);

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
        Tree::open(directory, 1 << 20).unwrap()
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
        assert!(step > steps::FIRST_STEP, "what takes little is written in larger steps");
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
