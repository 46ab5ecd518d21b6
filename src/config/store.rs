//! `[store]`: where the state is kept.

use std::path::PathBuf;

/// Section `store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What keeps the state. Default: sled.
    pub engine: Engine,
    /// The data directory. Default `./dnis-gateway-data`.
    pub path: PathBuf,
    /// Bytes that all documents together may take. Default 1 GiB.
    pub documents_total: u64,
    /// Bytes of the engine's page cache. Default 64 MiB.
    pub cache_capacity: u64,
}

/// The engines that can keep the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// An embedded database in the data directory, for one process.
    #[default]
    Sled,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            engine: Engine::Sled,
            path: PathBuf::from("./dnis-gateway-data"),
            documents_total: 1024 * 1024 * 1024,
            cache_capacity: 64 * 1024 * 1024,
        }
    }
}
