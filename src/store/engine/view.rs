//! What readers see: what is durable, and of a log that others write too, how far it is known.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::log::{Log, Records};
use super::{Engine, closed};
use crate::domain::{Tables, Timestamp};
use crate::store::{Error, Result};

/// What readers see. The writer alone changes it.
pub(super) struct View {
    pub(super) tables: Tables,
    /// Up to which commit of the log.
    pub(super) commits: u64,
}

/// Somebody who waits until readers see a commit.
pub(super) struct Follower {
    commit: u64,
    told: oneshot::Sender<std::result::Result<(), Arc<str>>>,
}

impl Follower {
    /// Lets him go on if readers see up to `commits`; gives him back if he has to wait.
    pub(super) fn seen(self, commits: u64) -> Option<Self> {
        if commits < self.commit {
            return Some(self);
        }
        self.answer(Ok(()));
        None
    }

    /// Says why it does not come.
    pub(super) fn refuse(self, reason: &Arc<str>) {
        self.answer(Err(Arc::clone(reason)));
    }

    fn answer(self, outcome: std::result::Result<(), Arc<str>>) {
        // Who has gone away does not hear it.
        let _ = self.told.send(outcome);
    }
}

impl<L: Log> Engine<L> {
    /// Looks at what is durable and, where others write to the log as well, is no older than this call.
    pub(super) async fn read<T>(&self, query: impl FnOnce(&Tables, Timestamp) -> T) -> Result<T> {
        if !L::ALONE {
            // Apart, so that it takes no room in the future of a read where there are no others.
            Box::pin(self.catch_up()).await?;
        }
        Ok(self.read_known(query))
    }

    /// Looks at what is durable as far as it is known here.
    pub(super) fn read_known<T>(&self, query: impl FnOnce(&Tables, Timestamp) -> T) -> T {
        query(&self.view.read().tables, self.clock.now())
    }

    /// Waits until readers see everything that was committed before this call.
    async fn catch_up(&self) -> Result<()> {
        let unavailable = |reason: String| Error::Unavailable(reason.into());
        let commit = self.open_records()?.head().await.map_err(unavailable)?;
        if self.view.read().commits >= commit {
            return Ok(());
        }
        let (told, seen) = oneshot::channel();
        self.follow(Follower { commit, told }).await?;
        seen.await.map_err(|_| closed())?.map_err(Error::Unavailable)
    }
}
