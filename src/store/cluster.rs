//! The gateways that share a store.

use uuid::Uuid;

use crate::domain::Timestamp;

/// The gateways that share a store, and how far they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// How many commits there are.
    pub commits: u64,
    /// Up to which of them the tables have everything that people can query.
    pub in_tables: u64,
    /// Those that were seen in the last day, oldest start first.
    pub members: Vec<Member>,
}

/// A gateway that shares a store with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id, another one at each start.
    pub id: Uuid,
    /// Whether it is the one that was asked.
    pub asked: bool,
    /// What its machine is called.
    pub host: String,
    /// Where it answers.
    pub address: String,
    /// The release that it runs.
    pub version: String,
    /// What stands for its rules: with the same rules two gateways have the same.
    pub rules: String,
    /// The last commit that it knows.
    pub applied: u64,
    /// When it was started, and when it was last seen.
    pub started: Timestamp,
    /// See [`Self::started`].
    pub seen: Timestamp,
    /// Whether it was seen a moment ago.
    pub live: bool,
}
