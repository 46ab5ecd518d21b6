//! The one table of what can go wrong and how the API says it: as a problem of RFC 9457, with a detail that says what it
//! means in this very case.

use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::access;
use crate::config::Role;
use crate::dialect::Answer;
use crate::dialect::failure::{self, Hint, HttpRefusal, noted, refusal_of};
use crate::dialect::json::Unread;
use crate::dialect::native::framework::body::JSON;
use crate::dialect::native::framework::objection::{Objection, Objections, Within};
use crate::dialect::native::framework::problem::Problem;
use crate::dialect::native::resources::bulk::report::BadFile;
use crate::dialect::native::resources::exhaustion::ExhaustedGroup;
use crate::domain::refusal::RouteRefusal;
use crate::domain::state::PoolHealth;
use crate::domain::{Quota, Refusal, Seconds};
use crate::media::UnreadCharset;
use crate::store;

/// The media type of problems.
pub(in crate::dialect::native) const PROBLEM_JSON: &str = "application/problem+json";
/// How long a caller may wait for another file to be imported.
const IMPORT_WAIT: Seconds = Seconds::new(5);
/// The challenge of a 401; the same for every cause.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"dnis-gateway\", charset=\"UTF-8\"");

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::native) enum Failure {
    /// Nothing has this path.
    NoSuchPath,
    /// The path has other methods: these.
    NoSuchMethod(Vec<Method>),
    /// The server could not hand over the whole request, or the dialect gave up on it.
    Http(HttpRefusal),
    /// The body is stated to be something else than this.
    MediaType(&'static str),
    /// The body is of a type that is wanted, but stated to be in a charset that is not read.
    Charset {
        /// The types that are wanted.
        wanted: &'static str,
        /// The charset.
        unread: UnreadCharset,
    },
    /// The caller was not let in.
    Denied(access::Refusal),
    /// The caller has given too many wrong access codes at this number.
    TooManyGuesses {
        /// When to try again.
        retry_after: Seconds,
    },
    /// The answer has a character that XML cannot carry.
    NotWritable,
    /// The body cannot be read; the text says why.
    Malformed(String),
    /// Parts of the request are missing or wrong.
    Invalid(Vec<Objection>),
    /// Rows of a file cannot be imported.
    BadFile(BadFile),
    /// A file has more rows than this.
    TooManyRows(u64),
    /// The tenant imports as many files as it may at a time.
    ImportRunning {
        /// How many.
        most: usize,
    },
    /// The domain said no.
    Refused(Refusal),
    /// The tenant is not the caller's.
    TenantUnknown,
    /// The caller may not see what is about the gateway itself.
    ForOperator,
    /// The user's role does not allow it; this one would.
    Role(Role),
    /// The store cannot answer.
    Unavailable,
}

/// A problem as it is told (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(in crate::dialect::native) struct ProblemDetails {
    /// The kind of problem, for programs: `urn:dnis-gateway:problem:` and a name that stays.
    r#type: String,
    /// The kind of problem, for people.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong in this case.
    detail: String,
    /// Everything that is wrong with the request, where it is not as described.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<Objection>,
    /// The groups that could have lent, the first few of them, where no number is free.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    groups: Vec<ExhaustedGroup>,
    /// The bad rows of a file, where nothing of it was imported.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(default)]
    bad_rows: Option<BadFile>,
}

impl Failure {
    /// An objection to a member of the body that can only be raised after everything was read.
    pub(in crate::dialect::native) fn of_member(member: &str, objection: &str) -> Self {
        let mut objections = Objections::none();
        objections.within(Within::Body).at(member, |objections| objections.raise(objection));
        Self::Invalid(objections.into_raised())
    }

    /// An objection to a parameter of the query that only the operation itself can raise.
    pub(in crate::dialect::native) fn of_parameter(name: &str, objection: &str) -> Self {
        let mut objections = Objections::none();
        objections.within(Within::Query).at(name, |objections| objections.raise(objection));
        Self::Invalid(objections.into_raised())
    }

    /// The table: which problem it is, and what it says of this case.
    fn row(&self) -> (Problem, String) {
        use Problem as P;
        match self {
            Self::NoSuchPath => {
                (P::NoSuchPath, "There is nothing at this path; /gateway/v1/openapi.json lists all".to_owned())
            }
            Self::NoSuchMethod(methods) => (P::NoSuchMethod, format!("This path allows {}", failure::listed(methods))),
            Self::Http(refusal) => http_row(refusal),
            Self::MediaType(wanted) => (P::MediaType, format!("The body must be {wanted}, stated once or not at all")),
            Self::Charset { unread, .. } => (P::MediaType, format!("The body cannot be read: {unread}")),
            Self::Denied(access::Refusal::Unauthorized { .. }) => (
                P::Unauthorized,
                "Send Tenant-Id, Application-Key, User-Id and User-Password, or Authorization: Basic".to_owned(),
            ),
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) => {
                (P::TooManyAttempts, format!("Too many attempts failed; try again in {} s", retry_after.get()))
            }
            Self::TooManyGuesses { retry_after } => {
                let wait = retry_after.get();
                (P::TooManyGuesses, format!("Too many access codes were wrong; try again in {wait} s"))
            }
            Self::NotWritable => {
                (P::NotXml, "The answer has a character that XML cannot carry; ask over JSON".to_owned())
            }
            Self::Malformed(text) => (P::Malformed, text.clone()),
            Self::Invalid(objections) => (P::Invalid, summary(objections, "the body")),
            Self::BadFile(file) => (P::BadFile, file.summary()),
            Self::TooManyRows(most) => (P::TooLarge, format!("The file has too many rows; at most {most} are allowed")),
            Self::ImportRunning { most } => {
                (P::ImportRunning, format!("The tenant imports {most} at a time; try again soon"))
            }
            Self::Refused(refusal) => refusal_row(refusal),
            Self::TenantUnknown => {
                (P::TenantUnknown, "There is no such tenant, or it is another than yours".to_owned())
            }
            Self::ForOperator => (
                P::ForOperator,
                "It is about the gateway itself: for admin.users, and for an admin of its only tenant".to_owned(),
            ),
            Self::Role(role) => (P::Role, format!("It takes a user whose role is {} or more", role.name())),
            Self::Unavailable => (P::Unavailable, "The store has acknowledged nothing; try again later".to_owned()),
        }
    }

    /// Which problem it is.
    pub(in crate::dialect::native) fn problem(&self) -> Problem {
        self.row().0
    }

    /// What it means in this case.
    pub(in crate::dialect::native) fn detail(&self) -> String {
        self.row().1
    }

    /// The first part of the request that is wrong, as a pointer.
    pub(in crate::dialect::native) fn first_pointer(&self) -> Option<&str> {
        match self {
            Self::Invalid(objections) => objections.first().map(|objection| objection.pointer.as_str()),
            _ => None,
        }
    }

    /// The answer.
    pub(in crate::dialect::native) fn answer(&self) -> Answer {
        let (problem, detail) = self.row();
        let errors = if let Self::Invalid(objections) = self { objections.clone() } else { Vec::new() };
        let told = ProblemDetails {
            r#type: problem.kind(),
            title: problem.title(),
            status: problem.code(),
            detail,
            errors,
            bad_rows: if let Self::BadFile(file) = self { Some(file.clone()) } else { None },
            groups: self.exhausted().iter().map(ExhaustedGroup::from).collect(),
        };
        let body = serde_json::to_vec(&told).expect("texts and numbers are always JSON");
        let status = StatusCode::from_u16(problem.code()).expect("the table has valid statuses only");
        Answer::new(status, problem.label(), PROBLEM_JSON, body).hinting(self.hint())
    }

    /// How the groups are that have no number to lend.
    fn exhausted(&self) -> &[PoolHealth] {
        match self {
            Self::Refused(Refusal::Exhausted { pools, .. }) => pools,
            _ => &[],
        }
    }

    /// The header that goes with it.
    pub(in crate::dialect::native) fn hint(&self) -> Option<Hint> {
        match self {
            Self::NoSuchMethod(methods) => Some(failure::allow(methods)),
            Self::MediaType(wanted) | Self::Charset { wanted, .. } => Some(failure::accept(wanted)),
            Self::Http(refusal) => refusal.hint(),
            Self::Denied(access::Refusal::Unauthorized { .. }) => Some((WWW_AUTHENTICATE, CHALLENGE)),
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) | Self::TooManyGuesses { retry_after } => {
                Some(failure::after(*retry_after))
            }
            Self::ImportRunning { .. } => Some(failure::after(IMPORT_WAIT)),
            Self::Refused(refusal) => failure::retry(refusal),
            _ => None,
        }
    }
}

/// The objections in one line. What is wrong as a whole is called by the name in `whole`.
pub(in crate::dialect::native) fn summary(objections: &[Objection], whole: &str) -> String {
    let told = |objection: &Objection| match objection.pointer.strip_prefix('/') {
        None => format!("{whole} {}", objection.detail),
        Some("") => format!("the member without a name {}", objection.detail),
        Some(name) => format!("{name} {}", objection.detail),
    };
    objections.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// What the server refused before the dialect could look at the request.
fn http_row(refusal: &HttpRefusal) -> (Problem, String) {
    let own = |problem, text: &str| (problem, text.to_owned());
    match refusal {
        HttpRefusal::HeadTooLarge { limit } => {
            (Problem::HeadTooLarge, format!("At most {limit} bytes together are allowed"))
        }
        HttpRefusal::ContentCoding => own(Problem::MediaType, "The content coding must be gzip, identity or none"),
        HttpRefusal::ForeignPage => own(Problem::ForeignPage, "The operator allows web pages by server.cors_origins"),
        HttpRefusal::BodyTooLarge { .. } => (Problem::TooLarge, refusal.sentence()),
        HttpRefusal::BodyUnreadable => (Problem::Malformed, refusal.sentence()),
        HttpRefusal::Crowded => (Problem::Crowded, refusal.sentence()),
        HttpRefusal::Panicked => (Problem::Failed, refusal.sentence()),
    }
}

/// What the domain refuses.
fn refusal_row(refusal: &Refusal) -> (Problem, String) {
    let problem = match refusal {
        Refusal::NumberUnknown(_) => Problem::NumberUnknown,
        Refusal::NumberExists(_) => Problem::NumberExists,
        Refusal::NumberAllocated(_) => Problem::NumberAllocated,
        Refusal::AllocationUnknown(_) => Problem::AllocationUnknown,
        Refusal::GroupUnknown(_) => Problem::GroupUnknown,
        Refusal::Exhausted { .. } => Problem::Exhausted,
        Refusal::CodesUsedUp { .. } => Problem::CodesUsedUp,
        Refusal::InteractionUnknown(_) => Problem::InteractionUnknown,
        Refusal::InteractionExists(_) => Problem::InteractionExists,
        Refusal::NoMatch(_) => Problem::NoMatch,
        Refusal::DocumentUnknown(_) => Problem::DocumentUnknown,
        Refusal::EntryUnknown(_) => Problem::KeyUnknown,
        Refusal::DocumentsFull { .. } | Refusal::QuotaFull { quota: Quota::Documents, .. } => Problem::DocumentsFull,
        Refusal::QuotaFull { quota: Quota::Interactions, .. } => Problem::InteractionsFull,
        Refusal::QuotaFull { quota: Quota::Bookings, .. } => Problem::BookingsFull,
        Refusal::QuotaFull { quota: Quota::Keys, .. } => Problem::KeysFull,
        Refusal::LastsTooLong { .. } => Problem::Invalid,
        Refusal::TooManyEntries { .. } | Refusal::ValueTooLarge { .. } => Problem::TooLarge,
        Refusal::Route(RouteRefusal::RouteUnknown(_)) => Problem::RouteUnknown,
        Refusal::Route(RouteRefusal::RouteExists(_)) => Problem::RouteExists,
        Refusal::Route(_) => Problem::RouteRefused,
        Refusal::KeyReused(_) => Problem::KeyReused,
        Refusal::KeyExpired(_) => Problem::KeyExpired,
        // Only a start seeds.
        Refusal::NotEmpty => Problem::Failed,
    };
    (problem, refusal.to_string())
}

impl From<access::Denied> for Failure {
    fn from(denied: access::Denied) -> Self {
        Self::Denied(denied.refusal)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match noted(refusal) {
            Refusal::LastsTooLong { limit } => {
                Self::of_member("lasting", &format!("must be at most {}, which is limits.ttl", limit.get()))
            }
            refusal => Self::Refused(refusal),
        }
    }
}

impl From<Unread> for Failure {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::NotJson => Self::MediaType(JSON),
            Unread::Charset(unread) => Self::Charset { wanted: JSON, unread },
            Unread::Empty => Self::Malformed("The body is empty; a JSON object is required".to_owned()),
            Unread::Malformed(text) => Self::Malformed(format!("The body cannot be read as JSON: {text}")),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        refusal_of(error).map_or(Self::Unavailable, Self::from)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use actix_web::http::header::RETRY_AFTER;
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::state::Oldest;
    use crate::domain::{
        Allocation, AllocationId, GroupName, InteractionId, LentBy, Number, Scope, Seconds, Sharing, TenantId,
        Timestamp,
    };

    fn pool(scope: Scope) -> PoolHealth {
        let allocation = Allocation {
            id: AllocationId(1),
            number: Number::new("4711").unwrap(),
            interaction: InteractionId::new("call-9").unwrap(),
            code: None,
            caller: None,
            origin: LentBy::Gms,
            application: None,
            sharing: Sharing::Exclusive,
            since: Timestamp::from_millis(1_700_000_000_000),
            deadline: Timestamp::from_millis(1_700_000_300_000),
        };
        PoolHealth {
            scope: Arc::new(scope),
            group: Some(GroupName::new("sales").unwrap()),
            sharing: Sharing::Exclusive,
            free: 0,
            allocated: 4,
            cooling: 3,
            reserved: 2,
            disabled: 1,
            allocations: 4,
            oldest: Some(Oldest { allocation: Arc::new(allocation), lasted: Seconds::new(12) }),
            next_release: Some(Seconds::new(17)),
        }
    }

    #[test]
    fn an_exhausted_group_is_explained_by_its_counts_its_oldest_allocation_and_its_next_release() {
        let scope = Scope { tenant: TenantId::new("one").unwrap(), environment: None };
        let refusal = Refusal::Exhausted {
            group: Some(GroupName::new("sales").unwrap()),
            next_release: Some(Seconds::new(17)),
            pools: vec![pool(scope)],
        };
        let answer = Failure::Refused(refusal).answer();
        assert!(answer.headers.contains(&(RETRY_AFTER, HeaderValue::from_static("17"))));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body["type"], "urn:dnis-gateway:problem:exhausted");
        let group = json!({
            "group": "sales",
            "counts": { "free": 0, "allocated": 4, "cooling": 3, "reserved": 2, "disabled": 1 },
            "allocations": 4,
            "oldest": {
                "number": "4711", "interaction": "call-9", "since": "2023-11-14T22:13:20.000Z", "seconds": 12
            },
            "earliest_release": 17,
        });
        assert_eq!(body["groups"], json!([group]));
    }

    #[test]
    fn an_exhausted_group_from_which_nothing_comes_back_still_says_when_to_try_again() {
        let refusal = Refusal::Exhausted { group: None, next_release: None, pools: Vec::new() };
        let answer = Failure::Refused(refusal).answer();
        assert!(answer.headers.contains(&(RETRY_AFTER, HeaderValue::from_static("30"))));
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(body.get("groups"), None);
    }
}
