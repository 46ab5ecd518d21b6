//! Everything that can go wrong in a GMS request: the one table of status, exception name and message.
//!
//! GMS answers an error with two members: `exception`, the name of a Java class, and `message`, a text for a person.
//! The names here are those of the standard exceptions a Java service has for each status, so that a client that tells
//! errors apart by name finds the ones it knows. What happened inside the gateway is never in a message.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};

use super::endpoint::Methods;
use super::user_data::Address;
use crate::access;
use crate::dialect::Outcome;
use crate::dialect::failure::{self, Hint, HttpRefusal, KeyRefusal, noted, refusal_of};
use crate::dialect::idempotency::{self, WrongIdempotencyKey};
use crate::domain::refusal::Miss;
use crate::domain::{Quota, Refusal, Seconds};
use crate::media::UnreadCharset;
use crate::store;
use crate::text::shorten;

/// Longest part of a caller's own words that a message repeats, in characters.
const MAX_QUOTED_CHARS: usize = 64;

/// Why a request got no answer.
#[derive(Debug)]
pub(super) enum Error {
    /// No endpoint has this path.
    PathUnknown,
    /// The path is not percent-encoded UTF-8.
    PathMalformed,
    /// The path does not have this method.
    Method(Methods),
    /// The caller was not let in.
    Denied(access::Refusal),
    /// The tenant has no service of this name.
    ServiceUnknown(String),
    /// The body's media type is none that can be read, or its text is in a charset that is not read.
    MediaType(MediaTypeProblem),
    /// The query or the body breaks the rules of its format.
    Malformed {
        /// Which of the two, and in which format.
        part: &'static str,
        /// The rule it breaks.
        problem: Cow<'static, str>,
    },
    /// A mandatory parameter is not there.
    Missing {
        /// Its name.
        parameter: &'static str,
        /// What it is for.
        purpose: &'static str,
    },
    /// A parameter that cannot be used.
    Parameter {
        /// Its name.
        parameter: String,
        /// What is wrong and what is allowed, to follow the name.
        problem: Cow<'static, str>,
    },
    /// What the access codes are to begin with leaves no digit to draw.
    PrefixFillsCode,
    /// What the access codes are to begin with is a number that GMS cannot read; its digits.
    PrefixIsNoNumber(String),
    /// Too many wrong access codes.
    TooManyGuesses {
        /// How long the caller has to wait.
        retry_after: Seconds,
    },
    /// There is no such instance, or it has ended; its id.
    InstanceUnknown(String),
    /// The header by which a user's own data are told apart is missing, there twice or not usable.
    GmsUser,
    /// The header that keeps a request from being carried out twice cannot be used.
    IdempotencyKey(WrongIdempotencyKey),
    /// An id that a user chose is empty, too long, or has control characters.
    CustomId {
        /// The longest one, in characters.
        most: usize,
    },
    /// There is no such document, or it has ended.
    DocumentUnknown,
    /// The document has no such key.
    KeyUnknown,
    /// The answer has a character that XML cannot carry.
    NotXml {
        /// The character.
        character: char,
        /// Where it can be read in JSON, if it is user data.
        data: Option<Address>,
    },
    /// The domain said no.
    Refused(Refusal),
    /// The store does not answer.
    Unavailable,
    /// The server refused the request before the dialect saw the body.
    Http(HttpRefusal),
}

/// What is wrong with the declared type of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MediaTypeProblem {
    /// Another type than form, multipart and JSON.
    Unsupported,
    /// Text in a charset that is not read.
    Charset(UnreadCharset),
    /// A multipart body whose header names no boundary.
    NoBoundary,
}

/// A line of the table.
struct Row {
    status: StatusCode,
    exception: &'static str,
    outcome: Outcome,
    message: Cow<'static, str>,
}

/// An error as it is sent, still without a format.
#[derive(Debug)]
pub(super) struct Fault {
    /// The status.
    pub(super) status: StatusCode,
    /// Member `exception`.
    pub(super) exception: &'static str,
    /// Member `message`.
    pub(super) message: Cow<'static, str>,
    /// The label in metrics.
    pub(super) outcome: Outcome,
    /// A header that belongs to the status.
    pub(super) hint: Option<Hint>,
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let Row { status, exception, outcome, message } = error.row();
        Self { status, exception, message, outcome, hint: error.hint() }
    }
}

impl From<WrongIdempotencyKey> for Error {
    fn from(wrong: WrongIdempotencyKey) -> Self {
        Self::IdempotencyKey(wrong)
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        refusal_of(error).map_or(Self::Unavailable, Self::Refused)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(noted(refusal))
    }
}

impl Error {
    /// A parameter that cannot be used; `problem` follows its name, as in "must be true or false".
    pub(super) fn parameter(name: &str, problem: impl Into<Cow<'static, str>>) -> Self {
        Self::Parameter { parameter: quote(name), problem: problem.into() }
    }

    /// The table.
    fn row(&self) -> Row {
        match self {
            Self::PathUnknown => not_found(
                "there is nothing at this address; services are at /genesys/1/service/{name}, \
                 their instances at /genesys/1/service/{id}, stored data at /genesys/1/storage/{id}",
            ),
            Self::PathMalformed => {
                bad_request("the address must be percent-encoded UTF-8 without the character U+0000")
            }
            Self::Method(methods) => Row {
                status: StatusCode::METHOD_NOT_ALLOWED,
                exception: "javax.ws.rs.NotAllowedException",
                outcome: "method_not_allowed",
                message: format!("this address takes the methods {}", methods.allow()).into(),
            },
            Self::Denied(access::Refusal::Unauthorized { .. }) => Row {
                status: StatusCode::UNAUTHORIZED,
                exception: "javax.ws.rs.NotAuthorizedException",
                outcome: "unauthorized",
                message: "the credentials are missing or not valid".into(),
            },
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) => too_many_requests(
                "too_many_attempts",
                format!("too many failed attempts; try again in {} s", retry_after.get()),
            ),
            Self::ServiceUnknown(name) => not_found(format!("there is no service '{}'", quote(name))),
            Self::MediaType(problem) => Row {
                status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
                exception: "javax.ws.rs.NotSupportedException",
                outcome: "unsupported_media_type",
                message: problem.message(),
            },
            Self::Malformed { part, problem } => bad_request(format!("the {part} {problem}")),
            Self::Missing { parameter, purpose } => {
                illegal_argument(format!("parameter {parameter} is missing: {purpose}"))
            }
            Self::Parameter { parameter, problem } => illegal_argument(format!("parameter {parameter} {problem}")),
            Self::PrefixFillsCode => {
                Row { exception: "java.lang.IllegalArgumentException", ..internal("n must be positive") }
            }
            Self::PrefixIsNoNumber(prefix) => Row {
                exception: "java.lang.NumberFormatException",
                message: format!("For input string: \"{prefix}\"").into(),
                ..internal("")
            },
            Self::TooManyGuesses { retry_after } => too_many_requests(
                "too_many_guesses",
                format!(
                    "too many wrong access codes of this caller at this number; try again in {} s",
                    retry_after.get()
                ),
            ),
            Self::InstanceUnknown(id) => no_such_service(id),
            Self::IdempotencyKey(wrong) => bad_request(format!("the header {} {wrong}", idempotency::NAME)),
            Self::GmsUser => bad_request(
                "data under an id of your own belong to a user: the header gms_user must name one, once, in 1 to 255 \
                 characters",
            ),
            Self::CustomId { most } => bad_request(format!(
                "an id of your own must have 1 to {most} characters, none of them a control character"
            )),
            Self::DocumentUnknown => not_found("there are no data under this id, or their time is over"),
            Self::KeyUnknown => not_found("the data have no such key"),
            Self::NotXml { character, data } => not_xml(*character, data.as_ref()),
            Self::Refused(refusal) => refused(refusal),
            Self::Unavailable => {
                unavailable("unavailable", "the gateway cannot reach its data; nothing was acknowledged")
            }
            Self::Http(refusal) => http(refusal),
        }
    }

    /// The header that a status asks for.
    fn hint(&self) -> Option<Hint> {
        match self {
            Self::Method(methods) => Some((ALLOW, HeaderValue::from_static(methods.allow()))),
            Self::Denied(access::Refusal::Unauthorized { realm }) => {
                let challenge = HeaderValue::try_from(format!("Basic realm=\"{realm}\""));
                Some((WWW_AUTHENTICATE, challenge.expect("the settings let only printable ASCII into a realm")))
            }
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) | Self::TooManyGuesses { retry_after } => {
                Some(failure::after(*retry_after))
            }
            Self::Http(refusal) => refusal.hint(),
            Self::Refused(refusal) => failure::retry(refusal),
            _ => None,
        }
    }
}

impl MediaTypeProblem {
    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Unsupported => {
                "the body must be application/x-www-form-urlencoded, multipart/form-data or application/json".into()
            }
            Self::Charset(unread) => format!("the text of the body cannot be read: {unread}").into(),
            Self::NoBoundary => "the Content-Type of a multipart body must name its boundary".into(),
        }
    }
}

fn bad_request(message: impl Into<Cow<'static, str>>) -> Row {
    Row {
        status: StatusCode::BAD_REQUEST,
        exception: "javax.ws.rs.BadRequestException",
        outcome: "bad_request",
        message: message.into(),
    }
}

fn illegal_argument(message: impl Into<Cow<'static, str>>) -> Row {
    Row { exception: "java.lang.IllegalArgumentException", ..bad_request(message) }
}

fn not_found(message: impl Into<Cow<'static, str>>) -> Row {
    Row {
        status: StatusCode::NOT_FOUND,
        exception: "javax.ws.rs.NotFoundException",
        outcome: "not_found",
        message: message.into(),
    }
}

fn no_such_service(id: &str) -> Row {
    not_found(format!("there is no active service '{}'", quote(id)))
}

fn too_many_requests(outcome: Outcome, message: String) -> Row {
    Row {
        status: StatusCode::TOO_MANY_REQUESTS,
        exception: "javax.ws.rs.ClientErrorException",
        outcome,
        message: message.into(),
    }
}

fn too_large(message: String) -> Row {
    Row {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        exception: "javax.ws.rs.ClientErrorException",
        outcome: "too_large",
        message: message.into(),
    }
}

fn unavailable(outcome: Outcome, message: impl Into<Cow<'static, str>>) -> Row {
    Row {
        status: StatusCode::SERVICE_UNAVAILABLE,
        exception: "javax.ws.rs.ServiceUnavailableException",
        outcome,
        message: message.into(),
    }
}

fn internal(message: &'static str) -> Row {
    Row {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        exception: "javax.ws.rs.InternalServerErrorException",
        outcome: "error",
        message: message.into(),
    }
}

fn not_xml(character: char, data: Option<&Address>) -> Row {
    let mut message = format!(
        "the answer has the character U+{:04X}, which XML cannot carry; ask for JSON with Accept: application/json",
        u32::from(character)
    );
    if let Some(address) = data {
        message.push_str(&format!("; the data are at {address}"));
    }
    Row {
        status: StatusCode::NOT_ACCEPTABLE,
        exception: "javax.ws.rs.NotAcceptableException",
        outcome: "not_acceptable",
        message: message.into(),
    }
}

/// The table's part for what a tenant has as much of as it may have.
fn quota_full(quota: Quota, limit: u64) -> Row {
    let message = format!("there are {limit} {quota} already, and no more are allowed; nothing was kept");
    match quota {
        Quota::Documents | Quota::Interactions => Row { outcome: quota.full(), message: message.into(), ..no_room() },
        Quota::Bookings | Quota::Keys => unavailable(quota.full(), message),
    }
}

fn no_room() -> Row {
    Row {
        status: StatusCode::INSUFFICIENT_STORAGE,
        exception: "javax.ws.rs.ServerErrorException",
        outcome: "documents_full",
        message: "there is no room for more data; nothing was kept".into(),
    }
}

/// The table's part for what the domain refuses.
fn refused(refusal: &Refusal) -> Row {
    match refusal {
        refusal if let Some(key) = KeyRefusal::of(refusal) => {
            Row { status: key.status, ..too_many_requests(key.label, format!("the {key}")) }
        }
        Refusal::InteractionUnknown(id) => {
            not_found(format!("parameter _id: there is no active service '{}'", quote(id.as_str())))
        }
        Refusal::GroupUnknown(group) => {
            illegal_argument(format!("parameter _resource_group: there is no group '{}'", quote(group.as_str())))
        }
        Refusal::Exhausted { group, .. } => {
            let group = group.as_ref().map_or("", |group| group.as_str());
            unavailable("exhausted", format!("no access number is free in group '{}'", quote(group)))
        }
        Refusal::NoMatch(miss) => {
            let outcome = if *miss == Miss::WrongCode { "wrong_code" } else { "no_match" };
            Row { outcome, ..not_found("no service matches the call") }
        }
        Refusal::DocumentUnknown(_) => Error::DocumentUnknown.row(),
        Refusal::DocumentsFull { .. } => no_room(),
        Refusal::QuotaFull { quota, limit } => quota_full(*quota, *limit),
        Refusal::CodesUsedUp { length } => unavailable(
            "codes_used_up",
            format!("every access code of length {length} is in use on the numbers of the group"),
        ),
        Refusal::TooManyEntries { limit } => {
            too_large(format!("the data must have at most {limit} keys; nothing was kept"))
        }
        Refusal::ValueTooLarge { limit } => {
            too_large(format!("each value must have at most {limit} bytes; nothing was kept"))
        }
        Refusal::EntryUnknown(_) => Error::KeyUnknown.row(),
        // Nothing that this dialect asks of the store is refused in these ways; those of keys are told above.
        Refusal::KeyReused(_)
        | Refusal::KeyExpired(_)
        | Refusal::NumberExists(_)
        | Refusal::NumberUnknown(_)
        | Refusal::NumberAllocated(_)
        | Refusal::AllocationUnknown(_)
        | Refusal::InteractionExists(_)
        | Refusal::LastsTooLong { .. }
        | Refusal::Route(_)
        | Refusal::NotEmpty => internal("the gateway could not do what was asked"),
    }
}

/// The table's part for what the server refuses.
fn http(refusal: &HttpRefusal) -> Row {
    match refusal {
        HttpRefusal::HeadTooLarge { .. } | HttpRefusal::BodyTooLarge { .. } => {
            Row { status: refusal.status(), ..too_large(refusal.clause()) }
        }
        HttpRefusal::ContentCoding => {
            Row { message: refusal.clause().into(), ..Error::MediaType(MediaTypeProblem::Unsupported).row() }
        }
        HttpRefusal::BodyUnreadable => bad_request("the body could not be read to its end"),
        HttpRefusal::ForeignPage => Row {
            status: refusal.status(),
            exception: "javax.ws.rs.ForbiddenException",
            outcome: refusal.label(),
            message: format!("{}; the operator allows pages by server.cors_origins", refusal.clause()).into(),
        },
        HttpRefusal::Crowded => unavailable(refusal.label(), refusal.clause()),
        HttpRefusal::Panicked => internal("the gateway failed while it answered; the cause is in its log"),
    }
}

/// A caller's own words, shortened to what a message can bear.
fn quote(words: &str) -> String {
    let shown = shorten(words, MAX_QUOTED_CHARS);
    if shown.len() < words.len() { shown + "..." } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::GroupName;

    #[test]
    fn long_words_of_a_caller_are_shortened_at_a_character() {
        assert_eq!(quote(&"ä".repeat(65)), format!("{}...", "ä".repeat(64)));
        assert_eq!(quote(&"ä".repeat(64)), "ä".repeat(64));
    }

    #[test]
    fn an_exhausted_group_says_when_its_next_number_comes_back_and_at_least_a_second() {
        let wait = |next_release: Option<u64>| {
            let group = Some(GroupName::new("DNIS").unwrap());
            let refusal = Refusal::Exhausted { group, next_release: next_release.map(Seconds::new), pools: Vec::new() };
            Error::Refused(refusal).hint().unwrap().1
        };
        assert_eq!(wait(Some(17)), "17");
        assert_eq!(wait(Some(0)), "1");
        assert_eq!(wait(None), "30");
    }

    #[test]
    fn a_store_that_is_away_is_a_503_that_keeps_the_engines_words_to_itself() {
        let error = Error::from(store::Error::Unavailable("disk sda1 is full".into()));
        let fault = Fault::from(&error);
        assert_eq!((fault.status, fault.outcome), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
        assert!(!fault.message.contains("sda1"));
    }
}
