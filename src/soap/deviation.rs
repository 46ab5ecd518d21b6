//! How a request differs from what its description says, though it can be understood.
//!
//! A dialect tells what the description says of one request; the comparison names every difference, and the dialect
//! decides whether a difference is tolerated or refused. What cannot be understood at all is a fault before it gets
//! here.

use std::borrow::Cow;

use super::action::Action;
use super::envelope::{Envelope, Field, FieldValue, Fields};
use super::fault::{Detail, Fault};
use super::media::Media;
use super::version::Version;
use crate::text;
use crate::xml::labelled::labelled;

labelled! {
    /// What can be different.
    DeviationKind {
        /// A document in ISO-8859-1 or windows-1252.
        Encoding, "encoding", "the document is neither in UTF-8 nor in UTF-16";
        /// `encodingStyle`, on the envelope or below.
        EncodingStyle, "encoding_style", "encodingStyle is given, but the service is document/literal";
        /// An attribute that the schema does not have.
        Attribute, "attribute", "an attribute is given that is not described";
        /// A Content-Type that does not belong to the version of the envelope.
        MediaType, "media_type", "the Content-Type does not belong to the version of the envelope";
        /// The envelope came as a part of a package.
        Package, "package", "the envelope is part of a package, but the description has neither MTOM nor attachments";
        /// A package has more parts than the envelope, and the envelope refers to none of them.
        ExtraPart, "extra_part", "the envelope is part of a package with another part, to which it does not refer";
        /// No SOAPAction header, in SOAP 1.1.
        ActionMissing, "soap_action_missing", "the SOAPAction header is missing";
        /// An empty SOAPAction.
        ActionEmpty, "soap_action_empty", "the SOAPAction is empty";
        /// A SOAPAction without its quotes.
        ActionUnquoted, "soap_action_unquoted", "the SOAPAction is not in double quotes";
        /// A SOAPAction that names something else than the payload does.
        ActionMismatch, "soap_action_mismatch", "the SOAPAction is not the one of the operation in the Body";
        /// A payload in the namespace of another service than the one at this address.
        OtherService, "other_service", "the payload belongs to another service than the one at this address";
        /// A payload under another name than its element has.
        PayloadName, "payload_name", "the payload is not named as its element is described";
        /// A field without namespace.
        UnqualifiedElement, "unqualified_element", "an element has no namespace, but the described one is qualified";
        /// A field in the namespace of another service.
        OtherNamespace, "other_namespace", "an element is in the namespace of another service than its payload";
        /// A field that is not described.
        ExtraElement, "extra_element", "an element is given that is not described";
        /// Fields in another order.
        ElementOrder, "element_order", "an element does not stand in the described order";
        /// `xsi:nil` on an element that cannot be nil.
        NilValue, "nil_value", "an element is nil, but the described one is not nillable";
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What is different.
    pub kind: DeviationKind,
    /// The element or attribute it is about, if it is about one.
    pub field: Option<String>,
    /// What the description says.
    pub expected: Option<Cow<'static, str>>,
    /// What the request has; a name or an action, never a value of an element.
    pub found: Option<String>,
}

/// What the description says of one request.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The namespace of the service at the address that was called.
    pub service: &'a str,
    /// The operation; the action is `namespace/operation`.
    pub operation: &'a str,
    /// The local name of the payload's element.
    pub element: &'a str,
    /// The local names of its children, in order.
    pub fields: &'a [&'a str],
    /// The local names of the children of those that hold elements, in order.
    pub parts: &'a [&'a str],
    /// Namespaces that are taken for the payload's own.
    pub aliases: &'a [&'a str],
}

impl Deviation {
    pub(super) fn of(kind: DeviationKind) -> Self {
        Self { kind, field: None, expected: None, found: None }
    }

    pub(super) fn at(kind: DeviationKind, field: &str) -> Self {
        Self { field: Some(shorten(field)), ..Self::of(kind) }
    }

    pub(super) fn expecting(self, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { expected: Some(expected.into()), ..self }
    }

    pub(super) fn finding(self, found: &str) -> Self {
        Self { found: Some(shorten(found)), ..self }
    }

    /// The fault that refuses the request for this difference.
    pub fn fault(self) -> Fault {
        let mut reason = format!("The request is not as the WSDL describes it: {}", self.kind.sentence());
        for (word, value) in [
            ("element or attribute", self.field.as_deref()),
            ("expected", self.expected.as_deref()),
            ("found", self.found.as_deref()),
        ] {
            if let Some(value) = value {
                reason.push_str(&format!("; {word} '{value}'"));
            }
        }
        Fault::client(reason).with_detail(Detail {
            reason: self.kind.label().into(),
            field: self.field.map(Cow::Owned),
            expected: self.expected,
            found: self.found.map(Cow::Owned),
        })
    }
}

/// The differences between a request and its description, the first of each kind; nothing is allocated where there is
/// none.
pub fn compare(
    envelope: &Envelope<'_>,
    fields: Fields<'_, '_>,
    media: &Media<'_>,
    action: Action<'_>,
    described: &Described<'_>,
) -> Vec<Deviation> {
    let mut found = envelope.remarks().to_vec();
    if !media.belongs_to(envelope.version()) {
        let expected = envelope.version().content_type().split(';').next().unwrap_or_default();
        found.push(Deviation::of(DeviationKind::MediaType).expecting(expected).finding(media.essence()));
    }
    found.extend(media.beside().map(|beside| match beside.first() {
        Some(part) => Deviation::of(DeviationKind::ExtraPart).finding(part),
        None => Deviation::of(DeviationKind::Package).expecting(media.essence()).finding("multipart/related"),
    }));
    let payload = envelope.payload();
    found.extend(compare_action(envelope.version(), media, action, &payload.namespace, described));
    if *payload.namespace != *described.service {
        found.push(
            Deviation::at(DeviationKind::OtherService, payload.local)
                .expecting(described.service.to_owned())
                .finding(&payload.namespace),
        );
    }
    if payload.local != described.element {
        let expected = described.element.to_owned();
        found.push(Deviation::at(DeviationKind::PayloadName, payload.local).expecting(expected).finding(payload.local));
    }
    compare_fields(fields, described.fields, &payload.namespace, described, &mut found);
    for field in fields.iter() {
        if let (FieldValue::Elements(parts), false) = (&field.value, described.parts.is_empty()) {
            compare_fields(parts.as_slice().into(), described.parts, &payload.namespace, described, &mut found);
        }
    }
    found
}

/// In SOAP 1.1 the action is a header, in 1.2 an optional parameter of the Content-Type.
fn compare_action(
    version: Version,
    media: &Media<'_>,
    header: Action<'_>,
    namespace: &str,
    described: &Described<'_>,
) -> Option<Deviation> {
    let parameter = if version == Version::V12 { media.action() } else { None };
    let action = match version {
        Version::V11 => header,
        Version::V12 => parameter.map_or(Action::Missing, Action::Quoted),
    };
    let is_right =
        |text: &str| text.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/')) == Some(described.operation);
    let (kind, text) = match action {
        Action::Missing if version == Version::V12 => return None,
        Action::Missing => (DeviationKind::ActionMissing, None),
        Action::Quoted(text) | Action::Unquoted(text) if text.is_empty() => (DeviationKind::ActionEmpty, None),
        Action::Quoted(text) | Action::Unquoted(text) if !is_right(text) => (DeviationKind::ActionMismatch, Some(text)),
        Action::Unquoted(text) => (DeviationKind::ActionUnquoted, Some(text)),
        Action::Quoted(_) => return None,
    };
    let deviation = Deviation::of(kind).expecting([namespace, "/", described.operation].concat());
    Some(match text {
        Some(text) => deviation.finding(text),
        None => deviation,
    })
}

/// The differences between fields and their `names`, as far as none of the kind is found yet.
fn compare_fields(
    fields: Fields<'_, '_>,
    names: &[&str],
    namespace: &str,
    described: &Described<'_>,
    found: &mut Vec<Deviation>,
) {
    let mut reached = 0;
    for field in fields.iter() {
        if let Some(deviation) = compare_field(field, namespace, &mut reached, names, described.aliases)
            && found.iter().all(|earlier| earlier.kind != deviation.kind)
        {
            found.push(deviation);
        }
    }
}

/// At most one difference for each field: the first that matters. `reached` is the place of the last field.
fn compare_field(
    field: &Field<'_>,
    namespace: &str,
    reached: &mut usize,
    names: &[&str],
    aliases: &[&str],
) -> Option<Deviation> {
    let (name, own) = (field.name.local, *field.name.namespace == *namespace);
    let known = own || field.name.namespace.is_empty() || aliases.contains(&&*field.name.namespace);
    let place = names.iter().position(|described| known && *described == name);
    let Some(place) = place else {
        return Some(Deviation::at(DeviationKind::ExtraElement, name).expecting(names.join(", ")).finding(name));
    };
    if !own {
        let kind = if field.name.namespace.is_empty() {
            DeviationKind::UnqualifiedElement
        } else {
            DeviationKind::OtherNamespace
        };
        let deviation = Deviation::at(kind, name).expecting(namespace.to_owned());
        *reached = place.max(*reached);
        return Some(deviation.finding(&field.name.namespace));
    }
    if place < *reached {
        return Some(Deviation::at(DeviationKind::ElementOrder, name).expecting(names.join(", ")).finding(name));
    }
    *reached = place;
    (field.value == FieldValue::Nil).then(|| Deviation::at(DeviationKind::NilValue, name))
}

/// No more of a sender's text than a person needs to recognise it.
pub(super) fn shorten(text: &str) -> String {
    text::shorten(text, 100)
}
