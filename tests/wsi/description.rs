//! What must hold of the descriptions, as they are served.

use std::collections::BTreeSet;

use crate::probe::{AGENT, DNIS, Probe};
use crate::rules;
use crate::tree::Node;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";

rules! {
    "R0001", "a description is there for whoever may call, by its name and by ?wsdl", reachable;
    "R2001 R2002 R2003 R2004 R2005 R2007", "nothing is imported, so no import can be wrong", no_imports;
    "R2803 R2801 R2800", "the schemas are XML Schema 1.0", xml_schema;
    "R2022 R2023", "types come before messages, port types, bindings and services", order;
    "R4002 R4003 R4004 R2009 R2010 R2011", "the document is XML 1.0 in UTF-8", xml_1_0_in_utf_8;
    "R2025 R2026 R2027", "no extension is required", no_required_extensions;
    "R2101 R2102", "every qualified name resolves within the document", names_resolve;
    "R2105 R2110 R2111 R2112", "each schema has its target namespace; there are no arrays", schemas;
    "R2201 R2210 R2204 R2205 R2206 R2209", "every message has one part, given by its element, and it is bound", parts;
    "R2303 R2304 R2306", "operations answer what they are asked, under names of their own", operations;
    "R2401 R2701 R2702 R2705 R2706", "one SOAP binding over HTTP, document style, literal", binding;
    "R2710", "no two operations have the same element on the wire", signatures;
    "R2711", "no two ports have the same address", addresses;
    "R2716 R2717", "soap:body names no namespace", no_namespace_on_body;
    "R2718", "binding and port type have the same operations", bound_operations;
    "R2720 R2721 R2749 R2754 R2723 R2741", "no headers and no faults are described, so none is wrong", no_headers;
    "R9800 R9801 R9802", "nothing but SOAP extends the binding", no_other_extensions;
    "R5001", "the address has the scheme that the service is reached by", scheme;
}

/// The descriptions with their own namespaces.
fn descriptions(probe: &Probe) -> Vec<(&'static str, Node)> {
    let fetch = |service: &str| Node::of(&probe.get(&format!("/interact/version/2/{service}/soap?wsdl")).body);
    vec![(AGENT, fetch("agent")), (DNIS, fetch("dnis"))]
}

/// Holds that something is so of every description.
fn each(probe: &Probe, holds: fn(&'static str, &Node)) {
    descriptions(probe).iter().for_each(|(namespace, root)| holds(namespace, root));
}

/// The elements of the schema.
fn elements(root: &Node) -> BTreeSet<&str> {
    root.only("types").only("schema").all("element").map(|element| element.attribute("name")).collect()
}

/// The part of a qualified name behind the prefix that the documents use for their own namespace.
fn own(name: &str) -> &str {
    name.strip_prefix("tns:").unwrap_or_else(|| panic!("'{name}' is not in the document's namespace"))
}

fn reachable(probe: &Probe) {
    for service in ["agent", "dnis"] {
        let base = format!("/interact/version/2/{service}/soap");
        let paths = [format!("{base}?wsdl"), format!("{base}?WSDL"), format!("{base}?singleWsdl")];
        let by_name = probe.get(&format!("{base}/{service}.wsdl"));
        assert_eq!((by_name.status, by_name.header("content-type")), (200, "text/xml; charset=UTF-8"));
        assert!(paths.iter().all(|path| probe.get(path).body == by_name.body));
    }
}

fn no_imports(probe: &Probe) {
    each(probe, |namespace, root| {
        assert!(root.everything().iter().all(|node| !matches!(node.local.as_str(), "import" | "include")));
        assert_eq!(root.attribute("targetNamespace"), namespace);
    });
}

fn xml_schema(probe: &Probe) {
    each(probe, |_, root| {
        let types = root.only("types");
        assert!(types.everything().iter().skip(1).all(|node| node.namespace == SCHEMA));
    });
}

fn order(probe: &Probe) {
    each(probe, |_, root| {
        let order = ["documentation", "types", "message", "portType", "binding", "service"];
        let places = root.names().into_iter().map(|name| order.iter().position(|known| *known == name).unwrap());
        assert!(places.is_sorted());
        assert!(root.children.iter().all(|child| child.namespace == WSDL));
    });
}

fn xml_1_0_in_utf_8(probe: &Probe) {
    for service in ["agent", "dnis"] {
        let reply = probe.get(&format!("/interact/version/2/{service}/soap?wsdl"));
        assert!(reply.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    }
}

fn no_required_extensions(probe: &Probe) {
    each(probe, |_, root| {
        let extends =
            |node: &&Node| node.attributes.iter().any(|(namespace, name, _)| namespace == WSDL && name == "required");
        assert!(!root.everything().iter().any(extends));
    });
}

fn names_resolve(probe: &Probe) {
    each(probe, |_, root| {
        let elements = elements(root);
        let names = |of: &str| -> BTreeSet<&str> { root.all(of).map(|node| node.attribute("name")).collect() };
        let (messages, ports, bindings) = (names("message"), names("portType"), names("binding"));
        for message in root.all("message") {
            assert!(elements.contains(own(message.only("part").attribute("element"))));
        }
        for operation in root.only("portType").all("operation") {
            assert!(messages.contains(own(operation.only("input").attribute("message"))));
            assert!(messages.contains(own(operation.only("output").attribute("message"))));
        }
        assert!(ports.contains(own(root.only("binding").attribute("type"))));
        assert!(bindings.contains(own(root.only("service").only("port").attribute("binding"))));
        for node in root.only("types").everything() {
            assert!(matches!(node.attribute("type"), "" | "xs:string" | "xs:boolean"), "{node:?}");
            assert!(node.attribute("ref").is_empty() && node.attribute("base").is_empty());
        }
    });
}

fn schemas(probe: &Probe) {
    each(probe, |namespace, root| {
        let schema = root.only("types").only("schema");
        assert_eq!(schema.attribute("targetNamespace"), namespace);
        assert_eq!(schema.attribute("elementFormDefault"), "qualified");
        for node in schema.everything() {
            assert!(!node.attribute("name").starts_with("ArrayOf") && node.attribute("maxOccurs").is_empty());
        }
    });
}

fn parts(probe: &Probe) {
    each(probe, |_, root| {
        let used: BTreeSet<&str> = root
            .only("portType")
            .all("operation")
            .flat_map(|operation| [operation.only("input"), operation.only("output")])
            .map(|end| own(end.attribute("message")))
            .collect();
        for message in root.all("message") {
            let part = message.only("part");
            assert_eq!((part.attribute("name"), part.attribute("type")), ("parameters", ""));
            assert!(used.contains(message.attribute("name")), "{message:?}");
        }
    });
}

fn operations(probe: &Probe) {
    each(probe, |_, root| {
        let operations: Vec<&Node> = root.only("portType").all("operation").collect();
        let names: BTreeSet<&str> = operations.iter().map(|operation| operation.attribute("name")).collect();
        assert_eq!((names.len(), operations.len()), (4, 4));
        for operation in operations {
            assert_eq!(operation.names(), ["documentation", "input", "output"]);
        }
        assert!(root.all("message").all(|message| message.all("part").all(|part| part.attribute("type").is_empty())));
    });
}

fn binding(probe: &Probe) {
    each(probe, |_, root| {
        let all = root.only("binding");
        let soap = all.only("binding");
        assert_eq!(soap.namespace, SOAP);
        assert_eq!(soap.attribute("transport"), "http://schemas.xmlsoap.org/soap/http");
        assert_eq!(soap.attribute("style"), "document");
        for operation in all.all("operation") {
            assert_eq!(operation.only("operation").attribute("style"), "document");
            for end in ["input", "output"] {
                assert_eq!(operation.only(end).only("body").attribute("use"), "literal");
            }
        }
    });
}

fn signatures(probe: &Probe) {
    each(probe, |_, root| {
        let element = |message: &str| {
            let found = root.all("message").find(|node| node.attribute("name") == message).unwrap();
            own(found.only("part").attribute("element")).to_owned()
        };
        let operations = root.only("portType").all("operation");
        let wire: Vec<String> =
            operations.map(|operation| element(own(operation.only("input").attribute("message")))).collect();
        assert_eq!(wire.iter().collect::<BTreeSet<_>>().len(), wire.len());
    });
}

fn addresses(probe: &Probe) {
    let descriptions = descriptions(probe);
    let addresses: BTreeSet<&str> = descriptions
        .iter()
        .map(|(_, root)| root.only("service").only("port").only("address").attribute("location"))
        .collect();
    assert_eq!(addresses.len(), descriptions.len());
}

fn no_namespace_on_body(probe: &Probe) {
    each(probe, |_, root| {
        let bodies = root.everything().into_iter().filter(|node| node.namespace == SOAP && node.local == "body");
        assert!(bodies.into_iter().all(|body| body.attribute("namespace").is_empty()));
    });
}

fn bound_operations(probe: &Probe) {
    each(probe, |_, root| {
        let names = |of: &str| -> Vec<&str> {
            root.only(of).all("operation").map(|operation| operation.attribute("name")).collect()
        };
        assert_eq!(names("binding"), names("portType"));
    });
}

fn no_headers(probe: &Probe) {
    each(probe, |_, root| {
        let none = |node: &&Node| !matches!(node.local.as_str(), "header" | "headerfault" | "fault");
        assert!(root.everything().iter().all(none));
    });
}

fn no_other_extensions(probe: &Probe) {
    each(probe, |_, root| {
        let binding = root.only("binding").everything();
        assert!(binding.iter().all(|node| node.namespace == WSDL || node.namespace == SOAP));
    });
}

fn scheme(probe: &Probe) {
    each(probe, |_, root| {
        let location = root.only("service").only("port").only("address").attribute("location");
        assert!(location.starts_with("http://"), "{location}");
    });
}
