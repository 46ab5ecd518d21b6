//! The engine over a data directory: a journal, a tree, and a checkpointer that moves the one into the other.

mod blocks;
mod build;
mod checkpointer;
mod codec;
mod compact;
mod inspect;
mod journal;
mod locked;
mod log;
mod marker;
mod merged;
mod opening;
mod ops;
mod pending;
mod private;
mod records;
mod replay;
mod stages;
mod swap;
mod tree;
mod verify;

use std::path::PathBuf;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::Clock;
use super::engine::{Beginning, Engine, Observer, Status};
use crate::domain::Rules;

pub use build::Build;
pub use compact::{Compacted, Compaction, compact};
pub use inspect::Report;
pub use log::SledLog;
pub use opening::OpenError;
pub use records::DurableRecords;
pub use verify::verify;

/// The engine over a data directory.
pub type SledStore = Engine<SledLog>;

/// What the engine is opened with.
pub struct Options {
    /// The data directory; made if it does not exist.
    pub directory: PathBuf,
    /// Memory that the tree may use for its cache, in bytes.
    pub cache_bytes: u64,
    /// Whether files that have become large are written anew first.
    pub compaction: Compaction,
    /// The operator's rules.
    pub rules: Rules,
    /// The clock that deadlines are judged by.
    pub clock: Arc<dyn Clock>,
    /// Where codes and ids are drawn from; by default a generator seeded by the operating system.
    pub rng: StdRng,
    /// Who hears of commits.
    pub observer: Arc<dyn Observer>,
}

impl Options {
    /// The usual options for a directory.
    pub fn new(directory: impl Into<PathBuf>, rules: Rules, clock: Arc<dyn Clock>) -> Self {
        Self {
            directory: directory.into(),
            cache_bytes: 8 * 1024 * 1024,
            compaction: Compaction::default(),
            rules,
            clock,
            rng: rand::make_rng(),
            observer: Arc::new(()),
        }
    }

    /// The same with draws that follow from `seed`; for tests and replays.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.rng = StdRng::seed_from_u64(seed);
        self
    }
}

impl SledStore {
    /// Opens a data directory and starts the writer.
    ///
    /// # Errors
    /// [`OpenError`]; a directory that cannot be trusted is left as it is.
    pub fn open(options: Options) -> Result<Self, OpenError> {
        let Options { directory, cache_bytes, compaction, rules, clock, rng, observer } = options;
        let (opened, tables) = opening::open(&directory, cache_bytes, compaction)?;
        let (last_commit, status) = (opened.last_commit, Status::default());
        let log = SledLog::new(opened, status.clone());
        let started = log
            .and_then(|log| Self::start(Beginning { log, status, tables, last_commit, rules, clock, rng, observer }));
        started.map_err(|error| OpenError::Unusable {
            path: directory,
            reason: format!("a thread of the store did not start: {error}"),
        })
    }
}

#[cfg(test)]
mod tests;
