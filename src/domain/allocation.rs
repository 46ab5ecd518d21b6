//! An allocation: a number lent to one interaction until a deadline.

use serde::{Deserialize, Serialize};

use super::{AccessCode, ApplicationName, Caller, InteractionId, Number, Sharing, Timestamp};

/// The id of an allocation among those of its scope; a greater one is newer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllocationId(pub u64);

/// Which dialect lent the number. Interact gives an interaction its running allocation again, and only its own counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LentBy {
    /// Genesys GMS.
    Gms,
    /// Jacada Interact.
    Interact,
    /// The gateway's own API.
    Native,
}

/// A number lent to one interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The allocation's id.
    pub id: AllocationId,
    /// The number that is lent.
    pub number: Number,
    /// Who holds it.
    pub interaction: InteractionId,
    /// The code the caller must give, if one was asked for.
    pub code: Option<AccessCode>,
    /// The caller's own number, if it was told.
    pub caller: Option<Caller>,
    /// Which dialect lent it.
    pub origin: LentBy,
    /// The application that asked for it; `None` where it was none, or an older release lent it.
    pub application: Option<ApplicationName>,
    /// Whether it has the number to itself.
    pub sharing: Sharing,
    /// When it was lent.
    pub since: Timestamp,
    /// When it ends by itself; at this very point the number is free.
    pub deadline: Timestamp,
}

impl Allocation {
    /// Whether the allocation still counts at `now`.
    pub fn live(&self, now: Timestamp) -> bool {
        now < self.deadline
    }
}
