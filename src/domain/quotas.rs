//! Quotas: how much of everything one tenant may have, so that no tenant takes what others need.
//!
//! What a thing costs is counted besides the bytes in it, since the smallest document takes memory too.

use std::fmt;

use super::document::Entries;
use super::{Document, Seconds, TenantId};

/// What a document takes without any entry, in bytes: its records for the state and for readers, and what finds them.
pub const DOCUMENT_COST: u64 = 576;
/// What the first entry of a document takes more than each further one, in bytes: entries are kept some at a time.
pub const FIRST_ENTRY_COST: u64 = 704;
/// What an entry takes besides its key, its label and its value, in bytes.
pub const ENTRY_COST: u64 = 128;
/// How long the texts of all matches of one answer may be together, in bytes. What does not fit is left for the next match.
pub const MATCH_TEXT_BYTES: u64 = 8 * 1024 * 1024;

/// How much of everything a tenant may have. Where less is allowed than there is, nothing more is taken, and nothing is
/// removed but history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// How long user data and interactions live at most, from the last request that says how long.
    pub ttl: Seconds,
    /// Most matches that one request answers and frees.
    pub matches: usize,
    /// Most documents, those of interactions among them.
    pub documents: u64,
    /// Room for documents, in bytes of what they cost.
    pub document_bytes: u64,
    /// Most interactions.
    pub interactions: u64,
    /// Most live allocations of shared numbers.
    pub bookings: u64,
    /// Most keys by which requests are carried out at most once. Of more than that the keys of what has ended are
    /// forgotten, oldest first; those of what lives stay.
    pub keys: u64,
    /// Most files of numbers that are imported at a time.
    pub imports: usize,
    /// Most entries of the history; of more the oldest are forgotten.
    pub history: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            ttl: Seconds::new(31 * 24 * 60 * 60),
            matches: 100,
            documents: 1_000_000,
            document_bytes: 1 << 30,
            interactions: 1_000_000,
            bookings: 200_000,
            keys: 100_000,
            imports: 1,
            history: 1_000_000,
        }
    }
}

/// A kind of thing of which a tenant may have so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quota {
    /// Documents.
    Documents,
    /// Interactions.
    Interactions,
    /// Live allocations of shared numbers.
    Bookings,
    /// Keys by which requests are carried out at most once.
    Keys,
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documents => "documents",
            Self::Interactions => "interactions",
            Self::Bookings => "bookings of shared numbers",
            Self::Keys => "keys of requests whose outcome lives",
        })
    }
}

impl Quota {
    /// The label of its refusal.
    pub const fn full(self) -> &'static str {
        match self {
            Self::Documents => "documents_full",
            Self::Interactions => "interactions_full",
            Self::Bookings => "bookings_full",
            Self::Keys => "keys_full",
        }
    }
}

impl Quotas {
    /// How much of a kind there may be.
    pub const fn limit(&self, quota: Quota) -> u64 {
        match quota {
            Quota::Documents => self.documents,
            Quota::Interactions => self.interactions,
            Quota::Bookings => self.bookings,
            Quota::Keys => self.keys,
        }
    }
}

/// What a tenant has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Documents, those of interactions among them.
    pub documents: u64,
    /// What they cost, in bytes.
    pub document_bytes: u64,
    /// Interactions.
    pub interactions: u64,
    /// Live allocations of shared numbers.
    pub bookings: u64,
    /// Keys of requests, of what lives and of what has ended.
    pub keys: u64,
    /// Entries of the history, without those that a release kept which did not count them for each tenant.
    pub history: u64,
}

/// What a tenant has and may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantUsage {
    /// Whose.
    pub tenant: TenantId,
    /// What it has.
    pub usage: Usage,
    /// What it may have.
    pub quotas: Quotas,
}

/// What a document costs, in bytes.
pub(super) fn cost(document: &Document) -> u64 {
    DOCUMENT_COST + cost_of(&document.entries)
}

fn cost_of(entries: &Entries) -> u64 {
    let first = if entries.is_empty() { 0 } else { FIRST_ENTRY_COST };
    entries.iter().map(|(key, entry)| ENTRY_COST + entry.size(key)).sum::<u64>() + first
}
