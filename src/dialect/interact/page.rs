//! The pages of the two SOAP services for people, with the samples as requests.

use super::endpoint::Service;
use super::error::Failure;
use super::soap::SoapOperation;
use super::wsdl;
use crate::dialect::soap_service::page::{Page, Sample};
use crate::dialect::{Answer, Call};

/// The page of `service`.
pub(super) fn answer(service: Service, call: &Call<'_>) -> Result<Answer, Failure> {
    let page = Page {
        name: service.name(),
        about: "Numbers lent to digital interactions.",
        credentials: "Credentials travel in HTTP headers; a WS-Security UsernameToken may stand for \
                      <code>User-Id</code> and <code>User-Password</code>.",
        description: wsdl::description(service),
    };
    let sample = |name: &str| Some(SoapOperation::ALL.into_iter().find(|known| known.name() == name)?.sample(service));
    page.answer(&wsdl::address(service, &call.head), call, sample).ok_or(Failure::NotWritable)
}

impl SoapOperation {
    /// The sample in the namespace of this service; either service has all operations.
    fn sample(self, service: Service) -> Sample {
        let other = match service {
            Service::Agent => Service::Dnis,
            Service::Dnis => Service::Agent,
        };
        let (envelope, headers) = match self {
            Self::Allocate => (
                include_str!("../../../samples/interact/allocate.xml"),
                include_str!("../../../samples/interact/headers-interaction.txt"),
            ),
            Self::Get => (
                include_str!("../../../samples/interact/get.xml"),
                include_str!("../../../samples/interact/headers-ivr.txt"),
            ),
            Self::Free => (
                include_str!("../../../samples/interact/free.xml"),
                include_str!("../../../samples/interact/headers-user.txt"),
            ),
            Self::Create => (
                include_str!("../../../samples/interact/create.xml"),
                include_str!("../../../samples/interact/headers-user.txt"),
            ),
        };
        Sample { envelope: envelope.replace(other.namespace(), service.namespace()), headers }
    }
}
