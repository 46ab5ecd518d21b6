//! Why the domain says no. Every dialect turns these into its vendor's words in one table of its own.

use super::state::PoolHealth;
use super::{
    AllocationId, DocumentId, FlowId, GroupName, HotlineCode, IdempotencyKey, InteractionId, MediaType, Number, Quota,
    Route, RouteId, Seconds, SkillId,
};
use std::sync::Arc;

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
    /// No live allocation has this id.
    #[error("allocation {} is not known or has ended", .0.0)]
    AllocationUnknown(AllocationId),
    /// No such group: neither configured nor carried by any number.
    #[error("group '{0}' is not known")]
    GroupUnknown(GroupName),
    /// The group has no number to lend now; for allocations without a group, none of the groups has.
    #[error("no number is free")]
    Exhausted {
        /// The group that was asked for, if one was.
        group: Option<GroupName>,
        /// Seconds until the next number of the group, or of any of the groups, can be lent again without anybody's
        /// doing, rounded up; `None` if none will be.
        next_release: Option<Seconds>,
        /// How the groups were that could have lent: the one that was asked for, or the first few of those that were
        /// looked at. A group without any number is not among them.
        pools: Vec<PoolHealth>,
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
    /// The documents of the tenant, or those of all tenants together, would grow beyond what is configured.
    #[error("documents would grow beyond {limit} bytes in total")]
    DocumentsFull {
        /// The configured room, in bytes.
        limit: u64,
    },
    /// The tenant has as many things of a kind as it may have.
    #[error("there are {limit} {quota} already, and no more are allowed")]
    QuotaFull {
        /// Of what.
        quota: Quota,
        /// The configured number.
        limit: u64,
    },
    /// Something was asked to live longer than the tenant's things may.
    #[error("nothing may last longer than {} s", .limit.get())]
    LastsTooLong {
        /// The configured time.
        limit: Seconds,
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
    KeyReused(IdempotencyKey),
    /// What the first call under the key made has ended.
    #[error("what was made under the key '{0}' has ended")]
    KeyExpired(IdempotencyKey),
    /// A called route or a skill queue cannot be as it is asked for.
    #[error(transparent)]
    Route(#[from] RouteRefusal),
    /// Seeds are written only into an empty store.
    #[error("the store is not empty")]
    NotEmpty,
}

impl Refusal {
    /// A word for the log, from a small fixed set.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::NumberExists(_) => "number_exists",
            Self::NumberUnknown(_) => "unknown_number",
            Self::NumberAllocated(_) => "number_allocated",
            Self::AllocationUnknown(_) => "unknown_allocation",
            Self::GroupUnknown(_) => "unknown_group",
            Self::Exhausted { .. } => "exhausted",
            Self::CodesUsedUp { .. } => "codes_used_up",
            Self::InteractionUnknown(_) => "unknown_interaction",
            Self::InteractionExists(_) => "interaction_exists",
            Self::NoMatch(miss) => miss.label(),
            Self::DocumentUnknown(_) => "unknown_document",
            Self::EntryUnknown(_) => "unknown_entry",
            Self::DocumentsFull { .. } => "documents_full",
            Self::QuotaFull { quota, .. } => quota.full(),
            Self::LastsTooLong { .. } => "lasts_too_long",
            Self::TooManyEntries { .. } => "too_many_entries",
            Self::ValueTooLarge { .. } => "value_too_large",
            Self::KeyReused(_) => "key_reused",
            Self::KeyExpired(_) => "key_spent",
            Self::Route(refusal) => refusal.label(),
            Self::NotEmpty => "not_empty",
        }
    }
}

/// How a call missed: of everything that kept it from matching, what came closest to a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miss {
    /// The scope has no such number.
    UnknownNumber,
    /// Nothing is lent there that the call could have been for.
    NotLent,
    /// What was lent there has expired, as far as that is still known: a number that does not rest may be forgotten at
    /// once.
    Expired,
    /// The number is lent, and the caller is somebody else, or did not say who.
    WrongCaller,
    /// The number is lent with an access code, and the caller gave another one.
    WrongCode,
}

impl Miss {
    /// A word for the log.
    pub const fn label(self) -> &'static str {
        match self {
            Self::UnknownNumber => "unknown_number",
            Self::NotLent => "not_lent",
            Self::Expired => "expired",
            Self::WrongCaller => "wrong_caller",
            Self::WrongCode => "wrong_code",
        }
    }
}

/// Why the domain says no to a called route or a skill queue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteRefusal {
    /// The tenant has no such hotline.
    #[error("access code {0} is not known")]
    HotlineUnknown(HotlineCode),
    /// Neither a configured skill queue nor one that somebody made.
    #[error("skill queue {} is not known", .0.0)]
    SkillUnknown(SkillId),
    /// No such IVR flow is configured.
    #[error("IVR flow {} is not known", .0.0)]
    FlowUnknown(FlowId),
    /// People who write cannot be sent to an IVR flow.
    #[error("an IVR flow cannot serve multimedia")]
    FlowForMultimedia,
    /// The queue serves another media type than the route has.
    #[error("the skill queue has media type {queue}, the route {route}")]
    QueueMedia {
        /// What the queue serves.
        queue: MediaType,
        /// What the route is to carry.
        route: MediaType,
    },
    /// The hotline does not carry the route's media type.
    #[error("an access code of media type {hotline} does not carry media type {route}")]
    HotlineMedia {
        /// What the hotline is.
        hotline: MediaType,
        /// What the route is to carry.
        route: MediaType,
    },
    /// The dialled number has a destination already.
    #[error("{} is routed already", .0.dialled())]
    RouteExists(Arc<Route>),
    /// No such route.
    #[error("called route {0} is not known")]
    RouteUnknown(RouteId),
    /// The scope has as many routes as are allowed.
    #[error("there are {limit} called routes already")]
    RoutesFull {
        /// The number allowed.
        limit: usize,
    },
    /// Another queue has the name.
    #[error("skill queue {} has that name already", .0.0)]
    SkillExists(SkillId),
    /// The queue is configured, so only the operator changes it.
    #[error("skill queue {} is configured", .0.0)]
    SkillConfigured(SkillId),
    /// A route leads to the queue.
    #[error("skill queue {} is in use by {}", .0.0, .1.dialled())]
    SkillInUse(SkillId, Arc<Route>),
    /// The scope has as many queues as are allowed.
    #[error("there are {limit} skill queues already")]
    SkillsFull {
        /// The number allowed.
        limit: usize,
    },
    /// The queue's texts are longer than a record may be.
    #[error("the skill queue's texts are too long")]
    SkillTooLarge,
}

impl RouteRefusal {
    /// A word for the log, from a small fixed set.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::HotlineUnknown(_) => "unknown_access_code",
            Self::SkillUnknown(_) => "unknown_skill",
            Self::FlowUnknown(_) => "unknown_flow",
            Self::FlowForMultimedia => "flow_for_multimedia",
            Self::QueueMedia { .. } => "queue_media",
            Self::HotlineMedia { .. } => "access_code_media",
            Self::RouteExists(_) => "route_exists",
            Self::RouteUnknown(_) => "unknown_route",
            Self::RoutesFull { .. } => "routes_full",
            Self::SkillExists(_) => "skill_exists",
            Self::SkillConfigured(_) => "skill_configured",
            Self::SkillInUse(..) => "skill_in_use",
            Self::SkillsFull { .. } => "skills_full",
            Self::SkillTooLarge => "skill_too_large",
        }
    }
}
