//! The audit: who changed what when, with how it was before and how it is after.
//!
//! It is about people: what users change, free by hand or look at that is masked, and what a new configuration changes.
//! What applications lend, match and free is the history. An entry is decided together with the change that it tells of,
//! so it is durable exactly when that is. Entries are part of the tables: there are few of them, and they are bounded.

mod facts;
mod kept;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ApplicationName, EnvironmentName, TenantId, Timestamp};
use crate::text::shorten;

pub use facts::{Fact, Facts};
pub(super) use kept::Kept;

/// Longest name of a user or a thing, in characters; the rest is cut off, so that an entry stays a small record.
const LONGEST_NAME: usize = 150;

/// A name as an entry has it.
fn told(name: &str) -> Arc<str> {
    shorten(name, LONGEST_NAME).into()
}

/// How much audit is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditRules {
    /// For how many days.
    pub days: u32,
    /// Most entries of all tenants together, of which each may have an even share; none are kept where this is zero. Of a
    /// tenant the oldest go first.
    pub entries: u64,
}

impl Default for AuditRules {
    fn default() -> Self {
        Self { days: 365, entries: 20_000 }
    }
}

/// Whom an entry concerns: a tenant or, without one, the gateway.
pub type AuditOwner = Option<TenantId>;

/// The place of an entry; a later entry of the same owner has a larger one, and none is given twice.
///
/// It follows from the time, so that it tells nobody how much others do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AuditId(pub u64);

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// A user whose password was verified.
    Person {
        /// The user's name.
        user: Arc<str>,
        /// The application whose key came with it, if one did.
        application: Option<ApplicationName>,
        /// The address that the request came from.
        source: Option<Arc<str>>,
    },
    /// Whoever changed the configuration; a file does not say who wrote it.
    Configuration,
}

impl Actor {
    /// A user whose password was verified.
    pub fn person(user: &str, application: Option<ApplicationName>, source: Option<Arc<str>>) -> Self {
        Self::Person { user: told(user), application, source }
    }
}

/// What was done. A new kind goes to the end: the order is the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A number was made.
    NumberCreated,
    /// A number was changed.
    NumberChanged,
    /// A number was deleted.
    NumberDeleted,
    /// A file of numbers was imported.
    NumbersImported,
    /// An allocation was ended by hand.
    AllocationFreed,
    /// An interaction was ended by hand.
    InteractionDeleted,
    /// A called route was made.
    RouteCreated,
    /// A called route was led elsewhere.
    RouteChanged,
    /// A called route was deleted.
    RouteDeleted,
    /// User data that are masked otherwise were shown.
    DataShown,
    /// Somebody signed in.
    SignedIn,
    /// The configuration was changed.
    ConfigurationChanged,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place.
    pub id: AuditId,
    /// Whom it concerns.
    pub owner: AuditOwner,
    /// The tenant's environment; `None` where it has none, or where it concerns all of them.
    pub environment: Option<EnvironmentName>,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What was done.
    pub action: Action,
    /// To what: a number, the id of an interaction, and so on.
    pub thing: Arc<str>,
    /// How it was before; empty where there was nothing.
    pub before: Facts,
    /// How it is after; empty where there is nothing.
    pub after: Facts,
}

/// What a decision has to say for the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What was done.
    pub action: Action,
    /// To what.
    pub thing: Arc<str>,
    /// How it was before.
    pub before: Facts,
    /// How it is after.
    pub after: Facts,
}

impl Deed {
    /// A deed that says no more than this.
    pub fn new(action: Action, thing: &(impl ToString + ?Sized)) -> Self {
        Self { action, thing: told(&thing.to_string()), before: Facts::default(), after: Facts::default() }
    }

    /// The same, of something that was so before.
    #[must_use]
    pub fn before(self, before: Facts) -> Self {
        Self { before, ..self }
    }

    /// The same, of something that is so after.
    #[must_use]
    pub fn after(self, after: Facts) -> Self {
        Self { after, ..self }
    }
}

/// Which entries are asked for; what is left out does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those of this user.
    pub user: Option<Arc<str>>,
    /// Those in which this was done.
    pub action: Option<Action>,
    /// Those of this thing.
    pub thing: Option<Arc<str>>,
    /// Those of this environment; what concerns all of them is not among them.
    pub environment: Option<EnvironmentName>,
    /// Those of this time or later.
    pub from: Option<Timestamp>,
    /// Those before this time.
    pub to: Option<Timestamp>,
}

impl AuditFilter {
    fn takes(&self, entry: &AuditEntry) -> bool {
        let user = match &entry.actor {
            Actor::Person { user, .. } => Some(user),
            Actor::Configuration => None,
        };
        self.user.as_ref().is_none_or(|wanted| user.is_some_and(|user| *user == told(wanted)))
            && self.action.is_none_or(|action| action == entry.action)
            && self.thing.as_ref().is_none_or(|wanted| told(wanted) == entry.thing)
            && self.environment.as_ref().is_none_or(|name| entry.environment.as_ref() == Some(name))
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }
}

/// A question to the audit: newest entry first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditQuery {
    /// Whose entries.
    pub owners: Vec<AuditOwner>,
    /// Which of them.
    pub filter: AuditFilter,
    /// Only what comes after this one, the last of the page before.
    pub after: Option<AuditId>,
    /// At most so many.
    pub limit: usize,
}
