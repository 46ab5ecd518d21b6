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
use yaserde::YaSerialize;

use super::Interact;
use super::endpoint::Service;
use super::error::{Failure, Form, unauthenticated};
use crate::config::{FaultCodes, Settings};
use crate::dialect::soap_service::{self, Request};
use crate::dialect::{Answer, Call, Head, Outcome};
use crate::soap::answer::Template;
use crate::soap::deviation::Described;
use crate::soap::version::Version;
use children::Children;

pub(super) use operation::SoapOperation;

/// The namespaces a field may be in besides none.
const NAMESPACES: [&str; 2] = [Service::Agent.namespace(), Service::Dnis.namespace()];

/// What every response holds.
#[derive(Default, YaSerialize)]
struct Response {
    #[yaserde(prefix = "ns2")]
    result: String,
}

/// Answers an envelope that came to the address of `service`.
pub(super) async fn answer(interact: &Interact, service: Service, call: &Call<'_>) -> Answer {
    exchange(interact, service, call).await.unwrap_or_else(|refused| refused)
}

/// Receives a request, decides and responds; an answer to what could not be received is the error.
async fn exchange(interact: &Interact, service: Service, call: &Call<'_>) -> Result<Answer, Answer> {
    let headers = call.head.headers;
    let declared = soap_service::media(headers).ok_or_else(|| Failure::NotSoap.answer())?;
    let serving = serving(interact, call.head.settings);
    let message = serving.message(&declared, call.body).await?;
    let document = serving.document(&message)?;
    let request = serving.request(headers, &message, &document)?;
    let known = SoapOperation::ALL.map(SoapOperation::request);
    let (operation, namespace) = request.operation(SoapOperation::of, &known, &NAMESPACES)?;

    let reply = Reply { serving, version: request.version(), namespace, operation };
    let decided = decide(interact, service, call, &request, reply).await.unwrap_or_else(|refused| refused);
    Ok(request.respond(decided.of(operation.label())))
}

/// Lets the caller in and only then looks at what the payload holds.
async fn decide(
    interact: &Interact,
    service: Service,
    call: &Call<'_>,
    request: &Request<'_, '_>,
    reply: Reply<'_>,
) -> Result<Answer, Answer> {
    let operation = reply.operation;
    let refused = |failure: Failure| reply.failed(&failure);
    let operations = interact.enter(request.named_user(), &call.head, operation.right()).await.map_err(refused)?;
    let fields = request.fields(&Described {
        service: service.namespace(),
        operation: operation.name(),
        element: operation.request(),
        fields: operation.fields(),
        parts: &[],
        aliases: &NAMESPACES,
    })?;
    let result = operation.run(&operations, &Children(fields), call).await.map_err(refused)?;
    Ok(reply.result("ok", &result))
}

/// The services under the settings in force.
fn serving<'a>(interact: &'a Interact, settings: &'a Settings) -> soap_service::Service<'a> {
    soap_service::Service::new(settings, interact.clock.wall(), &interact.tally, Service::port_type)
}

/// Answers an envelope, or what should have been one, that was not carried out for a reason outside of it.
pub(super) fn refuse(interact: &Interact, head: &Head<'_>, failure: &Failure) -> Answer {
    refuse_as(serving(interact, head.settings), soap_service::version(head.headers), failure)
}

fn refuse_as(serving: soap_service::Service<'_>, version: Version, failure: &Failure) -> Answer {
    match failure.fault() {
        Some(fault) => serving.fault(version, failure.row().outcome, fault).hinting(failure.hint()),
        None => failure.answer(),
    }
}

/// What an answer depends on, whatever it tells.
#[derive(Clone, Copy)]
struct Reply<'a> {
    serving: soap_service::Service<'a>,
    version: Version,
    /// The service in whose namespace it was asked.
    namespace: Service,
    operation: SoapOperation,
}

impl Reply<'_> {
    /// A failure in the form that its row of the table gives it.
    fn failed(self, failure: &Failure) -> Answer {
        let row = failure.row();
        match (row.form, failure.fault()) {
            (Form::Result, _) => self.result(row.outcome, &row.text),
            (Form::Unauthorized, Some(fault)) => {
                let fault = match self.serving.settings().soap.fault_codes {
                    FaultCodes::Vendor => fault,
                    FaultCodes::Qname => fault.qualified(),
                };
                unauthenticated(self.serving.fault(self.version, row.outcome, fault))
            }
            _ => refuse_as(self.serving, self.version, failure),
        }
    }

    /// The end of an operation that is told as a result.
    fn result(self, outcome: Outcome, text: &str) -> Answer {
        match RESULTS[place(self.version, self.namespace, self.operation)].fill(text) {
            Ok(envelope) => Answer::new(StatusCode::OK, outcome, self.version.content_type(), envelope),
            Err(error) => {
                tracing::error!(%error, "an answer could not be written");
                refuse_as(self.serving, self.version, &Failure::NotWritable)
            }
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
            let template = Template::new(version, service.namespace(), operation.response(), &Response::default());
            results.push(template.expect("fixed names can be written"));
        }
    }
    results
});

/// Where an operation's answer stands among [`RESULTS`].
const fn place(version: Version, service: Service, operation: SoapOperation) -> usize {
    (version as usize * Service::ALL.len() + service as usize) * SoapOperation::ALL.len() + operation as usize
}
