//! The addresses of the dialect: which endpoint a path and a method ask for.
//!
//! A path is taken apart before anything in it is decoded, so that an encoded slash stays part of a phone number. The
//! phone in a path is kept as it was sent: what is wrong with it is said only to those who may call.

use std::borrow::Cow;

use actix_web::http::Method;
use percent_encoding::percent_decode_str;

use super::error::Failure;
use super::parameters::{Invalid, ParameterKind};
use crate::access::Right;
use crate::dialect::soap_service::description::asked_for;
use crate::soap::version::Version;

/// An endpoint with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// One operation over REST.
    Rest(Rest),
    /// Any operation, in an envelope.
    Soap(Service),
    /// The description of a SOAP service, for one version of SOAP.
    Wsdl(Service, Version),
    /// The description of a SOAP service, for people.
    Page(Service),
}

/// An operation over REST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Create a phone.
    Create,
    /// Allocate a phone to an interaction.
    Allocate,
    /// Get the interaction that a phone is allocated to.
    Get(Phone),
    /// Free the allocation of a phone.
    Free(Phone),
    /// List the phones (extension).
    List,
    /// Read one phone (extension).
    Read(Phone),
    /// Change one phone (extension).
    Update(Phone),
    /// Delete one phone (extension).
    Delete(Phone),
}

/// One of the two SOAP services. Each offers all operations; they differ in namespace and address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `agent`: where the vendor documents Allocate, Get and the address of Free.
    Agent,
    /// `dnis`: where the vendor documents Create and the namespace of Free.
    Dnis,
}

/// The phone number in a path, still percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone(String);

/// What a path names, whatever is to be done with it.
enum Resource<'p> {
    Phones,
    Phone(&'p str),
    NewAllocation,
    Allocation(&'p str),
    AllocationToFree(&'p str),
    Soap(Service),
    WsdlFile(Service),
}

/// Whether a path belongs to the dialect whose paths begin with `prefix`.
pub(super) fn owns(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The endpoint that a head asks for; HEAD is answered as GET.
///
/// # Errors
/// [`Failure::NoSuchPath`], [`Failure::NoSuchMethod`].
pub(super) fn find(prefix: &str, method: &Method, path: &str, query: &str) -> Result<Endpoint, Failure> {
    let resource = Resource::at(prefix, path).ok_or(Failure::NoSuchPath)?;
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let phone = |segment: &str| Phone(segment.to_owned());
    let rest = match (&resource, method) {
        (Resource::Phones, &Method::POST) => Rest::Create,
        (Resource::Phones, &Method::GET) => Rest::List,
        (Resource::Phone(segment), &Method::GET) => Rest::Read(phone(segment)),
        (Resource::Phone(segment), &Method::PUT) => Rest::Update(phone(segment)),
        (Resource::Phone(segment), &Method::DELETE) => Rest::Delete(phone(segment)),
        (Resource::NewAllocation, &Method::POST) => Rest::Allocate,
        (Resource::Allocation(segment), &Method::GET) => Rest::Get(phone(segment)),
        (Resource::AllocationToFree(segment), &Method::POST) => Rest::Free(phone(segment)),
        (Resource::Soap(service) | Resource::WsdlFile(service), &Method::POST) => return Ok(Endpoint::Soap(*service)),
        (Resource::WsdlFile(service), &Method::GET) => {
            return Ok(Endpoint::Wsdl(*service, asked_for(query).unwrap_or(Version::V11)));
        }
        (Resource::Soap(service), &Method::GET) => {
            return Ok(asked_for(query).map_or(Endpoint::Page(*service), |version| Endpoint::Wsdl(*service, version)));
        }
        _ => return Err(Failure::NoSuchMethod(resource.methods())),
    };
    Ok(Endpoint::Rest(rest))
}

impl Endpoint {
    /// The label for metrics.
    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::Soap(_) => "soap",
            Self::Wsdl(..) => "wsdl",
            Self::Page(_) => "page",
            Self::Rest(rest) => match rest {
                Rest::Create => "create",
                Rest::Allocate => "allocate",
                Rest::Get(_) => "get",
                Rest::Free(_) => "free",
                Rest::List => "list",
                Rest::Read(_) => "read",
                Rest::Update(_) => "update",
                Rest::Delete(_) => "delete",
            },
        }
    }
}

impl Rest {
    /// What a caller must be allowed to do.
    pub(super) const fn right(&self) -> Right {
        match self {
            Self::Create => Right::Create,
            Self::Allocate => Right::Allocate,
            Self::Get(_) => Right::Get,
            Self::Free(_) => Right::Free,
            Self::List | Self::Read(_) => Right::Read,
            Self::Update(_) | Self::Delete(_) => Right::Manage,
        }
    }
}

impl<'p> Resource<'p> {
    fn at(prefix: &str, path: &'p str) -> Option<Self> {
        let mut segments = path.strip_prefix(prefix)?.strip_prefix("/version/")?.split('/');
        if !matches!(segments.next()?, "2" | "v2") {
            return None;
        }
        // No path of the dialect has more segments than four; a fifth one tells a longer path apart.
        let mut found = [None; 5];
        for (place, segment) in found.iter_mut().zip(segments) {
            *place = Some(segment);
        }
        Some(match found {
            [Some("dnis"), None, ..] => Self::Phones,
            [Some("agent"), Some("soap"), None, ..] => Self::Soap(Service::Agent),
            [Some("dnis"), Some("soap"), None, ..] => Self::Soap(Service::Dnis),
            [Some("agent"), Some("soap"), Some("agent.wsdl"), None, _] => Self::WsdlFile(Service::Agent),
            [Some("dnis"), Some("soap"), Some("dnis.wsdl"), None, _] => Self::WsdlFile(Service::Dnis),
            [Some("dnis"), Some("allocate"), Some("new"), None, _] => Self::NewAllocation,
            [Some("dnis"), Some("allocate"), Some("get"), Some(phone), None] => Self::Allocation(phone),
            [Some("dnis"), Some("allocate"), Some("free"), Some(phone), None] => Self::AllocationToFree(phone),
            [Some("dnis"), Some("allocate"), None, ..] => return None,
            [Some("dnis"), Some(phone), None, ..] if !phone.is_empty() => Self::Phone(phone),
            _ => return None,
        })
    }

    fn methods(&self) -> &'static [Method] {
        match self {
            Self::Phones => &[Method::GET, Method::HEAD, Method::POST],
            Self::Phone(_) => &[Method::GET, Method::HEAD, Method::PUT, Method::DELETE],
            Self::Allocation(_) => &[Method::GET, Method::HEAD],
            Self::Soap(_) | Self::WsdlFile(_) => &[Method::GET, Method::HEAD, Method::POST],
            Self::NewAllocation | Self::AllocationToFree(_) => &[Method::POST],
        }
    }
}

impl Service {
    /// Both, in the order of the documentation.
    pub(super) const ALL: [Self; 2] = [Self::Agent, Self::Dnis];

    /// The name of the service, as its address has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Dnis => "dnis",
        }
    }

    /// The namespace of the service's elements, as the vendor writes it.
    pub(super) const fn namespace(self) -> &'static str {
        match self {
            Self::Agent => "http://com/jacada/interact/agent/soap",
            Self::Dnis => "http://com/jacada/interact/dnis/soap",
        }
    }

    /// The service that a namespace belongs to.
    pub(super) fn of(namespace: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.namespace() == namespace)
    }

    /// The port type that describes the operations in a namespace.
    pub(super) fn port_type(namespace: &str) -> &'static str {
        match Self::of(namespace) {
            Some(Self::Dnis) => "DnisPort",
            Some(Self::Agent) | None => "AgentPort",
        }
    }

    /// The path of the service's endpoint below the dialect's prefix.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Agent => "/version/2/agent/soap",
            Self::Dnis => "/version/2/dnis/soap",
        }
    }

    /// The path of the service's description below the dialect's prefix.
    pub(super) const fn wsdl_path(self) -> &'static str {
        match self {
            Self::Agent => "/version/2/agent/soap/agent.wsdl",
            Self::Dnis => "/version/2/dnis/soap/dnis.wsdl",
        }
    }
}

impl Phone {
    /// The phone as the client meant it: percent-encoding undone once.
    ///
    /// # Errors
    /// The encoded bytes are no text.
    pub(super) fn decoded(&self) -> Result<String, Invalid> {
        let decoded = percent_decode_str(&self.0).decode_utf8();
        decoded.map(Into::into).map_err(|_| Invalid::value("phone", ParameterKind::Number, &self.0))
    }

    /// The phone as the client meant it; where the encoded bytes are no text that can be shown, as it was sent.
    pub(super) fn meant(&self) -> Cow<'_, str> {
        let decoded = percent_decode_str(&self.0).decode_utf8().ok();
        let shown = decoded.filter(|phone| !phone.contains(char::is_control));
        shown.unwrap_or(Cow::Borrowed(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::bare;
    use crate::dialect::failure::listed;

    fn at(method: &Method, target: &str) -> Result<Endpoint, Failure> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        find("/interact", method, bare(path), query)
    }

    fn phone(text: &str) -> Phone {
        Phone(text.to_owned())
    }

    #[test]
    fn every_documented_address_is_found_under_both_spellings_of_the_version() {
        for version in ["2", "v2"] {
            let get = |path: &str| at(&Method::GET, &format!("/interact/version/{version}{path}"));
            let post = |path: &str| at(&Method::POST, &format!("/interact/version/{version}{path}"));
            assert_eq!(post("/dnis"), Ok(Endpoint::Rest(Rest::Create)));
            assert_eq!(post("/dnis/allocate/new"), Ok(Endpoint::Rest(Rest::Allocate)));
            assert_eq!(get("/dnis/allocate/get/380974520200"), Ok(Endpoint::Rest(Rest::Get(phone("380974520200")))));
            assert_eq!(post("/dnis/allocate/free/380974520200"), Ok(Endpoint::Rest(Rest::Free(phone("380974520200")))));
            assert_eq!(get("/dnis"), Ok(Endpoint::Rest(Rest::List)));
            assert_eq!(get("/dnis/111"), Ok(Endpoint::Rest(Rest::Read(phone("111")))));
            for (service, base) in [(Service::Agent, "/agent/soap"), (Service::Dnis, "/dnis/soap")] {
                let file = if service == Service::Agent { "agent.wsdl" } else { "dnis.wsdl" };
                assert_eq!(post(base), Ok(Endpoint::Soap(service)));
                assert_eq!(post(&format!("{base}/")), Ok(Endpoint::Soap(service)));
                assert_eq!(post(&format!("{base}/{file}")), Ok(Endpoint::Soap(service)));
                assert_eq!(post(&format!("{base}?wsdl")), Ok(Endpoint::Soap(service)));
                assert_eq!(get(&format!("{base}/{file}")), Ok(Endpoint::Wsdl(service, Version::V11)));
                assert_eq!(get(base), Ok(Endpoint::Page(service)));
                assert_eq!(get(&format!("{base}/?x=1")), Ok(Endpoint::Page(service)));
                for query in ["wsdl", "WSDL", "Wsdl=", "singleWsdl", "SINGLEWSDL", "x=1&wsdl"] {
                    assert_eq!(get(&format!("{base}?{query}")), Ok(Endpoint::Wsdl(service, Version::V11)));
                    assert_eq!(get(&format!("{base}/?{query}")), Ok(Endpoint::Wsdl(service, Version::V11)));
                }
                for query in ["wsdl12", "WSDL12", "x=1&Wsdl12="] {
                    assert_eq!(get(&format!("{base}?{query}")), Ok(Endpoint::Wsdl(service, Version::V12)));
                    assert_eq!(get(&format!("{base}/{file}?{query}")), Ok(Endpoint::Wsdl(service, Version::V12)));
                }
            }
        }
    }

    #[test]
    fn an_unknown_path_is_missed_whatever_its_method() {
        for path in [
            "/interact",
            "/interact/",
            "/interact/version/2",
            "/interact/version/3/dnis",
            "/interact/version/V2/dnis",
            "/interact/version//dnis",
            "/Interact/version/2/dnis",
            "/interactive/version/2/dnis",
            "/interact/version/2/DNIS",
            "/interact/version/2//dnis",
            "/interact/version/2/dnis/allocate/new/1",
            "/interact/version/2/dnis/allocate",
            "/interact/version/2/dnis/allocate/",
            "/interact/version/2/dnis/allocate/get/",
            "/interact/version/2/dnis//",
            "/interact/version/2/dnis/allocate/old",
            "/interact/version/2/dnis/allocate/get",
            "/interact/version/2/dnis/allocate/get/1/2",
            "/interact/version/2/dnis/allocate/get/1/2/3/4",
            "/interact/version/2/agent",
            "/interact/version/2/agent/soap/dnis.wsdl",
            "/interact/version/2/dnis/soap/agent.wsdl",
            "/interact/version/2/agent/soap//",
        ] {
            for method in [Method::GET, Method::POST, Method::DELETE] {
                assert_eq!(at(&method, path), Err(Failure::NoSuchPath), "{method} {path}");
            }
        }
    }

    #[test]
    fn a_wrong_method_is_told_which_ones_there_are() {
        let allowed = |method, path: &str| match at(&method, &format!("/interact/version/2{path}")) {
            Err(Failure::NoSuchMethod(methods)) => listed(methods),
            other => panic!("{method} {path}: {other:?}"),
        };
        assert_eq!(allowed(Method::DELETE, "/dnis"), "GET, HEAD, POST");
        assert_eq!(allowed(Method::POST, "/dnis/111"), "GET, HEAD, PUT, DELETE");
        assert_eq!(allowed(Method::GET, "/dnis/allocate/new"), "POST");
        assert_eq!(allowed(Method::POST, "/dnis/allocate/get/111"), "GET, HEAD");
        assert_eq!(allowed(Method::GET, "/dnis/allocate/free/111"), "POST");
        assert_eq!(allowed(Method::DELETE, "/agent/soap"), "GET, HEAD, POST");
        assert_eq!(allowed(Method::PUT, "/dnis/soap?wsdl"), "GET, HEAD, POST");
        assert_eq!(allowed(Method::PUT, "/dnis/soap/dnis.wsdl"), "GET, HEAD, POST");
    }

    #[test]
    fn head_is_answered_wherever_get_is() {
        assert_eq!(at(&Method::HEAD, "/interact/version/2/dnis/111"), Ok(Endpoint::Rest(Rest::Read(phone("111")))));
        assert_eq!(
            at(&Method::HEAD, "/interact/version/2/dnis/soap?wsdl"),
            Ok(Endpoint::Wsdl(Service::Dnis, Version::V11))
        );
        assert_eq!(at(&Method::HEAD, "/interact/version/2/dnis/soap"), Ok(Endpoint::Page(Service::Dnis)));
    }

    #[test]
    fn a_phone_is_decoded_once_and_its_encoded_slash_does_not_split_the_path() {
        let decoded = |segment: &str| match at(&Method::GET, &format!("/interact/version/2/dnis/{segment}")) {
            Ok(Endpoint::Rest(Rest::Read(phone))) => phone.decoded().map_err(|invalid| invalid.to_string()),
            other => panic!("{segment}: {other:?}"),
        };
        assert_eq!(decoded("%2B1555%23"), Ok("+1555#".into()));
        assert_eq!(decoded("+1555"), Ok("+1555".into()));
        assert_eq!(decoded("1%252F2"), Ok("1%2F2".into()));
        assert_eq!(decoded("1%2F2"), Ok("1/2".into()));
        assert!(decoded("%FF").unwrap_err().contains("parameter phone: must be a string of 1 to 32 characters"));
    }

    #[test]
    fn a_configured_prefix_replaces_the_default_one() {
        assert!(owns("/voice/jacada", "/voice/jacada/version/2/dnis"));
        assert!(owns("/voice/jacada", "/voice/jacada"));
        assert!(!owns("/voice/jacada", "/voice/jacadas"));
        assert!(!owns("/voice/jacada", "/interact/version/2/dnis"));
        assert_eq!(find("/a/b", &Method::POST, "/a/b/version/2/dnis", ""), Ok(Endpoint::Rest(Rest::Create)));
    }
}
