//! The seam between the engine and what keeps its commits: whoever adds an engine implements [`Log`] and [`Records`], and
//! opens it in the factory.
//!
//! The engine decides and answers; a log makes the outcome last. What a commit says is absolute, so a log may do it twice.
//!
//! A log may be written by others as well, other gateways over one database. A batch is then begun before anything of it is
//! decided: the log lets nobody else commit until the batch has ended, and gives what others have committed since. So every
//! gateway decides over the same history. What others commit goes into the state and into what readers see once, in the
//! order of the log, and by the writer alone; reads ask the log how far it has come and wait until the writer is there.
//! A batch that was not committed is undone, and can be decided again. A log that nobody else writes says so
//! ([`Log::ALONE`]), and nothing of this costs it anything.

use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::mpsc::WeakSender;
use uuid::Uuid;

use super::command::Message;
use super::loading::Values;
use super::snapshot::SnapshotOrigin;
use crate::domain::history::{Bucket, Held, HistorySearch, Newest, Owner, Past};
use crate::domain::tables::Contents;
use crate::domain::usage::{Group, Span, UsageRecord};
use crate::domain::{AllocationId, Change, Number, Rules, Scope, Tables, Timestamp};
use crate::store::Cluster;

/// Where commits go, in their order, one at a time.
pub trait Log: Send + 'static {
    /// Whether nobody else writes to it.
    const ALONE: bool = true;

    /// What is durable and not in memory.
    type Records: Records;

    /// What is durable and not in memory, for reading beside the writer.
    fn records(&self) -> &Arc<Self::Records>;

    /// Which store it is.
    fn store(&self) -> Uuid;

    /// The number of the last commit that was made here, or that of another that was given; the first is 1.
    fn commits(&self) -> u64;

    /// Takes the means to say that others have committed something. Asked once, at the start.
    fn attach(&mut self, _poke: Poke) {}

    /// Begins a batch: until it is committed or aborted nobody else commits. What has happened since it was last asked.
    ///
    /// # Errors
    /// The batch is not begun; see [`Failure`].
    fn begin(&mut self) -> Result<News, Failure> {
        Ok(News::default())
    }

    /// What has happened since it was last asked, without a batch.
    ///
    /// # Errors
    /// [`Failure`].
    fn follow(&mut self) -> Result<News, Failure> {
        Ok(News::default())
    }

    /// Makes a commit of the batch that was begun and returns when it is durable.
    ///
    /// # Errors
    /// Why it is not, or not known to be; the batch has ended.
    fn commit(&mut self, commit: Commit<'_>) -> Result<Committed, Failure>;

    /// Ends a batch that was begun and of which nothing is to be committed.
    fn abort(&mut self) {}

    /// Does what is due between two commits.
    ///
    /// # Errors
    /// [`Failure`].
    fn tend(&mut self, pace: Pace) -> Result<(), Failure>;

    /// Finishes what is under way and lets go of everything.
    fn close(self);
}

/// What has happened in a log that others write too.
#[derive(Debug)]
pub enum News {
    /// These commits of others, in their order, and nothing else.
    Foreign(Vec<Foreign>),
    /// The log does not go on from what was known of it: commits that were seen are gone, or too much has come. These tables
    /// are what it holds now, up to [`Log::commits`].
    Anew(Box<Tables>),
}

impl Default for News {
    /// Nothing has happened.
    fn default() -> Self {
        Self::Foreign(Vec::new())
    }
}

/// A commit that another has made.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// What has changed, documents with all of their entries; the numbers of an import that it includes are among them.
    pub changes: Vec<Change>,
    /// As of when it was decided: nothing after it is decided as of an earlier time.
    pub at: Timestamp,
}

/// Why a log has not done what it was asked. Nothing of a batch that was not committed stays in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The batch is surely not committed, and the log goes on, perhaps with commits of others in between: it is decided again.
    Undone,
    /// The log cannot be reached now. Whether a batch is committed may not be known: if it is, it comes back as if another
    /// had made it. The next batch tries again.
    Unavailable(String),
    /// The log takes no further commit.
    Broken(String),
}

/// Says to an engine that others have committed something. It does not keep the engine open.
#[derive(Clone, Debug)]
pub struct Poke(pub(super) WeakSender<Message>);

impl Poke {
    /// Has the writer look soon. Where it has much to do anyway, it looks by itself.
    pub fn poke(&self) {
        if let Some(queue) = self.0.upgrade() {
            // A full queue is one whose next batch looks.
            let _ = queue.try_send(Message::Follow(None));
        }
    }
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

    /// The newest entries that a bucket of an owner's history has of a scope and that a search wants, newest first: only those
    /// below `below`, at most `most`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn search(&self, within: Within<'_>, search: &HistorySearch, most: usize) -> Result<Vec<Held>, String> {
        let mut newest = Newest::new(most);
        for (scope, past) in self.of_bucket(within.owner, within.bucket)? {
            if *scope == *within.scope && past.allocation.id < within.below && newest.takes(past.allocation.id) {
                let held = Held::from(&past);
                if search.wants(&held) {
                    newest.add(held);
                }
            }
        }
        Ok(newest.into_entries())
    }

    /// What a day has of the use of a group, in any order; the counts in the records mean nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn used(&self, scope: &Scope, group: &Group, span: Span, day: u32) -> Result<Vec<UsageRecord>, String>;

    /// Everything that a day has, in any order; the counts in the records mean nothing.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn used_by_all(&self, span: Span, day: u32) -> Result<Vec<(Arc<Scope>, UsageRecord)>, String>;

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

    /// The number of the last commit that a read must know of which was asked for before this. Only asked of a log that
    /// others write too.
    ///
    /// # Errors
    /// Why that is not known; nothing is read then.
    fn head(&self) -> impl Future<Output = Result<u64, String>> + Send {
        ready(Ok(0))
    }

    /// Whether it falls to this process to end what is due while nobody calls. Of several, one is enough.
    fn ends_due(&self) -> bool {
        true
    }

    /// Whether a write is likely to be taken.
    ///
    /// # Errors
    /// Why it is not.
    fn ready(&self) -> Result<(), String> {
        Ok(())
    }

    /// The gateways that write to the log; `None` where nobody else does.
    ///
    /// # Errors
    /// Why it is not known.
    fn cluster(&self) -> Result<Option<Cluster>, String> {
        Ok(None)
    }

    /// Hears of the rules that are in force from now on.
    fn hear_rules(&self, _rules: &Rules) {}

    /// All that is known, of one point, and where what the tables do not have of that point can be read for as long as it is
    /// held. `None` where the writer gives it.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn snapshot(&self) -> Result<Option<RecordsSnapshot<Self>>, String>
    where
        Self: Sized,
    {
        Ok(None)
    }
}

/// Where in the history is searched.
#[derive(Clone, Copy, Debug)]
pub struct Within<'a> {
    /// Whose history.
    pub owner: &'a Owner,
    /// The bucket.
    pub bucket: Bucket,
    /// Only entries of this scope.
    pub scope: &'a Scope,
    /// Only those of allocations below this one.
    pub below: AllocationId,
}

/// What [`Records::snapshot`] gives.
pub type RecordsSnapshot<R> = (SnapshotOrigin, Contents, Arc<R>);

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

/// What is dropped, and everything before which is removed some at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// The history of an owner before this bucket.
    History(Owner, Bucket),
    /// The quarters, or hours, of use before this day.
    Usage(Span, u32),
}

/// What one commit says.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// What has changed.
    pub changes: &'a [Change],
    /// An import that takes effect after them: everything that was staged for it.
    pub import: Option<ImportId>,
    /// This is dropped, and nobody reads it: some of it is to be removed.
    pub forget_before: Option<&'a Forget>,
    /// When it is made: no later start goes by an earlier time.
    pub at: Timestamp,
}

/// What a commit has come to.
#[derive(Clone, Copy, Debug)]
pub struct Committed {
    /// How long it took to make it durable; `None` if there was nothing to write.
    pub synced: Option<Duration>,
    /// Whether nothing is left of what was to be removed.
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
