//! `[health]`: from when on something seems to be wrong with a number.

use super::section::Section;
use crate::domain::number_health::Thresholds;

/// Section `health`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// After how many allocations in a row that expired a number is suspect, default 20; after how many calls a number
    /// that nobody holds is told, default 5.
    pub numbers: Thresholds,
}

impl Health {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let default = Thresholds::default();
        let suspect = section.whole("suspect_after", 2..=1_000_000_u64).unwrap_or(default.suspect);
        let stray = section.whole("stray_after", 1..=1_000_000_u64).unwrap_or(default.stray);
        Self { numbers: Thresholds { suspect, stray } }
    }
}
