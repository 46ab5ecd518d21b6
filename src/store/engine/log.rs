//! The seam between the engine and what keeps its commits: whoever adds an engine implements [`Log`] and [`Records`], and
//! gives the engine a line in the factory.
//!
//! The engine decides and answers; a log makes the outcome last. What a commit says is absolute, so a log may do it twice.
//! A log that others write to as well would begin a batch by telling what they have committed, and may find that its own
//! commit did not come about; no log of today has others beside it, and so nothing here speaks of that yet.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use uuid::Uuid;

use super::loading::Values;
use crate::domain::history::{Bucket, Held, Owner, Past};
use crate::domain::{AllocationId, Change, Number, Scope, Timestamp};

/// Where commits go, in their order, one at a time.
pub trait Log: Send + 'static {
    /// What is durable and not in memory.
    type Records: Records;

    /// What is durable and not in memory, for reading beside the writer.
    fn records(&self) -> &Arc<Self::Records>;

    /// Which store it is.
    fn store(&self) -> Uuid;

    /// The number of the last commit; the first is 1.
    fn commits(&self) -> u64;

    /// Makes a commit and returns when it is durable.
    ///
    /// # Errors
    /// Why it is not, or not known to be; the log then takes no further commit.
    fn commit(&mut self, commit: Commit<'_>) -> Result<Committed, String>;

    /// Does what is due between two commits.
    ///
    /// # Errors
    /// Why the log takes no further commit.
    fn tend(&mut self, pace: Pace) -> Result<(), String>;

    /// Finishes what is under way and lets go of everything.
    fn close(self);
}

/// What is durable and not in memory: the bytes of large values, the history, and what imports have staged. It is read and
/// staged on threads that may wait.
pub trait Records: Values + Send + Sync + 'static {
    /// What a bucket of an owner's history has of a number, newest allocation first, only those below `below`.
    fn of_number<'a>(
        &'a self,
        owner: Owner,
        bucket: Bucket,
        scope: &'a Scope,
        number: Number,
        below: AllocationId,
    ) -> impl Iterator<Item = Result<Held, String>> + 'a;

    /// Everything that a bucket of an owner's history has, in any order; the counts in the entries mean nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn of_bucket(&self, owner: &Owner, bucket: Bucket) -> Result<Vec<(Arc<Scope>, Past)>, String>;

    /// Stages changes of an import, at most [`crate::store::MOST_ROWS_AT_A_TIME`], behind those that are staged already, and
    /// returns when they are durable. They have no effect before the commit that includes the import.
    ///
    /// # Errors
    /// Why they are not.
    fn stage(&self, stages: &mut Stages, changes: &[Change]) -> Result<(), String>;

    /// Removes what was staged for an import that is not to be.
    ///
    /// # Errors
    /// Why it stays. It has no effect, and goes at the next start.
    fn abandon(&self, stages: Stages) -> Result<(), String>;
}

/// The name of one import among those of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub(in crate::store) u64);

/// How far the staging of an import has come.
#[derive(Debug)]
pub struct Stages {
    /// The name under which a commit includes it.
    pub(in crate::store) import: ImportId,
    /// How many pieces the log has made of it.
    pub(in crate::store) pieces: u64,
}

impl Stages {
    /// Those of a new import.
    pub(in crate::store) fn begin() -> Self {
        Self { import: ImportId(rand::random()), pieces: 0 }
    }
}

/// What one commit says.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// What has changed.
    pub changes: &'a [Change],
    /// An import that takes effect after them: everything that was staged for it.
    pub import: Option<ImportId>,
    /// The history of this owner before this bucket is dropped, and nobody reads it: some of it is to be removed.
    pub forget_before: Option<(&'a Owner, Bucket)>,
    /// When it is made: no later start goes by an earlier time.
    pub at: Timestamp,
}

/// What a commit has come to.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// How long it took to make it durable; `None` if there was nothing to write.
    pub synced: Option<Duration>,
    /// Whether nothing is left of the owner's history that was to be removed.
    pub forgotten: bool,
}

/// Whether callers wait for more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// They do not.
    Usual,
    /// Much falls due at once: what can be put off is put off.
    Rush,
}

/// Whether the store takes writes. The engine and the threads of its log share it; whoever fails first says why.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct Status(Arc<Mutex<Option<Arc<str>>>>);

impl Status {
    /// Why the store takes no writes, if it does not.
    pub(in crate::store) fn failed(&self) -> Option<Arc<str>> {
        self.0.lock().clone()
    }

    /// No write is taken from now on; gives back the reason that counts.
    pub(in crate::store) fn fail(&self, reason: &str) -> Arc<str> {
        Arc::clone(self.0.lock().get_or_insert_with(|| reason.into()))
    }
}
