//! The Content-Type of a SOAP request: which ones are read as envelopes, and what they say about encoding and version.

use std::borrow::Cow;

use bytes::Bytes;

use super::envelope::Rejected;
use super::package::{Message, Package};
use super::version::Version;
use crate::media::ContentType;

/// What a request declares of its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Declared<'h> {
    /// An envelope.
    Envelope(Media<'h>),
    /// Parts, one of which is an envelope.
    Package(Package<'h>),
}

/// A Content-Type that is read as an envelope: that of the request or, in a package, that of the part that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media<'h> {
    kind: XmlType,
    charset: Option<Cow<'h, str>>,
    action: Option<Cow<'h, str>>,
    /// What else was in the package that the envelope came in.
    beside: Option<Box<[String]>>,
}

/// A media type without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum XmlType {
    TextXml,
    SoapXml,
    Xml,
}

/// The types that are read, as the header `Accept` lists them.
pub const ACCEPTED: &str = "text/xml, application/soap+xml, application/xml, multipart/related";

/// A Content-Type that is missing or is not XML: the caller answers 415, without an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a SOAP request needs Content-Type text/xml, application/soap+xml or application/xml, or multipart/related with such an \
     envelope as its root part"
)]
pub struct UnsupportedMedia;

impl<'h> Declared<'h> {
    /// What a request declares.
    ///
    /// # Errors
    /// A missing header and every type that is neither one of envelopes nor a package of parts.
    pub fn of(declared: Option<ContentType<'h>>) -> Result<Self, UnsupportedMedia> {
        let package = || declared.and_then(|declared| Package::of(&declared)).map(Self::Package);
        Media::of(declared).map(Self::Envelope).or_else(|unsupported| package().ok_or(unsupported))
    }

    /// The envelope in a body of this type.
    ///
    /// # Errors
    /// A Client fault for a package without one.
    pub async fn message<'b>(&'b self, body: &'b Bytes) -> Result<Message<'b>, Rejected> {
        match self {
            Self::Envelope(media) => Ok(Message::bare(media.clone(), body)),
            Self::Package(package) => package.unpack(body).await,
        }
    }

    /// The version that the type belongs to. The envelope itself decides; this one answers what is no envelope.
    pub fn expected_version(&self) -> Version {
        match self {
            Self::Envelope(media) => media.expected_version(),
            Self::Package(package) => package.expected_version(),
        }
    }
}

impl<'h> Media<'h> {
    /// The type that a body or a part declares.
    ///
    /// # Errors
    /// A missing header and every type that is not one of envelopes.
    pub fn of(declared: Option<ContentType<'h>>) -> Result<Self, UnsupportedMedia> {
        let declared = declared.ok_or(UnsupportedMedia)?;
        let kinds = [XmlType::TextXml, XmlType::SoapXml, XmlType::Xml];
        let kind = kinds.into_iter().find(|kind| declared.is(kind.name())).ok_or(UnsupportedMedia)?;
        let action = declared.parameter("action").filter(|action| !action.is_empty());
        Ok(Self { kind, charset: declared.charset_name(), action, beside: None })
    }

    /// The version that the type belongs to. The envelope itself decides; this one answers what is no envelope.
    pub const fn expected_version(&self) -> Version {
        match self.kind {
            XmlType::SoapXml => Version::V12,
            XmlType::TextXml | XmlType::Xml => Version::V11,
        }
    }

    /// Whether envelopes of this version travel under this type.
    pub fn belongs_to(&self, version: Version) -> bool {
        match version {
            Version::V11 => self.kind == XmlType::TextXml,
            Version::V12 => self.kind == XmlType::SoapXml,
        }
    }

    /// The type without its parameters.
    pub const fn essence(&self) -> &'static str {
        self.kind.name()
    }

    /// The action parameter, which SOAP 1.2 has instead of a header, if there is one.
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// The name in the charset parameter, if there is one; what is read under it is the guard's business.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }

    /// The names of the other parts of the package that the envelope came in; `None` where it came in none.
    pub fn beside(&self) -> Option<&[String]> {
        self.beside.as_deref()
    }

    /// The same media for the root of a package, with what the package says of its action and holds beside the root.
    pub(super) fn packed(
        self,
        charset: Option<Cow<'_, str>>,
        action: Option<Cow<'_, str>>,
        beside: Vec<String>,
    ) -> Media<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Media {
            kind: self.kind,
            charset: charset.map(owned),
            action: self.action.map(owned).or(action.map(owned)),
            beside: Some(beside.into()),
        }
    }
}

impl XmlType {
    const fn name(self) -> &'static str {
        match self {
            Self::TextXml => "text/xml",
            Self::SoapXml => "application/soap+xml",
            Self::Xml => "application/xml",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(header: &str) -> Result<Media<'_>, UnsupportedMedia> {
        match Declared::of(Some(ContentType::parse(header)))? {
            Declared::Envelope(media) => Ok(media),
            Declared::Package(package) => panic!("{header}: {package:?}"),
        }
    }

    #[test]
    fn xml_types_are_accepted_however_they_are_spelt() {
        for (header, version, charset) in [
            ("text/xml", Version::V11, None),
            ("text/xml;charset=UTF-8", Version::V11, Some("UTF-8")),
            ("Text/XML ; Charset = \"utf-16\" ", Version::V11, Some("utf-16")),
            ("text/xml; charset='utf-8'", Version::V11, Some("utf-8")),
            ("text/xml; charset=", Version::V11, Some("")),
            ("application/xml;", Version::V11, None),
            ("application/soap+xml; action=\"a;charset=latin1\"; charset=utf-8", Version::V12, Some("utf-8")),
        ] {
            let media = media(header).unwrap();
            assert_eq!((media.expected_version(), media.charset()), (version, charset), "{header}");
            assert!(ACCEPTED.split(", ").any(|accepted| accepted == media.essence()));
        }
    }

    #[test]
    fn soap_1_2_has_its_action_among_the_parameters() {
        let action = |header: &'static str| media(header).unwrap().action().map(str::to_owned);
        assert_eq!(action("application/soap+xml; charset=utf-8; action=\"urn:a;b\""), Some("urn:a;b".into()));
        assert_eq!(action("application/soap+xml; Action=urn:a"), Some("urn:a".into()));
        assert_eq!(action("application/soap+xml"), None);
    }

    #[test]
    fn other_types_and_none_are_unsupported() {
        assert_eq!(Declared::of(None), Err(UnsupportedMedia));
        for header in
            ["", "application/json", "text/xml+x", "text/plain; a=text/xml", "multipart/form-data; boundary=b"]
        {
            assert_eq!(media(header), Err(UnsupportedMedia), "{header}");
        }
    }
}
