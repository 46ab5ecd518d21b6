//! Envelopes that are none, or not right.

use reqwest::Method;

use super::{Form, Trial};
use crate::callers::{AGENT, envelope, send};

/// A payload that would lend a number.
const ALLOCATE: &str = "<a:AllocateDnisRequest><a:uniqueId>x</a:uniqueId></a:AllocateDnisRequest>";
/// A payload that would free the number that is lent.
const FREE: &str = "<d:FreeDnisAllocationRequest><d:phone>111</d:phone></d:FreeDnisAllocationRequest>";

const CLIENT: Form = Form::Fault("Client");

impl Trial {
    async fn envelope_refused(&self, what: &str, envelope: impl Into<Vec<u8>>, form: Form, words: &str) {
        let envelope = envelope.into();
        let reply = send(self.caller().envelope(envelope)).await;
        self.refused(what, &reply, 500, form, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_not_well_formed_is_a_client_fault() {
    let trial = Trial::demo().await;
    let good = envelope(ALLOCATE);
    let replaced = |from: &str, to: &str| good.replacen(from, to, 1);
    for (what, document, words) in [
        ("nothing", String::new(), "empty"),
        ("text", "allocate, please".to_owned(), "does not begin with markup"),
        ("JSON", r#"{"uniqueId":"x"}"#.to_owned(), "does not begin with markup"),
        ("a document that is cut", good[..good.len() - 10].to_owned(), "ends before"),
        ("a document that is cut in its text", good.split("x</a:").next().unwrap().to_owned(), "ends before"),
        ("two roots", format!("{good}{good}"), "second root"),
        ("text after the root", format!("{good}x"), "text after the root"),
        ("an end tag of something else", replaced("</a:uniqueId>", "</a:uniqueID>"), "end tag does not match"),
        ("an undeclared prefix", replaced("<a:uniqueId>x</a:", "<b:uniqueId>x</b:"), "prefix is not declared"),
        ("an attribute twice", replaced("<a:uniqueId>", "<a:uniqueId k='1' k='2'>"), "given twice"),
        ("an attribute without quotes", replaced("<a:uniqueId>", "<a:uniqueId k=1>"), "attribute is malformed"),
        ("a bare ampersand", replaced(">x<", ">x & y<"), "bare ampersand"),
        ("an unknown entity", replaced(">x<", ">&nbsp;<"), "entity is unknown"),
        ("a processing instruction", format!("<?php x?>{good}"), "processing instruction"),
        ("a NUL byte", replaced(">x<", ">x\0<"), "character that XML 1.0 does not allow"),
        ("a NUL reference", replaced(">x<", ">x&#0;<"), "character reference"),
        ("a control character", replaced(">x<", ">x\u{1}<"), "character that XML 1.0 does not allow"),
        ("an encoding that is not known", format!("<?xml version='1.0' encoding='EBCDIC'?>{good}"), "encoding"),
        ("another version of XML", format!("<?xml version='1.1'?>{good}"), "XML version"),
    ] {
        trial.envelope_refused(what, document, CLIENT, words).await;
    }
    let mut bytes = replaced(">x<", ">?<").into_bytes();
    let place = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[place] = 0xff;
    trial.envelope_refused("bytes that are not UTF-8", bytes, CLIENT, "not valid in the document's encoding").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dtd_is_refused_whatever_it_declares_and_nothing_is_fetched() {
    let trial = Trial::demo().await;
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "TOP-SECRET").unwrap();
    let external = format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{}\">]>", secret.path().display());
    let with_entity = envelope(ALLOCATE).replacen(">x<", ">&e;<", 1);
    for (what, dtd) in [
        ("an empty DTD", "<!DOCTYPE x>".to_owned()),
        ("an external DTD", "<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\">".to_owned()),
        ("an internal entity", "<!DOCTYPE x [<!ENTITY e \"y\">]>".to_owned()),
        ("an external entity", external),
        ("entities within entities", "<!DOCTYPE x [<!ENTITY d \"ha\"><!ENTITY e \"&d;&d;&d;\">]>".to_owned()),
    ] {
        let document = format!("{dtd}{with_entity}");
        let reply = send(trial.caller().envelope(document)).await;
        trial.refused(what, &reply, 500, CLIENT, "document type declaration is not allowed").await;
        assert!(!reply.text().contains("TOP-SECRET"), "{what}: {reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_elements_inside_each_other_are_refused_also_where_the_body_may_be_long() {
    const DEEP: usize = 10_000;
    let trial = Trial::demo().await;
    let open = envelope(ALLOCATE).replacen(">x<", &format!(">{}", "<e>".repeat(DEEP)), 1);
    trial.envelope_refused("deep and open", open, CLIENT, "nested deeper than allowed").await;
    let trial = Trial::of(crate::gateway::Gateway::demo().with(|settings| settings.server.limits.body = 1 << 20)).await;
    let whole = format!("{}x{}", "<e>".repeat(DEEP), "</e>".repeat(DEEP));
    let whole = envelope(ALLOCATE).replacen(">x<", &format!(">{whole}<"), 1);
    trial.envelope_refused("deep and whole", whole, CLIENT, "nested deeper than allowed").await;
    let wide = envelope(&ALLOCATE.replace("</a:uniqueId>", &format!("</a:uniqueId>{}", "<e/>".repeat(DEEP))));
    trial.envelope_refused("wide", wide, CLIENT, "more elements than allowed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_envelope_of_the_wrong_structure_is_a_fault_that_says_what_is_wrong() {
    let trial = Trial::demo().await;
    let good = envelope(FREE);
    let header = "<soapenv:Header/>";
    let mandatory = "<soapenv:Header><s:Security xmlns:s=\"urn:s\" soapenv:mustUnderstand=\"1\"/></soapenv:Header>";
    for (what, document, form, words) in [
        ("no envelope", "<phone>111</phone>".to_owned(), CLIENT, "no SOAP envelope"),
        (
            "another version",
            good.replace("/soap/envelope/", "/soap/other/"),
            Form::Fault("VersionMismatch"),
            "SOAP 1.1",
        ),
        ("a mandatory header", good.replace(header, mandatory), Form::Fault("MustUnderstand"), "Security"),
        ("no Body", good.replace("soapenv:Body", "soapenv:Corpus"), CLIENT, "Corpus"),
        ("an empty Body", envelope(""), CLIENT, "one payload is needed"),
        ("two payloads", envelope(&format!("{FREE}{FREE}")), CLIENT, "more than one payload"),
        (
            "a Header after the Body",
            good.replace(header, "").replace("</soapenv:Body>", &format!("</soapenv:Body>{header}")),
            CLIENT,
            "Header is allowed once, before Body",
        ),
        (
            "text beside the fields",
            envelope(&FREE.replace("<d:phone>", "x<d:phone>")),
            CLIENT,
            "text beside its fields",
        ),
    ] {
        trial.envelope_refused(what, document, form, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_operation_or_field_is_named_with_what_is_allowed() {
    let trial = Trial::demo().await;
    let create = "<d:CreatePhoneRequest><d:phoneNumber>12</d:phoneNumber><d:dnId>2</d:dnId></d:CreatePhoneRequest>";
    for (what, payload, words) in [
        ("an unknown operation", FREE.replace("FreeDnis", "LoseDnis"), "'LoseDnisAllocationRequest' is not known"),
        ("an unknown namespace", FREE.replace("Request><d:p", "Request xmlns:d='urn:other'><d:p"), AGENT),
        ("no phone", FREE.replace("<d:phone>111</d:phone>", ""), "phone: is required"),
        (
            "two phones",
            FREE.replace("</d:phone>", "</d:phone><d:phone>111</d:phone>"),
            "phone: is given more than once",
        ),
        ("two phones in two namespaces", FREE.replace("</d:phone>", "</d:phone><phone>111</phone>"), "more than once"),
        ("a phone of elements", FREE.replace("111", "<d:x/>"), "phone: must be a string of 1 to 32"),
        ("an empty phone", FREE.replace("111", ""), "phone: must be"),
        ("no id", ALLOCATE.replace("uniqueId", "id"), "uniqueId: is required"),
        ("an id that is too long", ALLOCATE.replace(">x<", &format!(">{}<", "x".repeat(256))), "uniqueId: must be"),
        ("an id with a line break", ALLOCATE.replace(">x<", ">x&#10;y<"), "uniqueId: must be"),
        ("no DNID", create.replace("<d:dnId>2</d:dnId>", ""), "dnId: is required"),
        (
            "a flag that is none",
            create.replace("</d:dnId>", "</d:dnId><d:enabled>yes</d:enabled>"),
            "enabled: must be true, false, 1 or 0",
        ),
        (
            "a group that is too long",
            create.replace("</d:dnId>", &format!("</d:dnId><d:groupName>{}</d:groupName>", "g".repeat(256))),
            "groupName: must be",
        ),
    ] {
        trial.envelope_refused(what, envelope(&payload), CLIENT, words).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_media_type_than_an_envelopes_is_refused_below_soap() {
    let trial = Trial::demo().await;
    let post =
        |path: &str| trial.caller().user(Method::POST, &format!("/interact/version/2{path}")).body(envelope(FREE));
    for path in ["/agent/soap", "/dnis/soap", "/agent/soap/agent.wsdl"] {
        let words = "needs Content-Type text/xml, application/soap+xml or application/xml";
        for media_type in
            ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/mixed", "xml"]
        {
            let reply = send(post(path).header("Content-Type", media_type)).await;
            trial.refused(&format!("{media_type} at {path}"), &reply, 415, Form::Text, words).await;
        }
        let none = send(post(path)).await;
        trial.refused("no media type", &none, 415, Form::Text, words).await;
        let two = send(post(path).header("Content-Type", "text/xml").header("Content-Type", "text/plain")).await;
        trial.refused("two media types", &two, 415, Form::Text, words).await;
    }
    let charset = send(post("/agent/soap").header("Content-Type", "text/xml; charset=koi8-r")).await;
    let words = "the encoding is not supported; UTF-8, UTF-16, ISO-8859-1 and windows-1252 are (found 'koi8-r')";
    trial.refused("another charset", &charset, 500, CLIENT, words).await;
}
