//! `[usage]`: how long it is remembered what groups were used for.

use super::section::Section;
use crate::domain::UsageRules;

/// Section `usage`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Most records of all groups together; none are kept where that is zero. Default 2 000 000.
    pub rules: UsageRules,
}

impl Usage {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = UsageRules::default();
        let entries = section.whole("entries", 0..=100_000_000_u64).unwrap_or(default.entries);
        Self { rules: UsageRules { entries } }
    }
}
