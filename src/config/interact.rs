//! `[interact]`: the Interact dialect.

use crate::domain::{GroupName, Seconds};

/// Section `interact`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interact {
    /// What the paths of the dialect begin with: a slash first, none at the end. Default `/interact`.
    pub prefix: String,
    /// How long an allocation lasts. Default 300 s.
    pub allocation_timeout: Seconds,
    /// The groups that lend when a request names none; without it, all exclusive groups and the numbers without group.
    pub default_groups: Option<Vec<GroupName>>,
    /// Whether Allocate refuses an interaction id that the gateway has not made. Default false.
    pub require_known_interaction: bool,
}

impl Default for Interact {
    fn default() -> Self {
        Self {
            prefix: "/interact".to_owned(),
            allocation_timeout: Seconds::new(300),
            default_groups: None,
            require_known_interaction: false,
        }
    }
}
