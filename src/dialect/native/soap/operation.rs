//! The operations of the service: what each is called in the description, and what it does.

use super::reading::Reading;
use super::{NAMESPACE, requests, responses};
use crate::access::Effect;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::RequestContext;
use crate::dialect::native::resources::resolution;
use crate::dialect::{Call, idempotency};
use crate::domain::state::Criteria;
use crate::domain::{Dialled, IdempotentRequest, Resolve};
use crate::soap::envelope::{FieldValue, Fields};
use crate::store::{Resolved, WithData};
use crate::xml::reader::Name;

/// An operation of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) enum SoapOperation {
    /// Whose call is it, and where does it go?
    ResolveCall,
    /// Lend a number.
    RequestAccess,
    /// Recognise an interaction.
    MatchInteraction,
    /// Bind an access code to a destination.
    CreateCalledRoute,
}

impl SoapOperation {
    /// All of them, in the order of the description.
    pub(in crate::dialect::native) const ALL: [Self; 4] =
        [Self::ResolveCall, Self::RequestAccess, Self::MatchInteraction, Self::CreateCalledRoute];

    /// The operation that a payload asks for, with or without `Request` at the end of its name.
    pub(super) fn of(payload: &Name<'_>) -> Option<Self> {
        let name = payload.local.strip_suffix("Request").unwrap_or(payload.local);
        Self::ALL.into_iter().find(|operation| operation.name() == name && *payload.namespace == *NAMESPACE)
    }

    /// The name in the description.
    pub(in crate::dialect::native) const fn name(self) -> &'static str {
        match self {
            Self::ResolveCall => "ResolveCall",
            Self::RequestAccess => "RequestAccess",
            Self::MatchInteraction => "MatchInteraction",
            Self::CreateCalledRoute => "CreateCalledRoute",
        }
    }

    /// The element of its request.
    pub(in crate::dialect::native) const fn request(self) -> &'static str {
        match self {
            Self::ResolveCall => "ResolveCallRequest",
            Self::RequestAccess => "RequestAccessRequest",
            Self::MatchInteraction => "MatchInteractionRequest",
            Self::CreateCalledRoute => "CreateCalledRouteRequest",
        }
    }

    /// The element of its response.
    pub(super) const fn response(self) -> &'static str {
        match self {
            Self::ResolveCall => "ResolveCallResponse",
            Self::RequestAccess => "RequestAccessResponse",
            Self::MatchInteraction => "MatchInteractionResponse",
            Self::CreateCalledRoute => "CreateCalledRouteResponse",
        }
    }

    /// The elements of its request, in the order of the schema.
    pub(in crate::dialect::native) const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::ResolveCall => requests::RESOLVE_CALL,
            Self::RequestAccess => requests::REQUEST_ACCESS,
            Self::MatchInteraction => requests::MATCH_INTERACTION,
            Self::CreateCalledRoute => requests::CREATE_CALLED_ROUTE,
        }
    }

    /// The label for metrics; it tells the transport too.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::ResolveCall => "soap_resolve_call",
            Self::RequestAccess => "soap_request_access",
            Self::MatchInteraction => "soap_match_interaction",
            Self::CreateCalledRoute => "soap_create_called_route",
        }
    }

    /// What it does to things. A call that is resolved changes something only if it is taken.
    pub(super) const fn effect(self) -> Effect {
        match self {
            Self::ResolveCall => Effect::Reads,
            Self::RequestAccess | Self::MatchInteraction | Self::CreateCalledRoute => Effect::Changes,
        }
    }

    /// Carries it out and gives the payload of its answer.
    pub(super) async fn run(
        self,
        context: &RequestContext<'_>,
        fields: Fields<'_, '_>,
        call: &Call<'_>,
    ) -> Result<String, Failure> {
        let reading = Reading::of(fields);
        match self {
            Self::ResolveCall => {
                let (call, purpose) = requests::resolve_call(reading)?;
                // What XML cannot carry is refused before anything is freed: JSON carries it.
                let deliverable = |resolved: &Resolved| responses::resolve_call(context, resolved).map(drop);
                let resolved = resolution::resolve(context, call, purpose, deliverable).await?;
                responses::resolve_call(context, &resolved)
            }
            Self::RequestAccess => {
                let lend = requests::request_access(reading, context)?;
                let idempotency = self.idempotency(fields, call)?;
                responses::request_access(&context.store.lend(context.scope(), lend, idempotency).await?)
            }
            Self::MatchInteraction => match_interaction(context, reading).await,
            Self::CreateCalledRoute => {
                let new = requests::create_called_route(reading)?;
                let idempotency = self.idempotency(fields, call)?;
                responses::create_called_route(
                    &*context.acting().create_route(context.scope(), new, idempotency).await?,
                )
            }
        }
    }

    /// The key that the operation came under, if it came under one. The header blocks of an envelope differ from one
    /// sending to the next where they carry a time or an id, so the operation and its fields alone tell what is asked for.
    fn idempotency(self, fields: Fields<'_, '_>, call: &Call<'_>) -> Result<Option<IdempotentRequest>, Failure> {
        let mut asked = vec![self.name().as_bytes()];
        tell(&mut asked, fields);
        call.idempotent_request_as(&asked).map_err(|wrong| Failure::of_member(idempotency::NAME, &wrong.to_string()))
    }
}

/// Adds the fields and what they hold, in document order; where elements begin and end counts too.
fn tell<'e>(asked: &mut Vec<&'e [u8]>, fields: Fields<'e, '_>) {
    for field in fields.iter() {
        asked.push(field.name.local.as_bytes());
        match &field.value {
            FieldValue::Text(text) => asked.push(text.as_bytes()),
            FieldValue::Nil => asked.push(b"nil"),
            FieldValue::Elements(parts) => {
                asked.push(b"(");
                tell(asked, Fields::from(parts.as_slice()));
                asked.push(b")");
            }
        }
    }
}

/// Recognises a call as GMS does, and counts a wrong code where GMS counts it.
async fn match_interaction(context: &RequestContext<'_>, reading: Reading<'_, '_>) -> Result<String, Failure> {
    let asked = requests::match_interaction(reading)?;
    let limit = context.settings.gms.guesses;
    let Criteria { number, code, caller, .. } = &asked.criteria;
    let guess = context.guesses.begin(context.scope(), *number, code.as_deref(), caller.as_ref(), limit);
    let guess = guess.map_err(|retry_after| Failure::TooManyGuesses { retry_after })?;
    let call = Resolve { dialled: Dialled::from(*number), code: code.clone(), caller: caller.clone() };
    // What XML cannot carry is refused before anything is freed: JSON carries it.
    responses::resolve_call(context, &context.store.resolve(context.scope(), &call).await?)?;
    let matched =
        context.store.match_call(context.scope(), asked.criteria, asked.which, asked.after, WithData::Yes).await;
    guess.matched(&matched);
    responses::match_interaction(&matched?)
}
