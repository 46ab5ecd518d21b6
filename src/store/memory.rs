//! The engine over a log that forgets: nothing outlives the process. For tests of the layers above, and beside the engine
//! on disk in the model test.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use rand::SeedableRng;
use rand::rngs::StdRng;
use uuid::Uuid;

use super::engine::{
    Beginning, Commit, Committed, Engine, Failure, Forget, Log, Pace, Records, Stages, Status, Values,
};
use super::{Clock, Store};
use crate::domain::history::{Bucket, Held, Owner, Past};
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{AllocationId, Change, Number, Rules, Scope, Tables, Timestamp, ValueId};

/// The engine in memory.
pub type MemoryStore = Engine<Forgetful>;

/// A log that keeps nothing beyond the process.
pub struct Forgetful(Arc<Kept>);

/// What the tables do not have.
pub struct Kept {
    store: Uuid,
    commits: AtomicU64,
    values: RwLock<HashMap<ValueId, Arc<[u8]>>>,
    history: RwLock<History>,
    usage: RwLock<Usage>,
}

/// What groups were used for, by the day and whose it is.
type Usage = BTreeMap<(Span, u32, Arc<Scope>, Group, u32), Arc<UsageRecord>>;

/// What has ended, by where it is kept, whose it is, and number.
type History = BTreeMap<(Bucket, Arc<Scope>, Number, AllocationId), Arc<Past>>;

impl MemoryStore {
    /// An empty store whose every draw follows from `seed`.
    pub fn new(clock: Arc<dyn Clock>, rules: Rules, seed: u64) -> Self {
        Self::over(Forgetful::new(seed), Tables::default(), clock, rules, seed)
    }

    /// What a restart does to an engine that keeps its state: everything but the tables is worked out anew, and the
    /// draws follow from another seed.
    #[must_use]
    pub fn restart(self, rules: Rules, seed: u64) -> Self {
        let clock = self.clock();
        let (kept, tables) = self.stop();
        Self::over(Forgetful(kept.expect("only a store that is open is restarted")), tables, clock, rules, seed)
    }

    fn over(log: Forgetful, tables: Tables, clock: Arc<dyn Clock>, rules: Rules, seed: u64) -> Self {
        let beginning = Beginning {
            log,
            status: Status::default(),
            tables,
            last_commit: Timestamp::default(),
            rules,
            clock,
            rng: StdRng::seed_from_u64(seed),
            observer: Arc::new(()),
        };
        Self::start(beginning).expect("a process that has no thread left has no use for a store in memory")
    }
}

impl Forgetful {
    /// A log with nothing in it.
    pub(super) fn new(seed: u64) -> Self {
        let (store, commits) = (Uuid::from_u64_pair(0, seed), AtomicU64::new(0));
        let (values, history, usage) = (RwLock::default(), RwLock::default(), RwLock::default());
        Self(Arc::new(Kept { store, commits, values, history, usage }))
    }
}

impl Log for Forgetful {
    type Records = Kept;

    fn records(&self) -> &Arc<Kept> {
        &self.0
    }

    fn store(&self) -> Uuid {
        self.0.store
    }

    fn commits(&self) -> u64 {
        self.0.commits.load(Ordering::Relaxed)
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Committed, Failure> {
        let (mut values, mut history) = (self.0.values.write(), self.0.history.write());
        let mut usage = self.0.usage.write();
        for change in commit.changes {
            match change {
                Change::ValueKept(id, bytes) => drop(values.insert(*id, Arc::clone(bytes))),
                Change::ValueDropped(id, _) => drop(values.remove(id)),
                Change::Ended(scope, past) => {
                    let Past { bucket, allocation, .. } = &**past;
                    history.insert((*bucket, Arc::clone(scope), allocation.number, allocation.id), Arc::clone(past));
                }
                Change::Used(scope, record) => {
                    let UsageRecord { span, slot, group, .. } = &**record;
                    let key = (*span, span.day(*slot), Arc::clone(scope), group.clone(), *slot);
                    usage.insert(key, Arc::clone(record));
                }
                // The tables have everything else.
                _ => {}
            }
        }
        match commit.forget_before {
            Some(Forget::History(owner, floor)) => {
                history.retain(|(bucket, scope, ..), _| !is_of(owner, scope) || bucket >= floor);
            }
            Some(Forget::Usage(of, floor)) => usage.retain(|(span, day, ..), _| span != of || day >= floor),
            None => {}
        }
        let idle = commit.changes.is_empty() && commit.import.is_none();
        self.0.commits.fetch_add(u64::from(!idle), Ordering::Relaxed);
        let forgotten = commit.forget_before.is_some();
        Ok(Committed { synced: (!idle).then_some(Duration::ZERO), forgotten })
    }

    fn tend(&mut self, _pace: Pace) -> Result<(), Failure> {
        Ok(())
    }

    fn close(self) {}
}

/// Whether what is kept of a scope is that owner's.
fn is_of(owner: &Owner, scope: &Scope) -> bool {
    owner.as_ref() == Some(&scope.tenant)
}

impl Values for Kept {
    fn value(&self, id: ValueId, _length: u64) -> Result<Option<Arc<[u8]>>, String> {
        Ok(self.values.read().get(&id).cloned())
    }
}

impl Records for Kept {
    fn of_number<'a>(
        &'a self,
        _owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = Result<Held, String>> + 'a {
        let scope = Arc::new(scope.clone());
        let at = |id| (bucket, Arc::clone(&scope), number, id);
        let history = self.history.read();
        let entries = history.range(at(AllocationId(0))..at(below)).rev();
        entries.map(|(_, past)| Ok(Held::from(&**past))).collect::<Vec<_>>().into_iter()
    }

    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String> {
        let Some(tenant) = owner else { return Ok(Vec::new()) };
        let first = Arc::new(Scope { tenant: tenant.clone(), environment: None });
        let history = self.history.read();
        let of = history.range((bucket, first, Number::MIN, AllocationId(0))..);
        let of = of.take_while(|((kept, scope, ..), _)| *kept == bucket && is_of(owner, scope));
        Ok(of.map(|((_, scope, ..), past)| (Arc::clone(scope), (**past).clone())).collect())
    }

    fn used(&self, scope: &Scope, group: &Group, span: Span, day: u32) -> Result<Vec<UsageRecord>, String> {
        let at = |slot| (span, day, Arc::new(scope.clone()), group.clone(), slot);
        Ok(self.usage.read().range(at(0)..=at(u32::MAX)).map(|(_, record)| (**record).clone()).collect())
    }

    fn used_by_all(&self, span: Span, day: u32) -> Result<Vec<(Arc<Scope>, UsageRecord)>, String> {
        let usage = self.usage.read();
        let of_day = usage.iter().filter(|((of, on, ..), _)| (*of, *on) == (span, day));
        Ok(of_day.map(|((_, _, scope, ..), record)| (Arc::clone(scope), (**record).clone())).collect())
    }

    /// Whoever imports has the rows in memory as well.
    fn stage(&self, _stages: &mut Stages, _changes: &[Change]) -> Result<(), String> {
        Ok(())
    }

    fn abandon(&self, _stages: Stages) -> Result<(), String> {
        Ok(())
    }
}
