//! Trying an opening on a copy of the tree's files.
//!
//! Sled repairs while it opens: it zeroes whatever it takes for the torn end of the log and writes a new snapshot. On
//! a damaged log that destroys what a backup or an expert could still save, and only afterwards can it be seen that
//! something acknowledged is missing. So the first opening happens on a copy.

use std::io;
use std::path::Path;

use super::Tree;
use super::open::TreeError;
use super::scratch::Scratch;

/// What a tree that is read once, from one end to the other, may keep in memory, in bytes.
const READ_ONCE: u64 = 4 * 1024 * 1024;

/// Opens a copy of the tree in `directory` and lets `read` look at it; `None` if there is no room for a copy.
pub(in crate::store::sled) fn try_on_copy<T>(
    directory: &Path,
    read: impl FnOnce(&Tree) -> T,
) -> Result<Option<T>, TreeError> {
    let Some(copy) = copied(Scratch::copy(directory))? else { return Ok(None) };
    if let Some(tree) = Tree::open_passing(copy.path(), READ_ONCE) {
        let found = read(&tree);
        tree.wait_until_removed(copy.path());
        return Ok(Some(found));
    }
    // What can be done about damage is tried on another copy, since sled is not done with the files of this one.
    drop(copy);
    let Some(copy) = copied(Scratch::another(directory))? else { return Ok(None) };
    let tree = Tree::open(copy.path(), READ_ONCE)?;
    Ok(Some(read(&tree)))
}

/// A copy, if there was room for it.
fn copied(copy: io::Result<Scratch>) -> io::Result<Option<Scratch>> {
    match copy {
        Ok(copy) => Ok(Some(copy)),
        Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            tracing::warn!(%error, "no room to try the opening on a copy of the data; opening it as it is");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
