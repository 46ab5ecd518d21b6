//! A number of a pool, as the gateway keeps it.

use serde::{Deserialize, Serialize};

use super::{AllocationId, GroupName, Number, Timestamp};

/// The gateway's own id of a number: counts up, is never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NumberId(pub u64);

/// A dialable number of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberRecord {
    /// The gateway's id.
    pub id: NumberId,
    /// The whole number, all prefixes included.
    pub number: Number,
    /// The short form that a switch or IVR may see instead; several numbers can share one.
    pub dnid: Number,
    /// The group the number is lent from, if any.
    pub group: Option<GroupName>,
    /// Whether the number may be lent. A disabled number can still be read and freed.
    pub enabled: bool,
    /// The last of its allocations that have ended; `None` if none has.
    pub freed: Option<LastLending>,
}

/// What a pool has to remember of the allocations of a number that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLending {
    /// When the last of them ended; its deadline where it expired.
    pub at: Timestamp,
    /// The newest of them.
    pub allocation: AllocationId,
}

impl LastLending {
    /// What is to be remembered after an allocation has ended at `at`. Those of a shared number end in any order.
    #[must_use]
    pub fn after(before: Option<Self>, allocation: AllocationId, at: Timestamp) -> Self {
        match before {
            Some(before) => Self { at: before.at.max(at), allocation: before.allocation.max(allocation) },
            None => Self { at, allocation },
        }
    }
}

/// What a caller says of a number to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNumber {
    /// The whole number.
    pub number: Number,
    /// The short form.
    pub dnid: Number,
    /// The group, if any.
    pub group: Option<GroupName>,
    /// Whether the number may be lent from now on.
    pub enabled: bool,
}

/// What is to change about a number; a member that is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberPatch {
    /// A new short form.
    pub dnid: Option<Number>,
    /// A new group; `Some(None)` takes the number out of its group.
    pub group: Option<Option<GroupName>>,
    /// Whether the number may be lent.
    pub enabled: Option<bool>,
}
