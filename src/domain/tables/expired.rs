//! Numbers whose allocation has expired not long ago, so that a call that comes too late can be told from one that nobody
//! was expected for.
//!
//! It is no part of what is known: nothing is decided by it, no store keeps it, and a restart begins without.

use crate::domain::hash::FastMap;
use crate::domain::{Number, Timestamp};

/// How many numbers of a scope are remembered at least, before the oldest are forgotten.
const REMEMBERED: usize = 4096;

/// The numbers, each with when its allocation expired.
#[derive(Clone, Debug, Default)]
pub(super) struct Expired {
    recent: FastMap<Number, Timestamp>,
    before: FastMap<Number, Timestamp>,
}

/// Two copies of the tables know the same whatever they remember beside it.
impl PartialEq for Expired {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Expired {
    /// Remembers that an allocation of a number has expired.
    pub(super) fn note(&mut self, number: Number, at: Timestamp) {
        if self.recent.len() >= REMEMBERED {
            self.before = std::mem::take(&mut self.recent);
        }
        self.recent.insert(number, at);
    }

    /// When an allocation of a number has expired last, if that is still remembered.
    pub(super) fn at(&self, number: Number) -> Option<Timestamp> {
        self.recent.get(&number).or_else(|| self.before.get(&number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_remembered_and_no_more_than_that() {
        let number = |count: usize| Number::new(&count.to_string()).unwrap();
        let mut expired = Expired::default();
        for count in 0..5 * REMEMBERED {
            expired.note(number(count), Timestamp::from_millis(count as u64));
        }
        assert!(expired.recent.len() + expired.before.len() <= 2 * REMEMBERED);
        assert_eq!(expired.at(number(0)), None);
        let last = 4 * REMEMBERED;
        assert_eq!(expired.at(number(last)), Some(Timestamp::from_millis(last as u64)));
    }
}
