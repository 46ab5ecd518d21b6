//! What is due to end and has not ended yet.
//!
//! Whatever has reached its deadline ends before a command is decided. Where much falls due in a moment that would keep
//! everybody waiting. Then only some of it ends in one batch, all up to a point in time; the commands that come in between
//! are decided as of that point, a little in the past, and every other batch is theirs alone. Whoever was just answered
//! has a moment to ask again before more ends: a batch without commands would make him wait for it.

use std::mem;
use std::time::Duration;

use crate::domain::{Seconds, Timestamp};

/// Most things that end in one batch.
const MOST: usize = 64;
/// How far in the past commands may be decided.
const MOST_LAG: Seconds = Seconds::new(2);
/// Most things that end in one batch if it is more; that happens after a standstill, and nobody is served until it is
/// over. A batch of all would take more memory than the machine may have.
const MOST_OVERDUE: usize = 2000;

/// How long to wait for commands before more ends.
pub(super) const GIVEN_WAY: Duration = Duration::from_micros(50);

/// Where the writer stands with what ends by itself.
#[derive(Debug, Default)]
pub(super) struct ExpiryBacklog {
    /// Up to when all has ended, where more is due.
    reached: Option<Timestamp>,
    /// Whether the next batch is for commands alone, where more is due.
    commands_next: bool,
    /// Whether somebody was answered who may ask again.
    answered: bool,
}

impl ExpiryBacklog {
    /// As of when commands are decided, if not as of now.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.reached
    }

    /// How many things may end in the batch that is begun, of which the first is due at `first`; `None` where it is the
    /// turn of commands alone.
    pub(super) fn begin(&mut self, first: Option<Timestamp>, now: Timestamp) -> Option<usize> {
        if first.is_some_and(|first| is_long_overdue(first, now)) {
            return Some(MOST_OVERDUE);
        }
        let commands = self.commands_next && self.reached.is_some_and(|reached| !is_long_overdue(reached, now));
        self.commands_next = !commands;
        (!commands).then_some(MOST)
    }

    /// All up to a point in time has ended. Whether commands may be decided, because it is not too far in the past.
    pub(super) fn reach(&mut self, reached: Timestamp, now: Timestamp) -> bool {
        self.reached = Some(reached).filter(|reached| *reached < now);
        !is_long_overdue(reached, now)
    }

    /// Somebody was answered.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    /// Whether to wait for commands before more ends: once after somebody was answered.
    pub(super) fn gives_way(&mut self) -> bool {
        mem::take(&mut self.answered) && self.reached.is_some()
    }

    /// Nobody is there to come first.
    pub(super) fn hurry(&mut self) {
        self.commands_next = false;
    }
}

fn is_long_overdue(at: Timestamp, now: Timestamp) -> bool {
    at.after(MOST_LAG) < now
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    #[test]
    fn commands_and_endings_take_turns_until_nothing_more_is_due() {
        let mut backlog = ExpiryBacklog::default();
        assert_eq!(backlog.begin(Some(at(900)), at(1000)), Some(MOST));
        assert!(backlog.reach(at(950), at(1000)), "commands are decided");
        assert_eq!(backlog.as_of(), Some(at(950)));
        assert_eq!(backlog.begin(Some(at(951)), at(1001)), None, "every other batch");
        assert_eq!(backlog.as_of(), Some(at(950)), "nothing more has ended");
        assert_eq!(backlog.begin(Some(at(951)), at(1001)), Some(MOST));
        assert!(backlog.reach(at(960), at(1001)));
        backlog.hurry();
        assert_eq!(backlog.begin(Some(at(961)), at(1001)), Some(MOST), "nobody is there");
        assert!(backlog.reach(at(1001), at(1001)));
        assert_eq!(backlog.as_of(), None, "as of now");
        assert_eq!(backlog.begin(Some(at(1002)), at(1002)), Some(MOST));
    }

    #[test]
    fn whoever_was_answered_is_waited_for_once_and_only_while_more_is_due() {
        let mut backlog = ExpiryBacklog::default();
        backlog.answered();
        assert!(!backlog.gives_way(), "nothing is due");
        backlog.reach(at(950), at(1000));
        assert!(!backlog.gives_way(), "nobody was answered since");
        backlog.answered();
        assert!(backlog.gives_way());
        assert!(!backlog.gives_way(), "nobody came");
    }

    #[test]
    fn what_is_long_overdue_ends_before_anything_else() {
        let mut backlog = ExpiryBacklog::default();
        assert_eq!(backlog.begin(Some(at(0)), at(2001)), Some(MOST_OVERDUE));
        assert!(!backlog.reach(at(0), at(2001)), "no command is decided as of so long ago");
        assert_eq!(backlog.begin(Some(at(1)), at(2001)), Some(MOST));
        assert_eq!(backlog.begin(None, at(2001)), Some(MOST), "nor where it would be their turn");
    }
}
