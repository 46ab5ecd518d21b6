//! Requests that are no envelopes, or wrong ones: refused in the right form, with nothing changed.

use actix_web::http::Method;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use super::{AGENT, DNIS, Gateway, Reply, Who, envelope, payload};
use crate::dialect::interact::{Endpoint, Rest, Service};
use crate::dialect::{Dialect, HttpRefusal, PublicAddress, sending};

/// Sends an envelope that would free `111` if it were right.
async fn refused(envelope: &str) -> Reply {
    let gateway = Gateway::documented().await;
    assert_eq!(gateway.lend("a").await, "111");
    let before = gateway.phones().await;
    let reply = gateway.soap_at("/dnis/soap", Who::Admin, "text/xml", envelope).await;
    assert_eq!(gateway.phones().await, before, "{envelope}");
    reply
}

fn free() -> String {
    envelope(&payload(DNIS, "FreeDnisAllocationRequest", &[("phone", "111")]))
}

#[actix_web::test]
async fn a_wrong_envelope_is_a_client_fault_and_frees_nothing() {
    let right = free();
    let one = payload(DNIS, "FreeDnisAllocationRequest", &[("phone", "111")]);
    let header = "<soapenv:Header/>";
    for (case, wrong) in [
        ("two payloads", right.replace(&one, &format!("{one}{one}"))),
        ("an empty body", right.replace(&one, "")),
        (
            "a header after the body",
            right.replace(header, "").replace("</soapenv:Body>", &format!("</soapenv:Body>{header}")),
        ),
        ("something after the body", right.replace("</soapenv:Body>", "</soapenv:Body><x/>")),
        ("text in the payload", right.replace("<s:phone>", "111<s:phone>")),
        ("another namespace", right.replace(DNIS, "urn:other")),
        ("no namespace", right.replace("s:FreeDnisAllocationRequest", "FreeDnisAllocationRequest")),
        ("another case", right.replace("FreeDnis", "freeDnis")),
        ("a response", right.replace("AllocationRequest", "AllocationResponse")),
        ("a document type", format!("<!DOCTYPE a>{right}")),
        ("a processing instruction", format!("<?a b?>{right}")),
        ("two roots", format!("{right}<a/>")),
        ("a cut document", right[..right.len() - 5].to_owned()),
        ("a control character", right.replace("111", "1&#1;11")),
        ("an unknown entity", right.replace("111", "&nbsp;111")),
        ("no XML", "phone=111".to_owned()),
        ("nothing", String::new()),
        ("another document", "<html/>".to_owned()),
        ("deep nesting", right.replace("111", &format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000)))),
    ] {
        let reply = refused(&wrong).await;
        assert!(!reply.fault().is_empty());
        assert!(reply.body.contains("<faultcode>SOAP-ENV:Client</faultcode>"), "{case}: {}", reply.body);
        assert_eq!((reply.outcome, reply.header("content-type")).1, Some("text/xml; charset=UTF-8"), "{case}");
    }
}

#[actix_web::test]
async fn a_version_or_a_header_that_is_not_known_has_its_own_fault() {
    let version = refused(&free().replace("http://schemas.xmlsoap.org/soap/envelope/", "urn:soap13")).await;
    assert!(version.body.contains("<faultcode>SOAP-ENV:VersionMismatch</faultcode>"), "{}", version.body);
    let block = "<soapenv:Header><w:Security xmlns:w='urn:w' soapenv:mustUnderstand='1'/></soapenv:Header>";
    let mandatory = refused(&free().replace("<soapenv:Header/>", block)).await;
    assert!(mandatory.body.contains("<faultcode>SOAP-ENV:MustUnderstand</faultcode>"), "{}", mandatory.body);
}

#[actix_web::test]
async fn another_media_type_is_refused_without_an_envelope() {
    let gateway = Gateway::documented().await;
    for content_type in ["application/json", "text/plain", "multipart/mixed", ""] {
        let reply = gateway.soap_at("/agent/soap", Who::Admin, content_type, &free()).await;
        assert_eq!(reply.status, 415, "{content_type}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert!(reply.body.contains("text/xml"), "{}", reply.body);
    }
    let none = gateway.send(Method::POST, "/agent/soap", Who::Admin.headers(), free()).await;
    assert_eq!(none.status, 415);
    for (second, status) in [("text/plain", 415), ("text/xml", 200)] {
        let twice = [Who::Admin.headers(), &[("Content-Type", "text/xml"), ("Content-Type", second)]].concat();
        assert_eq!(gateway.send(Method::POST, "/agent/soap", &twice, free()).await.status, status, "{second}");
    }
}

#[actix_web::test]
async fn a_blocked_source_gets_no_envelope() {
    let gateway = Gateway::documented().await;
    let request = payload(AGENT, "FreeDnisAllocationRequest", &[("phone", "111")]);
    let get = payload(AGENT, "GetDnisAllocationRequest", &[("phone", "111")]);
    assert_eq!(gateway.soap(Who::Ivr, &get).await.status, 200);
    for _ in 0..10 {
        assert_eq!(gateway.soap(Who::Intruder, &request).await.outcome, "unauthorized");
    }
    let blocked = gateway.soap(Who::Intruder, &request).await;
    assert_eq!((blocked.status, blocked.header("content-type")), (429, Some("text/plain; charset=utf-8")));
    assert!(blocked.header("retry-after").is_some());
    assert!(!blocked.body.contains('<'), "{}", blocked.body);
    assert_eq!(gateway.soap(Who::Ivr, &get).await.status, 200, "its key was used from here before");
    assert_eq!(gateway.soap(Who::Admin, &request).await.status, 429, "a right password that was not");
}

#[actix_web::test]
async fn what_the_server_refuses_gets_the_form_of_its_endpoint() {
    let gateway = Gateway::with("");
    let mut headers = HeaderMap::new();
    let soap = Endpoint::Soap(Service::Agent);
    let rest = Endpoint::Rest(Rest::Create);
    let refuse = |headers: &HeaderMap, endpoint: Option<&Endpoint>, refusal: HttpRefusal| {
        let path = if endpoint.is_none() { "/interact/version/2/dnis/soap" } else { "/interact/version/2/dnis" };
        let (origin, settings) = (PublicAddress::http("gateway"), gateway.live.current());
        let head = sending::head((&Method::POST, path, ""), headers, &origin, &settings);
        Reply::of(gateway.interact.refuse(endpoint, &head, refusal))
    };
    for endpoint in [Some(&soap), Some(&rest), None] {
        for (refusal, status) in [
            (HttpRefusal::BodyTooLarge { limit: 65_536 }, 413),
            (HttpRefusal::ContentCoding, 415),
            (HttpRefusal::BodyUnreadable, 400),
            (HttpRefusal::Crowded, 503),
        ] {
            let reply = refuse(&headers, endpoint, refusal);
            assert_eq!((reply.status, reply.header("content-type")), (status, Some("text/plain; charset=utf-8")));
        }
    }
    let text = "Internal error: the gateway failed on this request; its log says why";
    let panicked = refuse(&headers, Some(&rest), HttpRefusal::Panicked);
    assert_eq!((panicked.status, panicked.body.trim_end()), (500, text));
    for endpoint in [Some(&soap), None] {
        let panicked = refuse(&headers, endpoint, HttpRefusal::Panicked);
        assert_eq!(panicked.fault(), text);
        assert!(panicked.body.contains("<faultcode>SOAP-ENV:Server</faultcode>"));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/soap+xml"));
    let panicked = refuse(&headers, Some(&soap), HttpRefusal::Panicked);
    assert!(panicked.body.contains("env:Receiver") && panicked.body.contains(text), "{}", panicked.body);
}

#[actix_web::test]
async fn a_text_for_people_ends_its_line_and_one_that_the_vendor_documents_is_as_documented() {
    let gateway = Gateway::documented().await;
    gateway.lend("visit").await;
    let lend = r#"{"group":"none","id":"x"}"#;
    for (reply, status, ends) in [
        (gateway.get(Who::Ivr, "/nothing").await, 404, true),
        (gateway.send(Method::DELETE, "/dnis", Who::Admin.headers(), "").await, 405, true),
        (gateway.post(Who::Admin, "/dnis", "{}").await, 400, false),
        (gateway.post(Who::Admin, "/dnis", "x").await, 400, true),
        (gateway.soap_at("/agent/soap", Who::Admin, "text/plain", "").await, 415, true),
        (gateway.get(Who::Ivr, "/dnis/allocate/get/999").await, 404, false),
        (gateway.post(Who::Admin, "/dnis", r#"{"phoneNumber":"111","dnId":"1"}"#).await, 409, false),
        (gateway.post(Who::Web, "/dnis/allocate/new", lend).await, 403, false),
        (gateway.get(Who::Ivr, "/dnis/allocate/get/111").await, 200, false),
    ] {
        assert_eq!((reply.status, reply.body.ends_with('\n')), (status, ends), "{reply:?}");
    }
}
