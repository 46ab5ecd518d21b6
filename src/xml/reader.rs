//! Reading a guarded document: elements by their expanded names, text with everything resolved.
//!
//! A pull reader: whoever reads asks for the next event, or for all that is left of an element. It reads only what has
//! passed the guard and so need not doubt it; should the library behind it disagree with the guard after all, that is a
//! refusal, never a wrong reading.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use memchr::memchr;
use quick_xml::events::Event as Lexed;

use super::chars::{is_blank, resolve_reference};
use super::guard::Document;
use super::refusal::{Reason, Refusal};
use super::scope::{self, Scope};

/// An element's or attribute's name with its namespace instead of a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'d> {
    /// The namespace; empty for a name in none.
    pub namespace: Namespace<'d>,
    /// The name within the namespace.
    pub local: &'d str,
}

impl Name<'_> {
    /// Whether this is the name `local` in `namespace`.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        self.local == local && *self.namespace == *namespace
    }
}

/// The name of a namespace. Elements share it: a document that gives one long name to a thousand elements costs its
/// length once.
#[derive(Clone, Debug)]
pub enum Namespace<'d> {
    /// As it stands in the document.
    Written(&'d str),
    /// With its references resolved.
    Resolved(Arc<str>),
}

impl Deref for Namespace<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Written(name) => name,
            Self::Resolved(name) => name,
        }
    }
}

impl PartialEq for Namespace<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Namespace<'_> {}

impl fmt::Display for Namespace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// An element that has just been opened.
#[derive(Clone, Debug)]
pub struct Element<'d> {
    /// What it is called.
    pub name: Name<'d>,
    /// The attributes as written.
    attributes: &'d str,
}

/// What comes next in a document.
#[derive(Clone, Debug)]
pub enum Event<'d> {
    /// An element begins.
    Open(Element<'d>),
    /// A piece of text; adjoining pieces (text, CDATA, references) come one by one.
    Text(Cow<'d, str>),
    /// The innermost open element ends.
    Close,
    /// The document ends.
    End,
}

/// All that an element holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'d> {
    /// Text alone, comments left out; empty for an empty element.
    Text(Cow<'d, str>),
    /// Elements, with or without text around them.
    Elements,
}

/// Reads one document from its beginning to its end.
pub struct Reader<'d> {
    source: &'d str,
    lexer: quick_xml::Reader<&'d [u8]>,
    scope: Scope<'d>,
    /// For each open element, the scope around it.
    marks: Vec<usize>,
}

impl<'d> Reader<'d> {
    /// A reader at the beginning of `document`.
    pub fn new(document: &'d Document<'_>) -> Self {
        let source = document.text();
        let mut lexer = quick_xml::Reader::from_str(source);
        let config = lexer.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = false; // the guard has
        Self { source, lexer, scope: Scope::new(), marks: Vec::with_capacity(8) }
    }

    /// The next event. Comments and the XML declaration are passed over.
    ///
    /// # Errors
    /// [`Reason::Unreadable`] if the library cannot read what the guard let pass; no such document is known.
    #[expect(clippy::should_implement_trait, reason = "an iterator would hide that every step can fail")]
    pub fn next(&mut self) -> Result<Event<'d>, Refusal> {
        loop {
            let start = self.position();
            let event = self
                .lexer
                .read_event()
                .map_err(|error| Refusal::naming(Reason::Unreadable, start, &error.to_string()))?;
            return Ok(match event {
                Lexed::Start(tag) => Event::Open(self.open(start, tag.name().into_inner().len(), tag.len())?),
                Lexed::End(_) => {
                    self.scope.leave(self.marks.pop().ok_or_else(|| self.unreadable())?);
                    Event::Close
                }
                // Outside the root the guard lets only blanks pass.
                Lexed::Text(_) if self.marks.is_empty() => continue,
                Lexed::Text(text) => Event::Text(text.xml10_content()),
                Lexed::CData(section) => Event::Text(section.xml10_content()),
                Lexed::GeneralRef(reference) => {
                    let character = resolve_reference(&reference).ok_or_else(|| self.unreadable())?;
                    Event::Text(Cow::Owned(character.into()))
                }
                Lexed::Eof if self.marks.is_empty() => Event::End,
                Lexed::Comment(_) | Lexed::Decl(_) => continue,
                Lexed::Eof | Lexed::Empty(_) | Lexed::PI(_) | Lexed::DocType(_) => return Err(self.unreadable()),
            });
        }
    }

    /// Reads to the end of the element just opened and gives what it holds.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn content(&mut self) -> Result<Content<'d>, Refusal> {
        self.content_of(|reader, _| reader.content().map(drop))
    }

    /// As [`Self::content`]; every child is handed to `child`, which reads it to its end.
    ///
    /// # Errors
    /// As [`Self::next`], and what `child` says.
    pub fn content_of<E: From<Refusal>>(
        &mut self,
        mut child: impl FnMut(&mut Self, Element<'d>) -> Result<(), E>,
    ) -> Result<Content<'d>, E> {
        let mut text = Cow::Borrowed("");
        let mut elements = false;
        loop {
            match self.next()? {
                Event::Open(element) => {
                    elements = true;
                    child(self, element)?;
                }
                Event::Text(_) if elements => {}
                Event::Text(piece) if text.is_empty() => text = piece,
                Event::Text(piece) => self.append(text.to_mut(), &piece),
                Event::Close if elements => return Ok(Content::Elements),
                Event::Close => return Ok(Content::Text(text)),
                Event::End => return Err(self.unreadable().into()),
            }
        }
    }

    /// Adds a piece to a text. Room for all pieces to come is made at once: growing step by step would hold the text
    /// twice, and more than it needs.
    fn append(&self, text: &mut String, piece: &str) {
        if text.capacity() - text.len() < piece.len() {
            text.reserve_exact(piece.len() + self.text_to_come());
        }
        text.push_str(piece);
    }

    /// How long, at most, the text is that follows in the element just being read, in bytes.
    fn text_to_come(&self) -> usize {
        let (mut ahead, mut open, mut length) = (self.lexer.clone(), 1_usize, 0);
        while open > 0 {
            match ahead.read_event() {
                Ok(Lexed::Start(_)) => open += 1,
                Ok(Lexed::End(_)) => open -= 1,
                Ok(Lexed::Text(text)) => length += text.len(),
                Ok(Lexed::CData(section)) => length += section.len(),
                // A reference stands for one character.
                Ok(Lexed::GeneralRef(_)) => length += 4,
                Ok(Lexed::Eof) | Err(_) => break,
                Ok(_) => {}
            }
        }
        length
    }

    /// The value of an attribute of the element just opened; an empty `namespace` means an attribute without prefix.
    pub fn attribute(&self, element: &Element<'d>, namespace: &str, local: &str) -> Option<Cow<'d, str>> {
        Attributes(element.attributes).find_map(|(name, value)| {
            let (prefix, found) = prefixed(name);
            let matches = found == local
                && if prefix.is_empty() { namespace.is_empty() } else { *self.scope.name(prefix) == *namespace };
            matches.then(|| scope::attribute_value(value))
        })
    }

    /// The names of the attributes of the element just opened, namespace declarations left out.
    pub fn attribute_names<'r>(&'r self, element: &Element<'d>) -> impl Iterator<Item = Name<'d>> + use<'r, 'd> {
        let attributes = Attributes(element.attributes).map(|(name, _)| prefixed(name));
        attributes.filter(|(prefix, local)| *prefix != "xmlns" && !(prefix.is_empty() && *local == "xmlns")).map(
            |(prefix, local)| {
                let namespace = if prefix.is_empty() { Namespace::Written("") } else { self.scope.name(prefix) };
                Name { namespace, local }
            },
        )
    }

    fn open(&mut self, start: usize, name_length: usize, tag_length: usize) -> Result<Element<'d>, Refusal> {
        let tag = self.source.get(start + 1..start + 1 + tag_length).ok_or_else(|| self.unreadable())?;
        let (name, attributes) = tag.split_at_checked(name_length).ok_or_else(|| self.unreadable())?;
        self.marks.push(self.scope.mark());
        for (attribute, value) in Attributes(attributes) {
            if let Some(declared) = attribute.strip_prefix("xmlns") {
                match declared.strip_prefix(':') {
                    Some(prefix) => self.scope.declare(prefix, value),
                    None if declared.is_empty() => self.scope.declare("", value),
                    None => {}
                }
            }
        }
        let (prefix, local) = prefixed(name);
        Ok(Element { name: Name { namespace: self.scope.name(prefix), local }, attributes })
    }

    fn position(&self) -> usize {
        usize::try_from(self.lexer.buffer_position()).unwrap_or(usize::MAX)
    }

    fn unreadable(&self) -> Refusal {
        Refusal::new(Reason::Unreadable, self.position())
    }
}

/// Whether `text` is nothing but XML white space.
pub fn is_blank_text(text: &str) -> bool {
    text.bytes().all(is_blank)
}

/// The prefix of a name, empty where there is none, and the rest.
fn prefixed(name: &str) -> (&str, &str) {
    split_at_byte(name, b':').unwrap_or(("", name))
}

/// What stands before and behind a byte of ASCII. Names are short, and the general search takes longer to begin than this
/// takes to end.
pub(crate) fn split_at_byte(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|found| found == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Names and raw values of a start tag that has passed the guard.
struct Attributes<'d>(&'d str);

impl<'d> Iterator for Attributes<'d> {
    type Item = (&'d str, &'d str);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = split_at_byte(self.0, b'=')?;
        let (quote, rest) = rest.trim_ascii_start().split_at_checked(1)?;
        let end = memchr(quote.as_bytes()[0], rest.as_bytes())?;
        self.0 = &rest[end + 1..];
        Some((name.trim_ascii(), &rest[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::admit;
    use super::super::limits::Limits;
    use super::*;

    fn trace(text: &str) -> Vec<String> {
        let document = admit(text.as_bytes(), None, &Limits::default()).unwrap();
        let mut reader = Reader::new(&document);
        let mut seen = Vec::new();
        loop {
            match reader.next().unwrap() {
                Event::Open(element) => seen.push(format!("<{{{}}}{}", element.name.namespace, element.name.local)),
                Event::Text(text) => seen.push(format!("'{text}'")),
                Event::Close => seen.push(">".into()),
                Event::End => return seen,
            }
        }
    }

    fn content(text: &str) -> Content<'static> {
        let document = admit(text.as_bytes(), None, &Limits::default()).unwrap();
        let mut reader = Reader::new(&document);
        assert!(matches!(reader.next(), Ok(Event::Open(_))));
        match reader.content().unwrap() {
            Content::Text(text) => Content::Text(text.into_owned().into()),
            Content::Elements => Content::Elements,
        }
    }

    #[test]
    fn names_are_resolved_by_the_innermost_declaration() {
        let text = "<?xml version='1.0'?>\n<!-- c -->\n<a xmlns='urn:1' xmlns:p='urn:2'><p:b><c xmlns=''/><d/></p:b>\
                    <p:e xmlns:p='urn:3'/><p:f/></a>\n";
        let expected =
            ["<{urn:1}a", "<{urn:2}b", "<{}c", ">", "<{urn:1}d", ">", ">", "<{urn:3}e", ">", "<{urn:2}f", ">", ">"];
        assert_eq!(trace(text), expected);
    }

    #[test]
    fn names_come_out_right_behind_text_sections_comments_and_references() {
        let text = "<a>x<b>&amp;</b>&lt;<c/><![CDATA[<]]><d/><!-- - --><e/>\n<f  g = '>' /></a>";
        let expected = [
            "<{}a", "'x'", "<{}b", "'&'", ">", "'<'", "<{}c", ">", "'<'", "<{}d", ">", "<{}e", ">", "'\n'", "<{}f",
            ">", ">",
        ];
        assert_eq!(trace(text), expected);
    }

    #[test]
    fn a_namespace_name_is_compared_after_its_references_are_resolved() {
        assert_eq!(trace("<p:a xmlns:p='http&#58;//x?a&amp;b'/>"), ["<{http://x?a&b}a", ">"]);
    }

    #[test]
    fn the_content_of_an_element_is_its_text_with_everything_resolved() {
        assert_eq!(
            content("<a>1<!-- no -->2<![CDATA[<3>]]>&#52;&gt;\r\n&#13;</a>"),
            Content::Text("12<3>4>\n\r".into())
        );
        assert_eq!(content("<a/>"), Content::Text("".into()));
        assert_eq!(content("<a>1<b>2</b></a>"), Content::Elements);
    }

    #[test]
    fn attributes_are_found_by_namespace_and_value_resolved() {
        let text = "<a xmlns:p='urn:p' x = \"1&amp;'2\" p:x='3\n4'/>";
        let document = admit(text.as_bytes(), None, &Limits::default()).unwrap();
        let mut reader = Reader::new(&document);
        let Ok(Event::Open(element)) = reader.next() else { panic!("the root opens") };
        assert_eq!(reader.attribute(&element, "", "x").as_deref(), Some("1&'2"));
        assert_eq!(reader.attribute(&element, "urn:p", "x").as_deref(), Some("3 4"));
        assert_eq!(reader.attribute(&element, "urn:q", "x"), None);
        let names: Vec<_> =
            reader.attribute_names(&element).map(|name| (name.namespace.to_string(), name.local)).collect();
        assert_eq!(names, [(String::new(), "x"), ("urn:p".to_owned(), "x")]);
    }
}
