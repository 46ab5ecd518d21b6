//! request-access: lends access information for a service that is running.

use super::access_information::{self, LendRequest, Terms};
use super::error::Error;
use super::parameters::Parameters;
use crate::domain::InteractionId;
use crate::domain::state::Holder;

/// What the request asks for.
///
/// # Errors
/// [`Error::Missing`] without `_id`, and those of [`access_information::read`].
pub(super) fn read(parameters: Parameters, terms: Terms<'_>) -> Result<LendRequest, Error> {
    const MISSING: Error =
        Error::Missing { parameter: "_id", purpose: "it names the service that the access information is for" };
    let id = parameters.parse("_id", InteractionId::new)?.or_else(|| terms.service.id.clone()).ok_or(MISSING)?;
    access_information::read(parameters, Holder::Known(id), terms)
}
