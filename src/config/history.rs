//! `[history]` and `[audit]`: how long it is remembered who held a number, and what people did.

use super::section::Section;
use crate::domain::{AuditRules, HistoryRules};

/// Section `audit`: how long it is remembered what people did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// For how many days, and how many entries of all tenants at most; none at all where that is zero. Default 365 days,
    /// 20 000 entries.
    pub rules: AuditRules,
}

impl Audit {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = AuditRules::default();
        let days = section.whole("days", 1..=3650_u32).unwrap_or(default.days);
        let entries = section.whole("entries", 0..=1_000_000_u64).unwrap_or(default.entries);
        Self { rules: AuditRules { days, entries } }
    }
}

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
