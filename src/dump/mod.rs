//! The dump: everything a store holds as lines of JSON, so that the data outlive the engine that kept them.
//!
//! The format is described in `docs/dump-format.md`. This module turns a store's snapshot into lines and lines into the
//! changes that make it; it knows no engine, and nothing of where the lines come from or go to. A dump that is cut,
//! altered, or says what this release does not understand is refused: nothing of a dump is ever left out in silence.

mod read;
mod seal;
mod write;

use std::io;

pub use crate::line::{Counts, Header, LineKind};
pub use read::read;
pub use seal::copy;
pub use write::write;

use crate::store;

/// What a whole dump says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its first line.
    pub header: Header,
    /// How many lines of each kind it has.
    pub counts: Counts,
}

/// Why a dump cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first line is not that of a dump.
    #[error("this is no dump of dnis-gateway: {0}")]
    NoDump(String),
    /// Another major version.
    #[error("the dump has format {0}, this release reads format 1; restore it with a release that reads it")]
    OtherFormat(String),
    /// A kind of line that only a later release knows.
    #[error(
        "line {line}: this release does not know the kind '{kind}'; the dump was written by dnis-gateway {gateway} in \
         format {version}: restore it with that release or a newer one"
    )]
    UnknownKind {
        /// The line, counted from 1.
        line: u64,
        /// What it calls itself.
        kind: String,
        /// The release that wrote the dump.
        gateway: String,
        /// The dump's format.
        version: String,
    },
    /// A line that this release does not understand, in a dump of another minor version.
    #[error(
        "line {line}: {reason}; the dump was written by dnis-gateway {gateway} in format {version}: restore it with that \
         release or a newer one"
    )]
    UnknownWords {
        /// The line, counted from 1.
        line: u64,
        /// What is not understood.
        reason: String,
        /// The release that wrote the dump.
        gateway: String,
        /// The dump's format.
        version: String,
    },
    /// A line that says nothing, or something that cannot be.
    #[error("line {line}: {reason}")]
    Line {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// The last line is missing.
    #[error("the dump is cut: it ends after line {0} without the line that ends a dump")]
    Cut(u64),
    /// The lines are not those that were written.
    #[error("the dump was altered or damaged: {0}")]
    Altered(&'static str),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The store could not be read on.
    #[error(transparent)]
    Store(#[from] store::Error),
}

#[cfg(test)]
mod tests;
