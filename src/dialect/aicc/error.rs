//! The one table of what can go wrong and how it is said: status, return code, text.
//!
//! The vendor documents the statuses, and that everything but `"0"` is a failure; it documents no body of a failure and
//! no other return code. Codes are those of its CTI configuration where one fits, and the status elsewhere.

use std::borrow::Cow;

use actix_web::http::{Method, StatusCode};
use serde::Serialize;

use super::endpoint::Endpoint;
use super::fields::Objection;
use crate::access::AiccDenied;
use crate::dialect::failure::{self, Hint, HttpRefusal, KeyRefusal, refusal_of};
use crate::dialect::idempotency::{self, WrongIdempotencyKey};
use crate::dialect::json::Unread;
use crate::dialect::{Answer, Outcome};
use crate::domain::{Refusal, RouteRefusal};
use crate::store;

/// The media type of all answers.
pub(super) const JSON: &str = "application/json";

/// Return codes of the vendor's CTI configuration.
mod code {
    pub(super) const INTERFACE: &str = "120000";
    pub(super) const TOO_MANY_IN_ONE: &str = "120001";
    pub(super) const EXISTS: &str = "120002";
    pub(super) const DOES_NOT_EXIST: &str = "120003";
    pub(super) const MAXIMUM_REACHED: &str = "120004";
    pub(super) const INVALID: &str = "120005";
    pub(super) const QUEUE_OF_ROUTE: &str = "120965";
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing has this path.
    NoSuchPath,
    /// The operation has another method.
    NoSuchMethod(Endpoint),
    /// The server could not hand over the whole request, or the dialect gave up on it.
    Http(HttpRefusal),
    /// The body was not read.
    Unread(Unread),
    /// The caller was not let in.
    Denied(AiccDenied),
    /// A field is missing or wrong.
    Invalid(Objection),
    /// A list in a field names more than one call may.
    TooMany(Objection),
    /// The header that keeps a request from being carried out twice cannot be used.
    IdempotencyKey(WrongIdempotencyKey),
    /// The domain said no.
    Refused(Refusal),
    /// The store cannot answer.
    Unavailable,
}

/// One row of the table.
struct Row {
    status: StatusCode,
    /// The label for metrics.
    outcome: Outcome,
    code: Cow<'static, str>,
    text: Cow<'static, str>,
}

/// The body of a failure, and of a success that says nothing more.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    return_code: &'a str,
    description: &'a str,
    /// What the list of IVR flows calls the return code.
    #[serde(skip_serializing_if = "Option::is_none")]
    ret_code: Option<&'a str>,
    /// What it calls the description.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Failure {
    /// The answer; `endpoint` is the operation that failed, where it is known.
    pub(super) fn answer(&self, endpoint: Option<Endpoint>) -> Answer {
        let row = self.row(endpoint);
        // The list of IVR flows has another envelope. Its failures have both, so that no client misses them.
        let flows = endpoint == Some(Endpoint::QueryIvrFlowList);
        let body = Body {
            return_code: &row.code,
            description: &row.text,
            ret_code: flows.then_some(&row.code),
            message: flows.then_some(&row.text),
        };
        json(row.status, row.outcome, &body).hinting(self.hint())
    }

    /// The header that goes with it.
    fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoSuchMethod(_) => Some(failure::allow(&[Method::POST])),
            Self::Unread(Unread::NotJson | Unread::Charset(_)) => Some(failure::accept(JSON)),
            Self::Http(refusal) => refusal.hint(),
            Self::Denied(AiccDenied::TooManyAttempts { retry_after }) => Some(failure::after(*retry_after)),
            Self::Refused(refusal) => failure::retry(refusal),
            _ => None,
        }
    }

    /// The table.
    fn row(&self, endpoint: Option<Endpoint>) -> Row {
        use StatusCode as S;
        match self {
            Self::NoSuchPath => http(
                S::NOT_FOUND,
                "no_such_path",
                "there is nothing at this path; tokens are at /apigovernance/api/oauth/tokenByAkSk, everything else is \
                 under /apiaccess/rest/cc-management/v1/, and upper and lower case count",
            ),
            Self::NoSuchMethod(_) => http(S::METHOD_NOT_ALLOWED, "no_such_method", "this path allows POST alone"),
            Self::Http(HttpRefusal::Panicked) => business("failed", code::INTERFACE, HttpRefusal::Panicked.clause()),
            Self::Http(refusal) => http(refusal.status(), refusal.label(), refusal.clause()),
            Self::Unread(Unread::NotJson) => http(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "the body must be JSON: Content-Type application/json, or none",
            ),
            Self::Unread(Unread::Charset(unread)) => http(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                format!("the body must be JSON: Content-Type application/json, or none; {unread}"),
            ),
            Self::Unread(Unread::Empty) => {
                row(S::BAD_REQUEST, "invalid", code::INTERFACE, "the body is empty; a JSON object is required")
            }
            Self::Unread(Unread::Malformed(error)) => {
                row(S::BAD_REQUEST, "invalid", code::INTERFACE, format!("the body is not as required: {error}"))
            }
            Self::Denied(AiccDenied::Forbidden) => http(S::FORBIDDEN, "unauthorized", "authentication fails"),
            Self::Denied(AiccDenied::Suspended) => {
                http(S::UNAUTHORIZED, "suspended", "unauthorized operation: the account of the tenant is suspended")
            }
            Self::Denied(AiccDenied::TooManyAttempts { retry_after }) => http(
                S::TOO_MANY_REQUESTS,
                "too_many_attempts",
                format!("too many attempts; try again in {} s", retry_after.get()),
            ),
            Self::Invalid(objection) => row(S::BAD_REQUEST, "invalid", code::INVALID, objection.to_string()),
            Self::TooMany(objection) => row(S::BAD_REQUEST, "invalid", code::TOO_MANY_IN_ONE, objection.to_string()),
            Self::IdempotencyKey(wrong) => {
                row(S::BAD_REQUEST, "invalid", code::INVALID, format!("the header {} {wrong}", idempotency::NAME))
            }
            Self::Refused(refusal) if let Some(key) = KeyRefusal::of(refusal) => {
                http(key.status, key.label, format!("the {key}"))
            }
            Self::Refused(Refusal::Route(refusal)) => of_route(refusal, endpoint),
            Self::Refused(refusal) => business("failed", code::INTERFACE, format!("not carried out: {refusal}")),
            Self::Unavailable => business(
                "unavailable",
                code::INTERFACE,
                "the store is not available and has acknowledged nothing; try again later",
            ),
        }
    }
}

fn row(
    status: StatusCode,
    outcome: Outcome,
    code: impl Into<Cow<'static, str>>,
    text: impl Into<Cow<'static, str>>,
) -> Row {
    Row { status, outcome, code: code.into(), text: text.into() }
}

/// What no code of the vendor's fits.
fn http(status: StatusCode, outcome: Outcome, text: impl Into<Cow<'static, str>>) -> Row {
    row(status, outcome, status.as_str().to_owned(), text)
}

/// What the vendor calls a business failure.
fn business(outcome: Outcome, code: &'static str, text: impl Into<Cow<'static, str>>) -> Row {
    row(StatusCode::INTERNAL_SERVER_ERROR, outcome, code, text)
}

/// The table's part for what the domain says of routes and queues. The texts name the field that is to blame.
fn of_route(refusal: &RouteRefusal, endpoint: Option<Endpoint>) -> Row {
    use RouteRefusal as R;
    let skill = match endpoint {
        Some(Endpoint::DeleteSkill) => "skillIds",
        Some(Endpoint::ModifySkill) => "skillId",
        _ => "deviceId",
    };
    match refusal {
        R::HotlineUnknown(code) => {
            business("not_found", code::DOES_NOT_EXIST, format!("accessCode: the tenant has no access code {code}"))
        }
        R::SkillUnknown(id) => {
            business("not_found", code::DOES_NOT_EXIST, format!("{skill}: there is no skill queue {}", id.0))
        }
        R::FlowUnknown(id) => {
            business("not_found", code::DOES_NOT_EXIST, format!("deviceId: there is no IVR flow {}", id.0))
        }
        R::RouteUnknown(id) => {
            business("not_found", code::DOES_NOT_EXIST, format!("id: there is no called route {id}"))
        }
        R::FlowForMultimedia => business(
            "mismatch",
            code::INVALID,
            "devicetype: an IVR flow (3) cannot be selected for the multimedia channel (53); select a skill queue (1)",
        ),
        R::QueueMedia { queue, route } => business(
            "mismatch",
            code::INVALID,
            format!(
                "mediaTypeId: the skill queue of deviceId has media type {queue}, so it must be {queue}, not {route}"
            ),
        ),
        R::HotlineMedia { hotline, route } => {
            let carried: Vec<String> = hotline.carried().iter().map(ToString::to_string).collect();
            business(
                "mismatch",
                code::INVALID,
                format!(
                    "mediaTypeId: an access code of media type {hotline} takes {}, not {route}",
                    carried.join(" and ")
                ),
            )
        }
        R::RouteExists(other) => {
            let extension = match &other.extension {
                Some(extension) => format!("with extCode {extension}"),
                None => "without extCode".to_owned(),
            };
            business(
                "exists",
                code::EXISTS,
                format!(
                    "accessCode and extCode: the dialled number {} has a destination already, by accessCode {} {extension}",
                    other.dialled(),
                    other.hotline,
                ),
            )
        }
        R::RoutesFull { limit } => business(
            "full",
            code::MAXIMUM_REACHED,
            format!("there are {limit} called routes already, no more are allowed"),
        ),
        R::SkillExists(id) => {
            business("exists", code::EXISTS, format!("name: skill queue {} has this name already", id.0))
        }
        R::SkillConfigured(id) => business(
            "read_only",
            code::INVALID,
            format!("{skill}: skill queue {} is configured by the operator and cannot be changed or deleted", id.0),
        ),
        R::SkillInUse(id, route) => business(
            "in_use",
            code::QUEUE_OF_ROUTE,
            format!(
                "{skill}: skill queue {} is referenced by the called route of {} (dnid {})",
                id.0,
                route.dialled(),
                route.dnid
            ),
        ),
        R::SkillsFull { limit } => business(
            "full",
            code::MAXIMUM_REACHED,
            format!("there are {limit} skill queues already, no more are allowed"),
        ),
        R::SkillTooLarge => {
            row(StatusCode::BAD_REQUEST, "invalid", code::INVALID, "skillParam: must have at most 2048 bytes as JSON")
        }
    }
}

/// An answer with a JSON body.
pub(super) fn json(status: StatusCode, outcome: Outcome, body: &impl Serialize) -> Answer {
    let body = serde_json::to_vec(body).expect("texts, numbers, lists and objects of them are always JSON");
    Answer::new(status, outcome, JSON, body)
}

/// The envelope of a success that has nothing more to say than the vendor's text for it.
pub(super) fn success(text: &str) -> Answer {
    let body = Body { return_code: "0", description: text, ret_code: None, message: None };
    json(StatusCode::OK, "ok", &body)
}

/// The return code of an answer that some of what it was asked for does not exist.
pub(super) const SOME_DO_NOT_EXIST: &str = code::DOES_NOT_EXIST;

impl From<Objection> for Failure {
    fn from(objection: Objection) -> Self {
        Self::Invalid(objection)
    }
}

impl From<WrongIdempotencyKey> for Failure {
    fn from(wrong: WrongIdempotencyKey) -> Self {
        Self::IdempotencyKey(wrong)
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<AiccDenied> for Failure {
    fn from(denied: AiccDenied) -> Self {
        Self::Denied(denied)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        refusal_of(error).map_or(Self::Unavailable, Self::Refused)
    }
}
