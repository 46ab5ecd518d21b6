//! Requests that are not as the WSDL describes them: refused one by one in schema mode, counted in lenient mode; and
//! the other settings of envelopes and faults.

use actix_web::http::Method;

use super::{AGENT, DNIS, Gateway, Reply, Who, envelope, payload};
use crate::soap::deviation::DeviationKind;
use crate::soap::fault::DETAIL_NAMESPACE;

const SCHEMA: &str = "[soap]\nvalidation = 'schema'\n";
const SOAP11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
const SOAP12: &str = "http://www.w3.org/2003/05/soap-envelope";
const FREE: &str = "\"http://com/jacada/interact/dnis/soap/FreeDnisAllocation\"";

/// One request to the dnis address.
struct Request {
    content_type: String,
    action: Option<String>,
    envelope: String,
}

impl Request {
    /// Frees `111`, exactly as described.
    fn right() -> Self {
        let envelope = envelope(&payload(DNIS, "FreeDnisAllocationRequest", &[("phone", "111")]));
        Self { content_type: "text/xml; charset=utf-8".into(), action: Some(FREE.into()), envelope }
    }

    fn create(fields: &str) -> Self {
        let payload = format!("<s:CreatePhoneRequest xmlns:s=\"{DNIS}\">{fields}</s:CreatePhoneRequest>");
        let action = FREE.replace("FreeDnisAllocation", "CreatePhone");
        Self { action: Some(action), envelope: envelope(&payload), ..Self::right() }
    }

    fn with(self, from: &str, to: &str) -> Self {
        assert!(self.envelope.contains(from));
        Self { envelope: self.envelope.replace(from, to), ..self }
    }

    fn acting(self, action: Option<&str>) -> Self {
        Self { action: action.map(str::to_owned), ..self }
    }

    fn typed(self, content_type: &str) -> Self {
        Self { content_type: content_type.to_owned(), ..self }
    }

    /// As the first of the parts of a package; `more` follows it.
    fn packed(self, more: &str) -> Self {
        let part = format!("--b\r\nContent-Type: {}\r\n\r\n{}\r\n{more}--b--\r\n", self.content_type, self.envelope);
        Self { envelope: part, ..self }.typed("multipart/related; boundary=b; type=\"text/xml\"")
    }

    async fn send(&self, gateway: &Gateway) -> Reply {
        let mut headers = Who::Admin.headers().to_vec();
        headers.push(("Content-Type", &self.content_type));
        headers.extend(self.action.as_deref().map(|action| ("SOAPAction", action)));
        gateway.send(Method::POST, "/dnis/soap", &headers, self.envelope.clone()).await
    }
}

/// Every deviation with a request that has it and no other.
fn deviations() -> Vec<(DeviationKind, Request)> {
    let right = Request::right;
    let nil = "<s:phoneNumber>1</s:phoneNumber><s:dnId>1</s:dnId>\
               <s:groupName xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>";
    let encoding = "soapenv:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"";
    vec![
        (DeviationKind::EncodingStyle, right().with("<soapenv:Envelope", &format!("<soapenv:Envelope {encoding}"))),
        (DeviationKind::EncodingStyle, right().with("<s:phone>", &format!("<s:phone {encoding}>"))),
        (DeviationKind::Attribute, right().with("<s:phone>", "<s:phone lang=\"en\">")),
        (DeviationKind::Attribute, right().with("<soapenv:Body>", "<soapenv:Body soapenv:mustUnderstand=\"0\">")),
        (DeviationKind::Encoding, right().typed("text/xml; charset=ISO-8859-1")),
        (DeviationKind::Encoding, right().typed("text/xml; charset=windows-1252")),
        (
            DeviationKind::Encoding,
            right().typed("text/xml").with("<soapenv:Env", "<?xml version='1.0' encoding='latin1'?><soapenv:Env"),
        ),
        (DeviationKind::MediaType, right().typed("application/xml")),
        (DeviationKind::MediaType, right().typed("application/soap+xml")),
        (DeviationKind::MediaType, right().with(SOAP11, SOAP12)),
        (DeviationKind::Package, right().packed("")),
        (DeviationKind::ExtraPart, right().packed("--b\r\nContent-ID: <picture@x>\r\n\r\nx\r\n")),
        (DeviationKind::ActionMissing, right().acting(None)),
        (DeviationKind::ActionEmpty, right().acting(Some("\"\""))),
        (DeviationKind::ActionEmpty, right().acting(Some(""))),
        (DeviationKind::ActionUnquoted, right().acting(Some(FREE.trim_matches('"')))),
        (DeviationKind::ActionUnquoted, right().acting(Some(&FREE.replace('"', "'")))),
        (DeviationKind::ActionMismatch, right().acting(Some(&FREE.replace("Free", "Get")))),
        (DeviationKind::ActionMismatch, right().acting(Some(&FREE.replace(DNIS, AGENT)))),
        (
            DeviationKind::ActionMismatch,
            right().with(SOAP11, SOAP12).typed("application/soap+xml; charset=utf-8; action=\"urn:other\""),
        ),
        (DeviationKind::OtherService, right().with(DNIS, AGENT).acting(Some(&FREE.replace(DNIS, AGENT)))),
        (DeviationKind::PayloadName, right().with("FreeDnisAllocationRequest", "FreeDnisAllocation")),
        (DeviationKind::UnqualifiedElement, right().with("s:phone>", "phone>")),
        (DeviationKind::OtherNamespace, right().with("<s:phone>", &format!("<s:phone xmlns:s=\"{AGENT}\">"))),
        (DeviationKind::ExtraElement, right().with("<s:phone>", "<s:note>x</s:note><s:phone>")),
        (DeviationKind::ExtraElement, right().with("</s:phone>", "</s:phone><phone xmlns=\"urn:other\">7</phone>")),
        (DeviationKind::ElementOrder, Request::create("<s:dnId>1</s:dnId><s:phoneNumber>1</s:phoneNumber>")),
        (DeviationKind::NilValue, Request::create(nil)),
    ]
}

fn tolerated(gateway: &Gateway) -> Vec<(DeviationKind, u64)> {
    gateway.interact.tally().tolerated().filter(|(_, count)| *count > 0).collect()
}

#[actix_web::test]
async fn every_deviation_has_a_request_that_shows_it() {
    let shown: Vec<DeviationKind> = deviations().into_iter().map(|(kind, _)| kind).collect();
    assert!(DeviationKind::ALL.iter().all(|kind| shown.contains(kind)));
}

#[actix_web::test]
async fn in_schema_mode_each_deviation_is_a_client_fault_that_names_it_and_changes_nothing() {
    for (kind, request) in deviations() {
        let gateway = Gateway::documented_with(SCHEMA).await;
        gateway.lend("a").await;
        let before = gateway.phones().await;
        let reply = request.send(&gateway).await;
        assert_eq!(reply.status, 500, "{kind:?}: {}", reply.body);
        assert!(reply.body.contains(":Client<") || reply.body.contains(":Sender<"), "{}", reply.body);
        assert!(reply.body.contains(&format!("<f:reason>{}</f:reason>", kind.label())), "{kind:?}: {}", reply.body);
        assert!(reply.body.contains(kind.sentence()) && reply.body.contains(DETAIL_NAMESPACE), "{}", reply.body);
        assert_eq!(gateway.phones().await, before, "{kind:?}");
        assert_eq!(tolerated(&gateway), []);
    }
}

#[actix_web::test]
async fn in_lenient_mode_each_deviation_is_understood_and_counted_once() {
    for (kind, request) in deviations() {
        let gateway = Gateway::documented().await;
        gateway.lend("a").await;
        let reply = request.send(&gateway).await;
        assert_eq!(reply.status, 200, "{kind:?}: {}", reply.body);
        assert_eq!(tolerated(&gateway), [(kind, 1)], "{kind:?}");
    }
}

#[actix_web::test]
async fn what_is_described_passes_in_schema_mode_whatever_its_form() {
    let all = "<s:phoneNumber>1</s:phoneNumber><s:dnId>1</s:dnId><s:groupName/><s:enabled> 0 </s:enabled>";
    let some = "<s:phoneNumber>2</s:phoneNumber><s:dnId>2</s:dnId><s:enabled>true</s:enabled>";
    let typed = "<s:phone xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"x:string\" \
                 xmlns:x=\"http://www.w3.org/2001/XMLSchema\">";
    let header = "<soapenv:Header><h xmlns=\"urn:h\" soapenv:mustUnderstand=\"0\" a=\"b\"/></soapenv:Header>";
    for request in [
        Request::right(),
        Request::right().typed("text/xml"),
        Request::right().with("<soapenv:Header/>", ""),
        Request::right().with("<soapenv:Header/>", header),
        Request::right().with("<s:phone>", typed),
        Request::right().with("111", "<!-- c --><![CDATA[1]]>&#49;1"),
        Request::right().with("<soapenv:Body>", "<soapenv:Body x:Id=\"1\" xmlns:x=\"urn:x\">"),
        Request::right().with(SOAP11, SOAP12).typed("application/soap+xml").acting(None),
        Request::right().with(SOAP11, SOAP12).typed(&format!("application/soap+xml; action={FREE}")),
        Request::create(all),
        Request::create(some),
    ] {
        let gateway = Gateway::documented_with(SCHEMA).await;
        gateway.lend("a").await;
        let reply = request.send(&gateway).await;
        assert_eq!(reply.status, 200, "{}\n{}", request.envelope, reply.body);
    }
}

#[actix_web::test]
async fn who_is_not_let_in_does_not_learn_what_else_is_wrong() {
    let gateway = Gateway::documented_with(SCHEMA).await;
    let request = payload(AGENT, "GetDnisAllocation", &[("phone", "111")]);
    assert_eq!(gateway.soap(Who::Nobody, &request).await.outcome, "unauthorized");
}

#[actix_web::test]
async fn several_deviations_of_one_request_are_counted_each() {
    let gateway = Gateway::documented().await;
    let request = payload(AGENT, "GetDnisAllocation", &[("a", "1"), ("b", "2"), ("phone", "111")]);
    assert_eq!(gateway.soap(Who::Ivr, &request).await.status, 200);
    let kinds = [DeviationKind::ActionMissing, DeviationKind::PayloadName, DeviationKind::ExtraElement];
    assert_eq!(tolerated(&gateway), kinds.map(|kind| (kind, 1)));
}

#[actix_web::test]
async fn a_flood_of_elements_in_the_payload_is_refused() {
    let gateway = Gateway::documented().await;
    let flood = format!("<s:phone>111</s:phone>{}", "<a/>".repeat(256));
    let reply = Request::right().with("<s:phone>111</s:phone>", &flood).send(&gateway).await;
    assert!(reply.fault().contains("too many fields; 256 are allowed"));
    let most = format!("<s:phone>111</s:phone>{}", "<a/>".repeat(255));
    assert_eq!(Request::right().with("<s:phone>111</s:phone>", &most).send(&gateway).await.status, 200);
}

#[actix_web::test]
async fn with_qualified_fault_codes_wrong_credentials_are_a_client_fault_with_the_code_in_its_detail() {
    let gateway = Gateway::documented_with("[soap]\nfault_codes = 'qname'\n").await;
    let reply = gateway.soap(Who::Nobody, &payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")])).await;
    assert_eq!(reply.fault(), "Request is unauthorized, missing or wrong credentials");
    assert!(reply.body.contains("<faultcode>SOAP-ENV:Client</faultcode>"), "{}", reply.body);
    assert!(reply.body.contains("<f:reason>unauthorized</f:reason><f:code>0x7000000</f:code>"), "{}", reply.body);
    assert_eq!(reply.header("unauthenticated-reason"), Some("Request is unauthorized, missing or wrong credentials"));
}

#[actix_web::test]
async fn every_limit_of_the_configuration_reaches_the_guard_and_every_refusal_is_counted() {
    let nested = format!("{}{}", "<a>".repeat(20), "</a>".repeat(20));
    let attributes: String = (0..20).map(|number| format!(" a{number}='1'")).collect();
    let declarations: String = (0..20).map(|number| format!(" xmlns:a{number}='urn:{number}'")).collect();
    for (setting, label, inside) in [
        ("xml_depth = 10", "too_deep", nested.clone()),
        ("xml_elements = 16", "too_many_elements", nested),
        ("xml_attributes = 10", "too_many_attributes", format!("<a{attributes}/>")),
        ("xml_namespaces = 10", "too_many_namespaces", format!("<a{declarations}/>")),
        ("xml_name = 64", "name_too_long", format!("<{}/>", "a".repeat(65))),
        ("xml_text = 256", "text_too_long", "a".repeat(257)),
        ("body = 1024", "document_too_long", format!("<a>{}</a>", "a".repeat(1024))),
    ] {
        let text =
            Request::right().with("<soapenv:Header/>", &format!("<soapenv:Header><h>{inside}</h></soapenv:Header>"));
        let gateway = Gateway::documented().await;
        assert_eq!(text.send(&gateway).await.result(), "Phone number 111 was not found", "{label}");
        let gateway = Gateway::documented_with(&format!("[server.limits]\n{setting}\n")).await;
        let reply = text.send(&gateway).await;
        assert!(reply.body.contains(&format!("<f:reason>{label}</f:reason>")), "{label}: {}", reply.body);
        let counted = gateway.interact.tally().refused().filter(|(_, count)| *count > 0);
        let counted: Vec<_> = counted.map(|(reason, count)| (reason.label(), count)).collect();
        assert_eq!(counted, [(label, 1)]);
    }
}
