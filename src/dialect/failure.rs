//! What every dialect refuses alike: what the server, the store or a header says no to, whichever protocol is spoken.
//!
//! Status, label, headers and usual words of such a refusal stand here once. The table in a dialect's `error` puts them
//! into the vendor's form, and has words of its own where the vendor's clients know others.

use std::fmt;

use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};

use super::Outcome;
use super::idempotency;
use crate::domain::{Quota, Refusal, Seconds};
use crate::log::notes;
use crate::store;

/// What a caller waits while too many long bodies are held: most are gone in less.
const CROWDED_WAIT: Seconds = Seconds::new(5);
/// What a caller who finds no number waits where nobody knows when one comes back.
const USUAL_WAIT: Seconds = Seconds::new(30);

/// A header that says what would be right, or when.
pub(super) type Hint = (HeaderName, HeaderValue);

/// What the server refused before the dialect saw the body; the dialect gives it its vendor's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpRefusal {
    /// The request line and the headers together are longer than allowed, in bytes.
    HeadTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body is longer than allowed, in bytes.
    BodyTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The body's content coding is not `identity` or `gzip`.
    ContentCoding,
    /// The body could not be read: a broken coding, or a sender that went away or took too long.
    BodyUnreadable,
    /// A web page of another site made a browser send it, and it would change something.
    ForeignPage,
    /// Too many long bodies and answers are held at this time.
    Crowded,
    /// The handler panicked; the cause is in the log.
    Panicked,
}

impl HttpRefusal {
    /// The status.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyUnreadable => StatusCode::BAD_REQUEST,
            Self::ForeignPage => StatusCode::FORBIDDEN,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The label for metrics, where the vendor's table has none of its own.
    pub(super) const fn label(&self) -> Outcome {
        match self {
            Self::HeadTooLarge { .. } | Self::BodyTooLarge { .. } => "too_large",
            Self::ContentCoding => "unsupported_coding",
            Self::BodyUnreadable => "unreadable",
            Self::ForeignPage => "foreign_page",
            Self::Crowded => "crowded",
            Self::Panicked => "failed",
        }
    }

    /// What is wrong, as a sentence without capital and full stop.
    pub(super) fn clause(&self) -> String {
        match self {
            Self::HeadTooLarge { limit } => {
                return format!("the request line and the headers must have at most {limit} bytes together");
            }
            Self::BodyTooLarge { limit } => return format!("the body must have at most {limit} bytes"),
            Self::ContentCoding => "the body's Content-Encoding must be identity or gzip",
            Self::BodyUnreadable => "the body could not be read to its end in its content coding",
            Self::ForeignPage => "a web page of another site may not do this",
            Self::Crowded => "too many long requests and answers are held at this time; try again in a moment",
            Self::Panicked => "the gateway failed on this request; its log says why",
        }
        .to_owned()
    }

    /// What is wrong, as a sentence for a text that stands alone.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::HeadTooLarge { limit } => {
                format!("The request line and the headers are too long; at most {limit} bytes together are allowed")
            }
            Self::BodyTooLarge { limit } => format!("The body is too long; at most {limit} bytes are allowed"),
            Self::ContentCoding => "The content coding is not supported; gzip, identity or none is allowed".to_owned(),
            Self::Panicked => format!("Internal error: {}", self.clause()),
            Self::BodyUnreadable | Self::ForeignPage | Self::Crowded => {
                let clause = self.clause();
                clause[..1].to_ascii_uppercase() + &clause[1..]
            }
        }
    }

    /// The header that goes with it.
    pub(super) fn hint(&self) -> Option<Hint> {
        match self {
            Self::ContentCoding => Some((ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"))),
            Self::Crowded => Some(after(CROWDED_WAIT)),
            _ => None,
        }
    }
}

/// A key of a request that the store refuses. Displays as what follows "the" in a message.
pub(super) struct KeyRefusal {
    /// The status.
    pub(super) status: StatusCode,
    /// The label for metrics.
    pub(super) label: Outcome,
    problem: &'static str,
}

impl KeyRefusal {
    /// The refusal, if it is one of the key.
    pub(super) const fn of(refusal: &Refusal) -> Option<Self> {
        let (status, label, problem) = match refusal {
            Refusal::KeyReused(_) => (StatusCode::UNPROCESSABLE_ENTITY, "key_reused", idempotency::REUSED),
            Refusal::KeyExpired(_) => (StatusCode::CONFLICT, "key_spent", idempotency::SPENT),
            Refusal::QuotaFull { quota: Quota::Keys, .. } => {
                (StatusCode::TOO_MANY_REQUESTS, Quota::Keys.full(), idempotency::FULL)
            }
            _ => return None,
        };
        Some(Self { status, label, problem })
    }
}

impl fmt::Display for KeyRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "header {} {}", idempotency::NAME, self.problem)
    }
}

/// When to try again, at least a second from now.
pub(super) fn after(wait: Seconds) -> Hint {
    (RETRY_AFTER, HeaderValue::from(wait.get().max(1)))
}

/// When somebody may try again who was refused for want of something that comes back by itself: when the next number
/// does or, where nobody can say when, after [`USUAL_WAIT`].
pub(super) fn retry(refusal: &Refusal) -> Option<Hint> {
    match refusal {
        Refusal::Exhausted { next_release, .. } => Some(after(next_release.unwrap_or(USUAL_WAIT))),
        Refusal::QuotaFull { quota: Quota::Bookings | Quota::Keys, .. } => Some(after(USUAL_WAIT)),
        _ => None,
    }
}

/// The media types that are read instead.
pub(super) const fn accept(types: &'static str) -> Hint {
    (ACCEPT, HeaderValue::from_static(types))
}

/// The methods that the path has.
pub(super) fn allow(methods: &[Method]) -> Hint {
    (ALLOW, HeaderValue::try_from(listed(methods)).expect("names of methods are header text"))
}

/// Methods as the header `Allow` lists them.
pub(super) fn listed(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// The same refusal of the domain, noted for the log line of the request.
pub(super) fn noted(refusal: Refusal) -> Refusal {
    notes::reason(refusal.label());
    refusal
}

/// What the domain refused, or `None` where the store cannot answer: why is for the operator alone, so the log has it.
pub(super) fn refusal_of(error: store::Error) -> Option<Refusal> {
    match error {
        store::Error::Refused(refusal) => Some(noted(refusal)),
        store::Error::Unavailable(reason) => {
            tracing::error!(%reason, "the store did not answer");
            None
        }
    }
}
