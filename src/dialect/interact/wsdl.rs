//! The descriptions of the two SOAP services.

use super::endpoint::Service;
use super::error::Failure;
use crate::dialect::soap_service::description::{self, Description};
use crate::dialect::{Answer, Call, Head};
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
pub(super) fn answer(service: Service, version: Version, call: &Call<'_>) -> Result<Answer, Failure> {
    description(service).answer(version, &address(service, &call.head), call).map_err(|_| Failure::NotWritable)
}

/// Where the service is called, as this client sees it.
pub(super) fn address(service: Service, head: &Head<'_>) -> String {
    description::address(head.origin, &format!("{}{}", head.settings.interact.prefix, service.path()))
}
