//! What becomes of a request that can be understood but is not as its description says.

use actix_web::http::header::{HeaderMap, HeaderName};

use super::NAMESPACES;
use super::operation::Operation;
use crate::config::Validation;
use crate::dialect::interact::endpoint::Service;
use crate::soap::action::Action;
use crate::soap::deviation::{Described, Deviation, compare};
use crate::soap::envelope::{Envelope, Fields};
use crate::soap::fault::Fault;
use crate::soap::media::Media;
use crate::soap::tally::Tally;

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// A request, with everything about it that a description speaks of.
pub(super) struct Request<'r, 'd> {
    pub(super) headers: &'r HeaderMap,
    pub(super) media: &'r Media,
    pub(super) envelope: &'r Envelope<'d>,
    pub(super) operation: Operation,
    /// The service at the address that was called.
    pub(super) service: Service,
}

/// Holds a request against the description of its operation at the address it came to.
///
/// # Errors
/// The first deviation, where none is tolerated.
pub(super) fn judge(
    request: &Request<'_, '_>,
    fields: Fields<'_, '_>,
    validation: Validation,
    tally: &Tally,
) -> Result<(), Fault> {
    let action = request.headers.get(SOAP_ACTION).map(|value| value.to_str().unwrap_or("?"));
    let described = Described {
        service: request.service.namespace(),
        operation: request.operation.name(),
        element: request.operation.request(),
        fields: request.operation.fields(),
        aliases: &NAMESPACES,
    };
    let deviations = compare(request.envelope, fields, request.media, Action::of(action), &described);
    match validation {
        Validation::Schema => deviations.into_iter().next().map_or(Ok(()), |first| Err(first.fault())),
        Validation::Lenient => {
            deviations.iter().for_each(|deviation| tolerate(deviation, request.operation, tally));
            Ok(())
        }
    }
}

fn tolerate(deviation: &Deviation, operation: Operation, tally: &Tally) {
    tally.tolerate(deviation.kind);
    tracing::debug!(
        reason = deviation.kind.label(),
        operation = operation.name(),
        field = deviation.field,
        expected = deviation.expected.as_deref(),
        found = deviation.found,
        "tolerated a request that is not as the WSDL describes it"
    );
}
