//! Calls: whose they are and where they go, in one answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;

use crate::access::Effect;
use crate::dialect::native::framework::body::Json;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Asked, Operation, RequestContext, Served, Verb};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::framework::reply::WithBody;
use crate::dialect::native::framework::value::Scalar;
use crate::dialect::native::resources::resolution::{self, Purpose};
use crate::domain::dialled::MAX_DIALLED_CHARS;
use crate::domain::document::LoadedValue;
use crate::domain::{Caller, Destination, Dialled, Extension, HotlineCode, Number, Resolve, Routed};
use crate::store::{Recognised, Resolved};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&ResolveCall];

/// Longest code that is read, in characters. Codes have at most 16 digits; a longer text is a wrong code, no mistake.
const MAX_GIVEN_CODE: usize = 64;

members! {
    /// A call.
    CallToResolve {
        /// The number that was dialled: a whole number, a DNID, or an access code with what was dialled behind it.
        dialled: Dialled,
        /// The caller's own number.
        caller: Option<Caller>,
        /// The access code that the caller gave.
        code: Option<GivenCode>,
        /// Whether the number is to be freed, as by a match; by default it is not.
        take: Option<bool>,
    }
}

/// A code as the caller gave it, right or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) struct GivenCode(pub(in crate::dialect::native) String);

/// What is known of a call.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResolvedCall")]
pub(in crate::dialect::native) struct ShownCall {
    /// The number of the pool, or the DNID, under which the candidates were looked for; null where what was dialled is
    /// neither.
    number: Option<Number>,
    /// Everybody the call may belong to, newest allocation first.
    candidates: Vec<ShownCandidate>,
    /// Whether several candidates fit, so that it cannot be told whose call it is. Then nothing is freed.
    ambiguous: bool,
    /// Whether there are more candidates than the hundred that are listed.
    more: bool,
    /// Whether the number was freed.
    taken: bool,
    /// Where the call goes; null where no called route says so.
    route: Option<ShownDestination>,
}

/// Somebody the call may belong to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Candidate")]
struct ShownCandidate {
    /// The allocation by which the number was lent.
    allocation: String,
    /// The number that was lent.
    number: Number,
    /// The interaction that it was lent to.
    interaction: String,
    /// The interaction's document.
    document: String,
    /// The texts of the document.
    data: BTreeMap<String, String>,
    /// The files of the document.
    files: Vec<ShownFile>,
    /// What speaks for the candidate; `late` for a call that came after its time, while the number rested.
    #[schemars(extend("enum" = ["number", "number-and-caller", "number-and-code", "number-code-and-caller", "late"]))]
    reason: &'static str,
    /// How sure it is: low for a late call and where others fit as well, high where the code or the caller's number was
    /// right, medium where the number alone tells.
    #[schemars(extend("enum" = ["low", "medium", "high"]))]
    confidence: &'static str,
    /// Whole seconds until the allocation ends; 0 for a late call.
    seconds_left: u64,
}

/// A file of a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CandidateFile")]
struct ShownFile {
    /// Its key.
    key: String,
    /// Its media type, as the sender said.
    media_type: String,
    /// Its name; null where the sender gave none.
    name: Option<String>,
    /// Its length in bytes.
    length: u64,
}

/// Where a call goes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CallDestination")]
struct ShownDestination {
    /// The id of the called route.
    route: String,
    /// The access code that was dialled.
    access_code: String,
    /// The extension that was dialled behind it; null without one.
    extension: Option<String>,
    /// The digits dialled behind the access code that belong to no route; null without any.
    overdialled: Option<String>,
    /// The vendor's number of the media type.
    media_type: u8,
    /// What the call goes to.
    #[schemars(extend("enum" = ["skill", "ivr"]))]
    kind: &'static str,
    /// The id of the skill queue or IVR flow.
    id: u32,
}

impl ShownCall {
    fn new(context: &RequestContext<'_>, resolved: &Resolved) -> Self {
        Self {
            number: resolved.number,
            candidates: resolved.candidates.iter().map(|it| ShownCandidate::new(context, it, resolved)).collect(),
            ambiguous: resolution::is_ambiguous(resolved),
            more: resolved.more,
            taken: resolved.freed,
            route: resolved.route.as_ref().map(ShownDestination::new),
        }
    }
}

impl ShownCandidate {
    fn new(context: &RequestContext<'_>, found: &Recognised, resolved: &Resolved) -> Self {
        let candidate = &found.candidate;
        let (mut data, mut files) = (BTreeMap::new(), Vec::new());
        for (key, value) in found.data.iter().flat_map(|document| &document.entries) {
            let key = key.as_str().to_owned();
            match value {
                LoadedValue::Text(text) => drop(data.insert(key, text.to_string())),
                LoadedValue::File { label, length } => files.push(ShownFile {
                    key,
                    media_type: label.media_type().to_owned(),
                    name: label.name().map(str::to_owned),
                    length: *length,
                }),
            }
        }
        Self {
            allocation: candidate.allocation.id.0.to_string(),
            number: candidate.allocation.number,
            interaction: candidate.interaction.id.to_string(),
            document: candidate.interaction.data.to_string(),
            data,
            files,
            reason: resolution::reason(found),
            confidence: resolution::confidence(found, resolved),
            seconds_left: candidate.allocation.deadline.seconds_left(context.now()).get(),
        }
    }
}

impl ShownDestination {
    fn new(routed: &Routed) -> Self {
        let route = &routed.route;
        Self {
            route: route.id.to_string(),
            access_code: HotlineCode::to_string(&route.hotline),
            extension: route.extension.as_ref().map(Extension::to_string),
            overdialled: routed.overdialled.clone(),
            media_type: route.media.number(),
            kind: kind(route.destination),
            id: route.destination.id(),
        }
    }
}

/// The kind of a destination, in a word that stays.
pub(in crate::dialect::native) fn kind(destination: Destination) -> &'static str {
    match destination {
        Destination::Skill(_) => "skill",
        Destination::Flow(_) => "ivr",
    }
}

/// Resolves a call.
struct ResolveCall;

impl Operation for ResolveCall {
    const NAME: &'static str = "call-resolve";
    const VERB: Verb = Verb::Post;
    const PATH: &'static str = "/calls/resolve";
    const SUMMARY: &'static str = "Tell whose call it is and where it goes";
    const ABOUT: &'static str = "Finds the allocation, its interaction with the user data, and the called route of the \
        dialled number. A look changes nothing; with `take` the number is freed, unless several candidates fit.";
    const EFFECT: Effect = Effect::Reads;
    const PROBLEMS: &'static [Problem] = &[Problem::NoMatch, Problem::TooManyGuesses, Problem::Role];

    type Path = Nothing;
    type Query = Nothing;
    type Body = Json<CallToResolve>;
    type Reply = WithBody<ShownCall>;

    async fn run(context: &RequestContext<'_>, asked: Asked<Self>) -> Result<Self::Reply, Failure> {
        let Json(CallToResolve { dialled, caller, code, take }) = asked.body;
        let call = Resolve { dialled, caller, code: code.map(|GivenCode(code)| code) };
        // Whatever text a document holds, JSON carries it.
        let resolved = resolution::resolve(context, call, Purpose::from(take), |_| Ok(())).await?;
        Ok(WithBody(ShownCall::new(context, &resolved)))
    }
}

impl Scalar for Dialled {
    fn allowed() -> Cow<'static, str> {
        format!("a string of 1 to {MAX_DIALLED_CHARS} characters of 0-9 + * #").into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str().filter(|text| text.trim() == *text).and_then(|text| Self::new(text).ok())
    }
}

impl JsonSchema for Dialled {
    fn schema_name() -> Cow<'static, str> {
        "Dialled".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number as it was dialled.",
            "type": "string",
            "pattern": format!("^[0-9+*#]{{1,{MAX_DIALLED_CHARS}}}$"),
            "examples": ["6504664130"],
        })
    }
}

impl Scalar for GivenCode {
    fn allowed() -> Cow<'static, str> {
        format!("a string of 1 to {MAX_GIVEN_CODE} characters").into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = value.as_str().filter(|text| (1..=MAX_GIVEN_CODE).contains(&text.chars().count()))?;
        Some(Self(text.trim().to_owned()))
    }
}

impl JsonSchema for GivenCode {
    fn schema_name() -> Cow<'static, str> {
        "GivenCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An access code as the caller gave it; a wrong one finds nobody.",
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_GIVEN_CODE,
            "examples": ["123456"],
        })
    }
}
