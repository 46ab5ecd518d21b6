//! A WSDL as the rules look at it.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use crate::gateway::ALL;
use crate::xml::{elements, parse};
use crate::{Verdict, ensure};

pub(super) const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
pub(super) const BINDING: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
pub(super) const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

/// The text of a description.
pub(super) struct Wsdl {
    /// The service it describes.
    pub(super) name: &'static str,
    pub(super) text: String,
}

impl Wsdl {
    /// The committed descriptions after a change of their text.
    pub(super) fn committed(change: impl Fn(&str) -> String) -> Vec<Self> {
        ALL.iter().map(|service| Self { name: service.name, text: change(service.wsdl) }).collect()
    }
}

/// A description that could be read.
pub(super) struct Description<'a, 'input> {
    pub(super) document: &'a Document<'input>,
}

impl<'a, 'input> Description<'a, 'input> {
    pub(super) fn of(document: &'a Document<'input>) -> Self {
        Self { document }
    }

    pub(super) fn root(&self) -> Node<'a, 'input> {
        self.document.root_element()
    }

    /// The definitions of one kind.
    pub(super) fn all(&self, kind: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
        elements(self.root()).filter(move |node| is(*node, kind))
    }

    pub(super) fn target(&self) -> &'a str {
        self.root().attribute("targetNamespace").unwrap_or_default()
    }

    /// The names of the definitions of one kind.
    pub(super) fn names(&self, kind: &'static str) -> BTreeSet<&'a str> {
        self.all(kind).map(name).collect()
    }

    /// The definition of one kind that an attribute refers to.
    pub(super) fn referred(
        &self,
        node: Node<'a, 'input>,
        attribute: &str,
        kind: &'static str,
    ) -> Result<Node<'a, 'input>, String> {
        let value = node.attribute(attribute).ok_or(format!("no {attribute}"))?;
        let (namespace, local) = resolved(node, value)?;
        let found = self.all(kind).find(|each| name(*each) == local).filter(|_| namespace == self.target());
        found.ok_or(format!("{value} is no {kind} of the description"))
    }
}

/// Holds every description to a rule.
pub(super) fn each(wsdls: &[Wsdl], rule: fn(&Description<'_, '_>) -> Verdict) -> Verdict {
    for wsdl in wsdls {
        let document = parse(&wsdl.text)?;
        rule(&Description::of(&document)).map_err(|error| format!("{}.wsdl: {error}", wsdl.name))?;
    }
    Ok(())
}

/// Holds every description to have no element that is like this.
pub(super) fn none(wsdls: &[Wsdl], wrong: fn(Node<'_, '_>) -> bool) -> Verdict {
    for wsdl in wsdls {
        let document = parse(&wsdl.text)?;
        let found = document.descendants().filter(Node::is_element).find(|node| wrong(*node));
        ensure(found.is_none(), format!("{}.wsdl: {found:?}", wsdl.name))?;
    }
    Ok(())
}

pub(super) fn is(node: Node<'_, '_>, local: &str) -> bool {
    node.has_tag_name((WSDL, local))
}

pub(super) fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or_default()
}

/// The only element of the SOAP binding with this name in a node.
pub(super) fn one<'a, 'input>(node: Node<'a, 'input>, local: &str) -> Result<Node<'a, 'input>, String> {
    crate::xml::child(node, BINDING, local)
}

/// The expanded name that a qualified name in a node's attribute stands for.
pub(super) fn resolved<'a>(node: Node<'a, '_>, value: &'a str) -> Result<(&'a str, &'a str), String> {
    let (prefix, local) = value.split_once(':').ok_or(format!("{value} has no prefix"))?;
    let namespace = node.lookup_namespace_uri(Some(prefix)).ok_or(format!("the prefix of {value} is not declared"))?;
    Ok((namespace, local))
}

pub(super) fn operations<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    elements(node).filter(|child| is(*child, "operation"))
}

pub(super) fn operation_names(node: Node<'_, '_>) -> BTreeSet<String> {
    operations(node).map(|operation| name(operation).to_owned()).collect()
}
