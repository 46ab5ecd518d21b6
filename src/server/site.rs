//! What browsers say of the web page that makes them send a request, and which pages may.
//!
//! A browser sends whatever a page asks for, from inside the network that the gateway is in; what it says of the page
//! itself no page can change. Other clients say nothing of the kind, and pass.

use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, REFERER};
use actix_web::http::uri::Uri;

use crate::config::{HostName, WebOrigin, authority_of};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
/// What the names of the headers begin with that only a browser sends.
const FETCH: &str = "sec-fetch-";

/// What keeps a request out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It is for a host of another name: a page of that name has had itself led here.
    Host,
    /// A page of another site has made a browser send it.
    Page,
}

impl Foreign {
    /// A word for logs and metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Host => "foreign_host",
            Self::Page => "foreign_page",
        }
    }
}

/// Where a page lies relative to what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    /// The same origin, or the user has typed the address; or no browser is in it.
    Own,
    /// Another origin of the same site.
    Neighbour,
    /// Another site, or something that no browser should say.
    Other,
}

/// Whether a listener that goes by these names besides addresses and `localhost` is asked by one of them. No host at all
/// is one of them: HTTP/1.0 and no browser.
pub(super) fn is_own_host(uri: &Uri, headers: &HeaderMap, names: &[HostName]) -> bool {
    asked_hosts(uri, headers).all(|host| {
        let host = std::str::from_utf8(host).ok().and_then(authority_of).map(|(host, _)| host);
        host.is_some_and(|host| is_own_name(host, names))
    })
}

/// As [`is_own_host`], for a listener of the machine itself: names without a dot are no web page's either.
pub(super) fn is_local_host(uri: &Uri, headers: &HeaderMap, names: &[HostName]) -> bool {
    let undotted = asked_hosts(uri, headers).all(|host| !host.is_empty() && !host.contains(&b'.') && host.is_ascii());
    undotted || is_own_host(uri, headers, names)
}

/// The hosts that a request is for: the one in its target, or those in its headers.
fn asked_hosts<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
    let target = uri.authority().map(|authority| authority.as_str().as_bytes());
    let said = target.is_none().then(|| headers.get_all(HOST).map(HeaderValue::as_bytes));
    target.into_iter().chain(said.into_iter().flatten())
}

fn is_own_name(host: &str, names: &[HostName]) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    host.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost") || names.iter().any(|known| known.is(name))
}

/// Whether a request to the admin listener comes from its own pages or from no page at all. A link on another site may
/// lead to its pages for people.
///
/// # Errors
/// What keeps it out.
pub(super) fn judge_admin(method: &Method, uri: &Uri, headers: &HeaderMap, names: &[HostName]) -> Result<(), Foreign> {
    if !is_own_host(uri, headers, names) {
        return Err(Foreign::Host);
    }
    let named = |origin: &[u8]| {
        let host = authority_in(origin).and_then(|authority| authority_of(authority)).map(|(host, _)| host);
        host.is_some_and(|host| names.iter().any(|name| name.is(host)))
    };
    let own = |origin: &[u8]| named(origin) || asked_hosts(uri, headers).any(|host| is_origin_of(origin, host));
    if !headers.get_all(ORIGIN).all(|origin| own(origin.as_bytes())) {
        return Err(Foreign::Page);
    }
    let for_people = matches!(uri.path(), "/" | "/console" | "/console/");
    match site(headers) {
        Some(Site::Own) | None => Ok(()),
        Some(Site::Neighbour) if is_navigation(method, headers) => Ok(()),
        Some(Site::Other) if for_people && is_navigation(method, headers) => Ok(()),
        Some(Site::Neighbour | Site::Other) => Err(Foreign::Page),
    }
}

/// Whether a request to the dialects was made by a page of another site that is not among `allowed`; `own` is the
/// authority under which clients reach the gateway. Over plain HTTP a browser says of a page no more than its origin.
pub(super) fn is_foreign_page(uri: &Uri, headers: &HeaderMap, own: &str, allowed: &[WebOrigin]) -> bool {
    let mut origins = headers.get_all(ORIGIN).map(HeaderValue::as_bytes).peekable();
    let said = origins.peek().is_some();
    let mut own_or_allowed = [true, true];
    for origin in origins {
        let same = is_origin_of(origin, own.as_bytes()) || asked_hosts(uri, headers).any(|it| is_origin_of(origin, it));
        own_or_allowed[0] &= same;
        own_or_allowed[1] &= allowed.iter().any(|allowed| allowed.is(origin));
    }
    match site(headers) {
        _ if said && own_or_allowed[1] => false,
        Some(site) => site != Site::Own,
        None => !own_or_allowed[0],
    }
}

/// Whether a browser has sent this, as far as it says so.
pub(super) fn is_from_browser(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| *name == ORIGIN || *name == REFERER || name.as_str().starts_with(FETCH))
}

/// What a browser says of the page; `None` where it says nothing.
fn site(headers: &HeaderMap) -> Option<Site> {
    let sites = headers.get_all(FETCH_SITE).map(|value| match value.as_bytes() {
        b"same-origin" | b"none" => Site::Own,
        b"same-site" => Site::Neighbour,
        _ => Site::Other,
    });
    sites.reduce(|one, other| if one == other { one } else { Site::Other })
}

/// Whether the request shows a page to somebody who has followed a link.
fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let only = |name, value: &[u8]| headers.get_all(name).all(|said| said.as_bytes() == value);
    *method == Method::GET
        && headers.contains_key(FETCH_MODE)
        && only(FETCH_MODE, b"navigate")
        && only(FETCH_DEST, b"document")
}

/// Whether an origin is that of this authority; a port that is the usual one of the origin's scheme may be left out.
fn is_origin_of(origin: &[u8], authority: &[u8]) -> bool {
    let (Some(of_page), Ok(asked)) = (authority_in(origin), std::str::from_utf8(authority)) else { return false };
    let usual = if origin.starts_with(b"https:") { 443 } else { 80 };
    match (authority_of(of_page), authority_of(asked)) {
        (Some((host, port)), Some((own, own_port))) => {
            host.eq_ignore_ascii_case(own) && port.unwrap_or(usual) == own_port.unwrap_or(usual)
        }
        _ => false,
    }
}

/// The authority in an origin of the web.
fn authority_in(origin: &[u8]) -> Option<&str> {
    let origin = std::str::from_utf8(origin).ok()?;
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap()))
            .collect()
    }

    fn admin(path: &str, lines: &[(&'static str, &[u8])]) -> Result<(), Foreign> {
        let names = ["gw.example".parse().unwrap()];
        judge_admin(&Method::GET, &path.parse().unwrap(), &headers(lines), &names)
    }

    #[test]
    fn own_hosts_are_none_addresses_localhost_and_those_that_are_configured() {
        assert_eq!(admin("/metrics", &[]), Ok(()));
        for own in
            ["127.0.0.1:9090", "10.1.2.3", "[::1]:9090", "[2001:db8::1]", "LocalHost:1", "localhost.", "GW.example:9"]
        {
            assert_eq!(admin("/metrics", &[("host", own.as_bytes())]), Ok(()), "{own}");
        }
        let foreign: [&[u8]; 11] = [
            b"",
            b"evil.example",
            b"127.0.0.1.evil.example",
            b"[::1].evil.example",
            b"[::1]evil",
            b"[evil.example]",
            b"localhost:9090.evil.example",
            b"localhost@evil.example",
            b"gw.example.evil.example",
            b"localhost\xff",
            b"::1",
        ];
        for host in foreign {
            assert_eq!(admin("/", &[("host", host)]), Err(Foreign::Host), "{}", String::from_utf8_lossy(host));
        }
        assert_eq!(admin("/", &[("host", b"localhost"), ("host", b"evil.example")]), Err(Foreign::Host), "any of two");
        assert_eq!(admin("http://evil.example/", &[("host", b"localhost")]), Err(Foreign::Host), "the target counts");
        assert_eq!(admin("http://localhost:9090/", &[("host", b"evil.example")]), Ok(()));
    }

    #[test]
    fn pages_of_other_sites_are_kept_out_and_links_lead_to_the_pages_for_people_alone() {
        let host: (&'static str, &[u8]) = ("host", b"localhost:9090");
        let site = |site: &'static str| -> (&'static str, &[u8]) { ("sec-fetch-site", site.as_bytes()) };
        for own in ["same-origin", "none"] {
            assert_eq!(admin("/metrics", &[host, site(own)]), Ok(()), "{own}");
        }
        for other in ["cross-site", "same-site", "Cross-Site", "anything"] {
            assert_eq!(admin("/metrics", &[host, site(other)]), Err(Foreign::Page), "{other}");
        }
        let link: [(&'static str, &[u8]); 2] = [("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"document")];
        for (path, let_in) in [("/", true), ("/console", true), ("/metrics", false), ("/backup", false), ("/x", false)]
        {
            let followed = admin(path, &[host, site("cross-site"), link[0], link[1]]);
            assert_eq!(followed.is_ok(), let_in, "{path}");
            let framed = admin(path, &[host, site("cross-site"), link[0], ("sec-fetch-dest", b"iframe")]);
            assert_eq!(framed, Err(Foreign::Page), "{path}");
        }
        let posted = headers(&[host, site("cross-site"), link[0], link[1]]);
        assert!(judge_admin(&Method::POST, &"/".parse().unwrap(), &posted, &[]).is_err());
        for (origin, let_in) in [
            ("http://localhost:9090", true),
            ("https://gw.example", true),
            ("http://localhost:3000", false),
            ("http://evil.example", false),
            ("http://203.0.113.5", false),
            ("null", false),
            ("http://localhost:9090.evil.example", false),
        ] {
            assert_eq!(admin("/", &[host, ("origin", origin.as_bytes())]).is_ok(), let_in, "{origin}");
        }
    }

    #[test]
    fn a_foreign_page_is_told_by_its_site_or_where_that_is_not_said_by_its_origin() {
        let allowed = ["https://app.example".parse().unwrap()];
        let foreign = |lines: &[(&'static str, &[u8])]| {
            is_foreign_page(&"/x".parse().unwrap(), &headers(lines), "gw.example", &allowed)
        };
        let site = |site: &'static str| -> (&'static str, &[u8]) { ("sec-fetch-site", site.as_bytes()) };
        let origin = |origin: &'static str| -> (&'static str, &[u8]) { ("origin", origin.as_bytes()) };
        for lines in [
            vec![],
            vec![site("none")],
            vec![site("same-origin"), origin("https://gw.example")],
            vec![site("same-origin"), origin("https://public.example")],
            vec![site("cross-site"), origin("https://app.example")],
            vec![origin("https://APP.example")],
            vec![origin("http://gw.example")],
            vec![origin("http://inner:8080"), ("host", b"inner:8080")],
        ] {
            assert!(!foreign(&lines), "{lines:?}");
        }
        for lines in [
            vec![site("cross-site")],
            vec![site("same-site")],
            vec![site("cross-site"), origin("https://evil.example")],
            vec![site("same-site"), origin("https://gw.example:8443")],
            vec![site("none"), site("cross-site")],
            vec![origin("https://evil.example")],
            vec![origin("null")],
            vec![origin("https://app.example"), origin("https://evil.example")],
        ] {
            assert!(foreign(&lines), "{lines:?}");
        }
    }

    #[test]
    fn a_name_without_a_dot_is_no_web_pages() {
        let local = |host: &'static [u8]| is_local_host(&"/".parse().unwrap(), &headers(&[("host", host)]), &[]);
        assert!(local(b"x") && local(b"gateway:8080") && local(b"localhost") && local(b"127.0.0.1:8080"));
        assert!(!local(b"rebound.example:8080") && !local(b"") && !local(b"a\xff") && !local(b"[::1].evil.example"));
    }
}
