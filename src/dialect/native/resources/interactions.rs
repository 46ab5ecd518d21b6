//! Interactions: begun, read, ended.

use schemars::JsonSchema;
use serde::Serialize;

use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Created, Done, WithBody, segment};
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::resources::data::UserData;
use crate::domain::{Interaction, InteractionId, NewInteraction, Refusal, Seconds, Timestamp};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Create, &Read, &End];

/// An interaction as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Interaction")]
pub(in crate::dialect::native) struct ShownInteraction {
    /// Its id.
    id: InteractionId,
    /// The id of its document, by which GMS clients know its user data.
    document: String,
    /// When it began.
    since: Time,
    /// When it ends by itself; null where somebody must end it.
    deadline: Option<Time>,
    /// Whole seconds until then, rounded down; null where somebody must end it.
    seconds_left: Option<u64>,
}

impl ShownInteraction {
    /// The interaction as it is at `now`.
    pub(in crate::dialect::native) fn new(interaction: &Interaction, now: Timestamp) -> Self {
        let deadline = interaction.deadline.at();
        Self {
            id: interaction.id.clone(),
            document: interaction.data.to_string(),
            since: Time(interaction.since),
            deadline: deadline.map(Time),
            seconds_left: deadline.map(|at| at.seconds_left(now).get()),
        }
    }
}

members! {
    /// An interaction in a path.
    ByInteraction {
        /// The interaction's id.
        interaction: InteractionId,
    }
}

members! {
    /// An interaction to be begun.
    InteractionCreate {
        /// The id; without one the gateway makes one.
        id: Option<InteractionId>,
        /// For how many seconds it lives; by default as long as a service instance of GMS. Whoever lends it a number
        /// prolongs it.
        lasting: Option<Seconds>,
        /// Texts for its document, by their keys.
        data: Option<UserData>,
    }
}

/// Begins an interaction.
struct Create;

impl Operation for Create {
    const NAME: &'static str = "interaction-create";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/interactions";
    const SUMMARY: &'static str = "Begin an interaction";
    const PROBLEMS: &'static [Problem] = &[
        Problem::InteractionExists,
        Problem::InteractionsFull,
        Problem::DocumentsFull,
        Problem::KeyReused,
        Problem::KeyExpired,
        Problem::KeysFull,
    ];

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<InteractionCreate>;
    type Reply = Created<ShownInteraction>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(InteractionCreate { id, lasting, data }) = asked.body;
        let lasting = lasting.unwrap_or(context.settings.gms.interaction_ttl);
        let data = data.map(UserData::into_entries).unwrap_or_default();
        let new =
            NewInteraction { id, lasting: Some(lasting), data, application: context.principal.identity.application() };
        let made = context.store.create_interaction(context.scope(), new, asked.idempotency).await?;
        let path = format!("/interactions/{}", segment(made.id.as_str()));
        Ok(Created { path, shown: ShownInteraction::new(&made, context.now()) })
    }
}

/// Reads an interaction.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "interaction-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/interactions/{interaction}";
    const SUMMARY: &'static str = "Read an interaction";
    const ABOUT: &'static str = "What it holds is listed at `/allocations?interaction=`.";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown];

    type Path = ByInteraction;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownInteraction>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let id = asked.path.interaction;
        let found = context.store.interaction(context.scope(), &id).await?.ok_or(Refusal::InteractionUnknown(id))?;
        Ok(WithBody(ShownInteraction::new(&found, context.now())))
    }
}

/// Ends an interaction.
struct End;

impl Operation for End {
    const NAME: &'static str = "interaction-end";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/interactions/{interaction}";
    const SUMMARY: &'static str = "End an interaction";
    const ABOUT: &'static str = "Its numbers are free again. Its document lives on for its own time, if it has one.";
    const PROBLEMS: &'static [Problem] = &[Problem::InteractionUnknown];

    type Path = ByInteraction;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        context.acting().delete_interaction(context.scope(), &asked.path.interaction).await?;
        Ok(Done)
    }
}
