//! SOAP as its clients and operators meet it: connections, the page and the descriptions, what the metrics tell.

use dnis_gateway::config::Validation;
use reqwest::Method;

use crate::callers::{DNIS_KEY, TENANT, envelope, send};
use crate::gateway::Gateway;
use crate::raw::Wire;

const PATH: &str = "/interact/version/2/agent/soap";

fn get() -> String {
    envelope("<a:GetDnisAllocationRequest><a:phone>111</a:phone></a:GetDnisAllocationRequest>")
}

fn head(version: &str, more: &str, length: usize) -> String {
    format!(
        "POST {PATH} HTTP/{version}\r\nHost: x\r\nTenant-Id: {TENANT}\r\nApplication-Key: {DNIS_KEY}\r\n\
         Content-Type: text/xml\r\n{more}Content-Length: {length}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_serves_many_envelopes_and_goes_on_after_a_fault() {
    let gateway = Gateway::demo().start().await;
    gateway.caller().allocate("holder", "samples").await;
    for (version, more) in [("1.1", ""), ("1.0", "Connection: keep-alive\r\n")] {
        let mut wire = Wire::to(gateway.address()).await;
        for (body, status, text) in [(get(), 200, "holder"), ("<x/>".into(), 500, ""), (get(), 200, "holder")] {
            wire.send(head(version, more, body.len()) + &body).await;
            let reply = wire.reply().await.unwrap();
            assert_eq!((reply.status, reply.element("result").as_str()), (status, text), "HTTP/{version}: {reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_waits_for_100_continue_before_its_envelope_is_told_to_go_on() {
    let gateway = Gateway::demo().start().await;
    gateway.caller().allocate("holder", "samples").await;
    let mut wire = Wire::to(gateway.address()).await;
    wire.send(head("1.1", "Expect: 100-continue\r\n", get().len())).await;
    assert_eq!(wire.reply().await.unwrap().status, 100);
    wire.send(get()).await;
    assert_eq!(wire.reply().await.unwrap().element("result"), "holder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_and_both_descriptions_tell_the_address_behind_a_proxy() {
    let proxied = dnis_gateway::config::Settings::from_toml("[server]\ntrusted_proxies = [\"127.0.0.0/8\"]").unwrap();
    let gateway = Gateway::demo().with(|it| it.server.trusted_proxies = proxied.server.trusted_proxies).start().await;
    for (query, media_type) in
        [("", "text/html; charset=utf-8"), ("?wsdl", "text/xml; charset=UTF-8"), ("?wsdl12", "text/xml; charset=UTF-8")]
    {
        let request = gateway.caller().request(Method::GET, &format!("{PATH}{query}"));
        let request = request.header("X-Forwarded-Host", "[2001:db8::7]:8443").header("X-Forwarded-Proto", "https");
        let reply = send(request.header("X-Forwarded-Prefix", "/numbers")).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, media_type));
        assert!(reply.text().contains(&format!("https://[2001:db8::7]:8443/numbers{PATH}")), "{reply:?}");
        let head = send(gateway.caller().request(Method::HEAD, &format!("{PATH}{query}"))).await;
        assert_eq!((head.status, head.header("content-type"), head.body.len()), (200, media_type, 0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_tell_what_was_refused_and_what_was_tolerated() {
    let gateway = Gateway::demo().start().await;
    let caller = gateway.caller();
    assert_eq!(send(caller.envelope("<!DOCTYPE a><a/>")).await.status, 500);
    assert_eq!(send(caller.envelope(get().replace("GetDnisAllocationRequest", "GetDnisAllocation"))).await.status, 200);
    let text = gateway.admin("/metrics").await.text();
    for line in [
        "dnis_gateway_xml_refused_total{reason=\"dtd\"} 1",
        "dnis_gateway_xml_refused_total{reason=\"too_deep\"} 0",
        "dnis_gateway_soap_tolerated_total{reason=\"payload_name\"} 1",
        "dnis_gateway_soap_tolerated_total{reason=\"soap_action_missing\"} 1",
        "dnis_gateway_soap_tolerated_total{reason=\"encoding_style\"} 0",
    ] {
        assert!(text.lines().any(|known| known == line), "no {line} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schema_mode_holds_over_the_wire() {
    let gateway = Gateway::demo().with(|settings| settings.soap.validation = Validation::Schema).start().await;
    let action = "\"http://com/jacada/interact/agent/soap/GetDnisAllocation\"";
    let right = gateway.caller().envelope(get()).header("SOAPAction", action);
    assert_eq!(send(right).await.status, 200);
    let reply = send(gateway.caller().envelope(get())).await;
    assert_eq!((reply.status, reply.element("reason").as_str()), (500, "soap_action_missing"), "{reply:?}");
    assert_eq!(reply.element("expected"), action.trim_matches('"'));
}
