//! What must hold of envelopes on the wire.

use crate::probe::{AGENT, DNIS, Probe, Reply, SOAP11, envelope, free, get, lend};
use crate::rules;

rules! {
    "R9980 R1015", "what is no SOAP 1.1 envelope is answered with a fault", no_envelope;
    "R1014", "children of Body are in a namespace, as declared", body_children_are_qualified;
    "R1008 R1009", "a document type and processing instructions are refused", no_dtd_and_no_instructions;
    "R1033", "an answer does not declare the prefix xml", no_declaration_of_xml;
    "R1011", "what follows Body is refused; no answer has anything there", nothing_after_body;
    "R1005 R1006 R1007", "no answer has encodingStyle", no_encoding_style;
    "R1013", "mustUnderstand is 0 or 1", must_understand_is_0_or_1;
    "R1017", "xsi:type is not asked for, and does no harm", no_need_for_types;
    "R1032", "Envelope, Header and Body of answers have no attributes", no_attributes_on_the_envelope;
    "R1025 R1027", "an unknown mandatory header is a MustUnderstand fault before any work", mandatory_headers_first;
    "R1028 R1029", "a fault takes the place of the answer and nothing has happened", nothing_after_a_fault;
    "R1000 R1001", "a Fault has faultcode, faultstring, faultactor and detail alone, unqualified", fault_children;
    "R1004 R1031", "fault codes are the standard ones, without dots", standard_fault_codes;
    "R9700 R9701 R9702 R9703 R1018", "the envelope stands alone, in XML 1.0, its charset in the Content-Type", alone;
    "R4001 R1010 R1012 R1019", "UTF-8 and UTF-16 are read, with or without BOM and declaration", encodings;
    "R1012 (charset)", "the charset of the Content-Type beats the XML declaration", charset_beats_declaration;
    "R2113 R2211", "no answer has soapenc:arrayType or a nil", no_arrays_and_no_nil;
    "R2212 R2301 R2712", "an answer holds exactly the declared element with its declared children", declared_parts;
    "R2724", "what is not as described is a Client fault", not_as_described;
    "R2725", "VersionMismatch goes before MustUnderstand, and that before Client", order_of_checks;
    "R2738 R2739 R2753", "headers that are not described are tolerated", undescribed_headers;
}

/// Answers of every kind.
fn answers(probe: &Probe) -> Vec<Reply> {
    let broken = envelope("", "<d:FreeDnisAllocationRequest/>");
    let unknown = envelope("", "<d:GetDnisAllocationRequest><d:phone>999</d:phone></d:GetDnisAllocationRequest>");
    [get(), lend(), unknown, broken, "<x/>".to_owned()].iter().map(|text| probe.soap(text)).collect()
}

fn no_envelope(probe: &Probe) {
    probe.faults("<foo/>", "Client");
    probe.faults("", "Client");
    probe.faults(&get().replace(SOAP11, "urn:other"), "VersionMismatch");
    probe.faults("<Envelope/>", "VersionMismatch");
    probe.faults(&format!("<s:Envelope xmlns:s=\"{SOAP11}\"/>"), "Client");
    probe.faults(&format!("<s:Body xmlns:s=\"{SOAP11}\"/>"), "Client");
}

fn body_children_are_qualified(probe: &Probe) {
    for reply in answers(probe) {
        assert!(!reply.payload().namespace.is_empty(), "{reply:?}");
    }
    let unqualified = free("").replace("d:FreeDnisAllocationRequest", "FreeDnisAllocationRequest");
    probe.faults(&unqualified, "Client");
}

fn no_dtd_and_no_instructions(probe: &Probe) {
    probe.faults(&format!("<!DOCTYPE s:Envelope>{}", free("")), "Client");
    probe.faults(&format!("<?go on?>{}", free("")), "Client");
    probe.faults(&free("<?go on?>"), "Client");
    probe.faults(&format!("{}<?go on?>", free("")), "Client");
}

fn no_declaration_of_xml(probe: &Probe) {
    assert!(answers(probe).iter().all(|reply| !reply.body.contains("xmlns:xml=")));
}

fn nothing_after_body(probe: &Probe) {
    probe.faults(&free("").replace("</s:Body>", "</s:Body><d:more/>"), "Client");
    for reply in answers(probe) {
        assert_eq!(reply.envelope().names(), ["Header", "Body"], "{reply:?}");
    }
}

fn no_encoding_style(probe: &Probe) {
    for reply in answers(probe) {
        assert!(!reply.body.contains("encodingStyle"), "{reply:?}");
    }
}

fn must_understand_is_0_or_1(probe: &Probe) {
    for value in ["true", "false", "2", ""] {
        probe.faults(&free(&format!("<d:h s:mustUnderstand=\"{value}\"/>")), "Client");
    }
}

fn no_need_for_types(probe: &Probe) {
    let typed = "<d:phone xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"x:string\" \
                 xmlns:x=\"http://www.w3.org/2001/XMLSchema\">";
    assert_eq!(probe.soap(&get()).result(), "wsi");
    assert_eq!(probe.soap(&get().replace("<d:phone>", typed)).result(), "wsi");
}

fn no_attributes_on_the_envelope(probe: &Probe) {
    for reply in answers(probe) {
        let envelope = reply.envelope();
        assert!(envelope.attributes.is_empty() && envelope.children.iter().all(|part| part.attributes.is_empty()));
    }
}

fn mandatory_headers_first(probe: &Probe) {
    for header in [
        "<d:h s:mustUnderstand=\"1\"/>",
        "<d:h s:mustUnderstand=\"1\" s:actor=\"http://schemas.xmlsoap.org/soap/actor/next\"/>",
        "<d:ok/><d:h s:mustUnderstand=\"1\"/>",
    ] {
        probe.faults(&free(header), "MustUnderstand");
    }
}

fn nothing_after_a_fault(probe: &Probe) {
    let twice = "<d:FreeDnisAllocationRequest><d:phone>111</d:phone></d:FreeDnisAllocationRequest>".repeat(2);
    let reply = probe.faults(&envelope("", &twice), "Client");
    assert!(!reply.body.contains("Response"));
    assert_eq!(probe.soap(&get()).result(), "wsi");
}

fn fault_children(probe: &Probe) {
    let known = ["faultcode", "faultstring", "faultactor", "detail"];
    for reply in answers(probe).iter().filter(|reply| reply.status == 500) {
        let fault = reply.fault();
        assert!(fault.children.iter().all(|child| child.namespace.is_empty() && known.contains(&child.local.as_str())));
        assert!(fault.names().is_sorted_by_key(|name| known.iter().position(|known| known == name)));
    }
}

fn standard_fault_codes(probe: &Probe) {
    probe.faults("<x/>", "Client");
    probe.faults(&free("<d:h s:mustUnderstand=\"1\"/>"), "MustUnderstand");
    probe.faults("<x:Envelope xmlns:x=\"urn:x\"/>", "VersionMismatch");
    // Credentials: with `soap.fault_codes = "qname"`, as these probes run; the vendor's bare code is the default.
    let head =
        "POST /interact/version/2/dnis/soap HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: text/xml\r\n";
    let reply = probe.exchange(format!("{head}Content-Length: {}\r\n\r\n{}", get().len(), get()).as_bytes());
    assert_eq!(reply.fault().only("faultcode").text, "SOAP-ENV:Client", "{reply:?}");
}

fn alone(probe: &Probe) {
    for reply in answers(probe) {
        assert!(reply.body.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><"), "{reply:?}");
        assert_eq!(reply.header("content-type"), "text/xml; charset=UTF-8", "{reply:?}");
        assert_eq!(reply.envelope().namespace, SOAP11);
    }
}

fn encodings(probe: &Probe) {
    let utf16 = |read: fn(u16) -> [u8; 2], mark: &str, text: &str| -> Vec<u8> {
        format!("{mark}{text}").encode_utf16().flat_map(read).collect()
    };
    let get = get();
    let declared = |encoding: &str| format!("<?xml version=\"1.0\" encoding=\"{encoding}\"?>{get}");
    for (media_type, body) in [
        ("text/xml", get.clone().into_bytes()),
        ("text/xml; charset=utf-8", get.clone().into_bytes()),
        ("text/xml; charset=\"UTF-8\"", format!("\u{FEFF}{get}").into_bytes()),
        ("text/xml", declared("utf-8").into_bytes()),
        ("text/xml; charset=utf-16", utf16(u16::to_le_bytes, "\u{FEFF}", &get)),
        ("text/xml; charset=utf-16", utf16(u16::to_be_bytes, "\u{FEFF}", &declared("UTF-16"))),
        ("text/xml; charset=utf-16le", utf16(u16::to_le_bytes, "", &get)),
        ("text/xml; charset=utf-16be", utf16(u16::to_be_bytes, "", &get)),
        ("text/xml", utf16(u16::to_be_bytes, "\u{FEFF}", &get)),
    ] {
        let reply = probe.post(media_type, &body);
        assert_eq!(reply.result(), "wsi", "{media_type}: {body:?}");
        assert_eq!(reply.header("content-type"), "text/xml; charset=UTF-8");
    }
}

fn charset_beats_declaration(probe: &Probe) {
    let body = format!("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>{}", get());
    assert_eq!(probe.post("text/xml; charset=utf-8", &body).result(), "wsi");
    assert_eq!(probe.post("text/xml", &body).status, 500);
    assert_eq!(probe.post("text/xml; charset=iso-8859-1", get()).status, 500);
}

fn no_arrays_and_no_nil(probe: &Probe) {
    for reply in answers(probe) {
        assert!(!reply.body.contains("arrayType") && !reply.body.contains("nil="), "{reply:?}");
    }
}

fn declared_parts(probe: &Probe) {
    for (request, element, namespace) in
        [(get(), "GetDnisAllocationResponse", DNIS), (lend(), "AllocateDnisResponse", AGENT)]
    {
        let payload = probe.soap(&request).payload();
        assert_eq!((payload.namespace.as_str(), payload.local.as_str()), (namespace, element));
        assert_eq!(payload.names(), ["result"]);
        assert_eq!(payload.children[0].namespace, namespace);
    }
}

fn not_as_described(probe: &Probe) {
    probe.faults(&free("").replace("<d:phone>111</d:phone>", ""), "Client");
    probe.faults(&free("").replace("<d:phone>111</d:phone>", "<d:phone>111</d:phone><d:phone>111</d:phone>"), "Client");
    probe.faults(&free("").replace("FreeDnisAllocationRequest", "ForgetRequest"), "Client");
    probe.faults(&envelope("", ""), "Client");
}

fn order_of_checks(probe: &Probe) {
    let all =
        free("<d:h s:mustUnderstand=\"1\"/>").replace("111", "not a phone").replace("</s:Body>", "</s:Body><d:x/>");
    probe.faults(&all.replace(SOAP11, "urn:other"), "VersionMismatch");
    probe.faults(&all, "MustUnderstand");
    probe.faults(&all.replace("s:mustUnderstand=\"1\"", ""), "Client");
}

fn undescribed_headers(probe: &Probe) {
    let header = "<d:h s:mustUnderstand=\"0\"><d:any/></d:h><x xmlns=\"urn:x\"/>";
    assert_eq!(probe.soap(&get().replace("<s:Header>", &format!("<s:Header>{header}"))).result(), "wsi");
}
