//! The Content-Type of a SOAP request: which ones are read as envelopes, and what they say about encoding and version.

use super::version::Version;
use crate::xml::reader::split_at_byte;

/// A Content-Type that is read as an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    kind: Kind,
    charset: Option<String>,
    action: Option<String>,
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

impl Media {
    /// Reads a Content-Type header. The type's case, blanks, quotes around the charset and unknown parameters do not
    /// matter.
    ///
    /// # Errors
    /// A missing header and every other type.
    pub fn of(content_type: Option<&str>) -> Result<Self, UnsupportedMedia> {
        let content_type = content_type.ok_or(UnsupportedMedia)?;
        let mut parts = Parts(content_type);
        let essence = parts.next().unwrap_or_default().trim_ascii();
        let kinds = [Kind::TextXml, Kind::SoapXml, Kind::Xml];
        let kind = kinds.into_iter().find(|kind| essence.eq_ignore_ascii_case(kind.name())).ok_or(UnsupportedMedia)?;
        let mut media = Self { kind, charset: None, action: None };
        for (name, value) in parts.filter_map(parameter) {
            let known = match name {
                _ if name.eq_ignore_ascii_case("charset") => &mut media.charset,
                _ if name.eq_ignore_ascii_case("action") => &mut media.action,
                _ => continue,
            };
            known.get_or_insert_with(|| value.to_owned());
        }
        Ok(media)
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
    pub fn action(&self) -> Option<&str> {
        self.action.as_deref()
    }

    /// The charset parameter, if there is one.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
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

/// A parameter's name and its value without quotes; an empty one counts as not there.
fn parameter(part: &str) -> Option<(&str, &str)> {
    let (name, value) = split_at_byte(part, b'=')?;
    let value = value.trim_ascii().trim_matches(['"', '\'']).trim_ascii();
    (!value.is_empty()).then(|| (name.trim_ascii(), value))
}

/// What stands between semicolons; a SOAP 1.2 `action` may hold one inside its quotes.
struct Parts<'t>(&'t str);

impl<'t> Iterator for Parts<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        if self.0.is_empty() {
            return None;
        }
        let mut quoted = false;
        let end = self.0.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b';' && !quoted
        });
        let (part, rest) = end.map_or((self.0, ""), |end| (&self.0[..end], &self.0[end + 1..]));
        self.0 = rest;
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_types_are_accepted_however_they_are_spelt() {
        for (header, version, charset) in [
            ("text/xml", Version::V11, None),
            ("text/xml;charset=UTF-8", Version::V11, Some("UTF-8")),
            ("Text/XML ; Charset = \"utf-16\" ", Version::V11, Some("utf-16")),
            ("text/xml; charset='utf-8'", Version::V11, Some("utf-8")),
            ("text/xml; charset=", Version::V11, None),
            ("application/xml;", Version::V11, None),
            ("application/soap+xml; action=\"a;charset=latin1\"; charset=utf-8", Version::V12, Some("utf-8")),
        ] {
            let media = Media::of(Some(header)).unwrap();
            assert_eq!((media.expected_version(), media.charset()), (version, charset), "{header}");
            assert!(ACCEPTED.split(", ").any(|accepted| accepted == media.essence()));
        }
    }

    #[test]
    fn soap_1_2_has_its_action_among_the_parameters() {
        let action = |header| Media::of(Some(header)).unwrap().action().map(str::to_owned);
        assert_eq!(action("application/soap+xml; charset=utf-8; action=\"urn:a;b\""), Some("urn:a;b".into()));
        assert_eq!(action("application/soap+xml; Action=urn:a"), Some("urn:a".into()));
        assert_eq!(action("application/soap+xml"), None);
    }

    #[test]
    fn other_types_and_none_are_unsupported() {
        for header in [None, Some(""), Some("application/json"), Some("text/xml+x"), Some("text/plain; a=text/xml")] {
            assert_eq!(Media::of(header), Err(UnsupportedMedia), "{header:?}");
        }
    }
}
