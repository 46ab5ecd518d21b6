//! The one thread that writes: it takes all that is queued, applies it to its private state, commits the changes as
//! one batch, shows them to the readers, and only then answers everybody, refusals included.
//!
//! A refusal may rest on something another command of the same batch has done; answered early it would tell of what
//! is not yet durable.
//!
//! Where others write to the log too, a batch is begun in the log before anything of it is decided, and what they have
//! committed is taken in. A batch that the log has not made is undone and, if that is sure, decided again; a command may
//! so be carried out several times, and its last outcome counts.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use parking_lot::{Mutex, RwLock};
use rand::rngs::StdRng;
use tokio::sync::{mpsc, oneshot};

use super::Observer;
use super::Remnant;
use super::batch::Batch;
use super::command::{Job, Message};
use super::context::CommandContext;
use super::expiry_backlog::{ExpiryBacklog, GIVEN_WAY};
use super::log::{Commit, Committed, Failure, Log, News, Pace, Records, Status};
use super::round::Round;
use super::snapshot_guards::SnapshotGuards;
use super::view::View;
use crate::domain::number_health::Sightings;
use crate::domain::{Change, State, Tables, Timestamp};
use crate::store::Clock;
use crate::store::events::{self, Events};

/// How often a batch is decided before its callers hear that it cannot be committed.
const MOST_ATTEMPTS: usize = 10;

/// The writer.
pub(super) struct Writer<L> {
    pub(super) state: State,
    pub(super) log: L,
    pub(super) view: Arc<RwLock<View>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: StdRng,
    pub(super) status: Status,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) guards: SnapshotGuards,
    /// What is dropped and may be left.
    pub(super) to_forget: Vec<Remnant>,
    /// What is due to end.
    pub(super) backlog: ExpiryBacklog,
    /// What is seen of numbers that something seems to be wrong with.
    pub(super) sightings: Arc<Mutex<Sightings>>,
    /// What has just happened, for whoever follows it.
    pub(super) events: Arc<Events>,
}

impl<L: Log> Writer<L> {
    /// Works until the queue is closed or somebody asks it to close.
    pub(super) fn work(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(first) = self.next(&mut queue) else { break };
            closing = self.serve(Round::new(first, &mut queue));
        }
        self.drop_what_waits();
        // Whoever comes from now on hears at once that nobody is here.
        drop(queue);
        self.log.close();
        if let Some(closed) = closing {
            let _ = closed.send(());
        }
    }

    /// At the end nobody can read any more, and refusals that are counted in memory alone are written down. What stays because
    /// this fails is a loss of room, and of those.
    fn drop_what_waits(&mut self) {
        let mut batch = Batch::default();
        batch.take(mem::take(&mut self.guards).give_up());
        self.state.write_refusals();
        batch.take(self.state.take_changes());
        if self.status.failed().is_none() && !batch.changes.is_empty() {
            drop(self.begin().and_then(|()| self.commit(batch, 0)));
        }
    }

    /// The next message. While nobody waits, what is overdue ends, and what is left of dropped history is removed.
    fn next(&mut self, queue: &mut mpsc::Receiver<Message>) -> Option<Message> {
        loop {
            let work = match queue.try_recv() {
                Ok(message) => return Some(message),
                // Whether any of this failed is in the status.
                Err(_) if self.status.failed().is_some() => return queue.blocking_recv(),
                Err(_) if self.backlog.gives_way() => {
                    thread::sleep(GIVEN_WAY);
                    continue;
                }
                Err(_) if self.backlog.as_of().is_some() && self.log.records().ends_due() => self.end_more(),
                Err(_) if self.is_to_forget() => self.forget(),
                Err(_) => return queue.blocking_recv(),
            };
            if let Err(failure) = work {
                self.note(failure);
                return queue.blocking_recv();
            }
        }
    }

    /// Ends some of what is due.
    fn end_more(&mut self) -> Result<(), Failure> {
        let mut batch = Batch::default();
        self.backlog.hurry();
        self.catch_up(&mut batch)?;
        self.commit(batch, 0)?;
        self.tend()
    }

    /// Removes some of the history that is dropped.
    fn forget(&mut self) -> Result<(), Failure> {
        self.begin()?;
        self.write(Batch::default(), 0)?;
        self.tend()
    }

    /// Whether history that is dropped may be left, and nobody reads it.
    fn is_to_forget(&mut self) -> bool {
        !self.to_forget.is_empty() && !self.guards.are_held()
    }

    /// Serves those of a round, and whoever comes meanwhile.
    fn serve(&mut self, mut round: Round<'_>) -> Option<oneshot::Sender<()>> {
        let failed = self.status.failed().or_else(|| self.carry_out(&mut round).err());
        self.let_go_on(&mut round);
        if round.is_followed() {
            // Whoever only reads need not suffer from a batch that could not be begun.
            let behind = self.keep_up().err().map(|failure| self.note(failure));
            self.let_go_on(&mut round);
            round.refuse_followers(behind);
        }
        let answered = !round.jobs.is_empty();
        let closing = round.answer(failed.as_ref());
        if answered {
            self.backlog.answered();
        }
        if failed.is_none()
            && let Err(failure) = self.tend()
        {
            self.note(failure);
        }
        closing
    }

    /// Carries out what a round asks for, and again where it was undone; the reason if it was not done.
    fn carry_out(&mut self, round: &mut Round<'_>) -> Result<(), Arc<str>> {
        for _ in 0..MOST_ATTEMPTS {
            let outcome = if !L::ALONE && self.decides_nothing(round) { self.look(round) } else { self.attempt(round) };
            match outcome {
                Err(Failure::Undone) => {}
                outcome => return outcome.map_err(|failure| self.note(failure)),
            }
        }
        Err("the batch was undone too often".into())
    }

    /// Whether a round needs no batch in a log that others write too.
    fn decides_nothing(&self, round: &mut Round<'_>) -> bool {
        round.only_looks() && (round.jobs.is_empty() || !self.log.records().ends_due())
    }

    /// Answers a round that decides nothing, by what others have committed so far.
    fn look(&mut self, round: &mut Round<'_>) -> Result<(), Failure> {
        self.keep_up()?;
        let mut batch = Batch::default();
        for queued in &mut round.jobs {
            self.run(&mut *queued.job, &mut batch, false)?;
        }
        debug_assert!(batch.changes.is_empty(), "a look changes nothing: {:?}", batch.changes);
        Ok(())
    }

    /// Gathers a batch with what a round asks for, and commits it.
    fn attempt(&mut self, round: &mut Round<'_>) -> Result<(), Failure> {
        let mut batch = Batch::default();
        self.catch_up(&mut batch)?;
        self.let_go_on(round);
        let mut place = 0;
        while let Some(queued) = round.job(place, batch.is_full()) {
            self.run(&mut *queued.job, &mut batch, true)?;
            place += 1;
        }
        self.commit(batch, round.jobs.len())
    }

    /// Lets those go on who wait until readers see what they see by now.
    fn let_go_on(&self, round: &mut Round<'_>) {
        if round.is_followed() {
            round.seen(self.view.read().commits);
        }
    }

    /// Begins a batch in a log that others write too, and takes in what they have committed.
    fn begin(&mut self) -> Result<(), Failure> {
        if L::ALONE {
            return Ok(());
        }
        let news = self.log.begin()?;
        self.take_in(news).inspect_err(|_| self.log.abort())
    }

    /// Takes in what others have committed.
    fn keep_up(&mut self) -> Result<(), Failure> {
        let news = self.log.follow()?;
        self.take_in(news)
    }

    /// Makes what others have committed part of the state and shows it to readers: each commit once, since nobody else does.
    fn take_in(&mut self, news: News) -> Result<(), Failure> {
        let commits = self.log.commits();
        match news {
            News::Foreign(foreign) => {
                let known = self.view.read().commits;
                if known + foreign.len() as u64 != commits {
                    let reason = format!("the log gave {} commits between {known} and {commits}", foreign.len());
                    return Err(Failure::Broken(reason));
                }
                for commit in &foreign {
                    self.clock.go_on_from(commit.at);
                    self.state.follow_commit(&commit.changes, commit.at);
                }
                if !foreign.is_empty() {
                    self.see(foreign.iter().flat_map(|commit| &commit.changes));
                    let mut happened = Vec::new();
                    let mut view = self.view.write();
                    for commit in &foreign {
                        happened.extend(events::happened(&commit.changes, &view.tables));
                        view.tables.apply_all(&commit.changes);
                    }
                    view.commits = commits;
                    drop(view);
                    self.events.committed(happened);
                }
            }
            News::Anew(tables) => self.begin_anew(*tables, commits),
        }
        Ok(())
    }

    /// Goes on from other tables than those that were known.
    fn begin_anew(&mut self, tables: Tables, commits: u64) {
        tracing::warn!(commits, "the log does not go on from what was known of it; everything is taken from it anew");
        self.state = State::new(tables.clone(), self.state.rules().clone());
        self.clock.go_on_from(self.state.now());
        self.guards = SnapshotGuards::default();
        self.to_forget = Remnant::of(&tables);
        self.backlog = ExpiryBacklog::default();
        *self.view.write() = View { tables, commits };
    }

    /// The current time, never before what was decided last, here or by others.
    fn now(&self) -> Timestamp {
        self.clock.now().max(self.state.now())
    }

    /// As of when commands are decided.
    fn as_of(&self) -> Timestamp {
        self.backlog.as_of().map_or_else(|| self.now(), |reached| reached.max(self.state.now()))
    }

    /// Begins a batch and ends some of what is due as part of it, and before that what is long overdue, in batches of its
    /// own.
    fn catch_up(&mut self, batch: &mut Batch) -> Result<(), Failure> {
        loop {
            self.begin()?;
            let now = self.now();
            // Where it is the turn of commands nothing ends, and so nothing fails.
            let Some(most) = self.backlog.begin(self.state.next_ending(), now) else { return Ok(()) };
            let reached = self.state.end_due(now, most);
            batch.take(self.state.take_changes());
            if self.backlog.reach(reached, now) {
                return Ok(());
            }
            self.commit(mem::take(batch), 0)?;
            self.tend()?;
        }
    }

    /// Lets the log do what is due between two commits.
    fn tend(&mut self) -> Result<(), Failure> {
        let pace = if self.backlog.as_of().is_some() { Pace::Rush } else { Pace::Usual };
        self.log.tend(pace)
    }

    /// Runs a command. After a panic nobody knows what the state is worth, so the whole batch is undone and what follows
    /// from the tables is worked out anew.
    fn run(&mut self, job: &mut dyn Job, batch: &mut Batch, begun: bool) -> Result<(), Failure> {
        let mut included = None;
        let mut context = CommandContext {
            now: self.as_of(),
            begun,
            state: &mut self.state,
            rng: &mut self.rng,
            actor: None,
            values: batch.values(&**self.log.records()),
            guards: &mut self.guards,
            store: self.log.store(),
            commits: self.log.commits() + u64::from(!batch.changes.is_empty()),
            included: &mut included,
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| job.run(&mut context)));
        let import = included.map(|(import, before)| {
            batch.take(before);
            import
        });
        if outcome.is_err() {
            tracing::error!("a command panicked; its batch is undone");
            self.undo(mem::take(batch));
            if begun {
                self.log.abort();
            }
            let reason = "a command failed unexpectedly; nothing of its batch was done";
            return Err(Failure::Unavailable(reason.to_owned()));
        }
        let changes = self.state.take_changes();
        match import {
            Some(import) => batch.include(import, changes),
            None => batch.take(changes),
        }
        Ok(())
    }

    /// Makes the state as if a batch had not been. Readers have seen everything else.
    fn undo(&mut self, batch: Batch) {
        let Batch { mut changes, import, .. } = batch;
        changes.extend(import.into_iter().flat_map(|(_, staged)| staged));
        self.state.undo(changes, &self.view.read().tables);
        self.backlog = ExpiryBacklog::default();
    }

    /// Makes a batch durable and shows it to the readers. It is undone if that failed.
    fn commit(&mut self, batch: Batch, commands: usize) -> Result<(), Failure> {
        for change in &batch.changes {
            if let Some(remnant) = Remnant::left_by(change)
                && !self.to_forget.contains(&remnant)
            {
                self.to_forget.push(remnant);
            }
        }
        let lets_go = self.guards.lets_go();
        if batch.changes.is_empty() && batch.import.is_none() && !lets_go && !self.is_to_forget() {
            self.log.abort();
            return Ok(());
        }
        self.write(batch, commands)
    }

    /// As [`Self::commit`], if only to remove some of the history that is dropped.
    fn write(&mut self, mut batch: Batch, commands: usize) -> Result<(), Failure> {
        let retained = self.guards.retain_guarded(&mut batch.changes);
        let remnant = if self.is_to_forget() { self.to_forget.last() } else { None };
        let forget = remnant.map(|remnant| remnant.forget(self.state.tables()));
        let import = batch.import.as_ref().map(|(import, _)| *import);
        // Others go on from there: where much is due, only what was due by then has ended.
        let at = if L::ALONE { self.clock.now() } else { self.as_of() };
        let commit = Commit { changes: &batch.changes, import, forget_before: forget.as_ref(), at };
        let Committed { synced, forgotten } = match self.log.commit(commit) {
            Ok(committed) => committed,
            Err(failure) => {
                // Where no further write is taken nobody asks the state again.
                if !matches!(failure, Failure::Broken(_)) {
                    self.undo(batch);
                }
                return Err(failure);
            }
        };
        self.guards.committed(retained);
        if forgotten {
            self.to_forget.pop();
        }
        if let Some(synced) = synced {
            self.observer.committed(commands, synced);
        }
        self.see(&batch.changes);
        let happened = events::happened(&batch.changes, &self.view.read().tables);
        let mut view = self.view.write();
        batch.changes.iter().for_each(|change| view.tables.apply(change));
        if let Some((_, staged)) = &batch.import {
            view.tables.apply_all(staged);
        }
        view.commits = self.log.commits();
        drop(view);
        self.events.committed(happened);
        Ok(())
    }

    /// Sees what has become of numbers.
    fn see<'c>(&self, changes: impl IntoIterator<Item = &'c Change>) {
        let mut sightings = self.sightings.lock();
        changes.into_iter().for_each(|change| sightings.see(change));
    }

    /// What callers hear of a failure. Some are the end of all writing.
    fn note(&mut self, failure: Failure) -> Arc<str> {
        self.backlog = ExpiryBacklog::default();
        match failure {
            Failure::Broken(reason) => {
                let reason = self.status.fail(&reason);
                tracing::error!(%reason, "no further write is taken; reads go on");
                reason
            }
            Failure::Unavailable(reason) => reason.into(),
            Failure::Undone => "the log has undone what was to be committed".into(),
        }
    }
}
