//! What happens, as it happens: a stream of server-sent events.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;

use actix_web::http::header::HeaderName;
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::Effect;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::members::{Nothing, members};
use crate::dialect::native::framework::operation::{Description, Meta, RequestContext, Served, Verb, asked};
use crate::dialect::native::framework::time::Time;
use crate::dialect::native::framework::value::{Scalar, Word};
use crate::dialect::server_sent::{self, EVENT_STREAM, Told};
use crate::dialect::stream::{Incoming, Streamed};
use crate::dialect::{Answer, Head, HttpRefusal};
use crate::domain::history::End;
use crate::domain::refusal::Miss;
use crate::domain::{Allocation, Caller, GroupName, InteractionId, LentBy, Number, Scope};
use crate::store::events::{Event, EventId, What};

/// The operations of this module.
pub(in crate::dialect::native) const OPERATIONS: &[&dyn Served] = &[&Follow];

/// By which a browser that comes back says what it was told last.
static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

members! {
    /// Where the stream begins.
    EventsFrom {
        /// The id of the last event that is known; the header `Last-Event-ID` goes before it. Without either, from now on.
        after: Option<EventId>,
    }
}

impl Scalar for EventId {
    fn allowed() -> Cow<'static, str> {
        "the id of an event".into()
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl JsonSchema for EventId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "EventId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The id of an event, as the stream tells it.",
            "type": "string",
            "pattern": "^[0-9a-f]{16}-[0-9]{1,19}$",
        })
    }
}

/// What the data of an event says.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
struct ShownEvent<'a> {
    /// When it happened.
    at: Time,
    /// The group of the number, or the one that was asked for; null where there is none or it is not known.
    group: Option<&'a GroupName>,
    /// The number; null where a group was exhausted.
    number: Option<Number>,
    /// The allocation; null where there is none.
    allocation: Option<String>,
    /// Who holds or held the number; null where nobody did.
    interaction: Option<&'a InteractionId>,
    /// The caller's own number, as far as it was told; for a viewer all but its last two characters are `*`.
    caller: Option<Cow<'a, str>>,
    /// By which interface the number was lent; null where none was.
    origin: Option<Word<LentBy>>,
    /// When the allocation ends by itself; null where there is none, or it has ended.
    deadline: Option<Time>,
    /// How the allocation ended; null where none has.
    ended: Option<Word<End>>,
    /// Why the call was not recognised; null for all other events.
    #[schemars(extend("enum" = ["unknown_number", "not_lent", "expired", "wrong_caller", "wrong_code", null]))]
    reason: Option<&'static str>,
}

/// A caller's number as it is shown: whole, or so that it can be told from others and not be called.
fn caller(caller: Option<&Caller>, masked: bool) -> Option<Cow<'_, str>> {
    let text = caller?.as_str();
    if !masked {
        return Some(text.into());
    }
    let hidden = text.chars().count().saturating_sub(2);
    let tail: String = text.chars().skip(hidden).collect();
    Some(format!("{}{tail}", "*".repeat(hidden)).into())
}

impl<'a> ShownEvent<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            at: Time(event.at),
            group: event.group.as_ref(),
            number: None,
            allocation: None,
            interaction: None,
            caller: None,
            origin: None,
            deadline: None,
            ended: None,
            reason: None,
        }
    }

    fn holding(self, held: &'a Allocation, masked: bool) -> Self {
        Self {
            number: Some(held.number),
            allocation: Some(held.id.0.to_string()),
            interaction: Some(&held.interaction),
            caller: caller(held.caller.as_ref(), masked),
            origin: Some(Word(held.origin)),
            ..self
        }
    }
}

/// The name and the data of an event.
fn shown(event: &Event, masked: bool) -> (&'static str, String) {
    let begun = ShownEvent::of(event);
    let (name, told) = match &event.what {
        What::Lent(held) => ("lent", ShownEvent { deadline: Some(Time(held.deadline)), ..begun.holding(held, masked) }),
        What::Ended(held, end) => {
            let name = match end {
                End::Matched | End::MatchedLate => "matched",
                End::Expired => "expired",
                End::Freed | End::InteractionDeleted => "freed",
            };
            (name, ShownEvent { ended: Some(Word(*end)), ..begun.holding(held, masked) })
        }
        What::Refused { number, caller: who, miss } => {
            let who = caller(who.as_ref(), masked);
            ("refused", ShownEvent { number: Some(*number), caller: who, reason: Some(Miss::label(*miss)), ..begun })
        }
        What::Exhausted => ("exhausted", begun),
    };
    (name, serde_json::to_string(&told).expect("texts and numbers are always JSON"))
}

/// Follows what happens.
struct Follow;

impl Served for Follow {
    fn meta(&self) -> Meta {
        Meta {
            name: "event-follow",
            verb: Verb::Get,
            path: "/events",
            summary: "Follow what happens",
            about: "Server-sent events: `lent`, `matched`, `freed`, `expired`, `refused` (a call that was not recognised) and \
                `exhausted` (there was no number to lend), each with one line of JSON and no user data and no codes. The last \
                10 000 of a tenant are kept: whoever comes back with the id of the last one is told what happened \
                meanwhile, after a `reset` where something is missing. A stream ends after ten minutes, so that rights are \
                asked anew; clients of server-sent events come back by themselves.",
            effect: Effect::Reads,
            problems: &[],
            status: StatusCode::OK,
            in_pieces: true,
        }
    }

    fn describe(&self, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Description {
        // The schema is that of the data of an event.
        let _ = writes.subschema_for::<ShownEvent<'_>>();
        Description {
            path: Nothing::json_schema(reads).into(),
            query: EventsFrom::json_schema(reads).into(),
            body: None,
            reply: json!({
                "description": "Events, as they happen; the data of each is an `Event` as JSON.",
                "content": { EVENT_STREAM: {} },
            }),
        }
    }

    fn stream<'a>(
        &'a self,
        context: &'a RequestContext<'a>,
        segments: &'a [String],
        head: Head<'a>,
        _: &'a mut Incoming<'_>,
    ) -> Pin<Box<dyn Future<Output = Result<Streamed, Failure>> + 'a>> {
        Box::pin(async move {
            let (Nothing {}, EventsFrom { after }) = asked(segments, head.query)?;
            let after = match head.headers.get(&LAST_EVENT_ID).map(|id| id.to_str().map(str::parse)) {
                None => after,
                Some(Ok(Ok(id))) => Some(id),
                Some(_) => return Err(Failure::of_member("Last-Event-ID", "must be the id of an event")),
            };
            let (scope, masked) = (context.scope().clone(), !context.principal.may_change());
            let follower = context.store.events().follow(&scope.tenant, after);
            let follower = follower.ok_or(Failure::Http(HttpRefusal::Crowded))?;
            let answer = Answer::new(StatusCode::OK, "ok", EVENT_STREAM, Bytes::new());
            let body = server_sent::body(follower, move |event| of_scope(event, &scope, masked));
            Ok(Streamed { answer, body: (*head.method != Method::HEAD).then_some(body), close: false })
        })
    }
}

fn of_scope(event: &Event, scope: &Scope, masked: bool) -> Told {
    (event.environment == scope.environment).then(|| shown(event, masked))
}
