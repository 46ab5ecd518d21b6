//! A copy of the tree's files, and which files those are.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The name of the copy inside the data directory.
const NAME: &str = "dnis-gateway.check";

/// The copy; removed when it is dropped.
pub(in crate::store::sled) struct Scratch(PathBuf);

impl Scratch {
    /// Copies the tree's files. On file systems that can, the copy shares its blocks with the original.
    pub(super) fn copy(directory: &Path) -> io::Result<Self> {
        remove_left_over(directory)?;
        Self::make(directory, directory.join(NAME))
    }

    /// As [`Scratch::copy`], under a name that nothing had before.
    pub(super) fn another(directory: &Path) -> io::Result<Self> {
        Self::elsewhere(directory, directory)
    }

    /// Copies the tree's files to a place of their own in another directory.
    pub(in crate::store::sled) fn elsewhere(directory: &Path, parent: &Path) -> io::Result<Self> {
        Self::make(directory, parent.join(format!("{NAME}.{:016x}", rand::random::<u64>())))
    }

    fn make(directory: &Path, path: PathBuf) -> io::Result<Self> {
        let copy = Self(path);
        fs::DirBuilder::new().mode(0o700).create(&copy.0)?;
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name();
            match &*name.to_string_lossy() {
                "blobs" => copy_files(&entry.path(), &copy.0.join(name))?,
                text if is_tree_file(text) && !is_unfinished_snapshot(text) => {
                    fs::copy(entry.path(), copy.0.join(name))?;
                }
                _ => {}
            }
        }
        Ok(copy)
    }

    /// Where the copy is.
    pub(in crate::store::sled) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "the copy made for checking could not be removed");
        }
    }
}

/// Removes copies that a killed process has left.
pub(in crate::store::sled) fn remove_left_over(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if owns(&entry.file_name().to_string_lossy()) {
            match fs::remove_dir_all(entry.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// Whether a name is that of a copy.
pub(in crate::store::sled) fn owns(name: &str) -> bool {
    name.strip_prefix(NAME).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a name is one that sled gives to a file of a tree.
pub(in crate::store::sled) fn is_tree_file(name: &str) -> bool {
    name == "db" || name == "conf" || name.starts_with("snap.")
}

/// Whether a name is that of a snapshot that is being written, or was when its process was killed.
pub(super) fn is_unfinished_snapshot(name: &str) -> bool {
    name.starts_with("snap.") && name.ends_with(".generating")
}

/// How far the newest snapshot of a tree leads, as its name says.
pub(super) fn newest_snapshot(directory: &Path) -> io::Result<Option<u64>> {
    let mut newest = None;
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let place = name.to_str().and_then(|name| name.strip_prefix("snap."));
        newest = newest.max(place.and_then(|place| u64::from_str_radix(place, 16).ok()));
    }
    Ok(newest)
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
