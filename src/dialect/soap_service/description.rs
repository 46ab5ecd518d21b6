//! The descriptions of SOAP services, served to anybody, with the address at which the client reached them.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH, VARY};
use sha2::{Digest, Sha256};

use crate::dialect::{Answer, Call, PublicAddress};
use crate::soap::version::Version;
use crate::soap::wsdl::Wsdl;
use crate::xml::writer::Unrepresentable;

/// The documents that describe one service; one port in each, since several importers take no more.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialect) struct Description {
    v11: Wsdl,
    v12: Wsdl,
}

impl Description {
    /// The description of a service by the texts for SOAP 1.1 and 1.2.
    pub(in crate::dialect) const fn embedded(v11: &'static str, v12: &'static str) -> Self {
        Self { v11: Wsdl::embedded(Version::V11, v11), v12: Wsdl::embedded(Version::V12, v12) }
    }

    /// The document for a version of SOAP.
    pub(in crate::dialect) const fn document(&self, version: Version) -> Wsdl {
        match version {
            Version::V11 => self.v11,
            Version::V12 => self.v12,
        }
    }

    /// The document as it is served to a client that reaches the service at `address`.
    ///
    /// # Errors
    /// A character of the address that XML cannot carry.
    pub(in crate::dialect) fn answer(
        &self,
        version: Version,
        address: &str,
        call: &Call<'_>,
    ) -> Result<Answer, Unrepresentable> {
        let published = self.document(version).publish(address)?;
        Ok(unless_known(call, "text/xml; charset=UTF-8", published))
    }
}

/// The description that a query asks for, in any case; `singleWsdl` is what .NET tools ask for.
pub(in crate::dialect) fn asked_for(query: &str) -> Option<Version> {
    form_urlencoded::parse(query.as_bytes()).find_map(|(name, _)| match name {
        name if name.eq_ignore_ascii_case("wsdl") || name.eq_ignore_ascii_case("singleWsdl") => Some(Version::V11),
        name if name.eq_ignore_ascii_case("wsdl12") => Some(Version::V12),
        _ => None,
    })
}

/// Where `path` is, as this client sees it.
pub(in crate::dialect) fn address(origin: &PublicAddress, path: &str) -> String {
    format!("{}://{}{}{path}", origin.scheme, origin.authority, origin.prefix)
}

/// A document with its tag; 304 to a client that has this very one.
pub(super) fn unless_known(call: &Call<'_>, media_type: &'static str, published: String) -> Answer {
    let tag = tag(&published);
    let answer = if is_known(call.head.headers, &tag) {
        Answer::empty(StatusCode::NOT_MODIFIED, "not_modified")
    } else {
        Answer::new(StatusCode::OK, "ok", media_type, published)
    };
    // What is kept between is told apart by the headers that say how the reader came here; their address is in it.
    let answer = match call.head.origin.vary {
        Some(headers) => answer.with(VARY, HeaderValue::from_static(headers)),
        None => answer,
    };
    answer.with(ETAG, HeaderValue::try_from(tag).expect("a quoted hexadecimal number is header text"))
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
