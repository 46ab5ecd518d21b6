//! The journal: one file to which every commit is appended and which is synced before anybody is answered.
//!
//! The tree would take each record of a commit by itself, at several microseconds each; the journal takes the whole
//! commit with one write and one sync. What it holds is moved into the tree later, many commits at a time, and a file
//! is removed when all of it is safe there. Files are numbered, the next one begins where the last one ends:
//!
//! - A file begins with a header that names the store and the file's number. It is made under another name, so a file
//!   whose header is wrong is damaged.
//! - A record is length, checksum, commit number and operations. Commits are numbered without gaps across all files.
//! - After the last record comes room, which reads as zeros. Some of it is written ahead, so that most syncs find the
//!   file's blocks where they will be; a little at a time, since whoever waits for that commit waits for the zeros too.
//!
//! A commit is only begun when the one before it is safe. So when power fails at most one record can be half there, and
//! nothing follows it: what cannot be read with a whole record after it was acknowledged once, and is damage.
//!
//! The room makes every file a multiple of it long, but for one moment: while the commit that needs more of it is on its
//! way. A file of another length in which other commits follow where that would be has lost its end, which is damage too.
//!
//! The journal does not know what the operations mean.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use uuid::Uuid;

/// What a file begins with.
const MAGIC: &[u8; 8] = b"dnisjrnl";
/// The version of the files written today.
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 64;
/// Length, checksum and commit number.
const RECORD_HEADER_BYTES: usize = 16;
/// Records begin at multiples of this.
const ALIGNMENT: usize = 8;
/// More commits than anybody makes in a lifetime.
const MOST_COMMITS: CommitNumber = 1 << 48;
/// By how much a file grows.
const ROOM_BYTES: usize = 1024 * 1024;
/// Up to a multiple of this the room is written ahead; divides [`ROOM_BYTES`]. Syncing it takes about a millisecond.
const AHEAD_BYTES: usize = 256 * 1024;
const PREFIX: &str = "journal.";
/// The name of a file that is being made.
const NEW_NAME: &str = "journal.new";

/// Where in the history a commit is; counts up by one.
pub(super) type CommitNumber = u64;
/// The number of a journal file; counts up by one.
pub(super) type Generation = u64;

/// Why a journal file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Written by a later release.
    #[error("a file of the journal has format {0}, which only a newer release can read")]
    Newer(u32),
    /// Something that was acknowledged cannot be read.
    #[error("{0}")]
    Damaged(String),
}

/// The bytes of one commit, to be appended: room for the header first, the operations after it.
pub(super) struct Record(Vec<u8>);

impl Record {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self(vec![0; RECORD_HEADER_BYTES])
    }

    /// Forgets the operations and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.0.truncate(RECORD_HEADER_BYTES);
    }

    /// Where operations are appended.
    pub(super) fn operations_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// The operations.
    pub(super) fn operations(&self) -> &[u8] {
        &self.0[RECORD_HEADER_BYTES..]
    }
}

/// The file that commits are appended to now.
pub(super) struct Journal {
    file: File,
    generation: Generation,
    /// What every checksum of the file begins with, so that no record of another file passes for one of this.
    seed: u32,
    /// Where the next record goes.
    end: usize,
    /// Up to where there is room: how long the file is.
    room: usize,
    /// Up to where something was written.
    written: usize,
}

/// What a journal file holds.
pub(super) struct Contents {
    /// The commits with their operations.
    pub(super) commits: Vec<(CommitNumber, Bytes)>,
    /// Whether a commit was cut short that nobody was told of.
    pub(super) torn: bool,
}

impl Journal {
    /// Makes a file. When this returns it is safe on disk.
    pub(super) fn create(directory: &Path, store: Uuid, generation: Generation) -> io::Result<Self> {
        let new = directory.join(NEW_NAME);
        let header = header(store, generation);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
        file.write_all(&header)?;
        file.sync_all()?;
        fs::rename(&new, path(directory, generation))?;
        File::open(directory)?.sync_all()?;
        Ok(Self {
            file,
            generation,
            seed: crc32fast::hash(&header),
            end: HEADER_BYTES,
            room: HEADER_BYTES,
            written: HEADER_BYTES,
        })
    }

    /// Opens a file that holds no commit yet.
    pub(super) fn reopen(directory: &Path, store: Uuid, generation: Generation) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path(directory, generation))?;
        let length = usize::try_from(file.seek(SeekFrom::End(0))?).unwrap_or(usize::MAX);
        // What was cut short while it made room is made anew, so that the length stays what a reader expects.
        let room = if length.is_multiple_of(ROOM_BYTES) { length } else { HEADER_BYTES };
        file.seek(SeekFrom::Start(HEADER_BYTES as u64))?;
        let seed = crc32fast::hash(&header(store, generation));
        Ok(Self { file, generation, seed, end: HEADER_BYTES, room, written: HEADER_BYTES })
    }

    /// The file's number.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// Bytes of the commits in the file.
    pub(super) fn bytes(&self) -> usize {
        self.end - HEADER_BYTES
    }

    /// Appends a commit; it is safe after [`Journal::sync`].
    pub(super) fn append(&mut self, commit: CommitNumber, record: &mut Record) -> io::Result<()> {
        let bytes = &mut record.0;
        let length = u32::try_from(bytes.len() - RECORD_HEADER_BYTES)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a commit of more than 4 GiB"))?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[8..16].copy_from_slice(&commit.to_le_bytes());
        let sum = checksum(self.seed, bytes);
        bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        let operations = bytes.len();
        bytes.resize(operations.next_multiple_of(ALIGNMENT), 0);
        let end = self.end + bytes.len();
        if end > self.room {
            let room = end.next_multiple_of(ROOM_BYTES);
            self.file.set_len(room as u64)?;
            self.room = room;
        }
        self.file.write_all(bytes)?;
        if end > self.written {
            let written = end.next_multiple_of(AHEAD_BYTES);
            self.file.write_all(&vec![0; written - end])?;
            self.file.seek(SeekFrom::Start(end as u64))?;
            self.written = written;
        }
        bytes.truncate(operations);
        self.end = end;
        Ok(())
    }

    /// Returns when everything appended is safe on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Reads a file; `None` if it does not exist.
pub(super) fn read(directory: &Path, store: Uuid, generation: Generation) -> Result<Option<Contents>, Unreadable> {
    let bytes = match fs::read(path(directory, generation)) {
        Ok(bytes) => Bytes::from(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let expected = header(store, generation);
    let found = bytes.get(..HEADER_BYTES).ok_or_else(|| damaged(generation, "is shorter than its header"))?;
    if found != expected {
        let version = found[8..12].try_into().map(u32::from_le_bytes).unwrap_or_default();
        return Err(match found.starts_with(MAGIC) && version > VERSION {
            true => Unreadable::Newer(version),
            false => damaged(generation, "does not begin with its header, or belongs to another store"),
        });
    }
    Scan { seed: crc32fast::hash(&expected), generation, bytes }.all().map(Some)
}

/// The numbers of all files in a directory, in their order.
pub(super) fn generations(directory: &Path) -> io::Result<Vec<Generation>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        found.extend(entry?.file_name().to_str().and_then(number));
    }
    found.sort_unstable();
    Ok(found)
}

/// Removes a file whose content is safe elsewhere.
pub(super) fn remove(directory: &Path, generation: Generation) -> io::Result<()> {
    fs::remove_file(path(directory, generation))
}

/// Whether a name is one that the journal gives to a file.
pub(super) fn owns(name: &str) -> bool {
    name == NEW_NAME || number(name).is_some()
}

fn number(name: &str) -> Option<Generation> {
    let digits = name.strip_prefix(PREFIX).filter(|digits| digits.len() == 16)?;
    Generation::from_str_radix(digits, 16).ok()
}

fn path(directory: &Path, generation: Generation) -> PathBuf {
    directory.join(format!("{PREFIX}{generation:016x}"))
}

fn header(store: Uuid, generation: Generation) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&generation.to_le_bytes());
    header[24..40].copy_from_slice(store.as_bytes());
    header
}

/// The checksum of a record, over everything but itself.
fn checksum(seed: u32, record: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(&record[..4]);
    hasher.update(&record[8..]);
    hasher.finalize()
}

fn damaged(generation: Generation, reason: &str) -> Unreadable {
    Unreadable::Damaged(format!("file {generation} of the journal {reason}"))
}

/// The bytes of a file, being read.
struct Scan {
    bytes: Bytes,
    seed: u32,
    generation: Generation,
}

impl Scan {
    fn all(self) -> Result<Contents, Unreadable> {
        let mut commits = Vec::new();
        let (mut at, mut last) = (HEADER_BYTES, HEADER_BYTES);
        while let Some((commit, operations)) = self.record(at) {
            last = at;
            at += (RECORD_HEADER_BYTES + operations.len()).next_multiple_of(ALIGNMENT);
            commits.push((commit, operations));
        }
        let rest = self.bytes.get(at..).unwrap_or_default();
        let torn = rest.iter().any(|byte| *byte != 0);
        let later = at + ALIGNMENT..self.bytes.len();
        if torn && later.step_by(ALIGNMENT).any(|at| self.record(at).is_some()) {
            return Err(damaged(self.generation, "has a commit that cannot be read, and later ones that can"));
        }
        if self.has_lost_its_end(if torn { at } else { last }) {
            return Err(damaged(self.generation, "has lost its end"));
        }
        Ok(Contents { commits, torn })
    }

    /// Whether the file cannot have ended where it ends; its last commit begins at `last`. The room of a file ends at its
    /// header first and at multiples of [`ROOM_BYTES`] later, and only the commit that goes beyond it leaves the file with
    /// another length for a moment: then the old room ended in that commit.
    fn has_lost_its_end(&self, last: usize) -> bool {
        let length = self.bytes.len();
        let growing = last == HEADER_BYTES || last.next_multiple_of(ROOM_BYTES) <= length;
        !length.is_multiple_of(ROOM_BYTES) && !growing
    }

    /// The record at this place, if there is a whole one. There is no commit 0, so zeros are none.
    fn record(&self, at: usize) -> Option<(CommitNumber, Bytes)> {
        let header = self.bytes.get(at..at + RECORD_HEADER_BYTES)?;
        let field = |from: usize| header[from..from + 4].try_into().map(u32::from_le_bytes).ok();
        let (length, sum) = (usize::try_from(field(0)?).ok()?, field(4)?);
        let commit = u64::from_le_bytes(header[8..].try_into().ok()?);
        let end = (at + RECORD_HEADER_BYTES).checked_add(length)?;
        let record = self.bytes.get(at..end)?;
        // Most of what is no record is told without its checksum.
        let whole = (1..MOST_COMMITS).contains(&commit) && checksum(self.seed, record) == sum;
        whole.then(|| (commit, self.bytes.slice(at + RECORD_HEADER_BYTES..end)))
    }
}

#[cfg(test)]
mod tests;
