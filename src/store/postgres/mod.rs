//! The engine over a PostgreSQL database: several gateways, one truth.
//!
//! The database does consensus, durability and failover; none of that is done here. The log is a table, and every gateway
//! follows it: a batch is decided under the log's lock, over everything that others have committed. So there is no leader,
//! and nothing is forwarded.

mod build;
mod checkpoint;
mod connect;
mod follower;
mod load;
mod log;
mod reading;
mod records;
mod rows;
mod schema;
mod shared;
mod side;
mod thread;
mod tls;
mod writing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::StdRng;
use uuid::Uuid;

use super::Clock;
use super::clock::ServerClock;
use super::engine::{Beginning, Engine, Observer, Status};
use crate::config;
use crate::domain::Rules;
use connect::Target;
use shared::{About, Chain, Health, Shared, Time};
use writing::Writing;

pub use build::Build;
pub use connect::Refused;
pub use log::PostgresLog;
pub use records::PostgresRecords;

/// How long a start waits for a session: others may keep the machine busy.
const START_WAITS: Duration = Duration::from_secs(15);

/// The engine over PostgreSQL.
pub type PostgresStore = Engine<PostgresLog>;

/// How a store is opened.
pub struct Options {
    /// The section `store.postgres`.
    pub settings: config::Postgres,
    /// The operator's rules.
    pub rules: Rules,
    /// The clock in the place of the database's; for tests.
    pub clock: Option<Arc<dyn Clock>>,
    /// The seed of every draw; for tests.
    pub seed: Option<u64>,
    /// Who hears of commits.
    pub observer: Arc<dyn Observer>,
    /// Where this gateway answers.
    pub address: String,
}

impl PostgresStore {
    /// Opens a store; its schema is made where there is none.
    ///
    /// # Errors
    /// [`Refused`]: what is wrong with the database, or with what the settings say of it. Nothing is made by half.
    pub fn open(options: Options) -> Result<Self, Refused> {
        let Options { settings, rules, clock, seed, observer, address } = options;
        let io = |error: std::io::Error| Refused(format!("the store did not start: {error}"));
        let target = Target::new(&settings)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(io)?;
        let session = runtime.block_on(target.connect_within(START_WAITS))?;
        let standbys = runtime.block_on(session.standbys())?;
        let wrong = shared::lacks_standby(settings.require_synchronous, &standbys);
        wrong.map_or(Ok(()), |reason| Err(Refused(reason)))?;
        let store = runtime.block_on(schema::ensure(&session, &target.schema))?;
        drop(session);
        let (clock, time) = match clock {
            Some(given) => (given, Time::Given),
            None => {
                let clock = Arc::new(ServerClock::default());
                (Arc::clone(&clock) as Arc<dyn Clock>, Time::Server(clock))
            }
        };
        let shared = Arc::new(Shared {
            target,
            require_synchronous: settings.require_synchronous,
            commit_timeout: settings.commit_timeout,
            stale_reads: settings.stale_reads,
            current: Mutex::new(None),
            me: Uuid::from_bytes(rand::random()),
            about: About { name: host_name(), address, version: env!("CARGO_PKG_VERSION") },
            store,
            clock: Arc::clone(&clock),
            time,
            chain: Mutex::new(Chain::default()),
            applied: AtomicU64::new(0),
            health: Health::default(),
            does_upkeep: AtomicBool::new(false),
            poke: Mutex::new(None),
            observer: Arc::clone(&observer),
            rules: Mutex::new(rules.fingerprint()),
        });
        // Registered first, and seen from then on: what a member has not applied is not removed from the log.
        let writing = runtime.block_on(Writing::begin(&shared))?;
        let (follower, asker) = follower::start(Arc::clone(&shared)).map_err(io)?;
        let loaded = runtime.block_on(load::load(&writing.session));
        let loaded = loaded.map_err(|reason| Refused(format!("store.postgres: the data cannot be read: {reason}")))?;
        shared.begin_anew(loaded.commits, loaded.batch);
        // Seen by the others, and told whether it does the upkeep.
        runtime.block_on(asker.head()).map_err(|reason| Refused(format!("store.postgres.url: {reason}")))?;
        let records = Arc::new(PostgresRecords::new(Arc::clone(&shared), asker).map_err(Refused)?);
        let checkpointer = checkpoint::start(Arc::clone(&shared)).map_err(io)?;
        let log = PostgresLog::new(runtime, shared, records, writing, follower, checkpointer);
        let rng = seed.map_or_else(|| StdRng::from_rng(&mut rand::rng()), StdRng::seed_from_u64);
        let beginning = Beginning {
            log,
            status: Status::default(),
            tables: loaded.tables,
            last_commit: loaded.at,
            rules,
            clock,
            rng,
            observer,
        };
        Self::start(beginning).map_err(io)
    }
}

/// What the machine is called.
fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
