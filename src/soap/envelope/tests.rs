use super::super::fault::Code;
use super::*;
use crate::media::ContentType;
use proptest::prelude::*;

const V11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const V12: &str = "http://www.w3.org/2003/05/soap-envelope";
const DNIS: &str = "http://com/jacada/interact/dnis/soap";

/// The request that the vendor documents for freeing a number.
const SAMPLE: &str = r#"<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:soap="http://com/jacada/interact/dnis/soap">
<soapenv:Header/>
<soapenv:Body>
<soap:FreeDnisAllocationRequest>
<soap:phone>222</soap:phone>
</soap:FreeDnisAllocationRequest>
</soapenv:Body>
</soapenv:Envelope>"#;

fn media(content_type: &str) -> Media<'_> {
    Media::of(Some(ContentType::parse(content_type))).unwrap()
}

/// What a dialect would see of `text`: version, payload, fields; or the fault.
fn read(text: &str) -> Result<String, Rejected> {
    read_as(text, &media("text/xml"))
}

fn read_as(text: &str, media: &Media<'_>) -> Result<String, Rejected> {
    let document = admit(text.as_bytes(), media, &Limits::default(), &Tally::default())?;
    let envelope = Envelope::open(&document, media)?;
    let version = envelope.version();
    let fields = envelope.fields().map_err(|fault| Rejected::new(version, fault))?;
    let fields: Vec<_> = fields
        .iter()
        .map(|field| match &field.value {
            FieldValue::Text(text) => format!("{{{}}}{}={text:?}", field.name.namespace, field.name.local),
            other => format!("{{{}}}{}={other:?}", field.name.namespace, field.name.local),
        })
        .collect();
    let name = envelope.payload();
    Ok(format!("{version:?} {{{}}}{} [{}]", name.namespace, name.local, fields.join(", ")))
}

fn envelope(namespace: &str, inside: &str) -> String {
    format!("<e:Envelope xmlns:e='{namespace}' xmlns:p='urn:p'>{inside}</e:Envelope>")
}

/// The code of the fault and its stable label.
fn fault_of(text: &str) -> (Code, Option<String>) {
    let fault = read(text).unwrap_err().fault;
    (fault.code(), fault.detail().map(|detail| detail.reason.to_string()))
}

#[test]
fn the_documented_request_is_read() {
    let expected = format!("V11 {{{DNIS}}}FreeDnisAllocationRequest [{{{DNIS}}}phone=\"222\"]");
    assert_eq!(read(SAMPLE), Ok(expected));
}

#[test]
fn both_versions_are_read_by_the_envelopes_namespace_whatever_the_content_type() {
    for (namespace, version) in [(V11, "V11"), (V12, "V12")] {
        for content_type in ["text/xml", "application/soap+xml; charset=utf-8"] {
            let text = envelope(namespace, "<e:Body><p:A/></e:Body>");
            assert_eq!(read_as(&text, &media(content_type)), Ok(format!("{version} {{urn:p}}A []")));
        }
    }
}

#[test]
fn what_old_clients_send_is_tolerated() {
    let text = "<?xml version='1.0'?>\n<!-- c --><Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/' \
                encodingStyle='http://schemas.xmlsoap.org/soap/encoding/' xmlns:i='http://www.w3.org/2001/XMLSchema-instance'>\
                \n<Header> <x xmlns='urn:h'>any<y/></x> </Header> <!-- c -->\n<Body encodingStyle=''> <A xmlns='urn:p'>\n\
                <phone i:type='xs:string' xmlns:xs='http://www.w3.org/2001/XMLSchema'> 2<![CDATA[2]]>&#50; </phone>\
                <phone xmlns=''/><!-- c --><q:extra xmlns:q='urn:q'><deep/></q:extra><nothing i:nil='true'/></A> </Body>\n</Envelope>\n";
    assert_eq!(
        read(text),
        Ok("V11 {urn:p}A [{urn:p}phone=\" 222 \", {}phone=\"\", {urn:q}extra=Elements([Field { name: Name { namespace: Written(\"urn:p\"), local: \"deep\" }, value: Text(\"\") }]), {urn:p}nothing=Nil]".into())
    );
}

#[test]
fn fields_are_found_qualified_or_not_and_repeats_are_seen() {
    let text = envelope(V11, "<e:Body><p:A><p:a>1</p:a><b>2</b><p:c/><c/><d xmlns='urn:other'/></p:A></e:Body>");
    let document = admit(text.as_bytes(), &media("text/xml"), &Limits::default(), &Tally::default()).unwrap();
    let envelope = Envelope::open(&document, &media("text/xml")).unwrap();
    let fields = envelope.fields().unwrap();
    let text = |value: &'static str| FieldValue::Text(value.into());
    assert_eq!(fields.find("a", &["urn:p"]), FieldLookup::Once(&text("1")));
    assert_eq!(fields.find("b", &["urn:p"]), FieldLookup::Once(&text("2")));
    assert_eq!(fields.find("c", &["urn:p"]), FieldLookup::Repeated);
    assert_eq!(fields.find("d", &["urn:p"]), FieldLookup::Missing);
    assert_eq!(fields.find("a", &["urn:q"]), FieldLookup::Missing);
}

#[test]
fn an_unknown_version_is_a_version_mismatch_before_anything_else() {
    let text = envelope("urn:soap-2", "<e:Header><p:h e:mustUnderstand='1'/></e:Header><e:Other/>");
    assert_eq!(fault_of(&text), (Code::VersionMismatch, None));
    assert_eq!(fault_of("<Envelope/>"), (Code::VersionMismatch, None));
    let rejected = read_as(&text, &media("application/soap+xml")).unwrap_err();
    assert_eq!(rejected.version, Version::V12);
}

#[test]
fn mandatory_headers_for_us_are_a_must_understand_fault_before_the_rest() {
    let next_11 = "e:actor='http://schemas.xmlsoap.org/soap/actor/next'";
    let next_12 = "e:role='http://www.w3.org/2003/05/soap-envelope/role/next'";
    let ultimate = "e:role='http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver'";
    for (namespace, attributes) in [
        (V11, "e:mustUnderstand='1'".to_owned()),
        (V11, "e:mustUnderstand='1' e:actor=''".into()),
        (V11, format!("e:mustUnderstand='1' {next_11}")),
        (V12, "e:mustUnderstand='1'".into()),
        (V12, "e:mustUnderstand='true'".into()),
        (V12, format!("e:mustUnderstand='true' {next_12}")),
        (V12, format!("e:mustUnderstand='true' {ultimate}")),
    ] {
        let header = format!("<e:Header>text<p:ok/><p:bad e:mustUnderstand='maybe'/><p:h {attributes}/></e:Header>");
        let text = envelope(namespace, &format!("{header}<e:Body><p:A/><p:B/></e:Body><p:after/>"));
        let rejected = read(&text).unwrap_err();
        assert_eq!(rejected.fault.code(), Code::MustUnderstand, "{text}");
        assert_eq!(rejected.fault.reason(), "A mandatory header is not understood: {urn:p}h");
        assert_eq!(rejected.version, Version::of_namespace(namespace).unwrap());
    }
}

#[test]
fn however_many_headers_are_not_understood_and_however_long_their_namespace_the_fault_is_short() {
    for namespace in [V11, V12] {
        let blocks = "<l:h e:mustUnderstand='1'/>".repeat(900);
        let header = format!("<e:Header xmlns:l='{}'>{blocks}</e:Header>", "n".repeat(30_000));
        let rejected = read(&envelope(namespace, &format!("{header}<e:Body><p:A/></e:Body>"))).unwrap_err();
        assert_eq!(rejected.fault.code(), Code::MustUnderstand);
        assert!(rejected.write().len() < 16_384, "{} bytes", rejected.write().len());
    }
}

#[test]
fn headers_that_are_optional_or_for_others_are_passed_over() {
    for (namespace, attributes) in [
        (V11, ""),
        (V11, "e:mustUnderstand='0'"),
        (V11, "mustUnderstand='1'"),
        (V11, "e:mustUnderstand='1' e:actor='urn:somebody'"),
        (V12, "e:mustUnderstand='false'"),
        (V12, "e:mustUnderstand='1' e:role='http://www.w3.org/2003/05/soap-envelope/role/none'"),
    ] {
        let text =
            envelope(namespace, &format!("<e:Header><p:h {attributes}>x</p:h></e:Header><e:Body><p:A/></e:Body>"));
        assert!(read(&text).is_ok(), "{text}");
    }
}

#[test]
fn must_understand_has_only_the_values_of_its_version() {
    for (namespace, value) in [(V11, "true"), (V11, "2"), (V12, "yes"), (V12, "")] {
        let text = envelope(
            namespace,
            &format!("<e:Header><p:h e:mustUnderstand='{value}'/></e:Header><e:Body><p:A/></e:Body>"),
        );
        let fault = read(&text).unwrap_err().fault;
        assert_eq!((fault.code(), fault.detail()), (Code::Client, None), "{text}");
        assert!(fault.reason().starts_with(&format!("mustUnderstand is '{value}'; ")), "{}", fault.reason());
    }
}

#[test]
fn a_broken_structure_is_a_client_fault_that_says_how() {
    for (inside, label) in [
        ("", "missing_body"),
        ("<e:Header/>", "missing_body"),
        ("<e:Body/>", "empty_body"),
        ("<e:Body> <!-- c --> </e:Body>", "empty_body"),
        ("<e:Body><p:A/><p:B/></e:Body>", "second_payload"),
        ("<e:Body><p:A/></e:Body><e:Header/>", "misplaced_header"),
        ("<e:Header/><e:Header/><e:Body><p:A/></e:Body>", "misplaced_header"),
        ("<e:Body><p:A/></e:Body><e:Body><p:A/></e:Body>", "unexpected_element"),
        ("<e:Body><p:A/></e:Body><p:after/>", "unexpected_element"),
        ("<p:Body><p:A/></p:Body>", "unexpected_element"),
        ("<p:before/><e:Body><p:A/></e:Body>", "unexpected_element"),
        ("text<e:Body><p:A/></e:Body>", "unexpected_text"),
        ("<e:Body>text<p:A/></e:Body>", "unexpected_text"),
        ("<e:Body><p:A/>text</e:Body>", "unexpected_text"),
        ("<e:Header>text</e:Header><e:Body><p:A/></e:Body>", "unexpected_text"),
        ("<e:Body><p:A>text<p:b/></p:A></e:Body>", "text_in_payload"),
    ] {
        for namespace in [V11, V12] {
            assert_eq!(fault_of(&envelope(namespace, inside)), (Code::Client, Some(label.into())), "{inside}");
        }
    }
    assert_eq!(fault_of("<foo/>"), (Code::Client, Some("not_an_envelope".into())));
}

#[test]
fn what_is_no_xml_is_a_client_fault_with_the_guards_reason() {
    let dtd = format!("<!DOCTYPE x>{SAMPLE}");
    assert_eq!(fault_of(&dtd), (Code::Client, Some("dtd".into())));
    let rejected = read_as("<a>&nbsp;</a>", &media("application/soap+xml")).unwrap_err();
    assert_eq!(rejected.version, Version::V12);
    insta::assert_snapshot!(
        rejected.fault.reason(),
        @"The request is not a readable XML document: an entity is unknown; amp, lt, gt, quot and apos are allowed (found 'nbsp'), at byte 3"
    );
}

#[test]
fn utf_16_is_read_by_the_content_types_charset() {
    let bytes: Vec<u8> = SAMPLE.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let media = media("text/xml; charset=utf-16le");
    let document = admit(&bytes, &media, &Limits::default(), &Tally::default()).unwrap();
    assert_eq!(Envelope::open(&document, &media).unwrap().payload().local, "FreeDnisAllocationRequest");
}

#[test]
fn a_request_cut_anywhere_is_a_client_fault() {
    for end in 0..SAMPLE.len() {
        let rejected = read(&SAMPLE[..end]).unwrap_err();
        assert_eq!((rejected.version, rejected.fault.code()), (Version::V11, Code::Client), "cut at {end}");
    }
}

proptest! {
    #[test]
    fn a_request_with_bytes_changed_is_read_or_faulted_in_well_formed_xml(
        changes in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 1..4)
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let media = media("text/xml");
        let rejected = match admit(&bytes, &media, &Limits::default(), &Tally::default()) {
            Ok(document) => Envelope::open(&document, &media).err(),
            Err(rejected) => Some(rejected),
        };
        for version in Version::ALL {
            if let Some(rejected) = &rejected {
                let written = rejected.fault.write(version);
                prop_assert!(guard::admit(written.as_bytes(), None, &Limits::default()).is_ok(), "{written}");
            }
        }
    }
}

#[test]
fn a_field_may_hold_elements_with_texts_up_to_a_number() {
    let entries = |count| "<p:e><p:k>a</p:k><p:v xml:space='preserve'> b </p:v></p:e>".repeat(count);
    let open = |count| {
        let text = envelope(V11, &format!("<e:Body><p:A>{}</p:A></e:Body>", entries(count)));
        let limits = Limits::default();
        let document = guard::admit(text.as_bytes(), None, &limits).unwrap();
        let envelope = Envelope::open(&document, &media("text/xml")).unwrap();
        envelope.fields().map(|fields| {
            let last = fields.iter().last().unwrap().clone();
            let FieldValue::Elements(parts) = last.value else { panic!("{last:?}") };
            let parts = Fields::from(parts.as_slice());
            assert_eq!(parts.find("v", &["urn:p"]), FieldLookup::Once(&FieldValue::Text(" b ".into())));
            fields.iter().count()
        })
    };
    assert_eq!(open(128), Ok(128));
    assert_eq!(open(129).unwrap_err().detail().unwrap().reason, "too_many_fields");
}
