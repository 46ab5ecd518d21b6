//! Names that web pages and browsers use: of hosts that are the gateway's own, and of origins that may call it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The name of a host, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

/// Why a text is no name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of a host such as \"gateway.example.com\", without scheme, port and path")]
pub struct InvalidHostName;

impl HostName {
    /// Whether this is the name that a client has used; a dot at the end makes no difference.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name.strip_suffix('.').unwrap_or(name))
    }
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let label = |label: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            !label.is_empty() && label.bytes().all(allowed)
        };
        let name = text.trim();
        if name.split('.').all(label) { Ok(Self(name.to_ascii_lowercase())) } else { Err(InvalidHostName) }
    }
}

/// The origin of a web page as a browser names it: scheme, host and, if it is not the scheme's own, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebOrigin(String);

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the origin of a web page such as \"https://app.example.com\" or \"http://localhost:3000\": scheme, host and, \
     if it is not the usual one, port; no path, no \"*\", no \"null\""
)]
pub struct InvalidWebOrigin;

impl WebOrigin {
    /// Whether a browser's header names this origin.
    pub fn is(&self, header: &[u8]) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(header)
    }
}

impl FromStr for WebOrigin {
    type Err = InvalidWebOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidWebOrigin> {
        let text = text.trim().to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(InvalidWebOrigin)?;
        let named = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let scheme_is_one = scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(named);
        let (host, port) = authority_of(authority).ok_or(InvalidWebOrigin)?;
        if !scheme_is_one || host.parse::<IpAddr>().is_err() && host.parse::<HostName>().is_err() {
            return Err(InvalidWebOrigin);
        }
        let usual = matches!((scheme, port), ("http", Some(80)) | ("https", Some(443)));
        let authority = if usual { authority.rsplit_once(':').map_or(authority, |(host, _)| host) } else { authority };
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Host, an IPv6 address without its brackets, and port of an authority; `None` where it is none.
pub fn authority_of(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(inside) => {
            let (address, rest) = inside.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, rest)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Some(port.parse().ok()?),
        Some(_) => return None,
        None if rest.is_empty() => None,
        None => return None,
    };
    (!host.is_empty()).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_one_as_browsers_write_it() {
        for (text, kept) in [
            ("https://App.Example.com", "https://app.example.com"),
            ("https://app.example.com:443", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let origin: WebOrigin = text.parse().unwrap();
            assert_eq!(origin.to_string(), kept);
            assert!(origin.is(kept.as_bytes()) && !origin.is(b"null") && !origin.is(format!("{kept}.evil").as_bytes()));
        }
        for text in
            ["", "*", "null", "app.example.com", "https://", "https://a/", "https://a/b", "https://*.a", "https://a:x"]
        {
            assert_eq!(text.parse::<WebOrigin>(), Err(InvalidWebOrigin), "{text}");
        }
    }

    #[test]
    fn a_host_name_has_no_scheme_port_or_path() {
        let name: HostName = "Gateway.Example.com".parse().unwrap();
        assert!(name.is("gateway.example.COM") && name.is("gateway.example.com.") && !name.is("example.com"));
        for text in ["", ".", "a..b", "http://a", "a:1", "a/b", "*.a", "[::1]"] {
            assert_eq!(text.parse::<HostName>(), Err(InvalidHostName), "{text}");
        }
    }
}
