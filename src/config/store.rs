//! `[store]`: where the state is kept.

use std::path::PathBuf;

use super::postgres::Postgres;
use super::section::Section;

const MIB: u64 = 1024 * 1024;

/// Section `store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// What keeps the state. Default: sled.
    pub engine: Engine,
    /// The data directory. Default `./dnis-gateway-data`.
    pub path: PathBuf,
    /// Bytes that all documents together may take. Default 1 GiB.
    pub documents_total: u64,
    /// Keys that one document may have. Default 1000.
    pub document_keys: usize,
    /// Bytes that one value may have. Default 8 MiB.
    pub document_value: u64,
    /// Bytes of the engine's page cache, as they lie on disk; in memory they take about three times as much. Default 8 MiB.
    pub cache_capacity: u64,
    /// Whether a start writes files anew that have become much larger than what is in them. Default: it does.
    pub compact_at_start: bool,
    /// The database, where that keeps the state.
    pub postgres: Postgres,
}

/// The engines that can keep the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// An embedded database in the data directory, for one process.
    #[default]
    Sled,
    /// A PostgreSQL database, for several gateways.
    Postgres,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            engine: Engine::Sled,
            path: PathBuf::from("./dnis-gateway-data"),
            documents_total: 1024 * 1024 * 1024,
            document_keys: 1000,
            document_value: 8 * MIB,
            cache_capacity: 8 * 1024 * 1024,
            compact_at_start: true,
            postgres: Postgres::default(),
        }
    }
}

impl Store {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let engines = [("sled", Engine::Sled), ("postgres", Engine::Postgres)];
        let engine = section.choice("engine", &engines).unwrap_or_default();
        let postgres = section.section("postgres", |section| {
            if engine == Engine::Postgres {
                section.require("url");
            }
            Postgres::read(section)
        });
        Self {
            engine,
            postgres,
            path: section.text("path", directory).unwrap_or(default.path),
            documents_total: section
                .whole("documents_total", MIB..=1024 * 1024 * MIB)
                .unwrap_or(default.documents_total),
            document_keys: section
                .whole("document_keys", 1..=100_000_u32)
                .map_or(default.document_keys, |keys| keys as usize),
            document_value: section.whole("document_value", 1..=1024 * MIB).unwrap_or(default.document_value),
            cache_capacity: section.whole("cache_capacity", MIB..=1024 * 1024 * MIB).unwrap_or(default.cache_capacity),
            compact_at_start: section.flag("compact_at_start").unwrap_or(default.compact_at_start),
        }
    }
}

fn directory(text: &str) -> Result<PathBuf, &'static str> {
    if text.trim().is_empty() { Err("must be the path of a directory") } else { Ok(PathBuf::from(text)) }
}
