//! Groups: named sets of numbers that lend by one policy.

use serde::{Deserialize, Serialize};

/// Which free number of a group is lent next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// In the order of the numbers, starting again after the last.
    #[default]
    RoundRobin,
    /// Any free number, all equally likely.
    Random,
    /// The number that has been free for the longest time.
    LeastRecentlyFreed,
}
