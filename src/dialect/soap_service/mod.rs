//! What every SOAP service of the gateway does alike, whichever dialect it belongs to.
//!
//! A body is let in, opened and its operation found before anybody asks who is calling, since the rights depend on the
//! operation and the form of a refusal on the envelope. What an operation does, and how its failures are told, is the
//! dialect's part; so are the names and namespaces.

mod conformity;
pub(in crate::dialect) mod description;
pub(in crate::dialect) mod page;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;

use super::{Answer, Call, Outcome, declared};
use crate::access::UserPassword;
use crate::config::{self, Settings};
use crate::domain::Timestamp;
use crate::soap::addressing::Addressing;
use crate::soap::answer;
use crate::soap::envelope::{self, Envelope};
use crate::soap::fault::{self, DETAIL_NAMESPACE, Detail, Fault};
use crate::soap::media::{Declared, Media};
use crate::soap::tally::Tally;
use crate::soap::version::Version;
use crate::text::{SHOWN, shorten};
use crate::xml::limits::Limits;
use crate::xml::reader::Name;

pub(in crate::dialect) use conformity::judge;

/// A request whose envelope could be opened.
pub(in crate::dialect) struct Request<'r, 'd, O> {
    pub(in crate::dialect) headers: &'r HeaderMap,
    pub(in crate::dialect) media: &'r Media<'r>,
    pub(in crate::dialect) envelope: &'r Envelope<'d>,
    pub(in crate::dialect) operation: O,
}

impl<O> Request<'_, '_, O> {
    /// The version to answer in.
    pub(in crate::dialect) fn version(&self) -> Version {
        self.envelope.version()
    }

    /// The user that the message names in a Security header.
    pub(in crate::dialect) fn named_user(&self) -> Option<UserPassword> {
        let token = self.envelope.security().token();
        token.map(|token| UserPassword { user: token.user.clone(), password: token.password.clone() })
    }
}

/// What a service goes by while it answers one call.
#[derive(Clone, Copy)]
pub(in crate::dialect) struct Service<'a> {
    pub(in crate::dialect) settings: &'a Settings,
    /// For what messages say of their own age.
    pub(in crate::dialect) now: Timestamp,
    /// Where refusals are counted.
    pub(in crate::dialect) tally: &'a Tally,
    /// The namespace in which the detail of a fault is described.
    pub(in crate::dialect) detail: &'static str,
    /// The port type that describes the operations in a namespace; the action of an answer is made of it.
    pub(in crate::dialect) port_type: fn(&str) -> &'static str,
}

impl<'a> Service<'a> {
    /// A service whose faults are those of the gateway, described beside its WSDL.
    pub(in crate::dialect) fn new(
        settings: &'a Settings,
        now: Timestamp,
        tally: &'a Tally,
        port_type: fn(&str) -> &'static str,
    ) -> Self {
        Self { settings, now, tally, detail: DETAIL_NAMESPACE, port_type }
    }

    /// Opens an envelope and has `answer` answer it. `choose` finds the operation that the payload's name asks for.
    pub(in crate::dialect) async fn serve<O>(
        self,
        call: &Call<'_>,
        declared: &Declared<'_>,
        choose: impl FnOnce(&Name<'_>) -> Result<O, Fault>,
        answer: impl AsyncFnOnce(&Request<'_, '_, O>) -> Answer,
    ) -> Answer {
        let message = match declared.message(call.body).await {
            Ok(message) => message,
            Err(rejected) => return self.write_fault(rejected.version, "invalid", rejected.fault),
        };
        let (media, limits) = (&message.media, limits(&self.settings.server.limits));
        let document = match envelope::admit(&message.bytes, media, &limits, self.tally) {
            Ok(document) => document,
            Err(rejected) => return self.write_fault(rejected.version, "invalid", rejected.fault),
        };
        let envelope = match Envelope::open(&document, media) {
            Ok(envelope) => envelope,
            Err(rejected) => {
                let answer = self.write_fault(rejected.version, "invalid", rejected.fault);
                return addressed(answer, rejected.version, rejected.addressing.as_deref(), String::new);
            }
        };
        let (version, payload) = (envelope.version(), envelope.payload());
        let refers = message.hold(&document).map_err(|fault| ("invalid", fault));
        let answer = match refers.and_then(|()| self.choose(&envelope, choose)) {
            Ok(operation) => {
                let headers = call.head.headers;
                answer(&Request { headers, media, envelope: &envelope, operation }).await
            }
            Err((outcome, fault)) => self.write_fault(version, outcome, fault),
        };
        addressed(answer, version, envelope.addressing(), || self.action(payload))
    }

    /// The operation that the payload asks for, once what the headers say of the message has been looked at.
    fn choose<O>(
        self,
        envelope: &Envelope<'_>,
        choose: impl FnOnce(&Name<'_>) -> Result<O, Fault>,
    ) -> Result<O, (Outcome, Fault)> {
        let invalid = |fault| ("invalid", fault);
        envelope.security().hold(self.now, self.settings.soap.clock_skew).map_err(invalid)?;
        let operation = choose(envelope.payload()).map_err(|fault| ("unknown_operation", fault))?;
        if let Some(addressing) = envelope.addressing() {
            addressing.hold(envelope.payload().local).map_err(invalid)?;
        }
        Ok(operation)
    }

    /// The action of the answer to a payload, as WS-Addressing makes it of a description that names none: namespace, port
    /// type and name of the output.
    fn action(self, payload: &Name<'_>) -> String {
        let operation = payload.local.strip_suffix("Request").unwrap_or(payload.local);
        format!("{}/{}/{operation}Response", payload.namespace, (self.port_type)(&payload.namespace))
    }

    /// A fault as an answer.
    pub(in crate::dialect) fn write_fault(self, version: Version, outcome: Outcome, fault: Fault) -> Answer {
        write_fault(version, outcome, &fault.detailed_in(self.detail))
    }
}

/// The answer with the headers of WS-Addressing, where the request had some and the answer is an envelope.
fn addressed(
    answer: Answer,
    version: Version,
    addressing: Option<&Addressing>,
    action: impl FnOnce() -> String,
) -> Answer {
    let Some(addressing) = addressing else { return answer };
    let headers = match answer.status.as_u16() {
        fault::HTTP_STATUS => addressing.answer(None),
        _ => addressing.answer(Some(&action())),
    };
    // What is refused below SOAP has no envelope, and is left as it is.
    let Ok(envelope) = std::str::from_utf8(&answer.body) else { return answer };
    let body = answer::with_headers(version, envelope, &headers).into();
    Answer { body, ..answer }
}

/// A fault as an answer, its detail in the namespace it has.
pub(in crate::dialect) fn write_fault(version: Version, outcome: Outcome, fault: &Fault) -> Answer {
    let status = StatusCode::from_u16(fault::HTTP_STATUS).expect("the status of faults is one");
    Answer::new(status, outcome, version.content_type(), fault.write(version))
}

/// An answer with a payload that is already markup.
pub(in crate::dialect) fn write_envelope(version: Version, payload: &str, outcome: Outcome) -> Answer {
    Answer::new(StatusCode::OK, outcome, version.content_type(), answer::write(version, payload))
}

/// What the headers declare of the body, if it is an envelope or has one.
pub(in crate::dialect) fn media(headers: &HeaderMap) -> Option<Declared<'_>> {
    declared(headers).ok().and_then(|declared| Declared::of(declared).ok())
}

/// The version to answer in where there is no envelope that tells.
pub(in crate::dialect) fn version(headers: &HeaderMap) -> Version {
    media(headers).map_or(Version::V11, |media| media.expected_version())
}

/// The fault for a payload that is none of the `known` ones, which are in `namespaces`.
pub(in crate::dialect) fn unknown_operation(payload: &Name<'_>, known: &[&str], namespaces: &[&str]) -> Fault {
    let shown = shorten(payload.local, SHOWN);
    let reason = format!(
        "The operation '{shown}' is not known in its namespace; {} are, in {}",
        known.join(", "),
        namespaces.join(" or ")
    );
    Fault::client(reason).with_detail(Detail {
        reason: "unknown_operation".into(),
        expected: Some(known.join(", ").into()),
        found: Some(shown.into()),
        ..Detail::default()
    })
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
