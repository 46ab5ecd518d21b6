//! request-interaction: starts a service, keeps the application's data with it, and lends access information for it.

use super::access_information;
use super::error::Error;
use super::parameters::Parameters;
use crate::config::Service;
use crate::domain::Seconds;
use crate::domain::state::{Holder, Lend};

/// How long the data outlive the service where nobody says otherwise.
const USUAL_DATA_TTL: Seconds = Seconds::new(30);

/// What the request asks for.
///
/// # Errors
/// [`Error::Parameter`] for a value that cannot be used.
pub(super) fn read(parameters: Parameters, service: &Service, interaction_ttl: Seconds) -> Result<Lend, Error> {
    let lend = access_information::read(parameters, Holder::New, service, interaction_ttl)?;
    Ok(Lend { data_ttl: lend.data_ttl.or(Some(USUAL_DATA_TTL)), ..lend })
}
