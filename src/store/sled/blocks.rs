//! Entries of the history, many to a record of the tree.
//!
//! A record costs the tree about ten microseconds of processor time however small it is, and one of 4 KiB about three times
//! that. An entry has a hundred bytes or so, each allocation that ends makes one, and nobody changes it: so what a file of
//! the journal has of a bucket goes into as few records as it fits in.
//!
//! Such a block is written once. Until the tree says that the file of the journal is done with, the file is what counts
//! and its blocks are passed over, since some of them may not be there yet.

use bytes::Bytes;

use super::codec::{self, MAX_RECORD_BYTES, Sink, history};
use super::journal::CommitNumber;
use super::ops::{Op, OpsReader, OpsWriter};
use super::pending::Overlay;
use super::tree::Tree;

/// What a record has besides the key and the entries: its version.
const VERSION_BYTES: usize = 1;

/// Makes blocks of entries that come in the order of their keys.
pub(super) struct Packer {
    /// The last commit of the file of the journal that they come from.
    commit: CommitNumber,
    /// The place of the bucket whose entries are coming in.
    place: Vec<u8>,
    /// The key of the block that is being made.
    key: Vec<u8>,
    /// What is in it.
    entries: Vec<u8>,
}

impl Packer {
    /// For a file of the journal, by its last commit.
    pub(super) fn new(commit: CommitNumber) -> Self {
        Self { commit, place: Vec::new(), key: Vec::new(), entries: Vec::with_capacity(MAX_RECORD_BYTES) }
    }

    /// Takes an entry, and writes the block before it if that is whole.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8], sink: &mut impl Sink) {
        let Some((place, rest)) = history::place(key) else { return sink.put(key, value) };
        let begun = self.entries.len();
        OpsWriter(&mut self.entries).put(rest, value);
        let bytes = self.key.len() + VERSION_BYTES + self.entries.len();
        if begun > 0 && self.place == place && bytes <= MAX_RECORD_BYTES {
            return;
        }
        let entry = self.entries.split_off(begun);
        self.finish(sink);
        self.place = place.to_vec();
        self.key = history::block_key(place, self.commit, rest);
        if self.key.len() + VERSION_BYTES + entry.len() <= MAX_RECORD_BYTES {
            self.entries = entry;
        } else {
            // So large that only a record of its own takes it.
            sink.put(key, value);
        }
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) {
        if !self.entries.is_empty() {
            sink.put(&self.key, &codec::bytes_value(&self.entries));
            self.entries.clear();
        }
    }
}

/// Gives every entry of a block to `take`: how its key goes on after the bucket's place, and its value.
pub(super) fn read(key: &[u8], value: &[u8], mut take: impl FnMut(&[u8], &[u8])) -> Result<(), codec::Unreadable> {
    for op in OpsReader::new(codec::bytes(key, value)?) {
        match op {
            Some(Op::Put(rest, value)) => take(rest, value),
            _ => return Err(codec::damaged(key, "it has something else than entries in it")),
        }
    }
    Ok(())
}

/// Adds to `found` what the blocks have of the entries from one key on, up to another, that are in the bucket of the first.
/// Only blocks that were made up to a commit count, and of their entries those whose value is `worth` a look.
pub(super) fn collect(
    tree: &Tree,
    (from, to): (&[u8], &[u8]),
    made_up_to: CommitNumber,
    worth: impl Fn(&[u8]) -> bool,
    found: &mut Overlay,
) -> Result<(), String> {
    let Some((place, from)) = history::place(from) else { return Ok(()) };
    let to = history::place(to).filter(|(other, _)| *other == place).map(|(_, to)| to);
    let at = |commit, rest: &[u8]| history::block_key(place, commit, rest);
    let mut commit = 0;
    while let Some(next) = tree.range(&at(commit, &[]), &at(made_up_to + 1, &[])).next() {
        let (key, _) = next?;
        commit = history::block(&key).ok_or("the key of a block is cut short")?.commit;
        // The last block that begins before what is wanted may have some of it.
        let before = tree.range(&at(commit, &[]), &at(commit, from)).next_back().transpose()?;
        let first = before.map_or_else(|| at(commit, from), |(key, _)| key.to_vec());
        let last = to.map_or_else(|| at(commit + 1, &[]), |to| at(commit, to));
        for block in tree.range(&first, &last) {
            let (key, value) = block?;
            let read = read(&key, &value, |rest, value| {
                if rest >= from && to.is_none_or(|to| rest < to) && worth(value) {
                    found.insert(history::key_at(place, rest).into(), Some(Bytes::copy_from_slice(value)));
                }
            });
            read.map_err(|error| error.to_string())?;
        }
        commit += 1;
    }
    Ok(())
}
