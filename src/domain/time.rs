//! Points in time and spans, in the two units the gateway uses: milliseconds inside, whole seconds on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};

const MILLIS_A_DAY: u64 = 24 * 60 * 60 * 1000;

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

/// As RFC 3339 in UTC, to the millisecond: `2026-03-01T09:30:00.250Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0;
        let (year, month, day) = date(millis / MILLIS_A_DAY);
        let of_day = millis % MILLIS_A_DAY;
        let (seconds, millis) = (of_day / 1000, of_day % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    // Counted in years that begin in March, a leap day is the last of its year, and 400 years have 146 097 days.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
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

    #[test]
    fn a_point_in_time_is_told_as_rfc_3339_in_utc() {
        let told = |millis| Timestamp::from_millis(millis).to_string();
        assert_eq!(told(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(told(951_827_696_007), "2000-02-29T12:34:56.007Z");
        assert_eq!(told(951_868_800_000), "2000-03-01T00:00:00.000Z");
        assert_eq!(told(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(told(1_735_689_599_999), "2024-12-31T23:59:59.999Z");
        assert_eq!(told(4_107_542_400_000), "2100-03-01T00:00:00.000Z");
    }
}
