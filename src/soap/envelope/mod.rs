//! Reading a request's envelope, in either version.
//!
//! The order of the checks is the profile's: a wrong version first, then mandatory headers, then everything else, and
//! nothing has happened by then. [`Envelope::open`] reads all of it and gives the payload's name, which is enough to
//! check who may call; [`Envelope::fields`] hands out what the payload holds, and judging that is the dialect's part.
//!
//! Of header blocks, `wsse:Security` and those of WS-Addressing are read and count as understood.
//!
//! Tolerated, because clients in use send it: `encodingStyle` and other attributes, which are remarked on; blanks,
//! comments and CDATA sections anywhere, `xsi:type` on values, a missing Header.

use std::borrow::Cow;

use super::addressing::Addressing;
use super::deviation::{Deviation, DeviationKind};
use super::fault::{Detail, Fault};
use super::media::Media;
use super::security::{self, Demand, Security};
use super::tally::Tally;
use super::version::Version;
use crate::text::{SHOWN, shorten};
use crate::xml::guard::{self, Document, Encoding};
use crate::xml::limits::Limits;
use crate::xml::reader::{Content, Element, Event, Name, Reader, is_blank_text};
use crate::xml::refusal::Refusal;

/// The namespace of `xsi:nil` and `xsi:type`.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Children of a payload at most. No operation has more than a few, and whatever is kept of them is memory that a sender
/// chooses.
const MOST_FIELDS: usize = 256;

/// Children of a payload's fields at most, all together; as many again, for the same reason.
const MOST_PARTS: usize = 256;

/// More header blocks than this are not named in a fault; nobody sends so many in earnest.
const NAMED: usize = 16;

/// A request that is no readable envelope: a fault, and the version to write it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The version of the envelope, or the one its Content-Type belongs to when the envelope does not tell.
    pub version: Version,
    /// What is wrong.
    pub fault: Fault,
    /// What the headers of WS-Addressing said, as far as they were read.
    pub addressing: Option<Box<Addressing>>,
}

impl Rejected {
    /// A request that is rejected whatever its headers say of its address.
    pub const fn new(version: Version, fault: Fault) -> Self {
        Self { version, fault, addressing: None }
    }

    /// The fault's envelope in its version.
    pub fn write(&self) -> String {
        self.fault.write(self.version)
    }
}

/// Lets a request body pass the guard; what does not pass is counted.
///
/// # Errors
/// A Client fault with the guard's reason, in the version that the Content-Type belongs to.
pub fn admit<'t>(body: &'t [u8], media: &Media<'_>, limits: &Limits, tally: &Tally) -> Result<Document<'t>, Rejected> {
    guard::admit(body, media.charset(), limits).map_err(|refusal| {
        tally.refuse(refusal.reason());
        Rejected::new(media.expected_version(), unreadable(&refusal))
    })
}

/// A request's envelope with one payload in its Body.
#[derive(Clone, Debug)]
pub struct Envelope<'d> {
    version: Version,
    security: Security,
    addressing: Option<Addressing>,
    remarks: Vec<Deviation>,
    payload: Name<'d>,
    content: Payload<'d>,
}

/// What the payload element holds, in document order.
#[derive(Clone, Debug, Default)]
struct Payload<'d> {
    fields: Vec<Field<'d>>,
    stray_text: bool,
    /// There are more parts of fields than are kept.
    too_many_parts: bool,
}

/// A child element of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'d> {
    /// What it is called.
    pub name: Name<'d>,
    /// What it holds.
    pub value: FieldValue<'d>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue<'d> {
    /// Text, untrimmed; empty for an empty element.
    Text(Cow<'d, str>),
    /// Nothing, said by `xsi:nil`.
    Nil,
    /// Elements, each with its text; what those hold in turn is not kept.
    Elements(Vec<Field<'d>>),
}

/// The payload's fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'e, 'd>(&'e [Field<'d>]);

/// The answer to looking for one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldLookup<'e, 'd> {
    /// Not there.
    Missing,
    /// There, once.
    Once(&'e FieldValue<'d>),
    /// There more than once, where once is allowed.
    Repeated,
}

impl<'e, 'd> Fields<'e, 'd> {
    /// Looks for the field `local`, unqualified or in one of `namespaces`.
    pub fn find(self, local: &str, namespaces: &[&str]) -> FieldLookup<'e, 'd> {
        let mut matching = self.0.iter().filter(|field| {
            let namespace = &*field.name.namespace;
            field.name.local == local && (namespace.is_empty() || namespaces.contains(&namespace))
        });
        match (matching.next(), matching.next()) {
            (None, _) => FieldLookup::Missing,
            (Some(field), None) => FieldLookup::Once(&field.value),
            (Some(_), Some(_)) => FieldLookup::Repeated,
        }
    }

    /// Every field, in document order.
    pub fn iter(self) -> std::slice::Iter<'e, Field<'d>> {
        self.0.iter()
    }
}

impl<'e, 'd> From<&'e [Field<'d>]> for Fields<'e, 'd> {
    fn from(fields: &'e [Field<'d>]) -> Self {
        Self(fields)
    }
}

impl<'d> Envelope<'d> {
    /// Reads the envelope in `document`.
    ///
    /// # Errors
    /// VersionMismatch, MustUnderstand, or a Client fault for a broken structure; in that order.
    pub fn open(document: &'d Document<'_>, media: &Media<'_>) -> Result<Self, Rejected> {
        let mut reader = Reader::new(document);
        let (root, version) = root(&mut reader).map_err(|fault| Rejected::new(media.expected_version(), fault))?;
        let remarks = remarks_on(document);
        let mut opening = Opening { reader, version, security: None, addressing: None, remarks };
        opening.remark_on(&root);
        let read = opening.envelope();
        let Opening { security, addressing, remarks, .. } = opening;
        match read {
            Ok((payload, content)) => {
                Ok(Self { version, security: security.unwrap_or_default(), addressing, remarks, payload, content })
            }
            Err(fault) => Err(Rejected { version, fault, addressing: addressing.map(Box::new) }),
        }
    }

    /// The version of the envelope, to answer in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The name of the payload: which operation is called, in which namespace.
    pub const fn payload(&self) -> &Name<'d> {
        &self.payload
    }

    /// What the Security header says; nothing where there is none.
    pub const fn security(&self) -> &Security {
        &self.security
    }

    /// An encoding and attributes that no description of a document/literal service has.
    pub fn remarks(&self) -> &[Deviation] {
        &self.remarks
    }

    /// What the headers of WS-Addressing say, if there are any.
    pub const fn addressing(&self) -> Option<&Addressing> {
        self.addressing.as_ref()
    }

    /// What the payload holds.
    ///
    /// # Errors
    /// A Client fault for text between the fields, and for more elements within them than are kept.
    pub fn fields(&self) -> Result<Fields<'_, 'd>, Fault> {
        if self.content.stray_text {
            return Err(structure("text_in_payload", format!("{} holds text beside its fields", self.payload.local)));
        }
        if self.content.too_many_parts {
            return Err(too_many_fields(MOST_PARTS));
        }
        Ok(Fields(&self.content.fields))
    }
}

/// What is to be said of the document before it is read.
fn remarks_on(document: &Document<'_>) -> Vec<Deviation> {
    match document.encoding() {
        Encoding::Utf8 | Encoding::Utf16 => Vec::new(),
        Encoding::Windows1252 => {
            vec![
                Deviation::of(DeviationKind::Encoding)
                    .expecting("UTF-8 or UTF-16")
                    .finding("ISO-8859-1 or windows-1252"),
            ]
        }
    }
}

fn root<'d>(reader: &mut Reader<'d>) -> Result<(Element<'d>, Version), Fault> {
    match reader.next().map_err(|refusal| unreadable(&refusal))? {
        Event::Open(root) if root.name.local != "Envelope" => Err(structure(
            "not_an_envelope",
            format!("The document is no SOAP envelope: its root element is '{}'", shorten(root.name.local, SHOWN)),
        )),
        Event::Open(root) => {
            let version = Version::of_namespace(&root.name.namespace).ok_or_else(Fault::version_mismatch)?;
            Ok((root, version))
        }
        _ => Err(structure("not_an_envelope", "The document is no SOAP envelope")),
    }
}

/// The reading of one envelope, from behind its start tag on.
struct Opening<'d> {
    reader: Reader<'d>,
    version: Version,
    security: Option<Security>,
    addressing: Option<Addressing>,
    remarks: Vec<Deviation>,
}

/// What may come next among the envelope's children.
#[derive(PartialEq)]
enum Expected {
    HeaderOrBody,
    Body,
    End,
}

impl<'d> Opening<'d> {
    fn envelope(&mut self) -> Result<(Name<'d>, Payload<'d>), Fault> {
        let mut expected = Expected::HeaderOrBody;
        let mut body = None;
        while let Some(child) = self.child("the envelope")? {
            let ours = *child.name.namespace == *self.version.namespace();
            self.remark_on(&child);
            match child.name.local {
                "Header" if ours && expected == Expected::HeaderOrBody => {
                    self.header()?;
                    expected = Expected::Body;
                }
                "Header" if ours => {
                    return Err(structure("misplaced_header", "Header is allowed once, before Body"));
                }
                "Body" if ours && expected != Expected::End => {
                    body = Some(self.body()?);
                    expected = Expected::End;
                }
                other => {
                    let reason =
                        format!("'{}' is not allowed here: an envelope holds Header, then Body", shorten(other, SHOWN));
                    return Err(structure("unexpected_element", reason));
                }
            }
        }
        body.ok_or_else(|| structure("missing_body", "The envelope has no Body"))
    }

    /// Every header block is looked at before the first is complained about, so that the sender is told of several.
    fn header(&mut self) -> Result<(), Fault> {
        let mut not_understood = Vec::new();
        let mut broken = None;
        loop {
            match self.next()? {
                Event::Open(block) => {
                    let problem = match self.demand(&block) {
                        Ok(Some(demand)) if security::is_block(&block.name) => self.security(demand)?.err(),
                        Ok(Some(_)) if Addressing::is_block(self.addressing.as_ref(), &block.name) => {
                            let read = Addressing::read(&mut self.addressing, &block, &mut self.reader);
                            read.map_err(|refusal| unreadable(&refusal))?.err()
                        }
                        Ok(Some(Demand::Mandatory)) => {
                            if not_understood.len() < NAMED {
                                not_understood.push(block.name.into());
                            }
                            self.skip()?;
                            None
                        }
                        Ok(_) => {
                            self.skip()?;
                            None
                        }
                        Err(fault) => {
                            self.skip()?;
                            Some(fault)
                        }
                    };
                    broken = broken.or(problem);
                }
                Event::Text(text) if is_blank_text(&text) => {}
                Event::Text(_) => broken = broken.or_else(|| Some(unexpected_text("Header"))),
                Event::Close | Event::End => break,
            }
        }
        if !not_understood.is_empty() {
            return Err(Fault::must_understand(not_understood));
        }
        broken.map_or(Ok(()), Err)
    }

    /// Reads a Security block; what is wrong with it is told apart, since other blocks come first.
    fn security(&mut self, demand: Demand) -> Result<Result<(), Fault>, Fault> {
        let block = security::Block::read(&mut self.reader, demand).map_err(|refusal| unreadable(&refusal))?;
        Ok(block.finish().and_then(|security| match self.security.replace(security) {
            None => Ok(()),
            Some(_) => Err(Fault::client("The wsse:Security header is given more than once; once is allowed")),
        }))
    }

    fn skip(&mut self) -> Result<(), Fault> {
        self.reader.content().map(drop).map_err(|refusal| unreadable(&refusal))
    }

    /// What a header block asks of us; `None` where it is for somebody else.
    fn demand(&self, block: &Element<'d>) -> Result<Option<Demand>, Fault> {
        let attribute = |local| self.reader.attribute(block, self.version.namespace(), local);
        if !self.version.addresses_us(attribute(self.version.actor_attribute()).as_deref()) {
            return Ok(None);
        }
        let Some(value) = attribute("mustUnderstand") else { return Ok(Some(Demand::Optional)) };
        let mandatory = self.version.must_understand(&value).ok_or_else(|| {
            let allowed = match self.version {
                Version::V11 => "0 or 1",
                Version::V12 => "0, 1, false or true",
            };
            // No detail: it is for errors in the Body alone.
            Fault::client(format!("mustUnderstand is '{}'; {allowed} is allowed", shorten(&value, SHOWN)))
        })?;
        Ok(Some(if mandatory { Demand::Mandatory } else { Demand::Optional }))
    }

    /// Notes the attributes of an element just opened that no schema of ours has, `xsi` aside.
    fn remark_on(&mut self, element: &Element<'d>) {
        for name in self.reader.attribute_names(element).filter(|name| *name.namespace != *SCHEMA_INSTANCE) {
            let of_soap = Version::of_namespace(&name.namespace).is_some() || name.namespace.is_empty();
            let in_envelope = Version::of_namespace(&element.name.namespace).is_some();
            let kind = match name.local {
                "encodingStyle" if of_soap => DeviationKind::EncodingStyle,
                // The schema of envelopes lets attributes of others in.
                _ if in_envelope && !of_soap => continue,
                _ => DeviationKind::Attribute,
            };
            // One of a kind is enough, and keeps a flood of attributes from filling the memory.
            if self.remarks.iter().all(|remark| remark.kind != kind) {
                self.remarks.push(Deviation::at(kind, element.name.local).finding(name.local));
            }
        }
    }

    fn body(&mut self) -> Result<(Name<'d>, Payload<'d>), Fault> {
        let payload =
            self.child("Body")?.ok_or_else(|| structure("empty_body", "Body is empty; one payload is needed"))?;
        self.remark_on(&payload);
        let content = self.payload()?;
        match self.child("Body")? {
            None => Ok((payload.name, content)),
            Some(_) => Err(structure("second_payload", "Body holds more than one payload; one is allowed")),
        }
    }

    fn payload(&mut self) -> Result<Payload<'d>, Fault> {
        let mut payload = Payload::default();
        let mut parts = 0;
        loop {
            match self.next()? {
                Event::Open(_) if payload.fields.len() == MOST_FIELDS => {
                    return Err(too_many_fields(MOST_FIELDS));
                }
                Event::Open(element) => {
                    self.remark_on(&element);
                    payload.fields.push(field(&mut self.reader, element, &mut parts)?);
                }
                Event::Text(text) => payload.stray_text |= !is_blank_text(&text),
                Event::Close | Event::End => {
                    payload.too_many_parts = parts > MOST_PARTS;
                    return Ok(payload);
                }
            }
        }
    }

    /// The next child of the open element, or `None` when it ends.
    fn child(&mut self, parent: &'static str) -> Result<Option<Element<'d>>, Fault> {
        loop {
            match self.next()? {
                Event::Open(element) => return Ok(Some(element)),
                Event::Text(text) if is_blank_text(&text) => {}
                Event::Text(_) => return Err(unexpected_text(parent)),
                Event::Close | Event::End => return Ok(None),
            }
        }
    }

    fn next(&mut self) -> Result<Event<'d>, Fault> {
        self.reader.next().map_err(|refusal| unreadable(&refusal))
    }
}

/// A field just opened, with the elements it holds; `count` is how many parts all fields have so far.
fn field<'d>(reader: &mut Reader<'d>, element: Element<'d>, count: &mut usize) -> Result<Field<'d>, Fault> {
    let mut parts = Vec::new();
    let nil = is_nil(reader, &element);
    let content = reader.content_of(|reader, part| {
        *count += 1;
        if *count > MOST_PARTS {
            return reader.content().map(drop);
        }
        let nil = is_nil(reader, &part);
        let value = value(nil, reader.content()?, Vec::new());
        parts.push(Field { name: part.name, value });
        Ok(())
    });
    let content = content.map_err(|refusal: Refusal| unreadable(&refusal))?;
    Ok(Field { name: element.name, value: value(nil, content, parts) })
}

fn value<'d>(nil: bool, content: Content<'d>, parts: Vec<Field<'d>>) -> FieldValue<'d> {
    match content {
        Content::Elements => FieldValue::Elements(parts),
        Content::Text(_) if nil => FieldValue::Nil,
        Content::Text(text) => FieldValue::Text(text),
    }
}

fn is_nil<'d>(reader: &Reader<'d>, element: &Element<'d>) -> bool {
    matches!(reader.attribute(element, SCHEMA_INSTANCE, "nil").as_deref(), Some("true" | "1"))
}

fn too_many_fields(limit: usize) -> Fault {
    structure("too_many_fields", format!("The payload has too many fields; {limit} are allowed"))
}

fn structure(label: &'static str, reason: impl Into<Cow<'static, str>>) -> Fault {
    Fault::client(reason).with_detail(Detail { reason: label.into(), ..Detail::default() })
}

fn unreadable(refusal: &Refusal) -> Fault {
    Fault::client(format!("The request is not a readable XML document: {refusal}")).with_detail(Detail {
        reason: refusal.reason().label().into(),
        found: refusal.found().map(|found| found.to_owned().into()),
        ..Detail::default()
    })
}

fn unexpected_text(parent: &'static str) -> Fault {
    structure("unexpected_text", format!("Text is not allowed directly in {parent}"))
}

#[cfg(test)]
mod tests;
