//! The Content-Type of a SOAP request: which ones are read as envelopes, and what they say about encoding and version.

use std::borrow::Cow;

use super::version::Version;
use crate::media::ContentType;

/// A Content-Type that is read as an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media<'h> {
    kind: Kind,
    declared: ContentType<'h>,
}

/// A media type without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    TextXml,
    SoapXml,
    Xml,
}

/// The types that are read, as the header `Accept` lists them.
pub const ACCEPTED: &str = "text/xml, application/soap+xml, application/xml";

/// A Content-Type that is missing or is not XML: the caller answers 415, without an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SOAP request needs Content-Type text/xml, application/soap+xml or application/xml")]
pub struct UnsupportedMedia;

impl<'h> Media<'h> {
    /// The type that a request declares.
    ///
    /// # Errors
    /// A missing header and every other type.
    pub fn of(declared: Option<ContentType<'h>>) -> Result<Self, UnsupportedMedia> {
        let declared = declared.ok_or(UnsupportedMedia)?;
        let kinds = [Kind::TextXml, Kind::SoapXml, Kind::Xml];
        let kind = kinds.into_iter().find(|kind| declared.is(kind.name())).ok_or(UnsupportedMedia)?;
        Ok(Self { kind, declared })
    }

    /// The version that the type belongs to. The envelope itself decides; this one answers what is no envelope.
    pub const fn expected_version(&self) -> Version {
        match self.kind {
            Kind::SoapXml => Version::V12,
            Kind::TextXml | Kind::Xml => Version::V11,
        }
    }

    /// Whether envelopes of this version travel under this type.
    pub fn belongs_to(&self, version: Version) -> bool {
        match version {
            Version::V11 => self.kind == Kind::TextXml,
            Version::V12 => self.kind == Kind::SoapXml,
        }
    }

    /// The type without its parameters.
    pub const fn essence(&self) -> &'static str {
        self.kind.name()
    }

    /// The action parameter, which SOAP 1.2 has instead of a header, if there is one.
    pub fn action(&self) -> Option<Cow<'h, str>> {
        self.declared.parameter("action").filter(|action| !action.is_empty())
    }

    /// The name in the charset parameter, if there is one; what is read under it is the guard's business.
    pub fn charset(&self) -> Option<Cow<'h, str>> {
        self.declared.charset_name()
    }
}

impl Kind {
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
        Media::of(Some(ContentType::parse(header)))
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
            assert_eq!((media.expected_version(), media.charset().as_deref()), (version, charset), "{header}");
            assert!(ACCEPTED.split(", ").any(|accepted| accepted == media.essence()));
        }
    }

    #[test]
    fn soap_1_2_has_its_action_among_the_parameters() {
        let action = |header: &'static str| media(header).unwrap().action();
        assert_eq!(action("application/soap+xml; charset=utf-8; action=\"urn:a;b\""), Some("urn:a;b".into()));
        assert_eq!(action("application/soap+xml; Action=urn:a"), Some("urn:a".into()));
        assert_eq!(action("application/soap+xml"), None);
    }

    #[test]
    fn other_types_and_none_are_unsupported() {
        assert_eq!(Media::of(None), Err(UnsupportedMedia));
        for header in ["", "application/json", "text/xml+x", "text/plain; a=text/xml"] {
            assert_eq!(media(header), Err(UnsupportedMedia), "{header}");
        }
    }
}
