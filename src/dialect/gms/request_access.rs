//! request-access: lends access information for a service that is running.

use super::access_information;
use super::error::Error;
use super::parameters::Parameters;
use crate::config::Service;
use crate::domain::state::{Holder, Lend};
use crate::domain::{InteractionId, Seconds};

/// What the request asks for.
///
/// # Errors
/// [`Error::Missing`] without `_id`, [`Error::Parameter`] for a value that cannot be used.
pub(super) fn read(parameters: Parameters, service: &Service, interaction_ttl: Seconds) -> Result<Lend, Error> {
    const MISSING: Error =
        Error::Missing { parameter: "_id", purpose: "it names the service that the access information is for" };
    let id = parameters.parse("_id", InteractionId::new)?.ok_or(MISSING)?;
    access_information::read(parameters, Holder::Known(id), service, interaction_ttl)
}
