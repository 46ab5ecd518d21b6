//! Noticing that the configuration file was changed, by looking at it every second.
//!
//! A file is taken for changed when it differs from what was last read and has stayed the same for a whole second, so
//! that a half-written one is left alone. A file that is gone is no change: an editor may be about to put another in
//! its place.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(1);

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    modified: SystemTime,
    length: u64,
    file: u64,
}

impl Mark {
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        let found = std::fs::metadata(path).ok()?;
        Some(Self { modified: found.modified().ok()?, length: found.len(), file: found.ino() })
    }
}

/// A file that is watched, or none.
pub(super) struct Watch {
    path: Option<PathBuf>,
    /// The file as it was read.
    read: Option<Mark>,
    /// The file as it was at the last look.
    looked: Option<Mark>,
}

impl Watch {
    /// Watches the file at `path`, which is about to be read; without a path nothing ever changes.
    pub(super) fn of(path: Option<&Path>) -> Self {
        let mut watch = Self { path: path.map(Path::to_owned), read: None, looked: None };
        watch.about_to_read();
        watch
    }

    /// Whatever the file is now is about to be read.
    pub(super) fn about_to_read(&mut self) {
        self.read = self.path.as_deref().and_then(Mark::of);
        self.looked = self.read;
    }

    /// Comes back when the file was changed. Can be given up at any time.
    pub(super) async fn changed(&mut self) {
        loop {
            tokio::time::sleep(EVERY).await;
            if self.look() {
                return;
            }
        }
    }

    fn look(&mut self) -> bool {
        let Some(now) = self.path.as_deref().and_then(Mark::of) else { return false };
        let settled = self.looked.replace(now) == Some(now);
        settled && self.read != Some(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_changed_once_it_differs_from_what_was_read_and_stays_so() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("gateway.toml");
        std::fs::write(&path, "a").unwrap();
        let mut watch = Watch::of(Some(&path));
        assert!(!watch.look() && !watch.look(), "nothing has changed");

        std::fs::write(&path, "half of").unwrap();
        assert!(!watch.look(), "it may still be written");
        std::fs::write(&path, "half of the new text").unwrap();
        assert!(!watch.look(), "it was");
        assert!(watch.look());
        watch.about_to_read();
        assert!(!watch.look());

        let other = directory.path().join("other");
        std::fs::write(&other, "half of the new text").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(!watch.look() && !watch.look(), "a file that is gone is no change");
        std::fs::rename(&other, &path).unwrap();
        assert!(!watch.look());
        assert!(watch.look(), "another file in its place, though of the same length");
    }

    #[test]
    fn without_a_file_nothing_changes() {
        let mut watch = Watch::of(None);
        assert!(!watch.look() && !watch.look());
    }
}
