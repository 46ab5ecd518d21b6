//! How many bytes of long bodies and answers are held at a time, of all connections together.
//!
//! What is short is neither counted nor refused: there are never more short bodies than connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dialect::HttpRefusal;

/// What is no longer than this is short.
pub(super) const SHORT: usize = 64 * 1024;

/// The bytes that are held now.
#[derive(Debug, Default)]
pub(super) struct InFlight(AtomicUsize);

/// A part of them, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    of: Arc<InFlight>,
    bytes: usize,
    most: usize,
}

impl InFlight {
    /// Nothing yet of something that grows; `most` is how many bytes may be held in all.
    pub(super) fn hold(self: &Arc<Self>, most: usize) -> Held {
        Held { of: Arc::clone(self), bytes: 0, most }
    }

    /// How many bytes are held now.
    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Held {
    /// Holds so many bytes instead, if there is room for the difference.
    ///
    /// # Errors
    /// [`HttpRefusal::Crowded`]; what was held before is still held.
    pub(super) fn grow(&mut self, to: usize) -> Result<(), HttpRefusal> {
        if to <= SHORT || to <= self.bytes {
            return Ok(());
        }
        let more = to - self.bytes;
        let room = |held: usize| held.checked_add(more).filter(|held| *held <= self.most);
        self.of.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).map_err(|_| HttpRefusal::Crowded)?;
        self.bytes = to;
        Ok(())
    }

    /// Holds so many bytes whether there is room or not: what was done is not to be left without an answer.
    pub(super) fn grow_anyway(&mut self, to: usize) {
        if to > SHORT && to > self.bytes {
            self.of.0.fetch_add(to - self.bytes, Ordering::Relaxed);
            self.bytes = to;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.of.0.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_not_counted_and_what_is_long_only_as_long_as_it_is_held() {
        let in_flight = Arc::new(InFlight::default());
        let mut short = in_flight.hold(100_000);
        assert_eq!(short.grow(SHORT), Ok(()));
        assert_eq!(in_flight.bytes(), 0);
        let mut long = in_flight.hold(100_000);
        assert_eq!(long.grow(70_000), Ok(()));
        assert_eq!(long.grow(100_000), Ok(()));
        assert_eq!(in_flight.bytes(), 100_000);
        assert_eq!(short.grow(SHORT + 1), Err(HttpRefusal::Crowded));
        drop(long);
        assert_eq!(short.grow(SHORT + 1), Ok(()));
        short.grow_anyway(200_000);
        assert_eq!(in_flight.bytes(), 200_000);
        drop(short);
        assert_eq!(in_flight.bytes(), 0);
    }
}
