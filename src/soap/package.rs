//! An envelope in a package (`multipart/related`), as clients send it that have MTOM or attachments switched on.
//!
//! The part that `start` names, else the first one, is the message. No operation of any service here has a place for an
//! attachment, so whatever the envelope refers to in the package is refused by its name: `xop:Include` of MTOM as well
//! as `cid:` addresses of SOAP with Attachments. A part that nothing refers to says nothing, and counts as an element that
//! nobody asks for does.

use std::borrow::Cow;

use bytes::Bytes;
use percent_encoding::percent_decode_str;

use super::deviation::shorten;
use super::envelope::Rejected;
use super::fault::{Detail, Fault};
use super::media::Media;
use super::version::Version;
use crate::media::{ContentType, Part, Parts, bare_id};
use crate::xml::guard::Document;
use crate::xml::reader::{Element, Event, Reader};
use crate::xml::refusal::Refusal;

/// The type of a package.
const RELATED: &str = "multipart/related";
/// The type of a root part that may have includes.
const XOP: &str = "application/xop+xml";
/// The namespace of includes.
const INCLUDE: &str = "http://www.w3.org/2004/08/xop/include";
/// Parts of a package at most. Whoever has MTOM switched on sends one, and no attachment is read.
const MOST_PARTS: usize = 16;

/// What the header of a package says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package<'h> {
    boundary: Option<Cow<'h, str>>,
    /// The id of the root part.
    start: Option<Cow<'h, str>>,
    /// The type of the root part.
    root: Option<Cow<'h, str>>,
    /// The type that the root part would have without its includes.
    start_info: Option<Cow<'h, str>>,
    action: Option<Cow<'h, str>>,
}

/// The envelope of a request, wherever in its body it stands.
#[derive(Clone, Debug)]
pub struct Message<'b> {
    /// What it says of itself.
    pub media: Media<'b>,
    /// The envelope as it was sent.
    pub bytes: Cow<'b, [u8]>,
    /// The names of the other parts of its package, and their ids if they have some.
    others: Vec<(String, Option<String>)>,
}

impl<'h> Package<'h> {
    /// The package that a type is, if it is one whose root part may be an envelope.
    pub(super) fn of(declared: &ContentType<'h>) -> Option<Self> {
        let parameter = |name| declared.parameter(name).filter(|value| !value.is_empty());
        let root = parameter("type");
        let readable =
            root.as_deref().map(ContentType::parse).is_none_or(|root| root.is(XOP) || Media::of(Some(root)).is_ok());
        (declared.is(RELATED) && readable).then(|| Self {
            boundary: parameter("boundary"),
            start: parameter("start"),
            root,
            start_info: parameter("start-info"),
            action: parameter("action"),
        })
    }

    /// The version that the envelope should be of.
    pub fn expected_version(&self) -> Version {
        let said = [&self.start_info, &self.root].into_iter().flatten();
        let mut medias = said.filter_map(|said| Media::of(Some(ContentType::parse(said))).ok());
        medias.next().map_or(Version::V11, |media| media.expected_version())
    }

    /// Takes a body apart.
    ///
    /// # Errors
    /// A Client fault for what is no package, and for a root part that is no envelope.
    pub async fn unpack(&self, body: &Bytes) -> Result<Message<'static>, Rejected> {
        self.take_apart(body).await.map_err(|reason| {
            let detail = Detail { reason: "broken_package".into(), ..Detail::default() };
            Rejected::new(self.expected_version(), Fault::client(reason).with_detail(detail))
        })
    }

    async fn take_apart(&self, body: &Bytes) -> Result<Message<'static>, String> {
        let boundary = self.boundary.as_deref();
        let boundary = boundary
            .ok_or("The Content-Type multipart/related has no boundary; it must name the one between the parts")?;
        let mut parts = Parts::of(body, boundary);
        let mut all = Vec::new();
        while let Some(part) = parts.next().await.map_err(|broken| format!("The multipart body {broken}"))? {
            if all.len() == MOST_PARTS {
                return Err(format!("The multipart body has too many parts; {MOST_PARTS} are allowed"));
            }
            all.push(part);
        }
        let root = all.remove(self.root_among(&all)?);
        let others = all.into_iter().enumerate().map(|(at, part)| {
            let name = part.id.as_deref().map_or_else(|| format!("number {}", at + 2), shorten);
            (name, part.id)
        });
        self.open(&root, others.collect())
    }

    /// Where the root part is.
    fn root_among(&self, parts: &[Part]) -> Result<usize, String> {
        if parts.is_empty() {
            return Err("The multipart body has no parts; the envelope must be one".to_owned());
        }
        let Some(start) = &self.start else { return Ok(0) };
        let start = bare_id(start);
        parts.iter().position(|part| part.id.as_deref() == Some(start)).ok_or_else(|| {
            let there: Vec<_> = parts.iter().filter_map(|part| part.id.as_deref()).map(shorten).collect();
            let there =
                if there.is_empty() { "none has one".to_owned() } else { format!("there are {}", there.join(", ")) };
            format!("No part has the Content-ID '{}', which the parameter start names; {there}", shorten(start))
        })
    }

    /// Reads what the root part says of itself.
    fn open(&self, root: &Part, others: Vec<(String, Option<String>)>) -> Result<Message<'static>, String> {
        let own = root.content_type.as_deref().or(self.root.as_deref()).unwrap_or(XOP);
        let own = ContentType::parse(own);
        let inner = own.parameter("type").filter(|_| own.is(XOP));
        let inner = inner.as_deref().or(self.start_info.as_deref().filter(|_| own.is(XOP))).map(ContentType::parse);
        let media = match inner {
            Some(inner) => Media::of(Some(inner)),
            None if own.is(XOP) => Media::of(Some(ContentType::parse("application/xml"))),
            None => Media::of(Some(own)),
        };
        let media = media.map_err(|_| {
            format!(
                "The root part is '{}'; an envelope is {XOP} with the parameter type, text/xml, application/soap+xml or \
                 application/xml",
                shorten(inner.unwrap_or(own).essence())
            )
        })?;
        let start_info = self.start_info.as_deref().map(ContentType::parse);
        let action =
            [own.parameter("action"), start_info.and_then(|info| info.parameter("action")), self.action.clone()];
        let action = action.into_iter().flatten().find(|action| !action.is_empty());
        let beside = others.iter().map(|(name, _)| name.clone()).collect();
        let bytes = root.bytes().map_err(|problem| format!("The root part {problem}"))?;
        let media = media.packed(own.charset_name(), action, beside);
        Ok(Message { media, bytes: bytes.into_owned().into(), others })
    }
}

impl<'b> Message<'b> {
    /// A body that is an envelope.
    pub(super) fn bare(media: Media<'b>, body: &'b Bytes) -> Self {
        Self { media, bytes: Cow::Borrowed(body), others: Vec::new() }
    }

    /// Refuses the envelope of a package that refers to an attachment.
    ///
    /// # Errors
    /// A Client fault that names the first one.
    pub fn hold(&self, document: &Document<'_>) -> Result<(), Fault> {
        if self.media.beside().is_none() {
            return Ok(());
        }
        let unreadable = |refusal: Refusal| Fault::client(format!("The root part cannot be read: {refusal}"));
        match self.reference(&mut Reader::new(document)).map_err(unreadable)? {
            None => Ok(()),
            Some((name, field)) => Err(Fault::client(format!(
                "Attachments are not read, and the element '{field}' refers to the attachment '{name}': put the value \
                 itself into the element"
            ))
            .with_detail(Detail {
                reason: "attachment".into(),
                field: Some(field.into()),
                expected: Some("the value itself".into()),
                found: Some(name.into()),
            })),
        }
    }

    /// The first attachment that is referred to, and the element that does.
    fn reference(&self, reader: &mut Reader<'_>) -> Result<Option<(String, String)>, Refusal> {
        let mut open: Vec<(String, String)> = Vec::new();
        loop {
            match reader.next()? {
                Event::Open(element) => {
                    let parent = open.last().map_or(element.name.local, |(parent, _)| parent);
                    if element.name.is(INCLUDE, "Include") {
                        let href = reader.attribute(&element, "", "href").unwrap_or_default();
                        return Ok(Some((self.named(&href).unwrap_or_else(|| shorten(&href)), shorten(parent))));
                    }
                    if let Some(name) = self.named_by_attribute(reader, &element) {
                        return Ok(Some((name, shorten(element.name.local))));
                    }
                    open.push((element.name.local.to_owned(), String::new()));
                }
                Event::Text(piece) => {
                    if let Some((_, text)) = open.last_mut() {
                        text.push_str(&piece);
                    }
                }
                Event::Close => {
                    let closed = open.pop();
                    let found = closed.and_then(|(element, text)| Some((self.named(text.trim())?, shorten(&element))));
                    if found.is_some() {
                        return Ok(found);
                    }
                }
                Event::End => return Ok(None),
            }
        }
    }

    fn named_by_attribute(&self, reader: &Reader<'_>, element: &Element<'_>) -> Option<String> {
        let mut names = reader.attribute_names(element);
        names.find_map(|name| self.named(&reader.attribute(element, &name.namespace, name.local)?))
    }

    /// The part that a `cid:` address means; its id may be percent-encoded or not.
    fn named(&self, address: &str) -> Option<String> {
        let (scheme, written) = address.split_once(':')?;
        let decoded = percent_decode_str(written).decode_utf8_lossy();
        let means = |id: &Option<String>| id.as_deref().is_some_and(|id| id == written || id == decoded);
        let mut others = self.others.iter().filter(|_| scheme.eq_ignore_ascii_case("cid"));
        others.find(|(_, id)| means(id)).map(|(name, _)| name.clone())
    }
}
