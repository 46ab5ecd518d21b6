//! Allocations: numbers are lent, the loans listed, read, renewed and ended.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::lending::{self, NoCode};
use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::names::CodeLength;
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, PageOf};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Created, Done, WithBody};
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::{Word, choice};
use crate::dialect::native::resources::data::UserData;
use crate::domain::state::{Holder, Lend, Repeat, Source};
use crate::domain::{
    Allocation, AllocationFilter, AllocationId, Caller, GroupName, InteractionId, LentBy, Number, Refusal, Seconds,
    Sharing, Timestamp,
};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &Create, &Read, &Renew, &Free];

/// An allocation as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Allocation")]
pub(in crate::dialect::native) struct ShownAllocation {
    /// The gateway's id; a greater one is newer.
    #[schemars(with = "AllocationId")]
    id: String,
    /// The number that is lent.
    number: Number,
    /// Who holds it.
    interaction: InteractionId,
    /// The code that the caller must give; null where none was asked for.
    code: Option<String>,
    /// The caller's own number; null where it was not told.
    caller: Option<Caller>,
    /// Which dialect lent it.
    origin: Word<LentBy>,
    /// The application that asked for it; null where it was none, or an older release lent it.
    application: Option<String>,
    /// Whether it has the number to itself.
    sharing: Word<Sharing>,
    /// When it was lent.
    since: Time,
    /// When it ends by itself.
    deadline: Time,
    /// Whole seconds until then, rounded down.
    seconds_left: u64,
}

impl ShownAllocation {
    /// The allocation as it is at `now`.
    pub(in crate::dialect::native) fn new(allocation: &Allocation, now: Timestamp) -> Self {
        Self {
            id: allocation.id.0.to_string(),
            number: allocation.number,
            interaction: allocation.interaction.clone(),
            code: allocation.code.as_ref().map(|code| code.as_str().to_owned()),
            caller: allocation.caller.clone(),
            origin: Word(allocation.origin),
            application: allocation.application.as_ref().map(ToString::to_string),
            sharing: Word(allocation.sharing),
            since: Time(allocation.since),
            deadline: Time(allocation.deadline),
            seconds_left: allocation.deadline.seconds_left(now).get(),
        }
    }
}

choice! {
    /// Which dialect lent a number.
    LentBy {
        "gms" = LentBy::Gms,
        "interact" = LentBy::Interact,
        "native" = LentBy::Native,
    }
}

choice! {
    /// Whether a number serves one interaction at a time or many.
    Sharing {
        "exclusive" = Sharing::Exclusive,
        "shared" = Sharing::Shared,
    }
}

choice! {
    /// What a second request of an interaction comes to: another number, the same one with a new deadline, or the same
    /// one only if it is of the group that is asked for.
    Repeat {
        "another" = Repeat::AnotherNumber,
        "same" = Repeat::SameNumber,
        "same-of-group" = Repeat::SameNumberOfGroup,
    }
}

members! {
    /// Which allocations are listed.
    AllocationQuery {
        /// Those of the numbers of this group.
        group: Option<GroupName>,
        /// Those of this interaction.
        interaction: Option<InteractionId>,
        /// Those of this number.
        number: Option<Number>,
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<AllocationId>>,
    }
}

members! {
    /// An allocation in a path.
    ByAllocation {
        /// The allocation's id.
        allocation: AllocationId,
    }
}

members! {
    /// A number to be lent.
    AllocationCreate {
        /// The group it comes from; without one, any exclusive group and the numbers without a group.
        group: Option<GroupName>,
        /// Who is to hold it, made if it does not exist; without one, a new interaction.
        interaction: Option<InteractionId>,
        /// What a second request of an interaction comes to, by default another number. Only numbers that this API lent
        /// count.
        repeat: Option<Repeat>,
        /// For how many seconds; by default as long as Interact lends.
        lasting: Option<Seconds>,
        /// How many digits the access code has that the caller must give; without it there is no code.
        code_length: Option<CodeLength>,
        /// The caller's own number.
        caller: Option<Caller>,
        /// Texts for the interaction's document, by their keys.
        data: Option<UserData>,
    }
}

members! {
    /// A new deadline.
    AllocationRenew {
        /// How many seconds from now on.
        lasting: Seconds,
    }
}

/// Lists allocations.
struct List;

impl Operation for List {
    const NAME: &'static str = "allocation-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/allocations";
    const SUMMARY: &'static str = "List allocations";
    const ABOUT: &'static str = "Those that run, whichever dialect lent them, oldest first.";

    type Path = Nothing;
    type Query = AllocationQuery;
    type Body = ();
    type Reply = WithBody<PageOf<ShownAllocation>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let AllocationQuery { group, interaction, number, limit, cursor } = asked.query;
        let filter = AllocationFilter { group, interaction, number };
        let after = cursor.map(|Cursor(id)| id);
        let part =
            context.store.allocations_after(context.scope(), &filter, after, limit.unwrap_or_default().0).await?;
        let now = context.now();
        Ok(WithBody(PageOf::new(part, |allocation: Arc<Allocation>| ShownAllocation::new(&allocation, now))))
    }
}

/// Lends a number.
struct Create;

impl Operation for Create {
    const NAME: &'static str = "allocation-create";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/allocations";
    const SUMMARY: &'static str = "Lend a number";
    const ABOUT: &'static str = "The interaction lives at least as long as the allocation.";
    const PROBLEMS: &'static [Problem] = &[
        Problem::GroupUnknown,
        Problem::Exhausted,
        Problem::CodesUsedUp,
        Problem::BookingsFull,
        Problem::InteractionsFull,
        Problem::DocumentsFull,
        Problem::KeyReused,
        Problem::KeyExpired,
        Problem::KeysFull,
    ];

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<AllocationCreate>;
    type Reply = Created<ShownAllocation>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(wanted) = asked.body;
        let lent = context.store.lend(context.scope(), lend(context, wanted)?, asked.idempotency).await?;
        let shown = ShownAllocation::new(&lent.allocation, context.now());
        Ok(Created { path: format!("/allocations/{}", lent.allocation.id.0), shown })
    }
}

/// What is asked of the store.
fn lend(context: &RequestContext<'_>, wanted: AllocationCreate) -> Result<Lend, Failure> {
    let AllocationCreate { group, interaction, repeat, lasting, code_length, caller, data } = wanted;
    let code = code_length.map(|CodeLength(length)| lending::code_shape(context.tenant(), length.into())).transpose();
    let code = code.map_err(|no_code| {
        let objection = match no_code {
            NoCode::PrefixIsNoNumber(_) => "cannot be given: the configured access_code_prefix is no number",
            NoCode::Shape(_) => "must be longer than the configured access_code_prefix",
        };
        Failure::of_member("code_length", objection)
    })?;
    let holder = interaction.map_or(Holder::New, Holder::Any);
    let source = group.map_or(Source::Anywhere, Source::group);
    let application = context.principal.identity.application();
    let lend = lending::lend(context.settings, application, LentBy::Native, holder, source);
    Ok(Lend {
        repeat: repeat.unwrap_or(lend.repeat),
        lasting: lasting.unwrap_or(lend.lasting),
        code,
        caller,
        data: data.map(UserData::into_entries).unwrap_or_default(),
        ..lend
    })
}

/// Reads an allocation.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "allocation-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/allocations/{allocation}";
    const SUMMARY: &'static str = "Read an allocation";
    const PROBLEMS: &'static [Problem] = &[Problem::AllocationUnknown];

    type Path = ByAllocation;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownAllocation>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let id = asked.path.allocation;
        let found = context.store.allocation(context.scope(), id).await?.ok_or(Refusal::AllocationUnknown(id))?;
        Ok(WithBody(ShownAllocation::new(&found, context.now())))
    }
}

/// Gives an allocation a new deadline.
struct Renew;

impl Operation for Renew {
    const NAME: &'static str = "allocation-renew";
    const VERB: Verb = Verb::Patch;
    const PATH: &'static str = "/allocations/{allocation}";
    const SUMMARY: &'static str = "Give an allocation a new deadline";
    const ABOUT: &'static str = "Sooner or later than before. The interaction lives at least as long.";
    const PROBLEMS: &'static [Problem] = &[Problem::AllocationUnknown];

    type Path = ByAllocation;
    type Query = Nothing;
    type Body = Json<AllocationRenew>;
    type Reply = WithBody<ShownAllocation>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(AllocationRenew { lasting }) = asked.body;
        let lent = context.store.renew_allocation(context.scope(), asked.path.allocation, lasting).await?;
        Ok(WithBody(ShownAllocation::new(&lent.allocation, context.now())))
    }
}

/// Ends an allocation.
struct Free;

impl Operation for Free {
    const NAME: &'static str = "allocation-free";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/allocations/{allocation}";
    const SUMMARY: &'static str = "Free a number";
    const ABOUT: &'static str = "Ends the allocation; the interaction lives on.";
    const PROBLEMS: &'static [Problem] = &[Problem::AllocationUnknown];

    type Path = ByAllocation;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        context.acting().free_allocation(context.scope(), asked.path.allocation).await?;
        Ok(Done)
    }
}
