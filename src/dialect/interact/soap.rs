//! The four documented operations over SOAP: which one an envelope asks for, and the envelope that answers it.
//!
//! The expanded name of the payload decides alone, at either address; neither the SOAPAction header nor the address has
//! a say. An answer is in the namespace and the version of SOAP of its request. Tolerated, because clients in use send
//! it: the payload named after the operation, fields without namespace or in the other service's, in any order, and
//! fields that nobody asks for.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use yaserde::YaSerialize;

use super::Interact;
use super::endpoint::Service;
use super::error::{Failure, Form, unauthenticated};
use super::operations::{Freed, Operations};
use super::parameters::{self, Invalid, Kind, Parameters};
use crate::access::Right;
use crate::config::{self, Settings};
use crate::dialect::{Answer, Call};
use crate::domain::Refusal;
use crate::soap::envelope::{self, Envelope, Fields, Found, Rejected, Value};
use crate::soap::fault::{self, Detail, Fault};
use crate::soap::media::Media;
use crate::soap::version::Version;
use crate::xml::limits::Limits;
use crate::xml::reader::Name;

/// The namespaces a field may be in besides none.
const NAMESPACES: [&str; 2] = [Service::Agent.namespace(), Service::Dnis.namespace()];
/// What Free says where it ended an allocation.
const SUCCESS: &str = "Success";

/// An operation of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Allocate,
    Get,
    Free,
    Create,
}

/// What every response holds.
#[derive(YaSerialize)]
struct Response {
    #[yaserde(prefix = "ns2")]
    result: String,
}

/// The end of an operation that is told as a result.
struct Told {
    outcome: &'static str,
    result: String,
}

/// Why an operation was not carried out.
enum Unanswered {
    /// The envelope is wrong.
    Fault(Fault),
    /// Everything else.
    Failure(Failure),
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Answers an envelope.
pub(super) async fn answer(interact: &Interact, call: &Call<'_>) -> Answer {
    let Some(media) = media(call.head.headers) else { return Failure::NotSoap.answer() };
    let settings = interact.live.current();
    let document = match envelope::admit(call.body, &media, &limits(&settings.server.limits)) {
        Ok(document) => document,
        Err(rejected) => return rejection(&rejected),
    };
    let envelope = match Envelope::open(&document, &media) {
        Ok(envelope) => envelope,
        Err(rejected) => return rejection(&rejected),
    };
    let version = envelope.version();
    let Some((operation, service)) = Operation::of(envelope.payload()) else {
        return write_fault(version, "unknown_operation", &unknown_operation(envelope.payload()));
    };
    let answered = carry_out(interact, call, &envelope, operation, settings).await;
    let answer = match answered {
        Ok(told) => write_result(version, service, operation, told),
        Err(Unanswered::Fault(fault)) => write_fault(version, "invalid", &fault),
        Err(Unanswered::Failure(failure)) => failed(version, service, operation, &failure),
    };
    answer.of(operation.label())
}

/// Lets the caller in and only then looks at what the payload holds.
async fn carry_out(
    interact: &Interact,
    call: &Call<'_>,
    envelope: &Envelope<'_>,
    operation: Operation,
    settings: Arc<Settings>,
) -> Result<Told, Unanswered> {
    let operations = interact.enter(call, operation.right(), settings).await?;
    let children = Children(envelope.fields().map_err(Unanswered::Fault)?);
    Ok(operation.run(&operations, &children).await?)
}

/// Answers an envelope, or what should have been one, that was not carried out for a reason outside of it.
pub(super) fn refuse(headers: &HeaderMap, failure: &Failure) -> Answer {
    let version = media(headers).map_or(Version::V11, |media| media.expected_version());
    match failure.fault() {
        Some(fault) => write_fault(version, failure.row().outcome, &fault),
        None => failure.answer(),
    }
}

/// The media type of the body, if it is one of an envelope.
fn media(headers: &HeaderMap) -> Option<Media> {
    let mut values = headers.get_all(CONTENT_TYPE);
    let value = values.next()?.to_str().ok()?;
    Media::of(Some(value)).ok().filter(|_| values.next().is_none())
}

fn limits(configured: &config::Limits) -> Limits {
    Limits {
        bytes: configured.body,
        depth: configured.xml_depth,
        elements: configured.xml_elements,
        ..Limits::default()
    }
}

impl Operation {
    const ALL: [Self; 4] = [Self::Allocate, Self::Get, Self::Free, Self::Create];

    /// The operation and the service that a payload asks for, with or without `Request` at the end of its name.
    fn of(payload: &Name<'_>) -> Option<(Self, Service)> {
        let service = Service::of(&payload.namespace)?;
        let name = payload.local.strip_suffix("Request").unwrap_or(payload.local);
        Self::ALL.into_iter().find(|operation| operation.name() == name).map(|operation| (operation, service))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Allocate => "AllocateDnis",
            Self::Get => "GetDnisAllocation",
            Self::Free => "FreeDnisAllocation",
            Self::Create => "CreatePhone",
        }
    }

    const fn response(self) -> &'static str {
        match self {
            Self::Allocate => "AllocateDnisResponse",
            Self::Get => "GetDnisAllocationResponse",
            Self::Free => "FreeDnisAllocationResponse",
            Self::Create => "CreatePhoneResponse",
        }
    }

    /// The label for metrics; it tells the transport too.
    const fn label(self) -> &'static str {
        match self {
            Self::Allocate => "soap_allocate",
            Self::Get => "soap_get",
            Self::Free => "soap_free",
            Self::Create => "soap_create",
        }
    }

    const fn right(self) -> Right {
        match self {
            Self::Allocate => Right::Allocate,
            Self::Get => Right::Get,
            Self::Free => Right::Free,
            Self::Create => Right::Create,
        }
    }

    async fn run(self, operations: &Operations<'_>, children: &Children<'_, '_>) -> Result<Told, Failure> {
        let result = match self {
            Self::Allocate => operations.allocate(parameters::allocate(children, "uniqueId")?).await?.to_string(),
            Self::Create => operations.create(parameters::create(children)?).await?.0.to_string(),
            Self::Get => {
                let interaction = operations.get(parameters::required_number(children, "phone")?).await?;
                interaction.map(|id| id.as_str().to_owned()).unwrap_or_default()
            }
            Self::Free => {
                let phone = parameters::required_number(children, "phone")?;
                match operations.free(phone).await? {
                    Freed::Now => SUCCESS.to_owned(),
                    // The vendor says of a phone that is free already what it says of one it does not know.
                    Freed::Before => return Err(Failure::Refused(Refusal::NumberUnknown(phone))),
                }
            }
        };
        Ok(Told { outcome: "ok", result })
    }
}

/// The children of a payload.
struct Children<'e, 'd>(Fields<'e, 'd>);

impl Children<'_, '_> {
    fn find(&self, name: &'static str, kind: Kind) -> Result<Option<&str>, Invalid> {
        match self.0.find(name, &NAMESPACES) {
            Found::Missing | Found::Once(Value::Nil) => Ok(None),
            Found::Once(Value::Text(text)) => Ok(Some(text)),
            Found::Once(Value::Elements) => Err(Invalid::not(name, kind, "elements")),
            Found::Repeated => Err(Invalid::repeated(name)),
        }
    }
}

impl Parameters for Children<'_, '_> {
    fn text(&self, name: &'static str, kind: Kind) -> Result<Option<&str>, Invalid> {
        self.find(name, kind)
    }

    fn flag(&self, name: &'static str) -> Result<Option<bool>, Invalid> {
        match self.find(name, Kind::XmlFlag)?.map(str::trim) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Invalid::value(name, Kind::XmlFlag)),
        }
    }
}

fn unknown_operation(payload: &Name<'_>) -> Fault {
    let names: Vec<String> = Operation::ALL.iter().map(|operation| format!("{}Request", operation.name())).collect();
    let shown: String = payload.local.chars().take(40).collect();
    let reason = format!(
        "The operation '{shown}' is not known in its namespace; {} are, in {} or {}",
        names.join(", "),
        NAMESPACES[0],
        NAMESPACES[1]
    );
    Fault::client(reason).with_detail(Detail { reason: "unknown_operation".into(), ..Detail::default() })
}

/// A failure in the form that its row of the table gives it.
fn failed(version: Version, service: Service, operation: Operation, failure: &Failure) -> Answer {
    let row = failure.row();
    match (row.form, failure.fault()) {
        (Form::Result, _) => {
            write_result(version, service, operation, Told { outcome: row.outcome, result: row.text.into_owned() })
        }
        (Form::Unauthorized, Some(fault)) => unauthenticated(write_fault(version, row.outcome, &fault)),
        (_, Some(fault)) => write_fault(version, row.outcome, &fault),
        (_, None) => failure.answer(),
    }
}

fn write_result(version: Version, service: Service, operation: Operation, told: Told) -> Answer {
    let response = Response { result: told.result };
    match crate::soap::answer::payload(service.namespace(), operation.response(), &response) {
        Ok(payload) => {
            let body = crate::soap::answer::write(version, &payload);
            Answer::new(StatusCode::OK, told.outcome, version.content_type(), body)
        }
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            let row = Failure::NotWritable.row();
            write_fault(version, row.outcome, &Fault::server(row.text))
        }
    }
}

fn write_fault(version: Version, outcome: &'static str, fault: &Fault) -> Answer {
    let status = StatusCode::from_u16(fault::HTTP_STATUS).expect("the status of faults is one");
    Answer::new(status, outcome, version.content_type(), fault.write(version))
}

fn rejection(rejected: &Rejected) -> Answer {
    write_fault(rejected.version, "invalid", &rejected.fault)
}
