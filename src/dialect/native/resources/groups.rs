//! Groups: how their numbers stand, how they lend, and when the next number comes back.

use schemars::JsonSchema;
use serde::Serialize;

use crate::config;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, Mark, PageOf};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::value::{Word, choice};
use crate::dialect::native::resources::exhaustion::{Counts, OldestAllocation};
use crate::domain::state::PoolHealth;
use crate::domain::{GroupName, GroupRules, Number, Policy, Refusal, Seconds, Sharing};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &Read];

choice! {
    /// Which number of a group comes next: the one after the last, any, or the one that has been free for longest.
    Policy {
        "round-robin" = Policy::RoundRobin,
        "random" = Policy::Random,
        "least-recently-freed" = Policy::LeastRecentlyFreed,
    }
}

/// How a group lends.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupRules")]
pub(in crate::dialect::native) struct ShownRules {
    /// How the next number is chosen.
    policy: Word<Policy>,
    /// Whether a number serves one interaction at a time or many.
    sharing: Word<Sharing>,
    /// For how many seconds a number rests after an allocation.
    cool_down: u64,
    /// The numbers that the configuration keeps back.
    reserved_numbers: Vec<Number>,
}

impl From<GroupRules> for ShownRules {
    fn from(rules: GroupRules) -> Self {
        Self {
            policy: Word(rules.policy),
            sharing: Word(rules.sharing),
            cool_down: rules.cool_down.get(),
            reserved_numbers: rules.reserved.into_iter().collect(),
        }
    }
}

/// What is configured of a group.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::dialect::native) struct ConfiguredGroup {
    /// Its name.
    group: GroupName,
    /// How it lends.
    rules: ShownRules,
    /// The group that lends in its place to GMS while it has no number; null where there is none.
    fallback: Option<GroupName>,
}

impl From<&config::Group> for ConfiguredGroup {
    fn from(group: &config::Group) -> Self {
        Self { group: group.name.clone(), rules: group.rules.clone().into(), fallback: group.fallback.clone() }
    }
}

/// A group as it is now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Group")]
pub(in crate::dialect::native) struct ShownGroup {
    /// Its name; null for the numbers without a group.
    group: Option<GroupName>,
    /// How it lends.
    rules: ShownRules,
    /// All its numbers.
    numbers: usize,
    /// Its numbers by what they do; every number is counted once.
    counts: Counts,
    /// The part of the numbers that may be lent which is lent or rests, from 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    utilisation: f64,
    /// Live allocations: more than numbers where the group is shared.
    allocations: usize,
    /// The oldest live allocation; null where nothing is lent.
    oldest: Option<OldestAllocation>,
    /// Seconds until a number can be lent again by itself; null where none will.
    earliest_release: Option<u64>,
}

impl ShownGroup {
    fn new(context: &RequestContext<'_>, pool: &PoolHealth) -> Self {
        let busy = pool.allocated + pool.cooling;
        let lendable = busy + pool.free;
        Self {
            group: pool.group.clone(),
            rules: context.rules(pool.group.as_ref()).into(),
            numbers: pool.total(),
            counts: pool.into(),
            utilisation: if lendable == 0 { 0.0 } else { busy as f64 / lendable as f64 },
            allocations: pool.allocations,
            oldest: pool.oldest.as_ref().map(OldestAllocation::from),
            earliest_release: pool.next_release.map(Seconds::get),
        }
    }
}

/// The numbers without a group are marked by an empty text, which is no name.
impl Mark for Option<GroupName> {
    fn to_text(&self) -> String {
        self.as_ref().map(GroupName::to_string).unwrap_or_default()
    }

    fn from_text(text: &str) -> Option<Self> {
        if text.is_empty() { Some(None) } else { GroupName::new(text).ok().map(Some) }
    }
}

members! {
    /// Which groups are listed.
    GroupQuery {
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<Option<GroupName>>>,
    }
}

members! {
    /// A group in a path.
    ByGroup {
        /// The group's name.
        group: GroupName,
    }
}

/// Lists groups.
struct List;

impl Operation for List {
    const NAME: &'static str = "group-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/groups";
    const SUMMARY: &'static str = "List groups";
    const ABOUT: &'static str = "Those that have a number or are configured, by their names; the numbers without a group \
        come first, if there are any.";

    type Path = Nothing;
    type Query = GroupQuery;
    type Body = ();
    type Reply = WithBody<PageOf<ShownGroup>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let GroupQuery { limit, cursor } = asked.query;
        let after = cursor.map(|Cursor(group)| group);
        let part = context.store.groups_after(context.scope(), after, limit.unwrap_or_default().0).await?;
        Ok(WithBody(PageOf::new(part, |pool| ShownGroup::new(context, &pool))))
    }
}

/// Reads a group.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "group-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/groups/{group}";
    const SUMMARY: &'static str = "Read a group";
    const PROBLEMS: &'static [Problem] = &[Problem::GroupUnknown];

    type Path = ByGroup;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownGroup>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let group = asked.path.group;
        let found = context.store.group(context.scope(), &group).await?.ok_or(Refusal::GroupUnknown(group))?;
        Ok(WithBody(ShownGroup::new(context, &found)))
    }
}
