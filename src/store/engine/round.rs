//! One round of the writer: who is served by it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::command::{Message, Queued, answer_all};
use super::view::Follower;

/// Most commands in one batch.
const MAX_COMMANDS: usize = 4096;

/// Those who are served together. Commands are gathered while others are carried out; all of them are kept until the end, so
/// that they can be carried out again.
pub(super) struct Round<'q> {
    queue: &'q mut mpsc::Receiver<Message>,
    pub(super) jobs: Vec<Queued>,
    followers: Vec<Follower>,
    /// Somebody has asked the writer to stop.
    pub(super) closing: Option<oneshot::Sender<()>>,
}

impl<'q> Round<'q> {
    /// A round that begins with a message.
    pub(super) fn new(first: Message, queue: &'q mut mpsc::Receiver<Message>) -> Self {
        let mut round = Self { queue, jobs: Vec::new(), followers: Vec::new(), closing: None };
        round.take(first);
        round
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Job(queued) => self.jobs.push(queued),
            Message::Follow(follower) => self.followers.extend(follower),
            Message::Close(closed) => self.closing = Some(closed),
        }
    }

    /// The command at this place of the batch: one that is in the round or, while the batch takes more, one that waits.
    pub(super) fn job(&mut self, place: usize, is_full: bool) -> Option<&mut Queued> {
        while place == self.jobs.len() && !is_full && place < MAX_COMMANDS && self.closing.is_none() {
            let message = self.queue.try_recv().ok()?;
            self.take(message);
        }
        self.jobs.get_mut(place)
    }

    /// Whether nothing is to be decided: nobody but followers is here, or a single command that only looks.
    pub(super) fn only_looks(&mut self) -> bool {
        self.job(0, false);
        self.closing.is_none() && self.jobs.iter().all(|queued| queued.looks)
    }

    /// Lets those go on who wait for commits up to this one.
    pub(super) fn seen(&mut self, commits: u64) {
        let waiting = std::mem::take(&mut self.followers);
        self.followers = waiting.into_iter().filter_map(|follower| follower.seen(commits)).collect();
    }

    /// Whether somebody waits for a commit of another.
    pub(super) fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }

    /// Says to those who still wait for commits why these do not come.
    pub(super) fn refuse_followers(&mut self, reason: Option<Arc<str>>) {
        let reason = reason.unwrap_or_else(|| "the log does not give what it says that it has".into());
        self.followers.drain(..).for_each(|follower| follower.refuse(&reason));
    }

    /// Answers all commands; why they were not carried out, if they were not. Whoever asked the writer to stop.
    pub(super) fn answer(self, failed: Option<&Arc<str>>) -> Option<oneshot::Sender<()>> {
        if !self.jobs.is_empty() {
            answer_all(self.jobs, failed);
        }
        self.closing
    }
}
