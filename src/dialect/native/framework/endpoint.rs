//! The addresses of the API: which operation a path and a method ask for.
//!
//! A path is taken apart before anything in it is decoded, so that an encoded slash stays part of a name.

use std::fmt;

use actix_web::http::Method;

use crate::dialect::Head;
use crate::dialect::native::framework::address::{DOCUMENT, PREFIX};
use crate::dialect::native::framework::error::Failure;
use crate::dialect::native::framework::operation::Served;
use crate::dialect::native::resources::{
    allocations, audit, bulk, calls, cluster, data, events, explanations, groups, health, history, interactions,
    numbers, routes, tenants, usage, whoami,
};
use crate::dialect::native::soap;
use crate::dialect::soap_service::description::asked_for;
use crate::soap::version::Version;

/// The operations of all resources, in the order in which the document tells them.
const RESOURCES: &[&[&dyn Served]] = &[
    whoami::OPERATIONS,
    tenants::OPERATIONS,
    groups::OPERATIONS,
    usage::OPERATIONS,
    numbers::OPERATIONS,
    history::OPERATIONS,
    health::OPERATIONS,
    bulk::OPERATIONS,
    allocations::OPERATIONS,
    interactions::OPERATIONS,
    data::OPERATIONS,
    routes::OPERATIONS,
    calls::OPERATIONS,
    cluster::OPERATIONS,
    explanations::OPERATIONS,
    audit::OPERATIONS,
    events::OPERATIONS,
];

/// Every operation of the API.
pub(in crate::dialect::native) fn operations() -> impl Iterator<Item = &'static dyn Served> {
    RESOURCES.iter().flat_map(|operations| operations.iter().copied())
}

/// An endpoint with what its path says.
#[derive(Clone)]
pub struct Endpoint(pub(in crate::dialect::native) Target);

/// What an endpoint is.
#[derive(Clone)]
pub(in crate::dialect::native) enum Target {
    /// The OpenAPI document.
    Document,
    /// Any operation of the SOAP service, in an envelope.
    Soap,
    /// The description of the SOAP service, for one version of SOAP.
    Wsdl(Version),
    /// The description of the SOAP service, for people.
    Page,
    /// An operation, with the values of the parameters in its path, still percent-encoded.
    Operation(&'static dyn Served, Vec<String>),
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Endpoint {
    /// The label for metrics.
    pub(in crate::dialect::native) fn name(&self) -> &'static str {
        match &self.0 {
            Target::Document => "openapi",
            Target::Soap => "soap",
            Target::Wsdl(_) => "wsdl",
            Target::Page => "page",
            Target::Operation(operation, _) => operation.meta().name,
        }
    }
}

/// The endpoint that a head asks for; HEAD is answered as GET.
///
/// # Errors
/// [`Failure::NoSuchPath`], [`Failure::NoSuchMethod`].
pub(in crate::dialect::native) fn find(head: &Head<'_>) -> Result<Endpoint, Failure> {
    let path = head.path.strip_prefix(PREFIX).ok_or(Failure::NoSuchPath)?;
    if path == DOCUMENT {
        let allowed = super::operation::Verb::Get.methods();
        return if allowed.contains(head.method) {
            Ok(Endpoint(Target::Document))
        } else {
            Err(Failure::NoSuchMethod(allowed.to_vec()))
        };
    }
    if let Some(target) = soap(head) {
        return target.map(Endpoint);
    }
    let matching = || operations().filter_map(|operation| Some((operation, parameters(operation.meta().path, path)?)));
    // A path that is spelled out beats one with a parameter in the same place.
    let fewest = matching().map(|(_, segments)| segments.len()).min().ok_or(Failure::NoSuchPath)?;
    let resource = || matching().filter(|(_, segments)| segments.len() == fewest);
    let found = resource().find(|(operation, _)| operation.meta().verb.methods().contains(head.method));
    found.map(|(operation, segments)| Endpoint(Target::Operation(operation, segments))).ok_or_else(|| {
        let methods: Vec<Method> =
            resource().flat_map(|(operation, _)| operation.meta().verb.methods()).cloned().collect();
        Failure::NoSuchMethod(methods)
    })
}

/// The SOAP service and its descriptions: `None` for other paths.
fn soap(head: &Head<'_>) -> Option<Result<Target, Failure>> {
    const METHODS: [Method; 3] = [Method::GET, Method::HEAD, Method::POST];
    let page = match head.path {
        soap::PATH => Target::Page,
        soap::WSDL_PATH => Target::Wsdl(Version::V11),
        _ => return None,
    };
    Some(match *head.method {
        Method::POST => Ok(Target::Soap),
        Method::GET | Method::HEAD => Ok(asked_for(head.query).map_or(page, Target::Wsdl)),
        _ => Err(Failure::NoSuchMethod(METHODS.to_vec())),
    })
}

/// The values of a template's parameters, if the path is one of it.
fn parameters(template: &str, path: &str) -> Option<Vec<String>> {
    let mut segments = path.split('/');
    let mut values = Vec::new();
    for part in template.split('/') {
        let segment = segments.next()?;
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            values.push(segment.to_owned());
        } else if part != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(values)
}
