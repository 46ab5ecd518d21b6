//! The engines under test, each with a clock that the test moves and draws that follow from a seed.

use std::path::Path;
use std::sync::Arc;

use dnis_gateway::domain::{Rules, Timestamp};
use dnis_gateway::dump;
use dnis_gateway::store::memory::MemoryStore;
use dnis_gateway::store::postgres::{self, PostgresStore};
use dnis_gateway::store::sled::{OpenError, Options, SledStore};
use dnis_gateway::store::{Clock, ManualClock, Store};
use tempfile::TempDir;

use crate::database;

/// The seed that every engine starts from.
const SEED: u64 = 7;

/// An engine that can be restarted.
pub(crate) struct Engine {
    pub(crate) clock: Arc<ManualClock>,
    rules: Rules,
    kind: Kind,
}

enum Kind {
    /// `None` only while it is being restarted.
    Memory(Option<MemoryStore>),
    Postgres {
        /// `None` only while it is being restarted.
        store: Option<PostgresStore>,
        schema: String,
    },
    Sled {
        /// `None` only while it is being restarted.
        store: Option<SledStore>,
        directory: TempDir,
    },
}

impl Engine {
    /// One of each kind.
    pub(crate) fn all(rules: &Rules) -> [Self; 3] {
        [Self::memory(rules.clone()), Self::sled(rules.clone()), Self::postgres(rules.clone())]
    }

    pub(crate) fn memory(rules: Rules) -> Self {
        let clock = clock();
        let store = MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>, rules.clone(), SEED);
        Self { clock, rules, kind: Kind::Memory(Some(store)) }
    }

    pub(crate) fn postgres(rules: Rules) -> Self {
        let (clock, schema) = (clock(), database::schema());
        let store = open_postgres(&schema, &clock, rules.clone(), SEED);
        Self { clock, rules, kind: Kind::Postgres { store: Some(store), schema } }
    }

    pub(crate) fn sled(rules: Rules) -> Self {
        let clock = clock();
        let directory = tempfile::tempdir().unwrap();
        let store = open_with(directory.path(), &clock, rules.clone(), SEED).unwrap();
        Self { clock, rules, kind: Kind::Sled { store: Some(store), directory } }
    }

    pub(crate) fn store(&self) -> &dyn Store {
        match &self.kind {
            Kind::Memory(store) => store.as_ref().expect("the engine is not being restarted"),
            Kind::Postgres { store, .. } => store.as_ref().expect("the engine is not being restarted"),
            Kind::Sled { store, .. } => store.as_ref().expect("the engine is not being restarted"),
        }
    }

    /// A store in the same database, made of a dump, with the rules and the clock of this one.
    pub(crate) fn restored(&self, dump: &[u8]) -> Self {
        let (clock, schema) = (Arc::clone(&self.clock), database::schema());
        let settings = database::server().settings(&schema);
        database::apart(|| {
            let mut build = postgres::Build::begin(&settings).unwrap();
            dump::read(dump, |change| {
                build.add(&change).unwrap();
                Ok::<_, dump::Error>(())
            })
            .unwrap();
            build.finish().unwrap();
        });
        let store = open_postgres(&schema, &clock, self.rules.clone(), SEED);
        Self { clock, rules: self.rules.clone(), kind: Kind::Postgres { store: Some(store), schema } }
    }

    /// Closes the store.
    pub(crate) async fn close(&self) {
        self.store().close().await;
    }

    /// Takes over new rules, which hold after a restart too.
    pub(crate) async fn reload(&mut self, rules: Rules) {
        self.rules = rules.clone();
        self.store().set_rules(rules).await.unwrap();
    }

    /// Stops the engine and starts it from what it has kept, with draws that follow from `seed`.
    pub(crate) async fn restart(&mut self, seed: u64) {
        match &mut self.kind {
            Kind::Memory(store) => {
                *store = store.take().map(|running| running.restart(self.rules.clone(), seed));
            }
            Kind::Postgres { store, schema } => {
                if let Some(running) = store.take() {
                    running.close().await;
                }
                *store = Some(open_postgres(schema, &self.clock, self.rules.clone(), seed));
            }
            Kind::Sled { store, directory } => {
                if let Some(running) = store.take() {
                    running.close().await;
                }
                *store = Some(open_with(directory.path(), &self.clock, self.rules.clone(), seed).unwrap());
            }
        }
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::from_millis(1_000_000)))
}

/// Opens a store in a schema of the database; what it waits for is no business of the runtime that the test runs on.
fn open_postgres(schema: &str, clock: &Arc<ManualClock>, rules: Rules, seed: u64) -> PostgresStore {
    let options = postgres::Options {
        settings: database::server().settings(schema),
        rules,
        clock: Some(Arc::clone(clock) as Arc<dyn Clock>),
        seed: Some(seed),
        observer: Arc::new(()),
        address: "127.0.0.1:1".to_owned(),
    };
    database::apart(|| PostgresStore::open(options).unwrap())
}

fn open_with(directory: &Path, clock: &Arc<ManualClock>, rules: Rules, seed: u64) -> Result<SledStore, OpenError> {
    SledStore::open(Options::new(directory, rules, Arc::clone(clock) as Arc<dyn Clock>).seeded(seed))
}

/// Opens a data directory with the rules and the clock of another engine.
pub(crate) fn open_like(directory: &Path, other: &Engine) -> SledStore {
    open_with(directory, &other.clock, other.rules.clone(), SEED).unwrap()
}

/// Opens a data directory with the usual rules.
pub(crate) fn open(directory: &Path) -> Result<SledStore, OpenError> {
    open_with(directory, &clock(), Rules::default(), SEED)
}
