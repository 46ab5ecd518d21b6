//! The one thread that writes: it takes all that is queued, applies it to its private state, commits the changes as
//! one batch, shows them to the readers, and only then answers everybody, refusals included.
//!
//! A refusal may rest on something another command of the same batch has done; answered early it would tell of what
//! is not yet durable.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::RwLock;
use rand::rngs::StdRng;
use tokio::sync::{mpsc, oneshot};

use super::Observer;
use super::batch::Batch;
use super::command::{Job, Message, answer_all};
use super::context::CommandContext;
use super::expiry_backlog::{ExpiryBacklog, GIVEN_WAY};
use super::log::{Commit, Committed, Log, Pace, Status};
use super::snapshot_guards::SnapshotGuards;
use crate::domain::history::Owner;
use crate::domain::{Change, State, Tables};
use crate::store::Clock;

/// Most commands in one batch.
const MAX_COMMANDS: usize = 4096;

/// The writer.
pub(super) struct Writer<L> {
    pub(super) state: State,
    pub(super) log: L,
    pub(super) view: Arc<RwLock<Tables>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: StdRng,
    pub(super) status: Status,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) guards: SnapshotGuards,
    /// Those of whose history something that is dropped may be left.
    pub(super) to_forget: Vec<Owner>,
    /// What is due to end.
    pub(super) backlog: ExpiryBacklog,
}

impl<L: Log> Writer<L> {
    /// Works until the queue is closed or somebody asks it to close.
    pub(super) fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = self.next(&mut queue) else { break };
            closing = self.serve(first, &mut queue);
        }
        self.drop_what_waits();
        // Whoever comes from now on hears at once that nobody is here.
        drop(queue);
        self.log.close();
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// At the end nobody can read any more. What stays because this fails is a loss of room and of nothing else.
    fn drop_what_waits(&mut self) {
        let mut batch = Batch::default();
        batch.take(mem::take(&mut self.guards).give_up());
        if self.status.failed().is_none() {
            self.commit(batch, 0);
        }
    }

    /// The next message. While nobody waits, what is overdue ends, and what is left of dropped history is removed.
    fn next(&mut self, queue: &mut mpsc::Receiver<Message>) -> Option<Message> {
        loop {
            match queue.try_recv() {
                Ok(message) => return Some(message),
                // Whether any of this failed is in the status.
                Err(_) if self.status.failed().is_some() => return queue.blocking_recv(),
                Err(_) if self.backlog.gives_way() => thread::sleep(GIVEN_WAY),
                Err(_) if self.backlog.as_of().is_some() => {
                    let mut batch = Batch::default();
                    self.backlog.hurry();
                    drop(self.catch_up(&mut batch).or_else(|| self.commit(batch, 0)).or_else(|| self.tend()));
                }
                Err(_) if self.is_to_forget() => drop(self.write(&Batch::default(), 0).or_else(|| self.tend())),
                Err(_) => return queue.blocking_recv(),
            }
        }
    }

    /// Whether history that is dropped may be left, and nobody reads it.
    fn is_to_forget(&mut self) -> bool {
        !self.to_forget.is_empty() && !self.guards.are_held()
    }

    /// Gathers a batch that begins with `message`, commits and answers it.
    fn serve(&mut self, message: Message, queue: &mut mpsc::Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let mut jobs = Vec::new();
        let mut batch = Batch::default();
        let broken = self.status.failed();
        let mut failed = broken.or_else(|| self.catch_up(&mut batch));
        let mut closing = None;
        let mut next = Some(message);
        while let Some(message) = next.take() {
            match message {
                Message::Close(closed) => closing = Some(closed),
                Message::Job(mut queued) => {
                    if failed.is_none() {
                        failed = self.run(&mut *queued.job, &mut batch);
                    }
                    jobs.push(queued);
                }
            }
            if closing.is_none() && failed.is_none() && jobs.len() < MAX_COMMANDS && !batch.is_full() {
                next = queue.try_recv().ok();
            }
        }
        let failed = failed.or_else(|| self.commit(batch, jobs.len()));
        if !jobs.is_empty() {
            answer_all(jobs, failed.as_ref());
            self.backlog.answered();
        }
        if failed.is_none() {
            self.tend();
        }
        closing
    }

    /// Ends some of what is due, as part of a batch that is empty yet, and before that what is long overdue, in batches of
    /// its own; the reason if that failed.
    fn catch_up(&mut self, batch: &mut Batch) -> Option<Arc<str>> {
        loop {
            let now = self.clock.now();
            // Where it is the turn of commands nothing ends, and so nothing fails.
            let most = self.backlog.begin(self.state.next_ending(), now)?;
            let reached = self.state.end_due(now, most);
            batch.take(self.state.take_changes());
            if self.backlog.reach(reached, now) {
                return None;
            }
            let failed = self.commit(mem::take(batch), 0).or_else(|| self.tend());
            if failed.is_some() {
                return failed;
            }
        }
    }

    /// Lets the log do what is due between two commits; the reason if that failed.
    fn tend(&mut self) -> Option<Arc<str>> {
        let pace = if self.backlog.as_of().is_some() { Pace::Rush } else { Pace::Usual };
        self.log.tend(pace).err().map(|reason| self.give_up(&reason))
    }

    /// Runs a command. After a panic nobody knows what the state is worth, so the whole batch is undone and what follows
    /// from the tables is worked out anew.
    fn run(&mut self, job: &mut dyn Job, batch: &mut Batch) -> Option<Arc<str>> {
        let mut included = None;
        let mut context = CommandContext {
            state: &mut self.state,
            now: self.backlog.as_of().unwrap_or_else(|| self.clock.now()),
            rng: &mut self.rng,
            values: batch.values(&**self.log.records()),
            guards: &mut self.guards,
            store: self.log.store(),
            commits: self.log.commits() + u64::from(!batch.changes.is_empty()),
            included: &mut included,
        };
        match catch_unwind(AssertUnwindSafe(|| job.run(&mut context))) {
            Ok(()) => {
                let changes = self.state.take_changes();
                match included {
                    Some((import, before)) => {
                        batch.take(before);
                        batch.include(import, changes);
                    }
                    None => batch.take(changes),
                }
                None
            }
            Err(_) => {
                tracing::error!("a command panicked; its batch is undone");
                let mut undone = mem::take(&mut batch.changes);
                undone.extend(included.into_iter().flat_map(|(_, before)| before));
                self.state.undo(undone, &self.view.read());
                Some("a command failed unexpectedly; nothing of its batch was done".into())
            }
        }
    }

    /// Makes a batch durable and shows it to the readers; the reason if that failed.
    fn commit(&mut self, mut batch: Batch, commands: usize) -> Option<Arc<str>> {
        self.guards.retain_guarded(&mut batch.changes);
        for change in &batch.changes {
            if let Change::HistoryDropped(owner, _) = change
                && !self.to_forget.contains(owner)
            {
                self.to_forget.push(owner.clone());
            }
        }
        if batch.changes.is_empty() && batch.import.is_none() && !self.is_to_forget() {
            return None;
        }
        self.write(&batch, commands)
    }

    /// As [`Self::commit`], if only to remove some of the history that is dropped.
    fn write(&mut self, batch: &Batch, commands: usize) -> Option<Arc<str>> {
        let owner = if self.is_to_forget() { self.to_forget.last() } else { None };
        let forget_before = owner.map(|owner| (owner, self.state.tables().history_floor(owner)));
        let import = batch.import.as_ref().map(|(import, _)| *import);
        let commit = Commit { changes: &batch.changes, import, forget_before, at: self.clock.now() };
        let Committed { synced, forgotten } = match self.log.commit(commit) {
            Ok(committed) => committed,
            Err(reason) => return Some(self.give_up(&reason)),
        };
        if forgotten {
            self.to_forget.pop();
        }
        if let Some(synced) = synced {
            self.observer.committed(commands, synced);
        }
        let mut view = self.view.write();
        batch.changes.iter().for_each(|change| view.apply(change));
        if let Some((_, staged)) = &batch.import {
            view.apply_all(staged);
        }
        None
    }

    /// Takes no further write.
    fn give_up(&self, reason: &str) -> Arc<str> {
        let reason = self.status.fail(reason);
        tracing::error!(%reason, "no further write is taken; reads go on");
        reason
    }
}
