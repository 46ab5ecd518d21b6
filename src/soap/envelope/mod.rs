//! Reading a request's envelope, in either version.
//!
//! The order of the checks is the profile's: a wrong version first, then mandatory headers, then everything else, and
//! nothing has happened by then. [`Envelope::open`] reads all of it and gives the payload's name, which is enough to
//! check who may call; [`Envelope::fields`] hands out what the payload holds, and judging that is the dialect's part.
//!
//! Tolerated, because clients in use send it: `encodingStyle` and other attributes, blanks, comments and CDATA sections
//! anywhere, `xsi:type` on values, a missing Header.

use std::borrow::Cow;

use super::fault::{Detail, Fault};
use super::media::Media;
use super::version::Version;
use crate::xml::guard::{self, Document};
use crate::xml::limits::Limits;
use crate::xml::reader::{Content, Element, Event, Name, Reader, is_blank_text};
use crate::xml::refusal::Refusal;

/// The namespace of `xsi:nil`.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// More header blocks than this are not named in a fault; nobody sends so many in earnest.
const NAMED: usize = 16;

/// More fields than this no payload may have. They are kept until the dialect has looked at them, and no operation has
/// more than a handful.
const MOST_FIELDS: usize = 256;

/// A request that is no readable envelope: a fault, and the version to write it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The version of the envelope, or the one its Content-Type belongs to when the envelope does not tell.
    pub version: Version,
    /// What is wrong.
    pub fault: Fault,
}

impl Rejected {
    /// The fault's envelope in its version.
    pub fn write(&self) -> String {
        self.fault.write(self.version)
    }
}

/// Lets a request body pass the guard.
///
/// # Errors
/// A Client fault with the guard's reason, in the version that the Content-Type belongs to.
pub fn admit<'t>(body: &'t [u8], media: &Media, limits: &Limits) -> Result<Document<'t>, Rejected> {
    guard::admit(body, media.charset(), limits)
        .map_err(|refusal| Rejected { version: media.expected_version(), fault: unreadable(&refusal) })
}

/// A request's envelope with one payload in its Body.
#[derive(Clone, Debug)]
pub struct Envelope<'d> {
    version: Version,
    payload: Name<'d>,
    content: Payload<'d>,
}

/// What the payload element holds, in document order.
#[derive(Clone, Debug, Default)]
struct Payload<'d> {
    fields: Vec<Field<'d>>,
    stray_text: bool,
}

/// A child element of the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'d> {
    /// What it is called.
    pub name: Name<'d>,
    /// What it holds.
    pub value: Value<'d>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'d> {
    /// Text, untrimmed; empty for an empty element.
    Text(Cow<'d, str>),
    /// Nothing, said by `xsi:nil`.
    Nil,
    /// Elements, where our operations only have text.
    Elements,
}

/// The payload's fields.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'e, 'd>(&'e [Field<'d>]);

/// The answer to looking for one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'e, 'd> {
    /// Not there.
    Missing,
    /// There, once.
    Once(&'e Value<'d>),
    /// There more than once, where once is allowed.
    Repeated,
}

impl<'e, 'd> Fields<'e, 'd> {
    /// Looks for the field `local`, unqualified or in one of `namespaces`.
    pub fn find(self, local: &str, namespaces: &[&str]) -> Found<'e, 'd> {
        let mut matching = self.0.iter().filter(|field| {
            let namespace = &*field.name.namespace;
            field.name.local == local && (namespace.is_empty() || namespaces.contains(&namespace))
        });
        match (matching.next(), matching.next()) {
            (None, _) => Found::Missing,
            (Some(field), None) => Found::Once(&field.value),
            (Some(_), Some(_)) => Found::Repeated,
        }
    }

    /// Every field, in document order.
    pub fn iter(self) -> std::slice::Iter<'e, Field<'d>> {
        self.0.iter()
    }
}

impl<'d> Envelope<'d> {
    /// Reads the envelope in `document`.
    ///
    /// # Errors
    /// VersionMismatch, MustUnderstand, or a Client fault for a broken structure; in that order.
    pub fn open(document: &'d Document<'_>, media: &Media) -> Result<Self, Rejected> {
        let mut reader = Reader::new(document);
        let version = version(&mut reader).map_err(|fault| Rejected { version: media.expected_version(), fault })?;
        let (payload, content) = Opening { reader, version }.envelope().map_err(|fault| Rejected { version, fault })?;
        Ok(Self { version, payload, content })
    }

    /// The version of the envelope, to answer in.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The name of the payload: which operation is called, in which namespace.
    pub const fn payload(&self) -> &Name<'d> {
        &self.payload
    }

    /// What the payload holds.
    ///
    /// # Errors
    /// A Client fault for text between the fields.
    pub fn fields(&self) -> Result<Fields<'_, 'd>, Fault> {
        if self.content.stray_text {
            return Err(structure("text_in_payload", format!("{} holds text beside its fields", self.payload.local)));
        }
        Ok(Fields(&self.content.fields))
    }
}

fn version(reader: &mut Reader<'_>) -> Result<Version, Fault> {
    match reader.next().map_err(|refusal| unreadable(&refusal))? {
        Event::Open(root) if root.name.local != "Envelope" => Err(structure(
            "not_an_envelope",
            format!("The document is no SOAP envelope: its root element is '{}'", shorten(root.name.local)),
        )),
        Event::Open(root) => Version::of_namespace(&root.name.namespace).ok_or_else(Fault::version_mismatch),
        _ => Err(structure("not_an_envelope", "The document is no SOAP envelope")),
    }
}

/// The reading of one envelope, from behind its start tag on.
struct Opening<'d> {
    reader: Reader<'d>,
    version: Version,
}

/// What may come next among the envelope's children.
#[derive(PartialEq)]
enum Expected {
    HeaderOrBody,
    Body,
    End,
}

impl<'d> Opening<'d> {
    fn envelope(mut self) -> Result<(Name<'d>, Payload<'d>), Fault> {
        let mut expected = Expected::HeaderOrBody;
        let mut body = None;
        while let Some(child) = self.child("the envelope")? {
            let ours = *child.name.namespace == *self.version.namespace();
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
                        format!("'{}' is not allowed here: an envelope holds Header, then Body", shorten(other));
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
                    match self.mandatory(&block) {
                        Ok(true) if not_understood.len() < NAMED => not_understood.push(block.name.into()),
                        Ok(true) => {}
                        Ok(false) => {}
                        Err(fault) => broken = Some(fault),
                    }
                    self.reader.content().map_err(|refusal| unreadable(&refusal))?;
                }
                Event::Text(text) if is_blank_text(&text) => {}
                Event::Text(_) => broken = Some(unexpected_text("Header")),
                Event::Close | Event::End => break,
            }
        }
        if !not_understood.is_empty() {
            return Err(Fault::must_understand(not_understood));
        }
        broken.map_or(Ok(()), Err)
    }

    /// Whether we would have to understand this header block, of which we understand none.
    fn mandatory(&self, block: &Element<'d>) -> Result<bool, Fault> {
        let attribute = |local| self.reader.attribute(block, self.version.namespace(), local);
        let Some(value) = attribute("mustUnderstand") else { return Ok(false) };
        if !self.version.addresses_us(attribute(self.version.actor_attribute()).as_deref()) {
            return Ok(false);
        }
        self.version.must_understand(&value).ok_or_else(|| {
            let allowed = match self.version {
                Version::V11 => "0 or 1",
                Version::V12 => "0, 1, false or true",
            };
            // No detail: it is for errors in the Body alone.
            Fault::client(format!("mustUnderstand is '{}'; {allowed} is allowed", shorten(&value)))
        })
    }

    fn body(&mut self) -> Result<(Name<'d>, Payload<'d>), Fault> {
        let payload =
            self.child("Body")?.ok_or_else(|| structure("empty_body", "Body is empty; one payload is needed"))?;
        let content = self.payload()?;
        match self.child("Body")? {
            None => Ok((payload.name, content)),
            Some(_) => Err(structure("second_payload", "Body holds more than one payload; one is allowed")),
        }
    }

    fn payload(&mut self) -> Result<Payload<'d>, Fault> {
        let mut payload = Payload::default();
        loop {
            match self.next()? {
                Event::Open(_) if payload.fields.len() == MOST_FIELDS => {
                    let reason = format!("The payload has too many fields; {MOST_FIELDS} are allowed");
                    return Err(structure("too_many_fields", reason));
                }
                Event::Open(element) => {
                    let nil = self.reader.attribute(&element, SCHEMA_INSTANCE, "nil");
                    let value = match self.reader.content().map_err(|refusal| unreadable(&refusal))? {
                        Content::Elements => Value::Elements,
                        Content::Text(_) if matches!(nil.as_deref(), Some("true" | "1")) => Value::Nil,
                        Content::Text(text) => Value::Text(text),
                    };
                    payload.fields.push(Field { name: element.name, value });
                }
                Event::Text(text) => payload.stray_text |= !is_blank_text(&text),
                Event::Close | Event::End => return Ok(payload),
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

/// No more of a sender's text than a person needs to recognise it.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests;
