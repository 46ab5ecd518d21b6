//! The descriptions of the two SOAP services.

use super::endpoint::Service;
use super::error::Failure;
use crate::dialect::soap_service::description::{self, Description};
use crate::dialect::{Answer, Call, PublicAddress};
use crate::soap::version::Version;

const AGENT: Description =
    Description::embedded(include_str!("../../../wsdl/agent.wsdl"), include_str!("../../../wsdl/agent12.wsdl"));
const DNIS: Description =
    Description::embedded(include_str!("../../../wsdl/dnis.wsdl"), include_str!("../../../wsdl/dnis12.wsdl"));

/// The documents that describe `service`.
pub(super) const fn description(service: Service) -> Description {
    match service {
        Service::Agent => AGENT,
        Service::Dnis => DNIS,
    }
}

/// The description of `service`.
pub(super) fn answer(service: Service, version: Version, prefix: &str, call: &Call<'_>) -> Result<Answer, Failure> {
    let address = address(service, prefix, call.head.origin);
    description(service).answer(version, &address, call).map_err(|_| Failure::NotWritable)
}

/// Where the service is called, as this client sees it.
pub(super) fn address(service: Service, prefix: &str, origin: &PublicAddress) -> String {
    description::address(origin, &format!("{prefix}{}", service.path()))
}
