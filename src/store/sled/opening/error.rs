//! Why a data directory cannot be opened.

use std::path::PathBuf;

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
    /// Something is in it, where only an empty one will do.
    #[error("{0} is not empty; name an empty or a new directory")]
    NotEmpty(PathBuf),
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
