//! The Content-Type of a SOAP request: which ones are read as envelopes, and what they say about encoding and version.

use super::version::Version;

/// A Content-Type that is read as an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    expected: Version,
    charset: Option<String>,
}

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
        let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
        let expected = match essence.trim() {
            soap if soap.eq_ignore_ascii_case("application/soap+xml") => Version::V12,
            xml if xml.eq_ignore_ascii_case("text/xml") || xml.eq_ignore_ascii_case("application/xml") => Version::V11,
            _ => return Err(UnsupportedMedia),
        };
        Ok(Self { expected, charset: charset(parameters) })
    }

    /// The version that the type belongs to. The envelope itself decides; this one answers what is no envelope.
    pub const fn expected_version(&self) -> Version {
        self.expected
    }

    /// The charset parameter, if there is one.
    pub fn charset(&self) -> Option<&str> {
        self.charset.as_deref()
    }
}

fn charset(parameters: &str) -> Option<String> {
    split_outside_quotes(parameters).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']).trim();
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
    })
}

/// Parameters between semicolons; a SOAP 1.2 `action` may hold one inside its quotes.
fn split_outside_quotes(parameters: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    parameters.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    })
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
        }
    }

    #[test]
    fn other_types_and_none_are_unsupported() {
        for header in [None, Some(""), Some("application/json"), Some("text/xml+x"), Some("text/plain; a=text/xml")] {
            assert_eq!(Media::of(header), Err(UnsupportedMedia), "{header:?}");
        }
    }
}
