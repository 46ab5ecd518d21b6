//! Writing XML: escaping that loses nothing, names made out of any text, and a small writer of elements.
//!
//! A carriage return goes out as `&#13;`, because a reader would turn a raw one into a line feed. A character that XML
//! 1.0 cannot carry at all is an error that the caller sees; nothing is dropped in silence.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::chars::{is_name_char, is_name_start, is_xml_char};

/// The XML declaration every document begins with.
pub const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// A character that XML 1.0 cannot carry, not even as a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the character U+{:04X} cannot be written in XML 1.0", u32::from(*.0))]
pub struct Unrepresentable(pub char);

/// Escapes `text` to stand between tags.
///
/// # Errors
/// The first character that XML cannot carry.
pub fn escape_text(text: &str) -> Result<Cow<'_, str>, Unrepresentable> {
    escape(text, text_escape)
}

/// Escapes `text` to stand in an attribute value, whichever quotes are around it.
///
/// # Errors
/// The first character that XML cannot carry.
pub fn escape_attribute(text: &str) -> Result<Cow<'_, str>, Unrepresentable> {
    escape(text, attribute_escape)
}

/// Escapes `text` like [`escape_text`], with U+FFFD in place of what XML cannot carry: for messages to a person that
/// have to go out whatever they quote.
pub fn escape_message(text: &str) -> Cow<'_, str> {
    escape_text(text).unwrap_or_else(|_| {
        let clean = presentable(text);
        let escaped = escape_text(&clean).unwrap_or(Cow::Borrowed("\u{FFFD}"));
        Cow::Owned(escaped.into_owned())
    })
}

/// `text` with U+FFFD in place of what XML cannot carry; it is still to be escaped.
pub fn presentable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_xml_char) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if is_xml_char(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Makes markup that another serializer wrote fit to be sent: carriage returns are escaped (serializers write them only
/// inside text) and characters that XML cannot carry are found.
///
/// # Errors
/// The first character that XML cannot carry.
pub fn escape_serialized(markup: &str) -> Result<Cow<'_, str>, Unrepresentable> {
    escape(markup, |c| (c == '\r').then_some("&#13;"))
}

/// Whether nothing ever escapes this byte: most texts have no other.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"' | b'\'')
}

fn escape(text: &str, escape_of: impl Fn(char) -> Option<&'static str>) -> Result<Cow<'_, str>, Unrepresentable> {
    let Some(plain) = text.bytes().position(|byte| !is_plain(byte)) else { return Ok(Cow::Borrowed(text)) };
    let mut escaped = String::new();
    let mut copied = 0;
    for (at, c) in text[plain..].char_indices().map(|(at, c)| (plain + at, c)) {
        if !is_xml_char(c) {
            return Err(Unrepresentable(c));
        }
        if let Some(escape) = escape_of(c) {
            escaped.push_str(&text[copied..at]);
            escaped.push_str(escape);
            copied = at + c.len_utf8();
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    escaped.push_str(&text[copied..]);
    Ok(Cow::Owned(escaped))
}

fn text_escape(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    }
}

fn attribute_escape(c: char) -> Option<&'static str> {
    match c {
        '"' => Some("&quot;"),
        '\'' => Some("&apos;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        other => text_escape(other),
    }
}

/// An element name for any text, by the rule of SQL/XML: what no name may hold becomes `_xHHHH_` (six digits beyond the
/// basic plane), and so does the underscore of a literal `_x`, so that no two texts share a name.
///
/// A colon is escaped too, since these names have no prefix. `None` for the empty text, for which there is no name.
pub fn escape_name(text: &str) -> Option<Cow<'_, str>> {
    let kept = |at: usize, c: char| match c {
        '_' => !text[at + 1..].starts_with('x'),
        _ if at == 0 => is_name_start(c),
        _ => is_name_char(c),
    };
    if text.is_empty() {
        return None;
    }
    if text.char_indices().all(|(at, c)| kept(at, c)) {
        return Some(Cow::Borrowed(text));
    }
    let mut name = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match u32::from(c) {
            _ if kept(at, c) => name.push(c),
            code if code <= 0xFFFF => push_formatted(&mut name, format_args!("_x{code:04X}_")),
            code => push_formatted(&mut name, format_args!("_x{code:06X}_")),
        }
    }
    Some(Cow::Owned(name))
}

fn push_formatted(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a string cannot fail");
}

/// Writes one document, element by element. Element and attribute names are the caller's: fixed ones, or
/// [`escape_name`]'s.
#[derive(Debug)]
pub struct Writer {
    out: String,
    /// What the name of every element begins with.
    prefix: &'static str,
}

impl Writer {
    /// A document that begins with the XML declaration.
    pub fn document() -> Self {
        Self { out: DECLARATION.to_owned(), prefix: "" }
    }

    /// A piece to be put into another document, without declaration.
    pub fn fragment() -> Self {
        Self::prefixed("")
    }

    /// A piece whose elements all have this prefix, colon included.
    pub fn prefixed(prefix: &'static str) -> Self {
        Self { out: String::with_capacity(512), prefix }
    }

    /// Writes an element around whatever `content` writes. Attribute values are escaped here.
    ///
    /// # Errors
    /// The first character that XML cannot carry, in an attribute value or from `content`.
    pub fn element(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self) -> Result<(), Unrepresentable>,
    ) -> Result<(), Unrepresentable> {
        self.push(&["<", self.prefix, name]);
        for (attribute, value) in attributes {
            self.push(&[" ", attribute, "=\"", &escape_attribute(value)?, "\""]);
        }
        self.out.push('>');
        let inside = self.out.len();
        content(self)?;
        if self.out.len() == inside {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            self.push(&["</", self.prefix, name, ">"]);
        }
        Ok(())
    }

    fn push(&mut self, pieces: &[&str]) {
        pieces.iter().for_each(|piece| self.out.push_str(piece));
    }

    /// Writes an element that holds `text` alone.
    ///
    /// # Errors
    /// The first character of `text` that XML cannot carry.
    pub fn text_element(&mut self, name: &str, text: &str) -> Result<(), Unrepresentable> {
        self.element(name, &[], |writer| writer.text(text))
    }

    /// Writes text, escaped.
    ///
    /// # Errors
    /// The first character that XML cannot carry.
    pub fn text(&mut self, text: &str) -> Result<(), Unrepresentable> {
        self.out.push_str(&escape_text(text)?);
        Ok(())
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::admit;
    use super::super::limits::Limits;
    use super::super::reader::{Content, Event, Reader};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_and_carriage_returns_are_escaped_in_text() {
        assert_eq!(escape_text("a<b>&\"'\r\n]]>").unwrap(), "a&lt;b&gt;&amp;\"'&#13;\n]]&gt;");
        assert!(matches!(escape_text("plain"), Ok(Cow::Borrowed("plain"))));
    }

    #[test]
    fn blanks_and_quotes_are_escaped_in_attributes() {
        assert_eq!(escape_attribute("\"'\t\n\r<&").unwrap(), "&quot;&apos;&#9;&#10;&#13;&lt;&amp;");
    }

    #[test]
    fn characters_that_xml_cannot_carry_are_an_error() {
        for c in ['\0', '\u{1}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
            assert_eq!(escape_text(&format!("a{c}b")), Err(Unrepresentable(c)));
            assert_eq!(escape_attribute(&c.to_string()), Err(Unrepresentable(c)));
            assert_eq!(escape_serialized(&format!("<a>{c}</a>")), Err(Unrepresentable(c)));
        }
        assert_eq!(Unrepresentable('\u{1}').to_string(), "the character U+0001 cannot be written in XML 1.0");
        assert_eq!(escape_message("a\u{1}<"), "a\u{FFFD}&lt;");
    }

    #[test]
    fn names_are_escaped_as_in_sql_xml() {
        for (text, name) in [
            ("name", "name"),
            ("first name", "first_x0020_name"),
            ("1st", "_x0031_st"),
            ("a1", "a1"),
            ("-a", "_x002D_a"),
            ("ns:a", "ns_x003A_a"),
            ("_x0020_", "_x005F_x0020_"),
            ("a_x", "a_x005F_x"),
            ("_id", "_id"),
            ("größe", "größe"),
            ("\u{1F600}", "\u{1F600}"),
            ("\u{10FFFF}", "_x10FFFF_"),
            ("\u{1}", "_x0001_"),
        ] {
            assert_eq!(escape_name(text).as_deref(), Some(name), "{text:?}");
        }
        assert_eq!(escape_name(""), None);
    }

    #[test]
    fn elements_are_written_with_their_attributes_and_closed() {
        let mut writer = Writer::document();
        let written = writer.element("Response", &[("xmlns", "http://h/\"")], |response| {
            response.text_element("a", "1<2")?;
            response.text_element("b", "")
        });
        assert_eq!(written, Ok(()));
        insta::assert_snapshot!(
            writer.finish(),
            @r#"<?xml version="1.0" encoding="UTF-8"?><Response xmlns="http://h/&quot;"><a>1&lt;2</a><b/></Response>"#
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in any::<String>(), key in "\\PC{1,8}") {
            let name = escape_name(&key).unwrap();
            let mut writer = Writer::document();
            match writer.text_element(&name, &text) {
                Err(Unrepresentable(c)) => prop_assert!(text.contains(c) && !is_xml_char(c)),
                Ok(()) => {
                    let written = writer.finish();
                    let document = admit(written.as_bytes(), None, &Limits::default()).unwrap();
                    let mut reader = Reader::new(&document);
                    let Ok(Event::Open(element)) = reader.next() else { panic!("an element opens") };
                    prop_assert_eq!(element.name.local, &*name);
                    prop_assert_eq!(reader.content().unwrap(), Content::Text(text.into()));
                }
            }
        }
    }
}
