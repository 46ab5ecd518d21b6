//! request-interaction: starts a service, keeps the application's data with it, and lends access information for it.

use super::access_information::{self, LendRequest, Terms};
use super::error::Error;
use super::parameters::Parameters;
use crate::domain::Seconds;
use crate::domain::state::{Holder, Lend};

/// How long the data outlive the service where nobody says otherwise.
const USUAL_DATA_TTL: Seconds = Seconds::new(30);

/// What the request asks for.
///
/// # Errors
/// Those of [`access_information::read`].
pub(super) fn read(parameters: Parameters, terms: Terms<'_>) -> Result<LendRequest, Error> {
    let LendRequest { lend, pool_health } = access_information::read(parameters, Holder::New, terms)?;
    let lend = Lend { data_ttl: lend.data_ttl.or(Some(USUAL_DATA_TTL)), ..lend };
    Ok(LendRequest { lend, pool_health })
}
