//! `[history]`: how long it is remembered who held a number.

use super::section::Section;
use crate::domain::HistoryRules;

/// Section `history`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// For how many days, and how many entries of all tenants at most; none at all where that is zero. Default 30 days,
    /// 1 000 000 entries.
    pub rules: HistoryRules,
}

impl History {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = HistoryRules::default();
        let days = section.whole("days", 1..=3650_u32).unwrap_or(default.days);
        let entries = section.whole("entries", 0..=100_000_000_u64).unwrap_or(default.entries);
        Self { rules: HistoryRules { days, entries } }
    }
}
