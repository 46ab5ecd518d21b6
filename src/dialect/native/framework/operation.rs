//! What an operation of the API is: an address, the types it reads and writes, and what it does.
//!
//! The same types decode a request, encode the answer and make the OpenAPI document, so that neither can say what the
//! other does not.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value};

use crate::access::{Effect, Guesses, Principal};
use crate::config::{Limits, Role, Settings, Tenant};
use crate::dialect::native::framework::body::Body;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Members, unknown_member};
use crate::dialect::native::framework::objection::{Objections, Within};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::Reply;
use crate::dialect::native::resources::bulk::Importing;
use crate::dialect::stream::{Incoming, Streamed};
use crate::dialect::{Answer, Call, Head, idempotency};
use crate::domain::{GroupName, GroupRules, IdempotentRequest, Scope, Timestamp};
use crate::store::{Clock, Store};

/// The method of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) enum Verb {
    /// Reads; HEAD is answered alike, without the body.
    Get,
    /// Makes something, or does something.
    Post,
    /// Changes what is named in the body, and nothing else.
    Patch,
    /// Ends something.
    Delete,
}

impl Verb {
    /// The HTTP methods that it answers to.
    pub(in crate::dialect::native) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Get => &[Method::GET, Method::HEAD],
            Self::Post => &[Method::POST],
            Self::Patch => &[Method::PATCH],
            Self::Delete => &[Method::DELETE],
        }
    }

    /// Its name in the OpenAPI document.
    pub(in crate::dialect::native) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// What an operation of this method does that says nothing else of itself.
    const fn effect(self) -> Effect {
        match self {
            Self::Get => Effect::Reads,
            Self::Post | Self::Patch | Self::Delete => Effect::Changes,
        }
    }
}

/// One operation. The unit struct that implements it goes into the `OPERATIONS` of its module.
pub(in crate::dialect::native) trait Operation: Sync {
    /// Its name: a resource, a hyphen and a verb; the label in metrics and the `operationId`.
    const NAME: &'static str;
    /// The method.
    const VERB: Verb;
    /// The path below the prefix; `{name}` is a parameter, a member of [`Self::Path`].
    const PATH: &'static str;
    /// What it does, in one line.
    const SUMMARY: &'static str;
    /// What else there is to know.
    const ABOUT: &'static str = "";
    /// What it does to things, which not every user may. One that changes something only if it is asked to
    /// reads here, names [`Problem::Role`], and asks [`RequestContext::may_change`] itself.
    const EFFECT: Effect = Self::VERB.effect();
    /// What it may refuse for reasons of its own; what every operation may answer is not repeated here. One that names
    /// [`Problem::KeyExpired`] takes an `Idempotency-Key`.
    const PROBLEMS: &'static [Problem] = &[];

    /// The parameters in the path.
    type Path: Members;
    /// The parameters in the query.
    type Query: Members;
    /// The body.
    type Body: Body;
    /// The good answer.
    type Reply: Reply;

    /// Does it.
    fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> impl Future<Output = Result<Self::Reply, Failure>>
    where
        Self: Sized;
}

/// A request, read.
pub(in crate::dialect::native) struct Asked<O: Operation> {
    /// The parameters in the path.
    pub(in crate::dialect::native) path: O::Path,
    /// The parameters in the query.
    pub(in crate::dialect::native) query: O::Query,
    /// The body.
    pub(in crate::dialect::native) body: O::Body,
    /// The key that the request came under; `None` for an operation that takes none.
    pub(in crate::dialect::native) idempotency: Option<IdempotentRequest>,
}

/// What an operation works with, for one caller.
pub(in crate::dialect::native) struct RequestContext<'a> {
    /// Where the state is.
    pub(in crate::dialect::native) store: &'a Arc<dyn Store>,
    /// Who imports a file now.
    pub(in crate::dialect::native) importing: &'a Importing,
    /// Who calls.
    pub(in crate::dialect::native) principal: Principal<'a>,
    /// Where the request came from.
    pub(in crate::dialect::native) source: IpAddr,
    /// The settings in force for this request.
    pub(in crate::dialect::native) settings: &'a Settings,
    /// For what answers say of time.
    pub(in crate::dialect::native) clock: &'a dyn Clock,
    /// The wrong access codes of callers.
    pub(in crate::dialect::native) guesses: &'a Guesses,
}

impl RequestContext<'_> {
    /// Lets pass who may change something.
    ///
    /// # Errors
    /// [`Failure::Role`].
    pub(in crate::dialect::native) fn may_change(&self) -> Result<(), Failure> {
        if self.principal.may_change() { Ok(()) } else { Err(Failure::Role(Role::Operator)) }
    }

    /// The store as it acts for the caller: what it changes of numbers and routes, and what it ends, is in the audit.
    pub(in crate::dialect::native) fn acting(&self) -> Arc<dyn Store> {
        match self.principal.actor(self.source) {
            Some(actor) => self.store.acting(actor),
            None => Arc::clone(self.store),
        }
    }

    /// Whose data the call is about.
    pub(in crate::dialect::native) fn scope(&self) -> &Scope {
        &self.principal.scope
    }

    /// The time by which answers tell what is left.
    pub(in crate::dialect::native) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is configured of the caller's tenant.
    pub(in crate::dialect::native) fn tenant(&self) -> &Tenant {
        self.principal.tenant
    }

    /// How a group of the caller's tenant lends.
    pub(in crate::dialect::native) fn rules(&self, group: Option<&GroupName>) -> GroupRules {
        let configured = group.and_then(|group| self.tenant().group(group));
        configured.map(|group| group.rules.clone()).unwrap_or_default()
    }
}

/// What describes an operation in the OpenAPI document; the generator makes the schemas.
pub(in crate::dialect::native) struct Description {
    /// The parameters in the path, as an object's schema.
    pub(in crate::dialect::native) path: Value,
    /// The parameters in the query, as an object's schema.
    pub(in crate::dialect::native) query: Value,
    /// The request body.
    pub(in crate::dialect::native) body: Option<Value>,
    /// The good answer.
    pub(in crate::dialect::native) reply: Value,
}

/// What an operation says of itself; see the constants of [`Operation`].
#[derive(Clone, Copy)]
pub(in crate::dialect::native) struct Meta {
    pub(in crate::dialect::native) name: &'static str,
    pub(in crate::dialect::native) verb: Verb,
    pub(in crate::dialect::native) path: &'static str,
    pub(in crate::dialect::native) summary: &'static str,
    pub(in crate::dialect::native) about: &'static str,
    pub(in crate::dialect::native) effect: Effect,
    pub(in crate::dialect::native) problems: &'static [Problem],
    /// The status of the good answer.
    pub(in crate::dialect::native) status: StatusCode,
    /// Whether it takes its body, or gives its answer, piece by piece.
    pub(in crate::dialect::native) in_pieces: bool,
}

impl Meta {
    /// What it may refuse beside what every operation may.
    pub(in crate::dialect::native) fn problems(&self) -> impl Iterator<Item = Problem> {
        let of_effect = (self.effect == Effect::Changes).then_some(Problem::Role);
        of_effect.into_iter().chain(self.problems.iter().copied())
    }
}

/// An operation behind one type, for the table of all.
pub(in crate::dialect::native) trait Served: Sync {
    /// What it says of itself.
    fn meta(&self) -> Meta;
    /// How long the body may be, in bytes.
    fn body_limit(&self, limits: &Limits) -> usize {
        limits.body
    }
    /// What it reads (by `reads`) and answers (by `writes`).
    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description;
    /// Answers a call; `segments` are the values of the parameters in the path, still percent-encoded.
    fn answer<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        call: &'a Call<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>> {
        Box::pin(async move {
            let mut body = Incoming::whole(call.body.clone());
            let streamed = self.stream(context, segments, call.head, &mut body).await?;
            streamed.whole().await.map_err(|_| Failure::Unavailable)
        })
    }
    /// As [`Self::answer`], piece by piece.
    fn stream<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        head: Head<'a>,
        body: &'a mut Incoming<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Streamed, Failure>> + 'a>>;
}

impl<O: Operation> Served for O {
    fn meta(&self) -> Meta {
        Meta {
            name: O::NAME,
            verb: O::VERB,
            path: O::PATH,
            summary: O::SUMMARY,
            about: O::ABOUT,
            effect: O::EFFECT,
            problems: O::PROBLEMS,
            status: O::Reply::STATUS,
            in_pieces: false,
        }
    }

    fn body_limit(&self, limits: &Limits) -> usize {
        O::Body::limit(limits)
    }

    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description {
        Description {
            path: O::Path::json_schema(reads).into(),
            query: O::Query::json_schema(reads).into(),
            body: O::Body::describe(reads),
            reply: O::Reply::describe(writes),
        }
    }

    fn answer<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        call: &'a Call<'a>,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>> {
        Box::pin(async move { Ok(O::run(context, read::<O>(segments, call)?).await?.answer()) })
    }

    fn stream<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        head: Head<'a>,
        body: &'a mut Incoming<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Streamed, Failure>> + 'a>> {
        Box::pin(async move {
            let body = body.gather().await.map_err(Failure::Http)?;
            let call = Call { head, body: &body };
            Ok(self.answer(context, segments, &call).await?.into())
        })
    }
}

/// Reads a request: path, query and body, and only then says what is wrong with all of them.
fn read<O: Operation>(segments: &[String], call: &Call<'_>) -> Result<Asked<O>, Failure> {
    let mut objections = Objections::none();
    let path = path::<O::Path>(segments, objections.within(Within::Path));
    let query = query::<O::Query>(call.head.query, objections.within(Within::Query));
    let body = O::Body::read(call.head.headers, call.body, objections.within(Within::Body))?;
    let raised = objections.into_raised();
    match (path, query, body) {
        (Some(path), Some(query), Some(body)) if raised.is_empty() => {
            Ok(Asked { path, query, body, idempotency: idempotency(O::PROBLEMS, call)? })
        }
        _ => Err(Failure::Invalid(raised)),
    }
}

/// Whether an operation takes a key, so that it is carried out at most once: it can then find one that is spent.
pub(in crate::dialect::native) fn takes_key(problems: &[Problem]) -> bool {
    problems.contains(&Problem::KeyExpired)
}

fn idempotency(problems: &[Problem], call: &Call<'_>) -> Result<Option<IdempotentRequest>, Failure> {
    let idempotency = if takes_key(problems) { call.idempotency() } else { Ok(None) };
    idempotency.map_err(|wrong| Failure::of_member(idempotency::NAME, &wrong.to_string()))
}

/// Reads path and query of an operation that reads its body itself.
pub(in crate::dialect::native) fn asked<P: Members, Q: Members>(
    segments: &[String],
    query_text: &str,
) -> Result<(P, Q), Failure> {
    let mut objections = Objections::none();
    let path = path(segments, objections.within(Within::Path));
    let query = query(query_text, objections.within(Within::Query));
    let raised = objections.into_raised();
    match (path, query) {
        (Some(path), Some(query)) if raised.is_empty() => Ok((path, query)),
        _ => Err(Failure::Invalid(raised)),
    }
}

fn path<P: Members>(segments: &[String], objections: &mut Objections) -> Option<P> {
    let mut members = Map::new();
    for (name, segment) in P::NAMES.iter().zip(segments) {
        match percent_decode_str(segment).decode_utf8() {
            Ok(text) => {
                members.insert((*name).to_owned(), P::member_of_text(name, &text)?);
            }
            Err(_) => objections.at(name, |objections| objections.raise("must be percent-encoded UTF-8")),
        }
    }
    P::read(Some(&Value::Object(members)), objections)
}

fn query<Q: Members>(query: &str, objections: &mut Objections) -> Option<Q> {
    let mut members = Map::new();
    for (name, text) in form_urlencoded::parse(query.as_bytes()) {
        match Q::member_of_text(&name, &text) {
            None => objections.at(&name, |objections| objections.raise(unknown_member(Q::NAMES))),
            Some(_) if members.contains_key(&*name) => {
                objections.at(&name, |objections| objections.raise("is given more than once; once is allowed"));
            }
            Some(value) => {
                members.insert(name.into_owned(), value);
            }
        }
    }
    Q::read(Some(&Value::Object(members)), objections)
}
