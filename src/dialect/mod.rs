//! Where wire formats meet the domain: one folder for each vendor, all with the same inner shape.
//!
//! A dialect first names the endpoint that a request's head asks for, then lets its caller in by what the head shows, and
//! only then answers the whole call; the server does everything in between (limits, reading the body, metrics, panics)
//! once for all. All wording, status codes and
//! quirks of a vendor live in its folder, its errors in one table there.

pub mod aicc;
mod failure;
pub mod gms;
pub mod html;
pub mod idempotency;
pub mod interact;
mod json;
mod lending;
pub mod native;
#[cfg(test)]
mod sending;
pub mod server_sent;
mod soap_service;
pub mod stream;

use std::future::Future;
use std::net::IpAddr;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use bytes::Bytes;

use crate::access::Attempt;
use crate::config::Settings;
use crate::media::{ContentType, Unclear};
use stream::{Incoming, Streamed};

pub use failure::HttpRefusal;

/// The head of a request, as a dialect sees it.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path as it was sent, still percent-encoded, without a slash at its end; see [`bare`].
    pub path: &'a str,
    /// The query as it was sent, without the question mark; empty if there was none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// How the client addressed the gateway.
    pub origin: &'a PublicAddress,
    /// Who sent it: the peer, or the client that a trusted proxy names.
    pub source: IpAddr,
    /// The settings in force when it came; they hold for the whole request, whatever is reloaded meanwhile.
    pub settings: &'a Settings,
}

impl<'a> Head<'a> {
    /// What the gate looks at.
    fn attempt(&self) -> Attempt<'a> {
        Attempt { headers: self.headers, source: self.source, settings: self.settings }
    }
}

/// A path as the dialects know it: a slash at its end makes no difference, so it is taken off.
pub fn bare(path: &str) -> &str {
    path.strip_suffix('/').filter(|bare| !bare.is_empty()).unwrap_or(path)
}

/// A whole request with its body.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The head.
    pub head: Head<'a>,
    /// The body with any content coding undone; empty if there was none.
    pub body: &'a Bytes,
}

/// Scheme and authority under which a client reaches the gateway: `server.public_url` where it is set, else what the
/// request, or a trusted proxy, says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicAddress {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and, if it is not the scheme's own, port.
    pub authority: String,
    /// Path prefix that a public URL puts before every path; empty or `/like/this`.
    pub prefix: String,
    /// The headers of the request that said so, as the header `Vary` lists them; `None` where the configuration says it.
    pub vary: Option<&'static str>,
}

impl PublicAddress {
    /// The plain address of an authority, without a prefix.
    pub fn http(authority: &str) -> Self {
        Self { scheme: "http", authority: authority.to_owned(), prefix: String::new(), vary: Some("Host") }
    }

    /// The host without its port.
    pub fn host(&self) -> &str {
        match self.authority.rsplit_once(':') {
            // The last colon of a bare IPv6 address is inside its brackets.
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &self.authority,
        }
    }
}

/// The media type that a request declares for its body, if it declares one.
///
/// # Errors
/// Several that differ, and what is no text.
fn declared(headers: &HeaderMap) -> Result<Option<ContentType<'_>>, Unclear> {
    ContentType::of(headers.get_all(CONTENT_TYPE).map(HeaderValue::as_bytes))
}

/// How a call ended, for metrics: a label from a small fixed set.
pub type Outcome = &'static str;

/// An answer, ready to be sent.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers, `Content-Type` among them.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// The label for metrics, such as `ok`, `not_found`, `unauthorized`.
    pub outcome: Outcome,
    /// The operation's name in metrics, where the body tells it and the endpoint does not.
    pub operation: Option<&'static str>,
}

impl Answer {
    /// An answer with a body of a media type.
    pub fn new(status: StatusCode, outcome: Outcome, media_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(media_type))];
        Self { status, headers, body: body.into(), outcome, operation: None }
    }

    /// An answer without a body.
    pub fn empty(status: StatusCode, outcome: Outcome) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), outcome, operation: None }
    }

    /// The same answer, known to belong to an operation that only the body told.
    #[must_use]
    pub fn of(mut self, operation: &'static str) -> Self {
        self.operation = Some(operation);
        self
    }

    /// The same answer with the header that says what would be right, or when.
    fn hinting(mut self, hint: Option<failure::Hint>) -> Self {
        self.headers.extend(hint);
        self
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// A vendor's protocol.
pub trait Dialect {
    /// An endpoint of the dialect with what its path says.
    type Endpoint;
    /// A call that was let in: what is asked for, and for whom.
    type Admitted<'a>
    where
        Self: 'a;

    /// The dialect's name in metrics and logs.
    const NAME: &'static str;

    /// Where the dialect is, for somebody who has missed every one: to be read in a list.
    fn whereabouts(settings: &Settings) -> String;

    /// Whether a path belongs to the dialect under these settings.
    fn owns(&self, path: &str, settings: &Settings) -> bool;

    /// The endpoint that a request's head asks for.
    ///
    /// # Errors
    /// The answer to an unknown path or a method that the path does not have.
    fn endpoint(&self, head: &Head<'_>) -> Result<Self::Endpoint, Answer>;

    /// The operation's name in metrics: a label from a small fixed set. An answer may know better.
    fn operation(endpoint: &Self::Endpoint) -> &'static str;

    /// Lets a caller in by what the head shows, before anything of the body is read, so that a stranger's body costs
    /// nothing. Where what is asked for stands in the body, as in SOAP, or the credentials do, everybody is let in
    /// here, and [`Self::answer`] asks.
    ///
    /// # Errors
    /// The answer to whoever is not let in.
    fn admit<'a>(
        &'a self,
        endpoint: &'a Self::Endpoint,
        head: &Head<'a>,
    ) -> impl Future<Output = Result<Self::Admitted<'a>, Answer>>;

    /// Whether web pages are meant to call the dialect: those of `server.cors_origins` are let in, and all others are kept
    /// from whatever changes something.
    const FOR_PAGES: bool = false;

    /// Whether a request for an endpoint may change something.
    fn changes(_endpoint: &Self::Endpoint, method: &Method) -> bool {
        *method != Method::GET && *method != Method::HEAD
    }

    /// How long the body may be for this endpoint, in bytes.
    fn body_limit(endpoint: &Self::Endpoint, settings: &Settings) -> usize;

    /// Answers a call that was let in.
    fn answer(&self, admitted: Self::Admitted<'_>, call: Call<'_>) -> impl Future<Output = Answer>;

    /// Whether an endpoint takes its body, or gives its answer, piece by piece.
    fn in_pieces(_endpoint: &Self::Endpoint) -> bool {
        false
    }

    /// Answers a call of an endpoint that works piece by piece.
    fn answer_in_pieces(
        &self,
        admitted: Self::Admitted<'_>,
        head: Head<'_>,
        body: &mut Incoming<'_>,
    ) -> impl Future<Output = Streamed> {
        self.gathered(admitted, head, body)
    }

    /// Answers a call once all of its body is there.
    fn gathered(
        &self,
        admitted: Self::Admitted<'_>,
        head: Head<'_>,
        body: &mut Incoming<'_>,
    ) -> impl Future<Output = Streamed> {
        async move {
            match body.gather().await {
                Ok(body) => self.answer(admitted, Call { head, body: &body }).await.into(),
                Err(refusal) => self.refuse(None, &head, refusal).into(),
            }
        }
    }

    /// Gives a refusal of the server the vendor's form. `endpoint` is `None` where it is not known.
    fn refuse(&self, endpoint: Option<&Self::Endpoint>, head: &Head<'_>, refusal: HttpRefusal) -> Answer;
}
