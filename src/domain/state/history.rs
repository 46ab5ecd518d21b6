//! What is remembered of allocations that have ended, and when it is forgotten.

use std::sync::Arc;

use super::{State, Turn};
use crate::domain::history::{End, Past};
use crate::domain::{Allocation, Change, Scope, Timestamp};

impl State {
    /// Remembers an allocation that ended at `until`.
    pub(super) fn remember_past(
        &mut self,
        scope: &Arc<Scope>,
        allocation: Arc<Allocation>,
        until: Timestamp,
        end: End,
    ) {
        let place = self.tables.history().place(until, self.now, &self.rules.history);
        if let Some((bucket, count)) = place {
            let past = Past { bucket, count, allocation, until, end };
            self.apply(Change::Ended(Arc::clone(scope), Arc::new(past)));
        }
    }
}

impl Turn<'_> {
    /// Forgets what is too old or too much.
    pub(super) fn trim_history(&mut self) {
        while let Some(bucket) = self.state.tables.history().surplus(self.now, &self.state.rules.history) {
            self.state.apply(Change::HistoryDropped(bucket));
        }
    }
}
