//! Looking at a data directory without touching it.
//!
//! Sled cannot open a tree without writing to it, so a copy is opened that lies elsewhere.

use std::path::Path;

use super::inspect::{self, Report, Subject};
use super::opening::{OpenError, Opening};
use super::swap;
use super::tree::{Scratch, Tree};

/// What the copy's tree may keep in memory.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// Looks at every record of a data directory that nobody has open. Nothing in it changes; the copy that is looked at is
/// made in `elsewhere` and removed.
///
/// # Errors
/// [`OpenError`] where the directory is none, is in use, or cannot be opened at all. What can be opened and is not right
/// is in the report.
pub fn verify(directory: &Path, elsewhere: &Path) -> Result<Report, OpenError> {
    let opening = Opening { directory, cache_bytes: CACHE_BYTES };
    let _lock = opening.lock()?;
    if swap::is_pending(directory).map_err(|error| opening.unusable(&error))? {
        return Err(OpenError::Unusable {
            path: directory.to_owned(),
            reason: "a compaction was interrupted; compact it once more, or start the gateway on it".to_owned(),
        });
    }
    let marker = opening.existing()?;
    let copy = Scratch::elsewhere(directory, elsewhere).map_err(|error| OpenError::Unusable {
        path: elsewhere.to_owned(),
        reason: format!("no copy of the data can be made there: {error}"),
    })?;
    let tree = Tree::open(copy.path(), CACHE_BYTES).map_err(|error| opening.tree_error(error))?;
    let identified = opening.identify(&tree, marker.as_ref())?;
    let (layers, commits) = (&identified.replayed.layers[..], identified.replayed.commits);
    Ok(inspect::inspect(&Subject { tree: &tree, layers, marker: &identified.marker, commits }))
}
