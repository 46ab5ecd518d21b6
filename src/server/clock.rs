//! Says when the wall clock and the clock that deadlines follow have come to differ.
//!
//! Deadlines do not care, but people do who compare an end with their watch, and so do other gateways' tokens.

use crate::store::clock::{self, Clock, NOTABLE_DIFFERENCE};

/// Whether the clocks were found to differ when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Difference {
    notable: bool,
}

impl Difference {
    /// Looks at the clocks, and logs when they begin and when they cease to differ by more than a minute.
    pub(super) fn look(&mut self, clock: &dyn Clock) {
        let milliseconds = clock::ahead(clock);
        let notable = milliseconds.unsigned_abs() > NOTABLE_DIFFERENCE;
        let seconds = milliseconds / 1000;
        match (self.notable, notable) {
            (false, true) => tracing::warn!(
                seconds,
                "the wall clock was set; bookings and all else that lasts go on by the time that has really passed"
            ),
            (true, false) => tracing::info!(seconds, "the wall clock shows the time of the gateway again"),
            _ => {}
        }
        self.notable = notable;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use crate::store::ManualClock;

    #[test]
    fn a_difference_is_notable_from_a_minute_on_in_both_directions() {
        let clock = ManualClock::new(Timestamp::from_millis(10_000_000));
        let mut difference = Difference::default();
        for (wall, notable) in [(10_000_000, false), (10_060_001, true), (10_060_000, false), (9_939_999, true)] {
            clock.set_wall(Timestamp::from_millis(wall));
            difference.look(&clock);
            assert_eq!(difference.notable, notable, "{wall}");
        }
    }
}
