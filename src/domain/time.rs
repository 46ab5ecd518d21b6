//! Points in time and spans, in the two units the gateway uses: milliseconds inside, whole seconds on the wire.

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `milliseconds` after the epoch.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The point `span` later; stays at the end of time instead of wrapping.
    #[must_use]
    pub const fn after(self, span: Seconds) -> Self {
        Self(self.0.saturating_add(span.0.saturating_mul(1000)))
    }

    /// The millisecond before this point.
    pub const fn just_before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Whole seconds from `now` to this point, rounded up; zero when it has passed. Whoever waits this long is not
    /// too early.
    pub const fn seconds_to_wait(self, now: Self) -> Seconds {
        Seconds(self.0.saturating_sub(now.0).div_ceil(1000))
    }

    /// Whole seconds from `earlier` to this point, rounded down; zero if it was not earlier.
    pub const fn seconds_since(self, earlier: Self) -> Seconds {
        Seconds(self.0.saturating_sub(earlier.0) / 1000)
    }

    /// Whole seconds from `now` to this point, rounded down; zero when it has passed.
    pub const fn seconds_left(self, now: Self) -> Seconds {
        Seconds(self.0.saturating_sub(now.0) / 1000)
    }
}

/// A span of whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(u64);

impl Seconds {
    /// A span of `seconds`.
    pub const fn new(seconds: u64) -> Self {
        Self(seconds)
    }

    /// The number of seconds.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// When something ends by itself.
///
/// Something with a deadline is over the moment the clock reaches it: at the deadline itself it no longer counts.
/// `At` orders before `Never`, so the later of two deadlines is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Deadline {
    /// At this point in time.
    At(Timestamp),
    /// Only when somebody ends it.
    Never,
}

impl Deadline {
    /// Whether the deadline has been reached at `now`.
    pub fn passed(self, now: Timestamp) -> bool {
        match self {
            Self::At(at) => at <= now,
            Self::Never => false,
        }
    }

    /// The point in time, if there is one.
    pub const fn at(self) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(at),
            Self::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_has_passed_at_its_very_millisecond_and_not_one_before() {
        let deadline = Deadline::At(Timestamp::from_millis(5_000));
        assert!(!deadline.passed(Timestamp::from_millis(4_999)));
        assert!(deadline.passed(Timestamp::from_millis(5_000)));
        assert!(!Deadline::Never.passed(Timestamp::from_millis(u64::MAX)));
    }

    #[test]
    fn seconds_left_are_rounded_down_and_never_negative() {
        let at = Timestamp::from_millis(30_000);
        assert_eq!(at.seconds_left(Timestamp::from_millis(0)), Seconds::new(30));
        assert_eq!(at.seconds_left(Timestamp::from_millis(1)), Seconds::new(29));
        assert_eq!(at.seconds_left(Timestamp::from_millis(30_001)), Seconds::new(0));
        assert_eq!(at.seconds_to_wait(Timestamp::from_millis(1)), Seconds::new(30));
        assert_eq!(at.seconds_to_wait(Timestamp::from_millis(30_001)), Seconds::new(0));
    }

    #[test]
    fn never_is_later_than_any_point() {
        assert!(Deadline::Never > Deadline::At(Timestamp::from_millis(u64::MAX)));
    }

    #[test]
    fn the_end_of_time_does_not_wrap() {
        let late = Timestamp::from_millis(u64::MAX - 1);
        assert_eq!(late.after(Seconds::new(u64::MAX)).as_millis(), u64::MAX);
    }
}
