//! Numbers: listed, made, read, changed, deleted.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, PageOf};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Created, Done, WithBody};
use crate::dialect::native::framework::value::{Clearable, Word, choice};
use crate::domain::tables::FoundNumber;
use crate::domain::{AllocationId, GroupName, NewNumber, Number, NumberFilter, NumberPatch, NumberState, Refusal};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &Create, &Read, &Update, &Delete];

/// A number as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NumberShown")]
pub(in crate::dialect::native) struct ShownNumber {
    /// The whole number.
    number: Number,
    /// The short form that a switch or IVR may see instead.
    dnid: Number,
    /// The group the number is lent from; null without one.
    group: Option<GroupName>,
    /// Whether it may be lent.
    enabled: bool,
    /// What it can be used for now.
    state: Word<NumberState>,
    /// The newest allocation it carries; null where it carries none.
    #[schemars(with = "Option<AllocationId>")]
    allocation: Option<String>,
}

impl ShownNumber {
    /// The number as it is now.
    pub(in crate::dialect::native) fn new(context: &RequestContext<'_>, found: &FoundNumber) -> Self {
        let record = &found.record;
        Self {
            number: record.number,
            dnid: record.dnid,
            group: record.group.clone(),
            enabled: record.enabled,
            state: Word(found.state(&context.rules(record.group.as_ref()), context.now())),
            allocation: found.allocation.as_ref().map(|allocation| allocation.id.0.to_string()),
        }
    }
}

choice! {
    /// What a number can be used for now.
    NumberState {
        "free" = NumberState::Free,
        "allocated" = NumberState::Allocated,
        "cooling" = NumberState::Cooling,
        "reserved" = NumberState::Reserved,
        "disabled" = NumberState::Disabled,
    }
}

members! {
    /// Which numbers are listed.
    Filter {
        /// Those of this group.
        group: Option<GroupName>,
        /// Those that are enabled, or those that are not.
        enabled: Option<bool>,
        /// Those in this state.
        state: Option<NumberState>,
        /// Those that begin with these digits.
        prefix: Option<Number>,
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<Number>>,
    }
}

members! {
    /// A number in a path.
    ByNumber {
        /// The whole number.
        number: Number,
    }
}

members! {
    /// A number to be made.
    NumberCreate {
        /// The whole number.
        number: Number,
        /// The short form that a switch or IVR may see instead; by default the whole number.
        dnid: Option<Number>,
        /// The group it is lent from; without one it is lent only to those who name no group.
        group: Option<GroupName>,
        /// Whether it may be lent; by default it may.
        enabled: Option<bool>,
    }
}

impl From<NumberCreate> for NewNumber {
    fn from(NumberCreate { number, dnid, group, enabled }: NumberCreate) -> Self {
        Self { number, dnid: dnid.unwrap_or(number), group, enabled: enabled.unwrap_or(true) }
    }
}

members! {
    /// What is to change about a number; what is left out stays as it is.
    NumberUpdate {
        /// A new short form.
        dnid: Option<Number>,
        /// A new group; null takes the number out of its group.
        group: Option<Clearable<GroupName>>,
        /// Whether it may be lent.
        enabled: Option<bool>,
    }
}

/// Lists numbers.
struct List;

impl Operation for List {
    const NAME: &'static str = "number-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/numbers";
    const SUMMARY: &'static str = "List numbers";
    const ABOUT: &'static str = "In the order of the numbers. A page may be shorter than its limit, or even empty, \
        although there is more: the list ends where `next_cursor` is null.";

    type Path = Nothing;
    type Query = Filter;
    type Body = ();
    type Reply = WithBody<PageOf<ShownNumber>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Filter { group, enabled, state, prefix, limit, cursor } = asked.query;
        let filter = NumberFilter { group: group.map(Some), enabled, state, prefix };
        let after = cursor.map(|Cursor(number)| number);
        let part = context.store.numbers_after(context.scope(), &filter, after, limit.unwrap_or_default().0).await?;
        Ok(WithBody(PageOf::new(part, |found| ShownNumber::new(context, &found))))
    }
}

/// Makes a number.
struct Create;

impl Operation for Create {
    const NAME: &'static str = "number-create";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/numbers";
    const SUMMARY: &'static str = "Make a number";
    const PROBLEMS: &'static [Problem] =
        &[Problem::NumberExists, Problem::NumberUnknown, Problem::KeyReused, Problem::KeyExpired, Problem::KeysFull];

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<NumberCreate>;
    type Reply = Created<ShownNumber>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(create) = asked.body;
        let number = create.number;
        context.acting().create_number(context.scope(), create.into(), asked.idempotency).await?;
        let shown = ShownNumber::new(context, &find(context, number).await?);
        Ok(Created { path: format!("/numbers/{}", segment(number)), shown })
    }
}

/// Reads a number.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "number-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/numbers/{number}";
    const SUMMARY: &'static str = "Read a number";
    const PROBLEMS: &'static [Problem] = &[Problem::NumberUnknown];

    type Path = ByNumber;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownNumber>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        Ok(WithBody(ShownNumber::new(context, &find(context, asked.path.number).await?)))
    }
}

/// Changes a number.
struct Update;

impl Operation for Update {
    const NAME: &'static str = "number-update";
    const VERB: Verb = Verb::Patch;
    const PATH: &'static str = "/numbers/{number}";
    const SUMMARY: &'static str = "Change a number";
    const ABOUT: &'static str = "What is left out stays as it is. An allocation that runs goes on.";
    const PROBLEMS: &'static [Problem] = &[Problem::NumberUnknown];

    type Path = ByNumber;
    type Query = Nothing;
    type Body = Json<NumberUpdate>;
    type Reply = WithBody<ShownNumber>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(NumberUpdate { dnid, group, enabled }) = asked.body;
        let patch = NumberPatch { dnid, group: group.map(|Clearable(group)| group), enabled };
        let found = context.acting().update_number(context.scope(), asked.path.number, patch).await?;
        Ok(WithBody(ShownNumber::new(context, &found)))
    }
}

/// Deletes a number.
struct Delete;

impl Operation for Delete {
    const NAME: &'static str = "number-delete";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/numbers/{number}";
    const SUMMARY: &'static str = "Delete a number";
    const ABOUT: &'static str = "A number that is lent must be freed first.";
    const PROBLEMS: &'static [Problem] = &[Problem::NumberUnknown, Problem::NumberAllocated];

    type Path = ByNumber;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        context.acting().delete_number(context.scope(), asked.path.number).await?;
        Ok(Done)
    }
}

async fn find(context: &RequestContext<'_>, number: Number) -> Result<FoundNumber, Failure> {
    let found = context.store.number(context.scope(), number).await?;
    found.ok_or(Failure::Refused(Refusal::NumberUnknown(number)))
}

/// A number as a segment of a path.
fn segment(number: Number) -> String {
    crate::dialect::native::framework::reply::segment(&number.to_string())
}
