//! Answers: an envelope around a payload.
//!
//! A dialect describes what its responses hold in structures that yaserde serializes, each field under the prefix `ns2`;
//! which namespace that prefix means is decided per request, when the payload's own element is written around them. So
//! one structure serves every namespace, and a response always speaks the namespace it was asked in:
//!
//! ```
//! use dnis_gateway::soap::{answer, version::Version};
//! use yaserde::YaSerialize;
//!
//! #[derive(YaSerialize)]
//! struct ResultOf {
//!     #[yaserde(prefix = "ns2")]
//!     result: String,
//! }
//!
//! let payload = answer::payload("http://example/service", "CallResponse", &ResultOf { result: "Success".into() })?;
//! assert_eq!(
//!     payload,
//!     r#"<ns2:CallResponse xmlns:ns2="http://example/service"><ns2:result>Success</ns2:result></ns2:CallResponse>"#
//! );
//! let body = answer::write(Version::V11, &payload);
//! assert!(body.contains(&payload));
//! # Ok::<(), answer::NotWritable>(())
//! ```

use std::borrow::Cow;

use yaserde::YaSerialize;

use super::version::Version;
use crate::xml::writer::{
    DECLARATION, Unrepresentable, Writer, escape_attribute, escape_message, escape_serialized, escape_text,
};

/// A payload that cannot be written; the caller answers with a Server fault.
#[derive(Debug, thiserror::Error)]
pub enum NotWritable {
    /// A value holds a character that XML cannot carry.
    #[error(transparent)]
    Character(#[from] Unrepresentable),
    /// The serializer gave up, in its own words.
    #[error("the answer could not be serialized: {0}")]
    Serializer(String),
}

/// Writes the payload element `local` in `namespace` around the fields of `response`.
///
/// `local` is a fixed name of the dialect's and goes out as it is.
///
/// # Errors
/// A value that XML cannot carry.
pub fn payload(namespace: &str, local: &str, response: &impl YaSerialize) -> Result<String, NotWritable> {
    let fields =
        yaserde::ser::to_string_content(response).map_err(|error| NotWritable::Serializer(error.to_string()))?;
    let fields = escape_serialized(&fields)?;
    let namespace = escape_attribute(namespace)?;
    Ok(format!("<ns2:{local} xmlns:ns2=\"{namespace}\">{fields}</ns2:{local}>"))
}

/// A whole answer whose payload differs from others of its kind in one text alone. Everything around the text is
/// serialized once.
#[derive(Clone, Debug)]
pub struct Template {
    before: String,
    after: String,
}

impl Template {
    /// The answer with the payload element `local` in `namespace`; `response` holds one text, which is empty, and whose
    /// place every other one takes.
    ///
    /// # Errors
    /// [`NotWritable`].
    pub fn new(
        version: Version,
        namespace: &str,
        local: &str,
        response: &impl YaSerialize,
    ) -> Result<Self, NotWritable> {
        let whole = write(version, &payload(namespace, local, response)?);
        let opens = |bracket: &usize| !whole[..*bracket].rsplit('<').next().unwrap_or_default().starts_with('/');
        let place = whole.find("></").filter(opens).map(|bracket| bracket + 1);
        let place = place.ok_or_else(|| NotWritable::Serializer(format!("{local} has no place for a text")))?;
        let (before, after) = whole.split_at(place);
        Ok(Self { before: before.to_owned(), after: after.to_owned() })
    }

    /// The answer with this text.
    ///
    /// # Errors
    /// A text that XML cannot carry.
    pub fn fill(&self, text: &str) -> Result<String, Unrepresentable> {
        let text = escape_text(text)?;
        Ok([self.before.as_str(), &text, &self.after].concat())
    }
}

/// Writes the payload element `local` in `namespace` around whatever `content` writes, for responses with a shape of
/// their own. The elements in it are in the namespace too.
///
/// # Errors
/// A value that XML cannot carry.
pub fn payload_of(
    namespace: &str,
    local: &str,
    content: impl FnOnce(&mut Writer) -> Result<(), Unrepresentable>,
) -> Result<String, Unrepresentable> {
    let mut writer = Writer::prefixed("ns2:");
    writer.element(local, &[("xmlns:ns2", namespace)], content)?;
    Ok(writer.finish())
}

/// The whole response: XML declaration and envelope around a payload from [`payload`].
pub fn write(version: Version, payload: &str) -> String {
    envelope(version, "", payload)
}

/// The envelope that [`write()`] or a fault made, with these header blocks before those it has; they are already markup.
pub fn with_headers(version: Version, envelope: &str, headers: &str) -> String {
    let prefix = version.prefix();
    let empty = format!("<{prefix}:Header/>");
    let (open, close) = (format!("<{prefix}:Header>"), format!("</{prefix}:Header>"));
    match (envelope.split_once(&empty), envelope.split_once(&open)) {
        (Some((before, after)), _) => [before, &open, headers, &close, after].concat(),
        (None, Some((before, after))) => [before, &open, headers, after].concat(),
        (None, None) => envelope.to_owned(),
    }
}

/// An envelope around header blocks and a body that are already markup.
pub(super) fn envelope(version: Version, headers: &str, body: &str) -> String {
    let (prefix, namespace) = (version.prefix(), version.namespace());
    let mut out = String::with_capacity(DECLARATION.len() + headers.len() + body.len() + 256);
    let pieces: [&[&str]; 3] = [
        &[DECLARATION, "<", prefix, ":Envelope xmlns:", prefix, "=\"", namespace, "\">"],
        if headers.is_empty() {
            &["<", prefix, ":Header/>"]
        } else {
            &["<", prefix, ":Header>", headers, "</", prefix, ":Header>"]
        },
        &["<", prefix, ":Body>", body, "</", prefix, ":Body></", prefix, ":Envelope>"],
    ];
    pieces.into_iter().flatten().for_each(|piece| out.push_str(piece));
    out
}

/// An attribute value that must go out whatever it quotes.
pub(super) fn attribute(text: &str) -> Cow<'_, str> {
    escape_attribute(text).unwrap_or_else(|_| escape_message(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, YaSerialize)]
    struct ResultOf {
        #[yaserde(prefix = "ns2")]
        result: String,
    }

    fn free_response(namespace: &str, result: &str) -> Result<String, NotWritable> {
        payload(namespace, "FreeDnisAllocationResponse", &ResultOf { result: result.into() })
    }

    const AGENT: &str = "http://com/jacada/interact/agent/soap";
    const DNIS: &str = "http://com/jacada/interact/dnis/soap";

    #[test]
    fn one_structure_answers_in_either_namespace_and_version() {
        assert_snapshot!(write(Version::V11, &free_response(DNIS, "Success").unwrap()), @r#"<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header/><SOAP-ENV:Body><ns2:FreeDnisAllocationResponse xmlns:ns2="http://com/jacada/interact/dnis/soap"><ns2:result>Success</ns2:result></ns2:FreeDnisAllocationResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"#);
        assert_snapshot!(write(Version::V12, &free_response(AGENT, "Success").unwrap()), @r#"<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"><env:Header/><env:Body><ns2:FreeDnisAllocationResponse xmlns:ns2="http://com/jacada/interact/agent/soap"><ns2:result>Success</ns2:result></ns2:FreeDnisAllocationResponse></env:Body></env:Envelope>"#);
    }

    #[test]
    fn an_empty_result_is_an_empty_element() {
        assert_snapshot!(free_response(AGENT, "").unwrap(), @r#"<ns2:FreeDnisAllocationResponse xmlns:ns2="http://com/jacada/interact/agent/soap"><ns2:result></ns2:result></ns2:FreeDnisAllocationResponse>"#);
    }

    #[test]
    fn values_are_escaped_and_carriage_returns_survive() {
        let written = free_response(DNIS, " <a> & 'b' ]]> \r\n").unwrap();
        assert!(written.contains("<ns2:result> &lt;a&gt; &amp; 'b' ]]&gt; &#13;\n</ns2:result>"), "{written}");
    }

    proptest! {
        #[test]
        fn a_template_gives_what_the_serializer_gives(text in any::<String>()) {
            let template = Template::new(Version::V12, DNIS, "R", &ResultOf { result: String::new() }).unwrap();
            let whole = payload(DNIS, "R", &ResultOf { result: text.clone() }).map(|payload| write(Version::V12, &payload));
            prop_assert_eq!(template.fill(&text).ok(), whole.ok());
        }
    }

    #[test]
    fn a_template_without_a_place_for_the_text_is_an_error() {
        let lost = Template::new(Version::V11, DNIS, "R", &ResultOf { result: "x".into() });
        assert!(matches!(lost, Err(NotWritable::Serializer(_))));
    }

    #[test]
    fn a_value_that_xml_cannot_carry_is_an_error() {
        assert!(matches!(free_response(DNIS, "a\u{1}"), Err(NotWritable::Character(Unrepresentable('\u{1}')))));
    }
}
