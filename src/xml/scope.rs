//! Namespace declarations in scope: one rule set for the guard, which checks with it, and the reader, which resolves.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use super::chars::resolve_reference;
use super::reader::Namespace;

/// The namespace that the prefix `xml` always has.
pub(super) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of the declarations themselves, which nothing may be bound to.
pub(super) const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// A namespace in scope, comparable without looking at its name again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity(usize);

struct Declaration<'t> {
    prefix: &'t str,
    name: Written<'t>,
    /// Index of the outermost declaration of the same namespace. Inner ones go out of scope first, so it stays valid.
    identity: Identity,
}

/// A namespace name as written, and what was found out about it. A name may be long and be asked for by every element,
/// so nothing of this is worked out twice.
struct Written<'t> {
    text: &'t str,
    /// Whether it is read as it is written.
    plain: bool,
    /// The hash of the name with its references resolved.
    hash: OnceCell<u64>,
    /// The name with its references resolved.
    resolved: OnceCell<Arc<str>>,
}

impl<'t> Written<'t> {
    fn new(text: &'t str) -> Self {
        Self { plain: !needs_work(text), ..Self::plain(text) }
    }

    /// A name that is read as it is written.
    const fn plain(text: &'t str) -> Self {
        Self { text, plain: true, hash: OnceCell::new(), resolved: OnceCell::new() }
    }

    fn hash(&self, hashes: &RandomState) -> u64 {
        *self.hash.get_or_init(|| {
            let mut hasher = hashes.build_hasher();
            Expanded(self.text).for_each(|c| hasher.write_u32(c.into()));
            hasher.finish()
        })
    }

    /// Whether both are one name. Characters are compared only where the hashes give reason to.
    fn is(&self, other: &Self, hashes: &RandomState) -> bool {
        self.text == other.text
            || (!(self.plain && other.plain)
                && self.hash(hashes) == other.hash(hashes)
                && Expanded(self.text).eq(Expanded(other.text)))
    }

    fn resolve(&self) -> Namespace<'t> {
        if self.plain {
            return Namespace::Written(self.text);
        }
        Namespace::Resolved(Arc::clone(self.resolved.get_or_init(|| Expanded(self.text).collect::<String>().into())))
    }
}

/// A stack of declarations; the empty prefix is the default namespace.
pub(super) struct Scope<'t> {
    declarations: Vec<Declaration<'t>>,
    hashes: RandomState,
}

impl<'t> Scope<'t> {
    pub(super) fn new() -> Self {
        let mut declarations = Vec::with_capacity(8);
        declarations.push(Declaration { prefix: "xml", name: Written::plain(XML), identity: Identity(0) });
        Self { declarations, hashes: RandomState::new() }
    }

    /// How many declarations are in scope, to return to with [`Self::leave`].
    pub(super) fn mark(&self) -> usize {
        self.declarations.len()
    }

    /// Declarations in scope that the document made.
    pub(super) fn declared(&self) -> usize {
        self.declarations.len() - 1
    }

    /// Forgets every declaration made since `mark`.
    pub(super) fn leave(&mut self, mark: usize) {
        self.declarations.truncate(mark);
    }

    /// Binds `prefix` to the namespace written as `name`.
    pub(super) fn declare(&mut self, prefix: &'t str, name: &'t str) {
        let name = Written::new(name);
        let known = self.declarations.iter().find(|declared| declared.name.is(&name, &self.hashes));
        let identity = known.map_or(Identity(self.declarations.len()), |declared| declared.identity);
        self.declarations.push(Declaration { prefix, name, identity });
    }

    /// The namespace that `prefix` stands for, if it is declared.
    pub(super) fn identity(&self, prefix: &str) -> Option<Identity> {
        self.find(prefix).map(|declared| declared.identity)
    }

    /// The name of the namespace that `prefix` stands for; empty for no namespace.
    pub(super) fn name(&self, prefix: &str) -> Namespace<'t> {
        self.find(prefix).map_or(Namespace::Written(""), |declared| declared.name.resolve())
    }

    fn find(&self, prefix: &str) -> Option<&Declaration<'t>> {
        self.declarations.iter().rev().find(|declared| declared.prefix == prefix)
    }
}

/// Whether two namespace names are the same once references are resolved. Copies nothing.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    one == other || ((needs_work(one) || needs_work(other)) && Expanded(one).eq(Expanded(other)))
}

/// An attribute's value as its reader sees it: references resolved, every blank a space.
pub(super) fn attribute_value(raw: &str) -> Cow<'_, str> {
    if needs_work(raw) { Expanded(raw).collect() } else { Cow::Borrowed(raw) }
}

/// Whether it is read otherwise than it is written. All bytes are looked at, since the compiler looks at many in one go
/// where it need not stop at the first.
fn needs_work(raw: &str) -> bool {
    raw.bytes().fold(false, |found, byte| found | matches!(byte, b'&' | b'\t' | b'\n' | b'\r'))
}

/// The characters of an attribute value that has passed the guard.
struct Expanded<'t>(&'t str);

impl Iterator for Expanded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        self.0 = chars.as_str();
        match first {
            '&' => match self.0.split_once(';') {
                Some((reference, rest)) => {
                    self.0 = rest;
                    resolve_reference(reference)
                }
                None => Some('&'),
            },
            '\r' => {
                self.0 = self.0.strip_prefix('\n').unwrap_or(self.0);
                Some(' ')
            }
            '\t' | '\n' => Some(' '),
            other => Some(other),
        }
    }
}
