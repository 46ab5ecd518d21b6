//! Opening a data directory: with distrust, never silently empty, and without harm where it is refused.
//!
//! First the directory is locked and looked at. Then the tree is opened on a copy and held against the marker. Only
//! what has passed is opened in place.

use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codec::{self, Loader, Unreadable};
use super::disk::Disk;
use super::marker::{self, FORMAT, Found, Marker};
use super::scratch::{self, Scratch};
use crate::domain::Tables;

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
pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<(Disk, Tables), OpenError> {
    Opening { directory, cache_bytes }.open()
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
    /// Other things only.
    Foreign,
}

/// What a tree has proved to be.
struct Contents {
    tables: Tables,
    marker: Marker,
    commits: u64,
}

/// Why the tree did not open.
enum TreeError {
    /// Trying again would not help.
    Final(OpenError),
    /// The snapshot or the log is at fault.
    Corrupt(String),
}

/// A data directory that is being opened.
struct Opening<'a> {
    directory: &'a Path,
    cache_bytes: u64,
}

impl Opening<'_> {
    fn open(&self) -> Result<(Disk, Tables), OpenError> {
        self.make_directory().map_err(|error| self.unusable(&error))?;
        let lock = self.lock()?;
        let marker = self.read_marker()?;
        let files = self.look().map_err(|error| self.unusable(&error))?;
        let (tree, contents) = match (files, &marker) {
            (Files::Tree, marker) => self.open_existing(marker.as_ref())?,
            (_, Some(_)) => return Err(self.damaged("the file db is missing or empty")),
            (Files::Foreign, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
            (Files::None | Files::Unfinished, None) => self.create()?,
        };
        let Contents { tables, marker, commits } = contents;
        let log = File::open(self.directory.join("db")).map_err(|error| self.unusable(&error))?;
        Ok((Disk { directory: self.directory.to_owned(), tree, log, marker, commits, _lock: lock }, tables))
    }

    /// Makes the directory so that it stays even if the power fails.
    fn make_directory(&self) -> io::Result<()> {
        if self.directory.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(self.directory)?;
        match self.directory.canonicalize()?.parent() {
            Some(parent) => File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Keeps every other process out from here on. Sled locks its log as well, but only after it has begun to write.
    fn lock(&self) -> Result<File, OpenError> {
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

    /// Looks at what lies in the directory before sled does, since sled makes what it does not find.
    fn look(&self) -> io::Result<Files> {
        let (mut tree, mut foreign) = (false, false);
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            match &*entry.file_name().to_string_lossy() {
                "db" => tree = entry.metadata()?.len() > 0,
                // Freshly made file systems have this one.
                "lost+found" => {}
                name if marker::owns(name) || scratch::owns(name) => {}
                _ => foreign = true,
            }
        }
        Ok(match (tree, foreign) {
            _ if marker::unfinished(self.directory)? => Files::Unfinished,
            (true, _) => Files::Tree,
            (false, true) => Files::Foreign,
            (false, false) => Files::None,
        })
    }

    /// Opens a tree that exists: first a copy of it, and only if that holds what it must, the tree itself.
    fn open_existing(&self, marker: Option<&Marker>) -> Result<(sled::Db, Contents), OpenError> {
        let rehearsed = match Scratch::copy(self.directory) {
            Ok(copy) => {
                let tree = self.open_tree(copy.path())?;
                Some(self.examine(&tree, marker)?)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                tracing::warn!(%error, "no room to try the opening on a copy of the data; opening it as it is");
                None
            }
            Err(error) => return Err(self.unusable(&error)),
        };
        let tree = self.open_tree(self.directory)?;
        let contents = match rehearsed {
            Some(contents) if self.commits(&tree)? == contents.commits => contents,
            Some(_) => return Err(self.damaged("the tree and its copy have come to differ")),
            None => self.examine(&tree, marker)?,
        };
        if marker.is_none() {
            tracing::warn!("the marker of the data directory is missing; a new one is written");
            contents.marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        }
        Ok((tree, contents))
    }

    /// Opens the tree at `path`; where a snapshot is at fault, sets the snapshots aside and rebuilds them from the log.
    fn open_tree(&self, path: &Path) -> Result<sled::Db, OpenError> {
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

    fn try_open_tree(&self, path: &Path) -> Result<sled::Db, TreeError> {
        let config = sled::Config::new()
            .path(path)
            .cache_capacity(self.cache_bytes)
            // The writer flushes before it answers; nothing else ever does.
            .flush_every_ms(None);
        // On some kinds of damage sled panics instead of returning an error.
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(tree)) => Ok(tree),
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

    /// Holds a tree against the marker and reads all of it.
    fn examine(&self, tree: &sled::Db, marker: Option<&Marker>) -> Result<Contents, OpenError> {
        let record = self.read(tree, codec::FORMAT_KEY)?;
        let identity: Option<Identity> = match record {
            Some(record) => Some(codec::fields(codec::FORMAT_KEY, &record).map_err(|error| self.unreadable(&error))?),
            None => None,
        };
        let marker = match (identity, marker) {
            (Some(identity), _) if identity.format > FORMAT => {
                return Err(self.newer(&format!("its format is {}", identity.format)));
            }
            (Some(identity), Some(marker)) if identity.store == marker.store => marker.clone(),
            (Some(_), Some(_)) => return Err(self.damaged("its marker file belongs to another store")),
            (None, Some(_)) => return Err(self.damaged("the tree has lost what it held")),
            // Only the marker is gone; what the tree holds is whole as far as it can tell.
            (Some(identity), None) => Marker { format: identity.format, store: identity.store, commits: 0 },
            (None, None) => return Err(OpenError::Foreign(self.directory.to_owned())),
        };
        let commits = self.commits(tree)?;
        if commits < marker.commits {
            let reason = format!("commit {} was on disk, but the last one found is {commits}", marker.commits);
            return Err(self.damaged(&reason));
        }
        Ok(Contents { tables: self.load(tree)?, marker, commits })
    }

    /// How many commits the tree has seen.
    fn commits(&self, tree: &sled::Db) -> Result<u64, OpenError> {
        match self.read(tree, codec::COMMIT_KEY)? {
            Some(record) => codec::fields(codec::COMMIT_KEY, &record).map_err(|error| self.unreadable(&error)),
            None => Ok(0),
        }
    }

    fn read(&self, tree: &sled::Db, key: &[u8]) -> Result<Option<sled::IVec>, OpenError> {
        self.guarded(|| tree.get(key).map_err(|error| self.damaged(&error.to_string())))
    }

    /// Rebuilds the tables.
    fn load(&self, tree: &sled::Db) -> Result<Tables, OpenError> {
        self.guarded(|| {
            let mut loader = Loader::default();
            for record in codec::TABLES.into_iter().flat_map(|part| tree.range(part)) {
                let (key, value) = record.map_err(|error| self.damaged(&error.to_string()))?;
                loader.take(&key, &value).map_err(|error| self.unreadable(&error))?;
            }
            Ok(loader.finish())
        })
    }

    /// Reads of a damaged page can make sled panic.
    fn guarded<T>(&self, read: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(self.damaged("a page of the tree cannot be read")))
    }

    /// Makes a new store. Until its marker stands, a note says that nothing in the directory counts yet.
    fn create(&self) -> Result<(sled::Db, Contents), OpenError> {
        marker::begin(self.directory).map_err(|error| self.unusable(&error))?;
        self.clear().map_err(|error| self.unusable(&error))?;
        let tree = self.open_tree(self.directory)?;
        let identity = Identity { format: FORMAT, store: Uuid::from_bytes(rand::random()) };
        let written = tree
            .insert(codec::FORMAT_KEY, codec::value(&identity))
            .and_then(|_| tree.flush())
            .map_err(io::Error::from)
            .and_then(|_| File::open(self.directory.join("db"))?.sync_all());
        written.map_err(|error| self.unusable(&error))?;
        let marker = Marker { format: FORMAT, store: identity.store, commits: 0 };
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        Ok((tree, Contents { tables: Tables::default(), marker, commits: 0 }))
    }

    /// Removes what a process left that was killed while it made the directory.
    fn clear(&self) -> io::Result<()> {
        scratch::remove_left_over(self.directory)?;
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            if scratch::is_tree_file(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn unusable(&self, error: &io::Error) -> OpenError {
        OpenError::Unusable { path: self.directory.to_owned(), reason: error.to_string() }
    }

    fn newer(&self, reason: &str) -> OpenError {
        OpenError::Newer { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    fn damaged(&self, reason: &str) -> OpenError {
        OpenError::Damaged { path: self.directory.to_owned(), reason: reason.to_owned() }
    }

    fn unreadable(&self, error: &Unreadable) -> OpenError {
        match error {
            Unreadable::Newer(_) => self.newer(&error.to_string()),
            Unreadable::Damaged { .. } => self.damaged(&error.to_string()),
        }
    }
}
