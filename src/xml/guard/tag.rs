//! Tags: names, attributes, namespace declarations.

use super::super::chars::{is_name_char, is_name_start};
use super::super::refusal::{Reason, Refusal};
use super::super::scope::{Identity, XML, XMLNS, same_name};
use super::scanner::{Checked, Open, Scanner};

/// The bytes of ASCII that a name may hold after its first character.
const NAME: [bool; 256] = {
    let mut name = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        name[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'_' | b'-' | b'.');
        byte += 1;
    }
    name
};

/// A name as written, taken apart at its colon.
#[derive(Clone, Copy)]
pub(super) struct Qualified<'t> {
    whole: &'t str,
    prefix: &'t str,
    local: &'t str,
}

/// An attribute of the tag in hand.
pub(super) struct Attribute<'t> {
    name: Qualified<'t>,
    value: &'t str,
    at: usize,
    /// Its namespace; `None` for one without prefix, which is in none, and for a namespace declaration.
    namespace: Option<Identity>,
}

impl<'t> Attribute<'t> {
    /// The prefix that this attribute declares; empty for the default namespace.
    fn declares(&self) -> Option<&'t str> {
        match self.name {
            Qualified { prefix: "xmlns", local, .. } => Some(local),
            Qualified { whole: "xmlns", .. } => Some(""),
            _ => None,
        }
    }
}

impl<'t> Scanner<'t> {
    /// `<name ...>` or `<name .../>`
    pub(super) fn open_tag(&mut self) -> Checked {
        let start = self.at;
        self.at += 1;
        let name = self.name()?;
        self.attributes.clear();
        let mark = self.scope.mark();
        let empty = loop {
            let separated = self.blanks();
            match self.peek() {
                Some(b'>') => break false,
                Some(b'/') => {
                    self.at += 1;
                    break true;
                }
                Some(_) if separated => self.attribute()?,
                Some(_) => return Err(Refusal::new(Reason::MalformedAttribute, self.at)),
                None => return Err(self.cut()),
            }
        };
        self.expect(">", Reason::MalformedMarkup)?;
        self.declare_namespaces()?;
        self.resolve(name, start)?;
        self.distinct_attributes()?;
        self.count(start)?;
        if empty {
            self.scope.leave(mark);
        } else {
            self.open.push(Open { name: name.whole, mark });
        }
        Ok(())
    }

    /// `</name>`
    pub(super) fn close_tag(&mut self) -> Checked {
        let start = self.at;
        self.at += 2;
        // Of the right name every byte was looked at when it was opened.
        let expected = self.open.pop();
        if let Some(open) = &expected
            && self.rest().strip_prefix(open.name).is_some_and(|rest| rest.starts_with('>'))
        {
            self.at += open.name.len() + 1;
            self.scope.leave(open.mark);
            return Ok(());
        }
        let name = self.name()?;
        self.blanks();
        self.expect(">", Reason::MalformedMarkup)?;
        match expected {
            Some(open) if open.name == name.whole => {
                self.scope.leave(open.mark);
                Ok(())
            }
            _ => Err(Refusal::naming(Reason::MismatchedEndTag, start, name.whole)),
        }
    }

    fn count(&mut self, start: usize) -> Checked {
        self.elements += 1;
        if self.elements > self.limits.elements {
            return Err(Refusal::new(Reason::TooManyElements, start));
        }
        if self.open.len() >= self.limits.depth {
            return Err(Refusal::new(Reason::TooDeep, start));
        }
        Ok(())
    }

    /// `name = "value"`
    fn attribute(&mut self) -> Checked {
        let at = self.at;
        if self.attributes.len() >= self.limits.attributes {
            return Err(Refusal::new(Reason::TooManyAttributes, at));
        }
        let name = self.name()?;
        self.blanks();
        self.expect("=", Reason::MalformedAttribute)?;
        self.blanks();
        let value = self.quoted()?;
        self.attributes.push(Attribute { name, value, at, namespace: None });
        Ok(())
    }

    fn quoted(&mut self) -> Checked<&'t str> {
        let quote = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => quote,
            Some(_) => return Err(Refusal::new(Reason::MalformedAttribute, self.at)),
            None => return Err(self.cut()),
        };
        self.at += 1;
        let start = self.at;
        loop {
            self.plain();
            let Some(byte) = self.peek() else { return Err(self.cut()) };
            match byte {
                _ if byte == quote => {
                    self.within_text(start)?;
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                b'<' => return Err(Refusal::new(Reason::LessThanInAttribute, self.at)),
                b'&' => self.reference()?,
                _ => self.character(byte)?,
            }
        }
    }

    /// A name with at most one colon, neither part empty.
    fn name(&mut self) -> Checked<Qualified<'t>> {
        let start = self.at;
        self.part()?;
        let mut colon = None;
        if self.peek() == Some(b':') {
            colon = Some(self.at);
            self.at += 1;
            self.part()?;
        }
        if self.at - start > self.limits.name {
            return Err(Refusal::new(Reason::NameTooLong, start));
        }
        let whole = &self.text[start..self.at];
        Ok(match colon {
            Some(colon) => Qualified { whole, prefix: &self.text[start..colon], local: &self.text[colon + 1..self.at] },
            None => Qualified { whole, prefix: "", local: whole },
        })
    }

    /// One part of a name, without colon.
    fn part(&mut self) -> Checked {
        let bytes = self.text.as_bytes();
        match bytes.get(self.at) {
            None => return Err(self.cut()),
            Some(b'A'..=b'Z' | b'_' | b'a'..=b'z') => self.at += 1,
            Some(_) => match self.rest().chars().next() {
                Some(c) if is_name_start(c) => self.at += c.len_utf8(),
                _ => return Err(Refusal::new(Reason::BadName, self.at)),
            },
        }
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            self.at += rest.iter().position(|byte| !NAME[usize::from(*byte)]).unwrap_or(rest.len());
            match bytes.get(self.at) {
                Some(0x80..) => match self.rest().chars().next() {
                    Some(c) if is_name_char(c) => self.at += c.len_utf8(),
                    _ => return Err(Refusal::new(Reason::BadName, self.at)),
                },
                _ => return Ok(()),
            }
        }
    }

    /// Brings the tag's namespace declarations into scope.
    fn declare_namespaces(&mut self) -> Checked {
        for attribute in &self.attributes {
            let Some(prefix) = attribute.declares() else { continue };
            if !may_bind(prefix, attribute.value) {
                return Err(Refusal::naming(Reason::ReservedNamespace, attribute.at, attribute.name.whole));
            }
            if self.scope.declared() >= self.limits.namespaces {
                return Err(Refusal::new(Reason::TooManyNamespaces, attribute.at));
            }
            self.scope.declare(prefix, attribute.value);
        }
        Ok(())
    }

    /// Finds the namespace of the element and of every attribute with a prefix.
    fn resolve(&mut self, name: Qualified<'t>, at: usize) -> Checked {
        // A prefix `xmlns` is never in scope, so an element that uses it is refused here as well.
        if !name.prefix.is_empty() && self.scope.identity(name.prefix).is_none() {
            return Err(Refusal::naming(Reason::UndeclaredPrefix, at, name.prefix));
        }
        for attribute in &mut self.attributes {
            let prefix = attribute.name.prefix;
            if prefix.is_empty() || attribute.declares().is_some() {
                continue;
            }
            attribute.namespace = self.scope.identity(prefix);
            if attribute.namespace.is_none() {
                return Err(Refusal::naming(Reason::UndeclaredPrefix, attribute.at, prefix));
            }
        }
        Ok(())
    }

    /// Refuses one attribute under the same name, or under two prefixes of one namespace.
    fn distinct_attributes(&self) -> Checked {
        for (index, attribute) in self.attributes.iter().enumerate() {
            let twice = self.attributes[..index].iter().any(|earlier| {
                earlier.name.local == attribute.name.local
                    && (earlier.name.prefix == attribute.name.prefix
                        || (earlier.namespace.is_some() && earlier.namespace == attribute.namespace))
            });
            if twice {
                return Err(Refusal::naming(Reason::DuplicateAttribute, attribute.at, attribute.name.whole));
            }
        }
        Ok(())
    }
}

/// Whether Namespaces in XML 1.0 lets `prefix` (empty: the default namespace) be bound to the namespace `name`.
fn may_bind(prefix: &str, name: &str) -> bool {
    match prefix {
        "xmlns" => false,
        "xml" => same_name(name, XML),
        "" => !same_name(name, XML) && !same_name(name, XMLNS),
        _ => !name.is_empty() && !same_name(name, XML) && !same_name(name, XMLNS),
    }
}
