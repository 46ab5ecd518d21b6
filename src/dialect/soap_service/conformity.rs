//! What becomes of a request that can be understood but is not as its description says.

use actix_web::http::header::HeaderName;

use super::{Request, Service};
use crate::config::Validation;
use crate::soap::action::Action;
use crate::soap::deviation::{Described, Deviation, compare};
use crate::soap::envelope::Fields;
use crate::soap::fault::Fault;
use crate::soap::tally::Tally;

const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// Holds a request against the description of its operation at the address it came to.
///
/// # Errors
/// The first deviation, where none is tolerated.
pub(super) fn judge(request: &Request<'_, '_>, fields: Fields<'_, '_>, described: &Described<'_>) -> Result<(), Fault> {
    let Service { settings, tally, .. } = request.service;
    let action = request.headers.get(SOAP_ACTION).map(|value| value.to_str().unwrap_or("?"));
    let deviations = compare(&request.envelope, fields, request.media, Action::of(action), described);
    match settings.soap.validation {
        Validation::Schema => deviations.into_iter().next().map_or(Ok(()), |first| Err(first.fault())),
        Validation::Lenient => {
            deviations.iter().for_each(|deviation| tolerate(deviation, described.operation, tally));
            Ok(())
        }
    }
}

fn tolerate(deviation: &Deviation, operation: &str, tally: &Tally) {
    tally.tolerate(deviation.kind);
    tracing::debug!(
        reason = deviation.kind.label(),
        operation,
        field = deviation.field,
        expected = deviation.expected.as_deref(),
        found = deviation.found,
        "tolerated a request that is not as the WSDL describes it"
    );
}
