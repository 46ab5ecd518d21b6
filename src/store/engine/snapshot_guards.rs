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

/// What becomes of the values that a batch drops, once it is committed.
pub(super) enum Retained {
    /// These were kept out of it.
    HeldBack(Vec<Change>),
    /// Everything that waited is in it.
    LetGo,
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

    /// Whether something waits that nobody reads any more.
    pub(super) fn lets_go(&mut self) -> bool {
        !self.waiting.is_empty() && !self.are_held()
    }

    /// Holds back the values that a batch drops if anybody may still read them, and adds to it those that nobody does
    /// any more. Nothing of that counts before [`Self::committed`].
    pub(super) fn retain_guarded(&mut self, changes: &mut Vec<Change>) -> Retained {
        if self.are_held() {
            let dropped = changes.extract_if(.., |change| matches!(change, Change::ValueDropped(..)));
            Retained::HeldBack(dropped.collect())
        } else {
            changes.extend(self.waiting.iter().cloned());
            Retained::LetGo
        }
    }

    /// The batch of which this was retained is committed.
    pub(super) fn committed(&mut self, retained: Retained) {
        match retained {
            Retained::HeldBack(dropped) => self.waiting.extend(dropped),
            Retained::LetGo => self.waiting.clear(),
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
        let retained = guards.retain_guarded(&mut batch);
        guards.committed(retained);
        assert_eq!(batch, [kept]);
        drop(first);
        let mut batch = Vec::new();
        let retained = guards.retain_guarded(&mut batch);
        guards.committed(retained);
        assert_eq!(batch, []);
        drop(second);
        let retained = guards.retain_guarded(&mut batch);
        guards.committed(retained);
        assert_eq!(batch, [dropped]);
        assert_eq!(guards.give_up(), []);
    }

    #[test]
    fn of_a_batch_that_is_not_committed_nothing_waits_and_nothing_is_let_go() {
        let mut guards = SnapshotGuards::default();
        let dropped = |id| Change::ValueDropped(ValueId(id), 1);
        let guard = guards.guard();
        let undone = guards.retain_guarded(&mut vec![dropped(1)]);
        drop(undone);
        let retained = guards.retain_guarded(&mut vec![dropped(2)]);
        guards.committed(retained);
        drop(guard);
        let mut batch = Vec::new();
        drop(guards.retain_guarded(&mut batch));
        assert_eq!(batch, [dropped(2)], "the first one lives on");
        let mut again = Vec::new();
        let retained = guards.retain_guarded(&mut again);
        guards.committed(retained);
        assert_eq!(again, [dropped(2)], "it is dropped with the batch that is committed");
        assert_eq!(guards.give_up(), []);
    }
}
