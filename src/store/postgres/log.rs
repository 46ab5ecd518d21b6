//! The log in a table: each gateway decides under its lock, and follows what others have written.
//!
//! A batch takes two round trips. What a commit has come to is known when it returns; where the session is lost in between,
//! the next one learns it from the batch's id, as soon as the lock is free.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::error::Elapsed;
use tokio::time::timeout;
use uuid::Uuid;

use super::connect::Refused;
use super::load;
use super::reading::Trouble;
use super::records::PostgresRecords;
use super::shared::{Part, Shared};
use super::thread::Thread;
use super::writing::{Locked, Outcome, Writing};
use crate::domain::Tables;
use crate::store::engine::{Commit, Committed, Failure, Foreign, Log, News, Pace, Poke};

/// How long a write waits for a database that cannot be reached.
const WRITE_WAITS: Duration = Duration::from_secs(1);
/// How long the writer looks after a session that is coming about, while nobody waits for it.
const GLANCE: Duration = Duration::from_millis(20);
/// How long to wait before a session is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// The log in a table of the database.
pub struct PostgresLog {
    runtime: Runtime,
    shared: Arc<Shared>,
    records: Arc<PostgresRecords>,
    writing: Option<Writing>,
    /// The next session, while there is none.
    coming: Option<JoinHandle<Result<Writing, Refused>>>,
    /// The last record, and its batch, while the lock is held.
    open: Option<(u64, Uuid)>,
    /// What the engine is to go on from, where it was not given that yet.
    anew: Option<Box<Tables>>,
    follower: Thread,
    checkpointer: Thread,
}

impl PostgresLog {
    pub(super) fn new(
        runtime: Runtime,
        shared: Arc<Shared>,
        records: Arc<PostgresRecords>,
        writing: Writing,
        follower: Thread,
        checkpointer: Thread,
    ) -> Self {
        Self {
            runtime,
            shared,
            records,
            writing: Some(writing),
            coming: None,
            open: None,
            anew: None,
            follower,
            checkpointer,
        }
    }

    /// Waits for something, at most so long.
    fn within<T>(&self, most: Duration, what: impl Future<Output = T>) -> Result<T, Elapsed> {
        self.runtime.block_on(async { timeout(most, what).await })
    }

    /// Sees to it that there is a session, waiting for one at most so long.
    fn connected(&mut self, wait: Duration) -> Result<(), Trouble> {
        let until = Instant::now() + wait;
        while self.writing.is_none() {
            let shared = Arc::clone(&self.shared);
            let coming = self.coming.get_or_insert_with(|| {
                self.runtime.spawn(async move {
                    let most = shared.commit_timeout;
                    let late = || Refused("the database does not let this gateway commit".to_owned());
                    timeout(most, Writing::begin(&shared)).await.unwrap_or_else(|_| Err(late()))
                })
            });
            let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let come = self.runtime.block_on(async { timeout(left, coming).await });
            let reason = match come {
                Ok(Ok(Ok(writing))) => {
                    self.coming = None;
                    self.writing = Some(writing);
                    self.shared.observer.connected();
                    self.shared.health.set(Part::Writing, None);
                    return Ok(());
                }
                Ok(Ok(Err(refused))) => refused.0,
                Ok(Err(_)) => "the session did not come about".to_owned(),
                Err(_) => return Err(Trouble::Lost("the database does not answer".to_owned())),
            };
            self.coming = None;
            self.shared.health.set(Part::Writing, Some(reason.clone()));
            if Instant::now() + AGAIN >= until {
                return Err(Trouble::Lost(reason));
            }
            std::thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// Gives a session up that cannot be relied on any more.
    fn lose(&mut self, reason: &str) {
        self.open = None;
        if self.writing.take().is_some() {
            self.shared.health.set(Part::Writing, Some(reason.to_owned()));
        }
    }

    /// Takes the lock in the session there is.
    fn lock(&self) -> Result<Locked, Trouble> {
        let Some(writing) = &self.writing else { return Err(Trouble::Lost("there is no session".to_owned())) };
        let locking = writing.lock(&self.shared, self.given());
        let locked = self.within(self.shared.commit_timeout, locking);
        locked.unwrap_or_else(|_| Err(Trouble::Lost("another gateway does not let go of the log".to_owned())))
    }

    /// Finds out what became of a batch: whether the record that it was to be is it.
    fn resolve(&mut self, seq: u64, batch: Uuid) -> Result<bool, Trouble> {
        let until = Instant::now() + self.shared.commit_timeout;
        loop {
            self.connected(until.saturating_duration_since(Instant::now()))?;
            let Some(writing) = &self.writing else { continue };
            // Whoever had the lock has let go of it: what the former session was sent is done, or never will be.
            match self.within(Duration::from_secs(5), writing.batch(seq)) {
                Ok(Ok(found)) => return Ok(found == Some(batch)),
                Ok(Err(error)) => self.lose(Trouble::from(error).reason()),
                Err(_) => self.lose("the database does not answer"),
            }
            if Instant::now() >= until {
                return Err(Trouble::Lost("what became of a commit is not known".to_owned()));
            }
        }
    }

    /// The own record of `seq` is durable.
    fn settled(&mut self, seq: u64, before: Uuid, batch: Uuid) -> Result<(), Failure> {
        let added = self.shared.chain.lock().add(seq, batch, before);
        added.map_err(|reason| self.failed(Trouble::Forked(reason)))?;
        self.shared.applied.store(seq, Ordering::Release);
        Ok(())
    }

    /// The last record that the engine was given.
    fn given(&self) -> u64 {
        self.shared.applied.load(Ordering::Acquire)
    }

    /// Records of others that the engine is given now.
    fn give(&mut self, records: Vec<Foreign>) -> News {
        self.shared.applied.fetch_add(records.len() as u64, Ordering::AcqRel);
        if !records.is_empty() {
            self.shared.observer.followed(records.len());
        }
        match self.anew.take() {
            Some(mut tables) => {
                records.iter().for_each(|record| tables.apply_all(&record.changes));
                News::Anew(tables)
            }
            None => News::Foreign(records),
        }
    }

    /// Reads without the lock what others have committed.
    fn read(&mut self) -> Result<Vec<Foreign>, Trouble> {
        self.connected(GLANCE)?;
        let Some(writing) = &self.writing else { return Ok(Vec::new()) };
        let reading = writing.reading.all_after(&writing.session, &self.shared, self.given());
        self.within(self.shared.commit_timeout, reading)
            .unwrap_or_else(|_| Err(Trouble::Lost("the database does not answer".to_owned())))
    }

    /// Reads everything anew, since the log is not the one that was followed.
    fn read_anew(&mut self, reason: &str) -> Result<(), Trouble> {
        let Some(writing) = &self.writing else { return Err(Trouble::Lost(reason.to_owned())) };
        let loaded = self.runtime.block_on(load::load(&writing.session)).map_err(Trouble::Lost)?;
        let lost = self.given().saturating_sub(loaded.commits);
        tracing::error!(reason, lost, "the database has not the log that was followed; everything was read anew");
        self.shared.begin_anew(loaded.commits, loaded.batch);
        self.anew = Some(Box::new(loaded.tables));
        Ok(())
    }

    fn failed(&mut self, trouble: Trouble) -> Failure {
        self.lose(trouble.reason());
        trouble.into()
    }
}

impl Log for PostgresLog {
    const ALONE: bool = false;

    type Records = PostgresRecords;

    fn records(&self) -> &Arc<PostgresRecords> {
        &self.records
    }

    fn store(&self) -> Uuid {
        self.shared.store
    }

    fn commits(&self) -> u64 {
        self.given()
    }

    fn attach(&mut self, poke: Poke) {
        *self.shared.poke.lock() = Some(poke);
    }

    fn begin(&mut self) -> Result<News, Failure> {
        self.abort();
        let began = Instant::now();
        let until = began + WRITE_WAITS;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let locked = self.connected(left).and_then(|()| self.lock());
            match locked {
                Ok(Locked { records, last }) => {
                    self.open = Some(last);
                    self.shared.observer.locked(began.elapsed());
                    return Ok(self.give(records));
                }
                Err(Trouble::Forked(reason)) if self.anew.is_none() => {
                    self.read_anew(&reason).map_err(|trouble| self.failed(trouble))?;
                }
                // A session can have ended long ago without anybody's noticing: one more is tried.
                Err(Trouble::Lost(reason)) if Instant::now() < until => self.lose(&reason),
                Err(Trouble::Unfit(reason)) => return Err(Failure::Unavailable(reason)),
                Err(trouble) => return Err(self.failed(trouble)),
            }
        }
    }

    fn commit(&mut self, commit: Commit<'_>) -> Result<Committed, Failure> {
        let (Some(last), Some(writing)) = (self.open.take(), &self.writing) else {
            return Err(Failure::Unavailable("the log's lock was lost".to_owned()));
        };
        let (seq, batch, began) = (last.0 + 1, Uuid::from_bytes(rand::random()), Instant::now());
        let committing = writing.commit(&self.shared, last, batch, commit);
        let outcome = self.within(self.shared.commit_timeout, committing);
        let outcome = outcome.unwrap_or_else(|_| Outcome::Unknown("the server does not answer".to_owned()));
        match outcome {
            Outcome::Done(forgotten) => {
                self.settled(seq, last.1, batch)?;
                Ok(Committed { synced: Some(began.elapsed()), forgotten })
            }
            Outcome::Refused(reason) => {
                let reason = format!("the database refuses a commit: {reason}");
                self.lose(&reason);
                Err(Failure::Unavailable(reason))
            }
            Outcome::Unknown(reason) => {
                tracing::warn!(%reason, seq, "what became of a commit is not known yet");
                self.lose(&reason);
                match self.resolve(seq, batch) {
                    Ok(true) => {
                        self.settled(seq, last.1, batch)?;
                        // Whether anything is left to forget is looked at once more.
                        Ok(Committed { synced: Some(began.elapsed()), forgotten: false })
                    }
                    Ok(false) => Err(Failure::Undone),
                    Err(trouble) => Err(trouble.into()),
                }
            }
        }
    }

    fn abort(&mut self) {
        if self.open.take().is_none() {
            return;
        }
        let Some(writing) = &self.writing else { return };
        let undone = self.within(Duration::from_secs(5), writing.rollback());
        if !matches!(undone, Ok(Ok(()))) {
            self.lose("a transaction could not be ended");
        }
    }

    fn follow(&mut self) -> Result<News, Failure> {
        match self.read() {
            Ok(records) => Ok(self.give(records)),
            Err(Trouble::Forked(reason)) => {
                self.read_anew(&reason).map_err(|trouble| self.failed(trouble))?;
                Ok(self.give(Vec::new()))
            }
            Err(trouble) => Err(self.failed(trouble)),
        }
    }

    fn tend(&mut self, _pace: Pace) -> Result<(), Failure> {
        Ok(())
    }

    fn close(mut self) {
        self.abort();
        let Self { runtime, writing, follower, checkpointer, shared, .. } = self;
        checkpointer.finish();
        follower.finish();
        if let Some(writing) = writing {
            let leave = async { writing.session.execute("DELETE FROM members WHERE id = $1", &[&shared.me]).await };
            let _ = runtime.block_on(async { timeout(Duration::from_secs(2), leave).await });
        }
    }
}
