//! Opening sled's files and letting go of them, in spite of what sled does with those that are damaged.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{OpenError, Opening};
use crate::store::sled::caught::caught;
use crate::store::sled::scratch::{self, Scratch};
use crate::store::sled::tree::{Tree, told};

/// How long sled may take to let go of a tree's files.
const LETTING_GO: Duration = Duration::from_secs(30);

/// Why the tree did not open.
enum TreeError {
    /// Trying again would not help.
    Final(OpenError),
    /// The snapshot or the log is at fault.
    Corrupt(String),
}

impl Opening<'_> {
    /// Opens the tree at `path`; where a snapshot is at fault, sets the snapshots aside and rebuilds them from the log.
    pub(in crate::store::sled) fn open_tree(&self, path: &Path) -> Result<Tree, OpenError> {
        self.snapshots(path, scratch::is_unfinished_snapshot, |file| fs::remove_file(file))?;
        match self.try_open_tree(path) {
            Ok(tree) => return Ok(tree),
            Err(TreeError::Final(error)) => return Err(error),
            Err(TreeError::Corrupt(reason)) => {
                tracing::warn!(%reason, "the data cannot be opened by their summary; trying once more from the file db alone");
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

    /// Opens a copy if it opens as it is. It is not to stay: sled syncs nothing of it, which takes long for a
    /// large one that was just copied, and removes the files when the tree is dropped, or where it does not open.
    pub(super) fn open_passing(&self, copy: &Scratch) -> Option<Tree> {
        let db = caught(|| self.config(copy.path()).temporary(true).open())?.ok()?;
        Tree::new(db, copy.path()).ok()
    }

    /// Drops a tree that was not to stay and waits until sled's background tasks have removed its files, so that they do
    /// not do it when others have their place.
    pub(super) fn let_vanish(&self, tree: Tree, copy: &Scratch) {
        drop(tree);
        let began = Instant::now();
        while copy.path().exists() && began.elapsed() < LETTING_GO {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Drops the tree at `path` and waits until sled has let go of its files, which its background tasks hold for a
    /// while longer and may write to.
    pub(in crate::store::sled) fn let_go(&self, tree: Tree, path: &Path) -> Result<(), OpenError> {
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
        // On some kinds of damage sled panics instead of returning an error.
        match caught(|| self.config(path).open()) {
            Some(Ok(db)) => Tree::new(db, path).map_err(|error| TreeError::Final(self.unusable(&error))),
            Some(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
                Err(TreeError::Final(OpenError::InUse(self.directory.to_owned())))
            }
            Some(Err(sled::Error::Io(error))) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Err(TreeError::Final(self.unusable(&error)))
            }
            Some(Err(error)) => Err(TreeError::Corrupt(told(error))),
            None => Err(TreeError::Corrupt("the file db has a form that cannot be".to_owned())),
        }
    }

    fn config(&self, path: &Path) -> sled::Config {
        // The writer flushes before it answers; nothing else ever does.
        sled::Config::new().path(path).cache_capacity(self.cache_bytes).flush_every_ms(None)
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
}
