//! Where the state lives: one trait, spoken in the domain's words, one engine behind it, and the logs that the engine can
//! stand on.
//!
//! The dialects know the trait alone. Nothing in it assumes that the state is in this process: ids come from the
//! store, and so does the time by which deadlines are judged. The engine passes one conformance suite over every log, and
//! one model test holds the logs against each other.

pub mod clock;
mod cluster;
pub mod engine;
pub mod events;
mod import;
pub mod memory;
pub mod open;
pub mod postgres;
pub mod record;
pub mod sled;

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::audit::{Actor, Deed};
use crate::domain::document::Loaded;
use crate::domain::number_health;
use crate::domain::refusal::Miss;
use crate::domain::route::DeletedRoutes;
use crate::domain::state::{AfterMatch, Criteria, Lend, Lent, Match, PoolHealth, Seeds, Which};
use crate::domain::tables::routes::RoutePage;
use crate::domain::tables::{FoundNumber, Page};
use crate::domain::usage::Group;
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, ApplicationName, AuditEntry, AuditId, AuditQuery, Candidate, Content,
    Destination, Dialled, DocumentId, DocumentRef, Explain, Explanation, GroupName, HistoryPage, HistoryQuery,
    HistorySearch, IdempotentRequest, Interaction, InteractionId, NewEntry, NewInteraction, NewNumber, NewRoute,
    NewSkill, Number, NumberFilter, NumberHealth, NumberId, NumberPatch, Overdial, Part, Refusal, Resolution, Resolve,
    Route, RouteFilter, RouteId, Routed, Rules, Scope, Seconds, SigningKey, Skill, SkillId, TenantUsage, Timestamp,
    Used,
};

pub use clock::{Clock, ManualClock, SystemClock};
pub use cluster::{Cluster, Member};
pub use engine::{Observer, Snapshot, SnapshotOrigin};
pub use events::Events;
pub use import::{BadRow, Existing, ImportRow, Imported, MOST_ROWS_AT_A_TIME, NumberImport, RowFault};
pub use open::{OpenError, open};

/// Why a store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The domain said no; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store cannot answer. Whether a change was made is not known to the caller; it was never acknowledged.
    #[error("the store is not available: {0}")]
    Unavailable(Arc<str>),
}

/// The outcome of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// A match with the texts of the interaction's document, if they were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The allocation and the interaction that were recognised.
    pub found: Match,
    /// The document as it was at the match; `None` if it was not asked for.
    pub data: Option<Loaded>,
}

/// A candidate with the texts of its interaction's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Who it may be.
    pub candidate: Candidate,
    /// The document; `None` where it has ended in this very moment.
    pub data: Option<Loaded>,
}

/// Whose call it is and where it goes, with the data of the candidates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The number of the pool, or the DNID, under which the candidates were looked for, if there is one.
    pub number: Option<Number>,
    /// Everybody the call may belong to, newest allocation first.
    pub candidates: Vec<Recognised>,
    /// Whether there are more candidates than are told.
    pub more: bool,
    /// How the call missed, where there is no candidate.
    pub miss: Option<Miss>,
    /// Where the call goes.
    pub route: Option<Routed>,
    /// Whether the number was freed.
    pub freed: bool,
}

impl Resolved {
    /// Everything but the candidates.
    fn of(resolution: &Resolution, candidates: Vec<Recognised>, freed: bool) -> Self {
        let Resolution { number, more, miss, route, .. } = resolution.clone();
        Self { number, candidates, more, miss, route, freed }
    }

    /// Whether nothing was found at all.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty() && self.route.is_none()
    }
}

/// Whether a match gives back the interaction's document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithData {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// One value of a document with its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadedEntry {
    /// Text or file.
    pub content: Content,
    /// The exact bytes.
    pub bytes: Arc<[u8]>,
}

/// The state of the gateway, kept by an engine.
///
/// A write is answered when it is durable, a refusal when everything it may have looked at is. Reads never wait for a
/// disk unless they ask for the bytes of large values, and never show what is not yet durable.
///
/// What lends or creates can be asked for under a key (`once`): under a key that is known it changes nothing and gives
/// what the first call made, as it is now, or refuses where that has ended.
#[async_trait]
pub trait Store: Send + Sync {
    /// Creates a number.
    ///
    /// # Errors
    /// [`Refusal::NumberExists`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    async fn create_number(
        &self,
        scope: &Scope,
        new: NewNumber,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<NumberId>;

    /// Begins to import numbers: rows are staged without anybody's seeing them, and one commit makes all of them numbers.
    async fn import_numbers(&self, scope: &Scope, existing: Existing) -> Result<Box<dyn NumberImport + '_>>;

    /// Changes a number and gives it back as it is now.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    async fn update_number(&self, scope: &Scope, number: Number, patch: NumberPatch) -> Result<FoundNumber>;

    /// Deletes a number that is not allocated.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`], [`Refusal::NumberAllocated`].
    async fn delete_number(&self, scope: &Scope, number: Number) -> Result<()>;

    /// Lends a number to an interaction.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`], [`Refusal::GroupUnknown`], [`Refusal::Exhausted`], [`Refusal::CodesUsedUp`],
    /// [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`], [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`],
    /// [`Refusal::KeyExpired`].
    async fn lend(&self, scope: &Scope, lend: Lend, idempotency: Option<IdempotentRequest>) -> Result<Lent>;

    /// Ends the allocation of a number, given whole or by its DNID; `None` if it was not allocated.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    async fn free(&self, scope: &Scope, dialled: Number) -> Result<Option<Arc<Allocation>>>;

    /// Tells who holds a number, given whole or by its DNID, and lets it be lent for `left` more at most; not at all where
    /// that is nothing. A number that many share stays as it is.
    ///
    /// # Errors
    /// [`Refusal::NumberUnknown`].
    async fn hand_over(&self, scope: &Scope, dialled: Number, left: Seconds) -> Result<Option<Arc<Allocation>>>;

    /// Gives a live allocation a new deadline, `lasting` from now. The interaction lives at least as long.
    ///
    /// # Errors
    /// [`Refusal::AllocationUnknown`].
    async fn renew_allocation(&self, scope: &Scope, id: AllocationId, lasting: Seconds) -> Result<Lent>;

    /// Ends a live allocation.
    ///
    /// # Errors
    /// [`Refusal::AllocationUnknown`].
    async fn free_allocation(&self, scope: &Scope, id: AllocationId) -> Result<Arc<Allocation>>;

    /// Recognises a call and frees the numbers of what is returned, newest first.
    ///
    /// # Errors
    /// [`Refusal::NoMatch`].
    async fn match_call(
        &self,
        scope: &Scope,
        criteria: Criteria,
        which: Which,
        after: AfterMatch,
        data: WithData,
    ) -> Result<Vec<Matched>>;

    /// The allocations that a call would be matched with, newest first; changes nothing.
    ///
    /// # Errors
    /// [`Refusal::NoMatch`].
    async fn would_match(&self, scope: &Scope, criteria: &Criteria, which: Which) -> Result<Vec<Arc<Allocation>>>;

    /// Tells whose call it is and where it goes, and changes nothing.
    async fn resolve(&self, scope: &Scope, call: &Resolve) -> Result<Resolved>;

    /// Tells why a call is recognised or is not, of now or of a time that the history reaches; changes nothing.
    async fn explain(&self, scope: &Scope, call: &Explain) -> Result<Explanation>;

    /// Tells whose call it is and where it goes and, if there is one candidate alone, frees the number.
    async fn take_call(&self, scope: &Scope, call: Resolve) -> Result<Resolved>;

    /// Makes an interaction, under an id that the caller chose or one of the gateway's own making.
    ///
    /// # Errors
    /// [`Refusal::InteractionExists`], [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`],
    /// [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    async fn create_interaction(
        &self,
        scope: &Scope,
        new: NewInteraction,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Interaction>>;

    /// Ends an interaction and frees its numbers.
    ///
    /// # Errors
    /// [`Refusal::InteractionUnknown`].
    async fn delete_interaction(&self, scope: &Scope, id: &InteractionId) -> Result<()>;

    /// Makes a document that belongs to no interaction; it is the `application`'s own.
    ///
    /// # Errors
    /// [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`], [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`],
    /// [`Refusal::KeyExpired`].
    async fn create_document(
        &self,
        scope: &Scope,
        entries: Vec<NewEntry>,
        ttl: Seconds,
        application: Option<ApplicationName>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<DocumentId>;

    /// Writes entries into a document and, with a `ttl`, lets it live for that long from now. A document that its owner
    /// names is made if it does not exist.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`], [`Refusal::DocumentsFull`], [`Refusal::TooManyEntries`],
    /// [`Refusal::ValueTooLarge`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    async fn merge_document(
        &self,
        scope: &Scope,
        named: DocumentRef,
        entries: Vec<NewEntry>,
        ttl: Option<Seconds>,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<()>;

    /// Deletes a document; that of a live interaction becomes empty.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`].
    async fn delete_document(&self, scope: &Scope, named: DocumentRef) -> Result<()>;

    /// Deletes one entry of a document.
    ///
    /// # Errors
    /// [`Refusal::DocumentUnknown`], [`Refusal::EntryUnknown`].
    async fn delete_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<()>;

    /// Looks up a number by its whole digits.
    async fn number(&self, scope: &Scope, number: Number) -> Result<Option<FoundNumber>>;

    /// Looks up a number as it was dialled, whole or by its DNID.
    async fn dialled(&self, scope: &Scope, dialled: Number) -> Result<Option<FoundNumber>>;

    /// Lists numbers in their order, those of one group or all.
    async fn numbers(&self, scope: &Scope, group: Option<&GroupName>, offset: usize, limit: usize) -> Result<Page>;

    /// Lists the numbers that pass a filter, in their order, from the first one after `after`; at most `limit` of them,
    /// and fewer where the store would have to look at too many for more.
    async fn numbers_after(
        &self,
        scope: &Scope,
        filter: &NumberFilter,
        after: Option<Number>,
        limit: usize,
    ) -> Result<Part<FoundNumber, Number>>;

    /// Looks up a live allocation.
    async fn allocation(&self, scope: &Scope, id: AllocationId) -> Result<Option<Arc<Allocation>>>;

    /// Lists the live allocations that pass a filter, oldest first, from the first one after `after`; at most `limit` of
    /// them, and fewer where the store would have to look at too many for more.
    async fn allocations_after(
        &self,
        scope: &Scope,
        filter: &AllocationFilter,
        after: Option<AllocationId>,
        limit: usize,
    ) -> Result<Part<Arc<Allocation>, AllocationId>>;

    /// Looks up a live interaction.
    async fn interaction(&self, scope: &Scope, id: &InteractionId) -> Result<Option<Arc<Interaction>>>;

    /// Reads a live document with the texts of its entries.
    async fn document(&self, scope: &Scope, named: DocumentRef) -> Result<Option<Loaded>>;

    /// Reads one entry of a live document with its bytes.
    async fn document_entry(&self, scope: &Scope, named: DocumentRef, key: &str) -> Result<Option<LoadedEntry>>;

    /// Binds a hotline, perhaps with an extension, to a destination.
    ///
    /// # Errors
    /// [`Refusal::Route`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    async fn create_route(
        &self,
        scope: &Scope,
        new: NewRoute,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Route>>;

    /// Leads a called route elsewhere.
    ///
    /// # Errors
    /// [`Refusal::Route`].
    async fn modify_route(&self, scope: &Scope, id: RouteId, destination: Destination) -> Result<Arc<Route>>;

    /// Deletes the called routes with these configuration numbers, as far as there are such.
    async fn delete_routes(&self, scope: &Scope, dnids: Vec<u32>) -> Result<DeletedRoutes>;

    /// Lists the called routes that the filter shows, in the order of their configuration numbers.
    async fn routes(&self, scope: &Scope, filter: &RouteFilter, offset: usize, limit: usize) -> Result<RoutePage>;

    /// Looks up a called route.
    async fn route(&self, scope: &Scope, id: RouteId) -> Result<Option<Arc<Route>>>;

    /// Lists the called routes that the filter shows, in the order of their configuration numbers, from the first one
    /// after `after`.
    async fn routes_after(
        &self,
        scope: &Scope,
        filter: &RouteFilter,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Part<Arc<Route>, u32>>;

    /// Looks up where a dialled number goes.
    async fn routed(&self, scope: &Scope, dialled: &Dialled, overdial: Overdial) -> Result<Option<Routed>>;

    /// Makes a skill queue.
    ///
    /// # Errors
    /// [`Refusal::Route`]; [`Refusal::KeyReused`], [`Refusal::KeyExpired`].
    async fn create_skill(
        &self,
        scope: &Scope,
        new: NewSkill,
        idempotency: Option<IdempotentRequest>,
    ) -> Result<Arc<Skill>>;

    /// Changes a skill queue that somebody made.
    ///
    /// # Errors
    /// [`Refusal::Route`].
    async fn modify_skill(&self, scope: &Scope, id: SkillId, new: NewSkill) -> Result<Arc<Skill>>;

    /// Deletes skill queues that somebody made: all of them, or none.
    ///
    /// # Errors
    /// [`Refusal::Route`].
    async fn delete_skills(&self, scope: &Scope, ids: Vec<SkillId>) -> Result<()>;

    /// The skill queues that somebody made, in the order of their ids; the configured ones are in the settings.
    async fn skills(&self, scope: &Scope) -> Result<Vec<Arc<Skill>>>;

    /// Looks up a skill queue that somebody made.
    async fn skill(&self, scope: &Scope, id: SkillId) -> Result<Option<Arc<Skill>>>;

    /// The key that tokens are signed with; made and kept at the first call.
    async fn signing_key(&self) -> Result<SigningKey>;

    /// How a group is now; `None` if no number is in it.
    async fn pool(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>>;

    /// How a group is now that has a number or is configured; `None` for any other.
    async fn group(&self, scope: &Scope, group: &GroupName) -> Result<Option<PoolHealth>>;

    /// Lists the groups of a scope that have a number or are configured, by their names, from the first one after
    /// `after`. The numbers without a group (`None`) come first, if there are any.
    async fn groups_after(
        &self,
        scope: &Scope,
        after: Option<Option<GroupName>>,
        limit: usize,
    ) -> Result<Part<PoolHealth, Option<GroupName>>>;

    /// How every group is that has any number.
    async fn pools(&self) -> Result<Vec<PoolHealth>>;

    /// What each configured tenant has and may have, in their order.
    async fn usages(&self) -> Result<Vec<TenantUsage>>;

    /// Who held a number when; see [`HistoryPage`].
    async fn history(&self, scope: &Scope, query: HistoryQuery) -> Result<HistoryPage>;

    /// Who held which number when, of all numbers; see [`HistoryPage`]. A page may be shorter than the limit although there is
    /// more.
    async fn search_history(&self, scope: &Scope, search: HistorySearch) -> Result<HistoryPage>;

    /// What a group, or the numbers without one, was used for from `from` on, before `to`, oldest first: by quarters of an hour
    /// where these are kept, else by hours. The last may still run; those in which nothing happened are left out.
    async fn group_usage(&self, scope: &Scope, group: &Group, from: Timestamp, to: Timestamp) -> Result<Vec<Used>>;

    /// The numbers of a scope with which something seems to be wrong, by what this gateway has seen since its start.
    async fn number_health(&self, scope: &Scope, thresholds: &number_health::Thresholds) -> Result<NumberHealth>;

    /// The same of every scope of which anything was seen.
    async fn number_healths(&self, thresholds: &number_health::Thresholds) -> Result<Vec<(Arc<Scope>, NumberHealth)>>;

    /// Writes the seeds if nothing was ever written; all of them or none. `false` if the store was not empty.
    async fn seed(&self, seeds: Seeds) -> Result<bool>;

    /// Takes over the operator's rules from now on. What is other in them goes into the audit.
    async fn set_rules(&self, rules: Rules) -> Result<()>;

    /// The same store for somebody: what it changes of numbers and routes, and what it ends by hand, leaves an entry in the
    /// audit, in the commit of the change. So does nothing else.
    fn acting(&self, actor: Actor) -> Arc<dyn Store>;

    /// Notes for the audit, of a store that acts for somebody, what changes nothing and is to be known all the same.
    async fn note(&self, scope: &Scope, deed: Deed) -> Result<()>;

    /// What people did, newest first, from the first entry after `after` of the query; at most `limit` of them, and fewer
    /// where the store would have to look at too many for more.
    async fn audit(&self, query: &AuditQuery) -> Result<Part<Arc<AuditEntry>, AuditId>>;

    /// What has just happened, for whoever follows it.
    fn events(&self) -> Arc<Events>;

    /// The clock that deadlines are judged by.
    fn clock(&self) -> Arc<dyn Clock>;

    /// Ends what has reached its deadline, so that counts and disk follow the clock even when nobody calls.
    async fn sweep(&self) -> Result<()>;

    /// Everything the store holds now, to be read while it goes on.
    async fn snapshot(&self) -> Result<Snapshot>;

    /// The gateways that share the store; `None` where it is this one's alone.
    async fn cluster(&self) -> Result<Option<Cluster>> {
        Ok(None)
    }

    /// Whether the store takes writes; the reason if it does not.
    async fn ready(&self) -> Result<()>;

    /// Finishes what is queued and lets go of the disk. Every later write is refused.
    async fn close(&self);
}
