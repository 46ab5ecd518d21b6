//! The rules about descriptions, held against the committed WSDLs; R0001 says that these are the ones that are served.

use std::collections::BTreeSet;

use roxmltree::{Document, Node};

use crate::gateway::{Gateway, SERVICES, Service};
use crate::xml::{elements, parse};
use crate::{Rule, Verdict, ensure};

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const BINDING: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
/// What the profile forbids inside a SOAP binding: HTTP, MIME, DIME.
const OTHER_BINDINGS: [&str; 3] = [
    "http://schemas.xmlsoap.org/wsdl/http/",
    "http://schemas.xmlsoap.org/wsdl/mime/",
    "http://schemas.xmlsoap.org/ws/2002/04/dime/wsdl/",
];

pub(crate) const RULES: &[Rule] = &[
    Rule { numbers: "R0001", holds: "the description is served to anybody who asks, as committed", check: is_served },
    Rule {
        numbers: "R2001-R2005, R2007, R2803",
        holds: "nothing is imported or included: each description is one document",
        check: |_| none(|node| matches!(node.tag_name().name(), "import" | "include" | "redefine")),
    },
    Rule { numbers: "R2022, R2023", holds: "types come before everything but documentation", check: |_| each(order) },
    Rule {
        numbers: "R4002-R4004, R2009-R2011",
        holds: "a description is in XML 1.0 and UTF-8, and says so, without a byte order mark",
        check: |_| {
            SERVICES.iter().try_for_each(|service| {
                let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
                ensure(service.wsdl.starts_with(declaration), format!("{}.wsdl begins otherwise", service.name))
            })
        },
    },
    Rule {
        numbers: "R2025, R2026",
        holds: "there is no extension but SOAP's, and none is required",
        check: |_| {
            none(|node| {
                let known = [WSDL, BINDING, SCHEMA].map(Some).contains(&node.tag_name().namespace());
                !known || node.attribute((WSDL, "required")).is_some()
            })
        },
    },
    Rule {
        numbers: "R2101, R2102",
        holds: "every name that is referred to is there, in the kind and namespace it is looked for",
        check: |_| each(references),
    },
    Rule {
        numbers: "R2105",
        holds: "every schema has a target namespace",
        check: |_| {
            none(|node| {
                node.has_tag_name((SCHEMA, "schema")) && node.attribute("targetNamespace").is_none_or(str::is_empty)
            })
        },
    },
    Rule {
        numbers: "R2110-R2112",
        holds: "there is no SOAP-encoded array, no arrayType and no name of the form ArrayOfX",
        check: |_| each(no_arrays),
    },
    Rule {
        numbers: "R2201, R2210",
        holds: "a message has one part, so soap:body binds one without naming it",
        check: |_| {
            each(|wsdl| {
                wsdl.all("message").try_for_each(|message| {
                    let parts = elements(message).filter(|child| child.has_tag_name((WSDL, "part"))).count();
                    ensure(parts == 1, format!("{} has {parts} parts", name(message)))
                })
            })
        },
    },
    Rule {
        numbers: "R2204, R2205, R2206, R2306",
        holds: "every part, of headers and faults too, refers to a global element, and not to a type",
        check: |_| {
            none(|node| is(node, "part") && (node.attribute("element").is_none() || node.attribute("type").is_some()))
        },
    },
    Rule {
        numbers: "R2303",
        holds: "every operation is request-response: an input, then an output",
        check: |_| each(request_response),
    },
    Rule {
        numbers: "R2304",
        holds: "the operations of a portType have names of their own",
        check: |_| each(unique_names),
    },
    Rule {
        numbers: "R2401, R2701, R2702",
        holds: "every binding is SOAP 1.1's, over HTTP",
        check: |_| {
            each(|wsdl| {
                wsdl.all("binding").try_for_each(|binding| {
                    let soap = one(binding, "binding")?;
                    let transport = soap.attribute("transport");
                    let http = Some("http://schemas.xmlsoap.org/soap/http");
                    ensure(transport == http, format!("the transport of {} is {transport:?}", name(binding)))
                })
            })
        },
    },
    Rule {
        numbers: "R2705, R2706",
        holds: "every operation is document style and literal",
        check: |_| each(document_literal),
    },
    Rule {
        numbers: "R2710",
        holds: "the operations of a binding differ in what stands first in their Body",
        check: |_| each(signatures),
    },
    Rule {
        numbers: "R2711",
        holds: "no two ports, of both descriptions, have the same address",
        check: |_| addresses(),
    },
    Rule {
        numbers: "R2716, R2717, R2726",
        holds: "soap:body, header and fault name no namespace",
        check: |_| none(|node| node.tag_name().namespace() == Some(BINDING) && node.attribute("namespace").is_some()),
    },
    Rule {
        numbers: "R2718",
        holds: "a binding and its portType have the same operations",
        check: |_| {
            each(|wsdl| {
                let of =
                    |kind: &'static str| -> Vec<BTreeSet<String>> { wsdl.all(kind).map(operation_names).collect() };
                let (bound, offered) = (of("binding"), of("portType"));
                ensure(bound == offered && !bound.is_empty(), format!("bound {bound:?}, offered {offered:?}"))
            })
        },
    },
    Rule {
        numbers: "R2720, R2749",
        holds: "a soap:header names its part, and one part",
        check: |_| {
            none(|node| {
                let header = node.has_tag_name((BINDING, "header")) || node.has_tag_name((BINDING, "headerfault"));
                header && (node.attribute("part").is_none() || node.attribute("parts").is_some())
            })
        },
    },
    Rule {
        numbers: "R2721, R2754, R2723, R2740, R2741",
        holds: "the faults of an operation are bound, each under its own name",
        check: |_| each(faults),
    },
    Rule {
        numbers: "R2800, R2801",
        holds: "schemas are of XML Schema 1.0",
        check: |_| {
            each(|wsdl| {
                let schemas = wsdl.root().descendants().filter(|node| node.tag_name().name() == "schema");
                let namespaces: Vec<_> = schemas.map(|node| node.tag_name().namespace()).collect();
                ensure(
                    !namespaces.is_empty() && namespaces.iter().all(|it| *it == Some(SCHEMA)),
                    format!("{namespaces:?}"),
                )
            })
        },
    },
    Rule {
        numbers: "R9800-R9802",
        holds: "there is nothing of HTTP, MIME or DIME bindings",
        check: |_| {
            none(|node| {
                let namespaces = node.namespaces().map(|namespace| namespace.uri());
                namespaces.chain(node.tag_name().namespace()).any(|namespace| OTHER_BINDINGS.contains(&namespace))
            })
        },
    },
    Rule { numbers: "R5001", holds: "over plain HTTP the served address is plain HTTP", check: address_scheme },
    Rule { numbers: "R2209", holds: "every part of every message is bound", check: |_| each(every_message_used) },
];

/// A description that could be read.
struct Description<'a, 'input> {
    document: &'a Document<'input>,
}

impl<'a, 'input> Description<'a, 'input> {
    fn root(&self) -> Node<'a, 'input> {
        self.document.root_element()
    }

    /// The definitions of one kind.
    fn all(&self, kind: &'static str) -> impl Iterator<Item = Node<'a, 'input>> {
        elements(self.root()).filter(move |node| is(*node, kind))
    }

    fn target(&self) -> &'a str {
        self.root().attribute("targetNamespace").unwrap_or_default()
    }

    /// The names of the definitions of one kind.
    fn names(&self, kind: &'static str) -> BTreeSet<&'a str> {
        self.all(kind).map(name).collect()
    }

    /// The definition of one kind that an attribute refers to.
    fn referred(
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

/// Holds both descriptions to a rule.
fn each(rule: fn(&Description<'_, '_>) -> Verdict) -> Verdict {
    for service in SERVICES {
        let document = parse(service.wsdl)?;
        rule(&Description { document: &document }).map_err(|error| format!("{}.wsdl: {error}", service.name))?;
    }
    Ok(())
}

/// Holds both descriptions to have no element that is like this.
fn none(wrong: fn(Node<'_, '_>) -> bool) -> Verdict {
    for service in SERVICES {
        let document = parse(service.wsdl)?;
        let found = document.descendants().filter(Node::is_element).find(|node| wrong(*node));
        ensure(found.is_none(), format!("{}.wsdl: {found:?}", service.name))?;
    }
    Ok(())
}

fn is(node: Node<'_, '_>, local: &str) -> bool {
    node.has_tag_name((WSDL, local))
}

fn name<'a>(node: Node<'a, '_>) -> &'a str {
    node.attribute("name").unwrap_or_default()
}

/// The only element of the SOAP binding with this name in a node.
fn one<'a, 'input>(node: Node<'a, 'input>, local: &str) -> Result<Node<'a, 'input>, String> {
    crate::xml::child(node, BINDING, local)
}

/// The expanded name that a qualified name in a node's attribute stands for.
fn resolved<'a>(node: Node<'a, '_>, value: &'a str) -> Result<(&'a str, &'a str), String> {
    let (prefix, local) = value.split_once(':').ok_or(format!("{value} has no prefix"))?;
    let namespace = node.lookup_namespace_uri(Some(prefix)).ok_or(format!("the prefix of {value} is not declared"))?;
    Ok((namespace, local))
}

fn operations<'a, 'input>(node: Node<'a, 'input>) -> impl Iterator<Item = Node<'a, 'input>> {
    elements(node).filter(|child| is(*child, "operation"))
}

fn operation_names(node: Node<'_, '_>) -> BTreeSet<String> {
    operations(node).map(|operation| name(operation).to_owned()).collect()
}

fn is_served(gateway: &Gateway) -> Verdict {
    for service in SERVICES {
        for path in [format!("{}/{}.wsdl", service.path(), service.name), format!("{}?wsdl", service.path())] {
            let reply = gateway.send("GET", &path, "", b"");
            ensure(reply.status == 200, format!("{path} is answered under {}", reply.status))?;
            let expected = service.wsdl.replace("http://127.0.0.1:8080", &format!("http://{}", gateway.address()));
            ensure(reply.text() == expected, format!("{path} is not {}.wsdl with its own address", service.name))?;
        }
    }
    Ok(())
}

fn order(wsdl: &Description<'_, '_>) -> Verdict {
    let names: Vec<_> = elements(wsdl.root()).map(|node| node.tag_name().name()).collect();
    let rest: Vec<_> = names.iter().skip_while(|name| **name == "documentation").collect();
    let types = rest.iter().filter(|name| ***name == "types").count();
    ensure(rest.first() == Some(&&"types") && types == 1, format!("the order is {names:?}"))
}

fn references(wsdl: &Description<'_, '_>) -> Verdict {
    let schemas: Vec<_> = wsdl.all("types").flat_map(elements).collect();
    let own: BTreeSet<_> = schemas.iter().filter_map(|schema| schema.attribute("targetNamespace")).collect();
    let globals: BTreeSet<_> = schemas.iter().flat_map(|schema| elements(*schema)).map(name).collect();
    for node in wsdl.document.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let expected = match (node.tag_name().namespace(), node.tag_name().name(), attribute.name()) {
                (Some(WSDL), "part", "element") => ("element", own.clone(), globals.clone()),
                (Some(WSDL), _, "message") => ("message", BTreeSet::from([wsdl.target()]), wsdl.names("message")),
                (Some(WSDL), "binding", "type") => {
                    ("portType", BTreeSet::from([wsdl.target()]), wsdl.names("portType"))
                }
                (Some(WSDL), "port", "binding") => ("binding", BTreeSet::from([wsdl.target()]), wsdl.names("binding")),
                (Some(SCHEMA), _, "type") => ("type", BTreeSet::from([SCHEMA]), BTreeSet::from(["boolean", "string"])),
                (Some(SCHEMA), _, "ref" | "base") => return Err(format!("{attribute:?} is of a form not known here")),
                _ => continue,
            };
            let (kind, namespaces, names) = expected;
            let (namespace, local) = resolved(node, attribute.value())?;
            let found = namespaces.contains(namespace) && names.contains(local);
            ensure(found, format!("{} is no {kind}", attribute.value()))?;
        }
    }
    Ok(())
}

fn no_arrays(wsdl: &Description<'_, '_>) -> Verdict {
    for node in wsdl.document.descendants().filter(Node::is_element) {
        let encoded = node.namespaces().any(|namespace| namespace.uri() == ENCODING);
        let array = node.attributes().any(|attribute| attribute.name() == "arrayType");
        ensure(!encoded && !array && !name(node).starts_with("ArrayOf"), format!("{node:?}"))?;
    }
    Ok(())
}

fn request_response(wsdl: &Description<'_, '_>) -> Verdict {
    for operation in wsdl.all("portType").flat_map(operations) {
        let names = elements(operation).map(|node| node.tag_name().name());
        let messages: Vec<_> = names.filter(|name| !matches!(*name, "documentation" | "fault")).collect();
        ensure(messages == ["input", "output"], format!("{} has {messages:?}", name(operation)))?;
    }
    Ok(())
}

fn unique_names(wsdl: &Description<'_, '_>) -> Verdict {
    for port_type in wsdl.all("portType") {
        let (count, names) = (operations(port_type).count(), operation_names(port_type));
        ensure(count == names.len() && count > 0, format!("{} has {count} operations: {names:?}", name(port_type)))?;
    }
    Ok(())
}

fn document_literal(wsdl: &Description<'_, '_>) -> Verdict {
    for binding in wsdl.all("binding") {
        let style = one(binding, "binding")?.attribute("style").unwrap_or("document");
        ensure(style == "document", format!("{} is in {style} style", name(binding)))?;
        for operation in operations(binding) {
            let style = one(operation, "operation")?.attribute("style").unwrap_or("document");
            ensure(style == "document", format!("{} is in {style} style", name(operation)))?;
            for direction in elements(operation).filter(|node| is(*node, "input") || is(*node, "output")) {
                ensure(one(direction, "body")?.attribute("use") == Some("literal"), format!("{direction:?}"))?;
            }
            for fault in elements(operation).filter(|node| is(*node, "fault")) {
                ensure(one(fault, "fault")?.attribute("use") == Some("literal"), format!("{fault:?}"))?;
            }
        }
    }
    Ok(())
}

/// What stands first in the Body of an operation's request.
fn request_element<'a>(wsdl: &Description<'a, '_>, operation: Node<'a, '_>) -> Result<(&'a str, &'a str), String> {
    let value = operation.attribute("name").unwrap_or_default();
    let input = elements(operation).find(|node| is(*node, "input")).ok_or(format!("{value} has no input"))?;
    let message = input.attribute("message").ok_or(format!("the input of {value} has no message"))?;
    let (_, local) = resolved(input, message)?;
    let message = wsdl.all("message").find(|message| name(*message) == local).ok_or(format!("no message {local}"))?;
    let part = elements(message).find(|node| is(*node, "part")).ok_or(format!("{local} has no part"))?;
    resolved(part, part.attribute("element").ok_or(format!("the part of {local} has no element"))?)
}

fn signatures(wsdl: &Description<'_, '_>) -> Verdict {
    for port_type in wsdl.all("portType") {
        let elements: Result<Vec<_>, _> = operations(port_type).map(|each| request_element(wsdl, each)).collect();
        let elements = elements?;
        let different: BTreeSet<_> = elements.iter().collect();
        ensure(different.len() == elements.len() && !elements.is_empty(), format!("{elements:?}"))?;
    }
    Ok(())
}

fn addresses() -> Verdict {
    let mut seen = BTreeSet::new();
    for Service { name: service, wsdl, .. } in SERVICES {
        let document = parse(wsdl)?;
        for port in (Description { document: &document }).all("service").flat_map(elements) {
            let address = one(port, "address")?.attribute("location").unwrap_or_default().to_owned();
            ensure(!address.is_empty(), format!("{service}.wsdl has a port without an address"))?;
            ensure(seen.insert(address.clone()), format!("{address} is the address of two ports"))?;
        }
    }
    ensure(!seen.is_empty(), "there is no port")
}

fn faults(wsdl: &Description<'_, '_>) -> Verdict {
    let names = |operation: Node<'_, '_>| -> BTreeSet<String> {
        elements(operation).filter(|node| is(*node, "fault")).map(|fault| name(fault).to_owned()).collect()
    };
    for binding in wsdl.all("binding") {
        let port_type = wsdl.referred(binding, "type", "portType")?;
        for bound in operations(binding) {
            let offered = operations(port_type).find(|each| name(*each) == name(bound)).ok_or("R2718")?;
            let (declared, found) = (names(offered), names(bound));
            ensure(declared == found, format!("{}: declared {declared:?}, bound {found:?}", name(bound)))?;
            for fault in elements(bound).filter(|node| is(*node, "fault")) {
                let soap = one(fault, "fault")?;
                ensure(!name(fault).is_empty() && name(soap) == name(fault), format!("{fault:?}"))?;
            }
        }
    }
    Ok(())
}

fn address_scheme(gateway: &Gateway) -> Verdict {
    for service in SERVICES {
        let text = gateway.send("GET", &format!("{}?wsdl", service.path()), "", b"").text();
        let expected = format!("location=\"http://{}{}\"", gateway.address(), service.path());
        ensure(text.contains(&expected), format!("{}.wsdl does not say {expected}", service.name))?;
    }
    Ok(())
}

fn every_message_used(wsdl: &Description<'_, '_>) -> Verdict {
    let used: Result<BTreeSet<_>, String> = wsdl
        .all("portType")
        .flat_map(operations)
        .flat_map(elements)
        .filter_map(|node| node.attribute("message").map(|message| resolved(node, message)))
        .map(|name| name.map(|(_, local)| local))
        .collect();
    let (used, defined) = (used?, wsdl.names("message"));
    ensure(used == defined, format!("defined {defined:?}, used {used:?}"))
}
