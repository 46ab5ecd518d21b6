//! The four documented operations over SOAP: which one an envelope asks for, and the envelope that answers it.
//!
//! The expanded name of the payload decides alone, at either address; neither the SOAPAction header nor the address has
//! a say. An answer is in the namespace and the version of SOAP of its request. Tolerated unless the configuration says
//! otherwise, because clients in use send it: the payload named after the operation, fields without namespace or in the
//! other service's, in any order, and fields that nobody asks for.

mod children;
mod conformity;
mod operation;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use yaserde::YaSerialize;

use super::Interact;
use super::endpoint::Service;
use super::error::{Failure, Form, unauthenticated};
use crate::access::UserPassword;
use crate::config::{self, FaultCodes, Settings};
use crate::dialect::{Answer, Call};
use crate::soap::envelope::{self, Envelope, Rejected};
use crate::soap::fault::{self, Detail, Fault};
use crate::soap::media::Media;
use crate::soap::version::Version;
use crate::xml::limits::Limits;
use crate::xml::reader::Name;
use children::Children;
use conformity::Request;

pub(super) use operation::Operation;

/// The namespaces a field may be in besides none.
const NAMESPACES: [&str; 2] = [Service::Agent.namespace(), Service::Dnis.namespace()];

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

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Answers an envelope that came to the address of `service`.
pub(super) async fn answer(interact: &Interact, service: Service, call: &Call<'_>) -> Answer {
    let Some(media) = media(call.head.headers) else { return Failure::NotSoap.answer() };
    let settings = interact.live.current();
    let document = match envelope::admit(call.body, &media, &limits(&settings.server.limits), &interact.tally) {
        Ok(document) => document,
        Err(rejected) => return rejection(&rejected),
    };
    let envelope = match Envelope::open(&document, &media) {
        Ok(envelope) => envelope,
        Err(rejected) => return rejection(&rejected),
    };
    let version = envelope.version();
    if let Err(fault) = envelope.security().hold(interact.clock.now(), settings.soap.clock_skew) {
        return write_fault(version, "invalid", &fault);
    }
    let Some((operation, namespace)) = Operation::of(envelope.payload()) else {
        return write_fault(version, "unknown_operation", &unknown_operation(envelope.payload()));
    };
    let request = Request { headers: call.head.headers, media: &media, envelope: &envelope, operation, service };
    let codes = settings.soap.fault_codes;
    let answer = match carry_out(interact, call, &request, settings).await {
        Ok(told) => write_result(version, namespace, operation, told),
        Err(Unanswered::Fault(fault)) => write_fault(version, "invalid", &fault),
        Err(Unanswered::Failure(failure)) => failed(version, namespace, operation, &failure, codes),
    };
    answer.of(operation.label())
}

/// Lets the caller in and only then looks at what the payload holds.
async fn carry_out(
    interact: &Interact,
    call: &Call<'_>,
    request: &Request<'_, '_>,
    settings: Arc<Settings>,
) -> Result<Told, Unanswered> {
    let validation = settings.soap.validation;
    let token = request.envelope.security().token();
    let named = token.map(|token| UserPassword { user: token.user.clone(), password: token.password.clone() });
    let operations = interact.enter_as(named, call, request.operation.right(), settings).await?;
    let fields = request.envelope.fields()?;
    conformity::judge(request, fields, validation, &interact.tally)?;
    let result = request.operation.run(&operations, &Children(fields), call).await?;
    Ok(Told { outcome: "ok", result })
}

/// Answers an envelope, or what should have been one, that was not carried out for a reason outside of it.
pub(super) fn refuse(headers: &HeaderMap, failure: &Failure) -> Answer {
    let version = media(headers).map_or(Version::V11, |media| media.expected_version());
    refuse_as(version, failure)
}

fn refuse_as(version: Version, failure: &Failure) -> Answer {
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
        attributes: configured.xml_attributes,
        namespaces: configured.xml_namespaces,
        name: configured.xml_name,
        text: configured.xml_text,
    }
}

fn unknown_operation(payload: &Name<'_>) -> Fault {
    let names = Operation::ALL.map(Operation::request);
    let shown: String = payload.local.chars().take(40).collect();
    let reason = format!(
        "The operation '{shown}' is not known in its namespace; {} are, in {} or {}",
        names.join(", "),
        NAMESPACES[0],
        NAMESPACES[1]
    );
    Fault::client(reason).with_detail(Detail {
        reason: "unknown_operation".into(),
        expected: Some(names.join(", ").into()),
        found: Some(shown.into()),
        ..Detail::default()
    })
}

/// A failure in the form that its row of the table gives it.
fn failed(version: Version, service: Service, operation: Operation, failure: &Failure, codes: FaultCodes) -> Answer {
    let row = failure.row();
    match (row.form, failure.fault()) {
        (Form::Result, _) => {
            write_result(version, service, operation, Told { outcome: row.outcome, result: row.text.into_owned() })
        }
        (Form::Unauthorized, Some(fault)) => {
            let fault = match codes {
                FaultCodes::Vendor => fault,
                FaultCodes::Qname => fault.qualified(),
            };
            unauthenticated(write_fault(version, row.outcome, &fault))
        }
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
            refuse_as(version, &Failure::NotWritable)
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
