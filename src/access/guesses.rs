//! The limit on guessing access codes: so many wrong ones of one caller at one number, then a block.
//!
//! A caller without a number is one caller. The table is bounded, so that nobody can fill the memory with invented
//! callers; what it gives up first is what matters for the shortest time. All dialects that recognise calls share one, so
//! that nobody gets another row of guesses by asking in another protocol.

use std::time::Instant;

use super::rates::{Rate, Rates};
use crate::config::GuessLimit;
use crate::domain::{Caller, Number, Scope, Seconds};

/// Pairs of number and caller that are remembered.
const MOST: usize = 10_000;

/// Who may be guessing, and at which number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Suspect {
    scope: Scope,
    number: Number,
    caller: Option<Caller>,
}

impl Suspect {
    /// The suspect of a call to a number that gave a `code`; `None` where it gave none, or where no limit is set.
    pub fn of(
        scope: &Scope,
        number: Number,
        code: Option<&str>,
        caller: Option<&Caller>,
        limit: GuessLimit,
    ) -> Option<Self> {
        let guesses = code.is_some() && limit.attempts > 0;
        guesses.then(|| Self { scope: scope.clone(), number, caller: caller.cloned() })
    }
}

/// The wrong codes of the last window.
#[derive(Debug, Default)]
pub struct Guesses(Rates<Suspect>);

impl Guesses {
    /// How long the suspect is still blocked, in seconds rounded up; `None` if it is not.
    pub fn blocked(&self, suspect: &Suspect, now: Instant) -> Option<Seconds> {
        self.0.blocked(suspect, now)
    }

    /// Counts a wrong code. The one that reaches the limit begins a block of one window; one during the block, of a call
    /// that began before it, does not make it longer.
    pub fn count(&self, suspect: Suspect, limit: GuessLimit, now: Instant) {
        let most = usize::try_from(limit.attempts).unwrap_or(usize::MAX);
        self.0.count(suspect, &Rate { most, window: limit.window, block: limit.window, kept: MOST }, now);
    }

    /// Forgets the wrong codes of a suspect that has given the right one.
    pub fn forget(&self, suspect: &Suspect, now: Instant) {
        self.0.forget(suspect, now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::TenantId;

    const LIMIT: GuessLimit = GuessLimit { attempts: 3, window: Seconds::new(60) };

    fn suspect(caller: &str) -> Suspect {
        let scope = Scope { tenant: TenantId::new("t").unwrap(), environment: None };
        Suspect { scope, number: Number::new("111").unwrap(), caller: Some(Caller::new(caller).unwrap()) }
    }

    #[test]
    fn the_wrong_code_that_reaches_the_limit_begins_a_block_of_one_window() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for _ in 0..3 {
            assert_eq!(guesses.blocked(&suspect("a"), start), None);
            guesses.count(suspect("a"), LIMIT, start);
        }
        assert_eq!(guesses.blocked(&suspect("a"), start), Some(Seconds::new(60)));
        assert_eq!(guesses.blocked(&suspect("a"), start + Duration::from_secs(60)), None);
    }

    #[test]
    fn other_callers_are_not_blocked_and_a_right_code_clears_the_record() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for _ in 0..3 {
            guesses.count(suspect("a"), LIMIT, start);
        }
        assert_eq!(guesses.blocked(&suspect("b"), start), None);
        guesses.forget(&suspect("a"), start);
        assert_eq!(guesses.blocked(&suspect("a"), start), None);
    }

    #[test]
    fn the_table_stays_bounded() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for caller in 0..MOST + 50 {
            guesses.count(suspect(&caller.to_string()), LIMIT, start);
        }
        assert!(guesses.0.len() <= MOST);
    }
}
