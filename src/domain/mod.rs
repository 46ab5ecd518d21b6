//! The rules of lending numbers, as pure state.
//!
//! Everything the gateway promises about numbers is decided here: who may hold a number, until when, which number
//! comes next, which call belongs to which interaction. The module does no I/O, awaits nothing, reads no clock and
//! draws no randomness of its own; both come in as arguments, so that every rule can be tested in microseconds and
//! every history replayed. It knows no wire format: the words of the vendors live in the dialects.
//!
//! [`Tables`] hold what is known and answer questions; [`State`] decides commands over them and tells each decision
//! as a list of [`Change`]s, which is all that a store has to keep.

pub mod allocation;
pub mod asker;
pub mod audit;
pub mod call_center;
pub mod change;
pub mod code;
pub mod dialled;
pub mod document;
pub mod explanation;
pub mod group;
mod hash;
pub mod history;
pub mod idempotency;
pub mod interaction;
pub mod key;
pub mod listing;
pub mod names;
pub mod number;
pub mod number_health;
pub mod quotas;
pub mod refusal;
pub mod resolution;
pub mod route;
pub mod rules;
pub mod skill;
pub mod state;
pub mod tables;
pub mod time;
pub mod usage;
pub mod watermark;

pub use allocation::{Allocation, AllocationId, LentBy};
pub use asker::{Asker, Reach};
pub use audit::{AuditEntry, AuditId, AuditOwner, AuditQuery, AuditRules};
pub use call_center::{CallCenter, Flow, Hotline, Overdial};
pub use change::Change;
pub use code::{CodePrefix, CodeShape};
pub use dialled::{Dialled, Extension, HotlineCode};
pub use document::{
    Content, Document, DocumentId, DocumentRef, Entry, EntryKey, EntryValue, NewEntry, Ownership, ValueId,
};
pub use explanation::{Explain, Explanation};
pub use group::Policy;
pub use history::{HistoryFilter, HistoryPage, HistoryQuery, HistoryRules, HistorySearch};
pub use idempotency::{Digest, IdempotencyKey, IdempotencyRecord, IdempotentRequest, Made};
pub use interaction::{Interaction, NewInteraction};
pub use key::SigningKey;
pub use listing::{AllocationFilter, NumberFilter, NumberState, Part};
pub use names::{
    AccessCode, ApplicationName, Caller, EnvironmentName, GroupName, InteractionId, InvalidName, Number, Scope,
    TenantId,
};
pub use number::{NewNumber, NumberId, NumberPatch, NumberRecord};
pub use number_health::NumberHealth;
pub use quotas::{Quota, Quotas, TenantUsage, Usage};
pub use refusal::{Refusal, RouteRefusal};
pub use resolution::{Candidate, Evidence, Resolution, Resolve};
pub use route::{Destination, FlowId, MediaType, NewRoute, Route, RouteFilter, RouteId, SkillId};
pub use rules::{GroupRules, Rules, Sharing};
pub use skill::{NewSkill, Skill};
pub use state::State;
pub use tables::Tables;
pub use tables::routes::Routed;
pub use time::{Deadline, Seconds, Timestamp};
pub use usage::{UsageRules, Used};
