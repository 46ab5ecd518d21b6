//! What groups are used for over time, and how many numbers they need.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::members;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::PageOf;
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::Scalar;
use crate::dialect::native::resources::groups::ByGroup;
use crate::domain::usage::Used;
use crate::domain::usage::sizing::{self, Need};
use crate::domain::{GroupName, Refusal, Sharing, Timestamp};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Usage, &Sizing];

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

members! {
    /// The time that is asked for.
    UsageQuery {
        /// From when on; by default a day before `to`.
        from: Option<Time>,
        /// Up to when; by default now.
        to: Option<Time>,
    }
}

/// What happened in a group in a quarter of an hour or an hour.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupUsage")]
struct ShownUsed {
    /// From when on.
    begin: Time,
    /// For how many seconds: 900, or 3600 where the quarters of an hour are no longer kept.
    #[schemars(extend("enum" = [900, 3600]))]
    seconds: u64,
    /// Most live allocations at a time.
    peak: u64,
    /// Allocations that began.
    lends: u64,
    /// Allocations that ended with their call, late calls among them.
    matches: u64,
    /// Allocations that ended at their deadline without a call.
    expiries: u64,
    /// Requests that were refused because the group had no number to lend.
    refusals: u64,
    /// Allocations that ended, in whatever way.
    ended: u64,
    /// For how many seconds those had lasted on average; null where none ended.
    mean_holding: Option<f64>,
}

impl From<Used> for ShownUsed {
    fn from(used: Used) -> Self {
        let figures = used.figures;
        Self {
            begin: Time(used.begin),
            seconds: used.span.seconds(),
            peak: figures.peak,
            lends: figures.lends,
            matches: figures.matches,
            expiries: figures.expiries,
            refusals: figures.refusals,
            ended: figures.ended,
            mean_holding: figures.mean_holding(),
        }
    }
}

/// From when on, and up to when.
fn span(context: &RequestContext<'_>, from: Option<Time>, to: Option<Time>) -> Result<(Timestamp, Timestamp), Failure> {
    // What runs now has begun.
    let to = to.map_or(Timestamp::from_millis(context.now().as_millis() + 1), |Time(to)| to);
    let from = from.map_or(Timestamp::from_millis(to.as_millis().saturating_sub(DAY_MILLIS)), |Time(from)| from);
    if from < to { Ok((from, to)) } else { Err(Failure::of_parameter("to", "must be later than from")) }
}

/// What a group that is known was used for.
async fn used(
    context: &RequestContext<'_>,
    group: &GroupName,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Used>, Failure> {
    let used = context.store.group_usage(context.scope(), &Some(group.clone()), from, to).await?;
    // A group that has lost its last number was used all the same.
    if used.is_empty() && context.store.group(context.scope(), group).await?.is_none() {
        return Err(Refusal::GroupUnknown(group.clone()).into());
    }
    Ok(used)
}

/// Tells what a group is used for.
struct Usage;

impl Operation for Usage {
    const NAME: &'static str = "group-usage";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/groups/{group}/usage";
    const SUMMARY: &'static str = "Tell what a group was used for over time";
    const ABOUT: &'static str = "Oldest first, by quarters of an hour for 35 days and by hours before that, up to 400 days. \
        Those in which nothing happened are left out; the last one may still run. Refusals of the last minute may be missing.";
    const PROBLEMS: &'static [Problem] = &[Problem::GroupUnknown];

    type Path = ByGroup;
    type Query = UsageQuery;
    type Body = ();
    type Reply = WithBody<PageOf<ShownUsed>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let span = span(context, asked.query.from, asked.query.to)?;
        let used = used(context, &asked.path.group, span).await?;
        Ok(WithBody(PageOf::whole(used.into_iter().map(ShownUsed::from))))
    }
}

/// A part of all requests, in millionths: 0.000001 to 0.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct Share(u32);

const MILLIONTHS: f64 = 1_000_000.0;

impl Default for Share {
    fn default() -> Self {
        Self(1000)
    }
}

impl Share {
    fn get(self) -> f64 {
        f64::from(self.0) / MILLIONTHS
    }
}

impl Scalar for Share {
    fn allowed() -> Cow<'static, str> {
        "a number from 0.000001 to 0.5".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let millionths = (value.as_f64()? * MILLIONTHS).round();
        (1.0..=MILLIONTHS / 2.0).contains(&millionths).then_some(Self(millionths as u32))
    }

    fn of_text(text: &str) -> Value {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = text.parse::<f64>().ok().filter(|_| plain);
        number.map_or_else(|| Value::String(text.to_owned()), Value::from)
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0.000001, "maximum": 0.5, "default": 0.001 })
    }
}

members! {
    /// What the advice is to go by.
    SizingQuery {
        /// Which part of the requests may be refused; by default one in a thousand.
        refused: Option<Share>,
        /// From when on the group is looked at; by default a day before `to`.
        from: Option<Time>,
        /// Up to when; by default now.
        to: Option<Time>,
    }
}

/// A load, and how many numbers it needs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupNeed")]
struct ShownNeed {
    /// When the hour of this load began.
    begin: Time,
    /// The load that was offered, in erlang: what was lent, and what was refused.
    erlang: f64,
    /// With how many numbers no more than the wanted part is refused; null in a shared group, where a number serves many.
    numbers: Option<u64>,
}

/// How many numbers a group needs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "GroupSizing")]
struct ShownSizing {
    /// The group.
    group: GroupName,
    /// Which part of the requests may be refused.
    refused: f64,
    /// From when on it was looked at.
    from: Time,
    /// Up to when.
    to: Time,
    /// How many numbers it has that may be lent.
    numbers: usize,
    /// For how many seconds a number was taken on average, its rest included; null where no allocation has ended.
    taken: Option<f64>,
    /// For the load of the hour that ends at `to`.
    now: ShownNeed,
    /// For the hour with most load.
    peak: ShownNeed,
    /// For a fifth more than that.
    grown: ShownNeed,
}

/// Tells how many numbers a group needs.
struct Sizing;

impl Operation for Sizing {
    const NAME: &'static str = "group-sizing";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/groups/{group}/sizing";
    const SUMMARY: &'static str = "Tell how many numbers a group needs";
    const ABOUT: &'static str = "By what it was used for in the time that is asked for, and Erlang's formula B: an hour's \
        requests, refused ones among them, times the time for which a number is taken, are its load.";
    const PROBLEMS: &'static [Problem] = &[Problem::GroupUnknown];

    type Path = ByGroup;
    type Query = SizingQuery;
    type Body = ();
    type Reply = WithBody<ShownSizing>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let (from, to) = span(context, asked.query.from, asked.query.to)?;
        let group = asked.path.group;
        let used = used(context, &group, (from, to)).await?;
        let rules = context.rules(Some(&group));
        let refused = asked.query.refused.unwrap_or_default().get();
        let pool = context.store.group(context.scope(), &group).await?;
        let sizing = sizing::size(&used, rules.cool_down, refused, to.min(context.now()));
        let need = |need: Need| ShownNeed {
            begin: Time(need.begin),
            erlang: need.erlang,
            numbers: (rules.sharing == Sharing::Exclusive).then_some(need.numbers),
        };
        Ok(WithBody(ShownSizing {
            group,
            refused,
            from: Time(from),
            to: Time(to),
            numbers: pool.map_or(0, |pool| pool.free + pool.allocated + pool.cooling),
            taken: sizing.taken,
            now: need(sizing.now),
            peak: need(sizing.peak),
            grown: need(sizing.grown),
        }))
    }
}
