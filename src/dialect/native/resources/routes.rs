//! Called routes: where a dialled number goes.

use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::json;

use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::page::{Cursor, Limit, Mark, PageOf};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::{Created, Done, WithBody};
use crate::dialect::native::framework::value::choice;
use crate::domain::refusal::RouteRefusal;
use crate::domain::route::DestinationKind;
use crate::domain::{
    Destination, Extension, FlowId, HotlineCode, MediaType, NewRoute, Refusal, Route, RouteFilter, RouteId, SkillId,
};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&List, &Create, &Read, &Update, &Delete];

/// A called route as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Route")]
pub(in crate::dialect::native) struct ShownRoute {
    /// The gateway's id.
    #[schemars(with = "RouteId")]
    id: String,
    /// The configuration number, by which AICC clients name the route too.
    dnid: u32,
    /// What is dialled.
    access_code: String,
    /// What is dialled behind it; null where nothing is.
    extension: Option<String>,
    /// What people do on the line.
    media_type: u8,
    /// The skill queue it leads to; null where it leads to an IVR flow.
    skill: Option<u32>,
    /// The IVR flow it leads to; null where it leads to a skill queue.
    flow: Option<u32>,
}

impl ShownRoute {
    /// The route as it is.
    pub(in crate::dialect::native) fn new(route: &Route) -> Self {
        let (skill, flow) = match route.destination {
            Destination::Skill(SkillId(id)) => (Some(id), None),
            Destination::Flow(FlowId(id)) => (None, Some(id)),
        };
        Self {
            id: route.id.to_string(),
            dnid: route.dnid,
            access_code: route.hotline.to_string(),
            extension: route.extension.as_ref().map(ToString::to_string),
            media_type: route.media.number(),
            skill,
            flow,
        }
    }
}

choice! {
    /// What a called route leads to: a skill queue or an IVR flow.
    DestinationKind {
        "skill" = DestinationKind::Skill,
        "flow" = DestinationKind::Flow,
    }
}

impl Mark for u32 {
    fn to_text(&self) -> String {
        self.to_string()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

members! {
    /// Which called routes are listed.
    RouteQuery {
        /// Those of this access code.
        access_code: Option<HotlineCode>,
        /// Those with this extension.
        extension: Option<Extension>,
        /// Those of this media type.
        media_type: Option<MediaType>,
        /// Those that lead to this kind of destination.
        leads_to: Option<DestinationKind>,
        /// At most so many.
        limit: Option<Limit>,
        /// Where to go on: the `next_cursor` of the page before.
        cursor: Option<Cursor<u32>>,
    }
}

members! {
    /// A called route in a path.
    ByRoute {
        /// The route's id.
        route: RouteId,
    }
}

members! {
    /// A called route to be made. It leads to either a skill queue or an IVR flow.
    #[schemars(transform = one_destination)]
    RouteCreate {
        /// An access code of the tenant.
        access_code: HotlineCode,
        /// What is dialled behind it, if it has several destinations.
        extension: Option<Extension>,
        /// What people do on the line; by default what the queue serves, and voice and video for a flow.
        media_type: Option<MediaType>,
        /// The skill queue it leads to.
        skill: Option<SkillId>,
        /// The IVR flow it leads to.
        flow: Option<FlowId>,
    }
}

members! {
    /// Where a called route is to lead: to either a skill queue or an IVR flow.
    #[schemars(transform = one_destination)]
    RouteUpdate {
        /// The skill queue it leads to.
        skill: Option<SkillId>,
        /// The IVR flow it leads to.
        flow: Option<FlowId>,
    }
}

/// Says of an object with the members `skill` and `flow` that one of them is given.
fn one_destination(schema: &mut Schema) {
    let one = |given: &str, other: &str| {
        json!({
            "required": [given],
            "properties": { given: { "type": "integer" }, other: { "type": "null" } },
        })
    };
    schema.insert("oneOf".to_owned(), json!([one("skill", "flow"), one("flow", "skill")]));
}

/// The one destination that is named.
fn destination(skill: Option<SkillId>, flow: Option<FlowId>) -> Result<Destination, Failure> {
    let said = match (skill, flow) {
        (Some(skill), None) => return Ok(Destination::Skill(skill)),
        (None, Some(flow)) => return Ok(Destination::Flow(flow)),
        (None, None) => "is required, or flow; a route leads to one of them",
        (Some(_), Some(_)) => "is given beside flow; a route leads to one of them",
    };
    Err(Failure::of_member("skill", said))
}

/// Lists called routes.
struct List;

impl Operation for List {
    const NAME: &'static str = "route-list";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/routes";
    const SUMMARY: &'static str = "List called routes";
    const ABOUT: &'static str = "In the order of their configuration numbers.";

    type Path = Nothing;
    type Query = RouteQuery;
    type Body = ();
    type Reply = WithBody<PageOf<ShownRoute>>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let RouteQuery { access_code, extension, media_type, leads_to, limit, cursor } = asked.query;
        let filter =
            RouteFilter { hotline: access_code, extension, kind: leads_to, media: media_type, destinations: None };
        let after = cursor.map(|Cursor(dnid)| dnid);
        let part = context.store.routes_after(context.scope(), &filter, after, limit.unwrap_or_default().0).await?;
        Ok(WithBody(PageOf::new(part, |route: Arc<Route>| ShownRoute::new(&route))))
    }
}

/// Makes a called route.
struct Create;

impl Operation for Create {
    const NAME: &'static str = "route-create";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/routes";
    const SUMMARY: &'static str = "Make a called route";
    const ABOUT: &'static str = "A dialled number (access code and extension in one) leads to one destination.";
    const PROBLEMS: &'static [Problem] =
        &[Problem::RouteExists, Problem::RouteRefused, Problem::KeyReused, Problem::KeyExpired, Problem::KeysFull];

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<RouteCreate>;
    type Reply = Created<ShownRoute>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(RouteCreate { access_code, extension, media_type, skill, flow }) = asked.body;
        let destination = destination(skill, flow)?;
        let new = NewRoute { hotline: access_code, extension, media: media_type, destination };
        let made = context.acting().create_route(context.scope(), new, asked.idempotency).await?;
        Ok(Created { path: format!("/routes/{}", made.id), shown: ShownRoute::new(&made) })
    }
}

/// Reads a called route.
struct Read;

impl Operation for Read {
    const NAME: &'static str = "route-read";
    const VERB: Verb = Verb::Get;
    const PATH: &'static str = "/routes/{route}";
    const SUMMARY: &'static str = "Read a called route";
    const PROBLEMS: &'static [Problem] = &[Problem::RouteUnknown];

    type Path = ByRoute;
    type Query = Nothing;
    type Body = ();
    type Reply = WithBody<ShownRoute>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        Ok(WithBody(ShownRoute::new(&*find(context, asked.path.route).await?)))
    }
}

/// Leads a called route elsewhere.
struct Update;

impl Operation for Update {
    const NAME: &'static str = "route-update";
    const VERB: Verb = Verb::Patch;
    const PATH: &'static str = "/routes/{route}";
    const SUMMARY: &'static str = "Lead a called route elsewhere";
    const PROBLEMS: &'static [Problem] = &[Problem::RouteUnknown, Problem::RouteRefused];

    type Path = ByRoute;
    type Query = Nothing;
    type Body = Json<RouteUpdate>;
    type Reply = WithBody<ShownRoute>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(RouteUpdate { skill, flow }) = asked.body;
        let destination = destination(skill, flow)?;
        let changed = context.acting().modify_route(context.scope(), asked.path.route, destination).await?;
        Ok(WithBody(ShownRoute::new(&changed)))
    }
}

/// Deletes a called route.
struct Delete;

impl Operation for Delete {
    const NAME: &'static str = "route-delete";
    const VERB: Verb = Verb::Delete;
    const PATH: &'static str = "/routes/{route}";
    const SUMMARY: &'static str = "Delete a called route";
    const PROBLEMS: &'static [Problem] = &[Problem::RouteUnknown];

    type Path = ByRoute;
    type Query = Nothing;
    type Body = ();
    type Reply = Done;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let id = asked.path.route;
        // Configuration numbers are never given twice, so what is deleted is this route or nothing.
        let dnid = find(context, id).await?.dnid;
        let outcome = context.acting().delete_routes(context.scope(), vec![dnid]).await?;
        if outcome.deleted.is_empty() { Err(unknown(id)) } else { Ok(Done) }
    }
}

async fn find(context: &RequestContext<'_>, id: RouteId) -> Result<Arc<Route>, Failure> {
    context.store.route(context.scope(), id).await?.ok_or_else(|| unknown(id))
}

fn unknown(id: RouteId) -> Failure {
    Refusal::Route(RouteRefusal::RouteUnknown(id)).into()
}
