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
use bytes::Bytes;

use super::{Answer, Outcome, declared};
use crate::access::UserPassword;
use crate::config::{self, Settings};
use crate::domain::Timestamp;
use crate::soap::addressing::Addressing;
use crate::soap::answer;
use crate::soap::deviation::Described;
use crate::soap::envelope::{self, Envelope, Fields, Rejected};
use crate::soap::fault::{self, DETAIL_NAMESPACE, Detail, Fault};
use crate::soap::media::{Declared, Media};
use crate::soap::package::Message;
use crate::soap::tally::Tally;
use crate::soap::version::Version;
use crate::text::{SHOWN, shorten};
use crate::xml::guard::Document;
use crate::xml::limits::Limits;
use crate::xml::reader::Name;

/// A request whose envelope could be opened.
pub(in crate::dialect) struct Request<'r, 'd> {
    service: Service<'r>,
    headers: &'r HeaderMap,
    media: &'r Media<'r>,
    envelope: Envelope<'d>,
}

impl<'d> Request<'_, 'd> {
    /// The version to answer in.
    pub(in crate::dialect) fn version(&self) -> Version {
        self.envelope.version()
    }

    /// The user that the message names in a Security header.
    pub(in crate::dialect) fn named_user(&self) -> Option<UserPassword> {
        let token = self.envelope.security().token();
        token.map(|token| UserPassword { user: token.user.clone(), password: token.password.clone() })
    }

    /// The operation that the payload's name asks for, once what the headers say of the message has been looked at. The
    /// `known` ones, which are in `namespaces`, are named to a sender who asks for another.
    ///
    /// # Errors
    /// The answer to a message that has expired or contradicts itself, and to an unknown operation.
    pub(in crate::dialect) fn operation<O>(
        &self,
        find: impl FnOnce(&Name<'_>) -> Option<O>,
        known: &[&str],
        namespaces: &[&str],
    ) -> Result<O, Answer> {
        let (service, payload) = (self.service, self.envelope.payload());
        let refused = |outcome, fault| self.respond(self.fault(outcome, fault));
        let checked = self.envelope.security().hold(service.now, service.settings.soap.clock_skew);
        checked.map_err(|fault| refused("invalid", fault))?;
        let operation =
            find(payload).ok_or_else(|| refused("unknown_operation", unknown_operation(payload, known, namespaces)))?;
        if let Some(addressing) = self.envelope.addressing() {
            addressing.hold(payload.local).map_err(|fault| refused("invalid", fault))?;
        }
        Ok(operation)
    }

    /// What the payload holds, held against its description.
    ///
    /// # Errors
    /// The answer to a payload that cannot be read and, where nothing is tolerated, to one that is not as described.
    pub(in crate::dialect) fn fields(&self, described: &Described<'_>) -> Result<Fields<'_, 'd>, Answer> {
        let fields = self.envelope.fields();
        let judged = fields.and_then(|fields| conformity::judge(self, fields, described).map(|()| fields));
        judged.map_err(|fault| self.fault("invalid", fault))
    }

    /// A fault as an answer.
    pub(in crate::dialect) fn fault(&self, outcome: Outcome, fault: Fault) -> Answer {
        self.service.fault(self.version(), outcome, fault)
    }

    /// The answer as it is sent: with the headers of WS-Addressing, where the request had some.
    pub(in crate::dialect) fn respond(&self, answer: Answer) -> Answer {
        let action = || self.service.action(self.envelope.payload());
        addressed(answer, self.version(), self.envelope.addressing(), action)
    }
}

/// What a service goes by while it answers one call.
#[derive(Clone, Copy)]
pub(in crate::dialect) struct Service<'a> {
    settings: &'a Settings,
    /// For what messages say of their own age.
    now: Timestamp,
    /// Where refusals are counted.
    tally: &'a Tally,
    /// The namespace in which the detail of a fault is described.
    detail: &'static str,
    /// The port type that describes the operations in a namespace; the action of an answer is made of it.
    port_type: fn(&str) -> &'static str,
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

    /// The same service with the detail of its faults described in a namespace of its own.
    pub(in crate::dialect) const fn detailed_in(mut self, namespace: &'static str) -> Self {
        self.detail = namespace;
        self
    }

    /// The settings in force.
    pub(in crate::dialect) const fn settings(&self) -> &'a Settings {
        self.settings
    }

    /// The message in a body of this type.
    ///
    /// # Errors
    /// The answer to a package without an envelope.
    pub(in crate::dialect) async fn message<'b>(
        self,
        declared: &'b Declared<'_>,
        body: &'b Bytes,
    ) -> Result<Message<'b>, Answer> {
        declared.message(body).await.map_err(|rejected| self.rejected(rejected))
    }

    /// The document that a message is, past the guard.
    ///
    /// # Errors
    /// The answer to what does not pass it.
    pub(in crate::dialect) fn document<'m>(self, message: &'m Message<'_>) -> Result<Document<'m>, Answer> {
        let limits = limits(&self.settings.server.limits);
        let admitted = envelope::admit(&message.bytes, &message.media, &limits, self.tally);
        admitted.map_err(|rejected| self.rejected(rejected))
    }

    /// The request in a document.
    ///
    /// # Errors
    /// The answer to what is no envelope with one payload, and to an envelope that refers to an attachment.
    pub(in crate::dialect) fn request<'r, 'd>(
        self,
        headers: &'r HeaderMap,
        message: &'r Message<'r>,
        document: &'d Document<'_>,
    ) -> Result<Request<'r, 'd>, Answer>
    where
        'a: 'r,
    {
        let envelope = Envelope::open(document, &message.media).map_err(|rejected| self.rejected(rejected))?;
        let request = Request { service: self, headers, media: &message.media, envelope };
        message.hold(document).map_err(|fault| request.respond(request.fault("invalid", fault)))?;
        Ok(request)
    }

    /// The answer to what is no readable envelope.
    fn rejected(self, rejected: Rejected) -> Answer {
        let answer = self.fault(rejected.version, "invalid", rejected.fault);
        addressed(answer, rejected.version, rejected.addressing.as_deref(), String::new)
    }

    /// The action of the answer to a payload, as WS-Addressing makes it of a description that names none: namespace, port
    /// type and name of the output.
    fn action(self, payload: &Name<'_>) -> String {
        let operation = payload.local.strip_suffix("Request").unwrap_or(payload.local);
        format!("{}/{}/{operation}Response", payload.namespace, (self.port_type)(&payload.namespace))
    }

    /// A fault as an answer.
    pub(in crate::dialect) fn fault(self, version: Version, outcome: Outcome, fault: Fault) -> Answer {
        let status = StatusCode::from_u16(fault::HTTP_STATUS).expect("the status of faults is one");
        Answer::new(status, outcome, version.content_type(), fault.detailed_in(self.detail).write(version))
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
fn unknown_operation(payload: &Name<'_>, known: &[&str], namespaces: &[&str]) -> Fault {
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
