//! A log in memory that several engines write, and that fails where it is told to.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Condvar;
use uuid::Uuid;

use super::*;
use crate::domain::history::{Bucket, Held, Past};
use crate::domain::usage::{Group, UsageRecord};
use crate::domain::{AllocationId, Change, ValueId};
use crate::store::memory::Kept;
use crate::store::record;

/// How long a test waits for another thread before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the engines share.
pub(super) struct Shared {
    /// Each as it is written, and as of when it was decided.
    commits: Mutex<Vec<(Vec<u8>, Timestamp)>>,
    /// Becomes another whenever commits are lost.
    generation: AtomicU64,
    /// Whether somebody's batch is begun.
    begun: Mutex<bool>,
    ended: Condvar,
    /// What is not in the tables, and what was staged.
    forgetful: Mutex<Forgetful>,
    kept: Arc<Kept>,
    staged: Mutex<HashMap<ImportId, Vec<Change>>>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A batch cannot be begun.
    NotBegun,
    /// A commit is not made, and the log goes on.
    Undone,
    /// The same, after somebody else has committed something.
    Overtaken,
    /// A commit is not made, and nobody knows.
    Lost,
    /// A commit is made, and nobody knows.
    Unknown,
}

pub(super) struct SharedLog {
    shared: Arc<Shared>,
    records: Arc<SharedRecords>,
    known: u64,
    begun: bool,
}

pub(super) struct SharedRecords {
    shared: Arc<Shared>,
    generation: AtomicU64,
    pub(super) ends_due: AtomicBool,
    pub(super) faults: Mutex<VecDeque<Fault>>,
    pub(super) poke: Mutex<Option<Poke>>,
}

impl Default for Shared {
    fn default() -> Self {
        let forgetful = Forgetful::new(1);
        Self {
            commits: Mutex::default(),
            generation: AtomicU64::new(0),
            begun: Mutex::default(),
            ended: Condvar::new(),
            kept: Arc::clone(forgetful.records()),
            forgetful: Mutex::new(forgetful),
            staged: Mutex::default(),
        }
    }
}

impl Shared {
    pub(super) fn len(&self) -> u64 {
        self.commits.lock().len() as u64
    }

    /// What all commits come to.
    pub(super) fn tables(&self) -> Tables {
        let mut tables = Tables::default();
        self.commits.lock().iter().map(read).for_each(|commit| tables.apply_all(&commit.changes));
        tables
    }

    /// The last commits are lost.
    pub(super) fn lose(&self, last: usize) {
        let mut commits = self.commits.lock();
        let left = commits.len() - last;
        commits.truncate(left);
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until nobody's batch is begun, and begins one.
    fn take_turn(&self) {
        let mut begun = self.begun.lock();
        while *begun {
            assert!(!self.ended.wait_for(&mut begun, PATIENCE).timed_out(), "a batch was begun and never ended");
        }
        *begun = true;
    }

    fn end_turn(&self) {
        *self.begun.lock() = false;
        self.ended.notify_all();
    }
}

fn read((bytes, at): &(Vec<u8>, Timestamp)) -> Foreign {
    Foreign { changes: record::decode(bytes).unwrap(), at: *at }
}

impl SharedLog {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        let records = SharedRecords {
            shared: Arc::clone(shared),
            generation: AtomicU64::new(shared.generation.load(Ordering::SeqCst)),
            ends_due: AtomicBool::new(true),
            faults: Mutex::default(),
            poke: Mutex::default(),
        };
        Self { shared: Arc::clone(shared), records: Arc::new(records), known: 0, begun: false }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.begun) {
            self.shared.end_turn();
        }
    }

    fn news(&mut self) -> News {
        let generation = self.shared.generation.load(Ordering::SeqCst);
        if self.records.generation.swap(generation, Ordering::SeqCst) != generation {
            self.known = self.shared.len();
            return News::Anew(Box::new(self.shared.tables()));
        }
        let commits = self.shared.commits.lock();
        let foreign = commits[usize::try_from(self.known).unwrap()..].iter().map(read).collect();
        self.known = commits.len() as u64;
        News::Foreign(foreign)
    }

    fn fault(&self, at_begin: bool) -> Option<Fault> {
        self.records.faults.lock().pop_front_if(|fault| (*fault == Fault::NotBegun) == at_begin)
    }

    fn append(&self, commit: Commit<'_>) -> Committed {
        let mut changes = commit.changes.to_vec();
        if let Some(import) = commit.import {
            changes.extend(self.shared.staged.lock()[&import].iter().cloned());
        }
        let committed = self.shared.forgetful.lock().commit(commit).unwrap();
        self.shared.commits.lock().push((record::encode(&changes), commit.at));
        committed
    }

    fn wait_until_overtaken(&mut self) {
        let began = Instant::now();
        while self.shared.len() == self.known {
            assert!(began.elapsed() < PATIENCE, "nobody has committed anything");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Log for SharedLog {
    const ALONE: bool = false;
    type Records = SharedRecords;

    fn records(&self) -> &Arc<SharedRecords> {
        &self.records
    }

    fn store(&self) -> Uuid {
        self.shared.forgetful.lock().store()
    }

    fn commits(&self) -> u64 {
        self.known
    }

    fn attach(&mut self, poke: Poke) {
        *self.records.poke.lock() = Some(poke);
    }

    fn begin(&mut self) -> std::result::Result<News, Failure> {
        if self.fault(true).is_some() {
            return Err(Failure::Unavailable("the log is away".to_owned()));
        }
        assert!(!self.begun, "a batch ends before the next one is begun");
        self.shared.take_turn();
        self.begun = true;
        Ok(self.news())
    }

    fn follow(&mut self) -> std::result::Result<News, Failure> {
        assert!(!self.begun, "a batch ends before anything else is asked");
        Ok(self.news())
    }

    fn commit(&mut self, commit: Commit<'_>) -> std::result::Result<Committed, Failure> {
        assert!(self.begun, "a batch is begun before it is committed");
        let unknown = || Err(Failure::Unavailable("the outcome is not known".to_owned()));
        let outcome = match self.fault(false) {
            None => {
                self.known += 1;
                Ok(self.append(commit))
            }
            Some(Fault::Undone) => Err(Failure::Undone),
            Some(Fault::Overtaken) => {
                self.end();
                self.wait_until_overtaken();
                Err(Failure::Undone)
            }
            Some(Fault::Unknown) => {
                self.append(commit);
                unknown()
            }
            Some(Fault::Lost | Fault::NotBegun) => unknown(),
        };
        self.end();
        outcome
    }

    fn abort(&mut self) {
        assert!(self.begun, "only what was begun is aborted");
        self.end();
    }

    fn tend(&mut self, _pace: Pace) -> std::result::Result<(), Failure> {
        assert!(!self.begun, "a batch ends before anything else is done");
        Ok(())
    }

    fn close(self) {}
}

impl Values for SharedRecords {
    fn value(&self, id: ValueId, length: u64) -> std::result::Result<Option<Arc<[u8]>>, String> {
        self.shared.kept.value(id, length)
    }
}

impl Records for SharedRecords {
    fn of_number<'a>(
        &'a self,
        owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = std::result::Result<Held, String>> + 'a {
        self.shared.kept.of_number(owner, bucket, scope, number, below)
    }

    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> std::result::Result<Vec<(Arc<Scope>, Past)>, String> {
        self.shared.kept.of_bucket(owner, bucket)
    }

    fn used(
        &self,
        scope: &Scope,
        group: &Group,
        span: Span,
        day: u32,
    ) -> std::result::Result<Vec<UsageRecord>, String> {
        self.shared.kept.used(scope, group, span, day)
    }

    fn used_by_all(&self, span: Span, day: u32) -> std::result::Result<Vec<(Arc<Scope>, UsageRecord)>, String> {
        self.shared.kept.used_by_all(span, day)
    }

    fn stage(&self, stages: &mut Stages, changes: &[Change]) -> std::result::Result<(), String> {
        self.shared.staged.lock().entry(stages.import).or_default().extend(changes.iter().cloned());
        Ok(())
    }

    fn abandon(&self, stages: Stages) -> std::result::Result<(), String> {
        self.shared.staged.lock().remove(&stages.import);
        Ok(())
    }

    async fn head(&self) -> std::result::Result<u64, String> {
        match self.generation.load(Ordering::SeqCst) == self.shared.generation.load(Ordering::SeqCst) {
            true => Ok(self.shared.len()),
            false => Err("the log is another one".to_owned()),
        }
    }

    fn ends_due(&self) -> bool {
        self.ends_due.load(Ordering::SeqCst)
    }
}
