//! The limit on guessing access codes: so many wrong ones of one caller at one number, then a block.
//!
//! A caller without a number is one caller. The table is bounded, so that nobody can fill the memory with invented
//! callers; what it gives up first is what matters for the shortest time. All dialects that recognise calls share one, so
//! that nobody gets another row of guesses by asking in another protocol.

use std::time::Instant;

use super::rates::{Rate, Rates};
use crate::config::GuessLimit;
use crate::domain::refusal::Miss;
use crate::domain::{Caller, Number, Refusal, Scope, Seconds};
use crate::store;

/// Pairs of number and caller that are remembered.
const MOST: usize = 10_000;

/// Who may be guessing, and at which number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Suspect {
    scope: Scope,
    number: Number,
    caller: Option<Caller>,
}

/// The wrong codes of the last window.
#[derive(Debug, Default)]
pub struct Guesses(Rates<Suspect>);

/// A call that may be a guess, until it is known whether it was right.
#[must_use = "whether it was right decides about the next one"]
pub struct Guess<'g> {
    guesses: &'g Guesses,
    /// `None` where no code was given, or where no limit is set.
    suspect: Option<Suspect>,
    limit: GuessLimit,
}

impl Guesses {
    /// A call of `caller` to a number that gave a `code`.
    ///
    /// # Errors
    /// How long the caller is still blocked at this number.
    pub fn begin(
        &self,
        scope: &Scope,
        number: Number,
        code: Option<&str>,
        caller: Option<&Caller>,
        limit: GuessLimit,
    ) -> Result<Guess<'_>, Seconds> {
        let guesses = code.is_some() && limit.attempts > 0;
        let suspect = guesses.then(|| Suspect { scope: scope.clone(), number, caller: caller.cloned() });
        match suspect.as_ref().and_then(|suspect| self.0.blocked(suspect, Instant::now())) {
            Some(left) => Err(left),
            None => Ok(Guess { guesses: self, suspect, limit }),
        }
    }

    /// Counts a wrong code. The one that reaches the limit begins a block of one window; one during the block, of a call
    /// that began before it, does not make it longer.
    fn count(&self, suspect: Suspect, limit: GuessLimit, now: Instant) {
        let most = usize::try_from(limit.attempts).unwrap_or(usize::MAX);
        self.0.count(suspect, &Rate { most, window: limit.window, block: limit.window, kept: MOST }, now);
    }
}

impl Guess<'_> {
    /// The call was recognised, or was missed for this reason: a wrong code counts, a right one clears the record.
    pub fn ended(self, miss: Option<Miss>) {
        let (Some(suspect), now) = (self.suspect, Instant::now()) else { return };
        match miss {
            None => self.guesses.0.forget(&suspect, now),
            Some(Miss::WrongCode) => self.guesses.count(suspect, self.limit, now),
            Some(_) => {}
        }
    }

    /// As [`Self::ended`], by what the store says of a match.
    pub fn matched<T>(self, matched: &Result<T, store::Error>) {
        match matched {
            Ok(_) => self.ended(None),
            Err(store::Error::Refused(Refusal::NoMatch(miss))) => self.ended(Some(*miss)),
            Err(_) => {}
        }
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
            assert_eq!(guesses.0.blocked(&suspect("a"), start), None);
            guesses.count(suspect("a"), LIMIT, start);
        }
        assert_eq!(guesses.0.blocked(&suspect("a"), start), Some(Seconds::new(60)));
        assert_eq!(guesses.0.blocked(&suspect("a"), start + Duration::from_secs(60)), None);
    }

    #[test]
    fn other_callers_are_not_blocked_and_a_right_code_clears_the_record() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for _ in 0..3 {
            guesses.count(suspect("a"), LIMIT, start);
        }
        assert_eq!(guesses.0.blocked(&suspect("b"), start), None);
        guesses.0.forget(&suspect("a"), start);
        assert_eq!(guesses.0.blocked(&suspect("a"), start), None);
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
