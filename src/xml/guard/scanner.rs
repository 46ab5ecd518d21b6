//! The pass over the document: prolog, content, end. Tags are in `tag`.

use super::super::chars::{is_blank, is_name_start, is_xml_char, resolve_reference};
use super::super::limits::Limits;
use super::super::refusal::{Reason, Refusal};
use super::super::scope::Scope;
use super::tag::Attribute;

/// The bytes that [`Scanner::plain`] passes: no control characters, nothing that may begin or end markup, and not the
/// first byte of U+FFFE and U+FFFF.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 256 {
        plain[byte] = !matches!(
            byte as u8,
            0..=0x08 | 0x0B | 0x0C | 0x0E..=0x1F | b'<' | b'&' | b']' | b'"' | b'\'' | 0xEF
        );
        byte += 1;
    }
    plain
};

pub(super) type Checked<T = ()> = Result<T, Refusal>;

/// Where the pass is, and what is open there.
pub(super) struct Scanner<'t> {
    pub(super) text: &'t str,
    pub(super) at: usize,
    pub(super) limits: &'t Limits,
    pub(super) open: Vec<Open<'t>>,
    pub(super) scope: Scope<'t>,
    /// Attributes of the tag in hand; kept here so that its memory is used again.
    pub(super) attributes: Vec<Attribute<'t>>,
    pub(super) elements: usize,
}

/// An element whose end tag is still to come.
pub(super) struct Open<'t> {
    pub(super) name: &'t str,
    pub(super) mark: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str, limits: &'t Limits) -> Self {
        Self {
            text,
            at: 0,
            limits,
            open: Vec::with_capacity(8),
            scope: Scope::new(),
            attributes: Vec::with_capacity(4),
            elements: 0,
        }
    }

    /// Checks the whole document.
    pub(super) fn document(mut self) -> Checked {
        self.declaration()?;
        self.before_root()?;
        self.content()?;
        self.after_root()
    }

    /// The XML declaration, if the document begins with one: the encoding that it names, and where.
    pub(super) fn declaration(&mut self) -> Checked<Option<(&'t str, usize)>> {
        if !self.rest().starts_with("<?xml") || !self.text.as_bytes().get(5).copied().is_some_and(is_blank) {
            return Ok(None);
        }
        self.at += 5;
        let version =
            self.pseudo_attribute("version")?.ok_or_else(|| Refusal::new(Reason::MalformedDeclaration, self.at))?;
        if version != "1.0" {
            return Err(Refusal::naming(Reason::UnsupportedVersion, self.at, version));
        }
        let encoding = self.pseudo_attribute("encoding")?.map(|name| (name, self.at));
        if encoding.is_some_and(|(name, _)| !is_encoding_name(name)) {
            return Err(Refusal::new(Reason::MalformedDeclaration, self.at));
        }
        if self.pseudo_attribute("standalone")?.is_some_and(|value| !matches!(value, "yes" | "no")) {
            return Err(Refusal::new(Reason::MalformedDeclaration, self.at));
        }
        self.blanks();
        self.expect("?>", Reason::MalformedDeclaration)?;
        Ok(encoding)
    }

    /// One `name="value"` of the XML declaration, if it comes next.
    fn pseudo_attribute(&mut self, name: &str) -> Checked<Option<&'t str>> {
        let before = self.at;
        let separated = self.blanks();
        if !self.rest().starts_with(name) {
            self.at = before;
            return Ok(None);
        }
        if !separated {
            return Err(Refusal::new(Reason::MalformedDeclaration, self.at));
        }
        self.at += name.len();
        self.blanks();
        self.expect("=", Reason::MalformedDeclaration)?;
        self.blanks();
        let quote = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => quote,
            Some(_) => return Err(Refusal::new(Reason::MalformedDeclaration, self.at)),
            None => return Err(self.cut()),
        };
        self.at += 1;
        let value = self.rest();
        let length = value.find(char::from(quote)).ok_or_else(|| self.cut())?;
        self.at += length + 1;
        Ok(Some(&value[..length]))
    }

    fn before_root(&mut self) -> Checked {
        loop {
            self.blanks();
            let rest = self.rest();
            if rest.is_empty() {
                return Err(Refusal::new(Reason::Empty, self.at));
            } else if rest.starts_with("<!--") {
                self.comment()?;
            } else if rest.starts_with("<?") || rest.starts_with("<!") {
                return Err(self.forbidden_markup());
            } else if rest.starts_with('<') {
                return self.open_tag();
            } else {
                return Err(self.forbidden_here(Reason::NotXml));
            }
        }
    }

    fn content(&mut self) -> Checked {
        while !self.open.is_empty() {
            match self.text.as_bytes().get(self.at..) {
                Some([b'<', b'/', ..]) => self.close_tag()?,
                Some([b'<', b'!', b'-', b'-', ..]) => self.comment()?,
                Some([b'<', b'!', ..]) if self.rest().starts_with("<![CDATA[") => self.section()?,
                Some([b'<', b'!' | b'?', ..]) => return Err(self.forbidden_markup()),
                Some([b'<', ..]) => self.open_tag()?,
                Some([_, ..]) => self.character_data()?,
                Some([]) | None => return Err(self.cut()),
            }
        }
        Ok(())
    }

    fn after_root(&mut self) -> Checked {
        loop {
            self.blanks();
            let rest = self.rest();
            if rest.is_empty() {
                return Ok(());
            } else if rest.starts_with("<!--") {
                self.comment()?;
            } else if rest.starts_with("<![CDATA[") {
                return Err(Refusal::new(Reason::TextAfterRoot, self.at));
            } else if rest.starts_with("<?") || rest.starts_with("<!") {
                return Err(self.forbidden_markup());
            } else if rest.strip_prefix('<').is_some_and(|tag| tag.starts_with(is_name_start)) {
                return Err(Refusal::new(Reason::SecondRoot, self.at));
            } else if rest.starts_with("</") {
                return Err(Refusal::new(Reason::MismatchedEndTag, self.at));
            } else if rest.starts_with('<') {
                return Err(Refusal::new(Reason::MalformedMarkup, self.at));
            } else {
                return Err(self.forbidden_here(Reason::TextAfterRoot));
            }
        }
    }

    /// What `<?` or `<!` begins, where neither comment nor CDATA section is meant.
    fn forbidden_markup(&self) -> Refusal {
        const DECLARATIONS: [&str; 5] = ["<!DOCTYPE", "<!ELEMENT", "<!ATTLIST", "<!ENTITY", "<!NOTATION"];
        let rest = self.rest();
        let reason = if let Some(instruction) = rest.strip_prefix("<?") {
            match instruction.split([' ', '\t', '\n', '\r', '?']).next() {
                Some("xml") if self.at == 0 => Reason::MalformedDeclaration,
                Some("xml") => Reason::MisplacedDeclaration,
                _ => Reason::ProcessingInstruction,
            }
        } else if DECLARATIONS.iter().any(|word| {
            rest.as_bytes().get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
        }) {
            Reason::Dtd
        } else if ["<![CDATA[", "<!--", "<!DOCTYPE"].iter().any(|word| word.starts_with(rest)) {
            Reason::Cut
        } else {
            Reason::MalformedMarkup
        };
        Refusal::new(reason, self.at)
    }

    /// Text up to the next tag.
    fn character_data(&mut self) -> Checked {
        let start = self.at;
        let bytes = self.text.as_bytes();
        loop {
            self.plain();
            let Some(&byte) = bytes.get(self.at) else { break };
            match byte {
                b'<' => break,
                b'&' => self.reference()?,
                b']' if bytes[self.at..].starts_with(b"]]>") => {
                    return Err(Refusal::new(Reason::SectionEndInText, self.at));
                }
                _ => self.character(byte)?,
            }
        }
        self.within_text(start)
    }

    /// `<![CDATA[ ... ]]>`
    fn section(&mut self) -> Checked {
        self.at += "<![CDATA[".len();
        self.up_to("]]>")
    }

    /// `<!-- ... -->`
    fn comment(&mut self) -> Checked {
        self.at += "<!--".len();
        self.up_to("--")?;
        self.expect(">", Reason::MalformedComment)
    }

    /// Passes characters up to and including `end`.
    fn up_to(&mut self, end: &str) -> Checked {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let first = end.as_bytes()[0];
        while let Some(&byte) = bytes.get(self.at) {
            if byte == first && bytes[self.at..].starts_with(end.as_bytes()) {
                self.within_text(start)?;
                self.at += end.len();
                return Ok(());
            }
            self.character(byte)?;
        }
        Err(self.cut())
    }

    /// Passes bytes that mean nothing but themselves, wherever they stand in text or in the value of an attribute.
    pub(super) fn plain(&mut self) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !PLAIN[usize::from(*byte)]).unwrap_or(rest.len());
    }

    /// Passes one byte of text, refusing what XML cannot carry.
    pub(super) fn character(&mut self, byte: u8) -> Checked {
        match byte {
            b'\t' | b'\n' | b'\r' | b' '..=0xEE | 0xF0.. => {}
            // U+FFFE and U+FFFF are the only characters beyond the controls that are not allowed.
            0xEF if !matches!(self.text.as_bytes().get(self.at + 1..self.at + 3), Some([0xBF, 0xBE | 0xBF])) => {}
            _ => return Err(Refusal::new(Reason::ForbiddenCharacter, self.at)),
        }
        self.at += 1;
        Ok(())
    }

    /// `&name;` or `&#number;`
    pub(super) fn reference(&mut self) -> Checked {
        let start = self.at;
        let body = &self.text[start + 1..];
        let length = body
            .bytes()
            .take(self.limits.name + 1)
            .take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'_' | b'-' | b'.' | b':' | 0x80..)
            })
            .count();
        match body.as_bytes().get(length) {
            Some(b';') if length > 0 => {}
            Some(_) => return Err(Refusal::new(Reason::MalformedReference, start)),
            None => return Err(self.cut()),
        }
        let reference = &body[..length];
        if resolve_reference(reference).is_none() {
            let reason = match reference.strip_prefix('#').map(is_number) {
                Some(true) => Reason::ForbiddenReference,
                Some(false) => Reason::MalformedReference,
                None => Reason::UnknownEntity,
            };
            return Err(Refusal::naming(reason, start, reference));
        }
        self.at += length + 2;
        Ok(())
    }

    /// Refuses a run of text that began at `start` and is longer than allowed.
    pub(super) fn within_text(&self, start: usize) -> Checked {
        if self.at - start > self.limits.text { Err(Refusal::new(Reason::TextTooLong, start)) } else { Ok(()) }
    }

    /// Passes white space; whether there was any.
    pub(super) fn blanks(&mut self) -> bool {
        let before = self.at;
        while self.peek().is_some_and(is_blank) {
            self.at += 1;
        }
        self.at > before
    }

    /// Passes exactly `text`.
    pub(super) fn expect(&mut self, text: &str, otherwise: Reason) -> Checked {
        let rest = self.rest();
        if rest.starts_with(text) {
            self.at += text.len();
            Ok(())
        } else if text.starts_with(rest) {
            Err(self.cut())
        } else {
            Err(Refusal::new(otherwise, self.at))
        }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(super) fn cut(&self) -> Refusal {
        Refusal::new(Reason::Cut, self.text.len())
    }

    /// What is here cannot be here; if XML cannot carry it at all, that is the better answer.
    fn forbidden_here(&self, otherwise: Reason) -> Refusal {
        let carried = self.rest().chars().next().is_none_or(is_xml_char);
        Refusal::new(if carried { otherwise } else { Reason::ForbiddenCharacter }, self.at)
    }
}

/// Whether an encoding could be called this.
fn is_encoding_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// Whether the part after `#` is a well-formed number, whatever it stands for.
fn is_number(number: &str) -> bool {
    let (digits, hexadecimal) = number.strip_prefix('x').map_or((number, false), |hex| (hex, true));
    !digits.is_empty()
        && digits.bytes().all(|byte| if hexadecimal { byte.is_ascii_hexdigit() } else { byte.is_ascii_digit() })
}
