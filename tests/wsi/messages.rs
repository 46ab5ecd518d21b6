//! The rules about messages: what the gateway says, in every kind of answer, and how it reads what it is told.

use roxmltree::{Document, Node};

use crate::exchange::{Due, Exchange, envelope, payload, unknown_header};
use crate::gateway::{AGENT, ALL, CREDENTIALS, Gateway, Reply, TEXT_XML};
use crate::xml::{SOAP, body, child, elements, fault_text, is_fault, parse, result};
use crate::{Rule, Verdict, ensure};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

pub(crate) const RULES: &[Rule] = &[
    Rule {
        numbers: "R9980",
        holds: "an answer is an Envelope with at most one Header and then one Body",
        check: |gateway| in_every_answer(gateway, structure),
    },
    Rule { numbers: "R1015", holds: "a message whose root is no Envelope is a fault", check: wrong_root },
    Rule {
        numbers: "R1014",
        holds: "the children of Body are in a namespace",
        check: |gateway| {
            in_every_answer(gateway, |document| {
                let unqualified = elements(body(document)?).find(|child| child.tag_name().namespace().is_none());
                ensure(unqualified.is_none(), format!("{unqualified:?} is in none"))
            })
        },
    },
    Rule { numbers: "R1008", holds: "no message has a DTD; one that has is a Client fault", check: no_dtd },
    Rule {
        numbers: "R1009",
        holds: "no message has a processing instruction; one that has is a Client fault",
        check: no_instruction,
    },
    Rule {
        numbers: "R1033",
        holds: "no answer declares the prefix xml",
        check: |gateway| nowhere(gateway, "xmlns:xml="),
    },
    Rule { numbers: "R1011", holds: "nothing follows Body; a request where it does is a Client fault", check: trailer },
    Rule {
        numbers: "R1005, R1006",
        holds: "no answer has an encodingStyle; a request that has one is served, in schema mode refused",
        check: encoding_style,
    },
    Rule {
        numbers: "R1013",
        holds: "mustUnderstand is 0 or 1; another value is a Client fault",
        check: must_understand_values,
    },
    Rule { numbers: "R1017", holds: "xsi:type is not asked for, and may be there", check: no_type_needed },
    Rule {
        numbers: "R1032",
        holds: "Envelope, Header and Body of an answer have no attributes in SOAP's namespace",
        check: |gateway| in_every_answer(gateway, no_soap_attributes),
    },
    Rule {
        numbers: "R1025",
        holds: "mandatory headers are looked at before any work: nothing is created",
        check: headers_before_work,
    },
    Rule {
        numbers: "R1027",
        holds: "a mandatory header that is not understood is the fault MustUnderstand",
        check: |gateway| is_fault(&gateway.post(&with_header("1")), "MustUnderstand"),
    },
    Rule { numbers: "R1028", holds: "after a fault nothing more happens: the state is unchanged", check: no_effect },
    Rule { numbers: "R1029", holds: "a fault stands in the place of the response", check: faults_alone },
    Rule {
        numbers: "R1000, R1001",
        holds: "a Fault holds only faultcode, faultstring, faultactor and detail, unqualified",
        check: |gateway| in_every_fault(gateway, fault_children),
    },
    Rule {
        numbers: "R1004, R1031",
        holds: "faults have standard codes without dots; with soap.fault_codes = \"qname\" the vendor's too",
        check: standard_codes,
    },
    Rule { numbers: "R9700-R9703", holds: "an answer's body is the envelope alone, in XML 1.0", check: envelope_alone },
    Rule { numbers: "R1018", holds: "answers travel under text/xml in the encoding they are in", check: media_type },
    Rule { numbers: "R4001", holds: "a byte order mark is accepted, in UTF-8 and UTF-16", check: byte_order_mark },
    Rule { numbers: "R1010", holds: "an XML declaration is accepted", check: xml_declaration },
    Rule { numbers: "R1012", holds: "UTF-8 and UTF-16 are accepted, in either byte order", check: encodings },
    Rule {
        numbers: "R1019",
        holds: "the charset of the Content-Type counts more than the XML declaration",
        check: charset_counts,
    },
    Rule { numbers: "R2113", holds: "no answer has soapenc:arrayType", check: |gateway| nowhere(gateway, "arrayType") },
    Rule { numbers: "R2211", holds: "no answer has a nil accessor", check: |gateway| nowhere(gateway, ":nil") },
    Rule {
        numbers: "R2212, R2301, R2712",
        holds: "the Body of an answer holds exactly the element that the WSDL says, with exactly one result",
        check: declared_element,
    },
    Rule {
        numbers: "R2724",
        holds: "an envelope that the WSDL does not allow is a Client fault",
        check: |gateway| {
            let missing = payload(AGENT, "AllocateDnis", &[("group", "test")]);
            is_fault(&gateway.post(&envelope("", &missing)), "Client")?;
            is_fault(&gateway.post(&envelope("", "<DoAnything xmlns='urn:example'/>")), "Client")
        },
    },
    Rule { numbers: "R2725", holds: "VersionMismatch comes before MustUnderstand, that before Client", check: order },
    Rule {
        numbers: "R2738, R2739, R2753",
        holds: "the WSDL declares no headers and none is asked for; others are tolerated",
        check: undeclared_headers,
    },
];

/// Holds every answer to a rule about its document.
fn in_every_answer(gateway: &Gateway, rule: fn(&Document<'_>) -> Verdict) -> Verdict {
    gateway.exchanges().iter().try_for_each(|exchange| held(exchange, rule))
}

/// Holds every fault to a rule about its document.
fn in_every_fault(gateway: &Gateway, rule: fn(&Document<'_>) -> Verdict) -> Verdict {
    let mut faults = gateway.exchanges().iter().filter(|exchange| !matches!(exchange.due, Due::Response(_)));
    faults.try_for_each(|exchange| held(exchange, rule))
}

fn held(exchange: &Exchange, rule: impl Fn(&Document<'_>) -> Verdict) -> Verdict {
    let text = exchange.reply.text();
    parse(&text).and_then(|document| rule(&document)).map_err(|error| format!("{}: {error}\n{text}", exchange.name))
}

/// No answer has this text, wherever it may stand.
fn nowhere(gateway: &Gateway, text: &str) -> Verdict {
    let found = gateway.exchanges().iter().find(|exchange| exchange.reply.text().contains(text));
    found.map_or(Ok(()), |exchange| Err(format!("{} has {text}", exchange.name)))
}

fn structure(document: &Document<'_>) -> Verdict {
    let root = document.root_element();
    ensure(root.has_tag_name((SOAP, "Envelope")), format!("the root is {:?}", root.tag_name()))?;
    let names: Vec<_> = elements(root).map(|child| (child.tag_name().namespace(), child.tag_name().name())).collect();
    let allowed = [vec![(Some(SOAP), "Body")], vec![(Some(SOAP), "Header"), (Some(SOAP), "Body")]];
    ensure(allowed.contains(&names), format!("the envelope holds {names:?}"))
}

fn no_soap_attributes(document: &Document<'_>) -> Verdict {
    let root = document.root_element();
    let ours = std::iter::once(root).chain(elements(root));
    let attributes: Vec<_> = ours.flat_map(|node| node.attributes()).filter(|a| a.namespace() == Some(SOAP)).collect();
    ensure(attributes.is_empty(), format!("{attributes:?}"))
}

fn fault_children(document: &Document<'_>) -> Verdict {
    let fault = child(body(document)?, SOAP, "Fault")?;
    let allowed = ["faultcode", "faultstring", "faultactor", "detail"];
    for element in elements(fault) {
        let name = element.tag_name();
        ensure(name.namespace().is_none() && allowed.contains(&name.name()), format!("a Fault holds {name:?}"))?;
    }
    fault_text(document, "faultcode").and(fault_text(document, "faultstring")).map(drop)
}

fn wrong_root(gateway: &Gateway) -> Verdict {
    is_fault(&gateway.post("<foo/>"), "Client")?;
    is_fault(&gateway.post(&plain_get().replace(SOAP, "urn:example:soap")), "VersionMismatch")
}

fn no_dtd(gateway: &Gateway) -> Verdict {
    nowhere(gateway, "<!DOCTYPE")?;
    is_fault(&gateway.post(&format!("<!DOCTYPE e:Envelope>{}", plain_get())), "Client")
}

fn no_instruction(gateway: &Gateway) -> Verdict {
    in_every_answer(gateway, |document| {
        ensure(!document.root().descendants().any(|node| node.is_pi()), "there is a processing instruction")
    })?;
    let inside = plain_get().replace("<e:Header>", "<?go on?><e:Header>");
    is_fault(&gateway.post(&inside), "Client")?;
    is_fault(&gateway.post(&format!("<?xml-stylesheet href='a'?>{}", plain_get())), "Client")
}

fn trailer(gateway: &Gateway) -> Verdict {
    let trailed = plain_get().replace("</e:Body>", "</e:Body><t:Trailer xmlns:t='urn:example'/>");
    is_fault(&gateway.post(&trailed), "Client")
}

fn encoding_style(gateway: &Gateway) -> Verdict {
    nowhere(gateway, "encodingStyle")?;
    let style = "e:encodingStyle='http://schemas.xmlsoap.org/soap/encoding/'";
    for place in ["<e:Body", "<s:GetDnisAllocationRequest", "<e:Envelope"] {
        // On Envelope the prefix is declared after it is used, which XML allows.
        is_answered(&gateway.post(&plain_get().replacen(place, &format!("{place} {style}"), 1)))?;
    }
    let strict = Gateway::configured(&[("DNIS_GATEWAY__SOAP__VALIDATION", "schema")]);
    let headers = format!("{TEXT_XML}SOAPAction: \"{}/GetDnisAllocation\"\r\n", AGENT.namespace);
    is_answered(&strict.post_bytes(&headers, plain_get().as_bytes()))?;
    let styled = plain_get().replacen("<e:Body", &format!("<e:Body {style}"), 1);
    is_fault(&strict.post_bytes(&headers, styled.as_bytes()), "Client")
}

fn must_understand_values(gateway: &Gateway) -> Verdict {
    nowhere(gateway, "mustUnderstand=")?;
    for value in ["true", "false", "", "yes"] {
        is_fault(&gateway.post(&with_header(value)), "Client").map_err(|error| format!("'{value}': {error}"))?;
    }
    is_answered(&gateway.post(&with_header("0")))
}

fn no_type_needed(gateway: &Gateway) -> Verdict {
    is_answered(&gateway.post(&plain_get()))?;
    let types = format!("<s:phone xmlns:i='{XSI}' xmlns:x='http://www.w3.org/2001/XMLSchema' i:type='x:string'>");
    is_answered(&gateway.post(&plain_get().replace("<s:phone>", &types)))
}

fn headers_before_work(gateway: &Gateway) -> Verdict {
    let number = gateway.fresh_number();
    let create = payload(AGENT, "CreatePhone", &[("phoneNumber", &number), ("dnId", &number)]);
    is_fault(&gateway.post(&envelope(&unknown_header("1"), &create)), "MustUnderstand")?;
    is_unknown(gateway, &number)
}

fn no_effect(gateway: &Gateway) -> Verdict {
    let number = gateway.fresh_number();
    let create = payload(AGENT, "CreatePhone", &[("phoneNumber", &number), ("dnId", &number)]);
    let twice = envelope("", &format!("{create}{create}"));
    is_fault(&gateway.post(&twice), "Client")?;
    let trailed = envelope("", &create).replace("</e:Body>", "</e:Body><t:Trailer xmlns:t='urn:example'/>");
    is_fault(&gateway.post(&trailed), "Client")?;
    let cut = envelope("", &create);
    is_fault(&gateway.post(&cut[..cut.len() - 1]), "Client")?;
    is_unknown(gateway, &number)?;
    // The probe itself is sound: the same payload alone creates the number.
    is_answered(&gateway.post(&envelope("", &create)))?;
    ensure(is_unknown(gateway, &number).is_err(), "the number was not created by a right request either")
}

fn faults_alone(gateway: &Gateway) -> Verdict {
    in_every_fault(gateway, |document| {
        let names: Vec<_> = elements(body(document)?).map(|element| element.tag_name().name()).collect();
        ensure(names == ["Fault"], format!("Body holds {names:?}"))
    })
}

fn standard_codes(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        match exchange.due {
            Due::Fault(code) => {
                is_fault(&exchange.reply, code).map_err(|error| format!("{}: {error}", exchange.name))?;
            }
            // The vendor documents this one; a standard code is there for those who ask for it, below.
            Due::Unauthorized => held(exchange, |document| {
                let code = fault_text(document, "faultcode")?;
                ensure(code == "0x7000000", format!("the documented code is 0x7000000, found {code}"))
            })?,
            Due::Response(_) => {}
        }
    }
    let qualified = Gateway::configured(&[("DNIS_GATEWAY__SOAP__FAULT_CODES", "qname")]);
    is_fault(&qualified.send("POST", AGENT.path(), TEXT_XML, plain_get().as_bytes()), "Client")
}

fn envelope_alone(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        let text = exchange.reply.text();
        ensure(text.starts_with("<?xml version=\"1.0\""), format!("{} is not in XML 1.0", exchange.name))?;
        ensure(text.trim_end().ends_with(":Envelope>"), format!("something follows in {}", exchange.name))?;
    }
    in_every_answer(gateway, structure)
}

fn media_type(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        let found = exchange.reply.header("Content-Type").unwrap_or_default();
        ensure(found == "text/xml; charset=UTF-8", format!("{} travels under '{found}'", exchange.name))?;
        ensure(std::str::from_utf8(&exchange.reply.body).is_ok(), format!("{} is not in UTF-8", exchange.name))?;
    }
    Ok(())
}

fn byte_order_mark(gateway: &Gateway) -> Verdict {
    is_answered(&gateway.post(&format!("\u{feff}{}", plain_get())))?;
    let marked = format!("\u{feff}{}", plain_get());
    is_answered(&gateway.post_bytes("Content-Type: text/xml; charset=utf-16\r\n", &utf16_little(&marked)))?;
    is_answered(&gateway.post_bytes("Content-Type: text/xml; charset=utf-16\r\n", &utf16_big(&marked)))
}

fn xml_declaration(gateway: &Gateway) -> Verdict {
    for declaration in ["<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?>\n"] {
        is_answered(&gateway.post(&format!("{declaration}{}", plain_get())))?;
    }
    Ok(())
}

fn encodings(gateway: &Gateway) -> Verdict {
    is_answered(&gateway.post(&plain_get()))?;
    let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", plain_get());
    let marked = format!("\u{feff}{declared}");
    is_answered(&gateway.post_bytes("Content-Type: text/xml\r\n", &utf16_little(&marked)))?;
    is_answered(&gateway.post_bytes("Content-Type: text/xml\r\n", &utf16_big(&marked)))?;
    let unmarked = "Content-Type: text/xml; charset=utf-16";
    is_answered(&gateway.post_bytes(&format!("{unmarked}le\r\n"), &utf16_little(&plain_get())))?;
    is_answered(&gateway.post_bytes(&format!("{unmarked}be\r\n"), &utf16_big(&plain_get())))?;
    // What is no text in the encoding it claims is not read as if it were.
    is_fault(&gateway.post_bytes(TEXT_XML, &utf16_big(&plain_get())), "Client")
}

fn charset_counts(gateway: &Gateway) -> Verdict {
    let says_16 = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", plain_get());
    is_answered(&gateway.post_bytes("Content-Type: text/xml; charset=utf-8\r\n", says_16.as_bytes()))?;
    let says_8 = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", plain_get());
    is_answered(&gateway.post_bytes("Content-Type: text/xml; charset=utf-16\r\n", &utf16_big(&says_8)))?;
    let says_latin = format!("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{}", plain_get());
    is_answered(&gateway.post_bytes(TEXT_XML, says_latin.as_bytes()))?;
    is_answered(&gateway.post_bytes("Content-Type: text/xml\r\n", says_latin.as_bytes()))?;
    is_answered(&gateway.post_bytes("Content-Type: text/xml; charset=iso-8859-1\r\n", plain_get().as_bytes()))?;
    is_fault(&gateway.post_bytes("Content-Type: text/xml; charset=koi8-r\r\n", plain_get().as_bytes()), "Client")
}

fn declared_element(gateway: &Gateway) -> Verdict {
    for exchange in gateway.exchanges() {
        let Due::Response(operation) = exchange.due else { continue };
        held(exchange, |document| {
            let expected = format!("{operation}Response");
            let names = |node: Node<'_, '_>| -> Vec<(Option<String>, String)> {
                let names = elements(node).map(|child| child.tag_name());
                names.map(|name| (name.namespace().map(str::to_owned), name.name().to_owned())).collect()
            };
            let namespace = Some(exchange.service.namespace.to_owned());
            let payloads = names(body(document)?);
            ensure(payloads == [(namespace.clone(), expected)], format!("Body holds {payloads:?}"))?;
            let payload = elements(body(document)?).next().ok_or("an empty Body")?;
            let fields = names(payload);
            let expected = exchange.fields.iter().map(|field| (namespace.clone(), (*field).to_owned()));
            ensure(fields == expected.collect::<Vec<_>>(), format!("the payload holds {fields:?}"))
        })?;
    }
    Ok(())
}

fn order(gateway: &Gateway) -> Verdict {
    let bad_body = payload(AGENT, "GetDnisAllocation", &[]);
    let bad_header_and_body = envelope(&unknown_header("1"), &bad_body);
    is_fault(&gateway.post(&bad_header_and_body.replace(SOAP, "urn:example:soap")), "VersionMismatch")?;
    is_fault(&gateway.post(&bad_header_and_body), "MustUnderstand")?;
    is_fault(&gateway.post(&envelope("", &bad_body)), "Client")
}

fn undeclared_headers(gateway: &Gateway) -> Verdict {
    for service in ALL {
        ensure(!service.wsdl.contains("<soap:header"), format!("{}.wsdl declares a header", service.name))?;
    }
    is_answered(&gateway.post(&plain_get()))?;
    is_answered(&gateway.post(&plain_get().replace("<e:Header></e:Header>", "")))?;
    is_answered(&gateway.post(&with_header("0")))
}

/// A right request that changes nothing.
fn plain_get() -> String {
    envelope("", &payload(AGENT, "GetDnisAllocation", &[("phone", "111")]))
}

fn with_header(must_understand: &str) -> String {
    envelope(&unknown_header(must_understand), &payload(AGENT, "GetDnisAllocation", &[("phone", "111")]))
}

/// Whether an answer is an ordinary one.
fn is_answered(reply: &Reply) -> Verdict {
    result(reply).and_then(|_| ensure(reply.status == 200, format!("answered under {}", reply.status)))
}

/// Whether nobody has created this number.
fn is_unknown(gateway: &Gateway, number: &str) -> Verdict {
    let path = format!("/interact/version/2/dnis/{number}");
    let reply = gateway.send("GET", &path, CREDENTIALS, b"");
    ensure(reply.status == 404, format!("the number {number} is there: {} {}", reply.status, reply.text()))
}

fn utf16_little(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn utf16_big(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}
