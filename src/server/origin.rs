//! Who sent a request, and by which address it came.
//!
//! What a request says of its own way is believed only when it comes from a proxy that the operator trusts.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use actix_http::RequestHead;
use actix_web::http::header::{HOST, HeaderMap};

use crate::config::{PublicUrl, Server, TrustedProxies};
use crate::dialect::PublicAddress;

/// The headers that an address behind a trusted proxy is made of.
const FORWARDED: &str = "Host, X-Forwarded-Proto, X-Forwarded-Host, X-Forwarded-Port, X-Forwarded-Prefix";
/// Where the listener for the dialects is reached.
pub(super) struct Door {
    /// Whether it speaks TLS.
    pub(super) secure: bool,
    /// The address that it listens on.
    pub(super) address: SocketAddr,
}

/// The address that failures are counted for: the peer or, behind trusted proxies, the last address that none of them
/// owns.
pub(super) fn source(request: &RequestHead, proxies: &TrustedProxies) -> IpAddr {
    let peer = request.peer_addr.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    if !proxies.contains(peer) {
        return peer;
    }
    let forwarded = request.headers.get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    let mut source = peer;
    for hop in hops.iter().rev() {
        let Some(address) = address(hop) else { break };
        source = address;
        if !proxies.contains(address) {
            break;
        }
    }
    source
}

/// Whether the client came by TLS: to the listener itself, or to a trusted proxy that says so.
pub(super) fn came_by_tls(request: &RequestHead, listener_secure: bool, proxies: &TrustedProxies) -> bool {
    let trusted = request.peer_addr.is_some_and(|peer| proxies.contains(peer.ip()));
    let said = first(&request.headers, "x-forwarded-proto").filter(|_| trusted);
    listener_secure || said.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// An address as `X-Forwarded-For` carries it, with or without a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(hop, |(address, _)| address);
    let parsed = bare.parse().or_else(|_| hop.parse().map(|socket: std::net::SocketAddr| socket.ip()));
    parsed.ok()
}

/// The address under which the client reaches the gateway.
pub(super) fn origin(request: &RequestHead, door: &Door, server: &Server) -> PublicAddress {
    if let Some(public) = &server.public_url {
        return of_url(public);
    }
    let headers = &request.headers;
    let trusted = request.peer_addr.is_some_and(|peer| server.trusted_proxies.contains(peer.ip()));
    let said = |name| if trusted { first(headers, name) } else { None };
    let proto = said("x-forwarded-proto").unwrap_or_default();
    let proto = ["http", "https"].into_iter().find(|scheme| scheme.eq_ignore_ascii_case(proto));
    let scheme = proto.unwrap_or(if door.secure { "https" } else { "http" });
    let own = || match own_authority(request).filter(|authority| is_authority(authority)) {
        Some(authority) => authority.to_owned(),
        // Only HTTP/1.0 may leave the host out.
        None => door.address.to_string(),
    };
    let mut authority = said("x-forwarded-host").filter(|host| is_authority(host)).map_or_else(own, str::to_owned);
    if let Some(port) = said("x-forwarded-port").and_then(|port| port.parse::<u16>().ok())
        && !has_port(&authority)
        && !is_default_port(scheme, port)
    {
        authority = format!("{authority}:{port}");
    }
    let prefix = said("x-forwarded-prefix").map(|prefix| prefix.trim_end_matches('/'));
    let prefix = prefix.filter(|prefix| prefix.starts_with('/')).unwrap_or_default();
    let vary = Some(if trusted { FORWARDED } else { "Host" });
    PublicAddress { scheme, authority, prefix: prefix.to_owned(), vary }
}

/// The authority that a request itself names: that of its target where the target is a whole URL, whatever the header
/// `Host` says beside it (RFC 9112, 3.2.2), else that header.
fn own_authority(request: &RequestHead) -> Option<&str> {
    match request.uri.authority() {
        // A name and a password before the host are no part of the address.
        Some(authority) => authority.as_str().rsplit('@').next(),
        None => request.headers.get(HOST).and_then(|host| host.to_str().ok()),
    }
}

fn of_url(url: &PublicUrl) -> PublicAddress {
    let (scheme, rest) = url.as_str().split_once("://").unwrap_or(("http", url.as_str()));
    let scheme = if scheme.eq_ignore_ascii_case("https") { "https" } else { "http" };
    let (authority, prefix) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    PublicAddress { scheme, authority: authority.to_owned(), prefix: prefix.to_owned(), vary: None }
}

/// The first value of a header that proxies append to.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?;
    value.split(',').next().map(str::trim).filter(|value| !value.is_empty())
}

fn is_authority(text: &str) -> bool {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'[' | b']' | b'%');
    !text.is_empty() && text.bytes().all(allowed)
}

fn has_port(authority: &str) -> bool {
    let after_host = authority.rsplit_once(']').map_or(authority, |(_, rest)| rest);
    after_host.contains(':')
}

fn is_default_port(scheme: &str, port: u16) -> bool {
    matches!((scheme, port), ("http", 80) | ("https", 443))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn proxied(settings: &str) -> Server {
        crate::config::Settings::from_toml(settings).unwrap().server
    }

    fn origin(request: &actix_http::Request, server: &Server) -> PublicAddress {
        super::origin(request.head(), &Door { secure: false, address: ([127, 0, 0, 1], 8080).into() }, server)
    }

    fn source(request: &actix_http::Request, proxies: &TrustedProxies) -> IpAddr {
        super::source(request.head(), proxies)
    }

    fn request(peer: &str, headers: &[(&'static str, &'static str)]) -> actix_http::Request {
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        headers.iter().fold(request, |request, header| request.insert_header(*header)).to_request()
    }

    fn url(origin: &PublicAddress) -> String {
        format!("{}://{}{}", origin.scheme, origin.authority, origin.prefix)
    }

    #[test]
    fn the_requests_own_host_counts_when_nobody_is_trusted() {
        let server = Server::default();
        let request = request(
            "192.0.2.1:1000",
            &[("host", "gw.example:8080"), ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https")],
        );
        assert_eq!(url(&origin(&request, &server)), "http://gw.example:8080");
    }

    #[test]
    fn a_trusted_proxy_tells_scheme_host_port_and_prefix() {
        let server = proxied("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
        let forwarded = [
            ("host", "inner:8080"),
            ("x-forwarded-host", "gw.example"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "8443"),
            ("x-forwarded-prefix", "/dnis/"),
        ];
        assert_eq!(url(&origin(&request("192.0.2.7:1", &forwarded), &server)), "https://gw.example:8443/dnis");
        assert_eq!(url(&origin(&request("198.51.100.7:1", &forwarded), &server)), "http://inner:8080");
    }

    #[test]
    fn the_scheme_that_a_trusted_proxy_tells_may_be_in_any_case() {
        let server = proxied("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
        for (proto, scheme) in [("HTTPS", "https"), ("Https", "https"), ("HTTP", "http"), ("ftp", "http"), ("", "http")]
        {
            let request = request("192.0.2.7:1", &[("host", "gw.example"), ("x-forwarded-proto", proto)]);
            assert_eq!(origin(&request, &server).scheme, scheme, "{proto}");
        }
    }

    #[test]
    fn the_authority_of_a_whole_url_counts_and_host_is_ignored() {
        for (target, authority) in [
            ("http://gw.example:8080/interact", "gw.example:8080"),
            ("http://user:secret@gw.example/interact", "gw.example"),
            ("http://[2001:db8::1]:81/interact", "[2001:db8::1]:81"),
            ("/interact", "evil.example"),
        ] {
            let request = TestRequest::with_uri(target).insert_header(("host", "evil.example")).to_request();
            assert_eq!(origin(&request, &Server::default()).authority, authority, "{target}");
        }
    }

    #[test]
    fn it_is_told_which_headers_an_address_was_taken_from() {
        let trusting = proxied("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
        let public = proxied("[server]\npublic_url = \"https://gw.example\"\n");
        let (near, far) = (request("192.0.2.7:1", &[]), request("198.51.100.7:1", &[]));
        assert_eq!(origin(&near, &trusting).vary, Some(FORWARDED));
        assert_eq!(origin(&far, &trusting).vary, Some("Host"));
        assert_eq!(origin(&near, &public).vary, None);
    }

    #[test]
    fn a_public_url_beats_everything() {
        let server = proxied("[server]\npublic_url = \"https://gw.example/base\"\n");
        let request = request("192.0.2.1:1000", &[("host", "other:1")]);
        assert_eq!(url(&origin(&request, &server)), "https://gw.example/base");
    }

    #[test]
    fn a_host_that_is_no_address_is_not_repeated() {
        let request = request("192.0.2.1:1000", &[("host", "a\"><script>")]);
        assert_eq!(origin(&request, &Server::default()).authority, "127.0.0.1:8080");
    }

    #[test]
    fn the_source_is_the_last_hop_that_no_trusted_proxy_owns() {
        let server = proxied("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
        let proxies = &server.trusted_proxies;
        let forwarded = [("x-forwarded-for", "203.0.113.9, 198.51.100.4, 192.0.2.8")];
        assert_eq!(source(&request("192.0.2.7:1", &forwarded), proxies).to_string(), "198.51.100.4");
        assert_eq!(source(&request("198.51.100.1:1", &forwarded), proxies).to_string(), "198.51.100.1");
        let garbled = [("x-forwarded-for", "unknown")];
        assert_eq!(source(&request("192.0.2.7:1", &garbled), proxies).to_string(), "192.0.2.7");
        let v6 = [("x-forwarded-for", "[2001:db8::1]:4000")];
        assert_eq!(source(&request("192.0.2.7:1", &v6), proxies).to_string(), "2001:db8::1");
    }
}
