//! The audit: who changed what when.

mod export;
mod filter;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::Nothing;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, Mark, PageOf};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::{Word, choice};
use crate::dialect::native::resources::bulk::file::AsOperation;
use crate::domain::audit::{Action, Actor, Fact, Facts};
use crate::domain::{AuditEntry, AuditId};
use filter::filtered;

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &AsOperation(export::Export)];

/// Something that somebody did.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub(super) struct ShownEntry {
    /// Its place in the audit.
    id: String,
    /// When.
    at: Time,
    /// The tenant that it concerns; null where it concerns the gateway.
    tenant: Option<String>,
    /// The environment that it concerns; null where the tenant has none, or where it concerns all of them.
    environment: Option<String>,
    /// The user who did it; null where the configuration was changed, which does not say by whom.
    user: Option<String>,
    /// The application whose key was sent with it, if one was.
    application: Option<String>,
    /// The address that it came from.
    source: Option<String>,
    /// What was done.
    action: Word<Action>,
    /// To what: a number, the id of an interaction or an allocation, and so on.
    thing: String,
    /// How it was before; null where there was nothing. Long texts are cut.
    before: Option<BTreeMap<String, ShownFact>>,
    /// How it is after; null where there is nothing. Long texts are cut.
    after: Option<BTreeMap<String, ShownFact>>,
}

/// How a thing is in one respect.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "AuditFact")]
pub(super) enum ShownFact {
    /// A text.
    Text(String),
    /// A count.
    Count(u64),
    /// Whether it is so.
    Flag(bool),
}

choice! {
    /// What was done.
    Action {
        "number-created" = Action::NumberCreated,
        "number-changed" = Action::NumberChanged,
        "number-deleted" = Action::NumberDeleted,
        "numbers-imported" = Action::NumbersImported,
        "allocation-freed" = Action::AllocationFreed,
        "interaction-deleted" = Action::InteractionDeleted,
        "route-created" = Action::RouteCreated,
        "route-changed" = Action::RouteChanged,
        "route-deleted" = Action::RouteDeleted,
        "data-shown" = Action::DataShown,
        "signed-in" = Action::SignedIn,
        "configuration-changed" = Action::ConfigurationChanged,
    }
}

impl From<&AuditEntry> for ShownEntry {
    fn from(entry: &AuditEntry) -> Self {
        let AuditEntry { id, owner, environment, at, actor, action, thing, before, after } = entry;
        let (user, application, source) = match actor {
            Actor::Person { user, application, source } => (Some(user), application.as_ref(), source.as_ref()),
            Actor::Configuration => (None, None, None),
        };
        Self {
            id: id.0.to_string(),
            at: Time(*at),
            tenant: owner.as_ref().map(ToString::to_string),
            environment: environment.as_ref().map(ToString::to_string),
            user: user.map(ToString::to_string),
            application: application.map(ToString::to_string),
            source: source.map(ToString::to_string),
            action: Word(*action),
            thing: thing.to_string(),
            before: shown(before),
            after: shown(after),
        }
    }
}

fn shown(facts: &Facts) -> Option<BTreeMap<String, ShownFact>> {
    let fact = |fact: &Fact| match fact {
        Fact::Text(text) => ShownFact::Text(text.to_string()),
        Fact::Count(count) => ShownFact::Count(*count),
        Fact::Flag(flag) => ShownFact::Flag(*flag),
    };
    (!facts.is_empty()).then(|| facts.iter().map(|(name, told)| (name.to_owned(), fact(told))).collect())
}

impl Mark for AuditId {
    fn to_text(&self) -> String {
        self.0.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

filtered! {
    /// Which part of the audit is told; what is left out does not restrict.
    AuditList {
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<AuditId>>,
    }
}

/// Reads the audit.
struct List;

impl Operation for List {
    const NAME: &'static str = "audit-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/audit";
    const SUMMARY: &'static str = "Read who changed what when";
    const ABOUT: &'static str = "For users whose role is admin. Newest first: what users changed or freed, of all environments \
        of the tenant, and what a new configuration changed. What concerns the gateway itself is told to those who may see \
        that. It goes back as far as the section `audit` of the configuration says. A page may be shorter than its limit, \
        or even empty, although there is more: the list ends where `next_cursor` is null.";
    const PROBLEMS: &'static [Problem] = &[Problem::Role];

    type Path = Nothing;
    type Query = AuditList;
    type Body = ();
    type Reply = WithBody<PageOf<ShownEntry>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let after = asked.query.cursor.map(|Cursor(id)| id);
        let limit = asked.query.limit.unwrap_or_default().0;
        let query = asked.query.query(context, after, limit)?;
        let part = context.store.audit(&query).await?;
        Ok(WithBody(PageOf::new(part, |entry| ShownEntry::from(&*entry))))
    }
}
