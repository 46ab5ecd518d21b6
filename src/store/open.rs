//! The engines by name: the one place that knows which there are. The server and the commands come through here.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::postgres::{self, PostgresStore, Refused};
use super::sled::{Build as DirectoryBuild, Compaction, Options as DirectoryOptions, SledStore};
use super::{Clock, Observer, Store};
use crate::config::{self, Engine};
use crate::domain::{Change, Rules};

pub use super::sled::{Compacted, OpenError as DirectoryError, Report, compact, verify};

/// Why a store is not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// What is wrong with the data directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// What is wrong with the database.
    #[error(transparent)]
    Database(#[from] Refused),
}

/// Opens the store that the settings name. `address` is where this gateway answers, for others over the same store.
///
/// # Errors
/// [`OpenError`]; a data directory that cannot be trusted is left as it is, and nothing is made of a database by half.
pub fn open(
    settings: &config::Store,
    rules: Rules,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    address: SocketAddr,
) -> Result<Arc<dyn Store>, OpenError> {
    match settings.engine {
        Engine::Sled => {
            let mut options = DirectoryOptions::new(&settings.path, rules, clock);
            options.cache_bytes = settings.cache_capacity;
            options.compaction = if settings.compact_at_start { Compaction::WhenLarge } else { Compaction::Never };
            options.observer = observer;
            Ok(Arc::new(SledStore::open(options)?))
        }
        Engine::Postgres => {
            let (settings, address) = (settings.postgres.clone(), address.to_string());
            // Deadlines are judged by the database's clock, and codes are drawn at random.
            let options = postgres::Options { settings, rules, clock: None, seed: None, observer, address };
            Ok(Arc::new(PostgresStore::open(options)?))
        }
    }
}

/// A store that is being made of changes, all of it or nothing.
pub enum Build {
    /// A data directory.
    Directory(Box<DirectoryBuild>),
    /// The schema of a database.
    Database(Box<postgres::Build>),
}

impl Build {
    /// Begins in a directory that is empty or does not exist; the engine may keep so many bytes in memory.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn in_directory(directory: &Path, cache_bytes: u64) -> Result<Self, OpenError> {
        Ok(Self::Directory(Box::new(DirectoryBuild::begin(directory, cache_bytes)?)))
    }

    /// Begins in the store that the settings name, which must have nothing in it.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn of(settings: &config::Store, cache_bytes: u64) -> Result<Self, OpenError> {
        match settings.engine {
            Engine::Sled => Self::in_directory(&settings.path, cache_bytes),
            Engine::Postgres => Ok(Self::Database(Box::new(postgres::Build::begin(&settings.postgres)?))),
        }
    }

    /// Adds what a change makes.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn add(&mut self, change: &Change) -> Result<(), OpenError> {
        match self {
            Self::Directory(build) => Ok(build.add(change)?),
            Self::Database(build) => Ok(build.add(change)?),
        }
    }

    /// Makes what was added safe, reads it back, and lets it count.
    ///
    /// # Errors
    /// [`OpenError`], also where what was added does not fit together.
    pub fn finish(self) -> Result<(), OpenError> {
        match self {
            Self::Directory(build) => Ok(build.finish().map(drop)?),
            Self::Database(build) => Ok(build.finish()?),
        }
    }
}
