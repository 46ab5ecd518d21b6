//! The lock on a data directory.

use std::fs::{File, TryLockError};
use std::path::Path;

/// A directory that no other process has open, and none opens while this lives.
///
/// A lock lives as long as any copy of its handle, and a child process that is being started has one for a moment. So the
/// end is said outright.
#[derive(Debug)]
pub(super) struct Locked(File);

impl Locked {
    /// Locks a directory, unless another process has done so.
    pub(super) fn take(directory: &Path) -> Result<Self, TryLockError> {
        let directory = File::open(directory).map_err(TryLockError::Error)?;
        directory.try_lock().map(|()| Self(directory))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the data directory could not be unlocked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_go_of_can_be_locked_again_though_a_copy_of_the_handle_lives() {
        let directory = tempfile::tempdir().unwrap();
        let locked = Locked::take(directory.path()).unwrap();
        let copy = locked.0.try_clone().unwrap();
        assert!(matches!(Locked::take(directory.path()), Err(TryLockError::WouldBlock)));
        drop(locked);
        assert!(Locked::take(directory.path()).is_ok());
        drop(copy);
    }
}
