//! The one table of what can go wrong and how the vendor says it: status and text over REST, result or fault over SOAP.
//!
//! The texts are the vendor's where it documents one, and the gateway's own elsewhere. A business failure reads the same
//! over both transports; over SOAP it is an ordinary result, as the vendor has it, and no fault.

use std::borrow::Cow;
use std::fmt::Display;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};

use super::parameters::Invalid;
use crate::access;
use crate::dialect::failure::{self, Hint, HttpRefusal, KeyRefusal, refusal_of};
use crate::dialect::idempotency::{self, WrongIdempotencyKey};
use crate::dialect::{Answer, Outcome};
use crate::domain::Refusal;
use crate::media::UnreadCharset;
use crate::soap::fault::{Detail, Fault, VendorCode};
use crate::soap::media;
use crate::store;

/// The media type of everything the vendor prints without braces around it.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";
/// The media type of JSON answers.
pub(super) const JSON: &str = "application/json";

/// The vendor's code for missing and wrong credentials alike.
pub(super) const UNAUTHORIZED_CODE: &str = "0x7000000";
/// The vendor's message for missing and wrong credentials alike.
pub(super) const UNAUTHORIZED: &str = "Request is unauthorized, missing or wrong credentials";
/// The vendor's body for the same, without the comma that its documents print before the closing brace.
const UNAUTHORIZED_JSON: &str = "{\n\
    \"code\":\"0x7000000\",\n\
    \"message\": \"Request is unauthorized, missing or wrong credentials\",\n\
    \"moreInfoUrl\":\"http://www.jacada.com/support\"\n\
    }";
/// The vendor's header that goes with it.
const UNAUTHENTICATED_REASON: HeaderName = HeaderName::from_static("unauthenticated-reason");

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing has this path.
    NoSuchPath,
    /// The path has other methods: these.
    NoSuchMethod(&'static [Method]),
    /// The server could not hand over the whole request, or the dialect gave up on it.
    Http(HttpRefusal),
    /// The body is stated to be something else than JSON.
    NotJson,
    /// The body is stated to be in a charset that is not read.
    Charset(UnreadCharset),
    /// The body is stated to be something else than an envelope.
    NotSoap,
    /// The caller was not let in.
    Denied(access::Refusal),
    /// The body cannot be read; the text says why.
    Unreadable(Cow<'static, str>),
    /// A parameter is missing or wrong.
    Invalid(Invalid),
    /// What is looked for is no phone number, and so in no pool; this is what was sent.
    NoSuchPhone(String),
    /// The domain said no.
    Refused(Refusal),
    /// The store cannot answer.
    Unavailable,
    /// The answer has a character that XML cannot carry.
    NotWritable,
}

/// Whose turn it is after a failure, which decides its form over SOAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Refused below SOAP: no envelope, over either transport.
    Http,
    /// The vendor's fault for credentials.
    Unauthorized,
    /// The request is wrong: a Client fault.
    Request,
    /// Business as usual: an ordinary result with the text.
    Result,
    /// The gateway failed: a Server fault.
    Gateway,
}

/// One row of the table.
#[derive(Debug)]
pub(super) struct Row {
    /// The status over REST; over SOAP too where the failure has no envelope.
    pub(super) status: StatusCode,
    /// The label for metrics.
    pub(super) outcome: Outcome,
    /// The form over SOAP.
    pub(super) form: Form,
    /// The text over either transport.
    pub(super) text: Cow<'static, str>,
}

impl Failure {
    /// The table.
    pub(super) fn row(&self) -> Row {
        use Form::{Gateway, Http, Request, Unauthorized};
        use StatusCode as S;
        let row = |status, outcome, form, text: Cow<'static, str>| Row { status, outcome, form, text };
        match self {
            Self::NoSuchPath => row(
                S::NOT_FOUND,
                "no_such_path",
                Http,
                "There is nothing at this path; phones are at version/2/dnis, SOAP at version/2/agent/soap and \
                 version/2/dnis/soap"
                    .into(),
            ),
            Self::NoSuchMethod(methods) => row(
                S::METHOD_NOT_ALLOWED,
                "no_such_method",
                Http,
                format!("This path allows {}", failure::listed(methods)).into(),
            ),
            Self::Http(refusal) => {
                let form = if *refusal == HttpRefusal::Panicked { Gateway } else { Http };
                row(refusal.status(), refusal.label(), form, refusal.sentence().into())
            }
            Self::NotJson => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                Http,
                "The body must be JSON: Content-Type application/json, or none".into(),
            ),
            Self::Charset(unread) => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                Http,
                format!("The body must be JSON: Content-Type application/json, or none; {unread}").into(),
            ),
            Self::NotSoap => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                Http,
                "A SOAP request needs Content-Type text/xml, application/soap+xml or application/xml, or multipart/related \
                 with such an envelope as its root part"
                    .into(),
            ),
            Self::Denied(access::Refusal::Unauthorized { .. }) => {
                row(S::UNAUTHORIZED, "unauthorized", Unauthorized, UNAUTHORIZED.into())
            }
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) => row(
                S::TOO_MANY_REQUESTS,
                "too_many_attempts",
                Http,
                format!("Too many attempts; try again in {} s", retry_after.get()).into(),
            ),
            Self::Unreadable(text) => row(S::BAD_REQUEST, "invalid", Request, text.clone()),
            Self::Invalid(invalid) => row(S::BAD_REQUEST, "invalid", Request, invalid.to_string().into()),
            Self::NoSuchPhone(sent) => number_unknown(sent),
            Self::Refused(refusal) => refusal_row(refusal),
            Self::Unavailable => row(
                S::INTERNAL_SERVER_ERROR,
                "unavailable",
                Gateway,
                "The store is not available and has acknowledged nothing; try again later".into(),
            ),
            Self::NotWritable => row(
                S::INTERNAL_SERVER_ERROR,
                "failed",
                Gateway,
                "The answer has a character that XML cannot carry; ask over REST".into(),
            ),
        }
    }

    /// The answer over REST, and over SOAP where the failure has no envelope.
    pub(super) fn answer(&self) -> Answer {
        let row = self.row();
        if row.form == Form::Unauthorized {
            return unauthenticated(Answer::new(row.status, row.outcome, JSON, UNAUTHORIZED_JSON));
        }
        // What the vendor documents, here or at its other APIs, is what clients compare; everything else is for people.
        let documented = row.form == Form::Result || matches!(self, Self::Invalid(_));
        let end = if documented { "" } else { "\n" };
        Answer::new(row.status, row.outcome, TEXT, format!("{}{end}", row.text)).hinting(self.hint())
    }

    /// The header that says what would be right, or when.
    pub(super) fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoSuchMethod(methods) => Some(failure::allow(methods)),
            Self::NotSoap => Some(failure::accept(media::ACCEPTED)),
            Self::NotJson | Self::Charset(_) => Some(failure::accept(JSON)),
            Self::Http(refusal) => refusal.hint(),
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) => Some(failure::after(*retry_after)),
            Self::Refused(refusal) => failure::retry(refusal),
            _ => None,
        }
    }

    /// The fault over SOAP; `None` where a failure is no fault.
    pub(super) fn fault(&self) -> Option<Fault> {
        let row = self.row();
        match row.form {
            Form::Http | Form::Result => None,
            Form::Unauthorized => {
                let code = VendorCode { code: UNAUTHORIZED_CODE, label: row.outcome };
                Some(Fault::vendor(code, row.text))
            }
            Form::Gateway => {
                let detail = Detail { reason: row.outcome.into(), ..Detail::default() };
                Some(Fault::server(row.text).with_detail(detail))
            }
            Form::Request => {
                let fault = Fault::client(row.text);
                Some(match self {
                    Self::Invalid(invalid) => fault.with_detail(Detail {
                        reason: invalid.problem.label().into(),
                        field: Some(invalid.field.clone()),
                        expected: invalid.expected.map(|kind| kind.to_string().into()),
                        found: invalid.found.clone(),
                    }),
                    _ => fault.with_detail(Detail { reason: row.outcome.into(), ..Detail::default() }),
                })
            }
        }
    }
}

/// The same answer with the vendor's header for wrong credentials.
pub(super) fn unauthenticated(answer: Answer) -> Answer {
    answer.with(UNAUTHENTICATED_REASON, HeaderValue::from_static(UNAUTHORIZED))
}

/// A phone that is in no pool.
fn number_unknown(phone: impl Display) -> Row {
    let text = format!("Phone number {phone} was not found").into();
    Row { status: StatusCode::NOT_FOUND, outcome: "not_found", form: Form::Result, text }
}

/// What the domain refuses.
fn refusal_row(refusal: &Refusal) -> Row {
    let row = |status, outcome, form, text: String| Row { status, outcome, form, text: text.into() };
    match refusal {
        Refusal::NumberUnknown(number) => number_unknown(number),
        Refusal::NumberExists(number) => row(
            StatusCode::CONFLICT,
            "exists",
            Form::Result,
            format!("Cannot create Phone '{number}'. A phone with that name already exists"),
        ),
        Refusal::NumberAllocated(number) => row(
            StatusCode::CONFLICT,
            "allocated",
            Form::Result,
            format!("Cannot delete Phone '{number}'. The phone is allocated; free it first"),
        ),
        Refusal::GroupUnknown(_) | Refusal::Exhausted { .. } => row(
            StatusCode::FORBIDDEN,
            "exhausted",
            Form::Result,
            "Currently there are no available phone numbers".to_owned(),
        ),
        Refusal::InteractionUnknown(id) => {
            row(StatusCode::NOT_FOUND, "not_found", Form::Result, format!("Audit message {id} was not found"))
        }
        refusal if let Some(key) = KeyRefusal::of(refusal) => {
            row(key.status, key.label, Form::Request, format!("The {key}"))
        }
        Refusal::QuotaFull { quota, limit } => row(
            StatusCode::INSUFFICIENT_STORAGE,
            quota.full(),
            Form::Result,
            format!("There are {limit} {quota} already, and no more are allowed"),
        ),
        // Refusals of what this dialect never asks for: user data, calls to be matched, called routes, seeds; those of
        // keys are told above.
        Refusal::KeyReused(_)
        | Refusal::KeyExpired(_)
        | Refusal::InteractionExists(_)
        | Refusal::LastsTooLong { .. }
        | Refusal::AllocationUnknown(_)
        | Refusal::NoMatch(_)
        | Refusal::CodesUsedUp { .. }
        | Refusal::EntryUnknown(_)
        | Refusal::TooManyEntries { .. }
        | Refusal::ValueTooLarge { .. }
        | Refusal::DocumentUnknown(_)
        | Refusal::DocumentsFull { .. }
        | Refusal::Route(_)
        | Refusal::NotEmpty => row(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            Form::Gateway,
            format!("The request could not be carried out: {refusal}"),
        ),
    }
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<WrongIdempotencyKey> for Failure {
    fn from(wrong: WrongIdempotencyKey) -> Self {
        Self::Invalid(Invalid::because(idempotency::NAME, wrong.to_string()))
    }
}

impl From<access::Denied> for Failure {
    fn from(denied: access::Denied) -> Self {
        Self::Denied(denied.refusal)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        refusal_of(error).map_or(Self::Unavailable, Self::Refused)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::RETRY_AFTER;

    use super::*;
    use crate::domain::{GroupName, InteractionId, Number, Seconds};

    fn text(failure: &Failure) -> (u16, String) {
        let answer = failure.answer();
        (answer.status.as_u16(), String::from_utf8(answer.body.to_vec()).unwrap())
    }

    fn refused(refusal: Refusal) -> (u16, String) {
        text(&Failure::Refused(refusal))
    }

    #[test]
    fn the_vendors_business_texts_are_exact() {
        let number = Number::new("2111234567").unwrap();
        let id = InteractionId::new("Unique Id 3").unwrap();
        let none_free = (403, "Currently there are no available phone numbers".to_owned());
        assert_eq!(refused(Refusal::NumberUnknown(number)), (404, "Phone number 2111234567 was not found".to_owned()));
        assert_eq!(
            refused(Refusal::NumberExists(number)),
            (409, "Cannot create Phone '2111234567'. A phone with that name already exists".to_owned())
        );
        assert_eq!(refused(Refusal::Exhausted { group: None, next_release: None, pools: Vec::new() }), none_free);
        assert_eq!(refused(Refusal::GroupUnknown(GroupName::new("x").unwrap())), none_free);
        assert_eq!(
            refused(Refusal::InteractionUnknown(id)),
            (404, "Audit message Unique Id 3 was not found".to_owned())
        );
    }

    #[test]
    fn wrong_credentials_are_told_as_documented_but_in_valid_json() {
        let answer = Failure::Denied(access::Refusal::Unauthorized { realm: "r".into() }).answer();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(
            std::str::from_utf8(&answer.body).unwrap(),
            "{\n\"code\":\"0x7000000\",\n\"message\": \"Request is unauthorized, missing or wrong credentials\",\n\
             \"moreInfoUrl\":\"http://www.jacada.com/support\"\n}"
        );
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(json["code"], UNAUTHORIZED_CODE);
        assert_eq!(json["message"], UNAUTHORIZED);
        let header = answer.headers.iter().find(|(name, _)| name == "Unauthenticated-Reason").unwrap();
        assert_eq!(header.1, UNAUTHORIZED);
    }

    #[test]
    fn a_blocked_source_is_told_when_to_try_again() {
        let answer = Failure::Denied(access::Refusal::TooManyAttempts { retry_after: Seconds::new(60) }).answer();
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers.iter().find(|(name, _)| name == RETRY_AFTER).unwrap().1, "60");
    }

    #[test]
    fn an_empty_group_tells_when_to_try_again_and_an_unknown_one_does_not() {
        let wait = |refusal| {
            let answer = Failure::Refused(refusal).answer();
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            answer.headers.into_iter().find(|(name, _)| name == RETRY_AFTER).map(|(_, value)| value)
        };
        let exhausted = |next_release| Refusal::Exhausted { group: None, next_release, pools: Vec::new() };
        assert_eq!(wait(exhausted(Some(Seconds::new(17)))).unwrap(), "17");
        assert_eq!(wait(exhausted(Some(Seconds::new(0)))).unwrap(), "1");
        assert_eq!(wait(exhausted(None)).unwrap(), "30");
        assert_eq!(wait(Refusal::GroupUnknown(GroupName::new("nowhere").unwrap())), None);
    }

    #[test]
    fn an_unavailable_store_shows_nothing_of_its_inside() {
        let failure = Failure::from(store::Error::Unavailable("EIO on /var/lib/x".into()));
        let (status, text) = text(&failure);
        assert_eq!(status, 500);
        assert!(text.contains("not available") && !text.contains("EIO"), "{text}");
        assert!(failure.fault().is_some());
    }

    #[test]
    fn a_request_that_is_wrong_is_a_fault_and_a_business_failure_is_none() {
        let invalid = Failure::Invalid(Invalid::repeated("phone"));
        let fault = invalid.fault().unwrap();
        assert_eq!(fault.detail().unwrap().reason, "repeated_parameter");
        assert_eq!(fault.detail().unwrap().field.as_deref(), Some("phone"));
        assert_eq!(Failure::Refused(Refusal::NumberUnknown(Number::new("1").unwrap())).fault(), None);
    }
}
