//! Publishing WSDL documents: as written, but with the address at which the service is reached.

use crate::xml::writer::{Unrepresentable, escape_attribute};

/// A WSDL document that is part of the program. The text is the contract; only its addresses are not.
#[derive(Clone, Copy, Debug)]
pub struct Wsdl {
    text: &'static str,
}

/// What an address begins with in our documents; the location ends at the next quote.
const ADDRESS: &str = "<soap:address location=\"";

impl Wsdl {
    /// A document with SOAP addresses of the form `<soap:address location="..."/>`.
    pub const fn embedded(text: &'static str) -> Self {
        Self { text }
    }

    /// The document with `location` as the address of every port. One scan and one allocation.
    ///
    /// # Errors
    /// A character of `location` that XML cannot carry.
    pub fn publish(self, location: &str) -> Result<String, Unrepresentable> {
        let location = escape_attribute(location)?;
        let mut published = String::with_capacity(self.text.len() + location.len());
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once(ADDRESS) {
            published.push_str(before);
            published.push_str(ADDRESS);
            published.push_str(&location);
            rest = after.find('"').map_or("", |end| &after[end..]);
        }
        published.push_str(rest);
        Ok(published)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::xml::guard::{Document, admit};
    use crate::xml::limits::Limits;
    use crate::xml::reader::{Event, Reader};

    const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
    const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

    const AGENT: &str = include_str!("../../wsdl/agent.wsdl");
    const DNIS: &str = include_str!("../../wsdl/dnis.wsdl");

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
        for text in [AGENT, DNIS] {
            let mut seen = BTreeSet::new();
            for (path, namespace, mut values) in elements(text, &["name"]) {
                let global = namespace == WSDL && !path.starts_with("definitions/binding/operation")
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
            assert_eq!(text.matches(ADDRESS).count(), 1);
            let published = Wsdl::embedded(text).publish("https://[::1]:8443/a?b=\"1\"&c").unwrap();
            let expected = text.replace(&written, "https://[::1]:8443/a?b=&quot;1&quot;&amp;c");
            assert_ne!(expected, text);
            assert_eq!(published, expected);
            assert_eq!(Wsdl::embedded(text).publish(&written).unwrap(), text);
        }
    }

    #[test]
    fn every_port_gets_the_address() {
        let text = r#"<a><soap:address location="1"/><soap:address location="2"/></a>"#;
        let published = Wsdl::embedded(text).publish("x").unwrap();
        assert_eq!(published, r#"<a><soap:address location="x"/><soap:address location="x"/></a>"#);
    }
}
