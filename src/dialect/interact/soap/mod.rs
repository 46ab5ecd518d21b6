//! The four documented operations over SOAP: which one an envelope asks for, and the envelope that answers it.
//!
//! The expanded name of the payload decides alone, at either address; neither the SOAPAction header nor the address has
//! a say. An answer is in the namespace and the version of SOAP of its request. Tolerated unless the configuration says
//! otherwise, because clients in use send it: the payload named after the operation, fields without namespace or in the
//! other service's, in any order, and fields that nobody asks for.

mod children;
mod operation;

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use yaserde::YaSerialize;

use super::Interact;
use super::endpoint::Service;
use super::error::{Failure, Form, unauthenticated};
use crate::config::FaultCodes;
use crate::dialect::soap_service::{self, Request, judge, unknown_operation, write_fault};
use crate::dialect::{Answer, Call};
use crate::soap::answer::Template;
use crate::soap::deviation::Described;
use crate::soap::fault::Fault;
use crate::soap::version::Version;
use crate::xml::reader::Name;
use children::Children;

pub(super) use operation::SoapOperation;

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
    let Some(media) = soap_service::media(call.head.headers) else { return Failure::NotSoap.answer() };
    let serving =
        soap_service::Service::new(call.head.settings, interact.clock.wall(), &interact.tally, Service::port_type);
    let choose = |payload: &Name<'_>| {
        let unknown = || unknown_operation(payload, &SoapOperation::ALL.map(SoapOperation::request), &NAMESPACES);
        SoapOperation::of(payload).ok_or_else(unknown)
    };
    let answer = async |request: &Request<'_, '_, (SoapOperation, Service)>| {
        let (version, (operation, namespace)) = (request.version(), request.operation);
        let codes = call.head.settings.soap.fault_codes;
        let answer = match carry_out(interact, service, call, request).await {
            Ok(told) => write_result(version, namespace, operation, &told),
            Err(Unanswered::Fault(fault)) => write_fault(version, "invalid", &fault),
            Err(Unanswered::Failure(failure)) => failed(version, namespace, operation, &failure, codes),
        };
        answer.of(operation.label())
    };
    serving.serve(call, &media, choose, answer).await
}

/// Lets the caller in and only then looks at what the payload holds.
async fn carry_out(
    interact: &Interact,
    service: Service,
    call: &Call<'_>,
    request: &Request<'_, '_, (SoapOperation, Service)>,
) -> Result<Told, Unanswered> {
    let (operation, _) = request.operation;
    let operations = interact.enter(request.named_user(), &call.head, operation.right()).await?;
    let fields = request.envelope.fields()?;
    let described = Described {
        service: service.namespace(),
        operation: operation.name(),
        element: operation.request(),
        fields: operation.fields(),
        parts: &[],
        aliases: &NAMESPACES,
    };
    judge(request, fields, &described, call.head.settings.soap.validation, &interact.tally)?;
    let result = operation.run(&operations, &Children(fields), call).await?;
    Ok(Told { outcome: "ok", result })
}

/// Answers an envelope, or what should have been one, that was not carried out for a reason outside of it.
pub(super) fn refuse(headers: &HeaderMap, failure: &Failure) -> Answer {
    refuse_as(soap_service::version(headers), failure)
}

fn refuse_as(version: Version, failure: &Failure) -> Answer {
    match failure.fault() {
        Some(fault) => write_fault(version, failure.row().outcome, &fault).hinting(failure.hint()),
        None => failure.answer(),
    }
}

/// A failure in the form that its row of the table gives it.
fn failed(
    version: Version,
    service: Service,
    operation: SoapOperation,
    failure: &Failure,
    codes: FaultCodes,
) -> Answer {
    let row = failure.row();
    match (row.form, failure.fault()) {
        (Form::Result, _) => {
            write_result(version, service, operation, &Told { outcome: row.outcome, result: row.text.into_owned() })
        }
        (Form::Unauthorized, Some(fault)) => {
            let fault = match codes {
                FaultCodes::Vendor => fault,
                FaultCodes::Qname => fault.qualified(),
            };
            unauthenticated(write_fault(version, row.outcome, &fault))
        }
        (_, Some(fault)) => write_fault(version, row.outcome, &fault).hinting(failure.hint()),
        (_, None) => failure.answer(),
    }
}

fn write_result(version: Version, service: Service, operation: SoapOperation, told: &Told) -> Answer {
    match RESULTS[place(version, service, operation)].fill(&told.result) {
        Ok(envelope) => Answer::new(StatusCode::OK, told.outcome, version.content_type(), envelope),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written");
            refuse_as(version, &Failure::NotWritable)
        }
    }
}

/// The answers of all operations, but for what they tell.
static RESULTS: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let mut results = Vec::new();
    for (version, service) in
        Version::ALL.into_iter().flat_map(|version| Service::ALL.map(|service| (version, service)))
    {
        for operation in SoapOperation::ALL {
            debug_assert_eq!(results.len(), place(version, service, operation));
            let template =
                Template::new(version, service.namespace(), operation.response(), |result| Response { result });
            results.push(template.expect("fixed names can be written"));
        }
    }
    results
});

/// Where an operation's answer stands among [`RESULTS`].
const fn place(version: Version, service: Service, operation: SoapOperation) -> usize {
    (version as usize * Service::ALL.len() + service as usize) * SoapOperation::ALL.len() + operation as usize
}
