//! `[[tenant.numbers]]` and `[[tenant.interactions]]`: what an empty data directory starts with.
//!
//! The state belongs to those who call the gateway; the file only gives it a beginning. A data directory that already
//! holds something is never changed by it.

use crate::domain::{EnvironmentName, GroupName, Number};

/// The seeds of one tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seeds {
    /// Numbers, in the order of the file.
    pub numbers: Vec<SeedNumber>,
    /// Interactions, in the order of the file.
    pub interactions: Vec<SeedInteraction>,
}

/// A number to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedNumber {
    /// The full number.
    pub number: Number,
    /// The short form that the telephone exchange delivers.
    pub dnid: Number,
    /// The group that lends it, if any.
    pub group: Option<GroupName>,
    /// Whether it may be lent.
    pub enabled: bool,
    /// The environment it belongs to; `None` exactly where the tenant has none.
    pub environment: Option<EnvironmentName>,
}

/// An interaction to begin with; it never expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedInteraction {
    /// The interaction's id.
    pub id: String,
    /// The environment it belongs to; `None` exactly where the tenant has none.
    pub environment: Option<EnvironmentName>,
}
