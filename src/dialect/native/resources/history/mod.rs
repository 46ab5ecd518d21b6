//! Who held which number when: of one number, and of all.

mod export;
mod filter;
mod search;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::members;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, Mark, PageOf};
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::{Word, choice};
use crate::dialect::native::resources::allocations::ShownAllocation;
use crate::dialect::native::resources::bulk::file::AsOperation;
use crate::dialect::native::resources::numbers::ByNumber;
use crate::domain::history::{Bucket, End, Held, Place};
use crate::domain::{AllocationId, GroupName, HistoryQuery, Part, Timestamp};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] =
    &[&History, &search::Search, &AsOperation(export::Export)];

/// An allocation that was, or still is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "HistoryEntry")]
struct ShownHeld {
    /// The allocation as it was when it ended.
    allocation: ShownAllocation,
    /// The group of its number: when it ended or, while it runs, now. Null where it is in none, or an older release wrote the
    /// entry.
    group: Option<GroupName>,
    /// When it ended; null while it runs.
    until: Option<Time>,
    /// How it ended; null while it runs.
    ended: Option<Word<End>>,
}

impl ShownHeld {
    fn new(held: &Held, now: Timestamp) -> Self {
        let (until, ended) = held.ended.unzip();
        let at = until.unwrap_or(now);
        Self {
            allocation: ShownAllocation::new(&held.allocation, at),
            group: held.group.clone(),
            until: until.map(Time),
            ended: ended.map(Word),
        }
    }
}

choice! {
    /// How an allocation ended: freed by somebody, matched by its call, expired, expired and matched after that while the
    /// number rested, or ended with its interaction.
    End {
        "freed" = End::Freed,
        "matched" = End::Matched,
        "expired" = End::Expired,
        "matched-late" = End::MatchedLate,
        "interaction-deleted" = End::InteractionDeleted,
    }
}

impl Mark for Place {
    fn to_text(&self) -> String {
        format!("{}.{}.{}", self.bucket.hour, self.bucket.part, self.allocation.0)
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (hour, part, id) = (parts.next()?, parts.next()?, parts.next()?);
        let bucket = Bucket { hour: hour.parse().ok()?, part: part.parse().ok()? };
        Some(Self { bucket, allocation: AllocationId(id.parse().ok()?) })
    }
}

members! {
    /// Which part of the history is told.
    HistoryFilter {
        /// Only who held the number at this time; instead of `from` and `to`.
        at: Option<Time>,
        /// Only who held it at this time or later.
        from: Option<Time>,
        /// Only who held it before this time.
        to: Option<Time>,
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<Place>>,
    }
}

/// The time that is asked for: a point, or from one point on, up to another.
fn span(
    at: Option<Time>,
    from: Option<Time>,
    to: Option<Time>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Failure> {
    match (at, from, to) {
        (None, Some(Time(from)), Some(Time(to))) if to <= from => {
            Err(Failure::of_parameter("to", "must be later than from"))
        }
        (None, from, to) => Ok((from.map(|Time(from)| from), to.map(|Time(to)| to))),
        (Some(Time(at)), None, None) => Ok((Some(at), Some(Timestamp::from_millis(at.as_millis().saturating_add(1))))),
        _ => Err(Failure::of_parameter("at", "must be given without from and to")),
    }
}

/// Tells who held a number.
struct History;

impl Operation for History {
    const NAME: &'static str = "number-history";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/numbers/{number}/history";
    const SUMMARY: &'static str = "Tell who held a number when";
    const ABOUT: &'static str = "Newest first: what runs, then what has ended, by the hour of its end. It goes back as far \
        as the section `history` of the configuration says. A number that was deleted has a history too; one that nobody \
        ever held has none.";

    type Path = ByNumber;
    type Query = HistoryFilter;
    type Body = ();
    type Reply = WithBody<PageOf<ShownHeld>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let HistoryFilter { at, from, to, limit, cursor } = asked.query;
        let (from, to) = span(at, from, to)?;
        let after = cursor.map(|Cursor(place)| place);
        let query = HistoryQuery { number: asked.path.number, from, to, after, limit: limit.unwrap_or_default().0 };
        let page = context.store.history(context.scope(), query).await?;
        let now = context.now();
        let part = Part { items: page.entries, next: page.next };
        Ok(WithBody(PageOf::new(part, |held| ShownHeld::new(&held, now))))
    }
}
