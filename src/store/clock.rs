//! The one place that reads the clocks of the system.
//!
//! Deadlines follow a clock that advances with real time whatever the operator, or a time service, does to the wall clock:
//! a booking of ten minutes lasts ten minutes. What the outside world has dated, such as a message that says when it was
//! made, is held against the wall clock.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::domain::{Seconds, Timestamp};

/// From this difference on, in milliseconds, two clocks are said to differ.
pub const NOTABLE_DIFFERENCE: u64 = 60_000;

/// From this step on, in milliseconds, a server's clock is said to have been set.
const NOTABLE_STEP: u64 = 10_000;

/// A source of the current time that never goes backwards.
pub trait Clock: Send + Sync {
    /// The current time, for everything that lasts: deadlines, tokens, keys of requests, history.
    fn now(&self) -> Timestamp;

    /// What the wall clock shows, which can be set: for what others have dated.
    fn wall(&self) -> Timestamp;

    /// Goes on from a point in time, if that has not been reached yet.
    fn go_on_from(&self, at: Timestamp);
}

/// By how much the wall clock is ahead of the clock that deadlines follow, in milliseconds; negative where it is behind.
pub fn ahead(clock: &dyn Clock) -> i64 {
    let millis = |at: Timestamp| i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    millis(clock.wall()).saturating_sub(millis(clock.now()))
}

/// Lets a clock go on from the last commit of a store, and says so where that lies notably ahead of the wall clock.
pub(super) fn go_on_from(clock: &dyn Clock, last_commit: Timestamp) {
    let ahead = last_commit.as_millis().saturating_sub(clock.wall().as_millis());
    if ahead > NOTABLE_DIFFERENCE {
        tracing::warn!(
            seconds = ahead / 1000,
            "the last commit of the data directory is ahead of the wall clock; deadlines go on from the last commit"
        );
    }
    clock.go_on_from(last_commit);
}

/// The system's clocks. Once made it advances with the time since the machine was started, the time that it was suspended
/// included, from what the wall clock showed then.
#[derive(Debug)]
pub struct SystemClock {
    /// The time when the machine was started, in milliseconds since 1970, if no clock had ever been set since.
    started: AtomicU64,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: AtomicU64::new(wall().saturating_sub(since_boot())) }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.started.load(Ordering::Relaxed) + since_boot())
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(wall())
    }

    fn go_on_from(&self, at: Timestamp) {
        self.started.fetch_max(at.as_millis().saturating_sub(since_boot()), Ordering::Relaxed);
    }
}

/// A clock that follows that of a server: it advances with the time since the machine was started from what the server's
/// clock showed last.
#[derive(Debug)]
pub struct ServerClock {
    /// What the server's clock showed when this machine was started, in milliseconds since 1970, as far as is known.
    started: AtomicU64,
    /// The latest time that was shown.
    shown: AtomicU64,
    /// Whether the server was heard of.
    heard: AtomicBool,
}

impl Default for ServerClock {
    /// A clock that goes by the wall clock until the server is heard of.
    fn default() -> Self {
        let started = AtomicU64::new(wall().saturating_sub(since_boot()));
        Self { started, shown: AtomicU64::new(0), heard: AtomicBool::new(false) }
    }
}

impl ServerClock {
    /// The server's clock showed this a moment ago.
    pub fn follow(&self, at: Timestamp) {
        let started = at.as_millis().saturating_sub(since_boot());
        let before = self.started.swap(started, Ordering::AcqRel);
        let heard = self.heard.swap(true, Ordering::AcqRel);
        if heard && before.abs_diff(started) > NOTABLE_STEP {
            tracing::warn!(
                milliseconds = before.abs_diff(started),
                "the database's clock was set, or does not advance as this machine's does; see to it that both are kept by \
                 NTP"
            );
        }
    }
}

impl Clock for ServerClock {
    fn now(&self) -> Timestamp {
        let now = self.started.load(Ordering::Acquire) + since_boot();
        Timestamp::from_millis(self.shown.fetch_max(now, Ordering::AcqRel).max(now))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(wall())
    }

    fn go_on_from(&self, at: Timestamp) {
        self.shown.fetch_max(at.as_millis(), Ordering::AcqRel);
    }
}

/// Milliseconds since 1970 as the wall clock has them.
fn wall() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}

/// Milliseconds since the machine was started.
fn since_boot() -> u64 {
    let at = clock_gettime(ClockId::Boottime);
    let whole = |part: i64| u64::try_from(part).unwrap_or_default();
    whole(at.tv_sec) * 1000 + whole(at.tv_nsec) / 1_000_000
}

/// A clock that stands still until it is moved; for tests and replays. Its wall clock can be set apart.
#[derive(Debug)]
pub struct ManualClock {
    now: AtomicU64,
    wall: AtomicU64,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: AtomicU64::new(now.as_millis()), wall: AtomicU64::new(now.as_millis()) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, span: Seconds) {
        self.advance_millis(span.get() * 1000);
    }

    /// Moves the clock forward by milliseconds.
    pub fn advance_millis(&self, milliseconds: u64) {
        self.now.fetch_add(milliseconds, Ordering::AcqRel);
        self.wall.fetch_add(milliseconds, Ordering::AcqRel);
    }

    /// Sets the wall clock, forward or back.
    pub fn set_wall(&self, wall: Timestamp) {
        self.wall.store(wall.as_millis(), Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::Acquire))
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::Acquire))
    }

    fn go_on_from(&self, at: Timestamp) {
        self.now.fetch_max(at.as_millis(), Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_starts_with_the_wall_clock_and_advances() {
        let clock = SystemClock::default();
        let (first, wall) = (clock.now(), clock.wall());
        assert!(first.as_millis().abs_diff(wall.as_millis()) < 1000, "{first:?} {wall:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(clock.now() >= Timestamp::from_millis(first.as_millis() + 20), "{first:?} {:?}", clock.now());
    }

    #[test]
    fn a_clock_that_follows_a_server_shows_its_time_and_never_goes_back() {
        let clock = ServerClock::default();
        let hour_ahead = clock.now().after(Seconds::new(3600));
        clock.follow(hour_ahead);
        let now = clock.now();
        assert!(now >= hour_ahead && now.as_millis() < hour_ahead.as_millis() + 60_000, "{now:?}");
        clock.follow(Timestamp::from_millis(now.as_millis() - 1_800_000));
        assert!(clock.now() >= now, "it waits until the server's clock is there again");
        clock.go_on_from(now.after(Seconds::new(5)));
        assert!(clock.now() >= now.after(Seconds::new(5)));
    }

    #[test]
    fn a_clock_goes_on_from_a_later_time_and_never_back_to_an_earlier_one() {
        let clock = SystemClock::default();
        let later = clock.now().after(Seconds::new(3600));
        clock.go_on_from(later);
        assert!(clock.now() >= later);
        std::thread::sleep(std::time::Duration::from_millis(20));
        assert!(clock.now() > later, "it advances from there");
        clock.go_on_from(Timestamp::default());
        assert!(clock.now() > later);
        assert!(ahead(&clock) < -3_500_000, "{}", ahead(&clock));
    }
}
