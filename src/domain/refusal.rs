//! Why the domain says no. Every dialect turns these into its vendor's words in one table of its own.

use super::{DocumentId, GroupName, InteractionId, Number, Seconds};

/// A business refusal: the request was understood and changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A number with the same digits exists already in this scope.
    #[error("number {0} exists already")]
    NumberExists(Number),
    /// Neither a number nor a DNID of this scope.
    #[error("number {0} is not known")]
    NumberUnknown(Number),
    /// The number cannot be deleted while it is lent.
    #[error("number {0} is allocated")]
    NumberAllocated(Number),
    /// No such group: neither configured nor carried by any number.
    #[error("group '{0}' is not known")]
    GroupUnknown(GroupName),
    /// The group has no number to lend now; for allocations without a group, none of the groups has.
    #[error("no number is free")]
    Exhausted {
        /// The group that was asked for, if one was.
        group: Option<GroupName>,
        /// Seconds until the next allocation of the group ends by itself, rounded up, if one runs.
        next_release: Option<Seconds>,
    },
    /// The interaction does not exist or has ended.
    #[error("interaction '{0}' is not known")]
    InteractionUnknown(InteractionId),
    /// The interaction exists already.
    #[error("interaction '{0}' exists already")]
    InteractionExists(InteractionId),
    /// Nothing that is lent fits the call.
    #[error("no interaction matches the call")]
    NoMatch,
    /// The document does not exist or has ended.
    #[error("document {0} is not known")]
    DocumentUnknown(DocumentId),
    /// The documents of all tenants together would grow beyond the configured total.
    #[error("documents would grow beyond {limit} bytes in total")]
    DocumentsFull {
        /// The configured total, in bytes.
        limit: u64,
    },
    /// Seeds are written only into an empty store.
    #[error("the store is not empty")]
    NotEmpty,
}
