//! What a decision of the state comes to: a list of changes, which is all that readers and disks ever learn of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::audit::{AuditEntry, AuditId, AuditOwner};
use super::history::{Bucket, Owner, Past};
use super::tables::routes::Numbering;
use super::usage::{Group, Running, Span, UsageRecord};
use super::{
    Allocation, Document, DocumentId, Entry, EntryKey, IdempotencyKey, IdempotencyRecord, Interaction, InteractionId,
    Number, NumberRecord, Route, Scope, SigningKey, Skill, SkillId, ValueId,
};

/// One thing that has changed. A list of changes is the whole outcome of a command for a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A number was created, changed, or (`None`) deleted.
    Number(Arc<Scope>, Number, Option<Arc<NumberRecord>>),
    /// A number was lent, or its allocation changed.
    Allocated(Arc<Scope>, Arc<Allocation>),
    /// An allocation has ended.
    Released(Arc<Scope>, Arc<Allocation>),
    /// An interaction began, changed, or (`None`) ended.
    Interaction(Arc<Scope>, InteractionId, Option<Arc<Interaction>>),
    /// A document began, changed, or (`None`) ended. Readers take it whole; a store keeps it without its entries.
    Document(Arc<Scope>, DocumentId, Option<Arc<Document>>),
    /// An entry of a document was written or (`None`) removed; follows the document's own change.
    Entry(Arc<Scope>, DocumentId, EntryKey, Option<Entry>),
    /// The bytes of a large value are to be kept.
    ValueKept(ValueId, Arc<[u8]>),
    /// The bytes of a large value, this many, are no longer needed.
    ValueDropped(ValueId, u64),
    /// What the first call under a key made is remembered, has ended, or (`None`) is forgotten.
    IdempotencyKey(Arc<Scope>, IdempotencyKey, Option<Arc<IdempotencyRecord>>),
    /// A skill queue was made, changed, or (`None`) deleted.
    Skill(Arc<Scope>, SkillId, Option<Arc<Skill>>),
    /// The called route with this configuration number was created, changed, or (`None`) deleted.
    Route(Arc<Scope>, u32, Option<Arc<Route>>),
    /// Numbers of routes or queues were given out.
    Numbering(Arc<Scope>, Numbering),
    /// A key to sign tokens with was made.
    SigningKey(SigningKey),
    /// An allocation that was released is remembered.
    Ended(Arc<Scope>, Arc<Past>),
    /// Everything in a bucket of somebody's history is forgotten; nothing comes into it or before it any more.
    HistoryDropped(Owner, Bucket),
    /// Something was done that the audit tells, or (`None`) what it told of that is forgotten.
    Audited(AuditOwner, AuditId, Option<Arc<AuditEntry>>),
    /// What a group is used for in the quarter of an hour that runs; `None` where nothing is.
    Usage(Arc<Scope>, Group, Option<Arc<Running>>),
    /// What a group was used for in a quarter of an hour or an hour that is over is remembered.
    Used(Arc<Scope>, Arc<UsageRecord>),
    /// All quarters, or hours, of this day since 1970 are forgotten; nothing comes into it or before it any more.
    UsageDropped(Span, u32),
    /// Ids were given out in a scope.
    Ids(Arc<Scope>, Ids),
    /// Ids were given out that are counted for all scopes together.
    Counters(Counters),
}

/// The last ids given out in one scope. Each scope counts for itself, so that nobody reads off his ids how much others do;
/// an id is never given twice in a scope, not even after a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Of numbers.
    pub number: u64,
    /// Of allocations.
    pub allocation: u64,
    /// Of interactions that the gateway named.
    pub interaction: u64,
}

impl Ids {
    /// Whichever is later, for each kind.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            number: self.number.max(other.number),
            allocation: self.allocation.max(other.allocation),
            interaction: self.interaction.max(other.interaction),
        }
    }
}

/// The last ids given out that are counted for all scopes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// What an older release gave out while it counted for all scopes together. Every scope goes on above it, whatever of
    /// it was its own; nothing is added any more.
    pub before: Ids,
    /// Of large values, which nobody outside sees.
    pub value: u64,
}
