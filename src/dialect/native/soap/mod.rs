//! The API over SOAP, for stacks that speak nothing else: call resolution, and what the vendors' protocols have of
//! numbers and routes beside Interact's own SOAP operations.
//!
//! `wsdl/gateway.wsdl` is the contract. Unlike the vendor's services this one tells every operation that is refused as a fault, whose detail
//! is described in the WSDL and names the problem as the JSON API does.

mod operation;
mod reading;
mod requests;
mod responses;

use super::Native;
use crate::access::{self, Effect};
use crate::config::Settings;
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::soap_service::description::{Description, address};
use crate::dialect::soap_service::page::{Page, Sample};
use crate::dialect::soap_service::{self, Request, Service};
use crate::dialect::{Answer, Call, Head};
use crate::soap::deviation::Described;
use crate::soap::fault::{Detail, Fault};
use crate::soap::media;
use crate::soap::version::Version;
pub(super) use operation::SoapOperation;

/// The namespace of the service; the number is that of the contract, and changes only with it.
pub(super) const NAMESPACE: &str = "urn:dnis-gateway:v1";
/// Where the service is.
pub(super) const PATH: &str = "/gateway/v1/soap";
/// Where its description is.
pub(super) const WSDL_PATH: &str = "/gateway/v1/soap/gateway.wsdl";

pub(super) const DESCRIPTION: Description = Description::embedded(
    include_str!("../../../../wsdl/gateway.wsdl"),
    include_str!("../../../../wsdl/gateway12.wsdl"),
);

/// The service under the settings in force.
fn service<'a>(native: &'a Native, settings: &'a Settings) -> Service<'a> {
    Service::new(settings, native.clock.wall(), &native.tally, |_| "GatewayPort").detailed_in(NAMESPACE)
}

/// Answers an envelope.
pub(super) async fn answer(native: &Native, call: &Call<'_>) -> Answer {
    exchange(native, call).await.unwrap_or_else(|refused| refused)
}

/// Receives a request, decides and responds; an answer to what could not be received is the error.
async fn exchange(native: &Native, call: &Call<'_>) -> Result<Answer, Answer> {
    let headers = call.head.headers;
    let declared = soap_service::media(headers).ok_or_else(|| Failure::MediaType(media::ACCEPTED).answer())?;
    let service = service(native, call.head.settings);
    let message = service.message(&declared, call.body).await?;
    let document = service.document(&message)?;
    let request = service.request(headers, &message, &document)?;
    let known = SoapOperation::ALL.map(SoapOperation::request);
    let operation = request.operation(SoapOperation::of, &known, &[NAMESPACE])?;

    let decided = decide(native, call, &request, operation).await.unwrap_or_else(|refused| refused);
    Ok(request.respond(decided.of(operation.label())))
}

/// Lets the caller in and only then looks at what the payload holds.
async fn decide(
    native: &Native,
    call: &Call<'_>,
    request: &Request<'_, '_>,
    operation: SoapOperation,
) -> Result<Answer, Answer> {
    let service = service(native, call.head.settings);
    let refused = |failure: Failure| failed(service, request.version(), &failure);
    let named = request.named_user();
    let unnamed = named.is_none();
    let principal = native.access.native(call.head.attempt(), named).await.map_err(Failure::from);
    let principal = principal.map_err(|failure| match failure.problem() {
        // A client that sends a password only when it is asked for one reacts to a 401 alone, and a fault travels under 500.
        Problem::Unauthorized if unnamed && access::presents_none(call.head.headers) => failure.answer(),
        _ => refused(failure),
    })?;
    let fields = request.fields(&Described {
        service: NAMESPACE,
        operation: operation.name(),
        element: operation.request(),
        fields: operation.fields(),
        parts: requests::ENTRY,
        aliases: &[NAMESPACE],
    })?;
    let context = native.context(principal, &call.head);
    if operation.effect() == Effect::Changes {
        context.may_change().map_err(refused)?;
    }
    let payload = operation.run(&context, fields, call).await.map_err(refused)?;
    Ok(soap_service::write_envelope(request.version(), &payload, "ok"))
}

/// Answers an envelope, or what should have been one, that was not carried out for a reason outside of it.
pub(super) fn refuse(native: &Native, head: &Head<'_>, failure: &Failure) -> Answer {
    failed(service(native, head.settings), soap_service::version(head.headers), failure)
}

/// A failure as a fault or, where it lies below SOAP, as the API tells it otherwise.
fn failed(service: Service<'_>, version: Version, failure: &Failure) -> Answer {
    match fault(failure) {
        Some(fault) => service.fault(version, failure.problem().label(), fault).hinting(failure.hint()),
        None => failure.answer(),
    }
}

/// The fault of a failure: the sender's where the request cannot be carried out as it is, ours where it may be later.
/// `None` for what is refused below SOAP.
fn fault(failure: &Failure) -> Option<Fault> {
    let problem = failure.problem();
    if matches!(problem, Problem::TooManyAttempts | Problem::HeadTooLarge | Problem::MediaType)
        || matches!(failure, Failure::Http(_)) && problem != Problem::Failed
    {
        return None;
    }
    let text = failure.detail();
    let fault = if problem.code() < 500 { Fault::client(text) } else { Fault::server(text) };
    let field = failure.first_pointer().map(|pointer| pointer.trim_start_matches('/').to_owned().into());
    Some(fault.with_detail(Detail { reason: problem.label().into(), field, ..Detail::default() }))
}

/// The description.
pub(super) fn describe(version: Version, call: &Call<'_>) -> Answer {
    let answer = DESCRIPTION.answer(version, &address(call.head.origin, PATH), call);
    answer.unwrap_or_else(|_| Failure::NotWritable.answer())
}

/// The page for people.
pub(super) fn page(call: &Call<'_>) -> Answer {
    let page = Page {
        name: "gateway",
        about: "Whose call is it and where does it go, numbers lent and matched, called routes.",
        credentials: "Credentials travel in HTTP headers, or as Basic; a WS-Security UsernameToken may stand for the \
                      user.",
        description: DESCRIPTION,
    };
    let sample =
        |name: &str| SoapOperation::ALL.into_iter().find(|known| known.name() == name).map(SoapOperation::sample);
    page.answer(&address(call.head.origin, PATH), call, sample).unwrap_or_else(|| Failure::NotWritable.answer())
}

impl SoapOperation {
    fn sample(self) -> Sample {
        let envelope = match self {
            Self::ResolveCall => include_str!("../../../../samples/gateway/resolve-call.xml"),
            Self::RequestAccess => include_str!("../../../../samples/gateway/request-access.xml"),
            Self::MatchInteraction => include_str!("../../../../samples/gateway/match-interaction.xml"),
            Self::CreateCalledRoute => include_str!("../../../../samples/gateway/create-called-route.xml"),
        };
        let headers = include_str!("../../../../samples/gateway/headers.txt");
        Sample { envelope: envelope.to_owned(), headers }
    }
}
