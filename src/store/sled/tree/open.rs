//! Opening the tree's files and letting go of them, in spite of what sled does with those that are damaged.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::caught::caught;
use super::scratch::{is_unfinished_snapshot, newest_snapshot};
use super::steps::{FORMER_SEGMENT, SEGMENT};
use super::{Tree, words};

/// How long sled may take to let go of a tree's files.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a tree does not open, or is not let go of.
#[derive(Debug)]
pub(in crate::store::sled) enum TreeError {
    /// The system refuses.
    Io(io::Error),
    /// Somebody else has it open.
    InUse,
    /// What was in it cannot be read.
    Damaged(String),
}

impl From<io::Error> for TreeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Tree {
    /// Opens the tree at `path`; where a snapshot is at fault, sets the snapshots aside and rebuilds them from the log.
    pub(in crate::store::sled) fn open(path: &Path, cache_bytes: u64) -> Result<Self, TreeError> {
        snapshots(path, is_unfinished_snapshot, |file| fs::remove_file(file))?;
        match Self::try_open(path, cache_bytes) {
            Err(TreeError::Damaged(reason)) => {
                tracing::warn!(%reason, "the data cannot be opened by their summary; trying once more from the file db alone");
            }
            opened => return opened,
        }
        let reached = newest_snapshot(path)?;
        snapshots(
            path,
            |_| true,
            |file| {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                fs::rename(file, file.with_file_name(format!("aside.{name}")))
            },
        )?;
        let tree = Self::try_open(path, cache_bytes)?;
        // The log alone is not always enough: segments whose content has moved on are wiped, and where sled misses one
        // at the end of the log it takes everything for torn. Opening writes a snapshot, whose name says how far it led.
        if newest_snapshot(path)? < reached {
            let reason = "its snapshot cannot be read, and the log alone does not hold everything";
            return Err(TreeError::Damaged(reason.to_owned()));
        }
        Ok(tree)
    }

    /// Opens a copy if it opens as it is. It is not to stay: sled syncs nothing of it, which takes long for a large one that
    /// was just copied, and removes the files when the tree is dropped, or where it does not open.
    pub(super) fn open_passing(copy: &Path, cache_bytes: u64) -> Option<Self> {
        let segment = segment(copy).ok()?;
        let db = caught(|| config(copy, cache_bytes, segment).temporary(true).open())?.ok()?;
        Self::new(db, copy, segment).ok()
    }

    /// Drops a tree that was not to stay and waits until sled's background tasks have removed its files, so that they do
    /// not do it when others have their place.
    pub(super) fn wait_until_removed(self, copy: &Path) {
        drop(self);
        let began = Instant::now();
        while copy.exists() && began.elapsed() < RELEASE_TIMEOUT {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Drops the tree at `path` and waits until sled has let go of its files, which its background tasks hold for a
    /// while longer and may write to.
    pub(in crate::store::sled) fn release(self, path: &Path) -> Result<(), TreeError> {
        drop(self);
        let log = File::open(path.join("db"))?;
        let began = Instant::now();
        loop {
            match log.try_lock() {
                // A child process that is being started may have a copy of the handle, so the end is said outright.
                Ok(()) => return Ok(log.unlock()?),
                Err(TryLockError::WouldBlock) if began.elapsed() < RELEASE_TIMEOUT => {
                    thread::sleep(Duration::from_millis(2));
                }
                Err(TryLockError::WouldBlock) => return Err(TreeError::InUse),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    fn try_open(path: &Path, cache_bytes: u64) -> Result<Self, TreeError> {
        let segment = segment(path)?;
        // On some kinds of damage sled panics instead of returning an error.
        match caught(|| config(path, cache_bytes, segment).open()) {
            Some(Ok(db)) => Ok(Self::new(db, path, segment)?),
            Some(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                Err(TreeError::InUse)
            }
            Some(Err(sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
            Some(Err(error)) => Err(TreeError::Damaged(words(error))),
            None => Err(TreeError::Damaged("the file db has a form that cannot be".to_owned())),
        }
    }
}

fn config(path: &Path, cache_bytes: u64, segment: usize) -> sled::Config {
    // The writer flushes before it answers; nothing else ever does.
    sled::Config::new().path(path).cache_capacity(cache_bytes).segment_size(segment).flush_every_ms(None)
}

/// What the log of the tree at `path` is made of, in bytes: as sled's settings say, or as a tree is made that is not there
/// yet. Where the settings are gone, or say nothing, sled decides whether it opens; a tree that has lost them was made by
/// a former release, or is found to be damaged, since nothing fits.
fn segment(path: &Path) -> io::Result<usize> {
    let settings = match fs::read(path.join("conf")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.join("db").try_exists()? => return Ok(SEGMENT),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FORMER_SEGMENT),
        settings => settings?,
    };
    let settings = String::from_utf8_lossy(&settings);
    let named = settings.lines().find_map(|line| line.strip_prefix("segment_size: ")?.parse().ok());
    Ok(named.unwrap_or(FORMER_SEGMENT))
}

/// Does something with every snapshot file whose name fits.
fn snapshots(path: &Path, fits: impl Fn(&str) -> bool, act: impl Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && fits(&name) {
            tracing::warn!(file = %entry.path().display(), "this snapshot is of no use; the log has it all");
            act(&entry.path())?;
        }
    }
    Ok(())
}
