//! Large values and history that are no longer needed but that somebody still reads.
//!
//! A backup takes the list of everything at one point and reads the bytes of large values and the history afterwards,
//! while the gateway goes on. What is dropped meanwhile stays until the last such reader is done; for the history the
//! writer sees to that. A process that is killed in between leaves those bytes behind: nothing refers to them.

use std::sync::{Arc, Weak};

use crate::domain::Change;

/// Held by a reader as long as it needs what was there when it began.
pub(super) type Guard = Arc<()>;

/// Who reads, and what waits for them.
#[derive(Default)]
pub(super) struct SnapshotGuards {
    readers: Vec<Weak<()>>,
    waiting: Vec<Change>,
}

impl SnapshotGuards {
    /// Keeps everything that is there now for as long as the guard is held.
    pub(super) fn guard(&mut self) -> Guard {
        let guard = Arc::default();
        self.readers.push(Arc::downgrade(&guard));
        guard
    }

    /// Whether anybody still reads.
    pub(super) fn are_held(&mut self) -> bool {
        self.readers.retain(|reader| reader.strong_count() > 0);
        !self.readers.is_empty()
    }

    /// Holds back the values that a batch drops if anybody may still read them, and adds to it those that nobody does
    /// any more.
    pub(super) fn retain_guarded(&mut self, changes: &mut Vec<Change>) {
        if self.are_held() {
            let dropped = changes.extract_if(.., |change| matches!(change, Change::ValueDropped(..)));
            self.waiting.extend(dropped);
        } else {
            changes.append(&mut self.waiting);
        }
    }

    /// What waits, whoever reads; for the end, when nobody can read any more.
    pub(super) fn give_up(self) -> Vec<Change> {
        self.waiting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ValueId;

    #[test]
    fn what_is_dropped_while_somebody_reads_is_dropped_when_the_last_one_is_done() {
        let mut guards = SnapshotGuards::default();
        let (kept, dropped) = (Change::ValueKept(ValueId(2), [0].into()), Change::ValueDropped(ValueId(1), 1));
        let (first, second) = (guards.guard(), guards.guard());
        let mut batch = vec![dropped.clone(), kept.clone()];
        guards.retain_guarded(&mut batch);
        assert_eq!(batch, [kept]);
        drop(first);
        let mut batch = Vec::new();
        guards.retain_guarded(&mut batch);
        assert_eq!(batch, []);
        drop(second);
        guards.retain_guarded(&mut batch);
        assert_eq!(batch, [dropped]);
        assert_eq!(guards.give_up(), []);
    }
}
