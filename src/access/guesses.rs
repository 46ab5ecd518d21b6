//! The limit on guessing access codes: so many wrong ones of one caller at one number, then a block.
//!
//! A caller without a number is one caller. The table is bounded, so that nobody can fill the memory with invented
//! callers; what it gives up first is what matters for the shortest time. All dialects that recognise calls share one, so
//! that nobody gets another row of guesses by asking in another protocol.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

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
pub struct Guesses(Mutex<HashMap<Suspect, Record>>);

/// Wrong codes since the first one; forgotten, and a block with them, when the window that begins with the latest is
/// over.
#[derive(Clone, Copy, Debug)]
struct Record {
    wrong: u32,
    latest: Instant,
}

impl Record {
    fn left(&self, limit: GuessLimit, now: Instant) -> Option<Duration> {
        let until = self.latest + Duration::from_secs(limit.window.get());
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }
}

impl Guesses {
    /// How long the suspect is still blocked, in seconds rounded up; `None` if it is not.
    pub fn blocked(&self, suspect: &Suspect, limit: GuessLimit, now: Instant) -> Option<Seconds> {
        let record = *self.0.lock().get(suspect)?;
        let left = record.left(limit, now).filter(|_| record.wrong >= limit.attempts)?;
        Some(Seconds::new(left.as_secs() + u64::from(left.subsec_nanos() > 0)))
    }

    /// Counts a wrong code. One during a block, of a call that began before it, does not make the block longer.
    pub fn count(&self, suspect: Suspect, limit: GuessLimit, now: Instant) {
        let mut table = self.0.lock();
        if table.len() >= MOST && !table.contains_key(&suspect) {
            make_room(&mut table, limit, now);
        }
        let record = table.entry(suspect).or_insert(Record { wrong: 0, latest: now });
        if record.left(limit, now).is_none() {
            *record = Record { wrong: 0, latest: now };
        }
        if record.wrong < limit.attempts {
            *record = Record { wrong: record.wrong + 1, latest: now };
        }
    }

    /// Forgets the wrong codes of a suspect that has given the right one.
    pub fn forget(&self, suspect: &Suspect) {
        self.0.lock().remove(suspect);
    }
}

/// Drops what no longer matters, or else the record that will be first to.
fn make_room(table: &mut HashMap<Suspect, Record>, limit: GuessLimit, now: Instant) {
    table.retain(|_, record| record.left(limit, now).is_some());
    if table.len() >= MOST {
        let first = table.iter().min_by_key(|(_, record)| record.latest).map(|(suspect, _)| suspect.clone());
        if let Some(first) = first {
            table.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::TenantId;

    const LIMIT: GuessLimit = GuessLimit { attempts: 3, window: Seconds::new(60) };

    fn suspect(caller: &str) -> Suspect {
        let scope = Scope { tenant: TenantId::new("t").unwrap(), environment: None };
        Suspect { scope, number: Number::new("111").unwrap(), caller: Some(Caller::new(caller).unwrap()) }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_wrong_code_that_reaches_the_limit_begins_a_block_of_one_window() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for attempt in 0..3 {
            assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start + seconds(attempt)), None);
            guesses.count(suspect("a"), LIMIT, start + seconds(attempt));
        }
        assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start + seconds(2)), Some(Seconds::new(60)));
        guesses.count(suspect("a"), LIMIT, start + seconds(30));
        assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start + Duration::from_millis(61_999)), Some(Seconds::new(1)));
        assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start + seconds(62)), None);
        guesses.count(suspect("a"), LIMIT, start + seconds(62));
        assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start + seconds(62)), None);
    }

    #[test]
    fn other_callers_are_not_blocked_and_a_right_code_clears_the_record() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for _ in 0..3 {
            guesses.count(suspect("a"), LIMIT, start);
        }
        assert!(guesses.blocked(&suspect("a"), LIMIT, start).is_some());
        assert_eq!(guesses.blocked(&suspect("b"), LIMIT, start), None);
        guesses.forget(&suspect("a"));
        assert_eq!(guesses.blocked(&suspect("a"), LIMIT, start), None);
    }

    #[test]
    fn the_table_stays_bounded() {
        let (guesses, start) = (Guesses::default(), Instant::now());
        for caller in 0..MOST + 50 {
            guesses.count(suspect(&caller.to_string()), LIMIT, start + Duration::from_micros(caller as u64));
        }
        assert_eq!(guesses.0.lock().len(), MOST);
        assert!(guesses.0.lock().contains_key(&suspect(&(MOST + 49).to_string())));
    }
}
