//! The rules about descriptions, held against the committed WSDLs; R0001 says that these are the ones that are served.
//!
//! Every rule comes with a way to break it in the text of a WSDL, and must find fault with the text that was so broken.

mod document;

use std::collections::BTreeSet;

use roxmltree::Node;

use crate::gateway::{ALL, Gateway};
use crate::xml::{elements, parse};
use crate::{Rule, Verdict, ensure};
use document::{
    BINDING, Description, SCHEMA, WSDL, Wsdl, each, is, name, none, one, operation_names, operations, resolved,
};

const ENCODING: &str = "http://schemas.xmlsoap.org/soap/encoding/";
/// What the profile forbids inside a SOAP binding: HTTP, MIME, DIME.
const OTHER_BINDINGS: [&str; 3] = [
    "http://schemas.xmlsoap.org/wsdl/http/",
    "http://schemas.xmlsoap.org/wsdl/mime/",
    "http://schemas.xmlsoap.org/ws/2002/04/dime/wsdl/",
];

/// One or several rules that are one check of the text of the descriptions.
pub(crate) struct WsdlRule {
    /// Their numbers.
    pub(crate) numbers: &'static str,
    /// What must hold, in our words.
    pub(crate) holds: &'static str,
    /// The check.
    check: fn(&[Wsdl]) -> Verdict,
    /// A replacement in the text of the descriptions after which it must not hold any more.
    broken_by: (&'static str, &'static str),
}

impl WsdlRule {
    /// Whether the committed descriptions keep the rule, and broken ones do not.
    pub(crate) fn verdict(&self) -> Verdict {
        (self.check)(&Wsdl::committed(str::to_owned))?;
        let (from, to) = self.broken_by;
        let broken = Wsdl::committed(|text| text.replace(from, to));
        let changed = ALL.iter().zip(&broken).any(|(service, wsdl)| service.wsdl != wsdl.text);
        ensure(changed, format!("the descriptions do not have {from}"))?;
        ensure((self.check)(&broken).is_err(), format!("it holds even with {to}"))
    }
}

/// The rules about what is served.
pub(crate) const SERVED: &[Rule] = &[
    Rule { numbers: "R0001", holds: "the description is served to anybody who asks, as committed", check: is_served },
    Rule { numbers: "R5001", holds: "over plain HTTP the served address is plain HTTP", check: address_scheme },
];

/// The rules about what is committed.
pub(crate) const RULES: &[WsdlRule] = &[
    WsdlRule {
        numbers: "R2001-R2005, R2007, R2803",
        holds: "nothing is imported or included: each description is one document",
        check: |wsdls| none(wsdls, |node| matches!(node.tag_name().name(), "import" | "include" | "redefine")),
        broken_by: (
            "<wsdl:message name=\"AllocateDnisInput\">",
            "<wsdl:import namespace=\"urn:a\" location=\"a\"/><wsdl:message name=\"AllocateDnisInput\">",
        ),
    },
    WsdlRule {
        numbers: "R2022, R2023",
        holds: "types come before everything but documentation",
        check: |wsdls| each(wsdls, order),
        broken_by: ("<wsdl:types>", "<wsdl:message name=\"Early\"/><wsdl:types>"),
    },
    WsdlRule {
        numbers: "R4002-R4004, R2009-R2011",
        holds: "a description is in XML 1.0 and UTF-8, and says so, without a byte order mark",
        check: |wsdls| {
            wsdls.iter().try_for_each(|wsdl| {
                let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
                ensure(wsdl.text.starts_with(declaration), format!("{}.wsdl begins otherwise", wsdl.name))
            })
        },
        broken_by: ("encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\""),
    },
    WsdlRule {
        numbers: "R2025, R2026",
        holds: "there is no extension but SOAP's, and none is required",
        check: |wsdls| {
            none(wsdls, |node| {
                let known = [WSDL, BINDING, SCHEMA].map(Some).contains(&node.tag_name().namespace());
                !known || node.attribute((WSDL, "required")).is_some()
            })
        },
        broken_by: ("<soap:binding ", "<soap:binding wsdl:required=\"true\" "),
    },
    WsdlRule {
        numbers: "R2101, R2102",
        holds: "every name that is referred to is there, in the kind and namespace it is looked for",
        check: |wsdls| each(wsdls, references),
        broken_by: ("element=\"tns:CreatePhoneRequest\"", "element=\"tns:CreatePhonesRequest\""),
    },
    WsdlRule {
        numbers: "R2105",
        holds: "every schema has a target namespace",
        check: |wsdls| {
            none(wsdls, |node| {
                node.has_tag_name((SCHEMA, "schema")) && node.attribute("targetNamespace").is_none_or(str::is_empty)
            })
        },
        broken_by: ("<xs:schema targetNamespace=", "<xs:schema id="),
    },
    WsdlRule {
        numbers: "R2110-R2112",
        holds: "there is no SOAP-encoded array, no arrayType and no name of the form ArrayOfX",
        check: |wsdls| each(wsdls, no_arrays),
        broken_by: ("<xs:element name=\"uniqueId\"", "<xs:element name=\"ArrayOfId\""),
    },
    WsdlRule {
        numbers: "R2201, R2210",
        holds: "a message has one part, so soap:body binds one without naming it",
        check: |wsdls| {
            each(wsdls, |wsdl| {
                wsdl.all("message").try_for_each(|message| {
                    let parts = elements(message).filter(|child| child.has_tag_name((WSDL, "part"))).count();
                    ensure(parts == 1, format!("{} has {parts} parts", name(message)))
                })
            })
        },
        broken_by: (
            "<wsdl:part name=\"parameters\" element=\"tns:CreatePhoneRequest\"/>",
            "<wsdl:part name=\"parameters\" element=\"tns:CreatePhoneRequest\"/><wsdl:part name=\"more\" element=\"tns:CreatePhoneRequest\"/>",
        ),
    },
    WsdlRule {
        numbers: "R2204, R2205, R2206, R2306",
        holds: "every part, of headers and faults too, refers to a global element, and not to a type",
        check: |wsdls| {
            none(wsdls, |node| {
                is(node, "part") && (node.attribute("element").is_none() || node.attribute("type").is_some())
            })
        },
        broken_by: (
            "<wsdl:part name=\"parameters\" element=\"tns:CreatePhoneRequest\"/>",
            "<wsdl:part name=\"parameters\" type=\"xs:string\"/>",
        ),
    },
    WsdlRule {
        numbers: "R2303",
        holds: "every operation is request-response: an input, then an output",
        check: |wsdls| each(wsdls, request_response),
        broken_by: ("<wsdl:output message=\"tns:CreatePhoneOutput\"/>", ""),
    },
    WsdlRule {
        numbers: "R2304",
        holds: "the operations of a portType have names of their own",
        check: |wsdls| each(wsdls, unique_names),
        broken_by: ("<wsdl:operation name=\"CreatePhone\">", "<wsdl:operation name=\"AllocateDnis\">"),
    },
    WsdlRule {
        numbers: "R2401, R2701, R2702",
        holds: "every binding is SOAP 1.1's, over HTTP",
        check: |wsdls| {
            each(wsdls, |wsdl| {
                wsdl.all("binding").try_for_each(|binding| {
                    let soap = one(binding, "binding")?;
                    let transport = soap.attribute("transport");
                    let http = Some("http://schemas.xmlsoap.org/soap/http");
                    ensure(transport == http, format!("the transport of {} is {transport:?}", name(binding)))
                })
            })
        },
        broken_by: (
            "transport=\"http://schemas.xmlsoap.org/soap/http\"",
            "transport=\"http://schemas.xmlsoap.org/soap/smtp\"",
        ),
    },
    WsdlRule {
        numbers: "R2705, R2706",
        holds: "every operation is document style and literal",
        check: |wsdls| each(wsdls, document_literal),
        broken_by: ("<soap:body use=\"literal\"/>", "<soap:body use=\"encoded\"/>"),
    },
    WsdlRule {
        numbers: "R2710",
        holds: "the operations of a binding differ in what stands first in their Body",
        check: |wsdls| each(wsdls, signatures),
        broken_by: ("element=\"tns:CreatePhoneRequest\"", "element=\"tns:AllocateDnisRequest\""),
    },
    WsdlRule {
        numbers: "R2711",
        holds: "no two ports, of all descriptions, have the same address",
        check: addresses,
        broken_by: ("/version/2/dnis/soap\"/>", "/version/2/agent/soap\"/>"),
    },
    WsdlRule {
        numbers: "R2716, R2717, R2726",
        holds: "soap:body, header and fault name no namespace",
        check: |wsdls| {
            none(wsdls, |node| node.tag_name().namespace() == Some(BINDING) && node.attribute("namespace").is_some())
        },
        broken_by: ("<soap:body ", "<soap:body namespace=\"urn:a\" "),
    },
    WsdlRule {
        numbers: "R2718",
        holds: "a binding and its portType have the same operations",
        check: |wsdls| {
            each(wsdls, |wsdl| {
                let of =
                    |kind: &'static str| -> Vec<BTreeSet<String>> { wsdl.all(kind).map(operation_names).collect() };
                let (bound, offered) = (of("binding"), of("portType"));
                ensure(bound == offered && !bound.is_empty(), format!("bound {bound:?}, offered {offered:?}"))
            })
        },
        broken_by: (
            "<wsdl:operation name=\"CreatePhone\">\n      <soap:",
            "<wsdl:operation name=\"CreatePhones\">\n      <soap:",
        ),
    },
    WsdlRule {
        numbers: "R2720, R2749",
        holds: "a soap:header names its part, and one part",
        check: |wsdls| {
            none(wsdls, |node| {
                let header = node.has_tag_name((BINDING, "header")) || node.has_tag_name((BINDING, "headerfault"));
                header && (node.attribute("part").is_none() || node.attribute("parts").is_some())
            })
        },
        broken_by: (
            "<soap:body use=\"literal\"/>",
            "<soap:header message=\"tns:CreatePhoneInput\" parts=\"parameters\" use=\"literal\"/><soap:body use=\"literal\"/>",
        ),
    },
    WsdlRule {
        numbers: "R2721, R2754, R2723, R2741",
        holds: "the faults that an operation declares are bound, each under its own name",
        check: |wsdls| each(wsdls, faults),
        broken_by: (
            "<wsdl:output message=\"tns:CreatePhoneOutput\"/>",
            "<wsdl:output message=\"tns:CreatePhoneOutput\"/><wsdl:fault name=\"a\" message=\"tns:CreatePhoneOutput\"/>",
        ),
    },
    WsdlRule {
        numbers: "R2800, R2801",
        holds: "schemas are of XML Schema 1.0",
        check: |wsdls| {
            each(wsdls, |wsdl| {
                let schemas = wsdl.root().descendants().filter(|node| node.tag_name().name() == "schema");
                let namespaces: Vec<_> = schemas.map(|node| node.tag_name().namespace()).collect();
                ensure(
                    !namespaces.is_empty() && namespaces.iter().all(|it| *it == Some(SCHEMA)),
                    format!("{namespaces:?}"),
                )
            })
        },
        broken_by: ("xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"", "xmlns:xs=\"http://www.w3.org/1999/XMLSchema\""),
    },
    WsdlRule {
        numbers: "R9800-R9802",
        holds: "there is nothing of HTTP, MIME or DIME bindings",
        check: |wsdls| {
            none(wsdls, |node| {
                let namespaces = node.namespaces().map(roxmltree::Namespace::uri);
                namespaces.chain(node.tag_name().namespace()).any(|namespace| OTHER_BINDINGS.contains(&namespace))
            })
        },
        broken_by: ("<wsdl:definitions ", "<wsdl:definitions xmlns:mime=\"http://schemas.xmlsoap.org/wsdl/mime/\" "),
    },
    WsdlRule {
        numbers: "R2209",
        holds: "every part of every message is bound",
        check: |wsdls| each(wsdls, every_message_used),
        broken_by: (
            "<wsdl:message name=\"CreatePhoneInput\">",
            "<wsdl:message name=\"Unused\"/><wsdl:message name=\"CreatePhoneInput\">",
        ),
    },
];

fn is_served(gateway: &Gateway) -> Verdict {
    for service in ALL {
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
    let of_kind = |kind: &[&str]| -> BTreeSet<_> {
        let globals = schemas.iter().flat_map(|schema| elements(*schema));
        globals.filter(|node| kind.contains(&node.tag_name().name())).map(name).collect()
    };
    let (globals, types) = (of_kind(&["element"]), of_kind(&["complexType", "simpleType"]));
    for node in wsdl.document.descendants().filter(Node::is_element) {
        for attribute in node.attributes() {
            let expected = match (node.tag_name().namespace(), node.tag_name().name(), attribute.name()) {
                (Some(WSDL), "part", "element") => ("element", own.clone(), globals.clone()),
                (Some(WSDL), _, "message") => ("message", BTreeSet::from([wsdl.target()]), wsdl.names("message")),
                (Some(WSDL), "binding", "type") => {
                    ("portType", BTreeSet::from([wsdl.target()]), wsdl.names("portType"))
                }
                (Some(WSDL), "port", "binding") => ("binding", BTreeSet::from([wsdl.target()]), wsdl.names("binding")),
                (Some(SCHEMA), _, "type" | "base") => {
                    let built_in = resolved(node, attribute.value())?.0 == SCHEMA;
                    let (namespaces, names) = if built_in {
                        (BTreeSet::from([SCHEMA]), BTreeSet::from(["boolean", "int", "long", "string"]))
                    } else {
                        (own.clone(), types.clone())
                    };
                    ("type", namespaces, names)
                }
                (Some(SCHEMA), _, "ref") => return Err(format!("{attribute:?} is of a form not known here")),
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

fn addresses(wsdls: &[Wsdl]) -> Verdict {
    let mut seen = BTreeSet::new();
    for Wsdl { name: service, text } in wsdls {
        let document = parse(text)?;
        for port in Description::of(&document).all("service").flat_map(elements) {
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
    for service in ALL {
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
