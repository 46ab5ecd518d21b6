//! `[access]`: limits on failed attempts, and what verifying a password may cost.

use super::section::Section;
use crate::domain::Seconds;

const DAY: u64 = 86_400;

/// Section `access`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Failed attempts of one source address at one tenant that block it. Default 10.
    pub failures: usize,
    /// The time in which those failures count. Default 60 s.
    pub window: Seconds,
    /// How long the block lasts. Default 60 s.
    pub block: Seconds,
    /// Source addresses remembered at most. Default 10 000.
    pub sources: usize,
    /// Verified credentials remembered at most. Default 1000.
    pub cache_entries: usize,
    /// How long verified credentials are remembered. Default 300 s.
    pub cache_lifetime: Seconds,
    /// Passwords verified at the same time. Default 2.
    pub verifications: usize,
    /// Attempts that may wait for their verification. Default 256.
    pub waiting: usize,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            failures: 10,
            window: Seconds::new(60),
            block: Seconds::new(60),
            sources: 10_000,
            cache_entries: 1000,
            cache_lifetime: Seconds::new(300),
            verifications: 2,
            waiting: 256,
        }
    }
}

impl Access {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Self::default();
        let mut count = |key, most, default| section.whole(key, 1..=most).map_or(default, |count: u32| count as usize);
        Self {
            failures: count("failures", 1000, default.failures),
            sources: count("sources", 1_000_000, default.sources),
            cache_entries: count("cache_entries", 1_000_000, default.cache_entries),
            verifications: count("verifications", 64, default.verifications),
            waiting: count("waiting", 100_000, default.waiting),
            window: section.whole("window", 1..=DAY).map_or(default.window, Seconds::new),
            block: section.whole("block", 1..=DAY).map_or(default.block, Seconds::new),
            cache_lifetime: section.whole("cache_lifetime", 1..=DAY).map_or(default.cache_lifetime, Seconds::new),
        }
    }
}
