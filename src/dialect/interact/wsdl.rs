//! The descriptions of the two SOAP services, served to anybody, with the address at which the client reached them.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use sha2::{Digest, Sha256};

use super::endpoint::Service;
use super::error::Failure;
use crate::dialect::{Answer, Call, Origin};
use crate::soap::version::Version;
use crate::soap::wsdl::Wsdl;

const AGENT: Wsdl = Wsdl::embedded(Version::V11, include_str!("../../../wsdl/agent.wsdl"));
const DNIS: Wsdl = Wsdl::embedded(Version::V11, include_str!("../../../wsdl/dnis.wsdl"));
const AGENT12: Wsdl = Wsdl::embedded(Version::V12, include_str!("../../../wsdl/agent12.wsdl"));
const DNIS12: Wsdl = Wsdl::embedded(Version::V12, include_str!("../../../wsdl/dnis12.wsdl"));

/// The document that describes `service` for `version`; one port in each, since several importers take no more.
pub(super) const fn document(service: Service, version: Version) -> Wsdl {
    match (service, version) {
        (Service::Agent, Version::V11) => AGENT,
        (Service::Dnis, Version::V11) => DNIS,
        (Service::Agent, Version::V12) => AGENT12,
        (Service::Dnis, Version::V12) => DNIS12,
    }
}

/// The description of `service`.
pub(super) fn answer(service: Service, version: Version, prefix: &str, call: &Call<'_>) -> Result<Answer, Failure> {
    let address = address(service, prefix, call.head.origin);
    let published = document(service, version).publish(&address).map_err(|_| Failure::NotWritable)?;
    Ok(unless_known(call, "text/xml; charset=UTF-8", published))
}

/// A document with its tag; 304 to a client that has this very one.
pub(super) fn unless_known(call: &Call<'_>, media_type: &'static str, published: String) -> Answer {
    let tag = tag(&published);
    let answer = if is_known(call.head.headers, &tag) {
        Answer::empty(StatusCode::NOT_MODIFIED, "not_modified")
    } else {
        Answer::new(StatusCode::OK, "ok", media_type, published)
    };
    answer.with(ETAG, HeaderValue::try_from(tag).expect("a quoted hexadecimal number is header text"))
}

/// Where the service is called, as this client sees it.
pub(super) fn address(service: Service, prefix: &str, origin: &Origin) -> String {
    format!("{}://{}{}{prefix}{}", origin.scheme, origin.authority, origin.prefix, service.path())
}

/// A strong validator: half of a hash is enough to tell two descriptions apart.
fn tag(published: &str) -> String {
    let digest = Sha256::digest(published.as_bytes());
    let half = digest.iter().take(16).fold(0u128, |number, byte| number << 8 | u128::from(*byte));
    format!("\"{half:032x}\"")
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}
