//! A document as a tree, to look at whole answers and descriptions.

use dnis_gateway::xml::guard::admit;
use dnis_gateway::xml::limits::Limits;
use dnis_gateway::xml::reader::{Element, Event, Reader};

/// An element with everything in it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) namespace: String,
    pub(crate) local: String,
    /// Namespace, local name and value.
    pub(crate) attributes: Vec<(String, String, String)>,
    pub(crate) children: Vec<Self>,
    pub(crate) text: String,
}

impl Node {
    /// The root of a document, which must be well-formed and free of DTD and processing instructions.
    pub(crate) fn of(text: &str) -> Self {
        let document =
            admit(text.as_bytes(), None, &Limits::default()).unwrap_or_else(|error| panic!("{error}: {text}"));
        let mut reader = Reader::new(&document);
        let mut open: Vec<Self> = Vec::new();
        loop {
            match reader.next().unwrap() {
                Event::Open(element) => open.push(Self::opened(&reader, &element)),
                Event::Text(text) => open.last_mut().unwrap().text.push_str(&text),
                Event::Close => {
                    let closed = open.pop().unwrap();
                    match open.last_mut() {
                        Some(parent) => parent.children.push(closed),
                        None => return closed,
                    }
                }
                Event::End => panic!("a guarded document has a root"),
            }
        }
    }

    fn opened(reader: &Reader<'_>, element: &Element<'_>) -> Self {
        let attributes = reader.attribute_names(element).map(|name| {
            let value = reader.attribute(element, &name.namespace, name.local).unwrap();
            (name.namespace.into_owned(), name.local.to_owned(), value.into_owned())
        });
        Self {
            namespace: element.name.namespace.to_string(),
            local: element.name.local.to_owned(),
            attributes: attributes.collect(),
            children: Vec::new(),
            text: String::new(),
        }
    }

    /// The children of this name, in any namespace.
    pub(crate) fn all(&self, local: &str) -> impl Iterator<Item = &Self> {
        self.children.iter().filter(move |child| child.local == local)
    }

    /// The only child of this name.
    pub(crate) fn only(&self, local: &str) -> &Self {
        let mut all = self.all(local);
        let only = all.next().unwrap_or_else(|| panic!("no {local} in {self:?}"));
        assert!(all.next().is_none(), "several {local} in {self:?}");
        only
    }

    /// An attribute without namespace; empty if it is not there.
    pub(crate) fn attribute(&self, local: &str) -> &str {
        let found = self.attributes.iter().find(|(namespace, name, _)| namespace.is_empty() && name == local);
        found.map_or("", |(.., value)| value)
    }

    /// This element and everything below it.
    pub(crate) fn everything(&self) -> Vec<&Self> {
        let mut all = vec![self];
        self.children.iter().for_each(|child| all.extend(child.everything()));
        all
    }

    /// The local names of the children.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.children.iter().map(|child| child.local.as_str()).collect()
    }
}
