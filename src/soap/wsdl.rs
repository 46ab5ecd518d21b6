//! Publishing WSDL documents: as written, but with the address at which the service is reached; and reading from them
//! what a page for people shows.

use super::version::Version;
use crate::xml::guard::admit;
use crate::xml::limits::Limits;
use crate::xml::reader::{Content, Event, Reader};
use crate::xml::refusal::Refusal;
use crate::xml::writer::{Unrepresentable, escape_attribute};

/// A WSDL document that is part of the program. The text is the contract; only its addresses are not.
#[derive(Clone, Copy, Debug)]
pub struct Wsdl {
    text: &'static str,
    version: Version,
}

/// What a description says of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WsdlOperation {
    /// Its name.
    pub name: String,
    /// What it does, in words.
    pub documentation: String,
    /// Its SOAPAction.
    pub action: String,
    /// The elements of its request, in order.
    pub parameters: Vec<Parameter>,
}

/// An element of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it may be left out.
    pub presence: Presence,
}

/// Whether an element may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must be there.
    Needed,
    /// It may be left out.
    Optional,
}

impl Wsdl {
    /// A document for one version of SOAP with addresses of the form `<soap:address location="..."/>`, the prefix
    /// `soap12` for SOAP 1.2.
    pub const fn embedded(version: Version, text: &'static str) -> Self {
        Self { text, version }
    }

    /// What an address begins with in the document; the location ends at the next quote.
    const fn address(self) -> &'static str {
        match self.version {
            Version::V11 => "<soap:address location=\"",
            Version::V12 => "<soap12:address location=\"",
        }
    }

    /// The document with `location` as the address of every port. One scan and one allocation.
    ///
    /// # Errors
    /// A character of `location` that XML cannot carry.
    pub fn publish(self, location: &str) -> Result<String, Unrepresentable> {
        let location = escape_attribute(location)?;
        let mut published = String::with_capacity(self.text.len() + location.len());
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once(self.address()) {
            published.push_str(before);
            published.push_str(self.address());
            published.push_str(&location);
            rest = after.find('"').map_or("", |end| &after[end..]);
        }
        published.push_str(rest);
        Ok(published)
    }

    /// The operations that the document describes, in its order. A request is expected in the element that is called
    /// after its operation, with `Request` at the end.
    ///
    /// # Errors
    /// A document that is no readable XML; the embedded ones are.
    pub fn operations(self) -> Result<Vec<WsdlOperation>, Refusal> {
        let document = admit(self.text.as_bytes(), None, &Limits::default())?;
        let mut reader = Reader::new(&document);
        let mut found = DescriptionParts::default();
        let mut path: Vec<&str> = Vec::with_capacity(8);
        loop {
            match reader.next()? {
                Event::Open(element) => {
                    path.push(element.name.local);
                    let attribute = |name| reader.attribute(&element, "", name).map(Into::into).unwrap_or_default();
                    match path[..] {
                        [_, "types", "schema", "element"] => found.elements.push((attribute("name"), Vec::new())),
                        [_, "types", "schema", "element", .., "sequence", "element"] => {
                            found.parameter(attribute("name"), &attribute("minOccurs"));
                        }
                        [_, "portType", "operation"] => {
                            found
                                .operations
                                .push(WsdlOperation { name: attribute("name"), ..WsdlOperation::default() });
                        }
                        [_, "binding", "operation", "operation"] => found.actions.push(attribute("soapAction")),
                        [_, "portType", "operation", "documentation"] => {
                            if let Content::Text(text) = reader.content()? {
                                found.document(text.into_owned());
                            }
                            path.pop();
                        }
                        _ => {}
                    }
                }
                Event::Text(_) => {}
                Event::Close => drop(path.pop()),
                Event::End => return Ok(found.assembled()),
            }
        }
    }
}

/// The parts of the operations while a document is read.
#[derive(Default)]
struct DescriptionParts {
    /// The elements of the schema with their children.
    elements: Vec<(String, Vec<Parameter>)>,
    operations: Vec<WsdlOperation>,
    /// The actions in the order of the operations.
    actions: Vec<String>,
}

impl DescriptionParts {
    fn parameter(&mut self, name: String, least: &str) {
        let presence = if least == "0" { Presence::Optional } else { Presence::Needed };
        if let Some((_, parameters)) = self.elements.last_mut() {
            parameters.push(Parameter { name, presence });
        }
    }

    fn document(&mut self, text: String) {
        if let Some(operation) = self.operations.last_mut() {
            operation.documentation = text;
        }
    }

    fn assembled(self) -> Vec<WsdlOperation> {
        let Self { elements, mut operations, actions } = self;
        for (operation, action) in operations.iter_mut().zip(actions) {
            let parameters = elements
                .iter()
                .find(|(name, _)| name.strip_suffix("Request").is_some_and(|name| name == operation.name));
            operation.parameters = parameters.map(|(_, parameters)| parameters.clone()).unwrap_or_default();
            operation.action = action;
        }
        operations
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::xml::guard::Document;

    const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
    const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

    const AGENT: &str = include_str!("../../wsdl/agent.wsdl");
    const DNIS: &str = include_str!("../../wsdl/dnis.wsdl");
    const AGENT12: &str = include_str!("../../wsdl/agent12.wsdl");
    const DNIS12: &str = include_str!("../../wsdl/dnis12.wsdl");
    const GATEWAY: &str = include_str!("../../wsdl/gateway.wsdl");
    const GATEWAY12: &str = include_str!("../../wsdl/gateway12.wsdl");

    /// Every element of `text`: its path of local names, namespace, and the attributes asked for.
    fn elements(text: &str, attributes: &[&str]) -> Vec<(String, String, Vec<Option<String>>)> {
        let document: Document<'_> = admit(text.as_bytes(), None, &Limits::default()).unwrap();
        let mut reader = Reader::new(&document);
        let (mut path, mut seen) = (Vec::new(), Vec::new());
        loop {
            match reader.next().unwrap() {
                Event::Open(element) => {
                    path.push(element.name.local);
                    let values =
                        attributes.iter().map(|name| reader.attribute(&element, "", name).map(Into::into)).collect();
                    seen.push((path.join("/"), element.name.namespace.to_string(), values));
                }
                Event::Text(_) => {}
                Event::Close => drop(path.pop()),
                Event::End => return seen,
            }
        }
    }

    fn names(text: &str, of: &str) -> Vec<String> {
        let named = elements(text, &["name"]).into_iter().filter(|(path, ..)| path == of);
        named.filter_map(|(_, _, mut values)| values.remove(0)).collect()
    }

    #[test]
    fn the_documents_describe_four_operations_under_the_agreed_names() {
        for (text, port) in [(AGENT, "AgentPort"), (DNIS, "DnisPort")] {
            let operations = ["AllocateDnis", "GetDnisAllocation", "FreeDnisAllocation", "CreatePhone"];
            assert_eq!(names(text, "definitions/portType"), [port]);
            assert_eq!(names(text, "definitions/portType/operation"), operations);
            assert_eq!(names(text, "definitions/binding"), [format!("{port}Binding")]);
            assert_eq!(names(text, "definitions/binding/operation"), operations);
            assert_eq!(names(text, "definitions/service"), [format!("{port}Service")]);
            assert_eq!(names(text, "definitions/service/port"), [format!("{port}Soap11")]);
            assert!(names(text, "definitions/message/part").iter().all(|name| name == "parameters"));
            let elements: Vec<_> =
                operations.iter().flat_map(|name| [format!("{name}Request"), format!("{name}Response")]).collect();
            assert_eq!(names(text, "definitions/types/schema/element"), elements);
        }
    }

    #[test]
    fn every_reference_resolves() {
        for text in [AGENT, DNIS] {
            let defined = |path: &str| -> BTreeSet<String> { names(text, path).into_iter().collect() };
            let types: BTreeSet<String> = ["string", "boolean"].map(String::from).into();
            for (path, namespace, values) in elements(text, &["element", "message", "type", "binding"]) {
                let is_schema = namespace == SCHEMA;
                let targets = [
                    ("tns", defined("definitions/types/schema/element")),
                    ("tns", defined("definitions/message")),
                    if is_schema { ("xs", types.clone()) } else { ("tns", defined("definitions/portType")) },
                    ("tns", defined("definitions/binding")),
                ];
                for (value, (prefix, known)) in values.into_iter().zip(targets) {
                    let Some(value) = value else { continue };
                    let resolved = value.split_once(':').is_some_and(|(p, local)| p == prefix && known.contains(local));
                    assert!(resolved, "{path}: {value}");
                }
            }
        }
    }

    #[test]
    fn every_operation_has_its_messages_and_its_own_action() {
        for text in [AGENT, DNIS] {
            let found = elements(text, &["message", "soapAction", "use", "targetNamespace"]);
            let of = |path: &str, index: usize| -> Vec<String> {
                found.iter().filter(|(at, ..)| at == path).filter_map(|(_, _, values)| values[index].clone()).collect()
            };
            assert_eq!(of("definitions/portType/operation/input", 0).len(), 4);
            assert_eq!(of("definitions/portType/operation/output", 0).len(), 4);
            assert_eq!(of("definitions/binding/operation/input/body", 2), ["literal"; 4]);
            assert_eq!(of("definitions/binding/operation/output/body", 2), ["literal"; 4]);
            assert_eq!(of("definitions", 3), of("definitions/types/schema", 3));
            let actions: BTreeSet<_> = of("definitions/binding/operation/operation", 1).into_iter().collect();
            assert!(actions.len() == 4 && !actions.contains(""), "{actions:?}");
        }
    }

    #[test]
    fn names_stay_distinct_when_a_generator_folds_their_case() {
        for text in [AGENT, DNIS, GATEWAY] {
            let mut seen = BTreeSet::new();
            for (path, namespace, mut values) in elements(text, &["name"]) {
                let global = namespace == WSDL
                    && !path.starts_with("definitions/binding/operation")
                    && !path.ends_with("/fault")
                    || path == "definitions/types/schema/element";
                if let Some(name) = values.remove(0).filter(|name| global && name != "parameters") {
                    assert!(seen.insert(name.to_ascii_lowercase()), "{path}: {name}");
                }
            }
        }
    }

    #[test]
    fn only_the_address_changes_and_is_escaped() {
        for (text, path) in [(AGENT, "agent"), (DNIS, "dnis")] {
            let written = format!("http://127.0.0.1:8080/interact/version/2/{path}/soap");
            let wsdl = Wsdl::embedded(Version::V11, text);
            assert_eq!(text.matches(wsdl.address()).count(), 1);
            let published = wsdl.publish("https://[::1]:8443/a?b=\"1\"&c").unwrap();
            let expected = text.replace(&written, "https://[::1]:8443/a?b=&quot;1&quot;&amp;c");
            assert_ne!(expected, text);
            assert_eq!(published, expected);
            assert_eq!(wsdl.publish(&written).unwrap(), text);
        }
    }

    #[test]
    fn every_port_gets_the_address() {
        let text = r#"<a><soap:address location="1"/><soap:address location="2"/></a>"#;
        let published = Wsdl::embedded(Version::V11, text).publish("x").unwrap();
        assert_eq!(published, r#"<a><soap:address location="x"/><soap:address location="x"/></a>"#);
    }

    #[test]
    fn the_soap_1_2_documents_differ_in_the_binding_alone() {
        for (text, twelve, port) in
            [(AGENT, AGENT12, "AgentPort"), (DNIS, DNIS12, "DnisPort"), (GATEWAY, GATEWAY12, "GatewayPort")]
        {
            let derived = text
                .replace(
                    "xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\"",
                    "xmlns:soap12=\"http://schemas.xmlsoap.org/wsdl/soap12/\"",
                )
                .replace("<soap:", "<soap12:")
                .replace("</soap:", "</soap12:")
                .replace(&format!("{port}Binding"), &format!("{port}Soap12Binding"))
                .replace(&format!("{port}Service"), &format!("{port}Soap12Service"))
                .replace(&format!("{port}Soap11"), &format!("{port}Soap12"));
            assert_eq!(twelve, derived);
            assert_eq!(names(twelve, "definitions/service/port"), [format!("{port}Soap12")]);
            let published = Wsdl::embedded(Version::V12, twelve).publish("https://x/y").unwrap();
            assert!(published.contains("<soap12:address location=\"https://x/y\"/>"));
            assert!(!published.contains("127.0.0.1"));
        }
    }

    #[test]
    fn the_operations_are_read_with_their_words_actions_and_parameters() {
        for (version, text, service) in
            [(Version::V11, AGENT, "agent"), (Version::V12, AGENT12, "agent"), (Version::V11, DNIS, "dnis")]
        {
            let operations = Wsdl::embedded(version, text).operations().unwrap();
            let create = operations.last().unwrap();
            assert_eq!(operations.len(), 4);
            assert_eq!(create.name, "CreatePhone");
            assert_eq!(create.action, format!("http://com/jacada/interact/{service}/soap/CreatePhone"));
            assert!(create.documentation.starts_with("Adds a number to the pool"));
            let optional: Vec<_> =
                create.parameters.iter().map(|it| (it.name.as_str(), it.presence == Presence::Optional)).collect();
            assert_eq!(optional, [("phoneNumber", false), ("dnId", false), ("groupName", true), ("enabled", true)]);
        }
    }
}
