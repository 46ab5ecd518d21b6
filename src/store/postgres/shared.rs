//! What the sessions of one gateway have in common.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use uuid::Uuid;

use super::connect::Target;
use crate::domain::Timestamp;
use crate::store::Clock;
use crate::store::clock::ServerClock;
use crate::store::engine::{Observer, Poke};

/// How many of the last records' batch ids are remembered. Whoever is asked about an older one has been away too long.
const REMEMBERED: usize = 64 * 1024;

/// What the sessions of one gateway have in common.
pub(super) struct Shared {
    pub(super) target: Target,
    pub(super) require_synchronous: bool,
    pub(super) commit_timeout: Duration,
    /// How old answers from memory may be.
    pub(super) stale_reads: Duration,
    /// When it was last asked how far the log has come, and the writer had been given all of it.
    pub(super) current: Mutex<Option<Instant>>,
    /// The gateway's name among the members; another one at each start.
    pub(super) me: Uuid,
    pub(super) about: About,
    pub(super) store: Uuid,
    /// The clock that deadlines are judged by.
    pub(super) clock: Arc<dyn Clock>,
    pub(super) time: Time,
    pub(super) chain: Mutex<Chain>,
    /// The last record that the writer was given.
    pub(super) applied: AtomicU64,
    pub(super) health: Health,
    /// Whether this gateway ends what is due while nobody writes, and moves the log into the tables.
    pub(super) does_upkeep: AtomicBool,
    /// By which the writer is told that others have committed something.
    pub(super) poke: Mutex<Option<Poke>>,
    /// Who hears of what happens; for metrics.
    pub(super) observer: Arc<dyn Observer>,
    /// What stands for the rules in force.
    pub(super) rules: Mutex<String>,
}

/// What a gateway tells the others of itself.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) version: &'static str,
}

/// Whose time the clock shows.
pub(super) enum Time {
    /// The database's, as far as it was told.
    Server(Arc<ServerClock>),
    /// One that was given in its place; for tests.
    Given,
}

impl Time {
    /// The database's clock has shown this a moment ago.
    pub(super) fn saw(&self, milliseconds: i64) {
        if let Self::Server(clock) = self {
            clock.follow(Timestamp::from_millis(u64::try_from(milliseconds).unwrap_or_default()));
        }
    }
}

/// The batch ids of the last records: every record must name that of the one before, or the log is not the one that this
/// gateway has followed.
#[derive(Default)]
pub(super) struct Chain(BTreeMap<u64, Uuid>);

impl Chain {
    /// Begins anew with a record.
    pub(super) fn begin(&mut self, seq: u64, batch: Uuid) {
        self.0.clear();
        self.0.insert(seq, batch);
    }

    /// The batch of a record, if it is remembered.
    pub(super) fn batch(&self, seq: u64) -> Option<Uuid> {
        self.0.get(&seq).copied()
    }

    /// The last record that this gateway has seen.
    pub(super) fn last(&self) -> Option<(u64, Uuid)> {
        self.0.last_key_value().map(|(seq, batch)| (*seq, *batch))
    }

    /// Takes a record that follows the one of `before`; the reason if it does not follow what this gateway knows.
    pub(super) fn add(&mut self, seq: u64, batch: Uuid, before: Uuid) -> Result<(), String> {
        let known = |at: u64| self.0.get(&at);
        let fits = seq.checked_sub(1).and_then(known).is_none_or(|known| *known == before)
            && known(seq).is_none_or(|known| *known == batch);
        if !fits {
            return Err(format!("record {seq} of the log does not follow the one that this gateway knows before it"));
        }
        self.0.insert(seq, batch);
        if self.0.len() > REMEMBERED {
            self.0.pop_first();
        }
        Ok(())
    }
}

/// Why the store cannot be used at the moment, for each thing that can be wrong with it.
#[derive(Default)]
pub(super) struct Health(Mutex<BTreeMap<Part, String>>);

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The session that commits.
    Writing,
    /// The session that reads the head of the log.
    Reading,
    /// What the server does to make commits last.
    Durability,
}

impl Health {
    /// Says that a part is well, or why it is not; logged where that changes.
    pub(super) fn set(&self, part: Part, wrong: Option<String>) {
        let mut parts = self.0.lock();
        match wrong {
            Some(reason) => {
                if parts.get(&part).is_none_or(|before| *before != reason) {
                    tracing::error!(%reason, part = ?part, "the database cannot be used now");
                }
                parts.insert(part, reason);
            }
            None => {
                if parts.remove(&part).is_some() {
                    tracing::info!(part = ?part, "the database can be used again");
                }
            }
        }
    }

    /// Whether something is wrong with a part.
    pub(super) fn is_wrong(&self, part: Part) -> bool {
        self.0.lock().contains_key(&part)
    }

    /// Why the store cannot be used, if it cannot.
    pub(super) fn wrong(&self) -> Option<String> {
        self.0.lock().values().next().cloned()
    }
}

impl Shared {
    /// The writer goes on from this record.
    pub(super) fn begin_anew(&self, seq: u64, batch: Uuid) {
        self.chain.lock().begin(seq, batch);
        self.applied.store(seq, Ordering::Release);
    }

    /// Whether reads may be answered by what is in memory although the database cannot be asked.
    pub(super) fn may_answer_from_memory(&self) -> bool {
        let current = *self.current.lock();
        current.is_some_and(|current| current.elapsed() < self.stale_reads)
    }

    /// Why a commit would be on one machine only although it must not be.
    pub(super) fn lacks_standby(&self, standbys: &str) -> Option<String> {
        lacks_standby(self.require_synchronous, standbys)
    }
}

/// Why a commit would be on one machine only although that is not enough.
pub(super) fn lacks_standby(required: bool, standbys: &str) -> Option<String> {
    (required && standbys.trim().is_empty()).then(|| {
        "store.postgres.require_synchronous: synchronous_standby_names is empty on the server, so that a commit would be \
         on one machine only"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_must_name_the_one_before_it_and_stay_what_it_was() {
        let [one, two, other] = [1, 2, 3].map(Uuid::from_u128);
        let mut chain = Chain::default();
        chain.begin(7, one);
        chain.add(8, two, one).unwrap();
        chain.add(8, two, one).unwrap();
        assert!(chain.add(9, other, one).is_err(), "it names another one");
        assert!(chain.add(8, other, one).is_err(), "another one has its place");
        assert_eq!(chain.last(), Some((8, two)));
        chain.begin(3, other);
        assert_eq!((chain.batch(7), chain.last()), (None, Some((3, other))));
    }
}
