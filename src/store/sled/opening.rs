//! Opening a data directory: with distrust, never silently empty, and without harm where it is refused.
//!
//! First the directory is locked and looked at. Then the tree is opened on a copy, held against the marker, and read
//! together with the journal. Only what has passed is opened in place. The copy is spared where a note says that every
//! file is as it was when the store was closed.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codec::{self, Sink, Unreadable};
use super::compact::{self, Compaction};
use super::disk::Opened;
use super::journal::{self, CommitNumber, Generation, Journal};
use super::marker::{self, FORMAT, Found, Marker};
use super::replay::{self, Active, LoadError, Loaded, Replayed};
use super::scratch::{self, Scratch};
use super::tree::{Slice, Tree};
use super::{clean, import, swap};
use crate::domain::{Tables, Value, ValueId};

/// Why a data directory cannot be opened.
///
/// A refusal leaves every file as it is, byte for byte. There is one exception: where the disk has no room for the copy
/// that the opening is tried on, the tree is opened in place, with a warning, and sled's repairs then come before the
/// verdict.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be read or written.
    #[error("cannot use the data directory {path}: {reason}")]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Another process has it open.
    #[error("the data directory {0} is in use by another process; stop that one first, or name another directory")]
    InUse(PathBuf),
    /// Something is in it, where only an empty one will do.
    #[error("{0} is not empty; name an empty or a new directory")]
    NotEmpty(PathBuf),
    /// There are files in it, but none of them ours.
    #[error("{0} holds files but is no data directory of dnis-gateway; name an empty or a new directory")]
    Foreign(PathBuf),
    /// Written by a later release.
    #[error("the data directory {path} was written by a newer release ({reason}); use that release")]
    Newer {
        /// The directory.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// Something that was acknowledged cannot be read back.
    #[error("the data directory {path} is damaged: {reason}; restore it from a backup")]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Opens a data directory, makes it if it does not exist, and reads what is in it.
///
/// # Errors
/// [`OpenError`].
pub(super) fn open(directory: &Path, cache_bytes: u64, compaction: Compaction) -> Result<(Opened, Tables), OpenError> {
    Opening { directory, cache_bytes }.open(compaction)
}

/// The record in the tree that says which store it is.
#[derive(Serialize, Deserialize)]
struct Identity {
    format: u32,
    store: Uuid,
}

/// What a look at the names in the directory has shown.
enum Files {
    /// Nothing that matters.
    None,
    /// The beginning of a data directory, made by a process that was killed before it acknowledged anything.
    Unfinished,
    /// A tree, and perhaps other things.
    Tree,
    /// A journal that has lost its tree.
    Remains,
    /// Other things only.
    Foreign,
}

/// What a tree and its journal have proved to be.
struct Contents {
    tables: Tables,
    /// How many bytes the records have that the tables were rebuilt from.
    bytes: u64,
    marker: Marker,
    /// The last commit that is in the tree.
    in_tree: CommitNumber,
    replayed: Replayed,
    since: Since,
}

/// What a tree and its journal are, before everything in them is read.
pub(super) struct Identified {
    /// The marker, in the format that the tree has.
    pub(super) marker: Marker,
    /// The last commit that is in the tree.
    in_tree: CommitNumber,
    /// What the journal has on top of it.
    pub(super) replayed: Replayed,
    since: Since,
}

/// Which releases wrote the directory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// One that kept everything in the tree.
    BeforeJournal,
    /// One that keeps a journal.
    Journal,
}

/// Why the tree did not open.
enum TreeError {
    /// Trying again would not help.
    Final(OpenError),
    /// The snapshot or the log is at fault.
    Corrupt(String),
}

/// What is wrong with a directory whose tree is gone.
const NO_TREE: &str = "the file db is missing or empty";
/// The format of directories whose tree holds everything.
const BEFORE_JOURNAL: u32 = 1;
/// How long sled may take to let go of a tree's files.
const LETTING_GO: Duration = Duration::from_secs(30);
/// The number of the journal's first file.
const FIRST_FILE: Generation = 1;

/// Writes into the tree which store it is, and that its journal begins with the first file.
fn write_identity(tree: &Tree, store: Uuid, commits: CommitNumber) -> io::Result<()> {
    let mut slice = Slice::default();
    slice.put(codec::FORMAT_KEY, &codec::value(&Identity { format: FORMAT, store }));
    slice.put(codec::COMMIT_KEY, &codec::value(&commits));
    slice.put(codec::JOURNAL_KEY, &codec::value(&(FIRST_FILE - 1)));
    tree.write(slice).and_then(|()| tree.sync()).map_err(io::Error::other)
}

/// A data directory that is being opened.
pub(super) struct Opening<'a> {
    pub(super) directory: &'a Path,
    pub(super) cache_bytes: u64,
}

impl Opening<'_> {
    fn open(&self, compaction: Compaction) -> Result<(Opened, Tables), OpenError> {
        self.make_directory().map_err(|error| self.unusable(&error))?;
        let lock = self.lock()?;
        let marker = self.read_marker()?;
        swap::finish(self.directory).map_err(|error| self.unusable(&error))?;
        let files = self.look().map_err(|error| self.unusable(&error))?;
        let (tree, contents) = match (files, &marker) {
            (Files::Tree, marker) => self.open_existing(marker.as_ref())?,
            (_, Some(_)) | (Files::Remains, None) => return Err(self.damaged(NO_TREE)),
            (Files::Foreign, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
            (Files::None | Files::Unfinished, None) => self.create()?,
        };
        let (tree, contents) = match compaction {
            Compaction::WhenLarge => self.compact_if_large(tree, contents)?,
            Compaction::Never => (tree, contents),
        };
        self.clean_up(&tree, &contents)?;
        let Contents { tables, marker, replayed, .. } = contents;
        let journal = match replayed.active {
            Active::Empty(generation) => Journal::reopen(self.directory, marker.store, generation),
            Active::Missing(generation) => Journal::create(self.directory, marker.store, generation),
        };
        let opened = Opened {
            directory: self.directory.to_owned(),
            tree,
            journal: journal.map_err(|error| self.unusable(&error))?,
            left: replayed.layers.into_iter().map(Arc::new).collect(),
            marker,
            commits: replayed.commits,
            lock,
        };
        Ok((opened, tables))
    }

    /// Writes the tree anew.
    pub(super) fn compact(&self) -> Result<(), OpenError> {
        let _lock = self.lock()?;
        // What a newer release has left is not carried over.
        self.read_marker()?;
        swap::finish(self.directory).map_err(|error| self.unusable(&error))?;
        let marker = self.existing()?;
        let (tree, contents) = self.open_existing(marker.as_ref())?;
        self.rewrite(&tree, &contents)?;
        self.swap(tree, contents).map(drop)
    }

    /// Writes the tree anew if it takes far more room than it needs. Where that fails, it stays as it is.
    fn compact_if_large(&self, tree: Tree, contents: Contents) -> Result<(Tree, Contents), OpenError> {
        let Contents { tables, bytes, marker, .. } = &contents;
        let worthwhile = compact::is_worthwhile(self.directory, *bytes, tables, marker);
        if !worthwhile.map_err(|error| self.unusable(&error))? {
            return Ok((tree, contents));
        }
        tracing::info!("the files of the data directory have become large; they are written anew");
        match self.rewrite(&tree, &contents) {
            Ok(()) => self.swap(tree, contents),
            Err(error) => {
                tracing::warn!(%error, "the files could not be written anew; they stay as they are");
                Ok((tree, contents))
            }
        }
    }

    /// Writes a new tree beside the one that there is.
    fn rewrite(&self, tree: &Tree, contents: &Contents) -> Result<(), OpenError> {
        let Contents { tables, marker, replayed: Replayed { layers, commits, .. }, .. } = contents;
        compact::rewrite(self.directory, &compact::Source { tree, layers, tables, marker, commits: *commits })
    }

    /// Puts the new tree in place of the one that there is.
    fn swap(&self, tree: Tree, contents: Contents) -> Result<(Tree, Contents), OpenError> {
        self.let_go(tree, self.directory)?;
        swap::commit(self.directory).map_err(|error| self.unusable(&error))?;
        let size = fs::metadata(self.directory.join("db")).map_err(|error| self.unusable(&error))?.len();
        let marker = Marker { compacted: Some(size), ..contents.marker };
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree(self.directory)?;
        let commits = contents.replayed.commits;
        let replayed = Replayed { layers: Vec::new(), commits, active: Active::Empty(FIRST_FILE) };
        Ok((tree, Contents { in_tree: commits, replayed, marker, ..contents }))
    }

    /// Removes what was written for a commit that never came about: large values, and the stages of imports.
    fn clean_up(&self, tree: &Tree, contents: &Contents) -> Result<(), OpenError> {
        let first_free = ValueId(contents.tables.counters().value + 1);
        let included: Vec<_> = contents.replayed.layers.iter().filter_map(|layer| layer.import).collect();
        let removed = tree
            .remove_range(&codec::chunk_key(first_free, 0), codec::END_OF_VALUES)
            .and_then(|()| import::remove_others(&included, tree));
        removed.map_err(|reason| self.unusable(&io::Error::other(reason)))
    }

    /// Makes the directory, for its owner alone: it holds what callers have told. Those above it are made as usual.
    pub(super) fn make_directory(&self) -> io::Result<()> {
        if self.directory.is_dir() {
            return Ok(());
        }
        self.directory.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::DirBuilder::new().mode(0o700).create(self.directory)
    }

    /// Makes the name of the directory safe, and the names of those above it, since any of them may be new: made by this
    /// process, or by one that was killed. Where a file system is mounted there is no name that could get lost.
    fn settle_name(&self) -> io::Result<()> {
        let directory = self.directory.canonicalize()?;
        let device = fs::metadata(&directory)?.dev();
        for above in directory.ancestors().skip(1) {
            if fs::metadata(above)?.dev() != device {
                break;
            }
            match File::open(above).and_then(|above| above.sync_all()) {
                // Whoever may not even list it has not made it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                synced => synced?,
            }
        }
        Ok(())
    }

    /// Keeps every other process out from here on. Sled locks its log as well, but only after it has begun to write.
    pub(super) fn lock(&self) -> Result<File, OpenError> {
        let directory = File::open(self.directory).map_err(|error| self.unusable(&error))?;
        match directory.try_lock() {
            Ok(()) => Ok(directory),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse(self.directory.to_owned())),
            Err(TryLockError::Error(error)) => Err(self.unusable(&error)),
        }
    }

    fn read_marker(&self) -> Result<Option<Marker>, OpenError> {
        match Marker::read(self.directory).map_err(|error| self.unusable(&error))? {
            Found::Marker(marker) if marker.format > FORMAT => {
                Err(self.newer(&format!("its format is {}, this release reads up to {FORMAT}", marker.format)))
            }
            Found::Marker(marker) => Ok(Some(marker)),
            Found::Damaged(reason) => Err(self.damaged(&format!("its marker file cannot be read: {reason}"))),
            Found::Nothing => Ok(None),
        }
    }

    /// The marker, and that a tree is there; for whoever makes nothing that is not there.
    pub(super) fn existing(&self) -> Result<Option<Marker>, OpenError> {
        let marker = self.read_marker()?;
        match (self.look().map_err(|error| self.unusable(&error))?, &marker) {
            (Files::Tree, _) => Ok(marker),
            (_, Some(_)) | (Files::Remains, None) => Err(self.damaged(NO_TREE)),
            (Files::Foreign, None) => Err(OpenError::Foreign(self.directory.to_owned())),
            (Files::None | Files::Unfinished, None) => Err(OpenError::Unusable {
                path: self.directory.to_owned(),
                reason: "there is nothing in it".to_owned(),
            }),
        }
    }

    /// Looks at what lies in the directory before sled does, since sled makes what it does not find.
    fn look(&self) -> io::Result<Files> {
        let (mut tree, mut journal, mut foreign) = (false, false, false);
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            match &*entry.file_name().to_string_lossy() {
                "db" => tree = entry.metadata()?.len() > 0,
                // Freshly made file systems have this one.
                "lost+found" => {}
                name if journal::owns(name) => journal = true,
                name if marker::owns(name) || scratch::owns(name) || clean::owns(name) || swap::owns(name) => {}
                _ => foreign = true,
            }
        }
        Ok(if marker::unfinished(self.directory)? {
            Files::Unfinished
        } else if tree {
            Files::Tree
        } else if journal {
            Files::Remains
        } else if foreign {
            Files::Foreign
        } else {
            Files::None
        })
    }

    /// Opens a tree that exists: first a copy of it, and only if that holds what it must, the tree itself.
    fn open_existing(&self, marker: Option<&Marker>) -> Result<(Tree, Contents), OpenError> {
        let rehearsed = match clean::holds(self.directory).map_err(|error| self.unusable(&error))? {
            true => None,
            false => self.rehearse(marker)?,
        };
        scratch::remove_left_over(self.directory).map_err(|error| self.unusable(&error))?;
        clean::forget(self.directory).map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree(self.directory)?;
        // A process that was killed has left what it had not synced in the system's memory. From here on it counts, so it
        // must not go with the power while what builds on it stays.
        self.settle().map_err(|error| self.unusable(&error))?;
        let mut contents = match rehearsed {
            Some(contents) if self.commits_in(&tree)? == contents.in_tree => contents,
            Some(_) => return Err(self.damaged("the tree and its copy have come to differ")),
            None => self.examine(&tree, marker)?,
        };
        if contents.since == Since::BeforeJournal {
            self.begin_journal(&tree, &mut contents).map_err(|error| self.unusable(&error))?;
        }
        if marker.is_none() {
            tracing::warn!("the marker of the data directory is missing; a new one is written");
        }
        if marker != Some(&contents.marker) {
            contents.marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        }
        Ok((tree, contents))
    }

    /// Opens a copy of the tree and reads it; `None` if there is no room for a copy.
    fn rehearse(&self, marker: Option<&Marker>) -> Result<Option<Contents>, OpenError> {
        match Scratch::copy(self.directory) {
            Ok(copy) => {
                let tree = self.open_tree(copy.path())?;
                self.examine(&tree, marker).map(Some)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                tracing::warn!(%error, "no room to try the opening on a copy of the data; opening it as it is");
                Ok(None)
            }
            Err(error) => Err(self.unusable(&error)),
        }
    }

    /// Gives a directory of an earlier release its journal. From the moment the tree says so the earlier release can no
    /// longer open it, since it would not see what is in the journal.
    fn begin_journal(&self, tree: &Tree, contents: &mut Contents) -> io::Result<()> {
        let Marker { store, .. } = contents.marker;
        Journal::create(self.directory, store, FIRST_FILE)?;
        write_identity(tree, store, contents.in_tree)?;
        contents.marker.format = FORMAT;
        contents.replayed.active = Active::Empty(FIRST_FILE);
        Ok(())
    }

    /// Opens the tree at `path`; where a snapshot is at fault, sets the snapshots aside and rebuilds them from the log.
    pub(super) fn open_tree(&self, path: &Path) -> Result<Tree, OpenError> {
        self.snapshots(path, scratch::is_unfinished_snapshot, |file| fs::remove_file(file))?;
        match self.try_open_tree(path) {
            Ok(tree) => return Ok(tree),
            Err(TreeError::Final(error)) => return Err(error),
            Err(TreeError::Corrupt(reason)) => {
                tracing::warn!(%reason, "the tree cannot be opened; trying once more from its log alone");
            }
        }
        let reached = scratch::newest_snapshot(path).map_err(|error| self.unusable(&error))?;
        self.snapshots(
            path,
            |_| true,
            |file| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                fs::rename(file, file.with_file_name(format!("aside.{name}")))
            },
        )?;
        let tree = self.try_open_tree(path).map_err(|error| match error {
            TreeError::Final(error) => error,
            TreeError::Corrupt(reason) => self.damaged(&reason),
        })?;
        // The log alone is not always enough: segments whose content has moved on are wiped, and where sled misses one
        // at the end of the log it takes everything for torn. Opening writes a snapshot, whose name says how far it led.
        let led = scratch::newest_snapshot(path).map_err(|error| self.unusable(&error))?;
        if led < reached {
            return Err(self.damaged("its snapshot cannot be read, and the log alone does not hold everything"));
        }
        Ok(tree)
    }

    /// Drops the tree at `path` and waits until sled has let go of its files, which its background tasks hold for a
    /// while longer and may write to.
    pub(super) fn let_go(&self, tree: Tree, path: &Path) -> Result<(), OpenError> {
        drop(tree);
        let log = File::open(path.join("db")).map_err(|error| self.unusable(&error))?;
        let began = Instant::now();
        loop {
            match log.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if began.elapsed() < LETTING_GO => {
                    thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
                Err(TryLockError::Error(error)) => return Err(self.unusable(&error)),
            }
        }
    }

    fn try_open_tree(&self, path: &Path) -> Result<Tree, TreeError> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(self.cache_bytes)
            // The writer flushes before it answers; nothing else ever does.
            .flush_every_ms(None);
        // On some kinds of damage sled panics instead of returning an error.
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(db)) => Tree::new(db, path).map_err(|error| TreeError::Final(self.unusable(&error))),
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                Err(TreeError::Final(OpenError::InUse(self.directory.to_owned())))
            }
            Ok(Err(sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Err(TreeError::Final(self.unusable(&error)))
            }
            Ok(Err(error)) => Err(TreeError::Corrupt(error.to_string())),
            Err(_) => Err(TreeError::Corrupt("the log has a form that cannot be".to_owned())),
        }
    }

    /// Does something with every snapshot file whose name fits.
    fn snapshots(
        &self,
        path: &Path,
        fits: impl Fn(&str) -> bool,
        act: impl Fn(&Path) -> io::Result<()>,
    ) -> Result<(), OpenError> {
        for entry in fs::read_dir(path).map_err(|error| self.unusable(&error))? {
            let entry = entry.map_err(|error| self.unusable(&error))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("snap.") && fits(&name) {
                tracing::warn!(file = %entry.path().display(), "this snapshot is of no use; the log has it all");
                act(&entry.path()).map_err(|error| self.unusable(&error))?;
            }
        }
        Ok(())
    }

    /// Holds a tree and the journal against the marker and reads all of them.
    fn examine(&self, tree: &Tree, marker: Option<&Marker>) -> Result<Contents, OpenError> {
        let Identified { marker, in_tree, replayed, since } = self.identify(tree, marker)?;
        let Loaded { tables, bytes } = self.guarded(|| {
            replay::load(tree, &replayed.layers).map_err(|error| match error {
                LoadError::Tree(reason) => self.damaged(&reason),
                LoadError::Record(error) => self.unreadable(&error),
            })
        })?;
        self.guarded(|| self.hold_values(tree, &tables))?;
        Ok(Contents { tables, bytes, marker, in_tree, replayed, since })
    }

    /// Holds the documents against the large values, which are written into the tree and not into the journal: what sled
    /// takes for a torn tail, and leaves out, may have been some of them.
    fn hold_values(&self, tree: &Tree, tables: &Tables) -> Result<(), OpenError> {
        for document in tables.documents() {
            for entry in document.entries.values() {
                let Value::Apart { id, length } = entry.value else { continue };
                for chunk in 0..codec::chunks(length) {
                    let found = tree.get(&codec::chunk_key(id, chunk)).map_err(|reason| self.damaged(&reason))?;
                    if found.is_none() {
                        return Err(self.damaged(&format!("a value of document {} is missing", document.id)));
                    }
                }
            }
        }
        Ok(())
    }

    /// Holds a tree and the journal against the marker.
    pub(super) fn identify(&self, tree: &Tree, marker: Option<&Marker>) -> Result<Identified, OpenError> {
        let identity: Option<Identity> = self.record(tree, codec::FORMAT_KEY)?;
        let format = identity.as_ref().map_or(0, |identity| identity.format);
        let marker = match (identity, marker) {
            (Some(identity), _) if identity.format > FORMAT => {
                return Err(self.newer(&format!("its format is {}", identity.format)));
            }
            (Some(identity), Some(marker)) if identity.store == marker.store => Marker { format, ..marker.clone() },
            (Some(_), Some(_)) => return Err(self.damaged("its marker file belongs to another store")),
            (None, Some(_)) => return Err(self.damaged("the tree has lost what it held")),
            // Only the marker is gone; what the tree holds is whole as far as it can tell.
            (Some(identity), None) => Marker { format, store: identity.store, commits: 0, compacted: None },
            (None, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
        };
        let in_tree = self.commits_in(tree)?;
        let done: Option<Generation> = self.record(tree, codec::JOURNAL_KEY)?;
        let (since, replayed) = match done {
            Some(done) => (Since::Journal, self.read_journal(marker.store, done, in_tree)?),
            None if format == BEFORE_JOURNAL => {
                let active = Active::Missing(FIRST_FILE);
                (Since::BeforeJournal, Replayed { layers: Vec::new(), commits: in_tree, active })
            }
            None => return Err(self.damaged("the tree has lost where its journal begins")),
        };
        if replayed.commits < marker.commits {
            let (was, is) = (marker.commits, replayed.commits);
            return Err(self.damaged(&format!("commit {was} was on disk, but the last one found is {is}")));
        }
        Ok(Identified { marker, in_tree, replayed, since })
    }

    fn read_journal(&self, store: Uuid, done: Generation, in_tree: CommitNumber) -> Result<Replayed, OpenError> {
        replay::read(self.directory, store, done, in_tree).map_err(|error| match error {
            journal::Unreadable::Io(error) => self.unusable(&error),
            journal::Unreadable::Newer(_) => self.newer(&error.to_string()),
            journal::Unreadable::Damaged(reason) => self.damaged(&reason),
        })
    }

    /// The last commit that is in the tree.
    fn commits_in(&self, tree: &Tree) -> Result<CommitNumber, OpenError> {
        Ok(self.record(tree, codec::COMMIT_KEY)?.unwrap_or(0))
    }

    fn record<T: DeserializeOwned>(&self, tree: &Tree, key: &[u8]) -> Result<Option<T>, OpenError> {
        let record = self.guarded(|| tree.get(key).map_err(|reason| self.damaged(&reason)))?;
        record.map(|record| codec::fields(key, &record).map_err(|error| self.unreadable(&error))).transpose()
    }

    /// Reads of a damaged page can make sled panic.
    fn guarded<T>(&self, read: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(self.damaged("a page of the tree cannot be read")))
    }

    /// Makes a new store.
    fn create(&self) -> Result<(Tree, Contents), OpenError> {
        let store = Uuid::from_bytes(rand::random());
        let tree = self.new_tree(store, 0)?;
        let marker = Marker { format: FORMAT, store, commits: 0, compacted: None };
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        let replayed = Replayed { layers: Vec::new(), commits: 0, active: Active::Empty(FIRST_FILE) };
        let tables = Tables::default();
        let contents = Contents { tables, bytes: 0, marker, in_tree: 0, replayed, since: Since::Journal };
        Ok((tree, contents))
    }

    /// Whether nothing in the directory counts.
    pub(super) fn holds_nothing(&self) -> Result<bool, OpenError> {
        match self.read_marker() {
            Ok(None) => {
                let files = self.look().map_err(|error| self.unusable(&error))?;
                Ok(matches!(files, Files::None | Files::Unfinished))
            }
            Err(error @ OpenError::Unusable { .. }) => Err(error),
            Ok(Some(_)) | Err(_) => Ok(false),
        }
    }

    /// Makes a tree that knows which store it is of, and an empty journal. Until the marker stands, a note says that
    /// nothing in the directory counts yet.
    pub(super) fn new_tree(&self, store: Uuid, commits: CommitNumber) -> Result<Tree, OpenError> {
        marker::begin(self.directory).map_err(|error| self.unusable(&error))?;
        self.clear().map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree(self.directory)?;
        let made = Journal::create(self.directory, store, FIRST_FILE);
        let made = made
            .and_then(|_| write_identity(&tree, store, commits))
            .and_then(|()| self.settle())
            .and_then(|()| self.settle_name());
        made.map_err(|error| self.unusable(&error))?;
        Ok(tree)
    }

    /// Makes every file of the store safe as it is, and its name too. Among them is one with sled's settings, which sled
    /// writes once, never syncs, and does not open without.
    pub(super) fn settle(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if scratch::is_tree_file(&name) || journal::owns(&name) {
                File::open(entry.path())?.sync_all()?;
            }
        }
        File::open(self.directory)?.sync_all()
    }

    /// Removes what a process left that was killed while it made the directory.
    pub(super) fn clear(&self) -> io::Result<()> {
        scratch::remove_left_over(self.directory)?;
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if scratch::is_tree_file(&name) || journal::owns(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    pub(super) fn unusable(&self, error: &io::Error) -> OpenError {
        OpenError::Unusable { path: self.directory.to_owned(), reason: error.to_string() }
    }

    fn newer(&self, reason: &str) -> OpenError {
        OpenError::Newer { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    pub(super) fn damaged(&self, reason: &str) -> OpenError {
        OpenError::Damaged { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    fn unreadable(&self, error: &Unreadable) -> OpenError {
        match error {
            Unreadable::Newer(_) => self.newer(&error.to_string()),
            Unreadable::Damaged { .. } => self.damaged(&error.to_string()),
        }
    }
}
