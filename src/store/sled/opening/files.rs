//! The files of a data directory, as far as they can be judged by their names and the marker: what there is, whose it is, and
//! that it stays when the power goes.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};

use super::{OpenError, Opening};
use crate::store::sled::locked::Locked;
use crate::store::sled::marker::{self, FORMAT, Marker, MarkerFile};
use crate::store::sled::tree::{self, shutdown_checksum};
use crate::store::sled::{journal, swap};

/// What is wrong with a directory whose tree is gone.
pub(super) const NO_TREE: &str = "the file db is missing or empty";
/// What a look at the names in the directory has shown.
pub(super) enum Files {
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

impl Opening<'_> {
    /// Makes the directory, for its owner alone: it holds what callers have told. Those above it are made as usual.
    pub(in crate::store::sled) fn make_directory(&self) -> io::Result<()> {
        if self.directory.is_dir() {
            return Ok(());
        }
        self.directory.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::DirBuilder::new().mode(0o700).create(self.directory)
    }

    /// Makes the name of the directory safe, and the names of those above it, since any of them may be new: made by this
    /// process, or by one that was killed. Where a file system is mounted there is no name that could get lost.
    pub(super) fn sync_names(&self) -> io::Result<()> {
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
    pub(in crate::store::sled) fn lock(&self) -> Result<Locked, OpenError> {
        Locked::take(self.directory).map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse(self.directory.to_owned()),
            TryLockError::Error(error) => self.unusable(&error),
        })
    }

    pub(super) fn read_marker(&self) -> Result<Option<Marker>, OpenError> {
        match Marker::read(self.directory).map_err(|error| self.unusable(&error))? {
            MarkerFile::Marker(marker) if marker.format > FORMAT => {
                Err(self.newer(&format!("its format is {}, this release reads up to {FORMAT}", marker.format)))
            }
            MarkerFile::Marker(marker) => Ok(Some(marker)),
            MarkerFile::Damaged(reason) => Err(self.damaged(&format!("its marker file cannot be read: {reason}"))),
            MarkerFile::Nothing => Ok(None),
        }
    }

    /// The marker, and that a tree is there; for whoever makes nothing that is not there.
    pub(in crate::store::sled) fn existing(&self) -> Result<Option<Marker>, OpenError> {
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
    pub(super) fn look(&self) -> io::Result<Files> {
        let (mut tree, mut journal, mut foreign) = (false, false, false);
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            match &*entry.file_name().to_string_lossy() {
                "db" => tree = entry.metadata()?.len() > 0,
                // Freshly made file systems have this one.
                "lost+found" => {}
                name if journal::owns(name) => journal = true,
                name if marker::owns(name) || tree::owns(name) || shutdown_checksum::owns(name) || swap::owns(name) => {
                }
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

    /// Whether nothing in the directory counts.
    pub(in crate::store::sled) fn holds_nothing(&self) -> Result<bool, OpenError> {
        match self.read_marker() {
            Ok(None) => {
                let files = self.look().map_err(|error| self.unusable(&error))?;
                Ok(matches!(files, Files::None | Files::Unfinished))
            }
            Err(error @ OpenError::Unusable { .. }) => Err(error),
            Ok(Some(_)) | Err(_) => Ok(false),
        }
    }

    /// Makes every file of the store safe as it is, and its name too. Among them is one with sled's settings, which sled
    /// writes once, never syncs, and does not open without.
    pub(in crate::store::sled) fn sync_files(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if tree::is_tree_file(&name) || journal::owns(&name) {
                File::open(entry.path())?.sync_all()?;
            }
        }
        File::open(self.directory)?.sync_all()
    }

    /// Removes what a process left that was killed while it made the directory.
    pub(in crate::store::sled) fn clear(&self) -> io::Result<()> {
        tree::remove_left_over(self.directory)?;
        for entry in fs::read_dir(self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if tree::is_tree_file(&name) || journal::owns(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}
