//! Numbers with which something seems to be wrong.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::Nothing;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::domain::number_health::{Stray, Suspect};
use crate::domain::{GroupName, Number};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Numbers];

/// A number that is lent and never dialled, although others of its group are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SuspectNumber")]
struct ShownSuspect {
    /// The number.
    number: Number,
    /// Its group when it was lent last; null where it was in none.
    group: Option<GroupName>,
    /// How many allocations have expired since its last call.
    expiries: u64,
    /// When the first of them did.
    since: Time,
    /// When the last of them did.
    last: Time,
}

impl From<Suspect> for ShownSuspect {
    fn from(suspect: Suspect) -> Self {
        let Suspect { number, group, expiries, since, last } = suspect;
        Self { number, group, expiries, since: Time(since), last: Time(last) }
    }
}

/// A number that is dialled and that nobody holds.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StrayNumber")]
struct ShownStray {
    /// What was dialled.
    number: Number,
    /// Whether it is a number of the pools, or the DNID of one.
    known: bool,
    /// How many calls came.
    calls: u64,
    /// When the first of them did.
    since: Time,
    /// When the last of them did.
    last: Time,
}

impl From<Stray> for ShownStray {
    fn from(stray: Stray) -> Self {
        let Stray { number, known, calls, since, last } = stray;
        Self { number, known, calls, since: Time(since), last: Time(last) }
    }
}

/// Numbers with which something seems to be wrong, those that were seen most often first.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NumberHealth")]
struct ShownHealth {
    /// Those that are lent and never dialled, although others of their group are; at most a thousand.
    suspect: Vec<ShownSuspect>,
    /// After how many allocations in a row that expired a number is told.
    suspect_after: u64,
    /// Those that are dialled and that nobody holds; at most a thousand.
    stray: Vec<ShownStray>,
    /// After how many calls a number is told.
    stray_after: u64,
}

/// Most numbers of each kind that are told.
const MOST: usize = 1000;

/// Tells which numbers something seems to be wrong with.
struct Numbers;

impl Operation for Numbers {
    const NAME: &'static str = "health-numbers";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/health/numbers";
    const SUMMARY: &'static str = "Tell which numbers something seems to be wrong with";
    const ABOUT: &'static str = "By what this gateway has seen since its start: of what was lent, everything; of calls that \
        nobody was found for, those that came to it. Groups that many share are not looked at.";

    type Path = Nothing;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownHealth>;

    async fn run(context: &RequestContext<'_>, _: Asked<Self>) -> Result<Self::Reply, Failure> {
        let thresholds = context.settings.health.numbers;
        let health = context.store.number_health(context.scope(), &thresholds).await?;
        Ok(WithBody(ShownHealth {
            suspect: health.suspects.into_iter().take(MOST).map(ShownSuspect::from).collect(),
            suspect_after: thresholds.suspect,
            stray: health.strays.into_iter().take(MOST).map(ShownStray::from).collect(),
            stray_after: thresholds.stray,
        }))
    }
}
