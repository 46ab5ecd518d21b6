//! Why the domain says no. Every dialect turns these into its vendor's words in one table of its own.

use super::{DocumentId, GroupName, InteractionId, Number, OnceKey, Seconds};

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
        /// Seconds until the next number of the group is free by itself, rounded up, if one will be.
        next_release: Option<Seconds>,
    },
    /// Every code of the asked length and prefix is in use on the numbers of the group.
    #[error("all {length}-digit access codes are in use")]
    CodesUsedUp {
        /// The length that was asked for, in digits.
        length: u8,
    },
    /// The interaction does not exist or has ended.
    #[error("interaction '{0}' is not known")]
    InteractionUnknown(InteractionId),
    /// The interaction exists already.
    #[error("interaction '{0}' exists already")]
    InteractionExists(InteractionId),
    /// Nothing that is lent fits the call.
    #[error("no interaction matches the call")]
    NoMatch(Miss),
    /// The document does not exist or has ended.
    #[error("document {0} is not known")]
    DocumentUnknown(DocumentId),
    /// The document has no entry of that key.
    #[error("document {0} has no such entry")]
    EntryUnknown(DocumentId),
    /// The documents of all tenants together would grow beyond the configured total.
    #[error("documents would grow beyond {limit} bytes in total")]
    DocumentsFull {
        /// The configured total, in bytes.
        limit: u64,
    },
    /// The document would have more entries than configured.
    #[error("the document would have more than {limit} entries")]
    TooManyEntries {
        /// The configured number.
        limit: usize,
    },
    /// A value is larger than configured.
    #[error("a value has more than {limit} bytes")]
    ValueTooLarge {
        /// The configured size, in bytes.
        limit: u64,
    },
    /// The first call under the key was another one.
    #[error("the key '{0}' belongs to another request")]
    KeyReused(OnceKey),
    /// What the first call under the key made has ended.
    #[error("what was made under the key '{0}' has ended")]
    KeySpent(OnceKey),
    /// Seeds are written only into an empty store.
    #[error("the store is not empty")]
    NotEmpty,
}

/// How a call missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The number is not lent to anybody that the call fits.
    Nobody,
    /// The number is lent with an access code, and the caller gave another one.
    WrongCode,
}
