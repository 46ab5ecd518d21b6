//! Why no number is free: what the problem of an exhausted group tells besides its text.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::time::Time;
use crate::domain::state::{Oldest, PoolHealth};
use crate::domain::{GroupName, InteractionId, Number, Seconds};

/// A group that could have lent, as it was when the request was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExhaustedGroup")]
pub(in crate::dialect::native) struct ExhaustedGroup {
    /// The group; null for the numbers without one.
    group: Option<GroupName>,
    /// Its numbers by what they do; every number is counted once.
    counts: Counts,
    /// Live allocations: more than numbers where the group is shared.
    allocations: usize,
    /// The oldest live allocation; null where nothing is lent.
    oldest: Option<OldestAllocation>,
    /// Seconds until a number can be lent again by itself; null where none will.
    earliest_release: Option<u64>,
}

/// The numbers of a group by what they do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NumberCounts")]
pub(in crate::dialect::native) struct Counts {
    /// They can be lent.
    free: usize,
    /// They are lent.
    allocated: usize,
    /// They rest before they are lent again.
    cooling: usize,
    /// The configuration keeps them back.
    reserved: usize,
    /// They are not lent and not enabled.
    disabled: usize,
}

/// The oldest allocation of a group.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct OldestAllocation {
    /// The number that it lends.
    number: Number,
    /// Who holds it.
    interaction: InteractionId,
    /// Since when.
    since: Time,
    /// For how many seconds.
    seconds: u64,
}

impl From<&PoolHealth> for ExhaustedGroup {
    fn from(pool: &PoolHealth) -> Self {
        Self {
            group: pool.group.clone(),
            counts: pool.into(),
            allocations: pool.allocations,
            oldest: pool.oldest.as_ref().map(OldestAllocation::from),
            earliest_release: pool.next_release.map(Seconds::get),
        }
    }
}

impl From<&PoolHealth> for Counts {
    fn from(pool: &PoolHealth) -> Self {
        let PoolHealth { free, allocated, cooling, reserved, disabled, .. } = *pool;
        Self { free, allocated, cooling, reserved, disabled }
    }
}

impl From<&Oldest> for OldestAllocation {
    fn from(Oldest { allocation, lasted }: &Oldest) -> Self {
        Self {
            number: allocation.number,
            interaction: allocation.interaction.clone(),
            since: Time(allocation.since),
            seconds: lasted.get(),
        }
    }
}
