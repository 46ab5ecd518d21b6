//! What a browser sends: its cookies, and the fields of a form or of a query.

use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::{COOKIE, HeaderMap};

use super::{PATH, events};
use crate::access::Attempt;
use crate::config::Settings;

/// Longest address that a person is sent back to after signing in, in bytes.
const MAX_BACK: usize = 2_000;

/// A request to the console, read.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path below [`PATH`], still percent-encoded, without a slash at its end; empty for the first page.
    pub path: &'a str,
    /// The query as it was sent, without the question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Who sent it: the peer, or the client that a trusted proxy names.
    pub source: IpAddr,
    /// Whether the browser came by TLS, to the listener or to a trusted proxy before it.
    pub secure: bool,
    /// The settings in force when it came.
    pub settings: &'a Settings,
    /// The body; empty where there was none.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// What the gate looks at.
    pub(super) fn attempt(&self) -> Attempt<'a> {
        Attempt { headers: self.headers, source: self.source, settings: self.settings }
    }

    /// Whether it only reads.
    pub(super) fn reads(&self) -> bool {
        matches!(*self.method, Method::GET | Method::HEAD)
    }

    /// The fields of the form that was sent or, where it only reads, those of the query.
    pub(super) fn fields(&self) -> Fields {
        Fields::of(if self.reads() { self.query.as_bytes() } else { self.body })
    }

    /// The values of a cookie; a browser that was told two of a name sends both.
    pub(super) fn cookies(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.headers.get_all(COOKIE).filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(move |(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Whether the script asks, to show what has changed, and no person.
    pub(super) fn is_live(&self) -> bool {
        self.path == events::PATH || self.headers.contains_key("x-console-live")
    }

    /// Where the request leads, as a place to come back to.
    pub(super) fn target(&self) -> String {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        format!("{PATH}{}{query}", self.path)
    }
}

/// Names and values that a person has filled in.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form as browsers send it.
    pub(super) fn of(form: &[u8]) -> Self {
        Self(form_urlencoded::parse(form).into_owned().collect())
    }

    /// The first value of a field; empty where there is none.
    pub(super) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// As [`Self::raw`], without blanks around it.
    pub(super) fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// As [`Self::get`]; `None` where nothing is left.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name)).filter(|value| !value.is_empty())
    }
}

/// A page of the console that somebody may be sent to: any other address would make the console a way to elsewhere.
pub(super) fn page_of_console(address: &str) -> Option<&str> {
    let below = address.strip_prefix(PATH)?;
    let path = below.split('?').next().unwrap_or_default();
    let encoded_dot = path.to_ascii_lowercase().contains("%2e");
    let plain = address.len() <= MAX_BACK && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let inside = path.is_empty() || path.starts_with('/') && !path.contains("//") && !path.contains("..");
    (plain && inside && !encoded_dot && !path.starts_with("/sign-")).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_back_to_anything_but_a_page_of_the_console() {
        for own in
            ["/console", "/console/find?q=1%2F2", "/console?x=//evil.example", "/console/group?name=a%20b&state=free"]
        {
            assert_eq!(page_of_console(own), Some(own), "{own}");
        }
        let long = format!("/console/find?q={}", "1".repeat(2_000));
        for other in [
            "",
            "/",
            "//evil.example",
            "https://evil.example/console",
            "/consolex",
            "/metrics",
            "/console/../metrics",
            "/console/%2e%2e/metrics",
            "/console/.%2E/metrics",
            "/console//evil.example",
            "/console\\..\\x",
            "/console/a b",
            "/console/\nx",
            "/console/sign-out",
            "/console/sign-in?back=/console",
            &long,
        ] {
            assert_eq!(page_of_console(other), None, "{other}");
        }
    }

    #[test]
    fn a_field_is_the_first_of_its_name_and_what_is_left_out_is_empty() {
        let fields = Fields::of(b"q=+a%2Bb+&q=c&empty=");
        assert_eq!(
            (fields.raw("q"), fields.get("q"), fields.given("empty"), fields.get("none")),
            (" a+b ", "a+b", None, "")
        );
    }
}
