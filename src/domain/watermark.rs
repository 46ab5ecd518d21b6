//! When a group is running out of numbers: the levels of its utilisation, and when one is crossed.
//!
//! A level begins at its threshold and ends a few points below it, so that a group that hovers there is not told of
//! again and again.

/// How many points below its threshold a level ends.
const MARGIN: usize = 5;

/// How close a group is to having no number left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// There are enough.
    #[default]
    Normal,
    /// It should have more.
    Warning,
    /// It will soon be empty.
    Critical,
}

/// From which utilisation on, in percent of the numbers that may be lent, a level holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// [`Level::Warning`]; 1 to 100.
    pub warning: usize,
    /// [`Level::Critical`]; 1 to 100, not below `warning`.
    pub critical: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { warning: 75, critical: 90 }
    }
}

impl Thresholds {
    /// The utilisation from which on a level holds; `None` for the lowest, which always does.
    pub fn of(&self, level: Level) -> Option<usize> {
        match level {
            Level::Normal => None,
            Level::Warning => Some(self.warning),
            Level::Critical => Some(self.critical),
        }
    }

    /// The level of a group at a utilisation in percent, after the level `before`.
    pub fn level(&self, before: Level, utilisation: usize) -> Level {
        let holds = |level: &Level| {
            let margin = if *level <= before { MARGIN } else { 0 };
            self.of(*level).is_some_and(|threshold| threshold <= utilisation + margin && utilisation > 0)
        };
        [Level::Critical, Level::Warning].into_iter().find(holds).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Level::{Critical, Normal, Warning};
    use super::*;

    /// The levels that a group goes through with these utilisations.
    fn levels(utilisations: &[usize]) -> Vec<Level> {
        let step = |level: &mut Level, utilisation: &usize| {
            *level = Thresholds::default().level(*level, *utilisation);
            Some(*level)
        };
        utilisations.iter().scan(Normal, step).collect()
    }

    #[test]
    fn a_level_begins_at_its_threshold() {
        assert_eq!(levels(&[0, 74, 75, 89, 90, 100]), [Normal, Normal, Warning, Warning, Critical, Critical]);
    }

    #[test]
    fn a_level_ends_five_points_below_its_threshold_so_that_it_does_not_flap() {
        assert_eq!(levels(&[75, 74, 75, 70, 69, 74]), [Warning, Warning, Warning, Warning, Normal, Normal]);
        assert_eq!(levels(&[90, 89, 85, 84, 89, 90]), [Critical, Critical, Critical, Warning, Warning, Critical]);
    }

    #[test]
    fn a_group_can_fill_and_empty_at_once() {
        assert_eq!(levels(&[95, 0, 95]), [Critical, Normal, Critical]);
    }

    #[test]
    fn a_group_of_which_nothing_is_lent_is_at_no_level_however_low_the_thresholds() {
        let low = Thresholds { warning: 1, critical: 2 };
        assert_eq!(low.level(Critical, 0), Normal);
        assert_eq!(low.level(Normal, 1), Warning);
    }
}
