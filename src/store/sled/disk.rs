//! The tree on disk: opened with care, written one batch at a time, never silently empty.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::codec::{self, Loader, Sink, Unreadable};
use super::marker::{self, FORMAT, Found, Marker};
use crate::domain::{Change, Tables, ValueId};
use crate::store::loading::Values;

/// How many commits may pass before the marker is written anew.
const MARKER_EVERY: u64 = 4096;
/// Where a damaged tree is opened on trial, below the data directory.
const REHEARSAL: &str = "rehearsal";

/// Why a data directory cannot be opened. None of these changes what is in it.
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
    #[error("the data directory {path} is damaged: {reason}; nothing in it was changed, restore it from a backup")]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The record in the tree that says which store it is.
#[derive(Serialize, Deserialize)]
struct Identity {
    format: u32,
    store: Uuid,
}

/// The tree, ready to be written.
pub(super) struct Disk {
    directory: PathBuf,
    tree: sled::Db,
    /// A second handle of sled's log: its own flush leaves the data in the drive's reach, but not safe from a power cut.
    log: File,
    marker: Marker,
    commits: u64,
}

impl Disk {
    /// Opens a data directory, makes it if it does not exist, and reads what is in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<(Self, Tables), OpenError> {
        let opening = Opening { directory, cache_bytes };
        opening.open()
    }

    /// The tree, for reading the bytes of large values beside the writer.
    pub(super) fn tree(&self) -> sled::Db {
        self.tree.clone()
    }

    /// Writes all changes as one batch and returns when it is safe on disk; how long the syncing took.
    pub(super) fn commit(&mut self, changes: &[Change]) -> Result<Duration, String> {
        let mut batch = Batch::default();
        for change in changes {
            codec::encode(change, &mut batch);
        }
        let commits = self.commits + 1;
        batch.put(codec::COMMIT_KEY.to_vec(), codec::value(&commits));
        self.tree.apply_batch(batch.0).map_err(|error| error.to_string())?;
        let syncing = Instant::now();
        self.tree.flush().map_err(|error| error.to_string())?;
        self.log.sync_data().map_err(|error| error.to_string())?;
        let synced = syncing.elapsed();
        self.commits = commits;
        if commits - self.marker.commits >= MARKER_EVERY {
            self.write_marker();
        }
        Ok(synced)
    }

    /// Notes in the marker how far the history has come.
    pub(super) fn write_marker(&mut self) {
        let marker = Marker { commits: self.commits, ..self.marker.clone() };
        match marker.write(&self.directory) {
            Ok(()) => self.marker = marker,
            // The old marker is still true; only a loss of the commits since would go unnoticed.
            Err(error) => tracing::warn!(%error, "the marker of the data directory could not be renewed"),
        }
    }
}

/// A data directory that is being opened.
struct Opening<'a> {
    directory: &'a Path,
    cache_bytes: u64,
}

impl Opening<'_> {
    fn open(&self) -> Result<(Disk, Tables), OpenError> {
        fs::create_dir_all(self.directory).map_err(|error| self.unusable(&error))?;
        let marker = match Marker::read(self.directory).map_err(|error| self.unusable(&error))? {
            Found::Marker(marker) if marker.format > FORMAT => {
                let reason = format!("its format is {}, this release reads up to {FORMAT}", marker.format);
                return Err(OpenError::Newer { path: self.directory.to_owned(), reason });
            }
            Found::Marker(marker) => Some(marker),
            Found::Damaged(reason) => return Err(self.damaged(format!("its marker file cannot be read: {reason}"))),
            Found::Nothing => None,
        };
        self.check_files(marker.is_some())?;
        let tree = self.open_tree()?;
        let marker = self.identify(&tree, marker)?;
        let (tables, commits) = self.load(&tree)?;
        if commits < marker.commits {
            let reason = format!("commit {} was on disk, but the last one found is {commits}", marker.commits);
            return Err(self.damaged(reason));
        }
        let log = File::open(self.directory.join("db")).map_err(|error| self.unusable(&error))?;
        Ok((Disk { directory: self.directory.to_owned(), tree, log, marker, commits }, tables))
    }

    /// Looks at what lies in the directory before sled does, since sled makes what it does not find.
    fn check_files(&self, marked: bool) -> Result<(), OpenError> {
        let mut log_bytes = None;
        let mut foreign = false;
        for entry in fs::read_dir(self.directory).map_err(|error| self.unusable(&error))? {
            let entry = entry.map_err(|error| self.unusable(&error))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            match &*name {
                "db" => log_bytes = Some(entry.metadata().map_err(|error| self.unusable(&error))?.len()),
                "conf" | "blobs" => {}
                snapshot if snapshot.starts_with("snap.") => {}
                name if marker::owns(name) => {}
                _ => foreign = true,
            }
        }
        match log_bytes {
            None if marked => Err(self.damaged("the file db is missing".to_owned())),
            Some(0) if marked => Err(self.damaged("the file db is empty".to_owned())),
            None if foreign => Err(OpenError::Foreign(self.directory.to_owned())),
            _ => Ok(()),
        }
    }

    /// Opens the tree; where a snapshot is at fault, sets the snapshots aside and rebuilds them from the log.
    fn open_tree(&self) -> Result<sled::Db, OpenError> {
        self.snapshots(
            |name| name.ends_with(".generating"),
            |path| {
                tracing::warn!(file = %path.display(), "removing a snapshot that a killed process left half written");
                fs::remove_file(path)
            },
        )?;
        match self.try_open_tree(self.directory) {
            Ok(tree) => return Ok(tree),
            Err(TreeError::Final(error)) => return Err(error),
            Err(TreeError::Corrupt(reason)) => {
                tracing::warn!(%reason, "the tree cannot be opened; trying once more from its log alone");
                self.rehearse(&reason)?;
            }
        }
        self.snapshots(
            |_| true,
            |path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let aside = path.with_file_name(name.replacen("snap.", "aside.snap.", 1));
                fs::rename(path, aside)
            },
        )?;
        self.try_open_tree(self.directory).map_err(|error| match error {
            TreeError::Final(error) => error,
            TreeError::Corrupt(reason) => self.damaged(reason),
        })
    }

    /// Opens a copy of the log without the snapshots, to see that it leads at least as far as they do.
    ///
    /// The log alone is not always enough: segments whose content has moved on are wiped, and where sled misses one at
    /// the end of the log it takes everything for torn and wipes that too. On a copy this does no harm.
    fn rehearse(&self, reason: &str) -> Result<(), OpenError> {
        let copy = self.directory.join(REHEARSAL);
        let unusable = |error: io::Error| self.unusable(&error);
        let reached = newest_snapshot(self.directory).map_err(unusable)?;
        remove_rehearsal(&copy).map_err(unusable)?;
        fs::create_dir(&copy).map_err(unusable)?;
        for name in ["conf", "db"] {
            fs::copy(self.directory.join(name), copy.join(name)).map_err(unusable)?;
        }
        let opened = self.try_open_tree(&copy).map(drop);
        // Opening writes a snapshot, and its name says how far the log has led.
        let led = newest_snapshot(&copy).map_err(unusable)?;
        remove_rehearsal(&copy).map_err(unusable)?;
        match opened {
            Ok(()) if led >= reached => Ok(()),
            Ok(()) => Err(self.damaged(format!("{reason}, and the log alone does not hold everything"))),
            Err(TreeError::Corrupt(log)) => Err(self.damaged(format!("{reason}, and of the log alone: {log}"))),
            Err(TreeError::Final(error)) => Err(error),
        }
    }

    fn try_open_tree(&self, directory: &Path) -> Result<sled::Db, TreeError> {
        let config = sled::Config::new()
            .path(directory)
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
    fn snapshots(&self, fits: impl Fn(&str) -> bool, act: impl Fn(&Path) -> io::Result<()>) -> Result<(), OpenError> {
        for entry in fs::read_dir(self.directory).map_err(|error| self.unusable(&error))? {
            let entry = entry.map_err(|error| self.unusable(&error))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("snap.") && fits(&name) {
                act(&entry.path()).map_err(|error| self.unusable(&error))?;
            }
        }
        Ok(())
    }

    /// Holds the tree against the marker, and makes both where there is neither.
    fn identify(&self, tree: &sled::Db, marker: Option<Marker>) -> Result<Marker, OpenError> {
        let record = tree.get(codec::FORMAT_KEY).map_err(|error| self.damaged(error.to_string()))?;
        let identity: Option<Identity> = match record {
            Some(record) => Some(codec::fields(codec::FORMAT_KEY, &record).map_err(|error| self.unreadable(&error))?),
            None => None,
        };
        match (identity, marker) {
            (Some(identity), Some(marker)) if identity.store == marker.store => Ok(marker),
            (Some(_), Some(_)) => Err(self.damaged("its marker file belongs to another store".to_owned())),
            (None, Some(_)) => Err(self.damaged("the tree has lost what it held".to_owned())),
            // A process that was killed while it made the directory leaves a tree without a marker; nothing was
            // acknowledged before the marker was there.
            (Some(identity), None) => self.mark(Marker { format: identity.format, store: identity.store, commits: 0 }),
            (None, None) if tree.is_empty() => self.create(tree),
            (None, None) => Err(OpenError::Foreign(self.directory.to_owned())),
        }
    }

    fn create(&self, tree: &sled::Db) -> Result<Marker, OpenError> {
        let store = Uuid::from_bytes(rand::random());
        let written = tree
            .insert(codec::FORMAT_KEY, codec::value(&Identity { format: FORMAT, store }))
            .and_then(|_| tree.flush())
            .map_err(|error| error.to_string())
            .and_then(|_| {
                let log = File::open(self.directory.join("db")).and_then(|log| log.sync_all());
                log.map_err(|error| error.to_string())
            });
        written.map_err(|reason| OpenError::Unusable { path: self.directory.to_owned(), reason })?;
        self.mark(Marker { format: FORMAT, store, commits: 0 })
    }

    fn mark(&self, marker: Marker) -> Result<Marker, OpenError> {
        marker.write(self.directory).map_err(|error| self.unusable(&error))?;
        Ok(marker)
    }

    /// Rebuilds the tables; how many commits the tree has seen.
    fn load(&self, tree: &sled::Db) -> Result<(Tables, u64), OpenError> {
        let mut loader = Loader::default();
        for record in tree.range(..codec::END_OF_TABLES) {
            let (key, value) = record.map_err(|error| self.damaged(error.to_string()))?;
            loader.take(&key, &value).map_err(|error| self.unreadable(&error))?;
        }
        let commits = match tree.get(codec::COMMIT_KEY).map_err(|error| self.damaged(error.to_string()))? {
            Some(record) => codec::fields(codec::COMMIT_KEY, &record).map_err(|error| self.unreadable(&error))?,
            None => 0,
        };
        Ok((loader.finish(), commits))
    }

    fn unusable(&self, error: &io::Error) -> OpenError {
        OpenError::Unusable { path: self.directory.to_owned(), reason: error.to_string() }
    }

    fn damaged(&self, reason: String) -> OpenError {
        OpenError::Damaged { path: self.directory.to_owned(), reason }
    }

    fn unreadable(&self, error: &Unreadable) -> OpenError {
        match error {
            Unreadable::Newer(_) => OpenError::Newer { path: self.directory.to_owned(), reason: error.to_string() },
            Unreadable::Damaged { .. } => self.damaged(error.to_string()),
        }
    }
}

/// How far the newest snapshot of a directory leads, as its name says.
fn newest_snapshot(directory: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let place = name.to_str().and_then(|name| name.strip_prefix("snap."));
        newest = newest.max(place.and_then(|place| u64::from_str_radix(place, 16).ok()));
    }
    Ok(newest)
}

fn remove_rehearsal(copy: &Path) -> io::Result<()> {
    match fs::remove_dir_all(copy) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Why the tree did not open.
enum TreeError {
    /// Trying again would not help.
    Final(OpenError),
    /// The snapshot or the log is at fault.
    Corrupt(String),
}

/// A batch that takes encoded records.
#[derive(Default)]
struct Batch(sled::Batch);

impl Sink for Batch {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, value);
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(key);
    }
}

impl Values for sled::Db {
    type Error = String;

    fn value(&self, id: ValueId, length: u64) -> Result<Option<Arc<[u8]>>, String> {
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        for chunk in 0..codec::chunks(length) {
            match self.get(codec::chunk_key(id, chunk)).map_err(|error| error.to_string())? {
                Some(chunk) => bytes.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
        Ok((bytes.len() as u64 == length).then(|| bytes.into()))
    }
}
