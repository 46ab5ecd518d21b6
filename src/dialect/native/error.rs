//! The one table of what can go wrong and how the API says it: as a problem of RFC 9457.
//!
//! The `type` of a problem is a stable name for programs; the title says the same to people, and the detail what it means
//! in this very case.

use actix_web::http::header::{ACCEPT, ACCEPT_ENCODING, ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use super::bulk::BadFile;
use super::exhaustion::ExhaustedGroup;
use super::objection::{Objection, Objections, Within};
use crate::access;
use crate::dialect::{Answer, HttpRefusal, USUAL_WAIT};
use crate::domain::refusal::RouteRefusal;
use crate::domain::state::PoolHealth;
use crate::domain::{Refusal, Seconds};
use crate::store;

/// The media type of problems.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
/// What every problem's type begins with.
pub(super) const TYPE_PREFIX: &str = "urn:dnis-gateway:problem:";
/// How long a caller may wait for another file to be imported, in seconds.
const IMPORT_WAIT: u64 = 5;
/// The challenge of a 401; the same for every cause.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"dnis-gateway\", charset=\"UTF-8\"");

macro_rules! problems {
    ($($(#[$about:meta])* $name:ident $status:literal $label:literal $title:literal;)*) => {
        /// The kinds of problems.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Problem {
            $($(#[$about])* $name,)*
        }

        impl Problem {
            /// All of them.
            #[cfg(test)]
            pub(super) const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The status.
            pub(super) const fn code(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Its label in metrics, and its reason in faults.
            pub(super) const fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// What it is, in the same words every time.
            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// The body is not what its media type says.
    Malformed 400 "malformed" "The body cannot be read";
    /// A parameter or member is missing or wrong.
    Invalid 400 "invalid" "The request is not as described";
    /// The caller was not let in.
    Unauthorized 401 "unauthorized" "Missing or wrong credentials";
    /// Nothing has this path.
    NoSuchPath 404 "no_such_path" "There is nothing at this path";
    /// The number does not exist.
    NumberUnknown 404 "number_unknown" "The number is not known";
    /// The group does not exist.
    GroupUnknown 404 "group_unknown" "The group is not known";
    /// The allocation does not exist or has ended.
    AllocationUnknown 404 "allocation_unknown" "The allocation is not known";
    /// The interaction does not exist or has ended.
    InteractionUnknown 404 "interaction_unknown" "The interaction is not known";
    /// The document does not exist or has ended.
    DocumentUnknown 404 "document_unknown" "The document is not known";
    /// The document has no such key.
    KeyUnknown 404 "key_unknown" "The document has no such key";
    /// Nothing that is lent fits the call.
    NoMatch 404 "no_match" "No interaction matches the call";
    /// The called route does not exist.
    RouteUnknown 404 "route_unknown" "The called route is not known";
    /// The answer has a character that XML cannot carry.
    NotXml 406 "not_xml" "The answer cannot be written in XML";
    /// The tenant is not the caller's.
    TenantUnknown 404 "tenant_unknown" "The tenant is not known";
    /// The path has other methods.
    NoSuchMethod 405 "no_such_method" "The path has other methods";
    /// The number exists already.
    NumberExists 409 "number_exists" "The number exists already";
    /// The number is lent.
    NumberAllocated 409 "number_allocated" "The number is allocated";
    /// The interaction exists already.
    InteractionExists 409 "interaction_exists" "The interaction exists already";
    /// The dialled number leads somewhere already.
    RouteExists 409 "route_exists" "The dialled number is routed already";
    /// What was made under the request's key has ended.
    KeySpent 409 "key_spent" "The key of the request is spent";
    /// The body is too long.
    TooLarge 413 "too_large" "Too long";
    /// The body is of another media type or content coding.
    MediaType 415 "unsupported_media_type" "The media type or content coding is not supported";
    /// The key of the request belongs to another one.
    KeyReused 422 "key_reused" "The key belongs to another request";
    /// The rules of called routes and skill queues do not allow it.
    RouteRefused 422 "route_refused" "The called route or skill queue is not allowed";
    /// Too many attempts with wrong credentials.
    TooManyAttempts 429 "too_many_attempts" "Too many attempts";
    /// Too many wrong access codes of one caller at one number.
    TooManyGuesses 429 "too_many_guesses" "Too many wrong access codes";
    /// Rows of a file cannot be imported.
    BadFile 422 "bad_file" "Nothing of the file was imported";
    /// The head is too long.
    HeadTooLarge 431 "head_too_large" "The request line and the headers are too long";
    /// A bug of the gateway.
    Failed 500 "failed" "The gateway failed";
    /// The group has no number to lend.
    Exhausted 503 "exhausted" "No number is free";
    /// Every code of that shape is in use.
    CodesUsedUp 503 "codes_used_up" "No access code is free";
    /// Another file is being imported.
    ImportRunning 503 "import_running" "Another file is being imported";
    /// The store takes no writes.
    Unavailable 503 "unavailable" "The store is not available";
    /// There is no room for more user data.
    DocumentsFull 507 "documents_full" "There is no room for more user data";
}

impl Problem {
    /// Its type: the prefix and the label, with the hyphens that are usual there.
    pub(super) fn kind(self) -> String {
        format!("{TYPE_PREFIX}{}", self.label().replace('_', "-"))
    }

    /// What any operation may answer, whatever it does.
    pub(super) const ALWAYS: &'static [Self] = &[
        Self::Invalid,
        Self::Unauthorized,
        Self::TooManyAttempts,
        Self::HeadTooLarge,
        Self::Failed,
        Self::Unavailable,
        // A body is unpacked and measured before anybody asks whether the operation has one.
        Self::Malformed,
        Self::TooLarge,
        Self::MediaType,
    ];
}

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing has this path.
    NoSuchPath,
    /// The path has other methods: these.
    NoSuchMethod(Vec<Method>),
    /// The server could not hand over the whole request, or the dialect gave up on it.
    Http(HttpRefusal),
    /// The body is stated to be something else than this.
    MediaType(&'static str),
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
    /// Another file is being imported.
    ImportRunning,
    /// The domain said no.
    Refused(Refusal),
    /// The tenant is not the caller's.
    TenantUnknown,
    /// The store cannot answer.
    Unavailable,
}

/// A problem as it is told (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub(super) struct Told {
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
    pub(super) fn of_member(member: &str, objection: &str) -> Self {
        let mut objections = Objections::none();
        objections.within(Within::Body).at(member, |objections| objections.raise(objection));
        Self::Invalid(objections.into_raised())
    }

    /// An objection to a parameter of the query that only the operation itself can raise.
    pub(super) fn of_parameter(name: &str, objection: &str) -> Self {
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
            Self::NoSuchMethod(methods) => (P::NoSuchMethod, format!("This path allows {}", allow(methods))),
            Self::Http(refusal) => http_row(refusal),
            Self::MediaType(wanted) => {
                (P::MediaType, format!("The body must be {wanted} in UTF-8, stated once or not at all"))
            }
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
            Self::ImportRunning => (P::ImportRunning, "One file is imported at a time; try again soon".to_owned()),
            Self::Refused(refusal) => refusal_row(refusal),
            Self::TenantUnknown => {
                (P::TenantUnknown, "There is no such tenant, or it is another than yours".to_owned())
            }
            Self::Unavailable => (P::Unavailable, "The store has acknowledged nothing; try again later".to_owned()),
        }
    }

    /// Which problem it is.
    pub(super) fn problem(&self) -> Problem {
        self.row().0
    }

    /// What it means in this case.
    pub(super) fn detail(&self) -> String {
        self.row().1
    }

    /// The first part of the request that is wrong, as a pointer.
    pub(super) fn first_pointer(&self) -> Option<&str> {
        match self {
            Self::Invalid(objections) => objections.first().map(|objection| objection.pointer.as_str()),
            _ => None,
        }
    }

    /// The answer.
    pub(super) fn answer(&self) -> Answer {
        let (problem, detail) = self.row();
        let errors = if let Self::Invalid(objections) = self { objections.clone() } else { Vec::new() };
        let told = Told {
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
        self.headers(Answer::new(status, problem.label(), PROBLEM_JSON, body))
    }

    /// How the groups are that have no number to lend.
    fn exhausted(&self) -> &[PoolHealth] {
        match self {
            Self::Refused(Refusal::Exhausted { pools, .. }) => pools,
            _ => &[],
        }
    }

    /// The headers that go with it.
    pub(super) fn headers(&self, answer: Answer) -> Answer {
        match self {
            Self::NoSuchMethod(methods) => {
                let methods = HeaderValue::try_from(allow(methods)).expect("names of methods are header text");
                answer.with(ALLOW, methods)
            }
            Self::MediaType(wanted) => answer.with(ACCEPT, HeaderValue::from_static(wanted)),
            Self::Http(HttpRefusal::ContentCoding) => {
                answer.with(ACCEPT_ENCODING, HeaderValue::from_static("gzip, identity"))
            }
            Self::Denied(access::Refusal::Unauthorized { .. }) => answer.with(WWW_AUTHENTICATE, CHALLENGE),
            Self::Denied(access::Refusal::TooManyAttempts { retry_after }) => {
                answer.with(RETRY_AFTER, HeaderValue::from(retry_after.get()))
            }
            Self::TooManyGuesses { retry_after } => answer.with(RETRY_AFTER, HeaderValue::from(retry_after.get())),
            Self::ImportRunning => answer.with(RETRY_AFTER, HeaderValue::from(IMPORT_WAIT)),
            Self::Refused(Refusal::Exhausted { next_release, .. }) => {
                answer.with(RETRY_AFTER, HeaderValue::from(next_release.unwrap_or(USUAL_WAIT).get().max(1)))
            }
            _ => answer,
        }
    }
}

/// The methods as the header `Allow` lists them.
fn allow(methods: &[Method]) -> String {
    methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
}

/// The objections in one line. What is wrong as a whole is called by the name in `whole`.
pub(super) fn summary(objections: &[Objection], whole: &str) -> String {
    let told = |objection: &Objection| match objection.pointer.strip_prefix('/') {
        None => format!("{whole} {}", objection.detail),
        Some("") => format!("the member without a name {}", objection.detail),
        Some(name) => format!("{name} {}", objection.detail),
    };
    objections.iter().map(told).collect::<Vec<_>>().join("; ")
}

/// What the server refused before the dialect could look at the request.
fn http_row(refusal: &HttpRefusal) -> (Problem, String) {
    match refusal {
        HttpRefusal::HeadTooLarge { limit } => {
            (Problem::HeadTooLarge, format!("At most {limit} bytes together are allowed"))
        }
        HttpRefusal::BodyTooLarge { limit } => {
            (Problem::TooLarge, format!("The body is too long; at most {limit} bytes are allowed"))
        }
        HttpRefusal::ContentCoding => {
            (Problem::MediaType, "The content coding must be gzip, identity or none".to_owned())
        }
        HttpRefusal::BodyUnreadable => {
            (Problem::Malformed, "The body could not be read to its end in its content coding".to_owned())
        }
        HttpRefusal::Panicked => {
            (Problem::Failed, "Internal error: the gateway failed on this request; its log says why".to_owned())
        }
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
        Refusal::DocumentsFull { .. } => Problem::DocumentsFull,
        Refusal::TooManyEntries { .. } | Refusal::ValueTooLarge { .. } => Problem::TooLarge,
        Refusal::Route(RouteRefusal::RouteUnknown(_)) => Problem::RouteUnknown,
        Refusal::Route(RouteRefusal::RouteExists(_)) => Problem::RouteExists,
        Refusal::Route(_) => Problem::RouteRefused,
        Refusal::KeyReused(_) => Problem::KeyReused,
        Refusal::KeySpent(_) => Problem::KeySpent,
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
        Self::Refused(refusal)
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Refused(refusal) => Self::Refused(refusal),
            store::Error::Unavailable(reason) => {
                tracing::error!(%reason, "the store did not answer");
                Self::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::domain::state::Oldest;
    use crate::domain::{
        Allocation, AllocationId, GroupName, InteractionId, Number, Origin, Scope, Seconds, Sharing, TenantId,
        Timestamp,
    };

    fn pool(scope: Scope) -> PoolHealth {
        let allocation = Allocation {
            id: AllocationId(1),
            number: Number::new("4711").unwrap(),
            interaction: InteractionId::new("call-9").unwrap(),
            code: None,
            caller: None,
            origin: Origin::Gms,
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
