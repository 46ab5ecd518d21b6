//! What was refused and what was tolerated, counted where it happens; whoever publishes metrics reads it.

use std::sync::atomic::{AtomicU64, Ordering};

use super::deviation::DeviationKind;
use crate::xml::refusal::Reason;

/// Counters since the start of the process.
#[derive(Debug)]
pub struct Tally {
    /// In the order of [`Reason::ALL`].
    refused: [AtomicU64; Reason::ALL.len()],
    /// In the order of [`DeviationKind::ALL`].
    tolerated: [AtomicU64; DeviationKind::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self { refused: [const { AtomicU64::new(0) }; _], tolerated: [const { AtomicU64::new(0) }; _] }
    }
}

impl Tally {
    /// How many documents were refused for each reason.
    pub fn refused(&self) -> impl Iterator<Item = (Reason, u64)> {
        Reason::ALL.iter().zip(&self.refused).map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
    }

    /// How many requests were understood in spite of each kind of deviation.
    pub fn tolerated(&self) -> impl Iterator<Item = (DeviationKind, u64)> {
        DeviationKind::ALL.iter().zip(&self.tolerated).map(|(kind, count)| (*kind, count.load(Ordering::Relaxed)))
    }

    /// Counts a document that was refused.
    pub(super) fn refuse(&self, reason: Reason) {
        self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that was understood in spite of a deviation; call it once for each kind in a request.
    pub fn tolerate(&self, kind: DeviationKind) {
        self.tolerated[kind as usize].fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_and_every_kind_has_a_counter_of_its_own() {
        let tally = Tally::default();
        for (count, reason) in Reason::ALL.iter().enumerate() {
            (0..=count).for_each(|_| tally.refuse(*reason));
        }
        for (count, kind) in DeviationKind::ALL.iter().enumerate() {
            (0..=count).for_each(|_| tally.tolerate(*kind));
        }
        assert!(tally.refused().enumerate().all(|(place, (_, count))| count == place as u64 + 1));
        assert!(tally.tolerated().enumerate().all(|(place, (_, count))| count == place as u64 + 1));
    }
}
