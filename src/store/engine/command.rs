//! What waits in the writer's queue, and how those who wait are told.
//!
//! Waking a task from another thread is a system call, and the thread that wakes may take the processor from the writer,
//! which then keeps everybody else waiting. So those of one runtime are told together, by a task on that runtime: one wake
//! instead of many, and the writer goes on to the next batch. Every thread that serves requests is a runtime of its own.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::context::CommandContext;
use super::view::Follower;
use crate::store::{Error, Result};

/// What waits in the queue.
pub(super) enum Message {
    /// Something to do.
    Job(Queued),
    /// Others have committed something; perhaps somebody waits until readers see it.
    Follow(Option<Follower>),
    /// Finish what is queued and stop.
    Close(oneshot::Sender<()>),
}

/// A command with somebody who waits for its outcome.
pub(super) trait Job: Send {
    /// Does it. What it came to before counts no more.
    fn run(&mut self, context: &mut CommandContext<'_>);
    /// Tells the outcome, or that there is none because of `failed`.
    fn answer(self: Box<Self>, failed: Option<&Arc<str>>);
}

/// A command and where its outcome is waited for.
pub(super) struct Queued {
    pub(super) job: Box<dyn Job>,
    /// Whether it changes nothing.
    pub(super) looks: bool,
    /// The runtime of whoever waits, if there is one.
    home: Option<Handle>,
}

/// A command as a closure.
struct Command<F, T> {
    run: F,
    outcome: Option<Result<T>>,
    waiter: oneshot::Sender<Result<T>>,
}

impl Queued {
    /// A command as a closure, and where its outcome will be. It is waited for where this is called.
    pub(super) fn command<F, T>(run: F) -> (Self, oneshot::Receiver<Result<T>>)
    where
        F: FnMut(&mut CommandContext<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (waiter, outcome) = oneshot::channel();
        let job = Box::new(Command { run, outcome: None, waiter });
        (Self { job, looks: false, home: Handle::try_current().ok() }, outcome)
    }

    /// As [`Self::command`], for one that changes nothing.
    pub(super) fn look<F, T>(run: F) -> (Self, oneshot::Receiver<Result<T>>)
    where
        F: FnMut(&mut CommandContext<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (queued, outcome) = Self::command(run);
        (Self { looks: true, ..queued }, outcome)
    }
}

impl<F, T> Job for Command<F, T>
where
    F: FnMut(&mut CommandContext<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, context: &mut CommandContext<'_>) {
        self.outcome = Some((self.run)(context));
    }

    fn answer(self: Box<Self>, failed: Option<&Arc<str>>) {
        let outcome = match (failed, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(reason), _) => Err(Error::Unavailable(Arc::clone(reason))),
            (None, None) => Err(Error::Unavailable("the command was not carried out".into())),
        };
        // A caller who has gone away does not hear the outcome; what was done stays done.
        let _ = self.waiter.send(outcome);
    }
}

/// Tells everybody of a batch their outcome, or that there is none because of `failed`.
pub(super) fn answer_all(batch: Vec<Queued>, failed: Option<&Arc<str>>) {
    let mut homes: Vec<(Handle, Vec<Box<dyn Job>>)> = Vec::new();
    for Queued { job, home, .. } in batch {
        let Some(home) = home else {
            job.answer(failed);
            continue;
        };
        match homes.iter_mut().find(|(known, _)| known.id() == home.id()) {
            Some((_, jobs)) => jobs.push(job),
            None => homes.push((home, vec![job])),
        }
    }
    for (home, jobs) in homes {
        let alone = jobs.len() == 1;
        let failed = failed.cloned();
        let tell = move || jobs.into_iter().for_each(|job| job.answer(failed.as_ref()));
        if alone {
            tell();
        } else {
            // A runtime that has ended drops the task, and whoever still waits hears that nobody will answer.
            drop(home.spawn(async move { tell() }));
        }
    }
}
